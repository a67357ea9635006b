"""Whether validation data was learned from: its rows searched in those of training."""

import math
from collections.abc import Collection, Sequence, Sized
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset, TensorDataset

from ...interruption import heed
from ...telemetry.events import Array
from ..watch.graph import StepGraph
from ..watch.variables import AMBIGUOUS, Variables, is_validation
from .replay import Replay
from .sources import (
    SURELY_DRAWN,
    are_never_drawn,
    picked_rows,
    picks_from,
    rows_of_view,
    source_of,
    stream_of,
)

BY_CHANCE = 0.1
"""Probability with which none of a part of an evaluation is found, though all were learned from."""
MIN_HITS = 5
"""Examples of an evaluation that are found, below which it may be chance."""
MIN_PIECES, OFTEN_TWICE = 64, 0.8
"""Pieces of tokens that are searched; and the share of them that occurs twice, from which on to be
found says nothing."""
MAX_COMPARED, MIN_COPIES = 100_000, 10
"""Rows whose copies are looked for; and different ones of which there have to be some."""
HARDLY_TWICE, MANY_NUMBERS = 0.5, 50
"""Share of the different rows, and numbers, from which on a column has enough of them that rows
are not equal by chance: of two such columns, or of several."""
WINDOW, TOKENS, FEW_VALUES = 8, 24, 4
"""Numbers, and tokens or others of few values, of a window that are not equal to those of another
by chance; and different ones that it has to have more of."""
MAX_MEMBERS = 1_000_000
"""Examples of a subset that are compared by their places."""
DISTINCTIVE = 8
"""Numbers of an example, from which on two are not equal by chance."""
FEWEST_COLUMNS, ALL_DIFFER = 3, 0.9
"""Of a table, and the share of different numbers in one of them, by which its rows are known."""
MAX_EXAMPLES, MAX_COLUMNS = 4000, 2000
SPARSE = {"not_compared": "rows of sparse or quantised tensors are not compared"}
"""What is known of tensors that have no rows of numbers in memory."""


def validation_overlap(replay: Replay, variables: Variables) -> dict[str, Any]:
    """Search the validation data in the training data."""
    graph = replay.graph
    if found := _same_dataset(variables):
        return found
    numbers_first = sorted(graph.inputs, key=lambda t: not t.is_floating_point())
    sources = (_rows_and_columns(graph, t)[0] for t in numbers_first)
    trained = next((source for source in sources if source is not None), None)
    if trained is None:
        trained = stream_of(graph)
    found = {}
    if trained is None:
        return found
    whole = trained
    trained = _drawn_part(whole, variables) if _has_rows(whole) else whole
    for name, tensor in _validation_data(variables, trained).items():
        if tensor is whole and name.lower() in AMBIGUOUS:
            continue  # it is named after what it holds
        if tensor is whole:
            return {"overlap": 1.0, "overlap_with": name}
        if tensor.dtype != trained.dtype or tensor.dim() != trained.dim():
            continue
        if not (_has_rows(tensor) and _has_rows(trained)):
            found = {**found, **SPARSE}
            continue
        if tensor.shape[1:] != trained.shape[1:]:
            continue
        if _other_examples(tensor, whole, variables):
            continue
        if name in variables.validation_arrays and not _drawn(replay, whole, tensor)[0]:
            continue  # of a copy only batches tell that it was learned from
        share = overlap(trained, tensor)
        if share > 0 and _is_never_drawn(replay, whole, tensor, share):
            continue  # it is a slice of all data, of which batches are drawn from another one
        if share > 0 and _come_twice(graph, whole):
            continue
        if share > found.get("overlap", -1.0):
            found = {
                "overlap": share,
                "overlap_with": name,
                "copied": copied_rows(trained, tensor),
                "shifted": shifted_windows(trained, tensor),
                "shifted_with": name,
            }
    parts = _validation_parts(variables) if _has_rows(trained) else {}
    for name, rows in parts.items():
        copied = copied_rows(trained, rows) if rows.shape[1:] == trained.shape[1:] else 0.0
        if copied > 0 and _is_never_drawn(replay, whole, rows, copied):
            continue  # the loader that draws another part of the same rows has no name
        if copied > found.get("overlap", 0.0):
            found = {"overlap": copied, "overlap_with": name, "copied": copied}
        moved = shifted_windows(trained, rows)
        if moved > found.get("shifted", 0.0):
            found = {"overlap": 0.0, **found, "shifted": moved, "shifted_with": name}
    return found


