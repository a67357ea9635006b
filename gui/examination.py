"""An examination as the screen knows it: what was asked for, how far it is, what was found.

It leaves the sessions of the pages alone: the doctor trains a network of its own by their recipe.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from core.telemetry.events import ENDINGS, Diagnosed, Failed, Metrics, Progress, Started
from core.telemetry.history import History
from core.telemetry.mailbox import Mailbox
from core.training.control import Control
from core.training.recipe import Recipe
from gui import worker as jobs
from gui.worker import Worker

FRAME = 120  # milliseconds between two looks into the mailbox
ENDED_EARLY = "The examination ended without a word; look into the terminal for the reason."


class Stage(Enum):
    """Where an examination stands."""

    IDLE = "nothing goes on"
    """Nothing was asked for, or all that was is done."""
    WAITING = "waits its turn"
    """The worker does something else yet, or data and model are being made."""
    TRAINING = "trains and watches"
    """The network is trained, and looked at."""
    TRYING = "tries things on copies"
    """The run is over; experiments go on."""
    STOPPING = "comes to an end"
    """It was told to stop."""
    CLOSED = "is over"
    """The window is gone."""

    @property
    def running(self) -> bool:
        """Whether an examination is under way."""
        return self not in (Stage.IDLE, Stage.CLOSED)


@dataclass(frozen=True)
class Patient:
    """Whom to examine, and how.

    Attributes:
        name: of the playground.
        recipe, data, device: as they stand on its page.
        who: the same in words.
        seconds: how long to train.
        budget: how many seconds to try things.
        fault: the id of what is to be broken first; "" for nothing.
    """

    name: str
    recipe: Recipe
    data: Path | None
    device: str
    who: str
    seconds: int
    budget: int
    fault: str = ""


class Examination(QObject):
    """Has the worker examine a patient, and hands on what comes of it."""

    stage_changed = Signal(object)
    started = Signal(object)
    told = Signal(str, float)
    """What is being done, in words, and the share of the whole that is done."""
    diagnosed = Signal(object)
    ended = Signal(object)
    frame = Signal()
    """All that came since the last look was handed on: time to draw."""

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stage = Stage.IDLE
        self.patient: Patient | None = None
        self.info: Started | None = None
        self.history = History()
        self._worker = worker
        self._control = Control()
        self._mailbox: Mailbox | None = None
        self._tried = 0.0  # when the first experiment began
        self._ears: dict[type, Callable[[Any], object]] = {
            Started: self._on_started,
            Metrics: self._on_metrics,
            Progress: self._on_progress,
            Diagnosed: self.diagnosed.emit,
        }
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME)
        self._timer.timeout.connect(self._pull)

    def begin(self, patient: Patient) -> None:
        """Examine; not while another one is examined."""
        if self.stage is not Stage.IDLE:
            return
        self.patient, self.info, self.history = patient, None, History()
        self._control, self._tried = Control(), 0.0
        order = jobs.Order(
            patient.name,
            patient.recipe,
            patient.data,
            patient.device,
            patient.seconds,
            None,
            None,
            None,
            self._control,
        )
        self._enter(Stage.WAITING)
        self._mailbox = self._worker.do(jobs.examine(order, patient.fault, patient.budget))
        self._timer.start()

    def stop(self) -> None:
        """End here; the doctor says what it knows."""
        if not self.stage.running:
            return
        self._control.stop()
        if self.stage is Stage.WAITING:
            # The worker may be busy for long; its turn will find nothing to do.
            self._forget()
            self._enter(Stage.IDLE)
        else:
            self._enter(Stage.STOPPING)

    def abandon(self) -> None:
        """End at once, for a window that closes."""
        self._control.stop(abandon=True)
        self._forget()
        self._enter(Stage.CLOSED)

    def _forget(self) -> None:
        self._timer.stop()
        self._mailbox = None

    def _enter(self, stage: Stage) -> None:
        if stage is not self.stage:
            self.stage = stage
            self.stage_changed.emit(stage)

    def _pull(self) -> None:
        if self._mailbox is None:
            return
        closed = self._mailbox.closed  # asked first: what is drained after it is all there was
        events = self._mailbox.drain()
        ending: object = None
        for event in events:
            self.history.add(event)
            if isinstance(event, ENDINGS):
                ending = event
            elif hear := self._ears.get(type(event)):
                hear(event)
        if ending is None and closed:
            ending = Failed(0, ENDED_EARLY)
        if ending is not None:
            self._forget()
            self._enter(Stage.IDLE)
            self.ended.emit(ending)
        self.frame.emit()

    def _on_started(self, event: Started) -> None:
        self.info = event
        if self.stage is Stage.WAITING:
            self._enter(Stage.TRAINING)
        self.started.emit(event)

    def _whole(self) -> float:
        assert self.patient is not None
        return max(1e-9, self.patient.seconds + self.patient.budget)

    def _on_metrics(self, event: Metrics) -> None:
        assert self.patient is not None
        left = max(0.0, self.patient.seconds * (1 - event.progress))
        share = event.progress * self.patient.seconds / self._whole()
        self.told.emit(f"Watching it learn: step {event.step:,} · {left:.0f} s left", share)

    def _on_progress(self, event: Progress) -> None:
        assert self.patient is not None
        if self.info is None:  # the data is being made ready
            self.told.emit(event.words, 0.0)
            return
        if self.stage is Stage.TRAINING:
            self._enter(Stage.TRYING)
            self._tried = time.monotonic()
        used = time.monotonic() - self._tried if self._tried else 0.0
        left = max(0.0, self.patient.budget - used)
        done = self.patient.seconds + self.patient.budget * min(1.0, event.share)
        self.told.emit(f"{event.words} · {left:.0f} s left", done / self._whole())
