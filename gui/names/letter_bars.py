"""Bars of letters: which letter a network expects next."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QShowEvent

from core.numbers import adaptive_percent, percent
from core.playgrounds.names.reports import END
from core.telemetry.events import Array
from gui.charts.bars import BarColumn, Columns
from gui.names.letter_symbols import called, draw_signs

MOST = 40  # columns; of a larger alphabet the most probable are shown
NARROWEST = 10  # pixels of a column in a large alphabet, whose signs are often wide
LABELLED = 3
STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
HELP = (
    "<p>The probability of each letter to come next, given those before it; together they make "
    "100 %. The small square is the end of the name. Click a letter to append it.</p>"
)
EMPTY = "The probabilities of the next letter will be shown here."
BROKEN = "The probabilities are NaN: the training has diverged."


class LetterBars(Columns):
    """The probabilities of the next letter, as bars with the letter under each.

    Up to 40 symbols stand in the alphabet's own order; of more, the most probable, as many as fit,
    the most probable first.
    """

    letterChosen = Signal(str)
    """A letter was clicked, or Enter pressed on it; "." is the end."""

    def __init__(self) -> None:
        super().__init__("letterBars", "Probabilities of the next letter", HELP, 104)
        self._letters_all = ""
        self._shares: Array = np.zeros(0)
        self._other: Array | None = None
        self._prefix = ""
        self._order: Sequence[int] = ()
        self.chosen.connect(lambda i: self.letterChosen.emit(self._letters_all[self._order[i]]))

    def show_letters(self, letters: str, shares: ArrayLike, other: Array | None = None) -> None:
        """Show what is expected next.

        Args:
            letters: symbol i is letters[i]; letters[0] is the end mark.
            shares: probability of each symbol, (V,); of none where nothing is expected.
            other: the same of a second network, drawn as lines across, (V,).
        """
        self._letters_all, self._shares, self._other = letters, np.asarray(shares), other
        self._refresh()

    def set_prefix(self, prefix: str) -> None:
        """Say after which letters it is, for the words."""
        if prefix != self._prefix:
            self._prefix = prefix
            self._refresh()

    def paint_letter(self, painter: QPainter, where: QRectF, letter: str) -> None:
        """Paint the letter, or the mark of the end."""
        draw_signs(painter, where, letter)

    def columns(self) -> Sequence[BarColumn]:
        """Make the columns, and remember which symbol stands in which."""
        shares = np.nan_to_num(self._shares)
        if not np.isfinite(self._shares).any():
            self._order = ()
            return ()
        self._order = range(len(shares))
        if len(shares) > MOST:
            fit = min(MOST, max(1, self.width() // NARROWEST))
            self._order = np.argsort(-shares, kind="stable")[:fit].tolist()
        other = None if self._other is None else np.nan_to_num(self._other)
        top = round_top(max(float(x.max()) for x in (shares, other) if x is not None))
        ranked = sorted(self._order, key=lambda i: -shares[i])
        labelled = set(ranked[:LABELLED])
        return [
            BarColumn(
                letter=self._letters_all[i],
                height=float(shares[i]) / top,
                number=adaptive_percent(float(shares[i])) if i in labelled else "",
                ink="text" if i == ranked[0] else "muted" if shares[i] >= 0.0005 else "faint",
                strong=i == ranked[0],
                tick=None if other is None else float(other[i]) / top,
            )
            for i in self._order
        ]

    def hint(self) -> str:
        """Say what will be seen, or what is wrong."""
        return BROKEN if len(self._shares) else EMPTY

    def describe(self, index: int) -> str:
        """Say a letter's probability, and after what."""
        self.shown()
        symbol = self._order[index]
        words = f"{called(self._letters_all[symbol])}: {percent(float(self._shares[symbol]), 1)}"
        if self._prefix:
            words += f" after “{self._prefix}”"
        elif self._letters_all[symbol] != END:
            words += " as the first letter"
        else:
            words += " before any letter"
        if self._other is not None:
            words += f"; the other network: {percent(float(self._other[symbol]), 1)}"
        return words

    def showEvent(self, event: QShowEvent) -> None:
        """Tell what was not told while it was hidden."""
        super().showEvent(event)
        self._refresh()

    def _refresh(self) -> None:
        self.changed()
        if not self.isVisible():
            return
        if self._by_key and self.hasFocus() and 0 <= self.current < self.count():
            self.setAccessibleDescription(self.describe(self.current))
        else:
            self.setAccessibleDescription(self._summary())

    def _summary(self) -> str:
        columns = self.shown()
        best = sorted(range(len(columns)), key=lambda i: -columns[i].height)[:LABELLED]
        return "; ".join(self.describe(i) for i in best) or self.hint()


def round_top(largest: float) -> float:
    """Return a round number not below the largest share: the end of the scale."""
    if largest <= 0:
        return 1.0
    size = 10.0 ** np.floor(np.log10(largest))
    fitting = (step * size for step in STEPS if step * size >= largest - 1e-12)
    return float(next(fitting, 10 * size))
