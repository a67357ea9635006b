"""The card in which the data is chosen: what is shipped, or the full set, here or fetched."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QProgressBar, QPushButton, QWidget

from core.telemetry.events import Failed, Fetched, Progress
from gui.session import Session, State
from gui.widgets.card import Card, label, say


class DataCard(Card):
    """Bundled data or the full set; the full one can be fetched, with progress and cancel.

    Args:
        session: whose data is chosen.
        bundled, full: the names of the two on the screen.
        held: whether the session's data folder has the full set.
    """

    fetch_started = Signal()

    def __init__(
        self,
        session: Session,
        bundled: str,
        full: str,
        held: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("What shall it learn from?", parent)
        self._session = session
        self._folder: Path | None = session.data if held else None
        self.box = QComboBox()
        self.box.setObjectName("dataBox")
        self.box.setAccessibleName("Data")
        self.box.addItems([bundled, full])
        self.box.setCurrentIndex(0 if self._folder is None else 1)
        self.box.setToolTip(
            "<p>The bundled data needs no network and trains in a minute. More data makes a"
            " network that errs less, in about three.</p>"
        )
        self.box.activated.connect(self._choose)
        self.words = label("", "small", wrap=True)
        self.words.setObjectName("dataMessage")
        self.words.hide()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.cancel = QPushButton("Cancel")
        self.cancel.setObjectName("cancelDownload")
        self.cancel.setToolTip("<p>Give up the download; nothing half-written is left.</p>")
        self.cancel.clicked.connect(session.cancel_fetch)
        self._row = QWidget()
        row = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel)
        self._row.hide()
        for widget in (self.box, self.words, self._row):
            self.body.addWidget(widget)
        session.state_changed.connect(self._on_state)
        session.progressed.connect(self._on_progress)
        session.fetched.connect(self._on_fetched)
        session.fetch_failed.connect(self._on_failed)

    def _choose(self, index: int) -> None:
        say(self.words, "")
        if index == 0:
            self._session.data = None
        elif self._folder is not None:
            self._session.data = self._folder
        else:
            self.fetch_started.emit()
            self._session.fetch()

    def _on_progress(self, event: Progress) -> None:
        self._row.show()
        say(self.words, event.words, "small")
        self.bar.setValue(round(1000 * event.share))

    def _on_fetched(self, event: Fetched) -> None:
        self._row.hide()
        say(self.words, "")
        self._folder = self._session.data = Path(event.folder)

    def _on_failed(self, event: Failed) -> None:
        self._row.hide()
        self.box.setCurrentIndex(0)
        say(self.words, event.sentence, "small")

    def _on_state(self, state: State) -> None:
        self.box.setEnabled(state is State.READY)
