"""Whether data sets of the program's own cut windows from one series that overlap.

What such a set holds is read from its attributes: a series, and where its windows begin. No example
is asked for: that it is so is known by the rows of batches, which have to be windows of the series
that begin at such places.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset

from ...interruption import heed
from ...telemetry.events import Array
from ..watch.variables import Variables, is_validation
from .overlaps import numbers_of
from .replay import Replay

LOOKED_FOR = 48
"""Rows of batches, and of an evaluation, that are looked for in a series."""
SAME, BETWEEN = 0.1, 0.5
"""Shares of the windows of a set from which on too many are those of another one, or stand between
two of them with which they share half of their numbers: at the edge of two parts a few do."""
SHORTEST, LONGEST = 4, 1_000_000
"""Steps of a window, and of a series that is searched."""
TRIED = 100
"""Places at which a series may go on as another one begins."""
CUT = "cut from one series"
"""How the words of a finding are known."""


class _Windows(NamedTuple):
    """What a data set holds, and how that is known.

    Attributes:
        series: its numbers (n, ...).
        begins: where the windows of its examples begin (m,).
        key: names of the attributes of both, the second one "" where windows begin anywhere; and by
            how much they begin behind what it says.
    """

    series: Tensor
    begins: Array
    key: tuple[str, str, int]


def overlapping_windows(
    replay: Replay, variables: Variables, evaluated: Sequence[Tensor]
) -> dict[str, Any]:
    """Return which windows of validation data are those of training, where both are cut so.

    Args:
        replay: with the batches.
        variables: with the data sets.
        evaluated: inputs of evaluations: by them a set is known, whatever its name.
    """
    given = [inputs[0] for inputs, _ in replay.batches]
    if found := _overlapping(given, variables, evaluated):
        return found
    # A convolution is given channels first, which the network may make of what is drawn.
    turned = [[t.transpose(1, 2) for t in some if t.dim() == 3] for some in (given, evaluated)]
    return _overlapping(turned[0], variables, turned[1])


def _overlapping(
    given: Sequence[Tensor], variables: Variables, evaluated: Sequence[Tensor]
) -> dict[str, Any]:
    rows = _some(given)
    if rows is None:
        return {}
    sets = variables.datasets
    drawn = {n: _cut_by(dataset, rows) for n, dataset in sets.items() if not is_validation(n)}
    ours = {name: windows for name, windows in drawn.items() if windows is not None}
    if not ours:
        return {}
    # The smallest: all of the data, which is split further, may be in variables, too.
    own, trained = min(ours.items(), key=lambda one: len(one[1].begins))
    if not all(torch.equal(windows.series, trained.series) for windows in ours.values()):
        return {}  # a series that repeats itself: its windows stand in other ones, too
    length = rows[0].numel() // trained.series[0].numel()
    others = {
        name: windows
        for name, dataset in sets.items()
        if name != own and _inner(dataset)[0].__class__ is _inner(sets[own])[0].__class__
        if (windows := _held_as(dataset, trained, length)) is not None
    }
    found = [
        _compared(name, others[name].begins, trained.begins, length)
        for name in _validated(others, trained, evaluated, length)
    ]
    return max(found, key=lambda one: (bool(one.get("windows")), one["overlap"]), default={})


def _some(tensors: Sequence[Tensor]) -> Tensor | None:
    """Return some rows of tensors, evenly spread; None if there are none of several numbers."""
    fitting = [t.detach().cpu() for t in tensors if t.shape[1:] == tensors[-1].shape[1:]]
    if not fitting or fitting[0].dim() < 2 or fitting[0].layout != torch.strided:
        return None
    rows = torch.cat(fitting)
    varied = rows.flatten(1)
    rows = rows[(varied != varied[:, :1]).any(1)]  # what is the same throughout is anywhere
    return rows[np.linspace(0, len(rows) - 1, LOOKED_FOR).astype(int)] if len(rows) else None


def _inner(dataset: Any) -> tuple[Any, Array | None]:
    """Return the data set that subsets are parts of, and which of its examples; None for all."""
    places = None
    while isinstance(dataset, Subset):
        indices = np.asarray(list(dataset.indices), int)
        places, dataset = indices if places is None else indices[places], dataset.dataset
    return dataset, places


def _cut_by(dataset: Any, rows: Tensor) -> _Windows | None:
    """Return by what a data set of the program's own cuts rows as windows; None if it does not."""
    inner, places = _inner(dataset)
    if type(inner).__module__.startswith("torch.") or not hasattr(inner, "__dict__"):
        return None
    for name, value in vars(inner).items():
        series = _series(value, rows)
        if series is None:
            continue
        length = rows[0].numel() // series[0].numel()
        found = _all_places(series, rows)
        for other, begins in _begins(inner) if found else ():
            if places is not None:
                begins = begins[places]
            for behind in (0, -length):
                if all(np.isin(some, begins + behind).any() for some in found):
                    return _Windows(series, begins + behind, (name, other, behind))
    return None


