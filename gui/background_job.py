"""What the doctor is busy with, as the screen knows it: how far it is, and what comes of it.

An examination and the case are both consultations; the worker does them one after another.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from core.telemetry.events import ENDINGS, Failed, Metrics, Started
from core.telemetry.history import History
from core.telemetry.mailbox import Mailbox
from core.training.control import Control
from gui.worker import Job, Worker

FRAME = 120  # milliseconds between two looks into the mailbox
ENDED_EARLY = "The examination ended without a word; look into the terminal for the reason."


class Stage(Enum):
    """Where a consultation stands."""

    IDLE = "nothing goes on"
    """Nothing was asked for, or all that was is done."""
    WAITING = "waits its turn"
    """The worker does something else yet, or data and model are being made."""
    TRAINING = "trains and watches"
    """The network is trained, and looked at."""
    TRYING = "tries things on copies"
    """The run is over; experiments go on."""
    STOPPING = "comes to an end"
    """It was told to stop."""
    CLOSED = "is over"
    """The window is gone."""

    @property
    def running(self) -> bool:
        """Whether a consultation is under way."""
        return self not in (Stage.IDLE, Stage.CLOSED)


class BackgroundJob(QObject):
    """Has the worker do a job of the doctor's, and hands on what comes of it."""

    stage_changed = Signal(object)
    started = Signal(object)
    told = Signal(str, float)
    """What is being done, in words, and the share of the whole that is done."""
    diagnosed = Signal(object)
    ended = Signal(object)
    frame = Signal()
    """All that came since the last look was handed on: time to draw."""

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stage = Stage.IDLE
        self.info: Started | None = None
        self.history = History()
        self._worker = worker
        self._control = Control()
        self._mailbox: Mailbox | None = None
        self._ears: dict[type, Callable[[Any], object]] = {
            Started: self._on_started,
            Metrics: self._on_metrics,
        }
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME)
        self._timer.timeout.connect(self._pull)

    def _go(self, job: Job) -> None:
        """Queue a job that heeds ``_control``, and listen to it."""
        self.info, self.history = None, History()
        self._enter(Stage.WAITING)
        self._mailbox = self._worker.do(job)
        self._timer.start()

    def stop(self) -> None:
        """End here; the doctor says what it knows."""
        if not self.stage.running:
            return
        self._tell_to_stop()
        if self.stage is Stage.WAITING:
            # The worker may be busy for long; its turn will find nothing to do.
            self._forget()
            self._enter(Stage.IDLE)
        else:
            self._enter(Stage.STOPPING)

    def _tell_to_stop(self) -> None:
        self._control.stop()

    def abandon(self) -> None:
        """End at once, for a window that closes."""
        self._control.stop(abandon=True)
        self._forget()
        self._enter(Stage.CLOSED)

    def _forget(self) -> None:
        self._timer.stop()
        self._mailbox = None

    def _enter(self, stage: Stage) -> None:
        if stage is not self.stage:
            self.stage = stage
            self.stage_changed.emit(stage)

    def _pull(self) -> None:
        if self._mailbox is None:
            return
        closed = self._mailbox.closed  # asked first: what is drained after it is all there was
        events = self._mailbox.drain()
        ending: object = None
        for event in events:
            self.history.add(event)
            if isinstance(event, ENDINGS):
                ending = event
            elif hear := self._ears.get(type(event)):
                hear(event)
        if ending is None and closed:
            ending = Failed(0, ENDED_EARLY)
        if ending is not None:
            self._forget()
            self._enter(Stage.IDLE)
            self.ended.emit(ending)
        self.frame.emit()

    def _on_started(self, event: Started) -> None:
        self.info = event
        if self.stage is Stage.WAITING:
            self._enter(Stage.TRAINING)
        self.started.emit(event)

    def _on_metrics(self, event: Metrics) -> None:
        """Tell how far it is."""
