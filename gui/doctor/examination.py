"""An examination as the screen knows it: whom, how long, how far it is, what was found.

It leaves the sessions of the pages alone: the doctor trains a network of its own by their recipe.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject

from core.telemetry.events import Diagnosed, Metrics, Progress
from core.training.control import Control
from core.training.recipe import Recipe
from gui import jobs
from gui.background_job import BackgroundJob, Stage
from gui.worker import Job, Worker

__all__ = ["Examination", "ExaminationRequest", "Stage", "of_file"]
TRAINS, TRIES, FEWEST = 0.3, 0.5, 2.0
"""The shares of a budget in which a checkpoint is trained on, and tried; at least two seconds."""


@dataclass(frozen=True)
class ExaminationRequest:
    """Whom to examine, and how.

    Attributes:
        name: of the playground.
        recipe, data, device: as they stand on its page.
        who: the same in words.
        seconds: how long to train, unless the recipe says how many steps.
        budget: how many seconds to try things.
        fault: the id of what is to be broken first; "" for nothing.
        file: a checkpoint to examine; its name and recipe are in it, so ``name`` is "".
        sources: the data of each playground's page, of which the checkpoint's is taken.
    """

    name: str
    recipe: Recipe | None
    data: Path | None
    device: str
    who: str
    seconds: float
    budget: float
    fault: str = ""
    file: Path | None = None
    sources: Mapping[str, Path | None] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """The number of steps that the recipe asks for; 0 where it goes by the clock."""
        return self.recipe.steps if self.recipe else 0


def of_file(
    path: Path, sources: Mapping[str, Path | None], device: str, budget: float
) -> ExaminationRequest:
    """Return a checkpoint as a patient, on which so many seconds may be spent."""
    seconds = max(FEWEST, TRAINS * budget)
    who = path.name
    return ExaminationRequest(
        "", None, None, device, who, seconds, TRIES * budget, file=path, sources=sources
    )


class Examination(BackgroundJob):
    """Has the worker examine a patient, and hands on what comes of it."""

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(worker, parent)
        self.patient: ExaminationRequest | None = None
        self._tried = 0.0  # when the first experiment began
        self._handlers |= {
            Metrics: self._on_metrics,
            Progress: self._on_progress,
            Diagnosed: self.diagnosed.emit,
        }

    def begin(self, patient: ExaminationRequest) -> None:
        """Examine; not while another one is examined."""
        if self.stage is not Stage.IDLE:
            return
        self.patient, self._tried = patient, 0.0
        self._run(lambda control: _job(patient, control))

    def _whole(self) -> float:
        assert self.patient is not None
        return max(1e-9, self.patient.seconds + self.patient.budget)

    def _on_metrics(self, event: Metrics) -> None:
        assert self.patient is not None
        left = max(0.0, self.patient.seconds * (1 - event.progress))
        share = event.progress * self.patient.seconds / self._whole()
        if self.patient.steps:
            words = f"Watching it learn: step {event.step:,} of {self.patient.steps:,}"
        else:
            words = f"Watching it learn: step {event.step:,} · {left:.0f} s left"
        self.progressed.emit(words, share)

    def _on_progress(self, event: Progress) -> None:
        assert self.patient is not None
        if self.info is None:  # the data is being made ready
            self.progressed.emit(event.words, 0.0)
            return
        if self.stage is Stage.TRAINING:
            self._enter(Stage.TRYING)
            self._tried = time.monotonic()
        used = time.monotonic() - self._tried if self._tried else 0.0
        left = max(0.0, self.patient.budget - used)
        done = self.patient.seconds + self.patient.budget * min(1.0, event.share)
        self.progressed.emit(f"{event.words} · {left:.0f} s left", done / self._whole())


def _job(patient: ExaminationRequest, control: Control) -> Job:
    if patient.file is not None:
        whole = patient.budget / TRIES
        return jobs.examine_file(patient.file, patient.sources, patient.device, control, whole)
    assert patient.recipe is not None
    order = jobs.Order(
        patient.name,
        patient.recipe,
        patient.data,
        patient.device,
        None if patient.steps else patient.seconds,
        patient.steps or None,
        None,
        None,
        control,
    )
    return jobs.examine(order, patient.fault, patient.budget)