def _validation_parts(variables: Variables) -> dict[str, Tensor]:
    """Return by its name what a part of a data set of tensors holds that is there to validate."""
    return {
        name: dataset.dataset.tensors[0][list(dataset.indices[:MAX_COMPARED])]
        for name, dataset in variables.datasets.items()
        if is_validation(name)
        and isinstance(dataset, Subset)
        and isinstance(dataset.dataset, TensorDataset)
        and _has_rows(dataset.dataset.tensors[0])
    }


def sparse_validation(variables: Variables) -> dict[str, Any]:
    """Return that validation data is not compared, if it has no rows of numbers in memory."""
    return {} if all(map(_has_rows, _validation_tensors(variables).values())) else SPARSE


def _has_rows(tensor: Tensor) -> bool:
    """Whether the rows of a tensor are numbers that lie in memory one beside the other."""
    return tensor.layout == torch.strided and not tensor.is_quantized


def numbers_of(tensor: Tensor) -> Array:
    """Return a tensor as an array; of a type that NumPy has not, in one of more digits."""
    tensor = tensor.detach().cpu().contiguous()
    numbers: Array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return numbers


def _is_never_drawn(replay: Replay, whole: Tensor, validation: Tensor, share: float) -> bool:
    """Whether batches have no row of validation data, though it is a part of what they come from.

    Where it is a slice, the step that was recorded says which rows are drawn: single tokens are
    alike everywhere. Else rows are compared, of which chance would have drawn some.

    Args:
        replay: with the batches.
        whole: what they are drawn from, (n, ...).
        validation: what may be in it, (m, ...).
        share: of it, that is.
    """
    graph, own = replay.graph, rows_of_view(validation, whole)
    drawn = picked_rows(picks_from(graph, whole), len(whole)) if own is not None else []
    if own is not None and any(row in own for row in drawn):
        return False
    if own is not None and (validation.dim() < 2 or are_never_drawn(own, drawn, len(whole))):
        return True  # of tokens nothing else can be told
    found, count = _drawn(replay, whole, validation)
    rows = min(len(validation), MAX_EXAMPLES)
    by_chance = (1 - min(1.0, share * rows / len(whole))) ** count
    return by_chance <= SURELY_DRAWN and not found


def _drawn(replay: Replay, whole: Tensor, validation: Tensor) -> tuple[bool, int]:
    """Return whether batches have a row of validation data, and how many rows were looked at."""
    found = [_rows_and_columns(replay.graph, t) for t in replay.graph.inputs]
    places = [n for n, (source, _) in enumerate(found) if source is whole]
    if not places:
        return False, 0
    rows = validation[:MAX_EXAMPLES][found[places[0]][1]].float()
    known = {row.numpy().tobytes() for row in rows.cpu()}
    batches = (inputs[places[0]].float() for inputs, _ in replay.batches)
    seen = [row for batch in batches if batch.shape[1:] == rows.shape[1:] for row in batch.cpu()]
    return any(row.numpy().tobytes() in known for row in seen), len(seen)


def _rows_and_columns(graph: StepGraph, tensor: Tensor) -> tuple[Tensor | None, Any]:
    """Return what rows were drawn from, and the index of their columns that were taken of them.

    As of ``rows[:, :-1]``, where the next token is asked for.
    """
    source, op = source_of(graph, tensor), graph.made_by(tensor)
    index = op.args[1] if op is not None and op.name == "getitem" else None
    if source is None and op and isinstance(index, tuple) and index[:1] == (slice(None),):
        return source_of(graph, op.args[0]), index
    return source, slice(None)


