"""The history of one of the two networks of lesson 3, and the quantities that are read from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..telemetry.events import Evaluated, Event, Failed, LayerStats, Metrics, Snapshot, Started
from ..telemetry.history import History

NAMES = "AB"
"""The names of the two networks."""
RECENT_STEPS = 100  # whose mean is the loss "at the end"


@dataclass(frozen=True)
class PairEvent:
    """An event of one of the two networks; ``network`` is 0 or 1."""

    network: int
    event: Event


class NetworkHistory:
    """Collects the events of one network: what the lesson shows and asks about."""

    def __init__(self) -> None:
        self.info: Started | None = None
        self.first: Snapshot | None = None
        """The snapshot of the first step."""
        self.latest: Snapshot | None = None
        self.history = History()
        self.val_loss = math.nan
        """The validation loss in nats per character; NaN before the end."""
        self.first_loss = math.nan
        """The loss of the first step."""
        self.failure = ""
        """Why training could not go on, in a sentence."""
        self._recent: list[float] = []

    def add(self, event: object) -> None:
        """Take an event."""
        self.history.add(event)
        if isinstance(event, Started):
            self.info = event
        elif isinstance(event, Snapshot):
            self.first, self.latest = self.first or event, event
        elif isinstance(event, Metrics):
            if not self._recent:
                self.first_loss = float(event.losses[0])
            self._recent = [*self._recent, *event.losses.tolist()][-RECENT_STEPS:]
        elif isinstance(event, Evaluated):
            self.val_loss = event.metrics["val_loss"]
        elif isinstance(event, Failed):
            self.failure = event.sentence

    @property
    def uniform_loss(self) -> float:
        """The loss of a uniform guess; NaN before the start."""
        return self.info.uniform_loss if self.info else math.nan

    @property
    def loss(self) -> float:
        """The mean loss of the last steps."""
        return float(np.mean(self._recent)) if self._recent else math.nan

    @property
    def gradient_ratio(self) -> float:
        """The gradient of layer 1 relative to the last hidden layer, in the first step."""
        return gradient_ratios(self.first)[0] if self.first else math.nan

    def hidden(self, number: int, first: bool = True) -> LayerStats:
        """Return the statistics of a hidden layer.

        Args:
            number: 1, 2 ..., or -1 for the last.
            first: of the first step, else of the latest snapshot.

        Raises:
            ValueError: there is no snapshot yet.
        """
        snapshot = self.first if first else self.latest
        if snapshot is None:
            raise ValueError("there is no snapshot yet")
        return hidden_layers(snapshot)[number - 1 if number > 0 else number]

    @property
    def update_ratio(self) -> float:
        """log10 of the update-to-weight ratio: the median of the hidden layers, at the end."""
        if self.latest is None:
            return math.nan
        return float(np.median([stats.update_to_data for stats in hidden_layers(self.latest)]))


def hidden_layers(snapshot: Snapshot) -> Sequence[LayerStats]:
    """Return the hidden layers, first to last: all but the embedding and the output layer."""
    return snapshot.layers[1:-1]


def gradient_ratios(snapshot: Snapshot) -> tuple[float, ...]:
    """Return the gradient of each hidden layer, layer 1 first, relative to the last one.

    The ratio of standard deviations, as in the lecture (makemore, part 3); NaN where the last
    hidden layer has no gradient.
    """
    stds = [stats.gradient_std for stats in hidden_layers(snapshot)]
    whole = stds[-1] if math.isfinite(stds[-1]) and stds[-1] > 0 else math.nan
    return tuple(std / whole for std in stds)
