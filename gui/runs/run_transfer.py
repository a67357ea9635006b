"""Runs that leave for other programs or come from elsewhere, written by the worker."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.telemetry.events import Answer, Failed
from gui import jobs
from gui.background_job import JobListener
from gui.worker import Worker


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
        self._listener = JobListener(worker, self)

    def export(self, folder: Path, way: str, out: Path) -> None:
        """Write a run for another program: ``tensorboard``, ``csv`` or ``zip``."""
        self._listener.do(jobs.export_run(folder, way, out), self._handle)

    def bring(self, packed: Path, runs: Path) -> None:
        """Bring a run from a zip into the folder of runs."""
        self._listener.do(jobs.unpack_run(packed, runs), self._handle)

    def abandon(self) -> None:
        """Hand nothing on any more, for a window that closes."""
        self._listener.forget()

    def _handle(self, event: object) -> None:
        if isinstance(event, Failed):
            self.failed.emit(event.sentence)
        elif isinstance(event, Answer) and event.topic == jobs.EXPORTED:
            self.exported.emit(event.values["path"])
        elif isinstance(event, Answer) and event.topic == jobs.ARRIVED:
            self.arrived.emit(event.values["path"])