def _come_twice(graph: StepGraph, whole: Tensor) -> bool:
    """Whether equal rows of the training data are examples of their own: their targets differ.

    As of inputs that are drawn from few values, with targets that have noise.
    """
    aims = source_of(graph, graph.targets) if graph.targets is not None else None
    if aims is None or whole.dim() < 2 or len(aims) != len(whole):
        return False
    seen: dict[bytes, set[bytes]] = {}
    again = 0
    rows, values = numbers_of(whole[:MAX_COMPARED]), numbers_of(aims[:MAX_COMPARED])
    for row, aim in zip(rows, values, strict=True):
        known = seen.setdefault(row.tobytes(), set())
        again += bool(known)
        known.add(aim.tobytes())
    apart = sum(len(known) - 1 for known in seen.values())
    return apart >= MIN_COPIES and apart > again / 2


def _other_examples(tensor: Tensor, whole: Tensor, variables: Variables) -> bool:
    """Whether a data set that holds the same table as that of training takes other examples of it.

    As windows of one series before a day and behind it: how many they are tells.
    """
    drawn = _learned_from(variables)
    sets = {n: len(d) for n, d in variables.datasets.items() if isinstance(d, Sized)}
    theirs = {n for n, d in variables.datasets.items() if any(v is tensor for v in _held(d))}
    counts = {sets[name] for name in theirs & sets.keys()}
    apart = counts.isdisjoint({sets[name] for name in drawn if name in sets} | {len(tensor)})
    return bool(counts and drawn) and apart and torch.equal(tensor, whole)


def _held(dataset: Any) -> Collection[Any]:
    return vars(dataset).values() if hasattr(dataset, "__dict__") else ()


def _validation_data(variables: Variables, trained: Tensor) -> dict[str, Tensor]:
    """Return validation data by its name, of arrays those that may be rows of what is learned from.

    They are given its type, as they are when the network gets them.
    """
    found = _validation_tensors(variables)
    kind, wide = ("f", "f8") if trained.is_floating_point() else ("i", "i8")
    for name, array in variables.validation_arrays.items():
        if array.dtype.kind == kind and array.shape[1:] == trained.shape[1:]:
            rows = array[:MAX_COMPARED].astype(wide, order="C")
            found[name] = torch.from_numpy(rows).to(trained.dtype)
    return found


def _validation_tensors(variables: Variables) -> dict[str, Tensor]:
    """Return validation data by its name: tensors, and of data sets of tensors the first one."""
    found = variables.validation_data()
    for name, dataset in variables.datasets.items():
        # A part of a data set is told apart by its places: see _same_dataset.
        if is_validation(name) and isinstance(dataset, TensorDataset):
            found[name] = dataset.tensors[0]
    return found


def _drawn_part(whole: Tensor, variables: Variables) -> Tensor:
    """Return those rows of what a batch comes from that its loader draws: a subset, or all."""
    drawn = _learned_from(variables)
    if len(drawn) != 1:
        return whole
    members = _members(variables.datasets[drawn[0]], nested=True)
    rows = [] if isinstance(members, int) else sorted(place for _, place in members)
    return whole[rows] if rows and rows[-1] < len(whole) else whole


def _learned_from(variables: Variables) -> list[str]:
    """Return the names of loaders that data is learned from.

    Not of one whose data set is named as one of validation is, whatever the loader's own name, if
    there are others.
    """
    sets = variables.datasets
    drawn = [name for name in variables.loaders if name in sets and not is_validation(name)]
    held_out = {id(found) for name, found in sets.items() if is_validation(name)}
    return [name for name in drawn if id(sets[name]) not in held_out] or drawn


def _same_dataset(variables: Variables) -> dict[str, Any]:
    """See whether the data set behind a loader is that behind one of validation data.

    Beside it, all of the data and parts that are split further may be in variables: where what is
    drawn from is known by its loader, that alone counts.
    """
    sets = {name: found for name, found in variables.datasets.items() if isinstance(found, Sized)}
    drawn = [name for name in _learned_from(variables) if name in sets]
    ours = [_members(sets[name], bool(drawn)) for name in drawn or sets if not is_validation(name)]
    shares = {
        name: max(
            (_shared(_members(found, bool(drawn)), mine, len(drawn) == 1) for mine in ours),
            default=0.0,
        )
        for name, found in sets.items()
        if is_validation(name)
    }
    worst = max(shares, key=lambda name: shares[name], default="")
    return {"overlap": shares[worst], "overlap_with": worst} if worst and shares[worst] else {}


