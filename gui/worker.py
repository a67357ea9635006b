"""The one thread beside the GUI thread: it loads torch, then does what it is asked for, by turns.

A job is a function that yields events. The thread puts them into the job's own mailbox, from which
whoever asked for the job takes them: nothing is pushed, and nothing late can reach another one.

The thread owns every model that is trained, and does one step at a time. Between two events of a
job it can do another one:

- a quick job, such as a question about a network, is done at once;
- of the others the first in the queue has the turn, and those behind it wait. A training that has
  begun and lost its turn is held: it stands still between two steps, answers questions and can be
  stopped;
- one that is paused, or waits for the network, lets those behind it pass, and takes the last place
  when it goes on.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal

from core.interruption import CancelledError
from core.problems import problem_of
from core.telemetry.events import Failed, Idle, Metrics, Started, Stopped
from core.telemetry.mailbox import Mailbox
from core.training.control import Control
from core.training.memory import RISEN, give_back, resident

if TYPE_CHECKING:
    from core.training.shared_state import SharedState

Job = Callable[[Control, Callable[[object], None]], Iterable[object]]
"""Yields events, and heeds its control; what can't be yielded (out of a callback) it reports."""
NOT_BEGUN = Stopped(0, 0.0)
"""The ending of a job that was asked to stop before it began, or gave up what it did."""
HEARTBEAT = 1.0  # seconds after which a job that stands still may note that it is alive
RESTS = 10.0  # seconds without a job, after which what the window has freed is looked for
_log = logging.getLogger("glassbox")


@dataclass(eq=False)
class Task:
    """A job from when it is asked for until it has ended.

    Attributes:
        title: what others are told to wait for, such as "Digits".
        quick: whether it is done between two events of any other.
        mailbox: where its events lie, closed after the last.
        begun: whether the thread has begun it.
        still: whether it stands still: paused, held or waiting for what comes from elsewhere.
        parked: whether it is paused or waits so, and lets others pass until it goes on.
        step: the last one that it has told of.
    """

    job: Job
    control: Control
    title: str
    quick: bool
    mailbox: Mailbox = field(default_factory=Mailbox)
    begun: bool = False
    still: bool = False
    parked: bool = False
    step: int = 0
    events: Iterator[object] | None = None
    shared: "SharedState | None" = None
    seen: float = 0.0

    @property
    def wants_turn(self) -> bool:
        """Whether it has something to do that takes long."""
        return not self.quick and not self.parked

    def describe(self) -> str:
        """Say what another one waits for: ``Digits, at step 1,200``."""
        if self.control.stopping:
            return f"{self.title}, which is being stopped"
        if self.still:
            return f"{self.title}, held" + (f" at step {self.step:,}" if self.step else "")
        return f"{self.title}, at step {self.step:,}" if self.step else self.title


