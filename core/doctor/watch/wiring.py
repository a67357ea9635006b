"""How a network is wired: what stands in its calls that hardly anybody means.

Each finding is named by the cause that it is; :func:`wiring` says it in words.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from .graph import StepGraph
from .tape import PRODUCTS, RANDOM, Op
from .variables import Variables

RESHAPES = ("view", "reshape")
MOVES = frozenset(
    (
        "view reshape flatten contiguous transpose permute movedim swapaxes t T mT getitem chunk "
        "split unbind squeeze unsqueeze unflatten float to"
    ).split()
)
"""Calls that only move numbers."""
SCALES = frozenset(
    "mul rmul imul div truediv rtruediv itruediv normalize rms_norm layer_norm".split()
)
BEFORE_SOFTMAX = (
    MOVES | SCALES | frozenset("masked_fill add radd iadd sub where dropout clamp tanh".split())
)
MASKS = ("masked_fill", "mul", "rmul", "imul", "where")
WIDE, LARGE_LOGITS = 16, 1.0
"""Width of queries, and standard deviation of their products with keys, that ask for a scale."""
FEW_EXAMPLES, FEW_VALUES = 2, 8
"""Of a batch norm: examples, and values of a channel, below which their variance means little."""
PADDED = 0.4
"""Share of rows that end in padding."""
RECURRENT = frozenset("gru lstm rnn_tanh rnn_relu".split())


def wiring(graph: StepGraph, variables: Variables) -> tuple[tuple[str, str], ...]:
    """Return what is wired oddly in a step: the cause and how it shows, in words."""
    with torch.no_grad():
        found = [(cause, find(graph, variables)) for cause, find in FINDINGS.items()]
    return tuple((cause, words) for cause, words in found if words)


def _dims_scrambled(graph: StepGraph, variables: Variables) -> str:
    """A view or reshape in the place of a transpose: the numbers stay in their order."""
    for op in graph.ops:
        if op.name not in RESHAPES or graph.kind(op.args[0]) not in ("data", "signal"):
            continue
        before, after = tuple(op.args[0].shape), tuple(op.outputs[0].shape)
        sizes = [[size for size in shape[1:] if size > 1] for shape in (before, after)]
        same = before[:1] == after[:1] and sorted(sizes[0]) == sorted(sizes[1])
        if same and sizes[0] != sizes[1]:
            return f"{op.name} makes {after} of {before}, and moves no number"
    return ""


# Attention.


def _back(graph: StepGraph, value: Tensor, through: frozenset[str]) -> tuple[Op | None, set[str]]:
    """Return the call behind some others that a tensor came through, and the names of those."""
    names: set[str] = set()
    for _ in range(12):
        op = graph.made_by(value)
        if op is None or op.name not in through:
            return op, names
        names.add(op.name)
        signals = [t for t in op.inputs if graph.kind(t) == "signal"]
        if not signals:
            return op, names
        value = signals[0]
    return None, names


def _attentions(graph: StepGraph) -> list[tuple[Op, Op, set[str]]]:
    """Return each softmax of a product of two signals, that product, and what lies between."""
    found = []
    for op in graph.ops:
        if op.name != "softmax" or graph.kind(op.outputs[0]) != "signal":
            continue
        product, between = _back(graph, op.args[0], BEFORE_SOFTMAX)
        if product is None or product.name not in PRODUCTS or op.outputs[0].dim() < 2:
            continue
        if sum(graph.kind(t) == "signal" for t in product.inputs) == 2:
            found.append((op, product, between))
    return found


def _attention_unscaled(graph: StepGraph, variables: Variables) -> str:
    """Self-attention by plain products of queries and keys."""
    for _, product, between in _attentions(graph):
        signals = [t for t in product.inputs if graph.kind(t) == "signal"]
        sources = [_back(graph, t, MOVES) for t in signals]
        made = [op for op, _ in sources]
        linear = [op for op in made if op is not None and op.name in PRODUCTS]
        if len(linear) < 2 or between & SCALES:
            continue
        width, logits = signals[0].shape[-1], product.outputs[0].float()
        of_one = linear[0].operand(0) is linear[1].operand(0)
        size = float(logits[torch.isfinite(logits)].std())
        if of_one and width >= WIDE and size > LARGE_LOGITS:
            return (
                f"products of queries and keys of {width} numbers go into the softmax as they are,"
                f" with a standard deviation of {size:.2g}"
            )
    return ""


def _users(graph: StepGraph, value: Tensor) -> list[Op]:
    return [op for op in graph.ops if any(t is value for t in op.inputs)]


def _weighs_values(op: Op, shares: Tensor) -> bool:
    return op.name in ("matmul", "bmm") and op.operand(0) is shares


def _attention_axis(graph: StepGraph, variables: Variables) -> str:
    """Shares that are summed up along one axis, and were made along another."""
    for softmax, _, _ in _attentions(graph):
        shares, dim = softmax.outputs[0], softmax.argument(1, "dim")
        if not isinstance(dim, int) or dim % shares.dim() == shares.dim() - 1:
            continue
        behind = [op.outputs[0] for op in _users(graph, shares) if op.name == "dropout"]
        if any(_weighs_values(op, t) for t in (shares, *behind) for op in _users(graph, t)):
            return f"the softmax runs along dimension {dim} of {tuple(shares.shape)}, not the last"
    return ""


def _attention_mask_late(graph: StepGraph, variables: Variables) -> str:
    """Shares that are set to zero after their softmax, so that they don't sum to one."""
    random = {id(t) for op in graph.tape.ops if op.name in RANDOM for t in op.outputs}
    for softmax, _, _ in _attentions(graph):
        shares = softmax.outputs[0]
        for op in _users(graph, shares):
            masks = [t for t in op.inputs if t is not shares and graph.kind(t) != "signal"]
            masks = [t for t in masks if t.shape[-2:] == shares.shape[-2:]]
            if op.name not in MASKS or not masks or shares.shape[-1] != shares.shape[-2]:
                continue
            if graph.ancestors(masks[0]) & random:
                continue  # dropout by hand
            if any(_weighs_values(user, op.outputs[0]) for user in _users(graph, op.outputs[0])):
                left = float(op.outputs[0].float().sum(-1).mean())
                if left < 1 - 1e-3:
                    return f"{op.name} comes after the softmax: shares sum to {left:.2f}, not to 1"
    return ""


