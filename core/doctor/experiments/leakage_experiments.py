"""Gradients of an output by what it should not depend on, and by what it should."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..diagnosis import Picture, Series
from ..evidence import Evidence
from ..watch.observe import follows
from ..watch.tape import RECURRENT
from ..watch.wiring import attends
from .experiment import ExperimentResult, Outcome
from .input_experiments import rows_of
from .replay import Replay
from .step_experiment import experiment

MIXED = 1e-3
"""Gradient by other examples over the largest: without statistics of the batch there is none."""
MIN_TOKENS = 5
"""Of a sequence, and sequences, for another order to mean something."""
SAME_ORDER = 1e-3
"""Change of an output with the order of its tokens, over that with other ones, if it counts."""
STATISTICS = ("std", "var", "mean", "std_mean", "var_mean", "norm", "amax", "amin")


@dataclass(frozen=True)
class BatchLeakage(ExperimentResult):
    """The gradient by other examples' inputs, over that by the largest.

    Attributes:
        share: of examples along the first dimension.
        normed: whether statistics of the batch mix them.
        along: the same along the second dimension; NaN.
    """

    share: float
    normed: bool
    along: float = math.nan


@experiment("examples_apart", "Leakage across the batch dimension", "not at all")
def batch_leakage(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Does an output depend on its own example only? Its gradient by the other inputs shows it."""
    graph, first = replay.graph, replay.graph.inputs[0]
    maker = graph.made_by(first)
    if first.dim() == 1 and maker is not None and any(t.dim() > 1 for t in maker.inputs[:1]):
        raise ValueError("sequences were concatenated")  # so that some tokens may well meet
    entry = _entry(replay)
    count = len(entry)
    if related := _related(replay, count):
        raise ValueError(related)
    with torch.enable_grad():
        leaf = entry.detach().clone().requires_grad_()
        # A batch may be picked twice, as by x[i] for statistics and x[i] for the outputs.
        again = [t for t in graph.inputs if t.shape == entry.shape and torch.equal(t, entry)]
        given = {id(t): leaf for t in (entry, *again)}
        outputs = replay.repeat(graph.outputs, given)
        if outputs.numel() % count or count < 4:
            raise ValueError("the outputs are not one row for each example")
        own, share = _influence(outputs, leaf)
        along = _along_second(outputs, leaf)
        normed = _uses_batch_statistics(replay)
        if normed:  # of few examples each one moves the statistics: without them it shows what else
            share = min(share, _influence(replay.repeat(graph.outputs, given, True), leaf)[1])
    limit = max(0.3, 3.0 / count) if normed else MIXED
    apart = ", batch statistics aside" if normed else ""
    measured = (
        f"An output depends on another example's input {share:.1%} as much as on its own{apart}."
    )
    if own <= 0:
        measured = "An output depends on other examples' inputs only."
    return Outcome(
        share <= limit,
        measured,
        BatchLeakage(share, normed, along),
        expected=f"below {limit:.0%}, as the batch is normalised" if normed and count >= 10 else "",
    )


