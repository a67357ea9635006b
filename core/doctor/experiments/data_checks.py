"""What the data shows by itself, without any network: labels, overlap, what a context allows."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ...ngrams import counted
from ..evidence import DataStats
from ..watch.graph import StepGraph, is_one_hot
from ..watch.node_wiring import nodes_meet
from ..watch.seeds import is_seeded_in
from ..watch.tape import RANDOM, RECURRENT, Op
from ..watch.variables import Variables, is_validation
from ..watch.watcher import Batch
from .encoded_targets import encoded_targets
from .leaking_sums import leaking_sum
from .moved_targets import moved_targets
from .overlaps import (
    DISTINCTIVE,
    FEWEST_COLUMNS,
    evaluation_overlap,
    sparse_validation,
    validation_overlap,
)
from .replay import REPLAY_ERRORS, Replay
from .series_windows import overlapping_windows
from .sources import source_of, stream_of

MAX_EXAMPLES = 4000
MAX_TABLE_EXAMPLES, MAX_TABLE_TOKENS = 100_000, 400_000
"""Rows, and tokens in them, of which tables are counted."""
FEW_TOKENS = 1000
"""Different tokens, up to which it is counted how often each stands in a row."""
UNRELATED = 0.06
"""How much better than by its frequency a token of a row is predicted by the one before it, where
they are drawn independently."""
MORE_EXAMPLES = 4
"""Times a batch that stays the same, which there are to be drawn from."""
BY_CHANCE = 0.1
"""How much better than by class frequency a second simple model is by chance, at most."""
MANY_TARGETS = 32
"""Targets that are not equal in their order by chance."""
STRETCH = 12
"""Tokens that two rows of a text have in common only where it is the same place."""
NONE_OF_MANY = 2.3
"""The most that is expected, with a confidence of 0.9, where none was met."""
MAX_STREAM = 200_000
"""Tokens."""
MIN_BATCH, MIN_BATCHES = 8, 4
"""Labels of a batch, and batches, for counting the classes in them."""
FEW_CLASSES, MANY_CLASSES = 4, 20
WELL_APART, IN_ORDER = 0.8, 0.3
"""How well neighbours vote for numbers that name classes; and the correlation, from which on, of
the distance of their examples with that of the numbers, these are a quantity."""
NEIGHBOURS = 15
SELDOM_CLEAR, BY_LUCK = 0.3, 0.02
"""Share of the votes of neighbours that are clear where they tell little; and the probability from
which on down classes differ."""
BEYOND_CHANCE = 5.0
"""Standard errors by which more votes of neighbours are wrong than by chance."""
SEVERAL, MANY_CONTRADICTED, FOR_ONE = 4, 20, 0.8
"""Classes and contradicted votes, from which on it is seen whether each class is taken for one
other; and the share of these votes that are."""
MAX_COLUMNS, GIVEN_AWAY = 2000, 0.06
"""Of a table; and the part of the errors of a guess that a column leaves which is the label."""
MIN_NUMBERS, SAME_NUMBER = 64, 1e-8
"""Of a regression; and the part of their variance by which a number of the inputs may miss them."""
MANY_VALUES = 6
"""Values of a number, from which on it is no choice of a few."""
SOME_COLUMNS = 128
"""Of the numbers of an example, of which it is counted how many values they take."""
MIN_AGAIN = 40
"""Examples that come again, for how their labels differ to mean something."""
MIN_ROWS_FOR_NOISE = 500
FREQUENT = 60
"""Tokens of which tables count what follows; all others are one."""
ATTENTION = frozenset(("scaled_dot_product_attention", "multi_head_attention_forward"))


def check_data(
    replay: Replay,
    variables: Variables,
    known: tuple[Tensor, Tensor] | None = None,
    eval_rows: Sequence[Tensor] = (),
    evaluated: Sequence[Tensor] = (),
) -> DataStats:
    """Check the examples that a watched loop draws from, or the batches that were observed.

    Args:
        replay: the newest step.
        variables: those around the loop.
        known: inputs and targets, where the caller has them.
        eval_rows: inputs of an evaluation within the loop.
        evaluated: inputs of evaluations and uses beside it.
    """
    graph = replay.graph
    stats = DataStats()
    if graph.targets is None or not graph.inputs:
        return replace(stats, **sparse_validation(variables))
    try:
        inputs, targets = known or examples(replay)
        stats = replace(stats, **_classes(graph, targets if known else _all_labels(graph, targets)))
        stats = replace(stats, **_classes_in_batches(replay, known))
        # Of sets, and rows of other lengths, simple models compare places that tell nothing.
        predicted = {} if _are_padded(graph, inputs) else _predictability(inputs, targets)
        stats = replace(stats, **predicted, sees_whole=_sees_whole(graph))
        stats = replace(stats, **_context(graph, inputs, targets))
        stats = replace(stats, unordered=_unordered(inputs, targets))
        stats = replace(stats, **_contradictions(replay))
        leaking = _leaking_column(replay) or _leaking_number(replay) or leaking_sum(graph)
        leaking = leaking or encoded_targets(graph, variables)
        stats = replace(stats, leaking_column=leaking)
        stats = replace(stats, moved_targets=moved_targets(replay))
        stats = replace(stats, repeated=_repeated(replay, variables))
        windows: dict[str, Any] = {}
        with suppress(*REPLAY_ERRORS):  # a data set is a program's own
            windows = overlapping_windows(replay, variables, (*eval_rows, *evaluated))
        stats = replace(stats, **(windows or validation_overlap(replay, variables)))
        # Validation data may lie in a variable, and pieces of other data be drawn all the same.
        if math.isnan(stats.overlap) or not graph.inputs[0].is_floating_point():
            stats = replace(stats, **evaluation_overlap(replay, eval_rows))
    except REPLAY_ERRORS:
        pass  # what is not known stays NaN, and its rules say so
    return stats


def examples(replay: Replay) -> tuple[Tensor, Tensor]:
    """Return inputs and targets as the loop pairs them: batches observed, or drawn again."""
    graph = replay.graph
    assert graph.targets is not None
    batches = list(replay.matching_batches())
    if replay.draws_batch:
        count = MAX_EXAMPLES // max(1, len(graph.inputs[0]))
        batches += [replay.draw() for _ in range(min(200, count))]
    if not batches:
        return graph.inputs[0].detach(), graph.targets.detach()
    return (
        torch.cat([inputs[0] for inputs, _ in batches]),
        torch.cat([targets for _, targets in batches]),
    )


def visits(batches: Sequence[Batch], steps: int, surely: bool = False) -> float:
    """Return how often the loop met an example before, on average, at most; NaN if unknown.

    Two examples of different batches are the same one by chance p, which is estimated from how many
    of the kept ones are (capture and recapture: Petersen 1896), with a confidence of 0.9 where none
    is; of so many steps, each example then has met itself steps * batch * p times. Rows of tokens
    are the same where they share a stretch of some tokens; a few whole numbers are equal by chance,
    a single real one hardly. Batches with the same targets, row for
    row, are the same examples, whatever noise or dropout is in their inputs.

    Args:
        batches: of observed steps.
        steps: that were done.
        surely: whether what the kept examples show is asked for, and not what they allow.
    """
    if len(batches) >= MIN_BATCHES and _same_targets([targets for _, targets in batches]):
        return float(steps)
    rows = [inputs[0].flatten(1) for inputs, _ in batches if inputs[0].dim() > 1]
    rows = [row for row in rows if row.shape[1] == rows[-1].shape[1] and _tells_apart(row)]
    if len(rows) < MIN_BATCHES:
        return math.nan
    every = torch.cat(rows)[:MAX_EXAMPLES]
    stretch = every.shape[1] if every.is_floating_point() else min(STRETCH, every.shape[1])
    weights = torch.randn(stretch, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    codes = every.double().cpu().unfold(1, stretch, 1) @ weights  # equal only where all is equal
    owners = torch.arange(len(every))[:, None].expand_as(codes).flatten()
    codes, order = codes.flatten().sort(stable=True)
    owners = owners[order]
    same = (codes[1:] == codes[:-1]) & (owners[1:] != owners[:-1])
    met = len(torch.unique(torch.stack([owners[:-1][same], owners[1:][same]]), dim=1).T)
    if len(codes) == len(every):  # of several that are equal, any two are the same example
        equal = torch.unique(codes, return_counts=True)[1]
        met = int((equal * (equal - 1) // 2).sum())
    count = len(every)
    chance = (met + (0 if surely else NONE_OF_MANY)) / (count * (count - 1) / 2)
    return steps * len(rows[-1]) * chance


def _tells_apart(row: Tensor) -> bool:
    """Whether equal rows are the same example: there are many columns, or real numbers in them."""
    return row.shape[1] >= DISTINCTIVE or (
        row.is_floating_point() and bool((row != row.round()).any())
    )


def _same_targets(targets: Sequence[Tensor]) -> bool:
    """Whether many targets that differ are the same in all batches, row for row."""
    first = targets[0]
    differ = len(first) >= MANY_TARGETS and bool((first != first[0]).any())
    return differ and all(torch.equal(first, other) for other in targets[1:])


# Labels.


def _all_labels(graph: StepGraph, targets: Tensor) -> Tensor:
    """Return the labels of all examples, where the step shows them; else those of its batches."""
    assert graph.targets is not None
    for labels in (stream_of(graph), source_of(graph, graph.targets)):
        if labels is not None:
            return labels
    return targets


def _classes(graph: StepGraph, labels: Tensor) -> dict[str, Any]:
    """Return how often each class occurs."""
    if labels.dim() > 1 and is_one_hot(labels.float()):
        labels = labels.argmax(-1)
    if labels.is_floating_point():
        columns = labels.float().reshape(len(labels), -1) if labels.dim() else labels.reshape(1, 1)
        spread: dict[str, Any] = {"target_variance": float(columns.var(0, correction=0).mean())}
        if not _is_binary(labels):
            return spread if len(columns) > 1 else {}
        labels = labels.long()
    else:
        spread = {}
    labels = labels.flatten()
    labels = labels[labels >= 0]
    if not len(labels):
        return {}
    counts = torch.bincount(labels)
    shares = counts[counts > 0].double() / counts.sum()
    outputs, targets = graph.outputs, graph.targets
    classes = outputs.shape[-1] if outputs is not None and outputs.dim() > 1 else 0
    if outputs is not None and targets is not None and outputs.dim() == targets.dim() + 1 > 2:
        behind_batch = outputs.shape[:1] + outputs.shape[2:] == targets.shape
        classes = outputs.shape[1] if behind_batch else classes
    enough = len(labels) >= 3 * classes or (classes > 1000 and len(labels) > 500)
    return spread | {
        "classes_used": len(shares) / classes if classes > 1 and enough else math.nan,
        "classes": len(shares),
        "top_share": float(shares.max()),
        "entropy": float(-(shares * shares.log()).sum()),
    }


def _classes_in_batches(replay: Replay, known: tuple[Tensor, Tensor] | None) -> dict[str, Any]:
    """Count the classes in a batch, and how many there would be in one that is drawn at random."""
    batches = [targets for _, targets in replay.batches if targets.dim()]
    batches = [b.flatten() for b in batches if len(b) == b.numel() >= MIN_BATCH]
    batches = [b.long() for b in batches if not b.is_floating_point() or _is_binary(b)]
    if known is not None or len(batches) < MIN_BATCHES:
        return {}
    labels = torch.cat(batches)
    _, counts = torch.unique(labels[labels >= 0], return_counts=True)
    aims = replay.graph.targets
    drawn_from = source_of(replay.graph, aims) if aims is not None else None
    if drawn_from is not None and len(torch.unique(drawn_from)) < len(counts):
        return {}  # one task after another, each with classes of its own
    if len(counts) < 2:
        return {}
    shares = counts.double() / counts.sum()
    found = [(len(torch.unique(b)), float((1 - (1 - shares) ** len(b)).sum())) for b in batches]
    return {
        "classes_in_batch": sum(n for n, _ in found) / len(found),
        "classes_expected": sum(n for _, n in found) / len(found),
        "classes": len(counts),
    }


def _is_binary(targets: Tensor) -> bool:
    return bool(((targets == 0) | (targets == 1)).all())


def _sees_whole(graph: StepGraph) -> bool:
    """Whether a row of the first input is all that its label may depend on."""
    mixes = any(op.name in RECURRENT | ATTENTION for op in graph.ops)
    signals = [op for op in graph.ops if op.name in ("matmul", "bmm", "einsum")]
    mixes |= any(sum(graph.kind(t) == "signal" for t in op.inputs) > 1 for op in signals)
    return len(graph.inputs) == 1 and not mixes


def _are_padded(graph: StepGraph, inputs: Tensor) -> bool:
    """Whether a mask says which of several vectors of an example are padding."""
    if inputs.dim() != 3 or not inputs.is_floating_point():
        return False
    forms = {tuple(t.shape[:2]) for t in graph.inputs if t.dim() == 3}
    masks = (t for op in graph.ops for t in op.inputs if t.dtype == torch.bool)
    return any(tuple(t.shape) in forms and 0 < int(t.sum()) < t.numel() for t in masks)


def _predictability(inputs: Tensor, targets: Tensor) -> dict[str, Any]:
    """Predict the targets by simple models: neighbours for pictures, tables for tokens.

    Of tokens that are drawn independently a label may depend on several, as in a sum or an order,
    which no such model sees.
    """
    if targets.is_floating_point() and targets.numel() == len(targets) and _is_binary(targets):
        targets = targets.reshape(-1).long()
    if targets.dim() == 2 and len(inputs) == len(targets) and is_one_hot(targets.float()):
        targets = targets.argmax(-1)
    if targets.is_floating_point() or not len(inputs):
        return {}
    tokens = not (inputs.is_floating_point() or inputs.dtype == torch.uint8)
    if tokens and _drawn_independently(inputs.reshape(len(inputs), -1)):
        return {**_by_tokens(inputs, targets), "independent_tokens": True}
    return _by_tokens(inputs, targets) if tokens else _by_rows(inputs, targets)


def _drawn_independently(rows: Tensor) -> bool:
    """Whether tokens of a row tell nothing of one another, unlike those of a text."""
    if rows.shape[1] < 2:
        return False
    before, after = rows[:, :-1].flatten(), rows[:, 1:].flatten()
    known = _by_tables(before[:MAX_TABLE_EXAMPLES, None], after[:MAX_TABLE_EXAMPLES])
    return known.get("predictability", math.inf) < UNRELATED


def _by_tokens(inputs: Tensor, targets: Tensor) -> dict[str, float]:
    """Predict targets by a table for each place, or by how often each token stands in a row."""
    if inputs.numel() == targets.numel():
        known = targets.flatten() >= 0
        inputs, targets = inputs.flatten()[known][:, None], targets.flatten()[known]
        if len(torch.unique(inputs)) < 2:
            return {}  # what is asked for was hidden, as in a masked language model
    if targets.dim() != 1 or len(inputs) != len(targets):
        return {}
    rows = inputs.reshape(len(inputs), -1)
    count = min(MAX_TABLE_EXAMPLES, MAX_TABLE_TOKENS // rows.shape[1])
    found = _by_tables(rows[:count], targets[:count])
    size = int(rows.max()) + 1
    if rows.shape[1] > 2 and size <= FEW_TOKENS and int(rows.min()) >= 0 and len(rows) >= 200:
        counts = torch.zeros(min(len(rows), MAX_EXAMPLES), size, device=rows.device)
        some = rows[: len(counts)].long()
        counts.scatter_add_(1, some, torch.ones(some.shape, device=rows.device))
        voted = _by_neighbours(counts, targets[: len(counts)]).get("predictability", 0.0)
        if voted > found.get("predictability", 0.0):
            found["predictability"] = voted
    return found


def _by_rows(inputs: Tensor, targets: Tensor) -> dict[str, float]:
    """Let neighbours vote; of pictures also those that look alike wherever things are in them."""
    if targets.dim() != 1 or len(inputs) != len(targets) or len(targets) < 200:
        return {}
    stride = max(1, len(inputs) // MAX_EXAMPLES)
    inputs, targets = inputs[::stride][:MAX_EXAMPLES], targets[::stride][:MAX_EXAMPLES]
    found = _by_neighbours(inputs.reshape(len(inputs), -1).float(), targets)
    if found and inputs.dim() == 4 and min(inputs.shape[-2:]) > 2:
        anywhere = _by_neighbours(_seen_anywhere(inputs.float()), targets)["predictability"]
        if anywhere > BY_CHANCE:
            found["predictability"] = max(found["predictability"], anywhere)
    return found


def _seen_anywhere(pictures: Tensor) -> Tensor:
    """Return numbers of each picture that stay where a thing in it is moved.

    Of each channel the mean, the spread, the largest and smallest value, and how rough it is from
    left to right and from top to bottom.

    Args:
        pictures: (n, channels, height, width).
    """
    across, down = pictures.diff(dim=-1).abs(), pictures.diff(dim=-2).abs()
    numbers = [pictures.mean((-2, -1)), pictures.std((-2, -1)), pictures.amax((-2, -1))]
    numbers += [pictures.amin((-2, -1)), across.mean((-2, -1)), down.mean((-2, -1))]
    found = torch.cat(numbers, 1)
    return (found - found.mean(0)) / (found.std(0) + 1e-9)


def _leaking_column(replay: Replay) -> str:
    """Say which column of a table is the label, or nearly, in a few values; "" if none is.

    Sequences are left out: the label may be what is to be remembered of them. So are tables of
    nothing but such columns, in which one may well decide.
    """
    graph = replay.graph
    places = [n for n, t in enumerate(graph.inputs) if t.is_floating_point()]
    batches = replay.matching_batches()
    if len(places) != 1 or not batches or graph.inputs[places[0]].dim() != 2:
        return ""
    if any(op.name in RECURRENT | ATTENTION for op in graph.ops):
        return ""
    rows = torch.cat([inputs[places[0]] for inputs, _ in batches]).float()
    labels = torch.cat([targets.flatten() for _, targets in batches])
    if labels.is_floating_point() and not _is_binary(labels):
        return ""
    if not 200 <= len(labels) == len(rows) or not 3 <= rows.shape[1] <= MAX_COLUMNS:
        return ""
    classes, labels = torch.unique(labels.long(), return_inverse=True)
    top = float(torch.bincount(labels).max()) / len(labels)
    found, continuous = [], False
    for place, column in enumerate(rows.T):
        values, index = torch.unique(column, return_inverse=True)
        continuous |= len(values) > MANY_CLASSES
        if 2 <= len(values) <= MANY_CLASSES:
            pairs = index * len(classes) + labels
            counts = torch.bincount(pairs, minlength=len(values) * len(classes))
            right = float(counts.view(len(values), -1).amax(1).sum()) / len(labels)
            if 1 - right < GIVEN_AWAY * (1 - top):
                found.append(f"of {right:.1%} of the examples, column {place} gives the label")
    return found[0] if len(found) == 1 and continuous else ""


def _leaking_number(replay: Replay) -> str:
    """Say where in the inputs the very number stands that is to be predicted; "" if it does not.

    Of a sequence that is its end alone: what came before may be what is to be remembered.
    """
    batches = replay.matching_batches()
    if len(replay.graph.inputs) != 1 or not batches:
        return ""
    rows = torch.cat([inputs[0] for inputs, _ in batches]).double()
    targets = torch.cat([targets for _, targets in batches]).double()
    few = len(rows) < MIN_NUMBERS or len(torch.unique(targets)) <= MANY_CLASSES
    if few or targets.numel() != len(rows) or not 2 <= rows.dim() <= 3:
        return ""
    names = {op.name for op in replay.graph.ops}
    if rows.dim() == 3:
        along = 2 if "conv1d" in names and rows.shape[2] >= rows.shape[1] else 1
        places, where = rows.select(along, -1), "the last step of the inputs"
    elif names & (RECURRENT | ATTENTION):
        places, where = rows[:, -1:], "the last step of the inputs"
    else:
        places, where = rows, "a column of the inputs"
    if rows[0].numel() < FEWEST_COLUMNS or places.shape[1] > MAX_COLUMNS:
        return ""
    aims = targets.flatten() - targets.mean()
    columns = places - places.mean(0)
    if where.startswith("the last"):  # it may have been scaled in another way
        slopes = (columns * aims[:, None]).sum(0) / columns.square().sum(0).clamp(min=1e-30)
        columns = slopes * columns
    errors = (aims[:, None] - columns).square().sum(0) / aims.square().sum()
    return f"{where} is the number to predict" if bool((errors < SAME_NUMBER).any()) else ""


def _contradictions(replay: Replay) -> dict[str, Any]:
    """See of examples that came again, in another batch, whether they had the label they had.

    Those of few numbers, or of numbers that take few values (one-hot tokens, categories), are alike
    by chance; a picture that is asked about beside another input may have an answer for each.
    """
    batches = replay.matching_batches()
    inputs = replay.graph.inputs
    if len(batches) < MIN_BATCHES or len(inputs) != 1 or not inputs[0].is_floating_point():
        return {}
    if math.prod(inputs[0].shape[1:]) < DISTINCTIVE or replay.graph.targets is None:
        return {}
    labels = replay.graph.targets
    if labels.is_floating_point() or labels.dim() != 1 or len(labels) != len(inputs[0]):
        return {}
    rows = torch.cat([given[0].flatten(1).float() for given, _ in batches])[:MAX_EXAMPLES]
    labels = torch.cat([targets for _, targets in batches])[:MAX_EXAMPLES]
    if not _take_many_values(rows):
        return {}
    _, group = torch.unique(rows, dim=0, return_inverse=True)
    order = torch.argsort(group, stable=True)
    again = group[order][1:] == group[order][:-1]
    count = int(again.sum())
    if count < MIN_AGAIN:
        return {}
    other = float((labels[order][1:] != labels[order][:-1])[again].float().mean())
    shares = torch.bincount(labels.clamp(min=0)).double() / len(labels)
    by_chance = 1 - float(shares.square().sum())
    return {
        "contradicted": other / by_chance if by_chance > 0 else 0.0,
        "came_again": count,
        "other_label": other,
    }


def _take_many_values(rows: Tensor) -> bool:
    """Whether the numbers of examples, those that differ at all, take many values.

    Of many columns some are looked at: to sort all of them takes longer than anything else here.
    """
    columns = rows.flatten(1)
    columns = columns[:, :: max(1, columns.shape[1] // SOME_COLUMNS)]
    values = 1 + (columns.sort(0).values.diff(dim=0) != 0).sum(0)
    return bool(values[values > 1].float().nanmedian() >= MANY_VALUES)


def _once(rows: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return examples without those that came again, where rows are no more alike by chance.

    Each would be its own neighbour, and have its own label.
    """
    if rows[0].numel() < DISTINCTIVE or not _take_many_values(rows):
        return rows, targets
    found, group = torch.unique(rows, dim=0, return_inverse=True)
    places = torch.arange(len(rows), device=rows.device).flip(0)
    first = torch.empty(len(found), dtype=torch.long, device=rows.device)
    first[group.flip(0)] = places  # of those with the same row the first one, which is written last
    first = first.sort().values
    return rows[first], targets[first]


