"""Two networks that are trained in lock step, as the screen knows them."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.lessons.pair_history import Account, NetworkPair
from core.lessons.pair_settings import Side
from core.telemetry.events import Metrics, Paused, Resumed, Started
from gui import jobs
from gui.background_job import BackgroundJob, Stage
from gui.worker import Worker


class PairedRun(BackgroundJob):
    """Has the worker train both sides, and keeps an account of each."""

    pause_changed = Signal(bool)
    """Both stand still, or go on."""

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(worker, parent)
        self.accounts = (Account(), Account())
        self.step, self.progress = 0, 0.0
        self._handlers |= {
            NetworkPair: self._on_event,
            Paused: lambda event: self.pause_changed.emit(True),
            Resumed: lambda event: self.pause_changed.emit(False),
        }

    def begin(self, sides: tuple[Side, Side], data: Path | None) -> None:
        """Train these two on the names of a source; not while others are trained."""
        if self.stage is not Stage.IDLE:
            return
        self.accounts = (Account(), Account())
        self.step, self.progress = 0, 0.0
        self._run(lambda control: jobs.train_pair(sides, data, control))

    def set_paused(self, paused: bool) -> None:
        """Let both stand still after this step, or go on."""
        if paused:
            self._control.pause()
        else:
            self._control.resume()

    def _on_event(self, told: NetworkPair) -> None:
        event = told.event
        self.accounts[told.side].add(event)
        if isinstance(event, Started) and self.stage is Stage.WAITING:
            self._enter(Stage.TRAINING)
        elif isinstance(event, Metrics):
            self.step, self.progress = event.step, event.progress
