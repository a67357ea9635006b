"""What can be done with one run: open it, resume it, take it elsewhere, delete it."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QGridLayout, QMenu, QPushButton, QWidget

from core.runs.library import Entry
from gui.rich_text import rich
from gui.runs.run_text import is_loop
from gui.theme import GAP
from gui.widgets.buttons import push_button

RESUMABLE = ("stopped", "interrupted")
WAYS = {
    "zip": ("Zip, to open it on another machine…", "The whole record in one file."),
    "csv": ("CSV, the curves as a table…", "A row for each step that something is known of."),
    "tensorboard": ("TensorBoard…", "Event files, in a folder that TensorBoard is pointed at."),
    "huggingface": (
        "Hugging Face, the network…",
        "A new folder with model.safetensors and config.json, as GPT-2 has them; for a gpt with"
        " learned positions.",
    ),
}


class RunButtons(QWidget):
    """The buttons; ``export`` has a menu to which pictures can be added."""

    openAsked = Signal()
    resumeAsked = Signal()
    deleteAsked = Signal()
    exportAsked = Signal(str)
    """The run is wanted for another program, in this way."""

    def __init__(self) -> None:
        super().__init__()
        self.open = self._button("openRun", "Open", "", self.openAsked)
        self.open.setProperty("role", "primary")
        self.resume = self._button(
            "goOnRun",
            "Resume",
            "Do what is left of it, from its last checkpoint: with the same data on a CPU it ends"
            " with the weights of a run that was never interrupted.",
            self.resumeAsked,
        )
        help = "Put it away. The Delete key does the same; it can be undone."
        self.delete = self._button("deleteRun", "Delete", help, self.deleteAsked)
        self.export = self._button("exportRun", "Export…", "Take it to another program.")
        self.menu = QMenu(self.export)
        self.menu.setObjectName("exportMenu")
        self.menu.setToolTipsVisible(True)
        self._ways: dict[str, QAction] = {}
        for way, (title, help) in WAYS.items():
            action = QAction(title, self.menu)
            action.setObjectName(f"export_{way}")
            action.setToolTip(rich(help))
            action.triggered.connect(lambda checked=False, way=way: self.exportAsked.emit(way))
            self.menu.addAction(action)
            self._ways[way] = action
        self.export.setMenu(self.menu)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GAP)
        grid.addWidget(self.open, 0, 0, 1, 3)
        for column, button in enumerate((self.resume, self.export, self.delete)):
            grid.addWidget(button, 1, column)
            grid.setColumnStretch(column, 1)

    def _button(self, name: str, words: str, help: str, signal: Any = None) -> QPushButton:
        button = push_button(name, words, help)
        if signal is not None:
            button.clicked.connect(signal)
        return button

    def show_entry(self, entry: Entry) -> None:
        """Offer what can be done with this run as it stands."""
        loop = is_loop(entry)
        page = "doctor's" if loop else entry.playground.capitalize()
        help = (
            "Look at its loss and at what the doctor said."
            if loop
            else "Play with its best weights, and take its recipe for the next run."
        )
        self.open.setText(f"Open on the {page} page")
        self.open.setToolTip(rich(f"{help} Enter on its row does the same."))
        self.resume.setVisible(entry.state in RESUMABLE)
        self._ways["zip"].setVisible(not loop)  # it is one file already
        self.delete.setEnabled(entry.state != "running")
