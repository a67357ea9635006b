"""Columns of a table that are the mean target of a category, taken before the data was split."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from ...interruption import heed
from ...telemetry.events import Array
from ..watch.graph import StepGraph
from ..watch.variables import Variables, is_validation
from .sources import source_of

MAX_ROWS, SOME_ROWS, MAX_COLUMNS = 100_000, 20_000, 200
FEWEST_CATEGORIES, FEWEST_EACH = 8, 2
"""Different values, of which a straight line is none by chance; and rows that one has, at least on
average."""
ALIKE, SAME, OTHER = 0.6, 1e-4, 1e-2
"""Parts of their standard deviation by which values miss mean targets: those of some rows, or of
all, at most; and those of the training data alone at least."""


def encoded_targets(graph: StepGraph, variables: Variables) -> str:
    """Say which column is the mean target of its value, over the data for validation, too; "".

    Up to its scale: it may have been standardised. The means of the training data alone are none.
    """
    if len(graph.inputs) != 1 or graph.targets is None:
        return ""
    rows, aims = source_of(graph, graph.inputs[0]), source_of(graph, graph.targets)
    if rows is None or aims is None or not _is_table(rows) or not _belongs(rows, aims):
        return ""
    some, their = rows[:SOME_ROWS], aims[:SOME_ROWS]
    width = min(rows.shape[1], MAX_COLUMNS)
    columns = [column for column in range(width) if _miss(some, their, column) < ALIKE]
    for inputs, targets in _all_data(variables, rows, aims) if columns else ():
        for column in columns:
            heed()
            if _miss(inputs, targets, column) < SAME and _miss(rows, aims, column) > OTHER:
                return (
                    f"column {column} of the inputs is the mean target of the rows that have its"
                    " value, over training and validation data together"
                )
    return ""


def _all_data(variables: Variables, rows: Tensor, aims: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield inputs and targets of training and validation: joined, or as they were before."""
    sets = {n: d.tensors[:2] for n, d in variables.datasets.items() if isinstance(d, TensorDataset)}
    pairs = [(name, *tensors) for name, tensors in sets.items() if len(tensors) == 2]
    pairs += [
        (name, inputs, targets)
        for name, inputs in variables.data.items()
        for other, targets in variables.data.items()
        if is_validation(name) == is_validation(other)
    ]
    for name, inputs, targets in pairs:
        if not _is_table(inputs) or inputs.shape[1:] != rows.shape[1:]:
            continue
        if inputs is rows or not _belongs(inputs, targets):
            continue
        if is_validation(name):
            yield _joined(rows, inputs), _joined(aims.flatten(), targets.flatten())
        elif len(inputs) > len(rows):
            yield inputs, targets


def _joined(trained: Tensor, held: Tensor) -> Tensor:
    return torch.cat([part.detach().cpu().double() for part in (trained, held)])


def _is_table(tensor: Tensor) -> bool:
    dense = tensor.layout == torch.strided and tensor.is_floating_point()
    return dense and tensor.dim() == 2 and len(tensor) <= MAX_ROWS


def _belongs(inputs: Tensor, targets: Tensor) -> bool:
    """Whether there is one number to predict for each row."""
    return targets.layout == torch.strided and targets.numel() == len(targets) == len(inputs)


def _has_categories(values: Array) -> bool:
    return FEWEST_CATEGORIES <= len(np.unique(values)) <= len(values) / FEWEST_EACH


def _miss(inputs: Tensor, targets: Tensor, column: int) -> float:
    """Return by what part of their deviation values miss a line of their rows' mean targets."""
    values = inputs[:, column].detach().double().cpu().numpy()
    aims = targets.detach().flatten().double().cpu().numpy()
    if not (np.isfinite(values).all() and np.isfinite(aims).all()):
        return float("nan")
    known, place = np.unique(values, return_inverse=True)
    if not _has_categories(values) or known.std() == 0:
        return float("nan")
    means = np.bincount(place, aims) / np.bincount(place)
    if means.std() == 0:
        return float("nan")
    slope, begin = np.polyfit(means, known, 1)
    return float(np.abs(slope * means + begin - known).mean() / known.std())
