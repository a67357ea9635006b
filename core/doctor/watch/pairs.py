"""Sees whether a loss of labelled pairs pulls together those that are alike."""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor

from .graph import StepGraph, Wired
from .tape import Op
from .tape_replay import replay

BY_LABEL = "pairs of label"
"""How the words of a finding begin."""
HALVES = ("chunk", "split", "tensor_split", "getitem")
COMPARES = ("pairwise_distance", "cosine_similarity", "sub")
FEW_PAIRS = 5
"""Of a label, below which their mean distance says little."""
SURELY, CLEARLY = 2.5, 0.1
"""Standard errors in a step, and part of a distance, by which what is pulled lies further apart."""
AS_CONSTANT, TRIED = 0.95, 32
"""Part of the loss of the best distance for all pairs, above which they are not told apart."""


@dataclass(frozen=True, eq=False)
class LabelledPairs:
    """Pairs of which a loss pulls those of one label together, and pushes the others apart.

    Attributes:
        compared: the call that compares the partners.
        met: the call in which their distances meet the labels.
        labels: as they came, one for each pair.
        pull, push: the labels of pairs that are pulled together, and pushed apart.
    """

    compared: Op
    met: Op
    labels: Tensor
    pull: float
    push: float


def pushed_although_alike(graph: StepGraph) -> Wired:
    """Find pairs that are alike, and are pushed apart for their label.

    As where a 1 says "the same" to the data, and "different" to the loss (of Hadsell, Chopra and
    LeCun 2006, who have a 0 for what is similar). Then no embedding can do what is asked for: the
    loss is no lower than if all pairs were as far apart. Where pairs to be pushed are chosen since
    they are near, those to be pulled are nearer than others of the batch, too. Where both partners
    are picked from one table, what they are picked by may say that they are of one class.
    """
    for pairs in labelled_pairs(graph):
        with suppress(RuntimeError, ValueError, IndexError, TypeError):
            ours, theirs = _examples_of_both(graph, *pairs.compared.inputs[:2])
            if ours is None or theirs is None or ours.shape != theirs.shape:
                continue
            one, other = (rows.detach().flatten(1).double() for rows in (ours, theirs))
            apart, pulled = torch.cdist(one, other), pairs.labels.flatten() == pairs.pull
            own = apart.diagonal()
            near, far = float(own[~pulled].mean()), float(own[pulled].mean())
            pushed = f"{BY_LABEL} {pairs.push:g}, which the loss pushes apart, are"
            others = f"and those of label {pairs.pull:g}, which it pulls together,"
            if near < far and _are_of_one_class(graph, ours, theirs, ~pulled):
                return f"{pushed} of one class, {others} of two", pairs.met
            if _level(graph, pairs) > AS_CONSTANT and _are_farther(apart, pulled):
                return f"{pushed} {near:.3g} apart in the data, {others} {far:.3g}", pairs.met
    return None


def labelled_pairs(graph: StepGraph) -> Iterator[LabelledPairs]:
    """Yield labelled pairs of a step that are all pulled, or pushed, as their label says."""
    root = graph.tape.root
    if root is None or root.numel() != 1 or not root.requires_grad:
        return
    for op in graph.ops:
        found = _meets_labels(graph, op, root) if _compares_rows(graph, op) else None
        if found is None:
            continue
        met, labels = found
        with suppress(RuntimeError, ValueError, IndexError, TypeError):
            pulls = _pulls(graph, op, labels)
            low, high = torch.unique(labels.detach().double()).tolist()
            for pull, push in ((low, high), (high, low)):
                pulled = labels.flatten() == pull
                if bool((pulls[pulled] >= 0).all()) and bool((pulls[~pulled] <= 0).all()):
                    yield LabelledPairs(op, met, labels, pull, push)


