"""Experiments on copies of an observed step, where observation alone does not decide.

Each is a function of the step (:class:`~core.doctor.experiments.replay.Replay`); whatever it does
to weights, it does to copies.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from ...training.shared_state import RandomState
from ..diagnosis import Picture, Series
from ..evidence import Evidence
from ..watch.observation import Observation
from ..watch.observe import follows
from ..watch.tape import OWN_FUNCTION, RECURRENT, Op, tensors_in
from ..watch.training_kind import AUTOENCODER, DISTANCES
from ..watch.watcher import FEW_DIGITS, Batch
from ..watch.wiring import attends
from .experiment import Declared, ExperimentResult, Outcome
from .replay import REPLAY_ERRORS, Replay, copy_of, reason

Run = Callable[[Replay, Evidence, float], Outcome]
"""A step, what is known, and the seconds of a usual core that there are."""


@dataclass(frozen=True)
class StepExperiment(Declared):
    """An experiment on copies of a step.

    Attributes:
        run: does it.
        seconds: of a usual core that it may take.
        expensive: whether it is left out where a cause is clear already.
    """

    run: Run
    seconds: float = 0.5
    expensive: bool = False

    def attempt(self, replay: Replay, evidence: Evidence, most: float) -> None:
        """Do it within some seconds, and add to the evidence what came out."""
        begin = time.perf_counter()
        try:
            outcome = self.run(replay, evidence, min(self.seconds, most))
        except REPLAY_ERRORS as error:
            evidence.add(self.not_done(f"This could not be tried: {reason(error)}."))
        else:
            evidence.add(self.done(outcome, time.perf_counter() - begin), outcome.result)


MIXED = 1e-3
"""Gradient by other examples over the largest: without statistics of the batch there is none."""
NEXT_TO_NOTHING = 100.0
"""Times below its maximum, from which on a learning rate is compared with that part of it."""
LOWERED = 0.9
"""Part of its maximum, below which it is said that the present rate is compared."""
ALONG = 0.9
"""Cosine between update and gradient, from which on an update by hand is gradient descent."""
MASKED = 1e6
"""Outputs beyond are those of a mask."""
SAME_LOSS = 0.05
"""Part of the loss by which another rate has to be better than the present one."""
MIN_TOKENS = 5
"""Of a sequence, and sequences, for another order to mean something."""
SAME_ORDER = 1e-3
"""Change of an output with the order of its tokens, over that with other ones, if it counts."""
HARDLY = 0.05
"""Change of the outputs with the inputs, below which they hardly depend on them."""
FREED, MIN_FREED = 0.05, 30
"""Part of the criterion that a copy without a penalty must gain; and steps that it must do."""
MAX_FUNCTIONS, DERIVATIVES = 4, 12
"""Own functions that are looked at, and derivatives by each of their tensors."""
WRONG_DERIVATIVE = 0.05
"""Part by which a gradient and a difference may not differ."""
FEW_LEVELS = 0.1
"""Values that differ, as a part of all, below which outputs are rounded."""
MIN_SETTLED, SETTLED = 4, 0.97
"""Losses on new data, and the part that the last third of them leaves where they have settled."""
TASKS = (*DISTANCES, "cross_entropy", "nll_loss", "binary_cross_entropy_with_logits")
DROWNED, UNLEARNED, LEARNED_ALONE = 1e-3, 0.8, 0.7
"""Part of the gradient of another task; the part of the first loss that is left where little was
learned, and of the last one where a copy learned one batch of that task alone."""
STATISTICS = ("std", "var", "mean", "std_mean", "var_mean", "norm", "amax", "amin")

FEW_BATCHES = 4
"""Others than the first one, from which on copies learn from batches with other rates."""
STEP_EXPERIMENTS: list[StepExperiment] = []
"""In the order in which they are tried: the cheap ones first."""


def experiment(
    id: str,
    title: str,
    criterion: str,
    seconds: float = 0.5,
    expensive: bool = False,
    among: list[StepExperiment] = STEP_EXPERIMENTS,
) -> Callable[[Run], Run]:
    """Declare a function as an experiment, among those on steps of a kind."""

    def declare(run: Run) -> Run:
        among.append(StepExperiment(id, title, criterion, run, seconds, expensive))
        return run

    return declare


# Inputs and labels of other examples.


@dataclass(frozen=True)
class ShuffledInputs(ExperimentResult):
    """How much outputs change with the inputs, as a share of their size."""

    change: float


@experiment("inputs_exchanged", "Shuffled inputs", "other inputs, other outputs")
def shuffled_inputs(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Do the outputs depend on the inputs? With those of other examples they should differ."""
    inputs, targets = replay.batches[-1]
    with torch.no_grad():
        random = RandomState.take()
        own = replay.outputs((inputs, targets)).float()
        random.restore()
        other = replay.outputs((tuple(t.roll(1, 0) for t in inputs), targets)).float()
    own, other = (t.masked_fill(t.abs() > MASKED, 0.0) for t in (own, other))
    if not bool((own - other).isfinite().all()):
        raise ValueError("the outputs are NaN")
    rows = _rows(own, len(inputs[0]))
    size = float(own.abs().mean()) + 1e-12
    change = float((own - other).abs().mean()) / size
    spread = float((rows - rows.mean(0)).abs().mean()) + 1e-12
    depends = not (change < 1e-6 or spread / size < 1e-6)
    measured = f"With the inputs of other examples the outputs change by {change:.2%}."
    if not depends:
        measured = "With the inputs of other examples the outputs are exactly the same."
    return Outcome(depends, measured, ShuffledInputs(change))


