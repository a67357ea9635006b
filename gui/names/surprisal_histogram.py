"""Where a name stands among the names of the training list."""

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.telemetry.events import Array
from gui import theme

BINS = 48
HEIGHT, HEAD, AXIS = 44, 13, 13
HELP = (
    "<p>How surprising the names of the training list are to this network, from the most expected "
    "at the left to the strangest at the right. The mark is the name above.</p>"
)


class SurprisalHistogram(QWidget):
    """Names of the training list by their nats, and a mark where one name stands."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("surpriseHistogram")
        self.setAccessibleName("Surprise of the training list's names")
        self.setToolTip(HELP)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._totals: Array = np.zeros(0)
        self._bins: tuple[Array, float, float] | None = None
        self._mark: tuple[float, str] | None = None

    def set_totals(self, totals: Array) -> None:
        """Take the nats of each name, (M,), all of them finite."""
        self._totals, self._bins = totals, None
        self.update()

    def set_mark(self, nats: float | None, name: str = "") -> None:
        """Mark where a name stands, or nothing."""
        self._mark = None if nats is None or math.isnan(nats) else (nats, name)
        self.update()

    def x_of(self, nats: float) -> float:
        """Where a number of nats is; what lies beyond the scale is at its end."""
        _, low, high = self._counted()
        share = min(1.0, max(0.0, (nats - low) / (high - low)))
        return 4 + share * (self.width() - 8)

    def sizeHint(self) -> QSize:
        """Be a strip."""
        return QSize(280, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bars, the ends of the scale and the mark."""
        if not len(self._totals):
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
        painter.drawText(under, Qt.AlignmentFlag.AlignLeft, f"{low:.0f} nats")
        painter.drawText(under, Qt.AlignmentFlag.AlignHCenter, "the training list")
        painter.drawText(under, Qt.AlignmentFlag.AlignRight, f"{high:.0f} nats")
        if self._mark:
            self._paint_mark(painter, *self._mark, foot)

    def _paint_mark(self, painter: QPainter, nats: float, name: str, foot: float) -> None:
        now, x = theme.current(), self.x_of(nats)
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
        """Count the names, once, when they are first seen."""
        if self._bins is None:
            # The few strangest names would press all others together at the left.
            low, high = np.quantile(self._totals, (0.0, 0.995)).tolist()
            low, high = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
            counts, _ = np.histogram(np.clip(self._totals, low, high), BINS, (low, high))
            self._bins = counts, float(low), float(high)
        return self._bins
