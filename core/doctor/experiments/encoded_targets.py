"""Columns of a table that are the mean target of a category, taken before the data was split."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

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
MOST_PAIRS, MOST_ALIKE = 6, 10
"""Tables, and columns of each, for which an equation is looked for."""
FEWEST_CATEGORIES, FEWEST_EACH, MOST_CATEGORIES = 8, 2, 1000
"""Different values, of which an equation holds for none by chance; rows that one has, at least on
average; and values that are looked at."""
ALIKE, SAME, STEEP = 0.7, 1e-5, 0.1
"""Parts of a deviation: of a column, by which it misses mean targets of some rows, at most; of
targets, by which their sums may be missed, and means rise with a column's deviation at least."""
DRAWN, RAREST = 2000, 24
"""Sets of four values of which an equation is tried, drawn of all and of the rarest ones each."""
APART = 20
"""Times what sums may be missed by, from which on it is told of how many categories they are."""
HOLDS, MORE = 0.5, 1.2
"""The share of further values for which it holds, and how many times that of training alone."""


def encoded_targets(graph: StepGraph, variables: Variables) -> str:
    """Say which column is the mean target of its value, over the data for validation, too; "".

    Up to its scale: it may have been standardised. It may be a mean with some rows of the mean of
    all added to it (smoothing; Micci-Barreca 2001). That of the training data alone is none.
    """
    if len(graph.inputs) != 1 or graph.targets is None:
        return ""
    rows, aims = source_of(graph, graph.inputs[0]), source_of(graph, graph.targets)
    if rows is None or aims is None or not _is_table(rows) or not _belongs(rows, aims):
        return ""
    some, their = rows[:SOME_ROWS], aims[:SOME_ROWS]
    width = min(rows.shape[1], MAX_COLUMNS)
    missed = {column: _miss(some, their, column) for column in range(width)}
    alike = [column for column, miss in missed.items() if miss < ALIKE]
    columns = sorted(alike, key=lambda column: missed[column])[:MOST_ALIKE]
    pairs = islice(_all_data(variables, rows, aims), MOST_PAIRS) if columns else ()
    for inputs, targets in pairs:
        for column in columns:
            heed()
            everywhere = _encoded(inputs, targets, column)
            if everywhere > HOLDS and everywhere > MORE * _encoded(rows, aims, column):
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


class _Categories(NamedTuple):
    """The values of a column, of how many rows each is, and the sum of their targets, (n,) each."""

    values: Array
    counts: Array
    sums: Array


def _categories(inputs: Tensor, targets: Tensor, column: int) -> _Categories | None:
    """Return what rows of equal values have; None where these are no categories."""
    values = inputs[:, column].detach().double().cpu().numpy()
    aims = targets.detach().flatten().double().cpu().numpy()
    if not (np.isfinite(values).all() and np.isfinite(aims).all()):
        return None
    known, place = np.unique(values, return_inverse=True)
    if not FEWEST_CATEGORIES <= len(known) <= len(values) / FEWEST_EACH or known.std() == 0:
        return None
    return _Categories(known, np.bincount(place), np.bincount(place, aims))


def _miss(inputs: Tensor, targets: Tensor, column: int) -> float:
    """Return by what part of their deviation values miss a line of their rows' mean targets."""
    found = _categories(inputs, targets, column)
    means = found.sums / found.counts if found else np.zeros(1)
    if found is None or means.std() == 0:
        return float("nan")
    slope, begin = np.polyfit(means, found.values, 1)
    return float(np.abs(slope * means + begin - found.values).mean() / found.values.std())


def _encoded(inputs: Tensor, targets: Tensor, column: int) -> float:
    """Return for what share of its values a column is made of the sums and counts of targets.

    With the sum s of n targets, (s + w m) / (n + w) is the mean with w rows of the mean m added.
    Whatever it is scaled to, s is linear in n v, n, v and 1 for a value v: in k v and k, where k
    categories of equal sums and counts have one value, as there are of few rows each.
    """
    found = _categories(inputs, targets, column)
    deviation = float(targets.double().std())
    if found is None or deviation == 0:
        return 0.0
    random = np.random.default_rng(0)
    some = random.permutation(len(found.values))[:MOST_CATEGORIES]
    counts, sums = found.counts[some], found.sums[some]
    values = (found.values[some] - found.values.mean()) / found.values.std()
    terms = np.stack([counts * values, counts, values, np.ones_like(values)], 1)
    rarest = np.argsort(counts, kind="stable")[:RAREST]  # mostly of one category each
    four = np.concatenate(
        [of[random.integers(0, len(of), (DRAWN, 4))] for of in (rarest, np.arange(len(some)))]
    )
    equations = (np.linalg.pinv(terms[four]) @ sums[four, None])[:, :, 0]
    equations = equations[np.abs(equations[:, 0]) > STEEP * deviation]
    rest, added = sums - equations[:, :2] @ terms.T[:2], equations[:, 2:] @ terms.T[2:]
    exact = SAME * counts * deviation
    clear = np.abs(added) > APART * exact
    several = np.maximum(1.0, np.round(rest / np.where(clear, added, np.inf)))
    divided = counts % several == 0  # so many categories have as many rows each
    holds = divided & (np.abs(rest - several * added) < exact)
    # Where rows of many values have the same target, as of a pixel that one digit alone lights up,
    # an equation of that target holds for all of them: of each mean one value counts.
    means = (sums / counts).round(6)
    known = len(np.unique(means))
    if known < FEWEST_CATEGORIES or not len(holds):
        return 0.0
    best = holds[holds.sum(1).argmax()]
    return max(0, len(np.unique(means[best])) - 4) / (known - 4)