def _rows(outputs: Tensor, count: int) -> Tensor:
    """Return outputs as a row for each example."""
    if outputs.numel() % count or count < 2:
        raise ValueError("the outputs are not one row for each example")
    return outputs.reshape(count, -1)


@dataclass(frozen=True)
class ChangedLoss(ExperimentResult):
    """The loss on real batches, and on changed ones."""

    real: float
    other: float


@experiment("inputs_zeroed", "Zeroed inputs", "a higher loss, once something was learned")
def zeroed_inputs(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """What do the inputs contribute? Without them it can only guess (Karpathy 2019)."""
    _told_apart(evidence)
    batches = replay.matching_batches()[-6:]
    zeroed = [(tuple(torch.zeros_like(t) for t in inputs), targets) for inputs, targets in batches]
    return _compare(replay, batches, zeroed, "zeroed inputs")


@experiment("labels_exchanged", "Shuffled labels", "a higher loss, once something was learned")
def shuffled_labels(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Has it learned which labels belong to which inputs? With shuffled ones it should be worse."""
    _told_apart(evidence)
    batches = replay.matching_batches()[-6:]
    shuffled = [(inputs, targets.roll(1, 0)) for inputs, targets in batches]
    return _compare(replay, batches, shuffled, "shuffled labels")


def _told_apart(evidence: Evidence) -> None:
    """Raise ValueError where inputs and targets can't be changed without one another."""
    if evidence.training_kind == AUTOENCODER:
        raise ValueError("the targets are the inputs")


def _compare(replay: Replay, batches: list[Batch], changed: list[Batch], what: str) -> Outcome:
    real, other = replay.mean_loss(batches), replay.mean_loss(changed)
    if not math.isfinite(other - real):
        raise ValueError("a loss is NaN or infinite")
    return Outcome(
        other > real,
        f"With {what} the loss is {other:.3g}, with real ones {real:.3g}.",
        ChangedLoss(real, other),
        Picture(
            "",
            "bars",
            (Series("loss", (0.0, 1.0), (real, other)),),
            names=("real", what.split()[0]),
            x_label="",
        ),
    )


# Leakage: gradients of an output by what it should not depend on.


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
    if not math.isfinite(share):
        raise ValueError("its outputs are NaN or infinite")
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
        largest = float(sizes.max()) + 1e-30
        own = max(own, float(sizes[index]))
        sizes[index] = 0
        share = max(share, float(sizes.max()) / largest)
    return own, share


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
            looked_up = output.is_floating_point() and len(output) == len(inputs[0])
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
    if not bool(torch.isfinite(sizes).all()):
        raise ValueError("its outputs are NaN or infinite")
    share = float(sizes[middle + 1 :].max() / (sizes.max() + 1e-30))
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
        return found.reshape(count, length, -1)[:, -1] if each_position else _rows(found, count)

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


# Functions of the program's own.


@dataclass(frozen=True)
class OwnBackward(ExperimentResult):
    """The share of the derivatives that own functions hand on wrongly, and of how many."""

    wrong: float
    compared: float


@experiment("backward_compared", "Backward of own functions", "the derivative of the forward")
def own_backward(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Is the backward of an own autograd.Function the derivative of its forward?"""
    calls = {
        getattr(op.function, "__self__", None): op
        for op in replay.graph.ops
        if op.name == OWN_FUNCTION
    }
    if not calls:
        raise ValueError("there is no autograd.Function of its own")
    shares = {}
    for made, op in list(calls.items())[:MAX_FUNCTIONS]:
        errors = _backward_errors(op)
        if len(errors):
            shares[str(getattr(made, "__name__", ""))] = (
                float((errors > WRONG_DERIVATIVE).double().mean()),
                len(errors),
            )
    if not shares:
        raise ValueError("its functions have another gradient than their derivative deliberately")
    worst = max(shares, key=lambda name: shares[name][0])
    wrong, compared = shares[worst]
    return Outcome(
        wrong <= 0.5,
        f"Of {compared} derivatives of {worst}, compared with differences of its forward,"
        f" {wrong:.0%} are wrong.",
        OwnBackward(wrong, float(compared)),
    )


def _backward_errors(op: Op) -> Tensor:
    """Return by what part gradients of a function differ from differences of its outputs.

    None is returned for what hands on another gradient deliberately: what returns its input, what
    is flat (straight-through estimators), and what gets tensors that only its backward uses.
    """
    double = torch.float64
    none = torch.empty(0)
    given = {
        id(t): t.detach().to(double).requires_grad_(t.requires_grad)
        for t in op.inputs
        if t.is_floating_point()
    }

    def forward(copies: dict[int, Tensor]) -> Tensor:
        args = [copies.get(id(a), a) if isinstance(a, Tensor) else a for a in op.args]
        return next(t for t in tensors_in(op.function(*args)) if t.is_floating_point())

    with torch.enable_grad():
        output = forward(given)
        generator = torch.Generator().manual_seed(0)
        weights = torch.randn(output.shape, generator=generator, dtype=double).to(output)
        if output.numel() == 1:  # a loss, whose backward may take the gradient of 1 for granted
            weights = torch.ones_like(output)
        asked = {key: t for key, t in given.items() if t.requires_grad}
        found = torch.autograd.grad(output, list(asked.values()), weights, allow_unused=True)
    if any(t.shape == output.shape and torch.allclose(t, output) for t in asked.values()):
        return none
    if _rounds(output.detach(), found, weights):
        return none
    errors = []
    with torch.no_grad():
        for key, tensor in given.items():
            gradient = dict(zip(asked, found, strict=True)).get(key)
            places = torch.randperm(tensor.numel(), generator=generator)[:DERIVATIVES]
            differences = []
            for place in places.tolist():
                size = 1e-5 * max(1.0, abs(float(tensor.view(-1)[place])))
                ends = []
                for step in (size, -size):
                    moved = tensor.detach().clone()
                    moved.view(-1)[place] += step
                    ends.append((forward({**given, key: moved}) * weights).sum())
                differences.append(float(ends[0] - ends[1]) / (2 * size))
            numeric = torch.tensor(differences, dtype=double)
            if not bool((numeric.abs() > 1e-9).any()):
                return none
            if gradient is None or key not in asked:
                continue
            analytic = gradient.detach().flatten()[places.to(gradient.device)].to(double).cpu()
            counts = numeric.abs() > 1e-3 * numeric.abs().max()
            largest = torch.maximum(numeric.abs(), analytic.abs())
            errors.append(((numeric - analytic).abs() / largest)[counts])
    return torch.cat(errors) if errors else none


def _rounds(output: Tensor, gradients: tuple[Tensor | None, ...], given: Tensor) -> bool:
    """Whether outputs have few levels, and what comes back is handed on as it is, or not at all.

    So do straight-through estimators whose levels depend on all numbers of a row (Bengio et al.
    2013; Li et al. 2016, ternary weights).
    """
    if not len(torch.unique(output)) < FEW_LEVELS * output.numel():
        return False
    return any(
        g is not None and g.shape == given.shape and bool(((g == given) | (g == 0)).all())
        for g in gradients
    )


# The loss.


@dataclass(frozen=True)
class TermGradients(ExperimentResult):
    """The other terms' gradient over the criterion's; the values of both."""

    share: float
    criterion: float
    rest: float


@experiment("terms_weighed", "Gradients of the loss terms", "the criterion's is the largest")
def term_gradients(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Which part of the loss moves the weights? The gradient of each term by itself."""
    graph = replay.graph
    terms = [
        (value, factor)
        for value, factor in graph.terms
        if isinstance(value, Tensor) and value.requires_grad
    ]
    if len(terms) < 2:
        raise ValueError("the loss has one term")
    of_loss = {id(t) for t in graph.loss.op.outputs} if graph.loss else set[int]()
    penalties = [value for value, _ in terms if graph.kind(value) == "weights"]
    if not penalties or not of_loss:
        raise ValueError("the loss has no penalty on the weights")
    terms = [
        (value, factor)
        for value, factor in terms
        if any(value is p for p in penalties) or of_loss & graph.ancestors(value)
    ]
    sizes, values = {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}
    with torch.enable_grad():
        copies = replay.copies()
        for value, factor in terms:
            term = factor * replay.repeat(value, copies).sum()
            gradients = torch.autograd.grad(term, list(copies.values()), allow_unused=True)
            is_criterion = bool(of_loss & graph.ancestors(value))
            squares = sum(float(g.square().sum()) for g in gradients if g is not None)
            sizes[is_criterion] += math.sqrt(squares)
            values[is_criterion] += float(term.detach())
    criterion, rest = values[True], values[False]
    share = sizes[False] / (sizes[True] + 1e-30)
    return Outcome(
        not (share > 3 or (rest > 3 * abs(criterion) and share > 0.5)),
        f"The criterion is {criterion:.3g} with a gradient of {sizes[True]:.3g}, the rest"
        f" {rest:.3g} with {sizes[False]:.3g}.",
        TermGradients(share, criterion, rest),
    )


@dataclass(frozen=True)
class DrownedTask(ExperimentResult):
    """The gradient of one task over that of another, and how far its loss falls by itself."""

    share: float
    began: float
    ended: float
    alone: float


@experiment("tasks_weighed", "Gradients of two tasks", "neither is next to nothing", 1.0)
def drowned_task(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Does the error of a quantity drown another task, which is added as it is, and not learned?"""
    graph, first, last = replay.graph, evidence.first, evidence.last
    tasks = [
        (place, value)
        for place, (value, factor) in enumerate(graph.terms)
        if factor == 1 and isinstance(value, Tensor) and _compares_with_data(replay, value)
    ]
    if first is None or last is None or len(tasks) < 2:
        raise ValueError("the loss is not that of several tasks, as they are")
    copies = replay.copies()
    sizes = {}
    with torch.enable_grad():
        gradients = [
            torch.autograd.grad(
                replay.repeat(value, copies), list(copies.values()), allow_unused=True
            )
            for _, value in tasks
        ]
    shared = [all(g is not None for g in of_one) for of_one in zip(*gradients, strict=True)]
    for (place, _), found in zip(tasks, gradients, strict=True):
        own = [g for g, both in zip(found, shared, strict=True) if both and g is not None]
        sizes[place] = math.sqrt(sum(float(g.square().sum()) for g in own))
    small, large = (pick(sizes, key=lambda place: sizes[place]) for pick in (min, max))
    share = sizes[small] / (sizes[large] + 1e-30)
    began, ended = (
        median(step.terms[small].value for step in part if len(step.terms) == len(graph.terms))
        for part in (evidence.observations[:4], evidence.observations[-4:])
    )
    measured = (
        f"The gradient of a task is {share:.1g} of that of another, to which it is added; its loss"
        f" went from {began:.3g} to {ended:.3g}"
    )
    if share > DROWNED or ended < UNLEARNED * began:
        return Outcome(True, f"{measured}.", DrownedTask(share, began, ended, math.nan))
    others = {id(value): torch.zeros_like(value) for place, value in tasks if place != small}

    def make(weights: list[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.Adam(weights, lr=3e-3)

    alone = replay.train(copies, [None], 200, make, seconds, others)[-1]
    return Outcome(
        not alone < LEARNED_ALONE * ended,
        f"{measured}, and of one batch by itself to {alone:.3g}.",
        DrownedTask(share, began, ended, alone),
    )


def _compares_with_data(replay: Replay, value: Tensor) -> bool:
    """Whether a term is a loss function of outputs and targets."""
    made = replay.graph.made_by(value)
    kinds = [replay.graph.kind(t) for t in made.inputs[:2]] if made is not None else []
    return made is not None and made.name in TASKS and kinds == ["signal", "data"]


@dataclass(frozen=True)
class WithoutPenalty(ExperimentResult):
    """The criterion after some steps, with the penalty and without it."""

    kept: float
    left_out: float


@experiment("penalty_left_out", "Without its penalty", "no lower criterion", 2.0)
def penalty_left_out(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Do outputs ignore the inputs for a penalty's sake? A copy without it would learn."""
    graph, last, depends = replay.graph, evidence.last, evidence.result(ShuffledInputs)
    if graph.loss is None or last is None or depends is None or depends.change > HARDLY:
        raise ValueError("the outputs depend on the inputs")
    of_loss = {id(t) for t in graph.loss.op.outputs}
    terms = [t for t, _ in graph.terms if isinstance(t, Tensor) and t.requires_grad]
    terms = [t for t in terms if graph.kind(t) == "signal"]
    penalties = [t for t in terms if not of_loss & graph.ancestors(t)]
    batches = replay.matching_batches()
    if not penalties or len(penalties) == len(terms) or not batches:
        raise ValueError("the loss has no penalty on what the network computes")
    held_out, trained = batches[::4], batches[1::4] + batches[2::4] + batches[3::4] or batches
    nothing = {id(t): torch.zeros_like(t) for t in penalties}
    found = []
    for fixed in ({}, nothing):
        copies = replay.copies()
        make = optimizer_like(last, last.lr)
        done = replay.train(copies, trained, 200, make, seconds / 2, fixed)
        if len(done) < MIN_FREED:
            raise ValueError("its steps take too long")
        with torch.no_grad():
            criteria = [
                replay.repeat(graph.loss.op.outputs[0], {**replay.substitutes(batch), **copies})
                for batch in held_out
            ]
        found.append(float(torch.stack([value.float().mean() for value in criteria]).mean()))
    kept, left_out = found
    if not math.isfinite(kept - left_out):
        raise ValueError("a loss is NaN or infinite")
    return Outcome(
        not left_out < kept - FREED * abs(kept),
        f"With the inputs of other examples the outputs change by {depends.change:.1%}. After"
        f" {len(done)} more steps the criterion is {kept:.3g}, and {left_out:.3g} without the"
        " penalty.",
        WithoutPenalty(kept, left_out),
    )


@dataclass(frozen=True)
class BothModes(ExperimentResult):
    """The loss of one batch in training mode, and in eval mode."""

    trained: float
    used: float


@experiment(
    "both_modes", "Training mode and eval mode", "about the same, or less in eval mode", 1.0
)
def both_modes(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Is it the same network in training and in inference? One batch, both ways."""
    if replay.module is None:
        raise ValueError("no single module with batch norm was found")
    batch = replay.batches[-1]
    modes = [copy_of(replay.module).train(training) for training in (True, False)]
    losses = [replay.loss_of(module, batch) for module in modes]
    trained, used = losses
    return Outcome(
        not used > _far_above(trained),
        f"The same batch has a loss of {trained:.3g} in training mode, {used:.3g} in eval mode.",
        BothModes(trained, used),
    )


@dataclass(frozen=True)
class ValidatedCopy(ExperimentResult):
    """The loss of the network, of the copy that is validated, and of that with its buffers."""

    own: float
    validated: float
    with_buffers: float


@experiment("validated_copy", "The network that is validated", "about the loss of the trained one")
def validated_copy(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Is what is validated as good as what is trained? A copy may not follow, or not wholly."""
    if replay.validated is None:
        raise ValueError("it is the one that is trained")
    own, validated = (copy_of(m).float().eval() for m in replay.validated)
    with_buffers = copy_of(validated)
    for mine, theirs in zip(with_buffers.buffers(), own.buffers(), strict=True):
        mine.copy_(theirs)
    batches = replay.matching_batches()[-4:]
    losses = [
        sum(replay.loss_of(module, batch) for batch in batches) / len(batches)
        for module in (own, validated, with_buffers)
    ]
    if not losses[0] < _far_above(replay.mean_loss(batches)):
        raise ValueError("in eval mode the trained network is worse itself")
    limit = _far_above(losses[0])
    measured = (
        f"On batches that were learned from, the trained network has a loss of {losses[0]:.3g}, the"
        f" copy that is validated in its place {losses[1]:.3g}"
    )
    if losses[2] < limit < losses[1]:
        measured += f", and {losses[2]:.3g} with the running statistics of the former"
    kinds = {p.dtype for p in replay.validated[1].parameters()} & set(FEW_DIGITS)
    if kinds:
        measured += f"; its weights have the few digits of {kinds.pop()}"
    # An average follows slowly at first.
    follows = losses[2] > limit and not _has_settled(evidence)
    passed = losses[1] <= limit or follows
    return Outcome(passed, f"{measured}.", ValidatedCopy(*losses))


def _far_above(loss: float) -> float:
    return 1.5 * loss + 0.2


def _has_settled(evidence: Evidence) -> bool:
    """Whether the loss on new data has not fallen any more for the last third of the loop."""
    known = [loss for _, loss in evidence.validations if math.isfinite(loss)]
    return len(known) >= MIN_SETTLED and known[-1] > SETTLED * known[-(len(known) // 3) - 1]


# Training copies of the step.


@dataclass(frozen=True)
class OverfitBatch(ExperimentResult):
    """First and last loss on one batch, the least that it allows, and the share of the way."""

    first: float
    end: float
    goal: float
    learned: float


@experiment("overfit_one_batch", "Overfit one batch", "towards 0", 3.0, expensive=True)
def overfit_one_batch(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Can it overfit one batch? What can't is broken, not small (Karpathy 2019)."""
    batch = replay.batches[-1]
    goal = _least_loss(batch)
    best: list[float] = []
    for lr in (1e-2, 1e-3):

        def adam(weights: list[Tensor], lr: float = lr) -> torch.optim.Optimizer:
            return torch.optim.Adam(weights, lr=lr)

        losses = replay.train(replay.copies(), [batch], 300, adam, seconds / 2)
        if not best or min(losses[-10:]) < min(best[-10:]):
            best = losses
        if best[-1] < goal + 0.2 * max(0.0, best[0] - goal):
            break
    first, end = best[0], min(best[-10:])
    learned = (first - end) / max(1e-9, first - goal) if first > goal else 1.0
    uniform = evidence.last.criterion.uniform if evidence.last else math.nan
    if math.isfinite(uniform) and uniform > goal:
        learned = max(learned, (uniform - end) / max(1e-9, uniform - goal))
    return Outcome(
        learned > 0.5,
        f"From {first:.3g} to {end:.3g} in {len(best)} steps.",
        OverfitBatch(first, end, goal, learned),
        Picture(
            "",
            "lines",
            (Series("loss on the batch", tuple(range(len(best))), tuple(best)),),
            levels=(("least possible", goal),),
        ),
        expected=f"towards {goal:.3g}",
    )


def _least_loss(batch: Batch) -> float:
    """Return the least loss that a batch allows: equal inputs may have different labels."""
    inputs, targets = batch
    tokens = [t for t in inputs if not t.is_floating_point()]
    if not tokens or targets.is_floating_point():
        return 0.0
    rows = tokens[0]
    if rows.shape == targets.shape and rows.dim() > 1:  # each position sees those before it
        return 0.0
    if targets.dim() > 1 or len(rows) != len(targets):
        return 0.0
    _, group = torch.unique(rows.reshape(len(rows), -1), dim=0, return_inverse=True)
    pairs = group * (int(targets.max()) + 1) + targets
    return max(0.0, _entropy(pairs) - _entropy(group))


def _entropy(labels: Tensor) -> float:
    _, counts = torch.unique(labels, return_counts=True)
    shares = counts.double() / counts.sum()
    return float(-(shares * shares.log()).sum())


@dataclass(frozen=True)
class OtherRates(ExperimentResult):
    """The loss before, and after some steps with each multiple of the learning rate."""

    before: float
    losses: dict[float, float]

    def values(self) -> tuple[tuple[str, float], ...]:
        """Return the multiples as ``x10`` and the like."""
        after = ((f"x{factor:.3g}", self.losses[factor]) for factor in sorted(self.losses))
        return ("begun", self.before), *after

    def finite(self, *factors: float) -> list[float]:
        """Return the losses of some multiples, of those that were tried and did not diverge."""
        found = (self.losses.get(factor, math.nan) for factor in factors)
        return [loss for loss in found if math.isfinite(loss)]

    @property
    def best(self) -> float:
        """The multiple with the lowest loss."""
        return min(self.losses, key=lambda factor: self.losses[factor])


@experiment(
    "other_rates", "Other learning rates", "the present one among the best", 5.0, expensive=True
)
def other_rates(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Would another learning rate be better, from the same weights on the same batches?"""
    batches = replay.matching_batches()
    if not batches:
        raise ValueError("no batch of this shape was observed")
    differ = sum(not torch.equal(batches[0][1], b[1]) for b in batches[1:])
    if 0 < differ < FEW_BATCHES and not replay.draws_batch:
        raise ValueError("too few of its batches were kept: a copy would overfit these")
    held_out: list[Batch | None] = list(batches[::4])
    trained: list[Batch | None] = [b for place, b in enumerate(batches) if place % 4]
    trained = trained or list(batches)  # all examples in each step
    if replay.draws_batch:
        trained = [None]
        held_out = [None] * len(held_out) if replay.draws_more else held_out
    last = evidence.last
    lr = last.lr if last else math.nan
    if last is None or not (math.isfinite(lr) and lr > 0):
        raise ValueError("its learning rate is not known")
    top = max(rate for _, rate in evidence.learning_rates)
    of = f", of the present rate of {lr:.2g}" if lr < LOWERED * top else ""
    if lr < top / NEXT_TO_NOTHING:  # of next to nothing, every multiple is nothing
        lr = top / NEXT_TO_NOTHING
        of = f", of {lr:.2g}, the schedule being at its end"
    before = replay.mean_loss(held_out)
    losses: dict[float, float] = {}
    begin, steps = replay.spent, 60
    for factor in (1.0, 10.0, 0.1, 3.0, 1 / 3, 100.0):
        if seconds - (replay.spent - begin) < 0.1 and len(losses) > 2:
            break
        copies, make = replay.copies(), optimizer_like(last, lr * factor)
        done = replay.train(copies, trained, steps, make, max(0.3, seconds / 5))
        if factor == 1.0:
            steps = max(10, min(steps, len(done)))
        end = replay.mean_loss(held_out, copies)
        losses[factor] = end if math.isfinite(end) else math.inf
    found = OtherRates(before, losses)
    ordered = sorted(losses)
    each = ", ".join(f"x {factor:.3g}: {losses[factor]:.3g}" for factor in ordered)
    cap = 1.5 * max(found.finite(*ordered), default=1.0)
    # A schedule that has come down, and noise, leave every rate about as good.
    gain = losses[1.0] - losses[found.best]
    return Outcome(
        found.best in (1.0, 3.0, 1 / 3) or gain < SAME_LOSS * abs(before),
        f"After {steps} steps from a loss of {before:.3g}{of}: {each}.",
        found,
        Picture(
            "",
            "bars",
            (
                Series(
                    "loss after some steps",
                    tuple(range(len(ordered))),
                    tuple(min(losses[f], cap) for f in ordered),
                ),
            ),
            names=tuple(f"x {factor:.3g}" for factor in ordered),
            x_label="learning rate",
            levels=(("before", before),),
        ),
    )


def optimizer_like(seen: Observation, lr: float) -> Callable[[list[Tensor]], torch.optim.Optimizer]:
    """Return what makes an optimiser of the loop's kind; SGD for an update by hand that is that.

    Raises:
        ValueError: its steps are no multiple of a rate, or it is none that is known.
    """
    kind = seen.optimizer
    cosines = [abs(p.cosine) for p in seen.parameters if p.update > 0 and math.isfinite(p.cosine)]
    if not kind and cosines and median(cosines) < ALONG:
        raise ValueError("its update is by hand, and not along the gradient")
    if not kind or kind == "SGD":
        return lambda weights: torch.optim.SGD(weights, lr=lr, momentum=seen.momentum)
    if kind.startswith("Adam") or kind in ("NAdam", "RAdam"):
        return lambda weights: torch.optim.Adam(weights, lr=lr)
    if kind in ("RMSprop", "Adagrad", "Adadelta", "Rprop"):
        make = getattr(torch.optim, kind)
        return lambda weights: make(weights, lr=lr)
    raise ValueError(f"how {kind} would move copies is not known")
