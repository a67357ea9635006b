"""The examples that a watched loop learns from, and examples that are new to its network.

A batch is followed back on the tape to where it came from: rows picked from a tensor, what a loader
stacked of them, windows of a long row, or the whole data. Rows can then be put in the place of the
batch, and the step says what the network is given and compared with. New examples are validation
data in variables, or rows that are never drawn; where there are none, a part of the training data,
which networks that are trained here do without.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset, TensorDataset

from ..watch.graph import StepGraph
from ..watch.tape import Op
from ..watch.variables import Variables, is_validation
from ..watch.watcher import MAX_BATCH_BYTES
from .drawn_shares import drawn_again, drawn_shares, of_shares
from .overlaps import overlap
from .replay import Replay
from .sources import are_never_drawn, picked_rows, rows_of_view

MAX_ROWS, MAX_NEW = 20_000, 2000
MAX_NEW_TARGETS = 40_000
MAX_REPLAYS = 400
"""Of the step, for one pass over new examples."""
MIN_ROWS, MIN_NEW, FEW_NEW = 60, 30, 200
HELD_OUT, END = 0.2, 0.1
"""The part of the rows, and of a long row its end, that is held out where nothing new is found."""
LONG = 1000
"""Numbers of a row that windows are cut from."""
OVERLAPPING = 0.4
ASKED = 4
"""Rows of an evaluation that are looked for in data."""
FEW_BATCHES, ABOUT = 8, 0.1
"""Batches of which a loss is the mean, and the part of the noted one by which it may differ."""
ORDER_MATTERS = 0.5
"""Part of its loss, by which a batch whose rows are mixed is worse: dropout hits other rows."""
MANY_BATCHES = 4
"""Batches that a tensor has, from which on it is no batch itself of which some rows are picked."""
CERTAIN = 1e-3
"""The probability of not having drawn the last rows by chance, below which they are never drawn."""
MOST_COMPARED, KNOWN, ERRORS = 2000, 0.9, 5.0
"""Of two parts of the data: rows of each that are compared, the share of whole numbers among the
targets of one that the other has, too, and standard errors by which means differ, at most."""


Rows = tuple[Tensor, ...]
"""Of inputs, one or more, and of targets, which come last."""


@dataclass(frozen=True)
class SeenExamples:
    """Some examples, a row each.

    Attributes:
        rows: what stands in the place of a drawn batch: for its inputs, and for its targets.
        inputs: what the network is given for them first, (rows, ...).
        targets: what its outputs are compared with, (rows, ...).
        further: what the network is given besides, each (rows, ...).
    """

    rows: Rows
    inputs: Tensor
    targets: Tensor
    further: tuple[Tensor, ...] = ()

    @property
    def given(self) -> tuple[Tensor, ...]:
        """All that the network is given."""
        return (self.inputs, *self.further)

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class SeenData:
    """Training data of a watched loop, and new examples.

    Attributes:
        places: the tensors of the step in whose place rows can be put: for inputs, for targets.
        trained: what the loop learns from, without what is new.
        new: what the comparison is made on.
        is_new: whether the watched network has not learned from ``new``.
        source: where ``new`` is from, in words.
    """

    places: Rows
    trained: SeenExamples
    new: SeenExamples
    is_new: bool
    source: str

    def batch(self, generator: torch.Generator) -> dict[int, Tensor]:
        """Draw rows to learn from; return what replaces the batch of the step."""
        rows, size = self.trained.rows, len(self.places[0])
        if size < len(rows[0]):
            index = torch.randint(len(rows[0]), (size,), generator=generator)
        else:
            index = torch.arange(size) % len(rows[0])
        return _given(self.places, rows, index)

    def new_batches(self, count: int) -> list[dict[int, Tensor]]:
        """Return parts of what is new, each repeated until it is as long as the step's batch."""
        rows, place = self.new.rows, torch.arange(len(self.places[0]))
        parts = torch.arange(len(rows[0])).chunk(count)
        return [_given(self.places, rows, part[place % len(part)]) for part in parts]


