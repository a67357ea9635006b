"""Where the network that answers on a page comes from: shipped, a run, a file, or training."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core import paths
from core.runs.folder import BEST, LAST, title_of
from core.telemetry.events import Failed, Finished, Loaded, Started, Stopped
from gui.session import Session
from gui.session_state import State

SHIPPED = "the shipped network"
NONE = "no network yet"


class NetworkSource(QObject):
    """Follows a session's network.

    Attributes:
        words: what it is, in a few words.
        in_training: whether it is the one that is being trained.
        note: what is to be known about a network of another program; "" for none.
    """

    changed = Signal()
    path_changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.words = NONE
        self._session = session
        self._title = ""
        """What another program's network is called."""
        self.note = ""
        self.in_training = False
        session.loaded.connect(self._on_loaded)
        session.started.connect(self._on_started)
        session.weights_changed.connect(self._describe)
        session.state_changed.connect(lambda state: self._describe())
        session.ended.connect(self._on_ended)

    @property
    def foreign(self) -> bool:
        """Whether it is another program's, as it came."""
        return bool(self._title)

    @property
    def step(self) -> int | None:
        """How many steps it has learned for; None while there is no network."""
        weights = self._session.weights
        return None if weights is None else weights.step

    @property
    def path(self) -> Path | None:
        """The file of its weights; None while they are in no file."""
        return self._session.file

    def _on_started(self, event: Started) -> None:
        self._title = self.note = ""
        self._follow(True)

    def _on_loaded(self, event: Loaded) -> None:
        self._title = str(event.about.get("title", ""))
        self.note = str(event.about.get("note", "")) if self._title else ""
        self._follow(False)

    def _on_ended(self, event: Finished | Stopped | Failed) -> None:
        self._follow(False)

    def _follow(self, in_training: bool) -> None:
        self.in_training = in_training
        self.path_changed.emit()
        self._describe()

    def _describe(self) -> None:
        words = self._in_words()
        if words != self.words:
            self.words = words
            self.changed.emit()

    def _in_words(self) -> str:
        return NONE if self.step is None else self.words_at(self.step)

    def words_at(self, number: int) -> str:
        """Name the network at a step: one that is trained is ahead of the copy that is here."""
        step = f"step {number:,}"
        if self.in_training:
            paused = ", paused" if self._session.state is State.PAUSED else ""
            return f"in training, {step}{paused}"
        if self.path is None:
            return f"{step} of a run that was not kept"
        if self.path == self._session.starter:
            return SHIPPED
        if self.path.name in (LAST, BEST) and self.path.parent.parent == paths.RUNS:
            return f"run {title_of(self.path)}, {step}"
        if self._title:
            return self._title
        return f"{self.path.name}, {step}"