def _influence(outputs: Tensor, leaf: Tensor) -> tuple[float, float]:
    """Return the largest gradient of an output by its own example's input, and by another's.

    The latter is a part of the largest one of the same output, (0 to 1).
    """
    count = len(leaf)
    rows = outputs.reshape(count, -1)
    own, share = 0.0, 0.0
    for index in (0, count // 2, count - 1):
        (gradient,) = torch.autograd.grad(
            _weighted(rows[index]), leaf, retain_graph=True, allow_unused=True
        )
        if gradient is None:
            raise ValueError("the outputs do not depend on it")
        sizes = gradient.reshape(count, -1).norm(dim=1)
        largest = _largest(sizes)
        own = max(own, float(sizes[index]))
        sizes[index] = 0
        share = max(share, float(sizes.max()) / largest)
    return own, share


def _largest(sizes: Tensor) -> float:
    """Return the largest of some gradients' sizes, which others are compared with.

    Raises:
        ValueError: they are NaN, or all zero, as of units that are saturated or dead.
    """
    if not bool(torch.isfinite(sizes).all()):
        raise ValueError("its outputs are NaN or infinite")
    if not bool(sizes.any()):
        raise ValueError("its units are saturated or dead, so that no gradient reaches the inputs")
    return float(sizes.max())


def _along_second(outputs: Tensor, leaf: Tensor) -> float:
    """Return the gradient of a column's outputs by the other columns, over the largest; or NaN."""
    if leaf.dim() < 3 or outputs.numel() % (leaf.shape[0] * leaf.shape[1]) or leaf.shape[1] < 2:
        return math.nan
    columns = outputs.reshape(leaf.shape[0], leaf.shape[1], -1)
    (gradient,) = torch.autograd.grad(_weighted(columns[:, -1]), leaf, retain_graph=True)
    sizes = gradient.transpose(0, 1).reshape(leaf.shape[1], -1).norm(dim=1)
    return float(sizes[:-1].max() / (sizes.max() + 1e-30))


def _related(replay: Replay, count: int) -> str:
    """Say why examples may well depend on one another; "" if they may not."""
    graph, targets = replay.graph, replay.graph.targets
    outputs = graph.outputs
    assert targets is not None and outputs is not None
    if outputs.dim() == 2 and outputs.shape[0] == outputs.shape[1] == len(targets):
        return "the outputs compare the examples with one another"
    entry = _entry(replay)
    tokens = not graph.inputs[0].is_floating_point()
    in_columns = tokens and any(
        tensor.dim() == 2 and targets.numel() == tensor.numel() for tensor in graph.inputs
    )
    if targets.dim() == 0 or (len(targets) != count and not in_columns):
        return "it is not known which dimension has the examples"
    behind = graph.ancestors(outputs)
    for op in graph.ops:
        if not any(id(t) in behind for t in op.outputs):
            continue
        signals = [t for t in op.inputs if graph.kind(t) == "signal"]
        if op.name in ("index_add", "scatter_add", "scatter", "scatter_reduce", "segment_reduce"):
            return "examples are nodes of a graph"
        if op.name in ("getitem", "index_select") and signals and len(signals[0]) == count:
            index = [t for t in op.inputs[1:] if not t.is_floating_point()]
            if index and op.outputs[0].dim() > 1:
                return "examples are nodes of a graph"
        if op.name in ("matmul", "mm", "rmatmul") and signals:
            others = [t for t in op.inputs if graph.kind(t) == "data" and t.dim() == 2]
            if any(t.shape[0] == t.shape[1] == count for t in others):
                return "examples are nodes of a graph"
        if op.name in RECURRENT or op.name == "multi_head_attention_forward":
            given = op.inputs[0]
            if entry.dim() == 2 or given.dim() == 2 or (given.dim() == 3 and given.shape[1] == 1):
                return "the rows are the steps of one sequence"
    return ""


def _uses_batch_statistics(replay: Replay) -> bool:
    """Whether a mean, a variance or the like over the examples is a part of the outputs."""
    graph = replay.graph
    behind = graph.ancestors(graph.outputs)  # the loss itself is a mean
    for op in graph.ops:
        if not any(id(t) in behind for t in op.outputs):
            continue
        if op.name == "batch_norm" and op.argument(5, "training", False):
            return True
        if op.name in STATISTICS and op.inputs and op.inputs[0].dim() > 1:
            dim = op.argument(1, "dim")
            dims = dim if isinstance(dim, tuple | list) else (dim,)
            over_all = dim is None or isinstance(dim, bool)
            # A batch norm of sequences or pictures takes all places together.
            of_one_place = op.inputs[0].dim() > 2 and len(dims) == 1
            if over_all or (any(d in (0, -op.inputs[0].dim()) for d in dims) and not of_one_place):
                return True
    return False


def _entry(replay: Replay, inputs: Sequence[Tensor] = ()) -> Tensor:
    """Return the first tensor of real numbers that stands for the inputs, a row an example."""
    graph = replay.graph
    inputs = inputs or graph.inputs
    for tensor in inputs:
        if tensor.is_floating_point():
            return tensor
    ids = {id(t) for t in inputs}
    for op in graph.ops:
        if op.name in ("embedding", "getitem", "index_select"):
            output = op.outputs[0]
            looked_up = output.is_floating_point() and output.shape[:1] == inputs[0].shape[:1]
            if looked_up and any(id(t) in ids for t in op.inputs):
                return output
    raise ValueError("no input was found")


def _weighted(row: Tensor) -> Tensor:
    """Return a sum of outputs in which none cancels another."""
    return (row * (torch.linspace(-1.0, 1.0, row.shape[-1], device=row.device) + 0.3)).sum()


@dataclass(frozen=True)
class FutureLeakage(ExperimentResult):
    """The gradient by later positions, over that by the largest."""

    share: float


@experiment("future_hidden", "Leakage from later positions", "not at all")
def future_leakage(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Is the future masked? The gradient of each position's output by later ones shows it."""
    targets = replay.graph.targets
    assert targets is not None
    # A decoder's future is in the answer that it is given, and not in the question.
    given = [t for t in replay.graph.inputs if follows(t, targets, 1)]
    entry = _entry(replay, given or replay.graph.inputs)
    count = targets.numel() // max(1, len(entry))
    each = entry.dim() == 3 and (count == entry.shape[1] or (given and count < entry.shape[1]))
    if not each or count * len(entry) != targets.numel():
        raise ValueError("it has not one output for each position")
    batch, length, _ = entry.shape
    if count < 3:
        raise ValueError("it sees no more than two positions")
    with torch.enable_grad():
        leaf = entry.detach().clone().requires_grad_()
        outputs = replay.repeat(replay.graph.outputs, {id(entry): leaf})
        if outputs.numel() % (batch * count):
            raise ValueError("the outputs are not one row for each position")
        if outputs.dim() == 3 and outputs.shape[:2] != (batch, count):
            outputs = outputs.transpose(1, 2)
        rows = outputs.reshape(batch, count, -1)[:, count // 2]
        middle = length - count + count // 2  # answers stand at the end
        (gradient,) = torch.autograd.grad(_weighted(rows), leaf)
    sizes = gradient.norm(dim=(0, 2))
    share = float(sizes[middle + 1 :].max()) / _largest(sizes)
    return Outcome(
        share < 1e-4,
        f"The output at one position depends on a later one {share:.1%} as much as on the one that"
        " counts most.",
        FutureLeakage(share),
        Picture(
            "Gradient of the middle position's output",
            "bars",
            (Series("gradient", tuple(range(length)), tuple(sizes.tolist())),),
            names=tuple(str(position) for position in range(length)),
            x_label="position",
        ),
    )


@dataclass(frozen=True)
class ExchangedPositions(ExperimentResult):
    """How much an output changes with the order of earlier tokens, over that with other tokens."""

    share: float


@experiment("positions_exchanged", "Shuffled positions", "other outputs")
def exchanged_positions(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Does attention know where a token stands? Earlier tokens in another order should tell."""
    graph = replay.graph
    if not attends(graph):
        raise ValueError("there is no attention")
    inputs, targets = replay.batches[-1]
    tokens = [t for t in inputs if t.dim() == 2 and not t.is_floating_point()]
    if len(inputs) != 1 or not tokens or min(tokens[0].shape) < MIN_TOKENS:
        raise ValueError("its inputs are not one sequence of some tokens for each example")
    ids = tokens[0]
    count, length = ids.shape
    middle = torch.arange(1, length - 1, device=ids.device)
    ordered = torch.cat([ids[:, :1], ids[:, middle.flip(0)], ids[:, -1:]], 1)
    others = torch.cat([ids[:, :1], ids.roll(1, 0)[:, middle], ids[:, -1:]], 1)
    each_position = targets.numel() == ids.numel()

    def last(given: Tensor) -> Tensor:
        found = replay.repeat(graph.outputs, replay.substitutes(((given,), targets)), True).float()
        if each_position and found.dim() == 3 and found.shape[:2] != ids.shape:
            found = found.transpose(1, 2)
        if found.numel() % (ids.numel() if each_position else count):
            raise ValueError("the outputs are not one row for each example or position")
        return found.reshape(count, length, -1)[:, -1] if each_position else rows_of(found, count)

    with torch.no_grad():
        own = last(ids)
        moved = (ordered != ids).any(1)
        if not bool(moved.any()):
            raise ValueError("its tokens are the same in any order")
        change = float((last(ordered) - own)[moved].abs().max())
        with_others = float((last(others) - own).abs().max())
    if not with_others > 1e-3 * float(own.abs().mean()):
        raise ValueError("the outputs do not depend on earlier tokens")
    share = change / with_others
    return Outcome(
        share > SAME_ORDER,
        f"With the tokens in the middle in another order the last output changes {share:.1%} as"
        " much as with other tokens.",
        ExchangedPositions(share),
    )