def _members(dataset: Any, nested: bool) -> frozenset[tuple[int, int]] | int:
    """Return which examples of which data set it has; the id of one that is no subset.

    Args:
        dataset: to be told apart.
        nested: whether a part of a part is one of the whole.
    """
    if not isinstance(dataset, Subset) or len(dataset) > MAX_MEMBERS:
        return id(dataset)
    places, inner = [int(place) for place in dataset.indices], dataset.dataset
    while nested and isinstance(inner, Subset):
        places, inner = [int(inner.indices[place]) for place in places], inner.dataset
    return frozenset((id(inner), place) for place in places)


def _shared(
    theirs: frozenset[tuple[int, int]] | int,
    ours: frozenset[tuple[int, int]] | int,
    learned_from: bool,
) -> float:
    """Return the share of theirs that is ours, too; of a whole data set, if it is learned from."""
    if learned_from and isinstance(ours, int) and not isinstance(theirs, int):
        return sum(of == ours for of, _ in theirs) / max(1, len(theirs))
    if isinstance(theirs, int) or isinstance(ours, int):
        return float(theirs == ours)
    return len(theirs & ours) / max(1, len(theirs))


def evaluation_overlap(replay: Replay, eval_rows: Sequence[Tensor]) -> dict[str, Any]:
    """Search the inputs of an evaluation among the examples that were seen in training.

    Of these a part was kept: the share that is found is that of the part. Where the loss is that of
    some rows alone, as of the training nodes of a graph, the others are rightly seen, too.
    """
    graph = replay.graph
    targets = graph.targets
    if targets is not None and targets.dim() and len(targets) < len(graph.inputs[0]):
        return {}
    if not all(_has_rows(inputs[0]) for inputs, _ in replay.batches):
        return SPARSE
    seen = torch.cat([inputs[0] for inputs, _ in replay.batches])
    known = torch.unique(seen.flatten(1).float(), dim=0)  # each step may have had all of them
    wide = math.prod(seen.shape[1:]) > DISTINCTIVE or _are_distinct(known.cpu().numpy())
    floats = seen.is_floating_point()
    fitting = [rows for rows in eval_rows if rows.shape[1:] == seen.shape[1:]]
    fitting = [rows for rows in fitting if rows.is_floating_point() == floats]
    if not floats:
        return _pieces_overlap(stream_of(graph), fitting)
    if not wide or not fitting:
        return {}
    source = source_of(graph, graph.inputs[0])
    part = min(1.0, len(known) / len(source)) if source is not None else 1.0
    asked = torch.cat(fitting).flatten(1).to(known.device)
    sums = known.sum(1)
    hits = []
    for row in asked:
        # Equal rows have equal sums; few others do.
        places = torch.nonzero((sums - row.sum()).abs() < 1e-3).flatten()
        hits.append(bool(len(places)) and bool((known[places] == row).all(1).any()))
    if sum(hits) < MIN_HITS and sum(hits) < len(hits):
        return {"overlap": 0.0, "overlap_with": "the data of the evaluation"}
    # An evaluation may go through training data first, and through new data then.
    fitting_parts = [n for n in (4, 3, 2) if (1 - part) ** (len(hits) / n) < BY_CHANCE]
    parts = np.array_split(np.array(hits, float), fitting_parts[0] if fitting_parts else 1)
    share = min(1.0, min(float(found.mean()) for found in parts) / part)
    return {"overlap": share, "overlap_with": "the data of the evaluation"}


