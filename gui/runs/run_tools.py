"""What of the runs is looked at: words, a playground, starred only; and what comes in."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QDropEvent, QKeySequence
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QWidget,
)

from gui.inputs import ComboBox
from gui.rich_text import rich

ALL = "All playgrounds"
ZIP_HELP = (
    "Bring in a run that was exported as a zip, here or on another machine. It is read and checked"
    " first; a zip can also be dropped on the page."
)


class RunTools(QWidget):
    """A row of controls above the table."""

    changed = Signal(str, str, bool)
    """What is to be seen: words, a playground ("" for all), starred only."""
    zipChosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.words = QLineEdit()
        self.words.setObjectName("runFilter")
        self.words.setAccessibleName("Words to find runs by")
        self.words.setPlaceholderText("Filter: a name, a note, a model, a state…")
        self.words.setClearButtonEnabled(True)
        self.words.setFixedWidth(290)
        clear = self.words.findChild(QToolButton)
        assert clear is not None
        clear.setObjectName("clearRunFilter")
        clear.setAccessibleName("Look at all runs")
        clear.setToolTip("<p>Look at all runs again.</p>")
        self.words.setToolTip(
            "<p>Every word has to be in a run's name, note, model, playground or state. Ctrl+F"
            " comes here.</p>"
        )
        self.playground = ComboBox()
        self.playground.setObjectName("runPlayground")
        self.playground.setAccessibleName("Playground of the runs")
        self.playground.setToolTip("<p>Show the runs of one playground.</p>")
        self.playground.addItem(ALL, "")
        self.starred = QCheckBox("Starred only")
        self.starred.setObjectName("runStarred")
        self.starred.setToolTip("<p>Show the runs that you starred.</p>")
        self.bring = QPushButton("Import zip…")
        self.bring.setObjectName("importRun")
        self.bring.setToolTip(rich(f"{ZIP_HELP} Ctrl+O asks for one, too."))
        self.bring.setShortcut(QKeySequence.StandardKey.Open)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        for widget in (self.words, self.playground, self.starred):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.bring)
        self.words.textChanged.connect(lambda text: self._tell())
        self.playground.currentIndexChanged.connect(lambda index: self._tell())
        self.starred.toggled.connect(lambda on: self._tell())
        self.bring.clicked.connect(self._ask)

    def set_playgrounds(self, names: Sequence[str]) -> None:
        """Offer these; what is chosen stays, if it is among them."""
        known = [self.playground.itemData(i) for i in range(1, self.playground.count())]
        if known == list(names):
            return
        chosen = self.playground.currentData()
        self.playground.blockSignals(True)
        self.playground.clear()
        self.playground.addItem(ALL, "")
        for name in names:
            self.playground.addItem(name[:1].upper() + name[1:], name)
        self.playground.setCurrentIndex(max(0, self.playground.findData(chosen)))
        self.playground.blockSignals(False)
        self._tell()

    def _tell(self) -> None:
        playground = str(self.playground.currentData())
        self.changed.emit(self.words.text(), playground, self.starred.isChecked())

    def _ask(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Bring in a run", "", "Runs (*.zip)")
        if name:
            self.zipChosen.emit(Path(name))


FOLDERS = {
    "tensorboard": "A folder for TensorBoard's files",
    "huggingface": "A folder for the network's",
}
"""Ways to export that write several files, and what is asked for then."""


def ask_where(parent: QWidget, name: str, way: str) -> Path | None:
    """Ask where a run goes: a file, or the folder in which several files get one."""
    if way in FOLDERS:
        folder = QFileDialog.getExistingDirectory(parent, FOLDERS[way])
        return Path(folder) / name if folder else None
    dialog = QFileDialog(parent, "Export the run", f"{name}.{way}", f"{way.upper()} (*.{way})")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(way)  # before it asks whether to overwrite
    return Path(dialog.selectedFiles()[0]) if dialog.exec() else None


def dropped_zip(event: QDropEvent) -> Path | None:
    """Return the zip that is dropped or dragged in; None if it is something else."""
    local = [Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()]
    return next((path for path in local if path.suffix.lower() == ".zip"), None)
