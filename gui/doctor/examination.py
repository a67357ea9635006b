"""A diagnosis on demand: the doctor trains a network of its own, and experiments on copies of it.

The sessions of the pages are left alone.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.telemetry.events import Diagnosed, Metrics, Progress, Started
from core.telemetry.history import History
from gui import jobs
from gui.background_job import BackgroundJob, Stage
from gui.worker import Worker

__all__ = ["Examination", "ExaminationRequest", "Stage", "checkpoint_request"]
TRAINS, TRIES, FEWEST = 0.3, 0.5, 2.0
"""The shares of a budget for training a checkpoint on, at least two seconds, and experiments."""


@dataclass(frozen=True)
class ExaminationRequest:
    """Which network to diagnose, and how.

    Attributes:
        title: what the network is called on the screen.
        seconds: how long to train, unless the run says how many steps.
        budget: seconds for experiments.
        run: the recipe, data and device as they stand on its page; None for a checkpoint.
        fault: the id of the fault that is injected; "" for none.
        file: the checkpoint, which knows its playground and recipe.
        sources: the data of each playground's page, of which the checkpoint's is taken.
        device: where a checkpoint is trained on.
    """

    title: str
    seconds: float
    budget: float
    run: jobs.RunRequest | None = None
    fault: str = ""
    file: Path | None = None
    sources: Mapping[str, Path | None] = field(default_factory=dict)
    device: str = "auto"


def checkpoint_request(
    path: Path, sources: Mapping[str, Path | None], device: str, budget: float
) -> ExaminationRequest:
    """Return the request to diagnose a checkpoint in so many seconds."""
    seconds = max(FEWEST, TRAINS * budget)
    return ExaminationRequest(
        path.name, seconds, TRIES * budget, file=path, sources=sources, device=device
    )


class Examination(QObject):
    """Has the worker diagnose a network, and reports how far it is and what was found."""

    started = Signal(object)
    progressed = Signal(str, float)
    """What is being done, in words, and the share of the whole that is done."""
    diagnosed = Signal(object)

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.request: ExaminationRequest | None = None
        self.info: Started | None = None
        self.history = History()
        self._experiments_began = 0.0
        job = self.job = BackgroundJob(worker, self, "the doctor's diagnosis")
        self.stage_changed, self.frame, self.ended = job.stage_changed, job.frame, job.ended
        self.stop, self.abandon = job.stop, job.abandon
        job.received.connect(self._on_event)

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        return self.job.stage

    def begin(self, request: ExaminationRequest) -> None:
        """Diagnose a network; not while another one is diagnosed."""
        if self.stage is not Stage.IDLE:
            return
        self.request, self.info, self.history = request, None, History()
        if request.file is not None:
            whole, where = request.budget / TRIES, (request.sources, request.device)
            self.job.start(partial(jobs.diagnose_checkpoint, request.file, *where, whole))
        elif request.run is not None:
            self.job.start(partial(jobs.diagnose, request.run, request.fault, request.budget))

    def _on_event(self, event: Any) -> None:
        self.history.add(event)
        if isinstance(event, Started):
            self.info = event
            self.started.emit(event)
        elif isinstance(event, Metrics):
            self._on_metrics(event)
        elif isinstance(event, Progress):
            self._on_progress(event)
        elif isinstance(event, Diagnosed):
            self.diagnosed.emit(event)

    def _on_metrics(self, event: Metrics) -> None:
        request = self.request
        assert request is not None
        words = f"Training and measuring: step {event.step:,}"
        if request.run and request.run.steps:
            words += f" of {request.run.steps:,}"
        else:
            words += f" · {max(0.0, request.seconds * (1 - event.progress)):.0f} s left"
        share = event.progress * request.seconds / (request.seconds + request.budget)
        self.progressed.emit(words, share)

    def _on_progress(self, event: Progress) -> None:
        request = self.request
        assert request is not None
        if self.info is None:  # the data is being made ready
            self.progressed.emit(event.words, 0.0)
            return
        if self.stage is Stage.TRAINING:
            self.job.enter(Stage.TRYING)
            self._experiments_began = time.monotonic()
        left = max(0.0, request.budget - (time.monotonic() - self._experiments_began))
        done = request.seconds + request.budget * min(1.0, event.share)
        self.progressed.emit(
            f"{event.words} · {left:.0f} s left", done / (request.seconds + request.budget)
        )
