"""All that is known of one training: what the rules judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..telemetry.events import Array
from .diagnosis import Experiment
from .watch.observation import Observation


@dataclass(frozen=True)
class DataSeen:
    """What the data shows by itself.

    Attributes:
        classes_used: the share of the possible answers that ever is one; NaN.
        top: the share of the most frequent answer.
        entropy: of the answers, in nats; NaN.
        classes: how many different answers occur.
        overlap: the share of the judging examples that are also learned from; NaN.
        overlap_with: which variable judges.
        context: how many tokens the network sees; 0 if it is given none.
        floor_here: the entropy of a token behind what the network sees of it, in nats; NaN.
        floor_longer: the same behind one token more; NaN.
        predictable: how much better than its frequency an answer is guessed from the inputs by
            simple means, 0 (not at all) to 1; NaN if that was not tried.
        noise: the share of answers that contradict their like; NaN.
    """

    classes_used: float = np.nan
    top: float = 0.0
    entropy: float = np.nan
    classes: int = 0
    overlap: float = np.nan
    overlap_with: str = ""
    context: int = 0
    floor_here: float = np.nan
    floor_longer: float = np.nan
    predictable: float = np.nan
    noise: float = np.nan


@dataclass(frozen=True)
class UseSeen:
    """How the network is used, against how it is trained.

    Attributes:
        missing: what is done in training and not in use, in words.
        extra: what is done in use and not in training.
        modes: modules that are in the wrong mode.
        loss_trained, loss_used: of the same batch, both ways; NaN.
    """

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    loss_trained: float = np.nan
    loss_used: float = np.nan


@dataclass
class Evidence:
    """One training.

    Attributes:
        steps, losses: the loss of each step (thinned, if there were many).
        looks: the steps that were looked at, in order.
        validations: steps and losses on other data.
        metrics: steps, losses on other data, and the shares of right answers told with them.
        crash: the error that ended the loop; "".
        trials: the experiments, by id.
        data, use: see there; None if it could not be seen.
        floors: the loss of simple predictors, by name.
        planned: the number of steps that the run was to take; 0 if nobody said.
        warms: whether the schedule is known to begin low.
        judging_mode: modules that were in training mode while they were judged.
    """

    steps: Array
    losses: Array
    looks: list[Observation]
    validations: list[tuple[int, float]] = field(default_factory=list)
    metrics: list[tuple[int, float, float]] = field(default_factory=list)
    crash: str = ""
    trials: dict[str, Experiment] = field(default_factory=dict)
    data: DataSeen | None = None
    use: UseSeen | None = None
    floors: Mapping[str, float] = field(default_factory=dict)
    planned: int = 0
    judging_mode: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def first(self) -> Observation | None:
        """The first step that was looked at."""
        return self.looks[0] if self.looks else None

    @property
    def last(self) -> Observation | None:
        """The newest step that was looked at."""
        return self.looks[-1] if self.looks else None

    def mean(self, share: float, end: bool = True) -> float:
        """Return the mean loss over the last (or first) share of the steps."""
        good = self.losses[np.isfinite(self.losses)]
        if not len(good):
            return float("nan")
        count = max(1, round(share * len(good)))
        return float((good[-count:] if end else good[:count]).mean())

    @property
    def began(self) -> float:
        """The loss of the first steps."""
        good = self.losses[np.isfinite(self.losses)]
        return float(good[:1].mean()) if len(good) else float("nan")

    @property
    def ended(self) -> float:
        """The loss of the last tenth of the steps."""
        return self.mean(0.1)

    @property
    def uniform(self) -> float:
        """The loss of an even answer."""
        return self.first.criterion.uniform if self.first else float("nan")

    def smooth(self, parts: int = 40) -> Array:
        """Return the mean loss of equal parts of the run, some tens of them."""
        good = np.where(np.isfinite(self.losses), self.losses, np.nan)
        count = min(parts, len(good))
        if not count:
            return np.empty(0)
        pieces = np.array_split(good, count)
        means: Array = np.array([np.nanmean(p) if np.isfinite(p).any() else np.nan for p in pieces])
        return means
