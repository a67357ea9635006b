"""How graphs of nodes are wired: what neighbours send, and to which graph a node is counted."""

import torch
from torch import Tensor

from .graph import StepGraph
from .tape import Op

GATHERS = ("index_add", "scatter_add", "index_reduce", "scatter_reduce")
"""Calls by which rows are summed up, or the like, by a number that each of them has."""
PICKS = ("getitem", "index_select")
NORMS = frozenset(
    "batch_norm layer_norm group_norm instance_norm rms_norm normalize std var".split()
)
LOUDER, SUMS_GROW, LARGE = 3.0, 100.0, 10.0
"""Times by which a signal grows in one sum over neighbours and in all; and its size then."""
MANY_EDGES = 200_000
SPANNING = 0.1
"""Share of connected graphs whose nodes are counted to several."""
HARDLY_ANY = 4
"""Graphs of a batch for each that has edges, where these are in the others, too."""
MANY_ROUNDS = 100
"""Of handing on the number of a connected part; more nodes in a row are no small graph."""


def summed_neighbours(graph: StepGraph) -> tuple[str, Op] | None:
    """Find sums over neighbours, one behind the other, by which a signal grows and grows."""
    if any(op.name in NORMS for op in graph.ops):
        return None
    total, first, largest, count = 1.0, None, 0.0, 0
    for op in graph.ops:
        given = _neighbours_of(graph, op)
        if given is None:
            continue
        made = _as_used(graph, op)
        growth = _size(made) / (_size(given) + 1e-12)
        if growth > LOUDER:
            total, count, first = total * growth, count + 1, first or op
            largest = max(largest, _size(made))
    if first is None or count < 2 or not (total > SUMS_GROW and largest > LARGE):
        return None
    words = f"{count} sums over neighbours make the signal {total:,.0f} times as large"
    return f"{words}, up to {largest:.3g}", first


def _neighbours_of(graph: StepGraph, op: Op) -> Tensor | None:
    """Return what is summed up over neighbours: by a square matrix, or by indices; None."""
    if op.name in ("matmul", "mm", "spmm", "sparse_mm") and len(op.inputs) > 1:
        weights, given = op.inputs[:2]
        square = weights.dim() == given.dim() == 2 and weights.shape == (len(given), len(given))
        fixed = graph.kind(weights) in ("data", None) and not weights.requires_grad
        if not (square and fixed and given.is_floating_point()):
            return None
        sparse = weights.layout != torch.strided
        entries = weights.to_sparse().coalesce().values() if sparse else weights
        return given if bool((entries >= 0).all()) else None  # differences have both signs
    if op.name in GATHERS and _index(op) is not None and op.inputs:
        sent = op.inputs[-1]
        return sent if sent.is_floating_point() and graph.kind(sent) == "signal" else None
    return None


def _as_used(graph: StepGraph, op: Op) -> Tensor:
    """Return a sum, or what it is divided to at once, as by the number of neighbours."""
    made = op.outputs[0]
    users = [user for user in graph.ops if user is not op and any(t is made for t in user.inputs)]
    if len(users) == 1 and users[0].name in ("div", "truediv", "mul", "rmul"):
        return users[0].outputs[0]
    return made


def _size(tensor: Tensor) -> float:
    values = tensor.detach().float()
    return float(values.square().mean().sqrt()) if values.numel() else 0.0


def _index(op: Op) -> Tensor | None:
    """Return to which row each one is added: whole numbers, one for each."""
    index = op.argument(2, "index")
    if not isinstance(index, Tensor) or index.is_floating_point() or not index.numel():
        return None
    return index if index.dim() == 1 else index[:, 0] if index.dim() == 2 else None


def nodes_meet(graph: StepGraph, nodes: int) -> bool:
    """Whether rows are nodes of a graph, which are picked for edges, or summed up by an index."""
    for op in graph.ops:
        given = op.inputs[0] if op.inputs else None
        of_nodes = given is not None and given.dim() > 1 and len(given) == nodes
        if op.name in PICKS and of_nodes and graph.kind(given) == "signal":
            index = [t for t in op.inputs[1:] if not t.is_floating_point()]
            if index and index[0].dtype != torch.bool and op.outputs[0].dim() > 1:
                return True
        if op.name in GATHERS and _index(op) is not None and len(op.inputs[-1]) == nodes:
            return True
        if (
            op.name in ("matmul", "mm", "spmm", "sparse_mm")
            and _neighbours_of(graph, op) is not None
        ):
            return True
    return False


def mixed_graphs(graph: StepGraph) -> tuple[str, Op] | None:
    """Find connected graphs whose nodes are counted to several of a batch, or to the first."""
    targets = graph.targets
    if targets is None or not targets.dim() or len(targets) < 4:
        return None
    sums = [
        (op, index) for op in graph.ops if op.name in GATHERS and (index := _index(op)) is not None
    ]
    pools = [(op, index) for op, index in sums if op.outputs[0].shape[:1] == (len(targets),)]
    for pool, owner in pools:
        edges = _edges(graph, len(owner))
        if edges is None:
            continue
        part = _connected(edges, len(owner))
        touched = torch.zeros(len(owner), dtype=torch.bool, device=owner.device)
        touched[edges.flatten()] = True
        reached = len(torch.unique(owner[touched]))
        if reached * HARDLY_ANY <= len(targets):
            words = f"all edges join nodes of {reached} of {len(targets)} graphs"
            return f"{words}: in each of them nodes are counted from 0", pool
        parts = torch.unique(part[touched])
        pairs = torch.unique(torch.stack([part[touched], owner[touched]]), dim=1)[0]
        several = int((torch.unique(pairs, return_counts=True)[1] > 1).sum())
        # A network whose districts are asked for is one part, or a few; graphs of a batch are many.
        if len(parts) >= len(targets) and several > SPANNING * len(parts):
            words = f"nodes of {several} of {len(parts)} connected graphs are counted to several"
            return words, pool
    return None


def _edges(graph: StepGraph, nodes: int) -> Tensor | None:
    """Return all pairs of nodes of which one sends to the other (2, N); None without any."""
    found = []
    picked = {
        id(op.outputs[0]): op.argument(1 if op.name == "getitem" else 2, "index")
        for op in graph.ops
        if op.name in PICKS and op.inputs and op.inputs[0].shape[:1] == (nodes,)
    }
    for op in graph.ops:
        index = _index(op) if op.name in GATHERS else None
        if index is None or op.outputs[0].shape[:1] != (nodes,):
            continue
        behind = graph.ancestors(op.inputs[-1])
        for made, source in picked.items():
            whole = isinstance(source, Tensor) and source.shape == index.shape
            if made in behind and whole and not source.is_floating_point():
                found.append(torch.stack([source, index]))
    count = sum(pairs.shape[1] for pairs in found)
    return torch.unique(torch.cat(found, 1), dim=1) if 0 < count < MANY_EDGES else None


def _connected(edges: Tensor, nodes: int) -> Tensor:
    """Return of each node the least number of those that it is connected with."""
    part = torch.arange(nodes, device=edges.device)
    a, b = torch.cat([edges, edges.flip(0)], 1)
    for _ in range(MANY_ROUNDS):
        less = part.scatter_reduce(0, a, part[b], "amin")
        if torch.equal(less, part):
            break
        part = less
    return part