def _are_farther(apart: Tensor, pulled: Tensor) -> bool:
    """Whether pairs that are pulled together are farther apart than those that are pushed.

    Args:
        apart: how far each of a batch is from each partner (n, n), its own on the diagonal.
        pulled: which pairs are pulled together (n,).
    """
    own, count = apart.diagonal(), len(apart)
    others = float(apart.sum() - own.sum()) / (count * (count - 1))
    pull, push = own[pulled], own[~pulled]
    error = float((pull.var() / len(pull) + push.var() / len(push)).sqrt())
    more = float(pull.mean() - push.mean())
    clearly = more > max(SURELY * error, CLEARLY * float(push.mean()))
    return clearly and float(pull.mean()) > others - error


def _are_of_one_class(graph: StepGraph, ours: Tensor, theirs: Tensor, pushed: Tensor) -> bool:
    """Whether the partners that are pushed apart, and no others, are of one class.

    Not where of other labels of the table it is the other way round, as of persons and cameras.

    Args:
        graph: of the step, in which labels are met that the table has for its rows.
        ours: examples, picked from a table (n, ...).
        theirs: those of the partners, from the same one (n, ...).
        pushed: which pairs are pushed apart (n,).
    """
    (table, i), (other, j) = _picked(graph, ours), _picked(graph, theirs)
    if table is None or table is not other or i is None or j is None:
        return False
    labels = {
        id(t): t
        for op in graph.tape.ops
        for t in op.inputs
        if t.dim() == 1 and len(t) == len(table) and not t.is_floating_point()
        if t is not i and t is not j
    }
    alike = [t[i] == t[j] for t in labels.values()]
    return any(torch.equal(same, pushed) for same in alike) and not any(
        torch.equal(same, ~pushed) for same in alike
    )


