"""What one of the two networks of lesson 3 has told so far, and the numbers in it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..telemetry.events import Evaluated, Event, Failed, LayerStats, Metrics, Snapshot, Started
from ..telemetry.history import History

NAMES = "AB"
"""What the two sides are called."""
LATELY = 100  # steps that the loss "at the end" is the mean of


@dataclass(frozen=True)
class NetworkPair:
    """What one of the two networks tells; ``side`` is 0 or 1."""

    side: int
    event: Event


class Account:
    """Takes the events of a side and keeps what the lesson shows and asks about."""

    def __init__(self) -> None:
        self.info: Started | None = None
        self.first: Snapshot | None = None
        """What the probes saw in the first step."""
        self.latest: Snapshot | None = None
        self.history = History()
        self.val_loss = math.nan
        """Nats a letter on names that it was not trained on; NaN before the end."""
        self.first_loss = math.nan
        """The loss of the first step."""
        self.broken = ""
        """Why it could not go on, in a sentence."""
        self._last: list[float] = []

    def add(self, event: object) -> None:
        """Take what it tells."""
        self.history.add(event)
        if isinstance(event, Started):
            self.info = event
        elif isinstance(event, Snapshot):
            self.first, self.latest = self.first or event, event
        elif isinstance(event, Metrics):
            if not self._last:
                self.first_loss = float(event.losses[0])
            self._last = [*self._last, *event.losses.tolist()][-LATELY:]
        elif isinstance(event, Evaluated):
            self.val_loss = event.metrics["val_loss"]
        elif isinstance(event, Failed):
            self.broken = event.sentence

    @property
    def uniform_loss(self) -> float:
        """The loss of a network that gives every letter the same chance; NaN before the start."""
        return self.info.uniform_loss if self.info else math.nan

    @property
    def loss(self) -> float:
        """The mean loss of the last steps."""
        return float(np.mean(self._last)) if self._last else math.nan

    @property
    def reach(self) -> float:
        """How much gradient layer 1 gets in the first step, against the last hidden layer."""
        return reach(self.first)[0] if self.first else math.nan

    def hidden(self, number: int, first: bool = True) -> LayerStats:
        """Return what was seen of a hidden layer, in the first step or in the latest.

        Args:
            number: which one: 1, 2 ..., or -1 for the last.
            first: in the first step, else in the latest.

        Raises:
            ValueError: nothing was seen yet.
        """
        snapshot = self.first if first else self.latest
        if snapshot is None:
            raise ValueError("nothing was seen yet")
        return hidden(snapshot)[number - 1 if number > 0 else number]

    @property
    def pace(self) -> float:
        """log10 of the update against the weights: the middle one of the hidden layers, lately."""
        if self.latest is None:
            return math.nan
        return float(np.median([stats.update_to_data for stats in hidden(self.latest)]))


def hidden(snapshot: Snapshot) -> Sequence[LayerStats]:
    """Return the hidden layers, first to last: all but the embedding and the scores."""
    return snapshot.layers[1:-1]


def reach(snapshot: Snapshot) -> tuple[float, ...]:
    """Return each hidden layer's gradient, layer 1 first, against that of the last one.

    By their standard deviations, as the lecture does (makemore, part 3); NaN where the last hidden
    layer has none itself.
    """
    stds = [stats.gradient_std for stats in hidden(snapshot)]
    whole = stds[-1] if math.isfinite(stds[-1]) and stds[-1] > 0 else math.nan
    return tuple(std / whole for std in stds)
