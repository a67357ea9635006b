"""The doctor as an observer of a playground's run: findings while it trains."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from ..errors import UserError
from ..telemetry.events import Diagnosed, Evaluated, Event
from ..training.learner import Learner
from ..training.pace import Pace
from .diagnosis import Diagnosis
from .evidence import Evidence, evidence_of
from .experiments.learning_experiments import OtherRates
from .experiments.replay import REPLAY_ERRORS
from .rules import apply_rules
from .verdict.conclusion import conclude
from .watch.watcher import LoopWatcher

MIN_OBSERVATIONS = 3
NEEDS_EXPERIMENTS = ("plateau", "lr_too_low", "oscillation")
"""Observation alone is not sure of them, so that they are no findings while it trains."""
RATES_AHEAD = 40
"""Learning rates of the schedule ahead that are handed on."""


class RunDoctor:
    """Watches the learner of a run.

    Args:
        share: of the time that observations may take.
        every: seconds between two observations, at least; with infinity and a share of 1 only fixed
            steps are observed, whatever the clock says.

    Attributes:
        learner: of the run, once it has started.
        watcher: of the run.
        planned: the number of steps of the run; 0 if it goes by the clock.
        train_loss: the last one on training data in eval mode.
    """

    def __init__(self, share: float = 0.01, every: float = 0.25) -> None:
        self.learner: Learner | None = None
        self._share, self._every = share, every
        self.watcher = LoopWatcher(share=share, every=every)
        self.planned = 0
        self.train_loss = math.nan
        self._pace = Pace(2.5, 0.01)
        self._floors: Mapping[str, float] | None = None

    def on_start(self, learner: Learner, planned: int) -> None:
        """Watch from the first step on."""
        self.learner = learner
        self.planned = planned
        self.watcher = LoopWatcher((learner.model, learner.optimizer), self._share, self._every)
        self._pace.due()

    def before_step(self) -> None:
        """Record the step, if it is time."""
        if self.watcher.due():
            self.watcher.start_recording(None)

    def after_step(self, loss: Tensor) -> None:
        """Take its loss, and observe what was recorded."""
        self.watcher.step(loss, None)

    def on_evaluation(self, event: Evaluated) -> None:
        """Take the loss on validation data."""
        self.watcher.validate(event.metrics["val_loss"], event.metrics.get("val_accuracy"))
        self.train_loss = event.metrics.get("train_loss", math.nan)

    def poll(self, progress: float) -> Iterator[Event]:
        """Yield a diagnosis without experiments, now and then."""
        if len(self.watcher.observations) >= MIN_OBSERVATIONS and self._pace.due():
            with self._pace.spending():
                step = self.learner.step if self.learner else 0
                yield Diagnosed(step, self.diagnose(progress))

    def on_end(self, progress: float) -> Iterator[Event]:
        """Yield a diagnosis of all steps, where there was one of the first ones."""
        if self.learner and len(self.watcher.observations) >= MIN_OBSERVATIONS:
            yield Diagnosed(self.learner.step, self.diagnose(progress))

    def case(self, progress: float = 1.0, crash: str = "") -> Evidence:
        """Return all that is known of the run."""
        case = evidence_of(self.watcher, crash)
        case.planned = self.planned or round(self.watcher.count / max(progress, 1e-3))
        case.train_loss = self.train_loss
        case.can_validate = False  # the run evaluates itself
        if self.learner is not None and case.planned > case.done:
            ahead = np.linspace(case.done, case.planned, RATES_AHEAD)
            rates = [self.learner.rate(float(step) / case.planned) for step in ahead]
            case.rates_ahead = [
                (round(step), rate) for step, rate in zip(ahead.tolist(), rates, strict=True)
            ]
        return case

    def diagnose(self, progress: float) -> Diagnosis:
        """Return a diagnosis without experiments."""
        case = self.case(progress)
        checks = tuple(
            c for c in apply_rules(case) if c.passed is not False or c.id not in NEEDS_EXPERIMENTS
        )
        found = conclude(case, checks)
        if found.verdict != "fine" or self.learner is None:
            return found
        # To count takes a moment: only what has settled is held against what counting reaches.
        if self._floors is None:
            self._floors = floors_of(self.learner)
        case.floors = self._floors
        return conclude(case, checks)


def floors_of(learner: Learner) -> Mapping[str, float]:
    """Return the loss of simple predictors on its data, by name; {} where there are none."""
    try:
        return learner.playground.baselines(learner.data, learner.recipe, learner.vocabulary)
    except (UserError, *REPLAY_ERRORS):
        return {}


def advise(learner: Learner, case: Evidence, planned: int = 0) -> dict[str, dict[str, Any]]:
    """Return settings of a recipe that may fix a cause, or be what a verdict asks for, by its id.

    Args:
        learner: what was trained.
        case: what is known of that.
        planned: how many steps the run was to take; 0 if it went by the clock. More of them than
            that is advised only of a run that has done them all.
    """
    recipe, found = learner.recipe, dict[str, dict[str, Any]]()
    known, mine = recipe.settings(), recipe.to_dict()
    for key, setting in known.items():
        if setting.applies(recipe):
            for cause, value in setting.fixes.items():
                if value != mine[key]:
                    found.setdefault(cause, {})[key] = value
    tried = case.result(OtherRates)
    factor = tried.best if tried else 1.0
    rates = {"lr_too_high": min(factor, 0.1), "lr_too_low": max(factor, 10.0)}
    if "oscillation" not in found:
        rates["oscillation"] = 1 / 3
    for cause, factor in rates.items():
        rate = min(known["lr"].high, max(known["lr"].low, recipe.lr * factor))
        found[cause] = {"lr": float(f"{rate:.2g}")}
    if planned and learner.step >= max(planned, recipe.steps):
        found["undertrained"] = {"steps": 2 * learner.step}
    if wider := learner.playground.resized(recipe, 2.0):
        found["too_small"] = wider
    return found