def _picked(graph: StepGraph, rows: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return what rows were picked from, and by which whole numbers; None if they were not."""
    op = graph.made_by(rows)
    if op is None or op.name not in ("getitem", "index_select"):
        return None, None
    index = op.args[1] if op.name == "getitem" else op.argument(2, "index")
    whole = isinstance(index, Tensor) and index.dtype in (torch.int32, torch.int64)
    return (op.args[0], index) if whole and index.dim() == 1 else (None, None)


def _compares_rows(graph: StepGraph, op: Op) -> bool:
    """Whether it compares the rows of two signals, each with one."""
    if op.name not in COMPARES or len(op.inputs) != 2 or not op.outputs[0].requires_grad:
        return False
    a, b = op.inputs
    alike = a.shape == b.shape and a.dim() == 2 and len(a) >= 2 * FEW_PAIRS and a.shape[1] > 1
    return alike and a is not b and graph.kind(a) == graph.kind(b) == "signal"


def _meets_labels(graph: StepGraph, op: Op, root: Tensor) -> tuple[Op, Tensor] | None:
    """Return where distances meet labels of two values, and these, if they meet nothing else; None.

    A layer behind a distance may say of it what it likes, and so may another distance.
    """
    made, found = {id(op.outputs[0])}, None
    for other in graph.ops:
        if not any(id(t) in made for t in other.inputs):
            continue
        for value in (t for t in other.inputs if id(t) not in made):
            if graph.kind(value) in ("signal", "weights"):
                return None
            if found is None and value.numel() == len(op.inputs[0]):
                found = other, value
        made |= {id(t) for t in other.outputs}
    if found is None or id(root) not in made:
        return None
    labels = _as_they_came(graph, found[1])
    counts = torch.unique(labels.detach(), return_counts=True)[1]
    return (found[0], labels) if len(counts) == 2 and int(counts.min()) >= FEW_PAIRS else None


def _as_they_came(graph: StepGraph, labels: Tensor) -> Tensor:
    """Return what labels were made of, one by one: ``y`` of ``1 - y``, and of ``y == 1``."""
    met = labels
    while (op := graph.made_by(labels)) is not None:
        before = [t for t in op.inputs if t.numel() == labels.numel()]
        if len(op.inputs) != 1 or not before or len(torch.unique(before[0].detach())) != 2:
            break
        if labels.dtype == torch.bool and labels is not met:
            break  # where it is decided
        labels = before[0]
    return labels


def _loss_of(graph: StepGraph, op: Op, distances: Tensor, labels: Tensor) -> Tensor:
    """Return the loss of other distances; labels, which may be drawn in the step, stay the same."""
    root = graph.tape.root
    assert root is not None
    return replay(graph.tape, (root,), {id(op.outputs[0]): distances, id(labels): labels})[0]


def _pulls(graph: StepGraph, op: Op, labels: Tensor) -> Tensor:
    """Return of each pair by how much the loss falls as both come nearer."""
    leaf = op.outputs[0].detach().clone().requires_grad_()
    with torch.enable_grad():
        loss = _loss_of(graph, op, leaf, labels)
        (gradient,) = torch.autograd.grad(loss, leaf)
    if op.name == "sub":
        return (gradient * leaf.detach()).sum(1)
    return -gradient.flatten() if op.name == "cosine_similarity" else gradient.flatten()


def loss_of_one_distance(graph: StepGraph) -> float:
    """Return the loss of labelled pairs if all are as far apart, at best; NaN without pairs."""
    for pairs in labelled_pairs(graph):
        with suppress(RuntimeError, ValueError, IndexError, TypeError):
            return _of_one_distance(graph, pairs)
    return math.nan


def _level(graph: StepGraph, pairs: LabelledPairs) -> float:
    """Return the loss as a part of what it is if all pairs are as far apart, at best."""
    root = graph.tape.root
    if root is None:
        return 0.0
    alike = _of_one_distance(graph, pairs)
    return float(root.detach()) / alike if alike > 0 else 0.0


def _of_one_distance(graph: StepGraph, pairs: LabelledPairs) -> float:
    """Return the least loss that all pairs have as far apart as one another."""
    op = pairs.compared
    now = op.outputs[0].detach()
    sizes = now.norm(dim=1, keepdim=True) if op.name == "sub" else now.abs()
    alike = now / sizes.clamp(min=1e-12) if op.name == "sub" else torch.ones_like(now)
    ends = (-1.0, 1.0) if op.name == "cosine_similarity" else (0.0, 2 * float(sizes.max()))
    with torch.no_grad():
        losses = [
            float(_loss_of(graph, op, alike * size, pairs.labels))
            for size in torch.linspace(*ends, TRIED + 1).tolist()
        ]
    return min(losses)


def _examples_of_both(
    graph: StepGraph, ours: Tensor, theirs: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the data that two signals are made of, which may be halves of one batch."""
    maker, count = graph.made_by(ours), len(ours)
    whole = maker.inputs[0] if maker is not None and maker.name in HALVES else None
    halves = whole is not None and len(whole) == 2 * count
    if whole is None or not halves or not torch.equal(whole, torch.cat([ours, theirs])):
        return examples_of(graph, ours, theirs), examples_of(graph, theirs, ours)
    given = _given(graph, graph.ancestors(whole), len(whole))
    return (given[:count], given[count:]) if given is not None else (None, None)


def examples_of(graph: StepGraph, value: Tensor, other: Tensor) -> Tensor | None:
    """Return the data, a row an example, that a signal is made of and another one is not.

    It is what a network is given, not what that was made of, such as the numbers of its rows.
    """
    return _given(graph, graph.ancestors(value) - graph.ancestors(other), len(value))


def _given(graph: StepGraph, own: set[int], rows: int) -> Tensor | None:
    found = (
        t
        for op in graph.ops
        if any(id(made) in own and graph.kind(made) == "signal" for made in op.outputs)
        for t in op.inputs
        if id(t) in own and graph.kind(t) == "data" and t.is_floating_point()
        if t.dim() > 1 and len(t) == rows
    )
    return next(found, None)
