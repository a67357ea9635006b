"""A background job as the GUI thread follows it: from the worker's queue to its one ending.

Nothing is pushed from the worker's thread: a timer drains the job's mailbox, at a pace at which
drawing what came stays a small share of the time.
"""

import time
from enum import Enum

from PySide6.QtCore import QObject, QTimer, Signal

from core.telemetry.events import ENDINGS, Started
from core.training.control import Control
from gui.worker import NOT_BEGUN, Job, Task, Worker

STOPPING = "Stopping…"
"""What stands beside a job's Stop at once; a step, or what is measured, may take seconds yet."""
FRAME = 0.1  # seconds between two looks into the mailbox, where drawing is cheap
SLOWEST = 0.5  # seconds between them at most
SHARE = 0.03  # of the wall clock at most is the screen's, while a job goes on


class Stage(Enum):
    """Where a job stands."""

    IDLE = "idle"
    """Nothing was asked for, or all that was is done."""
    WAITING = "waiting"
    """The worker does something else yet, or data and model are being made."""
    TRAINING = "training"
    """A network is trained."""
    TRYING = "experiments"
    """The training is over; experiments go on (a job of the doctor's)."""
    STOPPING = "stopping"
    """It was asked to stop."""
    CLOSED = "closed"
    """The window is closed."""

    @property
    def running(self) -> bool:
        """Whether a job is under way."""
        return self not in (Stage.IDLE, Stage.CLOSED)


class BackgroundJob(QObject):
    """Has the worker do one job at a time, and passes on its events as they came.

    Args:
        worker: does it.
        parent: who holds this.
        title: what others that wait for it are told, such as "Digits".
        quick: whether it is done between two steps of whatever is trained.
    """

    stage_changed = Signal(object)
    received = Signal(object)
    """An event, in the order in which they came; not the ending."""
    frame = Signal()
    """All that came since the last time was passed on: time to draw."""
    waiting_changed = Signal(str)
    """Which jobs it waits for, in a sentence; "" for none."""
    ended = Signal(object)
    """Once for each start: Finished, Stopped or Failed; None where a job has no such event."""

    def __init__(
        self, worker: Worker, parent: QObject, title: str = "a job", quick: bool = False
    ) -> None:
        super().__init__(parent)
        self.stage = Stage.IDLE
        self.control = Control()
        self._worker = worker
        self.waits_for = ""
        """Which jobs it waits for, in a sentence; "" for none."""
        self._title, self._quick = title, quick
        self._task: Task | None = None
        self._ending: object = None
        self._drained = (0.0, 0.0)  # when it last was: wall clock, and this thread's own time
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._drain)

    def start(self, job: Job, paused: bool = False) -> None:
        """Queue a job; one that is under way is abandoned, and nothing more comes of it.

        Args:
            job: what to do.
            paused: pause before its first step.
        """
        if self.stage is Stage.CLOSED:
            return
        if self._task is not None:
            self._give_up()
        self.control = Control(paused)
        self._ending = None
        self._task = self._worker.do(job, self.control, self._title, self._quick)
        self._say_waiting(self._worker.waits_for(self._task))
        self.enter(Stage.WAITING)
        self._timer.start(0)

    def stop(self, *, abandon: bool = False) -> None:
        """End the job at its next step, or at once where it has not begun.

        Args:
            abandon: evaluate nothing at the end.
        """
        self.control.stop(abandon)
        if self._task is None or self.stage is Stage.STOPPING:
            return
        if self._worker.withdraw(self._task):
            self._end(NOT_BEGUN)
        else:
            self.enter(Stage.STOPPING)

    def run_now(self) -> None:
        """Go on at once; the job that has the turn keeps its place behind this one."""
        if self._task is not None:
            self._worker.run_now(self._task)

    def drop(self) -> None:
        """Abandon what is under way, without an ending: nothing more comes of it."""
        if self._task is not None:
            self._give_up()
            self._say_waiting("")
            self.enter(Stage.IDLE)

    def abandon(self) -> None:
        """End the job for a window that closes; nothing more comes of it."""
        self._give_up()
        self.enter(Stage.CLOSED)

    def enter(self, stage: Stage) -> None:
        """Be at another stage; those within a job are its owner's to tell."""
        if stage is not self.stage:
            self.stage = stage
            self.stage_changed.emit(stage)

    def _give_up(self) -> None:
        self.control.stop(abandon=True)
        self._timer.stop()
        if self._task is not None:
            self._worker.withdraw(self._task)
            self._task = None

    def _drain(self) -> None:
        """Pass on what has come; later, if drawing has taken more than its share."""
        wall, spent = time.perf_counter() - self._drained[0], time.thread_time() - self._drained[1]
        early = min(SLOWEST, spent / SHARE) - wall
        if early > 0:
            self._timer.start(round(1000 * early) + 1)
            return
        self._drained = (time.perf_counter(), time.thread_time())
        task = self._task
        if task is None:
            return
        # First, so that a fault in a widget can't keep the rest from being drained.
        self._timer.start(round(1000 * FRAME))
        closed = task.mailbox.closed  # first: what is drained after it is all there was
        self._say_waiting(self._worker.waits_for(task))
        for event in task.mailbox.drain():
            if isinstance(event, ENDINGS):
                self._ending = event
                continue
            if isinstance(event, Started) and self.stage is Stage.WAITING:
                self.enter(Stage.TRAINING)
            self.received.emit(event)
            if self._task is not task:
                return  # whoever received it has started another job
        if closed:
            self._end(self._ending)
        self.frame.emit()

    def _say_waiting(self, sentence: str) -> None:
        if sentence != self.waits_for:
            self.waits_for = sentence
            self.waiting_changed.emit(sentence)

    def _end(self, ending: object) -> None:
        self._timer.stop()
        self._task = None
        self._say_waiting("")
        self.enter(Stage.IDLE)
        self.ended.emit(ending)
