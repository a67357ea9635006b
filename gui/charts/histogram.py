"""Histograms: in a cell of a table, and as a strip in which one value is marked."""

import math

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.telemetry.events import Array
from gui import theme

BINS = 48
HEIGHT, HEAD, AXIS = 44, 13, 13


def draw_histogram(painter: QPainter, rect: QRect, shares: Array, role: str, centred: bool) -> None:
    """Draw shares as a filled outline; ``centred`` marks zero in the middle of the range."""
    colours = theme.current()
    painter.setPen(QPen(colours.colour("border"), 1))
    painter.drawLine(rect.bottomLeft(), rect.bottomRight())
    if centred:
        middle = rect.left() + rect.width() // 2
        painter.drawLine(middle, rect.top() + 4, middle, rect.bottom())
    peak = float(shares.max()) if np.isfinite(shares).all() else 0.0
    if peak <= 0:
        return
    # Each bin a step of the outline, so that a spike at an end stays a spike.
    lefts = np.linspace(rect.left(), rect.right() + 1, len(shares) + 1)
    tops = rect.bottom() - shares / peak * (rect.height() - 3)
    points = [QPointF(rect.left(), rect.bottom())]
    for left, right, top in zip(
        lefts[:-1].tolist(), lefts[1:].tolist(), tops.tolist(), strict=True
    ):
        points += [QPointF(left, top), QPointF(right, top)]
    points.append(QPointF(rect.right() + 1, rect.bottom()))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.colour(role, 70))
    painter.drawPolygon(QPolygonF(points))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colours.colour(role), 1))
    painter.drawPolyline(points)


class Histogram(QWidget):
    """How often values occur, and a mark where one of them stands.

    Args:
        name: of the widget, as an object.
        accessible: what it shows.
        help: what it means, for the tooltip.
        unit: of the values.
    """

    def __init__(self, name: str, accessible: str, help: str, unit: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setToolTip(help)
        self._caption, self._unit = "", unit
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._values: Array = np.zeros(0)
        self._bins: tuple[Array, float, float] | None = None
        self._mark: tuple[float, str] | None = None

    def set_values(self, values: Array, caption: str) -> None:
        """Take the values, (M,), all of them finite, and what stands below: which they are."""
        self._values, self._bins, self._caption = values, None, caption
        self.update()

    def set_mark(self, value: float | None, name: str = "") -> None:
        """Mark where a value with this name stands, or nothing."""
        self._mark = None if value is None or math.isnan(value) else (value, name)
        self.update()

    def x_of(self, value: float) -> float:
        """Where a value is; what lies beyond the scale is at its end."""
        _, low, high = self._counted()
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return 4 + share * (self.width() - 8)

    def sizeHint(self) -> QSize:
        """Be a strip."""
        return QSize(280, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bars, the ends of the scale and the mark."""
        if not len(self._values):
            return
        painter, now = QPainter(self), theme.current()
        counts, low, high = self._counted()
        foot, wide = self.height() - AXIS, (self.width() - 8) / BINS
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.colour("faint", 130))
        for i, count in enumerate((counts / max(1, counts.max()) * (foot - HEAD)).tolist()):
            if count:
                tall = max(1.0, count)
                painter.drawRect(QRectF(4 + i * wide, foot - tall, max(1.0, wide - 1), tall))
        painter.setPen(QPen(now.colour("border"), 1))
        painter.drawLine(QPointF(0, foot + 0.5), QPointF(self.width(), foot + 0.5))
        painter.setFont(theme.font(10))
        painter.setPen(now.colour("muted"))
        under = QRectF(0, foot + 1, self.width(), AXIS)
        painter.drawText(under, Qt.AlignmentFlag.AlignLeft, f"{low:.0f} {self._unit}")
        painter.drawText(under, Qt.AlignmentFlag.AlignHCenter, self._caption)
        painter.drawText(under, Qt.AlignmentFlag.AlignRight, f"{high:.0f} {self._unit}")
        if self._mark:
            self._paint_mark(painter, *self._mark, foot)

    def _paint_mark(self, painter: QPainter, value: float, name: str, foot: float) -> None:
        now, x = theme.current(), self.x_of(value)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(now.colour("text"), 1.5))
        painter.drawLine(QPointF(x, 4), QPointF(x, foot))
        painter.setBrush(now.colour("text"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(QPolygonF([QPointF(x - 4, 1), QPointF(x + 4, 1), QPointF(x, 7)]))
        font = theme.font(11)
        painter.setFont(font)
        wide = QFontMetricsF(font).horizontalAdvance(name)
        left = x + 8 if x + 8 + wide <= self.width() else x - 8 - wide
        painter.setPen(now.colour("text"))
        words = QRectF(left, -1, wide + 1, HEAD)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, name)

    def _counted(self) -> tuple[Array, float, float]:
        """Count the values, once, when they are first seen."""
        if self._bins is None:
            # The few largest would press all others together at the left.
            low, high = np.quantile(self._values, (0.0, 0.995)).tolist()
            low, high = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
            counts, _ = np.histogram(np.clip(self._values, low, high), BINS, (low, high))
            self._bins = counts, float(low), float(high)
        return self._bins
