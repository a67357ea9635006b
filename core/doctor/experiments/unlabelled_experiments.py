"""Experiments on steps that have no labels, and whose loss says little by its height."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..evidence import Evidence
from ..watch.graph import StepGraph
from ..watch.pairs import examples_of
from ..watch.tape import Op
from ..watch.tape_replay import replay as repeat_tape
from .experiment import ExperimentResult, Outcome
from .replay import Replay
from .step_experiment import experiment

SIMILARITIES = ("cosine_similarity", "pairwise_distance", "mul", "sub", "mse_loss")
ALIKE = 0.01
"""Part of what a loss has fallen by, that partners of other examples may cost more."""
STAYS = 0.95
"""Part of the loss of what is all alike, above which nothing was learned."""
SURELY, CLEARLY = 5.0, 0.1
"""Standard errors, and part of a distance, by which what is pulled lies further apart."""
LEAST_VOLUME = 0.05
"""Mean logarithm of a determinant that is told from nothing."""
MAX_DIMENSIONS, MAX_LATENTS, MAX_PARTS = 16, 12, 100
"""Of a row whose derivative is taken; results that are tried, the last ones first; and parts."""
FELL = 0.3
"""Part of its height by which a loss has to have fallen."""


# Partners that are to be alike.


@dataclass(frozen=True)
class OtherPartners(ExperimentResult):
    """The loss of real partners, and of those of other examples."""

    real: float
    other: float


def _comparisons(graph: StepGraph) -> list[Op]:
    """Return the calls that compare the rows of two signals which are made of different data."""
    found = []
    for op in graph.ops:
        if op.name not in SIMILARITIES or len(op.inputs) < 2:
            continue
        a, b = op.inputs[:2]
        alike = a.shape == b.shape and a.dim() == 2 and min(a.shape) > 1
        if not alike or graph.kind(a) != "signal" or graph.kind(b) != "signal":
            continue
        if not op.outputs[0].requires_grad or op.inputs[0] is op.inputs[1]:
            continue
        if op.name == "mul" and not _is_summed(graph, op):
            continue
        if _data_of(graph, a) - _data_of(graph, b) and _data_of(graph, b) - _data_of(graph, a):
            found.append(op)
    return found


def _is_summed(graph: StepGraph, product: Op) -> bool:
    """Whether a product is summed up along its rows, as an inner product is."""
    users = [op for op in graph.ops if any(t is product.outputs[0] for t in op.inputs)]
    return any(op.name == "sum" and op.argument(1, "dim") in (1, -1) for op in users)


def _data_of(graph: StepGraph, value: Tensor) -> set[int]:
    return {key for key in graph.ancestors(value) if graph.kinds.get(key) == "data"}


def _with_other_partners(op: Op) -> Tensor:
    """Return what a comparison is with the partners of other examples."""

    def other(value: Any) -> Any:
        return value.roll(1, 0) if value is op.inputs[1] else value

    named = {name: other(value) for name, value in op.kwargs.items()}
    found: Tensor = op.function(*map(other, op.args), **named)
    return found


@experiment("partners_exchanged", "Other partners", "a higher loss, once it has fallen")
def partners_exchanged(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Is everything alike? With the partners of other examples the loss should be higher."""
    graph = replay.graph
    assert graph.tape.root is not None
    pairs = _comparisons(graph)
    if not pairs:
        raise ValueError("no two signals are compared row by row")
    with torch.no_grad():
        exchanged = {id(op.outputs[0]): _with_other_partners(op) for op in pairs}
        real = float(graph.tape.root) / graph.scale
        other = float(replay.repeat(graph.tape.root, exchanged)) / graph.scale
    fell = evidence.began - evidence.ended
    if not fell > FELL * max(abs(evidence.began), abs(evidence.ended)):
        raise ValueError("the loss has not fallen")
    return Outcome(
        other - real > ALIKE * fell,
        f"The loss fell from {evidence.began:.3g} to {evidence.ended:.3g}; in the last step it is"
        f" {real:.3g}, and {other:.3g} with the partners of other examples.",
        OtherPartners(real, other),
    )


