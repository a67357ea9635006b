"""The one thread beside the GUI thread: it loads torch, then does one job after another.

A job is a function that yields events. The thread puts them into the job's own mailbox, from which
whoever asked for the job takes them: nothing is pushed, and nothing late can reach another one.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, QThread, Signal

from core.errors import UserError
from core.libraries import import_problem
from core.telemetry.events import Failed, Stopped
from core.telemetry.mailbox import Mailbox
from core.training.control import Control

Job = Callable[[Control, Callable[[object], None]], Iterable[object]]
"""Yields events, and heeds its control; what can't be yielded (out of a callback) it reports."""
NOT_BEGUN = Stopped(0, 0.0)
"""The ending of a job that was asked to stop before it began."""
_log = logging.getLogger("glassbox")


class Worker(QThread):
    """Does one job after another until it is closed; one that fails harms no other."""

    ready = Signal()
    """torch is loaded."""
    broken = Signal(str)
    """torch can't be loaded, and why; every job fails with this sentence."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: deque[tuple[Job, Control, Mailbox]] = deque()
        self._news = threading.Condition()
        self._closing = False

    def do(self, job: Job, control: Control) -> Mailbox:
        """Queue a job; returns the mailbox in which its events will lie, closed after the last."""
        mailbox = Mailbox()
        with self._news:
            self._queue.append((job, control, mailbox))
            self._news.notify()
        return mailbox

    def withdraw(self, mailbox: Mailbox) -> bool:
        """Take a job out of the queue; whether it was still there, and never began."""
        with self._news:
            waiting = [task for task in self._queue if task[2] is mailbox]
            for task in waiting:
                self._queue.remove(task)
        return bool(waiting)

    def close(self) -> None:
        """Forget the queue, and end after the present job, which was asked to stop before."""
        with self._news:
            self._closing = True
            self._queue.clear()
            self._news.notify()
        self.wait()

    def run(self) -> None:
        """Load torch, then work; in the thread itself."""
        problem = ""
        try:
            import torch  # noqa: F401, takes a second or more: here no drawing waits for it
        except (ImportError, OSError) as error:
            problem = import_problem(error) or f"torch can't be loaded ({error})."
            self.broken.emit(problem)
        else:
            self.ready.emit()
        while task := self._next():
            job, control, mailbox = task
            if problem:
                mailbox.put(Failed(0, problem))
            elif control.stopping:
                mailbox.put(NOT_BEGUN)
            else:
                _do(job, control, mailbox)
            mailbox.close()

    def _next(self) -> tuple[Job, Control, Mailbox] | None:
        with self._news:
            self._news.wait_for(lambda: self._queue or self._closing)
            return None if self._closing else self._queue.popleft()


def _do(job: Job, control: Control, mailbox: Mailbox) -> None:
    try:
        for event in job(control, mailbox.put):
            mailbox.put(event)
    except UserError as error:
        mailbox.put(Failed(0, str(error)))
    except Exception as error:
        # A fault of ours, or a missing library: the person gets a sentence, the log the traceback.
        _log.exception("a job failed")
        problem = import_problem(error) or f"Something went wrong inside Glassbox: {error}"
        mailbox.put(Failed(0, problem))
