"""The button that opens a record or a checkpoint; what it opens can be dropped as well."""

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from core.files import is_file
from core.paths import RUNS
from gui.rich_text import rich

TITLE = "Open a record of watch, a checkpoint or a program"
KINDS = "Records, checkpoints and programs (*.watch.json *.safetensors *.py *.ipynb);;All (*)"
NO_FILE = "That can't be opened; drop a record, a checkpoint or a program of this computer."
HELP = (
    "A record that glassbox.watch wrote (*.watch.json, among the runs), while its loop goes on or"
    " later; a checkpoint, to be examined; or a script or notebook of yours, to be run and watched."
    " Each can also be dropped here. Ctrl+O asks for one, too."
)


class OpenButton(QPushButton):
    """Asks for a file."""

    chosen = Signal(object)
    """The path of a file."""
    refused = Signal(str)
    """What was dropped is no file, in a sentence."""

    def __init__(self) -> None:
        super().__init__("Open\u2026")
        self.setObjectName("openRecord")
        self.setProperty("role", "link")
        self.setAccessibleName("Open a record, a checkpoint or a program")
        self.setToolTip(rich(HELP))
        self.setShortcut(QKeySequence.StandardKey.Open)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(self._ask)

    def _ask(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, TITLE, str(RUNS), KINDS)
        if name:
            self.chosen.emit(Path(name))

    def take_drops(self, where: QWidget) -> None:
        """Take files that are dropped on a widget, too."""
        where.setAcceptDrops(True)
        where.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what is dropped, while the button could be pressed."""
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
            if self.isEnabled():
                self._take(event)
            return True
        if isinstance(event, QDragEnterEvent) and event.type() == QEvent.Type.DragEnter:
            if event.mimeData().hasUrls() and self.isEnabled():
                event.acceptProposedAction()
            return True
        return super().eventFilter(watched, event)

    def _take(self, event: QDropEvent) -> None:
        urls = event.mimeData().urls()
        path = Path(urls[0].toLocalFile()) if urls and urls[0].isLocalFile() else None
        if path is not None and is_file(path):
            self.chosen.emit(path)
        else:
            self.refused.emit(NO_FILE)