@dataclass(frozen=True)
class _Drawn:
    """Where a batch came from.

    Attributes:
        batch: the tensor of the step that has the drawn rows.
        source: what they were picked from; None if that is not on the tape.
        picks: the calls that picked them.
    """

    batch: Tensor
    source: Tensor | None = None
    picks: tuple[Op, ...] = ()


def seen_data(replay: Replay, variables: Variables) -> SeenData:
    """Return what a watched loop learns from, and new examples.

    Args:
        replay: the newest step.
        variables: those around the loop.

    Raises:
        ValueError: why it can't be known, or too few examples were seen.
    """
    graph = replay.graph
    if graph.targets is None or not graph.inputs:
        raise ValueError("its inputs and targets were not recognised")
    drawn, y = _drawn_inputs(graph), _drawn(graph, graph.targets)
    x = drawn[0]
    if x.source is not None and x.source.dim() == 1 and x.batch.dim() == 2:
        if len(drawn) > 1:
            raise ValueError("the network has several inputs, of which one is a window")
        return _of_windows(replay, variables, x, y)
    rows = _rows(replay, drawn, y)
    if rows is None:
        return _of_batches(replay)
    return _of_rows(replay, variables, [*drawn, y], rows)


def visits_of_source(replay: Replay, steps: int) -> float:
    """Return how often a loop drew an example, by the number of rows that its batches are from.

    NaN where that is not known, or where what a batch is a part of may be a batch itself.

    Args:
        replay: the newest step.
        steps: that were done.
    """
    graph = replay.graph
    if not graph.inputs:
        return math.nan
    x = _drawn(graph, graph.inputs[0])
    if x.source is None or x.source.dim() == 0 or graph.made_by(x.source) is not None:
        return math.nan
    windows = x.source.dim() == 1 and x.batch.dim() == 2
    drawn = x.batch.numel() if windows else len(x.batch)
    return steps * drawn / len(x.source) if len(x.source) >= MANY_BATCHES * drawn else math.nan


def parts(places: Rows, rows: Rows) -> Iterator[tuple[dict[int, Tensor], int]]:
    """Yield what replaces a batch, part by part, and how many rows of the part count.

    Each part has as many rows as the batch; the last one begins anew with the first rows.

    Args:
        places: the tensors that are replaced: for inputs, and for targets.
        rows: what replaces them.
    """
    size, count = len(places[0]), len(rows[0])
    for begin in range(0, count, size):
        index = torch.arange(begin, begin + size) % count
        yield _given(places, rows, index), min(size, count - begin)


def _given(places: Rows, rows: Rows, index: Tensor) -> dict[int, Tensor]:
    """Return what replaces a batch, by some rows."""
    index = index.to(rows[0].device)
    # Where the input is the target, as in an autoencoder, the input counts.
    pairs = reversed(list(zip(places, rows, strict=True)))
    return {id(place): some[index] for place, some in pairs}


# From where a batch came.


def _drawn_inputs(graph: StepGraph) -> list[_Drawn]:
    """Follow the network's inputs back, without those that are made of another one.

    Raises:
        ValueError: one of them has no row for each example.
    """
    found = [_drawn(graph, graph.inputs[0])]
    for tensor in graph.inputs[1:]:
        drawn, behind = _drawn(graph, tensor), graph.ancestors(tensor)
        if any(one.batch is drawn.batch or id(one.batch) in behind for one in found):
            continue
        if drawn.batch.shape[:1] != found[0].batch.shape[:1]:
            raise ValueError("one of the network's inputs has no row for each example")
        found.append(drawn)
    return found


def _drawn(graph: StepGraph, tensor: Tensor) -> _Drawn:
    """Follow a tensor back to the rows that were drawn."""
    for _ in range(16):
        op = graph.made_by(tensor)
        if op is None:
            return _Drawn(tensor)
        if op.name in ("getitem", "index_select") and _picks_rows(op):
            return _Drawn(tensor, _columns(op), (op,))
        if op.name in ("stack", "cat") and op.inputs:
            picks = tuple(p for t in op.inputs if (p := graph.made_by(t)) is not None)
            if picks and all(p.name == "getitem" and p.args[0] is picks[0].args[0] for p in picks):
                return _Drawn(tensor, _columns(picks[0]), picks)
        data = [t for t in op.inputs if graph.kind(t) == "data" and t.dim() > 0]
        if len(data) != 1 or data[0].numel() * 4 < tensor.numel():
            return _Drawn(tensor)
        tensor = data[0]
    return _Drawn(tensor)


