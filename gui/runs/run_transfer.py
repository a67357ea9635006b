"""Runs that leave for other programs or come from elsewhere, written by the worker."""

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from core.telemetry.events import Answer, Failed
from core.telemetry.mailbox import Mailbox
from gui import worker as jobs
from gui.worker import Job, Worker

AGAIN = 100  # milliseconds between two looks whether it is done


class RunTransfer(QObject):
    """Has runs exported and brought in, one after another."""

    exported = Signal(object)
    """A run lies there now, for another program: the path."""
    arrived = Signal(object)
    """A run has come from a zip: its folder."""
    failed = Signal(str)
    """Nothing was kept, and why."""

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._open: list[Mailbox] = []
        self._timer = QTimer(self)
        self._timer.setInterval(AGAIN)
        self._timer.timeout.connect(self._pull)

    def export(self, folder: Path, way: str, out: Path) -> None:
        """Write a run for another program: ``tensorboard``, ``csv`` or ``zip``."""
        self._do(jobs.export_run(folder, way, out))

    def bring(self, packed: Path, runs: Path) -> None:
        """Bring a run from a zip into the folder of runs."""
        self._do(jobs.unpack_run(packed, runs))

    def abandon(self) -> None:
        """Listen no more, for a window that closes."""
        self._timer.stop()
        self._open.clear()

    def _do(self, job: Job) -> None:
        self._open.append(self._worker.do(job))
        self._timer.start()

    def _pull(self) -> None:
        for mailbox in list(self._open):
            closed = mailbox.closed  # asked first: what is drained after it is all there was
            for event in mailbox.drain():
                self._hear(event)
            if closed:
                self._open.remove(mailbox)
        if not self._open:
            self._timer.stop()

    def _hear(self, event: object) -> None:
        if isinstance(event, Failed):
            self.failed.emit(event.sentence)
        elif isinstance(event, Answer) and event.topic == jobs.EXPORTED:
            self.exported.emit(event.values["path"])
        elif isinstance(event, Answer) and event.topic == jobs.ARRIVED:
            self.arrived.emit(event.values["path"])