# Modules.


def _layer_repeated(graph: StepGraph, variables: Variables) -> str:
    """One module in several places of a list, where each was to have weights of its own."""
    for root in variables.modules.values():
        for name, container in root.named_modules():
            if not isinstance(container, nn.Sequential | nn.ModuleList):
                continue
            places: dict[int, list[str]] = {}
            for place, child in container._modules.items():
                if child is not None and any(True for _ in child.parameters()):
                    places.setdefault(id(child), []).append(f"{name}.{place}" if name else place)
            if shared := next((found for found in places.values() if len(found) > 1), None):
                return f"{', '.join(shared[:4])} are one module with the same weights"
    return ""


def _batch_norm_tiny(graph: StepGraph, variables: Variables) -> str:
    """Statistics of one or two examples."""
    for op in graph.ops:
        if op.name == "batch_norm" and op.argument(5, "training", False):
            given = op.inputs[0]
            values = given.numel() // max(1, given.shape[1])
            if len(given) <= FEW_EXAMPLES and values < FEW_VALUES:
                return f"batch norm takes mean and variance of {values} values a channel"
    return ""


def _padding_read(graph: StepGraph, variables: Variables) -> str:
    """The last position of a recurrent network's output, where rows end in padding."""
    tokens = next((t for t in graph.inputs if t.dim() == 2 and not t.is_floating_point()), None)
    if tokens is None or tokens.shape[1] < 3 or len(tokens) < 8:
        return ""
    for op in graph.ops:
        if op.name != "getitem" or not isinstance(op.args[1], tuple) or len(op.args[1]) < 2:
            continue
        maker = graph.made_by(op.args[0])
        last = op.args[1][1] == -1 and op.args[1][0] == slice(None)
        if not last or maker is None or maker.name not in RECURRENT or op.args[0].dim() != 3:
            continue
        if len(op.outputs[0]) != len(tokens):
            continue
        values, counts = torch.unique(tokens[:, -1], return_counts=True)
        pad = values[counts.argmax()]
        padded = float((tokens[:, -2:] == pad).all(1).float().mean())
        begins = float((tokens[:, 0] == pad).float().mean())
        if padded > PADDED and begins < 0.05:
            return (
                f"{padded:.0%} of the rows end in token {int(pad)}, and their last output is read"
            )
    return ""


FINDINGS: dict[str, Callable[[StepGraph, Variables], str]] = {
    "dims_scrambled": _dims_scrambled,
    "attention_unscaled": _attention_unscaled,
    "attention_axis": _attention_axis,
    "attention_mask_late": _attention_mask_late,
    "layer_repeated": _layer_repeated,
    "batch_norm_tiny": _batch_norm_tiny,
    "padding_read": _padding_read,
}


# The outputs.

REACH = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hardtanh": (-1.0, 1.0),
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, math.inf),
}
"""What an activation can bring out."""


def unreachable(targets: Tensor, activation: str) -> float:
    """Return the share of targets that outputs behind an activation can't come near."""
    low, high = REACH.get(activation, (-math.inf, math.inf))
    values = targets.detach().float().flatten()
    margin = 0.02 * float(values.std(correction=0)) if len(values) else 0.0
    outside = (values < low - margin) | (values > high + margin)
    return float(outside.float().mean()) if len(values) else 0.0
