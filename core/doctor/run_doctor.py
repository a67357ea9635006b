"""The doctor beside a run of a playground: looks at its steps, and says what it sees."""

import math
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from ..telemetry.events import Diagnosed, Evaluated, Event
from ..training.learner import Learner
from ..training.pace import Pace
from .diagnosis import Diagnosis
from .evidence import Evidence, evidence_of
from .experiments.step_experiments import OtherRates
from .rules import judge
from .verdict.conclusion import conclude
from .watch.watcher import LoopWatcher

FEWEST = 3  # looks, before anything is said
UNTOLD = ("plateau", "lr_too_low", "oscillation")
"""What only experiments can tell for sure, so that it is no finding on the way."""


class RunDoctor:
    """Watches the learner of a run.

    Args:
        share: of the time that observations may take.
        every: seconds between two observations, at least; with infinity and a share of 1 only fixed
            steps are observed, whatever the clock says.

    Attributes:
        learner: that of the run, once it has begun.
        watcher: what was seen.
        planned: how many steps the run was to take; 0 if it goes by the clock.
        train_loss: the last one that was measured on training data in the mode for use.
    """

    def __init__(self, share: float = 0.01, every: float = 0.25) -> None:
        self.learner: Learner | None = None
        self._share, self._every = share, every
        self.watcher = LoopWatcher(share=share, every=every)
        self.planned = 0
        self.train_loss = math.nan
        self._talk = Pace(2.5, 0.01)

    def on_start(self, learner: Learner, planned: int) -> None:
        """Look at the first step."""
        self.learner = learner
        self.planned = planned
        self.watcher = LoopWatcher((learner.model, learner.optimizer), self._share, self._every)
        self._talk.due()

    def before_step(self) -> None:
        """Listen to the step that comes, if it is time."""
        if self.watcher.due():
            self.watcher.start_recording(None)

    def after_step(self, loss: Tensor) -> None:
        """Take its loss, and look at what was heard."""
        self.watcher.step(loss, None)

    def on_evaluation(self, event: Evaluated) -> None:
        """Take the loss on validation data."""
        self.watcher.validate(event.metrics["val_loss"], event.metrics.get("val_accuracy"))
        self.train_loss = event.metrics.get("train_loss", math.nan)

    def poll(self, progress: float) -> Iterator[Event]:
        """Say what looking alone has found, now and then."""
        if len(self.watcher.observations) >= FEWEST and self._talk.due():
            with self._talk.spending():
                step = self.learner.step if self.learner else 0
                yield Diagnosed(step, self.diagnose(progress))

    def case(self, progress: float = 1.0, crash: str = "") -> Evidence:
        """Return all that is known."""
        case = evidence_of(self.watcher, crash)
        case.planned = self.planned or round(self.watcher.count / max(progress, 1e-3))
        case.train_loss = self.train_loss
        return case

    def diagnose(self, progress: float) -> Diagnosis:
        """Return what is to be said without having tried anything."""
        case = self.case(progress)
        checks = tuple(c for c in judge(case) if c.passed is not False or c.id not in UNTOLD)
        advice = advise(self.learner, case) if self.learner else {}
        return conclude(case, checks, advice)


def advise(learner: Learner, case: Evidence) -> dict[str, dict[str, Any]]:
    """Return the settings of a recipe that fix a cause, by its id."""
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
    found["undertrained"] = {"steps": 2 * learner.step}
    if wider := learner.playground.resized(recipe, 2.0):
        found["too_small"] = wider
    return found
