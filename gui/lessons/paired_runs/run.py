"""A paired run as the screen knows it, and its buttons."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from core.lessons.pair_history import NetworkHistory, PairEvent
from core.lessons.pair_settings import LECTURE_STEPS, Pair
from core.telemetry.events import Metrics, Paused, Resumed, Started
from gui import jobs
from gui.background_job import STOPPING, BackgroundJob, Stage
from gui.inputs import ComboBox
from gui.rich_text import rich
from gui.theme import GAP
from gui.widgets.buttons import identified, progress_bar, push_button, retitle
from gui.widgets.card import Elided
from gui.widgets.run_now import offer_run_now, run_now_button
from gui.worker import Worker

LENGTHS = (200, 1000, 5000, LECTURE_STEPS)


class PairedRun(QObject):
    """Trains both networks on the worker, and collects the history of each."""

    pause_changed = Signal(bool)
    """Both are paused, or go on."""

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.histories = (NetworkHistory(), NetworkHistory())
        self.step, self.progress = 0, 0.0
        job = self.job = BackgroundJob(worker, self, "the paired runs of lesson 3")
        self.stage_changed, self.frame, self.ended = job.stage_changed, job.frame, job.ended
        self.stop, self.abandon = job.stop, job.abandon
        job.received.connect(self._on_event)

    @property
    def stage(self) -> Stage:
        """Where the run stands."""
        return self.job.stage

    def begin(self, pair: Pair, data: Path | None) -> None:
        """Train these two on a list of names; not while others are trained."""
        if self.stage is not Stage.IDLE:
            return
        self.histories = (NetworkHistory(), NetworkHistory())
        self.step, self.progress = 0, 0.0
        self.job.start(partial(jobs.paired_runs, pair, data))

    def set_paused(self, paused: bool) -> None:
        """Pause both after this step, or let them go on."""
        if paused:
            self.job.control.pause()
        else:
            self.job.control.resume()

    def _on_event(self, event: object) -> None:
        if isinstance(event, Paused | Resumed):
            self.pause_changed.emit(isinstance(event, Paused))
        elif isinstance(event, PairEvent):
            self.histories[event.network].add(event.event)
            if isinstance(event.event, Started) and self.stage is Stage.WAITING:
                self.job.enter(Stage.TRAINING)
            elif isinstance(event.event, Metrics):
                self.step, self.progress = event.event.step, event.event.progress


class PairRunBar(QWidget):
    """Start, pause, stop, the number of steps, and the progress."""

    pause_wanted = Signal(bool)
    """Pause, or go on."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._paused = self._done = self._stopping = False
        self.start = push_button(f"twinStart_{key}", "Start", "", "primary")
        self.pause = push_button(
            f"twinPause_{key}", "Pause", "Pause both networks after this step."
        )
        self.stop = push_button(
            f"twinStop_{key}", "Stop", "End here, and evaluate both networks as they are."
        )
        self.pause.clicked.connect(lambda: self.pause_wanted.emit(not self._paused))
        self.length = identified(
            ComboBox(),
            f"twinLength_{key}",
            "Training steps of both networks",
            "Training steps of both networks, with the same batches of 32 examples. The lecture's"
            " 200,000 take minutes; as there, the learning rate drops to a tenth after half of"
            " them.",
        )
        for steps in LENGTHS:
            self.length.addItem(f"{steps:,} steps", steps)
        self.length.setCurrentIndex(1)
        self.progress = progress_bar(f"twinProgress_{key}", "Progress of both networks")
        self.words = Elided()
        self.words.setObjectName(f"twinWords_{key}")
        self.run_now = run_now_button(f"twinNow_{key}")
        self._waits_for = ""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        for widget in (self.start, self.length, self.pause, self.stop, self.run_now):
            row.addWidget(widget)
        right = QVBoxLayout()
        right.setSpacing(6)
        right.addWidget(self.words)
        right.addWidget(self.progress)
        row.addSpacing(GAP)
        row.addLayout(right, 1)

    @property
    def steps(self) -> int:
        """The chosen number of steps."""
        return int(self.length.currentData())

    def clear(self) -> None:
        """Forget the last run."""
        self._done = False
        self.progress.setValue(0)
        self.words.setText("")

    def show_stage(self, stage: Stage, guessed: bool) -> None:
        """Enable what is possible now."""
        if stage is Stage.WAITING:
            self._done = True
            self.set_paused(False)
        idle = not stage.running
        retitle(self.start, "Run again" if self._done and idle else "Start")
        self.start.setEnabled(idle and guessed)
        self.start.setToolTip(
            "Train both networks, on the same batches from the same seed."
            if guessed
            else "Predict first: click one of the answers above."
        )
        self.length.setEnabled(idle)
        self.pause.setEnabled(stage is Stage.TRAINING)
        self.stop.setEnabled(stage.running and stage is not Stage.STOPPING)
        self.progress.setVisible(stage.running)
        self._stopping = stage is Stage.STOPPING
        if self._stopping:
            self.words.setText(STOPPING)
        if idle:
            self.set_paused(False)

    def set_paused(self, paused: bool) -> None:
        """Show whether both are paused."""
        self._paused = paused
        retitle(self.pause, "Resume" if paused else "Pause")

    def follow(self, job: BackgroundJob) -> None:
        """Say what a job waits for, and offer to let it go first."""
        job.waiting_changed.connect(self._show_waiting)
        offer_run_now(self.run_now, job)

    def _show_waiting(self, sentence: str) -> None:
        """Say what both wait for; "" for nothing."""
        self._waits_for = sentence
        self.words.setText(sentence)
        self.words.setToolTip(rich(sentence))  # of which only the beginning may have room

    def show_progress(self, step: int, share: float) -> None:
        """Show the progress of both."""
        if step and not (self._waits_for or self._stopping):
            self.words.setText(f"step {step:,}" + (", paused" if self._paused else ""))
        self.progress.setValue(round(1000 * share))
