"""What a run tells: frozen records of numbers, words and read-only arrays, never live tensors.

Whoever listens (window, command line, record) may keep an event for ever and read it in any
thread. `frozen` is the one place where a tensor becomes an array.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from ..doctor.diagnosis import Diagnosis

Array = NDArray[Any]


def frozen(tensor: "Tensor") -> Array:
    """Copy a tensor to the CPU as a read-only array."""
    array: Array = tensor.detach().to("cpu", copy=True).numpy()
    array.flags.writeable = False
    return array


@dataclass(frozen=True)
class LayerInfo:
    """What stays the same about a layer: its matrix product ``fan_in -> units``."""

    name: str
    fan_in: int
    units: int
    kernel: int
    """Side of a convolution's filter; 0 for a plain matrix."""
    parameters: int
    activation: str
    norm: bool
    is_embedding: bool = False
    """Whether its matrix is a table, of which a token picks a row."""
    frozen: bool = False
    """Whether its matrix stays as it is: it requires no gradient, or no optimiser holds it."""
    rank: int = 0
    """Of an addition of low rank that learns in its matrix's stead (LoRA); 0 for none."""

    @property
    def learned(self) -> int:
        """How many numbers of its matrix, or of the factors in its stead, can learn."""
        return self.rank * (self.fan_in + self.units) or self.fan_in * self.units


@dataclass(frozen=True)
class LayerStats:
    """What a probe saw of one layer in one step.

    Where an addition of low rank learns, its weights are the numbers of the two factors together.

    Histograms are shares of the values (they sum to at most 1) over equal bins from ``low`` to
    ``high``. Activations that are exactly zero are left out of theirs and told apart as ``zero``.
    """

    activation_histogram: Array
    activation_low: float
    activation_high: float
    mean: float
    std: float
    zero: float
    saturated: float
    """Share of saturated activations of a tanh or sigmoid (core.telemetry.layer_health), else 0."""
    dead: float
    """Share of relu units that are zero for every example of the batch, else 0."""
    gradient_histogram: Array
    gradient_high: float
    """The gradient's histogram runs from minus this to this."""
    gradient_std: float
    weight_std: float
    gradient_to_weight: float
    """Standard deviation of the weights' gradient over that of the weights."""
    update_to_data: float
    """log10 of the standard deviation of the update over that of the weights; -inf for none."""
    attention_entropy: float = math.nan
    """Of a layer that attends: how evenly a token looks about, in nats, the mean over all."""
    stream: float = math.nan
    """Of a layer that adds to a residual stream: the standard deviation of that behind it."""


@dataclass(frozen=True)
class Started:
    """A run begins (or goes on, from ``step``)."""

    playground: str
    model: str
    device: str
    dataset: str
    parameters: int
    layers: tuple[LayerInfo, ...]
    uniform_loss: float
    """The loss of a network that gives every answer the same chance: ln K for K classes."""
    vocabulary: Mapping[str, Any] = field(default_factory=dict)
    """What its inputs and outputs stand for, where the data decided it."""
    step: int = 0
    note: str = ""
    """What a run that goes on could not take over from its checkpoint."""


@dataclass(frozen=True)
class DataDescribed:
    """What a screen shows of the data that the network is held against."""

    values: Mapping[str, Any]


@dataclass(frozen=True)
class Metrics:
    """A group of steps: their losses, in order, and where the run stands after them."""

    step: int
    losses: Array
    accuracy: float
    """Share of the group's training examples answered right; NaN where that has no meaning."""
    learning_rate: float
    seconds: float
    progress: float

    @property
    def recent_loss(self) -> float:
        """The mean loss of the last 20 steps: what is shown as the training loss."""
        return float(self.losses[-20:].mean())


@dataclass(frozen=True)
class Snapshot:
    """What the probes saw of every layer in one step."""

    step: int
    layers: tuple[LayerStats, ...]
    rate_share: float = 1.0
    """The share of the recipe's learning rate that the schedule left to this step."""


