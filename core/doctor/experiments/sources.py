"""Where the examples of a batch come from."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from ..watch.graph import StepGraph, shares_storage, tensors_of
from ..watch.tape import Op

SURELY_DRAWN = 1e-3
"""The probability of not having drawn any of some rows by chance, below which none are drawn."""


def source_of(graph: StepGraph, tensor: Tensor) -> Tensor | None:
    """Return the tensor that a batch was drawn from by indices; None if that is not on the tape."""
    for _ in range(6):
        op = graph.made_by(tensor)
        if op is None:
            return None
        if op.name in ("getitem", "index_select"):
            source: Tensor = op.args[0]
            return None if graph.made_by(source) else source
        if op.name in ("stack", "cat") and op.inputs:  # a DataLoader's batch
            tensor = op.inputs[0]
        elif op.name in ("float", "long", "to", "view", "reshape", "flatten"):
            tensor = op.args[0]
        else:
            return None  # what was done afterwards would have to be done to all of it
    return None


def stream_of(graph: StepGraph) -> Tensor | None:
    """Return the row of tokens that both inputs and targets were cut from."""
    common = set.intersection(
        *(graph.origin.get(id(t), set()) for t in (*graph.inputs, graph.targets))
    )
    cuts: list[tuple[Tensor, bool]] = [
        (op.args[0], bool(tensors_of(op.args[1])))
        for op in graph.tape.ops
        if op.name == "getitem" and id(op.args[0]) in common and _is_row(op.args[0])
    ]
    for row, by_indices in cuts:
        # An epoch's order is a row of whole numbers, too, but nothing is picked from it.
        if by_indices:
            return row
    for row, _ in cuts:  # data[i : i + block]
        if int(row.max()) + 1 < len(row) / 10:
            return row
    return None


def _is_row(value: Any) -> bool:
    """Whether it is a long row of whole numbers."""
    if not isinstance(value, Tensor) or value.is_floating_point():
        return False
    return value.dim() == 1 and value.numel() > 1000


def picks_from(graph: StepGraph, whole: Tensor) -> list[Op]:
    """Return the calls of a step that pick rows from a tensor."""
    picks = (op for op in graph.ops if op.name in ("getitem", "index_select"))
    return [op for op in picks if op.args[0] is whole]


def picked_rows(picks: Iterable[Op], count: int) -> list[int]:
    """Return which rows calls pick, of so many: by whole numbers, or as slices, of each its first.

    Those that are given by truth values are not among them.
    """
    found: list[int] = []
    for op in picks:
        index = op.argument(2, "index") if op.name == "index_select" else op.args[1]
        if isinstance(index, tuple):
            index = index[0]
        if isinstance(index, slice):
            found.append(index.indices(count)[0])
        elif isinstance(index, int):
            found.append(index % count)
        elif hasattr(index, "tolist") and "bool" not in str(index.dtype):  # of torch or numpy
            found += [int(place) % count for place in index.reshape(-1).tolist()]
    return found


def rows_of_view(part: Tensor, whole: Tensor) -> range | None:
    """Return which rows of a tensor another one shows without a copy; None if it is no such.

    Where both are views of a third one, these may lie before its first row, or behind the last.
    """
    size = whole.stride(0) if whole.dim() else 0
    if not size or part.stride() != whole.stride() or not shares_storage(part, whole):
        return None
    first = (part.storage_offset() - whole.storage_offset()) // size
    return range(first, first + len(part))


def are_never_drawn(rows: range, drawn: list[int], count: int) -> bool:
    """Whether none of some rows was drawn, of so many, and chance would have drawn one."""
    by_chance: float = (1 - len(rows) / count) ** len(drawn)
    return by_chance <= SURELY_DRAWN and not any(row in rows for row in drawn)
