"""Whether one network goes through all folds of a cross-validation, and is not made anew.

Then what validates a later fold was learned from in an earlier one. Which rows these are is known
of some steps and some evaluations.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
from torch import Tensor

from ...telemetry.events import Array
from ..watch.watcher import Batch
from .overlaps import by_columns

MIN_HITS = 5
"""Rows of an evaluation that are found, below which it may be chance."""
FEWEST_ROWS = 10
"""Different ones, of an evaluation that counts."""
BY_CHANCE = 1e-5
"""Probability with which the rows of both folds are in no batch of their own, by chance."""
DISTINCTIVE = 8
"""Numbers of a row, from which on two are not equal by chance."""
FEWEST_STEPS, LATE = 5, 0.1
"""Steps after which a fold goes on from lower losses; and the part of those before, at the end."""
FALLEN = 0.8
"""Part of the first losses that a fold comes to, for which it is seen whether the next goes on."""

Rows = list[int]
"""Of each row its hash."""


def folds_learned_from(
    batches: Sequence[Batch],
    steps: Sequence[int],
    evaluations: Sequence[tuple[int, Tensor]],
    losses: tuple[Array, Array],
) -> str:
    """Say that rows that validate a fold were learned from in an earlier one; "" else.

    The rows of the first fold are learned from after it was validated, those of the later one
    before, and not in its own fold: of tasks one after another, or of data that is evaluated before
    it is learned from, only one of both holds. Both folds learn from the other rows. What was
    evaluated while it was learned from validates no fold.

    Args:
        batches: of some steps of one network.
        steps: these.
        evaluations: how many steps were done, and rows that the network was evaluated on then.
        losses: steps and their losses.
    """
    if len({done for done, _ in evaluations}) < 2:
        return ""
    known = [_numbers(inputs[0]) for inputs, _ in batches]
    widths = {rows.shape[1] for rows in known}
    if len(widths) != 1 or min(widths) < DISTINCTIVE or not by_columns(np.concatenate(known)):
        return ""  # rows may be equal by chance
    drawn = [(step, _keys(rows)) for step, rows in zip(steps, known, strict=True)]
    held = [(done, set(_keys(_numbers(rows)))) for done, rows in evaluations]
    held = [(done, rows) for done, rows in held if len(rows) >= FEWEST_ROWS]
    for (first, ours), (later, theirs) in combinations(held, 2):
        if first == later or ours & theirs:
            continue
        if any(done <= first and rows & theirs for done, rows in held):
            continue  # they tell what is learned, and later what is forgotten
        early = [one for one in drawn if one[0] < first]
        late = [one for one in drawn if first <= one[0] < later]
        learned = _hits(theirs, early)
        if learned < MIN_HITS or _hits(ours, late) < MIN_HITS or not _goes_on(first, later, losses):
            continue
        last = max(step for step, rows in early + late if not theirs.isdisjoint(rows))
        behind = [one for one in late if one[0] > last]
        if _by_chance(ours, late, early) * _by_chance(theirs, early, behind) > BY_CHANCE:
            continue
        if _hits({key for _, rows in early for key in rows}, late) >= MIN_HITS:
            return (
                f"rows that the network is evaluated on after {later:,} steps were learned from in"
                f" its first {first:,} steps, and those that it was evaluated on then were learned"
                " from since: it goes on from fold to fold"
            )
    return ""


def _numbers(rows: Tensor) -> Array:
    numbers: Array = rows.detach().reshape(len(rows), -1).float().cpu().numpy()
    return numbers


def _keys(rows: Array) -> Rows:
    return [hash(row.tobytes()) for row in rows]


def _hits(rows: set[int], drawn: Iterable[tuple[int, Rows]]) -> int:
    """Return how many of the rows that were drawn are among some."""
    return sum(key in rows for _, keys in drawn for key in keys)


def _by_chance(
    rows: set[int], where: Sequence[tuple[int, Rows]], elsewhere: Sequence[tuple[int, Rows]]
) -> float:
    """Return how likely it is that rows are in no batch of some steps, drawn as in others.

    It is 1 where they are.
    """
    if _hits(rows, elsewhere):
        return 1.0
    share = _hits(rows, where) / max(1, sum(len(keys) for _, keys in where))
    return (1 - share) ** sum(len(keys) for _, keys in elsewhere)


def _goes_on(begin: int, end: int, losses: tuple[Array, Array]) -> bool:
    """Whether losses between two evaluations are those before them, and nowhere first ones again.

    As they are where weights are made anew, or loaded, for each fold.
    """
    steps, values = losses
    before, between = values[steps < begin], values[(steps >= begin) & (steps < end)]
    late = before[-max(FEWEST_STEPS, round(LATE * len(before))) :]
    if len(before) < 2 * FEWEST_STEPS or len(between) < FEWEST_STEPS:
        return False
    first, last = float(np.mean(before[:FEWEST_STEPS])), float(np.mean(late))
    highest = np.convolve(between, np.full(FEWEST_STEPS, 1 / FEWEST_STEPS), "valid").max()
    return last < FALLEN * first and float(highest) < (first + last) / 2