def _pieces_overlap(row: Tensor | None, pieces: Sequence[Tensor]) -> dict[str, Any]:
    """Search pieces of tokens of an evaluation in the row that training cuts its own from.

    Short ones occur twice in any text: how many do is seen by those of one half of the row that are
    in the other.
    """
    count = sum(len(some) for some in pieces)
    if row is None or count < MIN_PIECES:
        return {}
    whole = row.detach().cpu().contiguous()
    asked = torch.cat(list(pieces)).to(whole.dtype).cpu()
    length = asked.shape[1]
    half, other = whole[: len(whole) // 2].numpy().tobytes(), whole[len(whole) // 2 :]
    if asked.dim() != 2 or len(other) <= length:
        return {}
    places = np.linspace(0, len(other) - length, MIN_PIECES).astype(int)
    twice = [half.find(other[at : at + length].numpy().tobytes()) >= 0 for at in places]
    text = whole.numpy().tobytes()
    hits = [text.find(piece.numpy().tobytes()) >= 0 for piece in asked]
    if not all(hits) or float(np.mean(twice)) > OFTEN_TWICE:
        return {}
    return {"overlap": 1.0, "overlap_with": "the data of the evaluation"}


def _are_distinct(rows: Array) -> bool:
    """Whether rows of a few numbers differ, since one of these is hardly ever the same."""
    some = rows[:MAX_EXAMPLES].reshape(len(rows[:MAX_EXAMPLES]), -1)
    if some.shape[1] < FEWEST_COLUMNS:
        return False
    return any(len(np.unique(column)) > ALL_DIFFER * len(column) for column in some.T)


def copied_rows(trained: Tensor, validation: Tensor) -> float:
    """Return the share of the validation examples that are training examples, number for number.

    NaN where examples may be equal by themselves: of few values, as in a truth table, of one
    column, or where hardly any differ, as pictures that are empty.
    """
    if not trained.is_floating_point() or trained.dim() < 2 or not len(validation):
        return math.nan
    rows = numbers_of(trained[:MAX_COMPARED].flatten(1))
    new = numbers_of(validation[:MAX_COMPARED].flatten(1))
    if not by_columns(rows[:: 1 + len(rows) // MAX_EXAMPLES]):
        return math.nan
    # Of each row its hash: pictures take more memory than there may be, a second time.
    known = {hash(row.tobytes()) for row in rows}
    found = [number for row in new if (number := hash(row.tobytes())) in known]
    return len(found) / len(new) if len(set(found)) >= MIN_COPIES else 0.0


def shifted_windows(trained: Tensor, validation: Tensor) -> float:
    """Return the share of validation windows of which training has one that begins a place apart.

    All of their numbers but one are the same, as where windows of one series are split at random.
    NaN where rows are too short to tell, or no windows.
    """
    if trained.shape[1:] != validation.shape[1:] or trained.dim() not in (2, 3):
        return math.nan
    rows, new = (numbers_of(part[:MAX_COMPARED]) for part in (trained, validation))
    # Bits and levels are tokens, too, whatever their type.
    different = np.unique(rows.ravel()[:MAX_COMPARED])
    many = trained.is_floating_point() and len(different) >= MANY_NUMBERS
    if trained.shape[1] < (WINDOW if many else TOKENS):
        return math.nan
    begins = {hash(row[:-1].tobytes()) for row in rows}
    ends = {hash(row[1:].tobytes()) for row in rows}
    found = [r for r in new if hash(r[1:].tobytes()) in begins or hash(r[:-1].tobytes()) in ends]
    # What is hardly more than zeros and ones, as a place that is one-hot, is another one so moved.
    several = [row for row in found if len(np.unique(row)) > FEW_VALUES]
    return len(several) / max(1, len(new))


def by_columns(rows: Array) -> bool:
    """Whether equal rows are no chance: in several columns hardly any number comes twice."""
    different = len(np.unique(rows, axis=0))
    counts = np.array([len(np.unique(column)) for column in rows.T[:MAX_COLUMNS]])
    return bool(
        (counts > HARDLY_TWICE * different).sum() >= 2
        or (counts >= MANY_NUMBERS).sum() >= DISTINCTIVE
    )


def overlap(trained: Tensor, validation: Tensor) -> float:
    """Return the share of the validation data that is in the training data as it is.

    Runs of examples are searched, not single ones: in names and texts, short pieces occur twice
    without anything being wrong.
    """
    rows, searched = numbers_of(trained), numbers_of(validation)
    width = max(1, int(np.prod(rows.shape[1:])))
    real = np.issubdtype(rows.dtype, np.floating)
    distinctive = (real and width > 8) or width > 100 or (real and _are_distinct(rows))
    length = 1 if distinctive else max(48 // width, 40)
    if len(searched) < length:
        return math.nan
    whole = rows.tobytes()
    places = np.linspace(0, len(searched) - length, 24).astype(int)
    hits = []
    for place in places:
        heed()
        hits.append(whole.find(searched[place : place + length].tobytes()) >= 0)
    return float(np.mean(hits))