@dataclass(frozen=True)
class LayersSeen:
    """The layers of a program's network, and what was measured of each in one step."""

    layers: tuple[LayerInfo, ...]
    snapshot: Snapshot


@dataclass(frozen=True, eq=False)
class Weights:
    """A copy of the weights at a step edge, for the screen to play with; equal to itself alone."""

    step: int
    arrays: Mapping[str, Array]


@dataclass(frozen=True)
class Examples:
    """Some inputs of a batch exactly as the network met them, and their labels."""

    inputs: Array
    labels: Array


@dataclass(frozen=True)
class Loaded:
    """A checkpoint was opened: its recipe, its layers, its weights and what it says of itself."""

    path: str
    recipe: Mapping[str, Any]
    started: Started
    weights: Weights
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Progress:
    """A long job that is no training: what it does, and how much of it is done, 0 to 1."""

    words: str
    share: float


@dataclass(frozen=True)
class Fetched:
    """A download is whole and checked; the data folder that holds it."""

    folder: str


@dataclass(frozen=True)
class Evaluated:
    """The network judged on validation data: numbers by name, and arrays for pictures."""

    step: int
    seconds: float
    metrics: Mapping[str, float]
    details: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerView:
    """One layer opened; made by :mod:`core.telemetry.inspection`."""

    layer: str
    step: int
    weights: Array
    """(units, fan in), or (units, channels, k, k) for a convolution."""
    seeks: Array
    """(units, H, W): the mean of the examples that excite each unit most, as pictures."""
    maps: Array
    """What the layer makes of the shown input: (units,) or (units, side, side); may be empty."""
    activity: Array
    """(units, examples), largest activation of each unit on each example."""
    means: Array
    """(units,), the mean activation of each unit over examples and places."""
    shown: Array
    """(units,), each unit's activation for the shown input: of a filter the mean over its map, of a
    text the last token's; may be empty."""


@dataclass(frozen=True)
class Answer:
    """What a question of one playground's own was answered: values and arrays by name."""

    topic: str
    step: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class LRRangeTest:
    """A learning-rate range test, so far: the loss of each step (n,), at its own rate (n,).

    ``smoothed`` (n,) is the mean over neighbours, from which the rate is chosen.
    ``valley`` is the rate to take and ``words`` say why; 0 and "" while the test runs.
    """

    rates: Array
    losses: Array
    smoothed: Array
    valley: float = 0.0
    words: str = ""


@dataclass(frozen=True)
class Diagnosed:
    """What the doctor says so far; ``final`` when all that was to be tried has been tried."""

    step: int
    diagnosis: "Diagnosis"
    final: bool = False


@dataclass(frozen=True)
class Noted:
    """What a person should know though the run goes on, in a sentence."""

    sentence: str


@dataclass(frozen=True)
class Paused:
    """The run stands at a step edge and waits."""

    step: int


@dataclass(frozen=True)
class Resumed:
    """The run goes on."""

    step: int


@dataclass(frozen=True)
class Idle:
    """Nothing is done until something is asked: another job may have the thread meanwhile."""


@dataclass(frozen=True)
class Finished:
    """The run did all it was asked to; the note is what a person should know besides."""

    step: int
    seconds: float
    checkpoint: str = ""
    note: str = ""


@dataclass(frozen=True)
class Stopped:
    """A person stopped the run; its weights up to here are good."""

    step: int
    seconds: float
    checkpoint: str = ""
    note: str = ""


@dataclass(frozen=True)
class Failed:
    """The run can't go on, and why, in a sentence; the last good weights are kept."""

    step: int
    sentence: str
    layer: str = ""
    checkpoint: str = ""


Event = (
    Started
    | DataDescribed
    | Metrics
    | Snapshot
    | Weights
    | Examples
    | Loaded
    | Progress
    | Fetched
    | Evaluated
    | LayerView
    | Answer
    | LRRangeTest
    | Diagnosed
    | Noted
    | Paused
    | Resumed
    | Idle
    | Finished
    | Stopped
    | Failed
)
ENDINGS = (Finished, Stopped, Failed)