def _picks_rows(op: Op) -> bool:
    """Whether a call picks rows, and not columns."""
    index = op.args[1] if len(op.args) > 1 else None
    if op.name == "index_select":
        return bool(op.argument(1, "dim") == 0)
    if isinstance(index, tuple):
        index = index[0] if index else None
        if isinstance(index, slice) and index == slice(None):
            return False
    return index is not None and index is not Ellipsis


def _columns(pick: Op) -> Tensor:
    """Return what rows were picked from, with those columns alone that were picked, too."""
    rows: Tensor = pick.args[0]
    index = pick.args[1]
    alone = pick.name == "index_select" or not isinstance(index, tuple) or len(index) < 2
    return rows if alone else rows[(slice(None), *index[1:])]


def _picked(x: _Drawn) -> str:
    """Return which rows were picked, to be compared."""
    found = []
    for op in x.picks:
        index = op.argument(2, "index") if op.name == "index_select" else op.args[1]
        index = index[0] if isinstance(index, tuple) else index
        found.append(index.tolist() if hasattr(index, "tolist") else index)
    return str(found)


def _source(x: _Drawn) -> Tensor | None:
    """Return what a batch is rows of; None if they have another shape, as windows of a series."""
    fits = x.source is not None and x.source.shape[1:] == x.batch.shape[1:]
    return x.source if fits else None


def _rows(replay: Replay, drawn: list[_Drawn], y: _Drawn) -> Rows | None:
    """Return the whole training data, a row an example; None if only batches were seen."""
    x = drawn[0]
    if x.source is not None:
        both = (*drawn, x if y.batch is x.batch else y)
        rows = tuple(source for one in both if (source := _source(one)) is not None)
        apart = len(drawn) > 1 and len({_picked(one) for one in both}) > 1
        same = len(rows) == len(both) and len({len(source) for source in rows}) == 1
        return rows if same and not apart else None
    first = [inputs[0] for inputs, _ in replay.batches[:2]]
    whole = len(first) > 1 and first[0].shape == first[1].shape and torch.equal(*first)
    given_whole = all(one.source is None for one in (*drawn, y))
    if whole and given_whole and y.batch.dim() and len(x.batch) == len(y.batch):
        return (*(one.batch for one in drawn), y.batch)
    return None


# Training data, and new examples.


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _some(index: Tensor, count: int) -> Tensor:
    """Return so many of some indices, in a random order."""
    return index[torch.randperm(len(index), generator=_generator())[:count]]


