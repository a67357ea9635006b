"""Finds networks built alike: replicas that drift apart, targets that stay behind, averages."""

from itertools import combinations, permutations
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .graph import StepGraph
from .training_kind import ACTOR, ADVERSARIAL, DISTANCES
from .variables import Variables

if TYPE_CHECKING:
    from .watcher import LoopWatcher

MIN_STEPS = 3
"""Observed steps in which both are moved."""
LONG = 200
"""Steps after which a target network was to have followed."""


def drifting_replicas(watcher: "LoopWatcher") -> str:
    """Name two modules that began alike, are moved alike in every step, and differ by now; "".

    They have the same first weights and optimisers of the same kind, and learn from batches of
    their own: to compare two settings, or to train one after the other, is something else.
    """
    variables, graph = watcher.variables, watcher.graph
    if graph is None or len(watcher.observations) < MIN_STEPS:
        return ""
    steps = [{p.name for p in x.parameters if p.update > 0} for x in watcher.observations]
    for (one, a), (two, b) in combinations(variables.modules.items(), 2):
        pairs = _paired(a, b)
        if not pairs or _settings(variables, a) != _settings(variables, b):
            continue
        names = [(variables.name(p), variables.name(q)) for p, q in pairs]
        first = watcher.first_weights
        if not all(x in first and y in first and torch.equal(first[x], first[y]) for x, y in names):
            continue
        together = all(any(x in moved for x, _ in names) for moved in steps)
        together &= all(any(y in moved for _, y in names) for moved in steps)
        differ = any(not torch.equal(p, q) for p, q in pairs)
        if together and differ and _own_batches(graph, a, b):
            return f"{one} and {two} began with the same weights, and differ since the first step"
    return ""


def stale_target(watcher: "LoopWatcher") -> str:
    """Name a network that still has the first weights of the one that learns from its values; "".

    It is a step of reinforcement learning, whose errors are those of values, and in which it was
    used without a gradient.
    """
    graph = watcher.graph
    last = watcher.observations[-1] if watcher.observations else None
    if graph is None or last is None or watcher.count < LONG:
        return ""
    if last.training_kind not in (ACTOR, ADVERSARIAL) or last.criterion.kind not in DISTANCES:
        return ""
    first, names = watcher.first_weights, watcher.variables.name
    used = graph.tape.evaluated_weights | {id(t) for op in graph.tape.ops for t in op.inputs}
    for (learns, a), (stays, b) in permutations(watcher.variables.modules.items(), 2):
        pairs = _paired(a, b)
        if not all(names(p) in first for p, _ in pairs):
            continue
        behind = all(torch.equal(first[names(p)], q) for p, q in pairs)
        moved = any(not torch.equal(p, q) for p, q in pairs)
        if pairs and behind and moved and any(id(q) in used for _, q in pairs):
            return f"after {watcher.count:,} steps {stays} has the weights that {learns} began with"
    return ""


def validated_copy(watcher: "LoopWatcher") -> tuple[nn.Module, nn.Module] | None:
    """Return the network that is trained, and the one built alike that is validated in its place.

    Such as an average of its weights; None where the trained one is validated.
    """
    graph = watcher.graph
    if graph is None:
        return None
    trained = {id(p) for p in graph.tape.parameters}
    modules = [m for root in watcher.variables.modules.values() for m in root.modules()]
    for module in modules:
        mine = {id(p) for p in module.parameters()}
        if not trained or not trained <= mine or mine & watcher.evaluated_weights:
            continue
        for other in modules:
            pairs = _paired(module, other)
            if pairs and {id(q) for _, q in pairs} & watcher.evaluated_weights:
                return module, other
    return None


def _paired(a: nn.Module, b: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Return the parameters of two modules by twos; none if the modules are built differently."""
    ours: dict[str, Tensor] = dict(a.named_parameters())
    theirs: dict[str, Tensor] = dict(b.named_parameters())
    if type(a) is not type(b) or list(ours) != list(theirs):
        return []
    pairs = [(ours[name], theirs[name]) for name in ours]
    return pairs if all(p.shape == q.shape and p is not q for p, q in pairs) else []


def _settings(variables: Variables, module: nn.Module) -> tuple[str, float] | None:
    """Return the kind of the optimiser that moves a module, and its learning rate."""
    ids = {id(p) for p in module.parameters()}
    for optimizer in variables.optimizers:
        for group in optimizer.param_groups:
            if ids & {id(p) for p in group["params"]}:
                return type(optimizer).__name__, float(group["lr"])
    return None


def _own_batches(graph: StepGraph, a: nn.Module, b: nn.Module) -> bool:
    """Whether what two modules are given in a step differs."""
    given = []
    for module in (a, b):
        ids = {id(p) for p in module.parameters()}
        for op in graph.tape.ops:
            data = [t for t in op.inputs if graph.kind(t) == "data"]
            if data and any(id(t) in ids for t in op.inputs):
                given.append(data[0])
                break
    return len(given) == 2 and not (
        given[0].shape == given[1].shape and torch.equal(given[0], given[1])
    )