def _series(value: Any, rows: Tensor) -> Tensor | None:
    """Return what an attribute holds as numbers of which rows may be windows; None."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it may be read only
            value = torch.as_tensor(np.ascontiguousarray(value))
    if not isinstance(value, Tensor) or not value.dim() or value.layout != torch.strided:
        return None
    same_kind = value.is_floating_point() == rows.is_floating_point()
    if not same_kind or not SHORTEST < len(value) <= LONGEST:
        return None
    width, numbers = value[0].numel(), rows[0].numel()
    length = numbers // max(1, width)
    whole = length * width == numbers and (width == 1 or rows.shape[1] == length)
    return value.detach().cpu().to(rows.dtype) if whole and length >= SHORTEST else None


def _begins(inner: Any) -> Iterator[tuple[str, Array]]:
    """Yield what may say where the windows of examples begin: a list, a stride, or their number."""
    count = len(inner)
    for name, value in vars(inner).items():
        with suppress(TypeError, ValueError, RuntimeError):
            if isinstance(value, list | tuple | range | np.ndarray | Tensor):
                places = np.asarray(value) if len(value) == count else np.zeros(0)
                if places.shape == (count,) and places.dtype.kind in "iu":
                    yield name, places.astype(int)
            elif type(value) is int and value > 1:
                yield name, np.arange(count) * value
    yield "", np.arange(count)


def _all_places(series: Tensor, rows: Tensor) -> list[Array]:
    """Return of each row where it stands in a series; nothing if one does not stand there."""
    found = []
    for row in rows:
        heed()
        places = _places(series, row)
        if not len(places):
            return []
        found.append(places)
    return found


def _places(series: Tensor, piece: Tensor) -> Array:
    """Return where a piece stands in a series."""
    numbers = numbers_of(series.reshape(len(series), -1))
    steps = numbers_of(piece.reshape(-1, numbers.shape[1]))
    found: Array = np.arange(max(0, len(numbers) - len(steps) + 1))
    # The rarest first: of a series of many equal numbers few places are left then.
    _, kinds, counts = np.unique(steps, axis=0, return_inverse=True, return_counts=True)
    for offset in np.argsort(counts[kinds.reshape(-1)], kind="stable"):
        step = steps[offset]
        found = found[(numbers[found + offset] == step).all(1)]
    return found


def _held_as(dataset: Any, trained: _Windows, length: int) -> _Windows | None:
    """Return the windows of another set of the same class, as places in the series of training."""
    inner, places = _inner(dataset)
    series, begins, behind = trained.key
    known = dict(_begins(inner)).get(begins)
    theirs = _series(vars(inner).get(series), trained.series[:length].reshape(1, length, -1))
    if known is None or theirs is None:
        return None
    shift = _shift(trained.series, theirs, length)
    if shift is None:
        return None
    known = known if places is None else known[places]
    return trained._replace(begins=known + behind + shift)


def _shift(ours: Tensor, theirs: Tensor, length: int) -> int | None:
    """Return where another series begins in ours, of which it may be a part; None if that is open.

    It is where they have nothing in common, and where a series repeats itself.
    """
    if torch.equal(ours, theirs):
        return 0
    found = set[int]()
    for one, other, sign in ((ours, theirs, 1), (theirs, ours, -1)):
        for place in _places(one, other[:length])[:TRIED].tolist():
            count = min(len(one) - place, len(other))
            if torch.equal(one[place : place + count], other[:count]):
                found.add(sign * int(place))
    return found.pop() if len(found) == 1 else None


def _validated(
    others: dict[str, _Windows], trained: _Windows, evaluated: Sequence[Tensor], length: int
) -> Sequence[str]:
    """Return which sets are there to validate: by their names, or the only one that is evaluated.

    One of which all is learned from, and no name says so, may be there to see what is learned.
    """
    if named := [name for name in others if is_validation(name)]:
        return named
    new = [n for n, held in others.items() if not np.isin(held.begins, trained.begins).all()]
    if len(new) != 1:
        return ()
    numbers = length * trained.series[0].numel()
    asked = [_some([rows]) for rows in evaluated if rows[:1].numel() == numbers]
    begins = others[new[0]].begins
    known = [_all_places(trained.series, rows) for rows in asked if rows is not None]
    return (
        new
        if any(places and all(np.isin(some, begins).any() for some in places) for places in known)
        else ()
    )


def _compared(name: str, asked: Array, learned: Array, length: int) -> dict[str, Any]:
    """Return how many windows are learned from, or stand between two that are."""
    begins, same = np.unique(learned), np.isin(asked, learned)
    behind = np.searchsorted(begins, asked)
    before = asked - begins[np.maximum(behind - 1, 0)]
    after = begins[np.minimum(behind, len(begins) - 1)] - asked
    near = length // 2
    between = ~same & (before > 0) & (before <= near) & (after > 0) & (after <= near)
    found = {"overlap": float(same.mean()), "overlap_with": name}
    if same.mean() > SAME:
        words = f"{same.mean():.0%} of the windows of {name} are windows of the training data, too"
    elif between.mean() > BETWEEN:
        words = (
            f"{between.mean():.0%} of the windows of {name} stand between two of the training data"
            " which share half of their numbers or more"
        )
    else:
        return found
    return found | {"windows": f"{words}: both are {CUT}"}
