"""How often one letter follows another: counts, shares, and the words for them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.numbers import percent, times
from core.playgrounds.names.reports import END
from core.telemetry.events import Array
from gui.widgets.letter_symbols import called

ALL, MOST = 45, 40
"""Up to ALL symbols are shown all; of more, the end mark and the MOST frequent letters."""


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
