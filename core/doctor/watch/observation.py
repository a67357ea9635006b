"""What was seen of one step, as plain numbers: what the rules judge."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ParameterSeen:
    """A tensor that is learned, or looks as if it should be.

    Attributes:
        name: as the person calls it; else its shape.
        shape: of the tensor.
        std: of its values.
        gradient: the root mean square of its gradient; NaN if it has none.
        update: the root mean square of what the step changed.
        cosine: between update and gradient; -1 goes straight down.
        rate: how far it went down along the gradient: the learning rate of plain descent.
        learns: whether it asks for a gradient.
        used: whether the loss is made with it.
        known: whether an optimiser that was seen knows it; None if none was seen.
        group_rate: the learning rate that its optimiser has for it; NaN.
        decay: its optimiser's weight decay.
        stale: whether it had a gradient already, before the first backward pass.
    """

    name: str
    shape: tuple[int, ...]
    std: float
    gradient: float
    update: float
    cosine: float
    rate: float
    learns: bool
    used: bool
    known: bool | None = None
    group_rate: float = math.nan
    decay: float = 0.0
    stale: bool = False

    @property
    def matrix(self) -> bool:
        """Whether it is a matrix, and not a bias or a scale."""
        return len(self.shape) > 1 and min(self.shape) > 1

    @property
    def ratio(self) -> float:
        """Return log10 of update to data; NaN for what does not move or is all zero."""
        if not (self.update > 0 and self.std > 0):
            return math.nan
        return math.log10(self.update / self.std)


@dataclass(frozen=True)
class LayerSeen:
    """A product with a parameter, and what bends it.

    Attributes:
        name: of the parameter.
        kind: the call: linear, matmul, conv2d, embedding, ...
        fan_in, units: its sizes.
        weight_std: of the parameter's values.
        in_std, out_std: of what goes in and comes out.
        bend: the activation behind it: tanh, relu, ...; "" for none.
        saturated: the share at the flat ends of tanh or sigmoid.
        dead: the share of units (relu) that were never above zero.
        gradient: the root mean square of the loss's gradient at its output; NaN.
        same: whether all its units say the same.
        last: whether its output is what the loss judges.
        frozen: whether its parameter asks for no gradient.
    """

    name: str
    kind: str
    fan_in: int
    units: int
    weight_std: float
    in_std: float
    out_std: float
    bend: str = ""
    saturated: float = 0.0
    dead: float = 0.0
    gradient: float = math.nan
    same: bool = False
    last: bool = False
    frozen: bool = False

    @property
    def table(self) -> bool:
        """Whether it only looks up rows of a table."""
        return self.kind in ("embedding", "getitem", "index_select")


@dataclass(frozen=True)
class CriterionSeen:
    """How the outputs are judged.

    Attributes:
        kind: cross_entropy, nll_loss, picked (log-probabilities picked by hand), mse_loss, square,
            binary_cross_entropy, ...; "" if it was not understood.
        classes: how many outputs there are for each answer; 0.
        value: of this part of the loss, the mean.
        uniform: its value for an even answer; NaN.
        sign: +1 if the step makes it smaller, -1 if it makes it larger.
        probabilities: whether the outputs, meant to be scores, are probabilities already.
        normalised: of nll_loss and picked: whether they are log-probabilities.
        twice: whether a softmax is taken of a softmax.
        spread: whether a row of answers meets a column of targets, each all of the other.
        across: whether a softmax runs over the examples of the batch.
        squeezed: the activation that the outputs come out of; "".
        hot: whether the targets are one-hot rows.
        whole: whether the targets are whole numbers.
        low, high: of the targets.
        distinct: how many different targets there are in the batch.
        top: the share of the most frequent one.
        count: how many targets there are.
        entropy: of the targets in the batch, in nats.
    """

    kind: str = ""
    classes: int = 0
    value: float = math.nan
    uniform: float = math.nan
    sign: int = 1
    probabilities: bool = False
    normalised: bool = True
    twice: bool = False
    spread: bool = False
    across: bool = False
    squeezed: str = ""
    hot: bool = False
    whole: bool = False
    low: float = math.nan
    high: float = math.nan
    distinct: int = 0
    top: float = 0.0
    count: int = 0
    entropy: float = math.nan

    @property
    def classifies(self) -> bool:
        """Whether one of several answers is right."""
        kinds = ("cross_entropy", "nll_loss", "picked")
        return self.kind in kinds or (self.hot and self.classes > 1)


@dataclass(frozen=True)
class InputSeen:
    """What the network is given.

    Attributes:
        tokens: whether it is whole numbers that pick rows of a table.
        shape: of the batch.
        mean, std, low, high: of its values.
        finite: whether all of them are numbers.
        constant: whether every example is the same.
        leaks: whether a part of it is the target.
        distinct: how many different values there are.
        swapped: whether sequences stand in columns, where the targets say they follow one another.
    """

    tokens: bool
    shape: tuple[int, ...]
    mean: float
    std: float
    low: float
    high: float
    finite: bool = True
    constant: bool = False
    leaks: bool = False
    swapped: bool = False
    distinct: int = 0


@dataclass(frozen=True)
class TermSeen:
    """One of the things that the loss is the sum of.

    Attributes:
        value: as it enters the sum.
        learns: whether it has a gradient.
        judges: whether it is the criterion.
        gradient: the norm of its gradient over all parameters; NaN.
        of_weights: whether it is made of parameters alone.
    """

    value: float
    learns: bool
    judges: bool
    gradient: float = math.nan
    of_weights: bool = False


@dataclass(frozen=True)
class Observation:
    """One step.

    Attributes:
        step: counted from 0.
        loss: its loss.
        first_bad: where the first number that is none came from; "".
        chains: pairs of layers with nothing between them that bends.
        resting: modules with batch norm or dropout that are in their mode for use.
        cut: the calls that cut a signal off from the gradient (detach, data).
        optimizer: the class name of the optimiser that was seen; "".
        backwards: how often something was differentiated in the step.
        said_rate: what a variable with a name like ``lr`` holds; NaN.
        seconds: since the loop began.
        device: on which the loss was.
    """

    step: int
    loss: float
    parameters: tuple[ParameterSeen, ...] = ()
    layers: tuple[LayerSeen, ...] = ()
    criterion: CriterionSeen = CriterionSeen()
    inputs: tuple[InputSeen, ...] = ()
    terms: tuple[TermSeen, ...] = ()
    first_bad: str = ""
    chains: tuple[tuple[str, str], ...] = ()
    resting: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    optimizer: str = ""
    backwards: int = 1
    said_rate: float = math.nan
    seconds: float = 0.0
    device: str = "cpu"

    @property
    def accumulates(self) -> bool:
        """Whether gradients of the step before were still there, of most that moves."""
        moved = [p.stale for p in self.parameters if p.update > 0]
        return sum(moved) > len(moved) / 2

    @property
    def rate(self) -> float:
        """The learning rate: an optimiser's own, else the median of what the weights show."""
        told = [p.group_rate for p in self.parameters if math.isfinite(p.group_rate)]
        if told:
            return max(told)
        moved = [p for p in self.parameters if math.isfinite(p.rate) and p.update > 0]
        plain = sorted(p.rate for p in moved if abs(p.cosine) > 0.999)
        if len(plain) > len(moved) / 2:
            return plain[len(plain) // 2]
        return self.said_rate
