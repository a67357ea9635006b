"""Bars side by side, one a unit or a digit, each with its name under it."""

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from core.telemetry.events import Array
from gui import theme
from gui.charts.cells import Cells

TOP, BOTTOM, AXIS = 20, 22, 44


class Bars(Cells):
    """Bars from zero, or from the bottom of the scale if zero is not on it."""

    def __init__(self, name: str, accessible: str, help: str, height: int = 176) -> None:
        super().__init__(name, accessible, help)
        self._height = height
        self._values: Array = np.zeros(0)
        self._low, self._high = 0.0, 1.0
        self._tell: Callable[[int], str] = str
        self._ticks: Sequence[tuple[float, str]] = ()
        self._tops: Sequence[str] = ()

    def show_bars(
        self,
        values: Array,
        span: tuple[float, float],
        tell: Callable[[int], str],
        ticks: Sequence[tuple[float, str]] = (),
        tops: Sequence[str] = (),
    ) -> None:
        """Show values (n,).

        Args:
            values: one a bar; below zero a bar hangs, in the colour of negative numbers.
            span: the numbers at the bottom and at the top.
            tell: what a bar says when it is pointed at.
            ticks: lines across, each with words at the left.
            tops: words at the end of each bar.
        """
        self._values, self._tell, self._ticks, self._tops = values, tell, ticks, tops
        self._low, self._high = span
        self.fit()
        self.update()

    def count(self) -> int:
        """How many bars there are."""
        return len(self._values)

    def across(self) -> int:
        """All bars stand in one row."""
        return max(1, len(self._values))

    def rect_of(self, index: int) -> QRectF:
        """The column of a bar, from the top to its name."""
        frame = self._frame()
        wide = frame.width() / self.across()
        return QRectF(frame.left() + index * wide, 1, wide, self.height() - 2)

    def describe(self, index: int) -> str:
        """What a bar says when it is pointed at."""
        return self._tell(index)

    def heightForWidth(self, width: int) -> int:
        """The same at every width; more is taken gladly."""
        return self._height

    def paint(self, painter: QPainter) -> None:
        """Paint the lines across, then the bars, their ends and their names."""
        now, frame = theme.current(), self._frame()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(11))
        for value, words in self._ticks:
            y = round(self._y(value)) + 0.5
            painter.setPen(QPen(now.colour("border"), 1))
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            painter.setPen(now.colour("muted"))
            painter.drawText(
                QRectF(0, y - 8, AXIS - 8, 16),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                words,
            )
        base = self._y(min(max(0.0, self._low), self._high))
        for index, value in enumerate(self._values.tolist()):
            column = self.rect_of(index)
            wide = min(36.0, max(1.0, column.width() * 0.64))
            end = self._y(value)
            role = "activation" if value >= 0 else "gradient"
            bar = QRectF(column.center().x() - wide / 2, min(base, end), wide, abs(end - base))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(now.colour(role, 205))
            painter.drawRoundedRect(bar, 2, 2)
            if column.width() >= 13:
                self._name(painter, column, str(index))
            if self._tops and column.width() >= 26:
                painter.setPen(now.colour("text"))
                beyond = end - 18 if value >= 0 else end + 2
                top = QRectF(column.left() - 6, beyond, column.width() + 12, 16)
                painter.drawText(top, Qt.AlignmentFlag.AlignCenter, self._tops[index])
        painter.setPen(QPen(now.colour("faint"), 1))
        painter.drawLine(QPointF(frame.left(), base), QPointF(frame.right(), base))

    def _name(self, painter: QPainter, column: QRectF, words: str) -> None:
        painter.setPen(theme.current().colour("muted"))
        under = QRectF(column.left(), self.height() - BOTTOM + 4, column.width(), 16)
        painter.drawText(under, Qt.AlignmentFlag.AlignCenter, words)

    def _frame(self) -> QRectF:
        left = AXIS if self._ticks else 0
        below = BOTTOM + (16 if self._tops and self._low < 0 else 0)  # words under hanging bars
        return QRectF(left, TOP, self.width() - left, self.height() - TOP - below)

    def _y(self, value: float) -> float:
        frame = self._frame()
        share = (value - self._low) / ((self._high - self._low) or 1.0)
        share = min(1.0, max(0.0, share)) if np.isfinite(share) else 0.0
        return frame.bottom() - share * frame.height()
