"""The card in which the data is chosen: what is shipped, the full set, or a file of one's own."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QWidget

from core.files import is_file, is_folder
from core.telemetry.events import DataDescribed, Failed, Progress
from gui.inputs import ComboBox
from gui.session import Session
from gui.session_state import State
from gui.widgets.buttons import identified, progress_bar, push_button
from gui.widgets.card import Card, label, say

BUNDLED, FULL, OWN = range(3)
NO_FILE = "This can't be used as data; drop a text file that lies on this computer."


class DataCard(Card):
    """Bundled data or the full set, which can be fetched; a file of one's own where that can be.

    Args:
        session: whose data is chosen.
        bundled, full: the names of the two on the screen.
        held: whether the session's data folder has the full set.
        own: the words for a file of one's own; "" where the playground reads none.
        is_own: tells whether a folder is one of one's own texts; None where none are taken.
    """

    fetch_started = Signal()

    def __init__(
        self,
        session: Session,
        bundled: str,
        full: str,
        held: bool,
        own: str = "",
        is_own: Callable[[Path], bool] | None = None,
    ) -> None:
        super().__init__("Dataset")
        self._session = session
        self._folder: Path | None = session.data if held else None
        self._own = own
        self._is_own = is_own
        self._shown = BUNDLED if self._folder is None else FULL
        what = "A file or a folder of texts" if is_own else "A file"
        help = "The bundled data needs no network and trains in a minute. More data makes a"
        help += " network with fewer errors, and takes longer."
        help += f" {what} can also be dropped here." if own else ""
        self.box = identified(ComboBox(), "dataBox", "Data", help)
        self.box.addItems([bundled, full, *([own] if own else [])])
        self.box.setCurrentIndex(self._shown)
        self.box.setSizeAdjustPolicy(
            ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.box.activated.connect(self._choose)
        self.words = label("", "small", wrap=True)
        self.words.setObjectName("dataMessage")
        self.words.hide()
        self.bar = progress_bar("dataProgress", "Progress of the data")
        self.cancel = push_button(
            "cancelDownload", "Cancel", "Cancel; nothing half-written is left."
        )
        self.cancel.clicked.connect(session.cancel)
        self._row = QWidget()
        row = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel)
        self._row.hide()
        for widget in (self.box, self.words, self._row):
            self.body.addWidget(widget)
        self.setAcceptDrops(bool(own))
        session.state_changed.connect(self._on_state)
        session.progressed.connect(self._on_progress)
        session.data_chosen.connect(self._on_chosen)
        session.data_failed.connect(self._on_failed)
        session.started.connect(lambda event: self._settle())
        session.ended.connect(lambda event: self._settle())

    def _choose(self, index: int) -> None:
        say(self.words, "")
        if index == BUNDLED:
            self._session.choose_data(None)
        elif index == OWN:
            self._ask_file()
        elif self._folder is not None:
            self._session.choose_data(self._folder)
        else:
            self.fetch_started.emit()
            self._session.fetch()

    def _ask_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, self._own, "", "Text (*.txt *.md *.text);;All (*)"
        )
        if name:
            self._session.choose_data(Path(name))
        else:
            self.box.setCurrentIndex(self._shown)

    def _on_progress(self, event: Progress) -> None:
        self._row.show()
        say(self.words, event.words, "small")
        self.bar.setValue(round(1000 * event.share))

    def _settle(self) -> None:
        """What was waited for is there, or will not come."""
        if self._row.isVisible():
            self._row.hide()
            say(self.words, "")

    def _on_chosen(self, event: DataDescribed) -> None:
        """Name what is trained on now."""
        self._row.hide()
        say(self.words, "")
        source = self._session.data
        if source is None:
            self._shown = BUNDLED
        elif source.is_file() or (self._is_own and self._is_own(source)):
            self._shown = OWN
        else:
            self._shown, self._folder = FULL, source
        if self._own:
            own = f"{source.name} …" if source and self._shown == OWN else self._own
            self.box.setItemText(OWN, own)
        self.box.setCurrentIndex(self._shown)

    def _on_failed(self, event: Failed) -> None:
        self._row.hide()
        self.box.setCurrentIndex(self._shown)
        say(self.words, event.sentence, "fault")

    def _on_state(self, state: State) -> None:
        self.box.setEnabled(state is State.READY)
        if state is State.FETCHING:  # it can be cancelled before anything has come, too
            self._row.show()
            self.bar.setValue(0)
            say(self.words, "Connecting\u2026", "small")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a file."""
        if event.mimeData().hasUrls() and self.box.isEnabled():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Train on the file that was dropped."""
        if event.type() != QEvent.Type.Drop:
            return
        url = event.mimeData().urls()[0]
        path = Path(url.toLocalFile())
        folder = is_folder(path) and self._is_own is not None and self._is_own(path)
        if url.isLocalFile() and (is_file(path) or folder):
            self._session.choose_data(path)
        else:
            say(self.words, NO_FILE, "fault")
