"""Two networks that are trained in lock step, as the screen knows them."""

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.lessons.pair_history import Account, NetworkPair
from core.lessons.pair_settings import Side
from core.telemetry.events import Metrics, Paused, Resumed, Started
from gui import jobs
from gui.background_job import BackgroundJob, Stage
from gui.worker import Worker


class PairedRun(QObject):
    """Has the worker train both sides, and keeps an account of each."""

    pause_changed = Signal(bool)
    """Both stand still, or go on."""

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.accounts = (Account(), Account())
        self.step, self.progress = 0, 0.0
        job = self.job = BackgroundJob(worker, self)
        self.stage_changed, self.frame, self.ended = job.stage_changed, job.frame, job.ended
        self.stop, self.abandon = job.stop, job.abandon
        job.received.connect(self._on_event)

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        return self.job.stage

    def begin(self, sides: tuple[Side, Side], data: Path | None) -> None:
        """Train these two on the names of a source; not while others are trained."""
        if self.stage is not Stage.IDLE:
            return
        self.accounts = (Account(), Account())
        self.step, self.progress = 0, 0.0
        self.job.start(partial(jobs.paired_runs, sides, data))

    def set_paused(self, paused: bool) -> None:
        """Let both stand still after this step, or go on."""
        if paused:
            self.job.control.pause()
        else:
            self.job.control.resume()

    def _on_event(self, event: Any) -> None:
        if isinstance(event, NetworkPair):
            self._on_twin(event)
        elif isinstance(event, Paused | Resumed):
            self.pause_changed.emit(isinstance(event, Paused))

    def _on_twin(self, twin: NetworkPair) -> None:
        event = twin.event
        self.accounts[twin.side].add(event)
        if isinstance(event, Started) and self.stage is Stage.WAITING:
            self.job.enter(Stage.TRAINING)
        elif isinstance(event, Metrics):
            self.step, self.progress = event.step, event.progress
