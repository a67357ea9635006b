"""Runs that are exported for other programs or imported from a zip, by the worker."""

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.telemetry.events import Failed
from gui import jobs
from gui.background_job import BackgroundJob
from gui.worker import Job, Worker


class RunTransfer(QObject):
    """Has runs exported and imported, one after another."""

    exported = Signal(object)
    """A run was written for another program: the path."""
    imported = Signal(object)
    """A run was imported from a zip: its folder."""
    failed = Signal(str)
    """Nothing was kept, and why."""

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._jobs: list[BackgroundJob] = []

    def export(self, folder: Path, way: str, out: Path) -> None:
        """Write a run for another program: ``tensorboard``, ``csv`` or ``zip``."""
        self._do(partial(jobs.export_run, folder, way, out), self.exported)

    def bring(self, packed: Path, runs: Path) -> None:
        """Import a run from a zip into the folder of runs."""
        self._do(partial(jobs.import_run, packed, runs), self.imported)

    def abandon(self) -> None:
        """Expect nothing more, for a window that closes."""
        for job in self._jobs:
            job.abandon()

    def _do(self, work: Job, done: Any) -> None:
        job = BackgroundJob(self._worker, self, quick=True)
        self._jobs.append(job)
        job.received.connect(lambda answer: done.emit(answer.values["path"]))
        job.ended.connect(lambda ending: self._on_ended(job, ending))
        job.start(work)

    def _on_ended(self, job: BackgroundJob, ending: object) -> None:
        self._jobs.remove(job)
        job.deleteLater()
        if isinstance(ending, Failed):
            self.failed.emit(ending.sentence)