# What is pulled together, and what is pushed apart.


@dataclass(frozen=True)
class PulledAndPushed(ExperimentResult):
    """The mean distances, in their data, of what is pulled together and of what is pushed apart."""

    pulled: float
    pushed: float


def _pulls(op: Op, gradient: Tensor) -> float:
    """Return by how much the loss falls as the two that a call compares come nearer."""
    if op.name in ("pairwise_distance", "mse_loss"):
        return float(gradient.sum())
    if op.name == "sub":
        return float((gradient * op.outputs[0].detach()).sum())
    return -float(gradient.sum())


def _loss_of_equals(replay: Replay) -> float:
    """Return the loss if all that is compared were equal; NaN where that has no number."""
    equal = {}
    for op in _comparisons(replay.graph):
        if op.name == "mul":
            return math.nan
        fill = torch.ones_like if op.name == "cosine_similarity" else torch.zeros_like
        equal[id(op.outputs[0])] = fill(op.outputs[0])
    with torch.no_grad():
        return float(replay.repeat(replay.graph.tape.root, equal)) / replay.graph.scale


@experiment("pulled_and_pushed", "What is pulled together", "nearer, in the data, than the others")
def pulled_and_pushed(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Does a loss pull what is alike? What it pulls should be nearer in the data, too."""
    graph = replay.graph
    collapsed = _loss_of_equals(replay)
    if not evidence.ended > STAYS * collapsed > 0:
        raise ValueError("the loss is lower than if everything were alike")
    distances: dict[bool, list[Tensor]] = {True: [], False: []}
    for op in _comparisons(graph):
        leaf = op.outputs[0].detach().clone().requires_grad_()
        with torch.enable_grad():
            root = replay.repeat(graph.tape.root, {id(op.outputs[0]): leaf})
            (gradient,) = torch.autograd.grad(root, leaf)
        ours, theirs = (examples_of(graph, *pair) for pair in (op.inputs[:2], op.inputs[1::-1]))
        size = _pulls(op, gradient)
        if ours is not None and theirs is not None and ours.shape == theirs.shape and size:
            distances[size > 0].append((ours - theirs).flatten(1).norm(dim=1))
    if not all(distances.values()):
        raise ValueError("it does not pull some together, and push others apart")
    pulled, pushed = (torch.cat(distances[side]).double() for side in (True, False))
    error = float((pulled.var() / len(pulled) + pushed.var() / len(pushed)).sqrt())
    more = float(pulled.mean() - pushed.mean())
    return Outcome(
        not (more > SURELY * error and more > CLEARLY * float(pushed.mean())),
        f"What the loss pulls together is {float(pulled.mean()):.3g} apart in the data, and what it"
        f" pushes apart {float(pushed.mean()):.3g}.",
        PulledAndPushed(float(pulled.mean()), float(pushed.mean())),
    )


# Flows.


@dataclass(frozen=True)
class VolumeSign(ExperimentResult):
    """How the loss changes with the logarithm of the volume: -1 for a likelihood."""

    slope: float


def _log_volumes(replay: Replay, given: Tensor, made: Tensor) -> Tensor:
    """Return the logarithm of the determinant of each row's derivative by the row given."""
    with torch.enable_grad():
        leaf = given.detach().clone().requires_grad_()
        found = replay.repeat(made, {id(given): leaf})
        columns = [
            torch.autograd.grad(found[:, column].sum(), leaf, retain_graph=True)[0]
            for column in range(found.shape[1])
        ]
    volumes: Tensor = torch.linalg.slogdet(torch.stack(columns, 1).double()).logabsdet
    return volumes


def _logarithm_of(
    replay: Replay, given: Tensor, candidates: list[Tensor], volumes: Tensor
) -> tuple[Tensor | None, int]:
    """Return the last signal that is the logarithm of some volumes, or its negative; its sign."""
    with torch.no_grad():  # of the weights that there are now, as the volumes are
        values = repeat_tape(replay.graph.tape, tuple(candidates), {id(given): given})
    for candidate, value in zip(reversed(candidates), reversed(values), strict=True):
        for sign in (1, -1):
            if torch.allclose(value.double().flatten(), sign * volumes, 1e-3, 1e-3):
                return candidate, sign
    return None, 0


@experiment("volume_compared", "Change of volume", "the loss falls with its logarithm")
def volume_compared(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Has the log-determinant of a flow the right sign? It is compared with the derivative."""
    graph = replay.graph
    rows = {
        id(t): t
        for op in graph.ops
        for t in (*op.inputs, *op.outputs)
        if t.dim() == 2 and 2 <= t.shape[1] <= MAX_DIMENSIONS and t.is_floating_point()
    }
    data = [t for t in rows.values() if graph.kind(t) == "data"]
    made = [t for t in rows.values() if graph.kind(t) == "signal" and t.requires_grad]
    sums = [
        t
        for op in graph.ops
        for t in op.outputs
        if t.requires_grad and graph.kind(t) == "signal" and t.dim() in (1, 2)
    ]
    forgotten = None
    for given in data[:2]:
        alike = [t for t in made if t.shape == given.shape and id(given) in graph.ancestors(t)]
        sizes = [t for t in sums if t.numel() == len(given)]
        forgotten = forgotten or _forgotten_part(replay, [given, *alike][:MAX_PARTS], sizes)
        for latent in alike[: -MAX_LATENTS - 1 : -1]:
            volumes = _log_volumes(replay, given, latent)
            if not (float(volumes.std()) > 1e-5 and float(volumes.abs().mean()) > LEAST_VOLUME):
                continue
            candidate, sign = _logarithm_of(replay, given, sizes, volumes)
            if candidate is None:
                continue
            leaf = candidate.detach().clone().requires_grad_()
            with torch.enable_grad():
                root = replay.repeat(graph.tape.root, {id(candidate): leaf})
                (gradient,) = torch.autograd.grad(root, leaf)
            slope = sign * float(gradient.sum())
            return Outcome(
                slope <= 0,
                "By a nat that the log-determinant of the flow grows, the loss"
                f" {'rises' if slope > 0 else 'falls'} by {abs(slope):.3g}.",
                VolumeSign(slope),
            )
    if forgotten is not None:
        return forgotten
    raise ValueError("no logarithm of a determinant was found")


def _forgotten_part(replay: Replay, states: list[Tensor], sizes: list[Tensor]) -> Outcome | None:
    """Compare the parts of a flow one by one: the loss has the volume of all of them, or of none.

    Args:
        replay: the step.
        states: of the flow, from its input to its output.
        sizes: signals that have a number for each row.
    """
    graph = replay.graph
    behind = graph.ancestors(graph.tape.root) | {id(graph.tape.root)}
    counted = [t for t in sizes if id(t) in behind]
    left_out = [
        t
        for op in graph.tape.ops
        for t in op.outputs
        if t.requires_grad and t.dim() in (1, 2) and t.numel() == len(states[0])
        if id(t) not in behind
    ]
    if not left_out or not counted:
        return None
    lost, kept, before = 0, 0, states[0]
    for after in states[1:]:
        if id(before) not in graph.ancestors(after):
            continue
        volumes = _log_volumes(replay, before, after)
        if not bool(volumes.isfinite().all()):
            continue  # it is no state, but something beside them of the same shape
        if float(volumes.std()) > 1e-5 and float(volumes.abs().mean()) > LEAST_VOLUME:
            if _logarithm_of(replay, before, counted, volumes)[0] is not None:
                kept += 1
            else:
                lost += _logarithm_of(replay, before, left_out, volumes)[0] is not None
        before = after
    if not lost or not kept:
        return None
    return Outcome(
        False,
        f"Of {lost} parts of the flow the log-determinant is computed, and the loss does not depend"
        f" on it; it has that of {kept}.",
        VolumeSign(0.0),
    )
