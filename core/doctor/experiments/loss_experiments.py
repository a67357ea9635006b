"""What the terms of a loss do to the weights, and what own functions hand back."""

import math
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from ..evidence import Evidence
from ..watch.tape import OWN_FUNCTION, Op, tensors_in
from ..watch.training_kind import DISTANCES
from .experiment import ExperimentResult, Outcome
from .input_experiments import ShuffledInputs
from .learning_experiments import optimizer_like
from .replay import Replay
from .step_experiment import experiment

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
TASKS = (*DISTANCES, "cross_entropy", "nll_loss", "binary_cross_entropy_with_logits")
DROWNED, UNLEARNED, LEARNED_ALONE = 1e-3, 0.8, 0.7
"""Part of the gradient of another task; the part of the first loss that is left where little was
learned, and of the last one where a copy learned one batch of that task alone."""


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
