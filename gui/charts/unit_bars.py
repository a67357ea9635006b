"""A bar for each unit of a layer, in as many rows as there need be, to be clicked."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from core.numbers import number
from gui import theme
from gui.charts.axes import Scale, paint_y_axis
from gui.charts.cells import Cells

LEFT, TITLE = 52, 18  # pixels for the numbers of the axis, and for its title above
NARROWEST, WIDEST = 12, 30  # pixels of a column
MANY, NARROW = 96, 6  # columns from which on they may be narrower, and by how much
HIGH, LOW = 128, 76  # pixels of a row: of the only one, and of one of several
NAMES, ROOM = 15, 5  # pixels for the names below the bars, and above them
EVERY = 5  # of how many columns one has a name, where not all fit; of narrow ones, of twice so many


class UnitBars(Cells):
    """Bars over the numbers of units; one whose value is not known yet has none."""

    def __init__(self, name: str, accessible: str, help: str) -> None:
        super().__init__(name, accessible, help)
        self._units: Sequence[int] = ()
        self._places: dict[int, int] = {}
        self._values: Mapping[int, float] = {}
        self._title = ""
        self._tell: Callable[[int], str] = str
        self._scale = Scale(0.0, 1.0)

    def show_units(
        self,
        units: Sequence[int],
        values: Mapping[int, float],
        title: str,
        tell: Callable[[int], str],
    ) -> None:
        """Show units.

        Args:
            units: in the order in which they stand.
            values: by unit, for those that have one.
            title: of the axis, with its unit.
            tell: what a unit says when it is pointed at.
        """
        moved = list(units) != list(self._units)
        self._units, self._values, self._title, self._tell = units, values, title, tell
        self._places = {unit: place for place, unit in enumerate(units)}
        self._scale = Scale.over(values.values(), zero=True)
        if moved:
            self.current, self._hovered = -1, -1
            self.fit()
        self.update()

    def csv_rows(self) -> list[list[object]]:
        """Return the bars as rows: each unit and its value."""
        rows: list[list[object]] = [[u, self._values.get(u, "")] for u in self._units]
        return [["unit", self._title], *rows] if rows else []

    def count(self) -> int:
        """How many units there are."""
        return len(self._units)

    def across(self) -> int:
        """How many stand in a row."""
        return self._across(self.width())

    def _across(self, width: int) -> int:
        narrowest = NARROW if self.count() > MANY else NARROWEST
        most = max(1, (width - LEFT - 2) // narrowest)
        rows = max(1, -(-self.count() // most))
        return max(1, -(-self.count() // rows))  # rows of one length

    def _row_height(self, width: int) -> int:
        return HIGH if self.count() <= self._across(width) else LOW

    def heightForWidth(self, width: int) -> int:
        """As many rows as the width leaves."""
        rows = max(1, -(-self.count() // self._across(width)))
        return TITLE + rows * self._row_height(width)

    def unit_of(self, index: int) -> int:
        """Return the unit of a column."""
        return self._units[index]

    def rect_of_unit(self, unit: int) -> QRectF:
        """Return the column of a unit; empty if it has none."""
        return self.rect_of(self._places[unit]) if unit in self._places else QRectF()

    def rect_of(self, index: int) -> QRectF:
        """Return a column, from top to foot."""
        row, column = divmod(index, self.across())
        wide, high = self._wide(), self._row_height(self.width())
        left, top = LEFT + column * wide, TITLE + row * high
        return QRectF(left + 0.5, top + 0.5, wide - 1, high - 1)

    def _wide(self) -> float:
        return min(WIDEST, (self.width() - LEFT - 2) / self.across())

    def describe(self, index: int) -> str:
        """What a unit says when it is pointed at."""
        return self._tell(self._units[index])

    def paint(self, painter: QPainter) -> None:
        """Paint the axis of each row, the bars and their names."""
        now, across, wide = theme.current(), self.across(), self._wide()
        painter.setFont(theme.font(11))
        painter.setPen(now.colour("muted"))
        painter.drawText(QRectF(0, 0, self.width(), TITLE - 2), 0, self._title)
        if not self._units:
            return
        high = self._row_height(self.width())
        longest = painter.fontMetrics().horizontalAdvance(str(max(self._units)))
        every = 1 if wide >= longest + 4 else EVERY if wide >= NARROWEST else 2 * EVERY
        for row, first in enumerate(range(0, self.count(), across)):
            top = TITLE + row * high + ROOM
            frame = QRectF(LEFT, top, wide * across, high - NAMES - ROOM - 2)
            if self._values:
                paint_y_axis(painter, frame, self._scale, number)
            base = frame.bottom() - frame.height() * self._scale.share(0.0)
            painter.setPen(QPen(now.colour("border"), 1))
            painter.drawLine(QPointF(frame.left(), base), QPointF(frame.right(), base))
            self._paint_row(painter, self._units[first : first + across], frame, base, every)

    def _paint_row(
        self, painter: QPainter, units: Sequence[int], frame: QRectF, base: float, every: int
    ) -> None:
        now, wide = theme.current(), self._wide()
        painter.setPen(now.colour("muted"))
        for column, unit in enumerate(units[::every]):
            long = painter.fontMetrics().horizontalAdvance(str(unit))
            centred = frame.left() + (column * every + 0.5) * wide - long / 2
            left = max(frame.left(), centred)  # the numbers of the axis stand beside it
            place = QRectF(left, frame.bottom() + 1, long + 1, NAMES)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, str(unit))
        values = np.array([self._values.get(unit, math.nan) for unit in units], float)
        ends = frame.bottom() - frame.height() * self._scale.shares(values)
        thick, colour = min(18.0, 0.7 * wide), now.colour("validation", 205)
        for column in np.flatnonzero(np.isfinite(ends)).tolist():
            left, end = frame.left() + (column + 0.5) * wide - thick / 2, float(ends[column])
            bar = QRectF(left, min(base, end), thick, max(1.0, abs(base - end)))
            painter.fillRect(bar, colour)