def _of_rows(replay: Replay, variables: Variables, drawn: list[_Drawn], rows: Rows) -> SeenData:
    x, y = drawn[0], drawn[-1]
    places = tuple(one.batch for one in drawn)
    floats = 4 * sum(t.numel() for t in replay.graph.inputs if t.shape[:1] == x.batch.shape[:1])
    given = floats // max(1, len(x.batch))  # bytes of a row
    most = max(MIN_ROWS, min(MAX_ROWS, MAX_BATCH_BYTES // max(1, given, rows[0][:1].nbytes)))
    most_new = min(MAX_NEW, MAX_REPLAYS * len(x.batch))
    index = torch.arange(len(rows[0]))
    end = _never_drawn_from(replay.graph, x, len(index))
    validation = _validation(
        variables, rows, y.batch is x.batch, picked_rows(x.picks, len(index))
    ) or _evaluated(replay, variables, places, rows)
    is_new = True
    shares = drawn_shares(replay, rows[-1])
    if validation is not None:
        new, source, used = validation
        known = index[:end] if used is None else index[~torch.isin(index, used)]
    elif len(index) - end >= MIN_NEW:
        new, source = _of(rows, _some(index[end:], most_new)), "examples that are never drawn"
        known = index[:end]
    else:
        mixed = _some(index, len(index))
        count = round(HELD_OUT * len(index))
        count = count if shares else min(most_new, count)
        new, known = _of(rows, mixed[:count]), mixed[count:]
        is_new, source = False, "a part of the training data"
    if shares:
        chosen = of_shares(new[-1], shares, most_new, _generator())
        if len(chosen) < FEW_NEW:  # as of a rare class there are few
            chosen = drawn_again(new[-1], shares, min(most_new, len(new[0])), _generator())
        new = _of(new, chosen)
        again = drawn_again(rows[-1][known], shares, min(most, len(known)), _generator())
        return _made(replay, places, _of(rows, known[again]), new, is_new, source)
    if len(new[0]) > most_new:
        new = _of(new, _some(torch.arange(len(new[0])), most_new))
    return _made(replay, places, _of(rows, _some(known, most)), new, is_new, source)


def _of(rows: Rows, index: Tensor) -> Rows:
    """Return some rows."""
    return tuple(part[index] for part in rows)


def _never_drawn_from(graph: StepGraph, x: _Drawn, count: int) -> int:
    """Return the first row of those at the end that are never drawn."""
    for op in x.picks:
        index = op.argument(2, "index") if op.name == "index_select" else op.args[1]
        maker = graph.made_by(index) if isinstance(index, Tensor) else None
        if maker is not None and maker.name == "randint":
            numbers = [n for n in maker.args if isinstance(n, int)]
            high = maker.kwargs.get("high", numbers[-1] if numbers else count)
            return min(count, int(high))
    found = picked_rows(x.picks, count)
    if not found or found == list(range(found[0], found[0] + len(found))):
        return count  # in order
    end = round((max(found) + 1) * (1 + 3 / len(found)))
    by_chance = (end / count) ** len(found) if end < count else 1.0
    return end if by_chance < CERTAIN else count


def _validation(
    variables: Variables, rows: Rows, same: bool, drawn: list[int]
) -> tuple[Rows, str, Tensor | None] | None:
    """Return validation data, its name, and which rows of the training data it is (or None).

    Args:
        variables: what it is searched in.
        rows: what batches are drawn from.
        same: whether inputs are the targets, too.
        drawn: which rows a step has drawn.
    """
    for name, dataset in variables.datasets.items():
        if not is_validation(name):
            continue
        tensors, used = _tensors_of(dataset)
        if same:
            tensors = tensors[:1] * 2
        order = _places_in_training_set(variables, rows)
        if len(tensors) <= max(order):
            continue
        tensors = tuple(tensors[place] for place in order)
        if not all(map(_alike, tensors, rows)):
            continue
        if used is not None and tensors[0] is rows[0]:
            return _of(rows, used), name, used
        new = tensors if used is None else _of(tensors, used)
        if len(new[0]) >= MIN_NEW and not overlap(_joined(rows), _joined(new)) > OVERLAPPING:
            return new, name, None
    if found := _other_subset(variables, rows, drawn):
        name, used = found
        return _of(rows, used), name, used
    for name, first in _named_like(variables, rows, rows[0]):
        if len(first) < MIN_NEW or first is rows[0]:
            continue
        own = rows_of_view(first, rows[0])
        inside = own and own.start >= 0 and own.stop <= len(rows[0])
        if own and inside and are_never_drawn(own, drawn, len(rows[0])):
            index = torch.arange(own.start, own.stop)
            return _of(rows, index), name, index
        new = (first, first) if same else _partners(variables, first, rows)
        if new and not overlap(_joined(rows), _joined(new)) > OVERLAPPING:
            return new, name, None
    return None


def _other_subset(variables: Variables, rows: Rows, drawn: list[int]) -> tuple[str, Tensor] | None:
    """Return a subset of the data, beside the one that batches are drawn from, and its rows.

    Drawn as that one: a task or a stage of its own, which a later loop learns from, tells nothing.
    """
    subsets = {}
    for name, dataset in variables.datasets.items():
        tensors, used = _tensors_of(dataset)
        if used is not None and tensors and tensors[0] is rows[0]:
            subsets[name] = used
    row = torch.tensor(drawn)
    learned = [used for used in subsets.values() if len(row) and torch.isin(row, used).all()]
    for name, used in subsets.items():
        others = (own for own in learned if not torch.isin(used, own).any())
        if len(used) >= MIN_NEW and any(_are_alike(rows, own, used) for own in others):
            return name, used
    return None


def _are_alike(rows: Rows, own: Tensor, other: Tensor) -> bool:
    """Whether two parts of rows may have been drawn at random: classes, means and sizes."""
    for part in rows:
        ours, theirs = (part[_some(index, MOST_COMPARED)] for index in (own, other))
        if not part.is_floating_point():
            known = torch.isin(theirs, ours).float().mean() if part is rows[-1] else 1.0
            if known < KNOWN:
                return False
            continue
        for power in (1, 2):
            a, b = (t.double().reshape(len(t), -1).pow(power).mean(1) for t in (ours, theirs))
            error = (a.var() / len(a) + b.var() / len(b)).sqrt()
            if (a.mean() - b.mean()).abs() > ERRORS * error:
                return False
    return True


def _evaluated(
    replay: Replay, variables: Variables, places: Rows, rows: Rows
) -> tuple[Rows, str, None] | None:
    """Return what the network was evaluated on, whatever it is called, and does not learn from.

    What belongs together is known by the loss, which is about the one that the loop has noted.
    """
    order = _places_in_training_set(variables, rows)
    found: list[tuple[str, Rows]] = []
    for name, dataset in variables.datasets.items():
        if isinstance(dataset, TensorDataset) and len(dataset.tensors) > max(order):
            found.append((name, tuple(dataset.tensors[place] for place in order)))
    others = {n: t for n, t in variables.data.items() if not any(t is part for part in rows)}
    for name, first in others.items():
        beside = [t for t in others.values() if t is not first and len(t) == len(first)]
        fitting = [[t for t in beside if _alike(t, part)] for part in rows[1:]]
        found.append((name, (first, *(some[0] for some in fitting if len(some) == 1))))
    for name, new in found:
        new = new[:1] * 2 if places[-1] is places[0] else new
        alike = len(new) == len(rows) and _is_new(replay, new, rows)
        if alike and _has_noted_loss(replay, places, new):
            return new, name, None
    return None


def _has_noted_loss(replay: Replay, places: Rows, new: Rows) -> bool:
    """Whether the loss of the step on new rows, in eval mode, is about the last one of the loop."""
    root, noted = replay.graph.tape.root, replay.noted
    if root is None or root.numel() != 1 or not math.isfinite(noted):
        return False
    index = _some(torch.arange(len(new[0])), FEW_BATCHES * len(places[0]))
    parts = [p for p in torch.split(index, len(places[0])) if len(p) == len(places[0])]
    parts = parts or [torch.arange(len(places[0])) % len(index)]
    with torch.no_grad():
        given = [_given(places, new, part) for part in parts]
        losses = [float(replay.repeat(root, one, evaluation=True)) for one in given]
    return abs(sum(losses) / len(losses) - noted) < ABOUT * abs(noted)


def _is_new(replay: Replay, new: Rows, rows: Rows) -> bool:
    """Whether rows are of the kind of the training data, were evaluated, and are none of it."""
    if len(new[0]) < MIN_NEW or not all(map(_alike, new, rows)):
        return False
    first = new[0].detach().float()
    asked = [t[:ASKED].to(first) for t in replay.evaluated if t.shape[1:] == first.shape[1:]]
    known = (all((first == row).flatten(1).all(1).any() for row in some) for some in asked)
    return any(known) and not overlap(_joined(rows), _joined(new)) > OVERLAPPING


def _places_in_training_set(variables: Variables, rows: Rows) -> list[int]:
    """Return which tensors of a data set inputs and targets are; without one, in their order."""
    for dataset in variables.datasets.values():
        ids = [id(tensor) for tensor in _tensors_of(dataset)[0]]
        if all(id(part) in ids for part in rows):
            return [ids.index(id(part)) for part in rows]
    return list(range(len(rows)))


def _joined(rows: Rows) -> Tensor:
    """Return what examples are told apart by: their inputs, as one tensor."""
    if len(rows) == 2:
        return rows[0]
    return torch.cat([part.reshape(len(part), -1) for part in rows[:-1]], 1)


def _partners(variables: Variables, first: Tensor, rows: Rows) -> Rows:
    """Return validation data's first inputs with what belongs to them; () if there is none."""
    found = [first]
    for part in rows[1:]:
        for _, tensor in _named_like(variables, rows, part):
            known = any(tensor is other for other in (*found, *rows))
            if len(tensor) == len(first) and not known:
                found.append(tensor)
                break
    return tuple(found) if len(found) == len(rows) else ()


def _named_like(variables: Variables, rows: Rows, part: Tensor) -> list[tuple[str, Tensor]]:
    """Return validation data that may belong to training data; of several inputs, by its name.

    ``val_films`` belongs to ``films``, rather than ``val_users``.
    """
    named = variables.validation_data()
    fitting = [(name, tensor) for name, tensor in named.items() if _alike(tensor, part)]
    if len(rows) == 2 or len(fitting) < 2:
        return fitting
    own = next((name for name, tensor in variables.data.items() if tensor is part), "")
    if not own:
        return []
    return sorted(fitting, key=lambda one: -SequenceMatcher(None, one[0], own).ratio())


def _alike(tensor: Tensor, rows: Tensor) -> bool:
    return tensor.dtype == rows.dtype and tensor.shape[1:] == rows.shape[1:] and tensor.dim() > 0


def _tensors_of(dataset: Dataset[Any]) -> tuple[tuple[Tensor, ...], Tensor | None]:
    """Return the tensors of a data set, and which of their rows it has; None for all."""
    if isinstance(dataset, TensorDataset):
        return tuple(dataset.tensors), None
    if isinstance(dataset, Subset):
        tensors, used = _tensors_of(dataset.dataset)
        index = torch.as_tensor(list(dataset.indices))
        return tensors, index if used is None else used[index]
    return (), None


def _of_windows(replay: Replay, variables: Variables, x: _Drawn, y: _Drawn) -> SeenData:
    """Cut windows from the long row that batches were cut from."""
    row, length = x.source, x.batch.shape[1]
    aims = y.source
    if row is None or aims is None or aims.dim() != 1 or len(row) < LONG or y.batch.dim() > 2:
        raise ValueError("it is not known what its windows were cut from")
    width = y.batch.shape[1] if y.batch.dim() == 2 else 1
    shift = _shift(row, aims, x.batch, y.batch.reshape(len(x.batch), -1))
    reach = max(length, shift + width)

    def cut(row: Tensor, aims: Tensor, begin: int, end: int, count: int) -> Rows:
        last = min(end, len(row), len(aims)) - reach
        if last <= begin:
            raise ValueError("the row that windows are cut from is too short")
        starts = torch.randint(begin, last + 1, (count,), generator=_generator()).to(row.device)
        ahead = torch.arange(max(length, width), device=row.device)
        inputs = row[starts[:, None] + ahead[:length]]
        targets = aims[starts[:, None] + shift + ahead[:width]]
        return inputs, targets.reshape(len(starts), *y.batch.shape[1:])

    most = max(20, min(MAX_NEW, MAX_NEW_TARGETS // width, MAX_REPLAYS * len(x.batch)))
    count = max(MIN_ROWS, min(MAX_ROWS, MAX_BATCH_BYTES // (16 * length)))
    if aims is row:
        for name, other in variables.validation_data().items():
            long = other.dim() == 1 and other.dtype == row.dtype and len(other) > 2 * reach
            if long and other is not row and not overlap(row, other) > OVERLAPPING:
                new = cut(other, other, 0, len(other), most)
                trained = cut(row, aims, 0, len(row), count)
                return _made(replay, (x.batch, y.batch), trained, new, True, name)
    begin = round((1 - END) * len(row))
    new = cut(row, aims, begin, len(row), most)
    trained = cut(row, aims, 0, begin, count)
    source = "the last tenth of the training data"
    return _made(replay, (x.batch, y.batch), trained, new, False, source)


def _shift(row: Tensor, aims: Tensor, inputs: Tensor, targets: Tensor) -> int:
    """Return by how many places the targets lie behind the inputs."""
    length, width = inputs.shape[1], targets.shape[1]
    starts = _places(row, inputs[0])
    for shift in sorted({0, 1, 2, length, length + 1}):
        fitting = starts[starts + shift + width <= len(aims)]
        ahead = torch.arange(width, device=row.device)
        if len(fitting) and bool(
            (aims[fitting[:, None] + shift + ahead] == targets[0]).all(1).any()
        ):
            return shift
    raise ValueError("it is not known which windows belong to which targets")


def _places(row: Tensor, piece: Tensor) -> Tensor:
    """Return where a piece begins in a row."""
    found = torch.arange(len(row) - len(piece) + 1, device=row.device)
    for offset, value in enumerate(piece):
        found = found[row[found + offset] == value]
    return found


def _of_batches(replay: Replay) -> SeenData:
    """Take the batches that were kept: every fourth is held out."""
    graph = replay.graph
    assert graph.targets is not None
    rows_each = {tuple(t.shape[:1]) for t in graph.inputs}
    batches = replay.matching_batches() if len(rows_each) == 1 else []
    if len(batches) < 4:
        raise ValueError("only single batches of the data were seen")
    trained, new = (
        tuple(map(torch.cat, zip(*((*inputs, aims) for inputs, aims in chosen), strict=True)))
        for chosen in ([b for n, b in enumerate(batches) if n % 4], batches[::4])
    )
    places = *graph.inputs, graph.targets
    return _made(replay, places, trained, new, False, "a part of the batches that were kept")


def _made(
    replay: Replay, places: Rows, trained: Rows, new: Rows, is_new: bool, source: str
) -> SeenData:
    """Let the step say what the network is given for rows, and compared with."""
    graph = replay.graph
    assert graph.targets is not None
    if len(trained[0]) < MIN_ROWS or len(new[0]) < min(MIN_NEW, 20):
        raise ValueError(
            f"only {len(trained[0])} examples were seen, and {len(new[0])} that are new"
        )
    size, given, aims = len(places[0]), graph.inputs[0], graph.targets
    alone = len(graph.inputs) == 1 and len(given) == size
    apart = len(places[-1]) != size or (len(aims) != size and not _flattened(aims, places[-1]))
    if aims.numel() % size or apart:
        raise ValueError("it is not known which dimension has the examples")
    if _in_order(replay, places):
        raise ValueError("its rows are no examples of their own: their order matters")

    def examples(rows: Rows) -> SeenExamples:
        made = []
        with torch.no_grad():
            for substitutes, count in parts(places, rows):
                inputs = [substitutes[id(place)] for place in places[:-1]]
                if alone and given is not places[0]:
                    inputs = [replay.repeat(given, substitutes)]
                targets = replay.repeat(aims, substitutes).reshape(size, -1)
                made.append([part[:count] for part in (targets, *inputs)])
        targets, first, *further = (torch.cat(part).detach() for part in zip(*made, strict=True))
        return SeenExamples(rows, first, targets, tuple(further))

    return SeenData(places, examples(trained), examples(new), is_new, source)


@torch.no_grad()
def _in_order(replay: Replay, places: Rows) -> bool:
    """Whether the loss rises where the batch's rows come in another order, targets with inputs.

    As where time runs along the first dimension, or the rows are the nodes of a graph.
    """
    size, root = len(places[0]), replay.graph.tape.root
    if size < 2 or len(places[-1]) != size or root is None or root.numel() != 1:
        return False
    order = torch.randperm(size, generator=_generator())
    same = float(replay.repeat(root, _given(places, places, torch.arange(size))))
    mixed = float(replay.repeat(root, _given(places, places, order)))
    return mixed - same > ORDER_MATTERS * abs(same)


def _flattened(targets: Tensor, rows: Tensor) -> bool:
    """Whether targets are rows behind one another."""
    same = targets.numel() == rows.numel()
    return same and bool((targets.flatten() == rows.flatten()).all())
