"""Bigram counts, shares and differences: as colours, as numbers and in words."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.numbers import compact, fixed, percent, times
from core.playgrounds.names.reports import END
from core.telemetry.events import Array
from gui.charts import colormaps as ramps
from gui.names.letter_symbols import called

ALL, MOST = 45, 40
"""Up to ALL symbols are shown all; of more, the end mark and the MOST frequent letters."""


FAINTEST = 0.07  # of the ramp: what happened once is told from what never did
LOWEST = 0.05  # a difference below 5 points never takes the full colour
Cell = Callable[[int, int], str]


@dataclass(frozen=True)
class Pairs:
    """Pairs of the letters shown.

    Attributes:
        counts: (n, n), a row for the first letter, a column for the second.
        totals: (n,), all that follows each letter, also what is not shown.
    """

    counts: Array
    totals: Array

    @classmethod
    def of(cls, counts: Array, shown: Array) -> "Pairs":
        """Take the symbols shown (n,) out of counts (V, V)."""
        rows = counts[shown]
        return cls(rows[:, shown], rows.sum(1))

    @cached_property
    def shares(self) -> Array:
        """Each row's counts as shares of all that follows its letter; 0 where nothing does."""
        shares: Array = self.counts / np.maximum(1, self.totals)[:, None]
        return shares


def choose(counts: Array) -> Array:
    """Return which symbols are shown (n,), in the order of the alphabet."""
    if len(counts) <= ALL:
        return np.arange(len(counts))
    used = counts.sum(1)
    used[0] = used.max() + 1  # the end mark always
    commonest: Array = np.sort(np.argsort(-used, kind="stable")[: MOST + 1])
    return commonest


def tell_list(pair: str, mine: Pairs, other: Pairs | None, row: int, column: int) -> str:
    """Say what the training list knows of a pair, beside what the network made of it."""
    share = percent(mine.shares[row, column])
    words = f"{named(pair)}: {times(mine.counts[row, column])}, {share} of {_after(pair)}."
    if other is None:
        return words
    if not other.totals[row]:
        return f"{words} The network has not written it yet."
    return f"{words} The network: {percent(other.shares[row, column])}."


def tell_network(pair: str, mine: Pairs, other: Pairs, row: int, column: int) -> str:
    """Say what the network made of a pair, beside what the training list knows of it."""
    known = f"The training list: {percent(mine.shares[row, column])}."
    if not other.totals[row]:
        return f"{named(pair)}: the network has not written {called(pair[0], True)} yet. {known}"
    count, share = other.counts[row, column], percent(other.shares[row, column])
    return f"{named(pair)}: {times(count)}, {share} of {_after(pair)}. {known}"


def tell_difference(pair: str, mine: Pairs, other: Pairs, row: int, column: int) -> str:
    """Say how far the network is from the training list in a pair."""
    if not other.totals[row]:
        return tell_network(pair, mine, other, row, column)
    listed, made = mine.shares[row, column], other.shares[row, column]
    points = abs(round(100 * made) - round(100 * listed))
    how = f"{points} points {'more' if made > listed else 'less'}" if points else "as often"
    return (
        f"{named(pair)}: {percent(made)} of {_after(pair)} in the network's names,"
        f" {percent(listed)} in the training list, {how}."
    )


def named(pair: str) -> str:
    """Return a pair as it is read: ``b → r``, ``beginning → e``."""
    return f"{called(pair[0], True)} → {called(pair[1])}"


def _after(pair: str) -> str:
    return "what begins a name" if pair[0] == END else f"what follows {called(pair[0])}"


@dataclass(frozen=True)
class MapView:
    """A map, ready to be painted.

    Attributes:
        letters: (n), of the rows and of the columns.
        levels: (n, n), which become colours.
        ramp: that turns them into colours.
        span: of levels over which the ramp runs.
        write: gives the number in the cell (row, column), where there is room; "" for none.
        tell: gives the sentence about it.
        ends: what the lowest and the highest level stand for.
        scale: how levels grow in between.
    """

    letters: str
    levels: Array
    ramp: ramps.Ramp
    span: tuple[float, float]
    write: Cell
    tell: Cell
    ends: tuple[str, str]
    scale: str


def counted(letters: str, mine: Pairs, other: Pairs | None, network: bool) -> MapView:
    """How often each pair occurs, in the training list or in the network's names."""
    values = _of(mine, other, network).counts
    top = max(1, int(values.max(initial=0)))
    tell = _telling(tell_network if network else tell_list, letters, mine, other)
    return _rooted(letters, values, top, lambda i, j: _count(values[i, j]), tell, f"{top:,}")


def shared(letters: str, mine: Pairs, other: Pairs | None, network: bool) -> MapView:
    """What share of the letters after the row's letter each pair has.

    One scale for training list and network, so that they can be compared.
    """
    values, top = _of(mine, other, network).shares, float(mine.shares.max(initial=0)) or 1.0
    tell = _telling(tell_network if network else tell_list, letters, mine, other)
    return _rooted(letters, values, top, lambda i, j: _share(values[i, j]), tell, percent(top))


def differing(letters: str, mine: Pairs, other: Pairs) -> MapView:
    """The network's shares less those of the training list."""
    # A letter that the network has not written yet differs in nothing.
    gap = np.where(other.totals[:, None] > 0, other.shares - mine.shares, 0.0)
    limit = max(LOWEST, ramps.reach(gap))
    return MapView(
        letters,
        gap,
        ramps.diverging,
        (-limit, limit),
        lambda i, j: _points(gap[i, j]),
        _telling(tell_difference, letters, mine, other),
        (fixed(-100 * limit, 0), "+" + fixed(100 * limit, 0)),
        "percentage points",
    )


def _rooted(letters: str, values: Array, top: float, write: Cell, tell: Cell, end: str) -> MapView:
    """Colours by the square root, or the rare pairs could not be seen beside the common ones."""
    heat = FAINTEST + (1 - FAINTEST) * np.sqrt(np.clip(values / top, 0, 1))
    levels = np.where(values > 0, heat, 0.0)
    return MapView(
        letters, levels, ramps.sequential, (0.0, 1.0), write, tell, ("0", end), "square root scale"
    )


def _of(mine: Pairs, other: Pairs | None, network: bool) -> Pairs:
    return other if network and other is not None else mine


def _telling(how: Callable[..., str], letters: str, mine: Pairs, other: Pairs | None) -> Cell:
    return lambda i, j: how(letters[i] + letters[j], mine, other, i, j)


def _count(count: float) -> str:
    """Return a count for a cell; nothing for none."""
    return compact(count) if count else ""


def _share(share: float) -> str:
    """Return a share for a cell; nothing where it rounds to nothing."""
    return f"{100 * share:.0f}%" if share >= 0.005 else ""


def _points(gap: float) -> str:
    """Return a difference for a cell, in whole points with its sign."""
    points = round(100 * gap)
    return f"{points:+d}".replace("-", "\u2212") if points else ""
