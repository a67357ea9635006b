"""The one thread beside the screen: it loads torch, and does jobs one after another."""

import logging
import queue
from collections.abc import Callable

from PySide6.QtCore import QObject, QThread, Signal

from core.errors import UserError
from core.telemetry.events import Failed
from core.telemetry.mailbox import Mailbox

Job = Callable[[Mailbox], None]
"""A plain function that leaves its events in a mailbox of its own (:mod:`gui.jobs`)."""
_log = logging.getLogger("glassbox")


class Worker(QThread):
    """Does jobs in order until it is closed; a job that fails says so and harms no other."""

    ready = Signal()
    """torch is loaded."""
    broken = Signal(str)
    """torch can't be loaded, and why; nothing can be trained or read."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: queue.SimpleQueue[tuple[Job, Mailbox] | None] = queue.SimpleQueue()

    def do(self, job: Job) -> Mailbox:
        """Queue a job; returns the mailbox in which its events will lie."""
        mailbox = Mailbox()
        self._jobs.put((job, mailbox))
        return mailbox

    def close(self) -> None:
        """End after the present job; whoever calls has told that job to stop."""
        self._jobs.put(None)
        self.wait()

    def run(self) -> None:
        """Load torch, then work; in the thread itself."""
        try:
            import torch  # noqa: F401, takes a second or more: here it keeps nobody waiting
        except (ImportError, OSError) as error:
            self.broken.emit(f"torch can't be loaded ({error}); install requirements.txt again.")
            return
        self.ready.emit()
        while (task := self._jobs.get()) is not None:
            job, mailbox = task
            try:
                job(mailbox)
            except UserError as error:
                mailbox.put(Failed(0, str(error)))
            except Exception as error:
                # A fault of ours: the person gets a sentence, the log the whole story.
                _log.exception("a job failed")
                mailbox.put(Failed(0, f"Something went wrong inside Glassbox: {error}"))
            mailbox.close()