class Worker(QThread):
    """Does jobs by turns until it is closed; one that fails harms no other."""

    ready = Signal()
    """torch is loaded."""
    broken = Signal(str)
    """torch can't be loaded, and why; every job fails with this sentence."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: list[Task] = []
        """All that have not ended, by their place in the queue."""
        self._news = threading.Condition()
        self._closing = False
        self._last: Task | None = None
        """The one that torch's shared state is of."""
        self._given_back_at = 0
        """How much memory there was when the last was given back, in bytes."""

    def do(self, job: Job, control: Control, title: str = "a job", quick: bool = False) -> Task:
        """Queue a job; its events will lie in the mailbox of the task that is returned."""
        task = Task(job, control, title, quick)
        control.listener = self._wake
        with self._news:
            self._tasks.append(task)
            self._news.notify()
        return task

    def withdraw(self, task: Task) -> bool:
        """Take a job out of the queue; whether it was still there, and never began."""
        with self._news:
            if there := task in self._tasks and not task.begun:
                self._tasks.remove(task)
                self._news.notify()
        return there

    def run_now(self, task: Task) -> None:
        """Give a job the turn; the one that has it keeps its place behind it."""
        with self._news:
            if task in self._tasks:
                self._tasks.remove(task)
                self._tasks.insert(0, task)
            self._news.notify()

    def waits_for(self, task: Task) -> str:
        """Say which jobs a job waits for; "" if it has its turn, is paused or has ended."""
        with self._news:
            if task not in self._tasks or not task.wants_turn:
                return ""
            ahead = self._tasks[: self._tasks.index(task)]
            found = [other.describe() for other in ahead if other.wants_turn]
            if not found and not (task.begun and not task.still):
                # It has its place, but another one has not come to a stand yet.
                others = [t for t in self._tasks if t is not task and t.begun and not t.quick]
                found = [other.describe() for other in others if not other.still]
        return f"Waits for {', then '.join(found)}." if found else ""

    def close(self) -> None:
        """Forget what has not begun, and end when the others have, which were asked to before."""
        with self._news:
            self._closing = True
            self._tasks = [task for task in self._tasks if task.begun]
            for task in self._tasks:
                task.control.stop(abandon=True)
            self._news.notify()
        self.wait()

    def run(self) -> None:
        """Load torch, then work; in the thread itself."""
        problem = ""
        try:
            import torch  # noqa: F401, takes a second or more: here no drawing waits for it
        except (ImportError, OSError) as error:
            problem = problem_of(error) or f"torch can't be loaded ({error})."
            self.broken.emit(problem)
        else:
            self.ready.emit()
        while task := self._next():
            if problem:
                self._end(task, Failed(0, problem))
            else:
                self._advance(task)

    def _wake(self) -> None:
        with self._news:
            self._news.notify()

    def _next(self) -> Task | None:
        """Wait until a job can be advanced, and return it; None when all is over."""
        while True:
            with self._news:
                while self._tasks or not self._closing:
                    if task := self._choose():
                        task.begun, task.seen = True, time.monotonic()
                        return task
                    if not self._news.wait(HEARTBEAT if self._tasks else RESTS):
                        break
                else:
                    return None
            self._give_back()

    def _choose(self) -> Task | None:
        """Return the job to advance by one event, if any; holds those that lost their turn."""
        for task in list(self._tasks):
            rests = task.control.paused or task.control.waits_outside
            if task.parked and not rests:
                task.parked = False
                self._tasks.remove(task)
                self._tasks.append(task)
            task.parked |= task.still and rests
        turn = next((task for task in self._tasks if task.wants_turn), None)
        for task in self._tasks:
            task.control.hold(not task.quick and task is not turn)
        silent = time.monotonic() - HEARTBEAT
        for task in sorted(self._tasks, key=lambda task: not task.quick):
            # One that lost its turn goes on until it stands still; then it does what it is asked.
            moves = not task.still or task.control.has_news() or task.seen <= silent
            if task is not turn and (task.begun or task.quick) and moves:
                return task
        return turn

    def _advance(self, task: Task) -> None:
        """Have a job yield one event."""
        if task.events is None and task.control.stopping:
            self._end(task, NOT_BEGUN)
            return
        try:
            self._take_over(task)
            if task.events is None:
                task.events = iter(task.job(task.control, task.mailbox.put))
            event = next(task.events)
        except StopIteration:
            self._end(task)
        except CancelledError:
            self._end(task, NOT_BEGUN)
        except Exception as error:
            problem = problem_of(error)
            if not problem:  # a fault of ours: a sentence for the person, the log has more
                _log.exception("a job failed")
                problem = f"Something went wrong inside Glassbox: {error}"
            self._end(task, Failed(0, problem))
        else:
            self._deliver(task, event)

    def _take_over(self, task: Task) -> None:
        """Give a job torch's shared state as it left it."""
        from core.training.shared_state import SharedState

        if self._last is task:
            return
        if self._last is not None:
            self._last.shared = SharedState.take()
        if task.shared is not None:
            task.shared.restore()
        self._last = task

    def _deliver(self, task: Task, event: object) -> None:
        if isinstance(event, Metrics | Started):
            task.step = event.step
        task.still = isinstance(event, Idle)
        if not task.still:
            task.mailbox.put(event)

    def _end(self, task: Task, ending: object = None) -> None:
        if ending is not None:
            task.mailbox.put(ending)
        with self._news:
            if task in self._tasks:
                self._tasks.remove(task)
        if self._last is task:
            self._last = None  # nor its model is held any longer
        task.mailbox.close()
        # Not after each question: that would take longer than to answer it.
        self._give_back(always=not task.quick)

    def _give_back(self, always: bool = False) -> None:
        """Give back what was freed by questions and drawing, if memory has risen; or always.

        While there are jobs it has risen by what they work with, and would rise again.
        """
        if always or (not self._tasks and resident() > self._given_back_at + RISEN):
            give_back()
            self._given_back_at = resident()
