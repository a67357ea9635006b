"""The confusion matrix: how often each digit was predicted as which."""

import math

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from core.numbers import times
from core.telemetry.events import Array
from gui import theme
from gui.charts.heatmap import SquareCells

SIDE = 40  # pixels for the words at the left
HEAD = 40  # pixels for the words at the top
GAP = 2
FEW = 4  # mistakes of a kind below which none takes the full colour
MOST = 44  # pixels a cell may be wide


class ConfusionMatrix(SquareCells):
    """Ten by ten counts: right ones quiet on the diagonal, mistakes in the fault colour.

    The colour of a mistake grows with the square root of its count against the commonest mistake,
    not against the hundreds that are right, so that a single one can be seen.
    """

    gap = GAP
    is_table = True  # for export

    def __init__(self) -> None:
        super().__init__(
            "confusionMatrix",
            "Confusion matrix: predicted / true",
            "Rows are the true digits, columns the predicted ones. Off the diagonal are the"
            " mistakes; choose one to see its pictures.",
        )
        self._counts: Array = np.zeros((10, 10), int)
        self.picked = -1

    def show_counts(self, counts: Array) -> None:
        """Show counts (10, 10): a row for each true digit, a column for each predicted one."""
        self._counts = counts
        self.update()

    def pick(self, index: int) -> None:
        """Mark a cell as the one that is looked into; -1 for none."""
        self.picked = index
        self.update()

    def csv_rows(self) -> list[list[object]]:
        """Return the counts as rows: a true digit each, a column for each predicted one."""
        head: list[object] = ["true / predicted", *range(self.across())]
        return [head, *([true, *row] for true, row in enumerate(self._counts.tolist()))]

    def across(self) -> int:
        """How many cells stand in a row."""
        return len(self._counts)

    def frame(self) -> QRectF:
        """Where the cells are: in the middle of a wide card."""
        side = self._cell(self.width()) * self.across()
        return QRectF(SIDE + max(0.0, (self.width() - SIDE - side) / 2), HEAD, side, side)

    def describe(self, index: int) -> str:
        """What a cell says: ``7 predicted as 2: 5 times``."""
        true, predicted = divmod(index, self.across())
        count = int(self._counts[true, predicted])
        if true == predicted:
            return f"{true} predicted correctly: {count} of {int(self._counts[true].sum())}"
        return f"{true} predicted as {predicted}: {times(count)}"

    def heightForWidth(self, width: int) -> int:
        """Square cells under the words."""
        return round(HEAD + self._cell(width) * len(self._counts)) + 2

    def paint(self, painter: QPainter) -> None:
        """Paint the words around, then the cells and their counts."""
        now, cell = theme.current(), self.cell()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._words_around(painter)
        right = max(1, int(np.diag(self._counts).max(initial=0)))
        off = self._counts - np.diag(np.diag(self._counts))
        wrong = max(FEW, int(off.max(initial=0)))
        painter.setFont(theme.font(min(13, round(cell * 0.4))))
        for index in range(self.count()):
            true, predicted = divmod(index, self.across())
            count, rect = int(self._counts[true, predicted]), self.rect_of(index)
            if true == predicted:
                fill = now.colour("activation", 26 + round(46 * count / right))
            elif count:
                fill = now.colour("fault", 50 + round(180 * math.sqrt(count / wrong)))
            else:
                fill = now.colour("sunken", 150)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawRoundedRect(rect, 4, 4)
            if count:
                painter.setPen(_readable(fill))
                painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, f"{count}")
            if index == self.picked:
                painter.setPen(QPen(now.colour("text"), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(rect, 4, 4)

    def _words_around(self, painter: QPainter) -> None:
        now, frame, cell = theme.current(), self.frame(), self.cell()
        center = Qt.AlignmentFlag.AlignCenter
        painter.setFont(theme.font(12))
        painter.setPen(now.colour("muted"))
        self.paint_sides(painter, "predicted", "true", HEAD)
        painter.setPen(now.colour("text"))
        for digit in range(self.across()):
            above = QRectF(frame.left() + digit * cell, 18, cell - GAP, HEAD - 20)
            beside = QRectF(frame.left() - 17, HEAD + digit * cell, 14, cell - GAP)
            painter.drawText(above, center, f"{digit}")
            painter.drawText(beside, center, f"{digit}")

    def _cell(self, width: int) -> float:
        return min(float(MOST), max(12.0, (width - SIDE) / self.across()))


def _readable(fill: QColor) -> QColor:
    """Return the text's or the surface's colour, whichever stands out on a see-through fill."""
    now = theme.current()
    surface, text = now.colour("surface"), now.colour("text")
    share = fill.alphaF()
    behind = share * _light(fill) + (1 - share) * _light(surface)
    return max(surface, text, key=lambda colour: abs(_light(colour) - behind))


def _light(colour: QColor) -> float:
    """Lightness as it is seen, 0 to 1."""
    return 0.299 * colour.redF() + 0.587 * colour.greenF() + 0.114 * colour.blueF()