def _unordered(inputs: Tensor, targets: Tensor) -> bool:
    """Whether whole numbers name classes: near ones are no more alike than others.

    Of a quantity, examples with near numbers are more alike.
    """
    if not (targets.is_floating_point() and inputs.is_floating_point()):
        return False
    if targets.numel() != len(targets) or len(inputs) != len(targets):
        return False
    values = targets.flatten()
    classes, labels = torch.unique(values, return_inverse=True)
    few = FEW_CLASSES <= len(classes) <= MANY_CLASSES and len(values) >= 200
    if not few or bool((classes != classes[0] + torch.arange(len(classes)).to(classes)).any()):
        return False
    rows = inputs.flatten(1).float()[:MAX_EXAMPLES]
    labels = labels[:MAX_EXAMPLES]
    if _by_neighbours(rows, labels).get("predictability", 0.0) < WELL_APART:
        return False
    means = torch.stack([rows[labels == label].mean(0) for label in range(len(classes))])
    apart = torch.pdist(means)
    places = torch.pdist(torch.arange(len(classes)).float()[:, None]).to(apart)
    return float(torch.corrcoef(torch.stack([apart, places]))[0, 1]) < IN_ORDER


def _by_neighbours(rows: Tensor, targets: Tensor) -> dict[str, float]:
    """Let neighbours vote (Fix and Hodges 1951); what contradicts a clear vote is noise."""
    classes = int(targets.max()) + 1
    if classes > 1000:
        return {}
    rows, targets = _once(rows, targets)
    rows = (rows - rows.mean(0)) / (rows.std() + 1e-9)
    asked = rows[: min(1000, len(rows) // 2)]
    truth = targets[: len(asked)]
    distances = torch.cdist(asked, rows)
    distances[torch.arange(len(asked)), torch.arange(len(asked))] = math.inf
    near = distances.topk(min(NEIGHBOURS, len(rows) - 1), largest=False).indices
    votes = F.one_hot(targets[near], classes).float().mean(1)
    share, winner = votes.max(1)
    top = float(torch.bincount(targets, minlength=classes).max()) / len(targets)
    accuracy = float((winner == truth).float().mean())
    better = (accuracy - top) / (1 - top) if top < 1 else 1.0
    clear = share > max(0.6, min(0.75, 2 * top))
    noise = math.nan
    if (opposite := _more_than_by_chance(winner != truth, targets)) > 0:
        return {"predictability": opposite, "label_noise": math.nan}
    if len(rows) >= MIN_ROWS_FOR_NOISE and float(clear.float().mean()) > 0.15:
        wrong, voted = (winner != truth)[clear], winner[clear]
        noise = float(wrong.float().mean())
        seldom_clear = float(clear.float().mean()) < SELDOM_CLEAR
        for_one = _go_to_one(voted[wrong], truth[clear][wrong])
        if for_one or (seldom_clear and _differ(voted, wrong)):  # these are hard to tell apart
            return {"predictability": max(0.0, better), "label_noise": math.nan}
        if len(rows) < 1000:  # of few, what is more than chance
            noise -= 2 * math.sqrt(noise * (1 - noise) / int(clear.sum()))
    return {"predictability": max(0.0, better), "label_noise": noise}


def _more_than_by_chance(wrong: Tensor, targets: Tensor) -> float:
    """Return how much more often votes are wrong than those of any examples are; 0 by chance.

    Neighbours with other labels tell a label, too: of a parity, one bit away is the opposite.
    """
    shares = torch.bincount(targets).double() / len(targets)
    by_chance, count = 1 - float(shares.square().sum()), max(1, len(wrong))
    often = float(wrong.double().mean()) if len(wrong) else 0.0
    surely = often - by_chance > BEYOND_CHANCE * math.sqrt(by_chance * (1 - by_chance) / count)
    return (often - by_chance) / (1 - by_chance) if surely and count >= MANY_CONTRADICTED else 0.0


def _differ(voted: Tensor, wrong: Tensor) -> bool:
    """Whether votes for some classes are contradicted more often than for others, beyond chance.

    Labels that are wrong at random spare no class (Pearson 1900, the chi-squared test).
    """
    counts, errors = torch.bincount(voted).double(), torch.bincount(voted, wrong.double())
    counts, errors, share = counts[counts > 0], errors[counts > 0], float(wrong.double().mean())
    if len(counts) < 2 or not 0 < share < 1:
        return False
    distance = ((errors - share * counts).square() / (share * (1 - share) * counts)).sum()
    freedom = torch.tensor((len(counts) - 1) / 2, dtype=torch.double)
    return float(torch.special.gammaincc(freedom, distance.cpu() / 2)) < BY_LUCK


def _go_to_one(voted: Tensor, labels: Tensor) -> bool:
    """Whether of each class that is voted for, contradictions have the label of one other.

    As of circles and diamonds of the same colour; labels that are wrong at random have any.

    Args:
        voted: (n,), the class of each vote that is contradicted.
        labels: (n,), the label of that example.
    """
    classes, places = torch.unique(torch.stack([voted, labels]), return_inverse=True)
    if len(classes) < SEVERAL or len(labels) < MANY_CONTRADICTED:
        return False
    counts = torch.zeros(len(classes), len(classes), device=labels.device)
    counts.index_put_((places[0], places[1]), torch.ones(len(labels)).to(counts), accumulate=True)
    return float(counts.max(1).values.sum()) > FOR_ONE * len(labels)


def _by_tables(rows: Tensor, targets: Tensor) -> dict[str, float]:
    """Count one table for each column on one half, and evaluate it on the other; the best one."""
    size = int(max(int(rows.max()), int(targets.max()))) + 1
    if size > FREQUENT:  # a table of all would need more examples; the frequent ones are enough
        rows, targets, size = _frequent(rows, size), _frequent(targets, size), FREQUENT + 1
    half = len(rows) // 2
    # Labels are of fewer kinds than tokens: what can't be one gets no share of the guess.
    known, targets = torch.unique(targets, return_inverse=True)
    if half < 30 * len(known):
        return {}  # too few to know what follows what
    best, unigram = math.inf, math.nan
    for column in rows.T:
        pairs = torch.stack([torch.zeros_like(column), column], 1)
        floors = counted(pairs[:half], targets[:half], pairs[half:], targets[half:], len(known))
        best, unigram = min(best, floors["pair"]), floors["single"]
    better = max(0.0, (unigram - best) / unigram) if unigram > 0 else math.nan
    return {"predictability": better, "pair_entropy": best if size <= FREQUENT else math.nan}


def _frequent(tokens: Tensor, size: int) -> Tensor:
    """Return tokens by their rank among the frequent ones; all others are one."""
    counts = torch.bincount(tokens.flatten().long(), minlength=size)
    ranks = torch.full((size,), FREQUENT, dtype=torch.long, device=tokens.device)
    ranks[counts.topk(min(FREQUENT, size)).indices] = torch.arange(min(FREQUENT, size))
    return ranks[tokens.long()]


# Context.


def _context(graph: StepGraph, inputs: Tensor, targets: Tensor) -> dict[str, Any]:
    """Count what a context of one or two tokens allows, where that is all the network sees."""
    given = graph.inputs[0]
    length = _context_length(graph)
    if (given.is_floating_point() and not is_one_hot(given)) or not length:
        return {}
    row = stream_of(graph)
    if row is None:
        row = _in_a_row(graph, inputs, targets)
    row = None if row is None else row[:MAX_STREAM].long()
    if row is None or length > 2 or len(row) < 2000:
        return {"context": length}
    size, cut = int(row.max()) + 1, int(0.9 * len(row))
    parts = [row[:cut], row[cut:]]
    counts, evaluated = (torch.stack([p[:-2], p[1:-1]], 1) for p in parts)
    floors = counted(counts, parts[0][2:], evaluated, parts[1][2:], size)
    return {
        "context": length,
        "context_entropy": floors["pair" if length == 1 else "triple"],
        "longer_context_entropy": floors["triple"],
    }


def _context_length(graph: StepGraph) -> int:
    """Return how many tokens an output may depend on; 0 if that is not known."""
    if any(op.name in RECURRENT for op in graph.ops):
        return 0
    given = graph.inputs[0]
    if given.dim() == 1 and nodes_meet(graph, len(given)):
        return 0  # atoms, or words of a tree, with their neighbours
    maker = graph.made_by(given)
    if given.dim() == 1 and maker is not None and any(t.dim() > 1 for t in maker.inputs[:1]):
        return 0  # sequences were concatenated: which tokens meet is not known
    return sum(
        1 if t.dim() == 1 or t.is_floating_point() else int(t.shape[-1]) for t in graph.inputs
    )


def _in_a_row(graph: StepGraph, inputs: Tensor, targets: Tensor) -> Tensor | None:
    """Return examples of one target each as the row that they were made from; None if not one."""
    given = graph.inputs[0]
    assert graph.targets is not None
    each_position = given.dim() > 1 and given.shape == graph.targets.shape
    if each_position or targets.dim() != 1 or len(inputs) != len(targets):
        return None
    sources = source_of(graph, given), source_of(graph, graph.targets)
    if sources[0] is not None and sources[1] is not None and len(sources[0]) == len(sources[1]):
        inputs, targets = sources[0], sources[1]
    if inputs.is_floating_point():
        last = inputs.argmax(-1)
    else:
        last = inputs.reshape(len(inputs), -1)[:, -1]
    if float((last[1:] == targets[:-1]).float().mean()) < 0.7:
        return None
    return torch.cat([last[:1].long(), targets.long()])


def _repeated(replay: Replay, variables: Variables) -> str:
    """Say where one batch comes from that all steps have learned from; "" if they differ.

    To learn from all data in each step is none: there have to be more examples, in the loader of
    that batch or in what it was drawn from.
    """
    batches = replay.batches
    if len(batches) < MIN_BATCHES:
        return ""
    first, aims = batches[0]
    for inputs, targets in batches[1:]:
        same = [
            a.shape == b.shape and torch.equal(a, b) for a, b in zip(first, inputs, strict=True)
        ]
        if not all(same) or aims.shape != targets.shape or not torch.equal(aims, targets):
            return ""
    count = len(first[0]) if first[0].dim() else 0
    for name, (size, examples) in variables.loaders.items():
        if size == count and examples >= MORE_EXAMPLES * count and not is_validation(name):
            return f"{name} has {examples:,} examples, in batches of {size}"
    maker = replay.graph.made_by(replay.graph.inputs[0])
    if maker is not None and maker.name in ("getitem", "index_select"):
        source, index = maker.args[0], _index_of(maker)
        if index is not None and len(source) >= MORE_EXAMPLES * count == MORE_EXAMPLES * len(index):
            return f"there are {len(source):,} examples, and {count} were picked"
    return _made_alike(replay, variables)


def _made_alike(replay: Replay, variables: Variables) -> str:
    """Say that a batch is made anew in each step, of the same numbers; "" if it is all there is.

    As by a generator of random numbers that is seeded in each step: numbers that stand in the
    program are all that there is, and noise may have a size of 0.
    """
    graph, given = replay.graph, replay.graph.inputs[0]
    if not is_seeded_in(graph):
        return ""
    behind = graph.ancestors(given)
    makers = [op for op in graph.tape.ops if any(id(t) in behind for t in op.outputs)]
    if any(op.name in RANDOM for op in makers):
        return "its random numbers are drawn in each step, and are the same each time"
    of_numbers = any(op.name in ("tensor", "as_tensor") and not op.inputs for op in makers)
    # The numbers may be all that there are, and only become a tensor in each step.
    held = given.numel() in variables.arrays or len(given) in variables.lists
    return "" if held or not of_numbers else "it is made in each step, of the same numbers"


def _index_of(op: Op) -> Tensor | None:
    """Return the whole numbers by which rows are picked out of order; None."""
    index = op.args[1] if op.name == "getitem" else op.argument(2, "index")
    if not isinstance(index, Tensor) or index.dim() != 1 or index.is_floating_point():
        return None
    in_order = bool((index[1:] - index[:-1] == 1).all()) or index.dtype == torch.bool
    return None if in_order else index
