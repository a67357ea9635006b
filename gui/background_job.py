"""Jobs of the worker, as the screen knows them: what comes of them, and how far they are.

Nothing is pushed from the worker's thread: a timer pulls, at a pace at which drawing stays cheap.
"""

import time
from collections.abc import Callable
from enum import Enum
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from core.telemetry.events import ENDINGS, Failed, Started
from core.telemetry.history import History
from core.telemetry.mailbox import Mailbox
from core.training.control import Control
from gui.worker import Job, Worker

FRAME = 0.1  # seconds between two looks into the mailboxes, where drawing is cheap
SLOWEST = 0.5  # seconds between them at most
SHARE = 0.03  # of the wall clock at most is the screen's, while a job goes on
ENDED_EARLY = "The job ended without a result; see the terminal for the reason."

Handler = Callable[[Any], object]


class JobListener(QObject):
    """Has the worker do jobs, and hands their events on to whoever asked, on the GUI thread."""

    frame = Signal()
    """All events that have come were handed on: time to draw."""

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._open: dict[Mailbox, tuple[Handler, Callable[[], object]]] = {}
        self._pulled = (0.0, 0.0)  # when it last looked: wall clock, and this thread's own time
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._pull)

    def do(self, job: Job, handle: Handler, closed: Callable[[], object] = lambda: None) -> Mailbox:
        """Queue a job.

        Args:
            job: what to do.
            handle: is given each event.
            closed: is called when the job is over and all its events were handed on.
        """
        mailbox = self._worker.do(job)
        self._open[mailbox] = (handle, closed)
        if not self._timer.isActive():
            self._timer.start(0)
        return mailbox

    def forget(self) -> None:
        """Hand nothing on any more."""
        self._timer.stop()
        self._open.clear()

    def _pull(self) -> None:
        """Take what has come and hand it on; later, if drawing has taken more than its share."""
        wall, busy = time.perf_counter() - self._pulled[0], time.thread_time() - self._pulled[1]
        early = min(SLOWEST, busy / SHARE) - wall
        if early > 0:
            self._timer.start(round(1000 * early) + 1)
            return
        self._pulled = (time.perf_counter(), time.thread_time())
        # First, so that a fault in a widget can't keep the rest of the events from coming.
        self._timer.start(round(1000 * FRAME))
        for mailbox, (handle, closed) in list(self._open.items()):
            over = mailbox.closed  # asked first: what is drained after it is all there was
            for event in mailbox.drain():
                if mailbox not in self._open:
                    return  # a handler has ended it all
                handle(event)
            if over and mailbox in self._open:
                del self._open[mailbox]
                closed()
        self.frame.emit()
        if not self._open:
            self._timer.stop()


class Stage(Enum):
    """Where a background job stands."""

    IDLE = "nothing is running"
    """Nothing was asked for, or all that was is done."""
    WAITING = "waiting"
    """The worker does something else yet, or data and model are being prepared."""
    TRAINING = "training"
    """The network is trained and observed."""
    TRYING = "experimenting"
    """The run is over; experiments on copies go on."""
    STOPPING = "stopping"
    """It was asked to stop."""
    CLOSED = "closed"
    """The window is closed."""

    @property
    def running(self) -> bool:
        """Whether a job is under way."""
        return self not in (Stage.IDLE, Stage.CLOSED)


class BackgroundJob(QObject):
    """One job at a time that trains something beside the sessions: its stage and its history.

    A subclass adds to ``_handlers`` what it does with events, by their type.
    """

    stage_changed = Signal(object)
    started = Signal(object)
    progressed = Signal(str, float)
    """What is being done, and the share of the whole that is done."""
    diagnosed = Signal(object)
    ended = Signal(object)
    frame = Signal()
    """All events that have come were handed on: time to draw."""

    evaluates_in_vain = False
    """Whether nothing of a job that was stopped is shown, so that it need not be evaluated."""

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stage = Stage.IDLE
        self.info: Started | None = None
        self.history = History()
        self._control = Control()
        self._handlers: dict[type, Handler] = {Started: self._on_started}
        self._listener = JobListener(worker, self)
        self._listener.frame.connect(self.frame)

    def _run(self, make: Callable[[Control], Job]) -> None:
        """Queue a job that obeys the control it is made with."""
        self._control, self.info, self.history = Control(), None, History()
        self._enter(Stage.WAITING)
        self._listener.do(make(self._control), self._handle, self._on_closed)

    def stop(self) -> None:
        """End here, with what is known by then."""
        if not self.stage.running:
            return
        self._control.stop(abandon=self.evaluates_in_vain)
        if self.stage is Stage.WAITING:
            # The worker may be busy for long; its turn will find nothing to do.
            self._listener.forget()
            self._enter(Stage.IDLE)
        else:
            self._enter(Stage.STOPPING)

    def abandon(self) -> None:
        """End at once, for a window that closes."""
        self._control.stop(abandon=True)
        self._listener.forget()
        self._enter(Stage.CLOSED)

    def _enter(self, stage: Stage) -> None:
        if stage is not self.stage:
            self.stage = stage
            self.stage_changed.emit(stage)

    def _handle(self, event: object) -> None:
        self.history.add(event)
        if isinstance(event, ENDINGS):
            self._end(event)
        elif handle := self._handlers.get(type(event)):
            handle(event)

    def _on_started(self, event: Started) -> None:
        self.info = event
        if self.stage is Stage.WAITING:
            self._enter(Stage.TRAINING)
        self.started.emit(event)

    def _on_closed(self) -> None:
        if self.stage.running:
            self._end(Failed(0, ENDED_EARLY))

    def _end(self, ending: object) -> None:
        self._listener.forget()
        self._enter(Stage.IDLE)
        self.ended.emit(ending)
        self.frame.emit()
