"""A small line: how one number of a layer went over the training, and where it stands."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from core.numbers import number, percent
from core.telemetry.events import Array
from gui import theme

HEAD, FOOT, AXIS = 22, 18, 40


class Trend(QWidget):
    """A titled line chart, painted; it says what it shows in words when it is pointed at."""

    def __init__(
        self, title: str, role: str, help: str, mark: float | None = None, share: bool = False
    ) -> None:
        """Make it empty.

        Args:
            title: a word or two.
            role: the colour of the line.
            help: what the number means, for the tooltip.
            mark: a height worth a dashed line; the scale always reaches it.
            share: the numbers are shares: written as per cent, on a scale from zero.
        """
        super().__init__()
        self.title = title
        self._role, self._mark, self._share = role, mark, share
        self._x: Array = np.empty(0)
        self._y: Array = np.empty(0)
        self.setToolTip(help)
        self.setAccessibleName(f"{title} over the training")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_line(self, x: Array, y: Array) -> None:
        """Show values y at the steps x; what is no number is left out."""
        good = np.isfinite(y)
        self._x, self._y = x[good].copy(), y[good].copy()
        if len(self._y):
            self.setAccessibleDescription(f"{self.title} {self._words(self._y[-1])}")
        self.update()

    @property
    def values(self) -> Array:
        """The values shown."""
        return self._y

    def sizeHint(self) -> QSize:
        """Be small."""
        return QSize(180, 128)

    def minimumSizeHint(self) -> QSize:
        """Be readable."""
        return QSize(132, 128)

    def span(self) -> tuple[float, float]:
        """Return the numbers at the bottom and at the top of the chart."""
        if self._share:
            return 0.0, max(0.1, 1.08 * float(self._y.max(initial=0.0)))
        marks = [] if self._mark is None else [self._mark]
        values = np.concatenate([self._y, marks])
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
        room = max(0.08 * (high - low), 0.01 * max(abs(low), abs(high), 1e-3))
        return low - room, high + room

    def _words(self, value: float) -> str:
        return percent(value) if self._share else number(value)

    def event(self, event: QEvent) -> bool:
        """Tell the value under the mouse, and what it means."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and len(self._x):
            share = (event.x() - AXIS) / max(1, self.width() - AXIS)
            step = self._x[0] + share * (self._x[-1] - self._x[0])
            at = int(np.abs(self._x - step).argmin())
            words = f"step {self._x[at]:,.0f}: {self.title} {self._words(self._y[at])}"
            QToolTip.showText(event.globalPos(), f"{words}\n{self.toolTip()}", self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the head, the quiet frame, the mark and the line."""
        now, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(12))
        painter.setPen(now.colour("muted"))
        head = QRectF(0, 0, self.width(), HEAD - 4)
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter, self.title)
        frame = QRectF(AXIS, HEAD + 4, self.width() - AXIS - 3, self.height() - HEAD - FOOT - 4)
        painter.setFont(theme.font(11))
        if not len(self._y):
            painter.setPen(now.colour("faint"))
            painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, "No steps yet")
            return
        low, high = self.span()
        self._axes(painter, frame, low, high)
        xs = frame.left() + frame.width() * _share(self._x, self._x[0], self._x[-1])
        ys = frame.bottom() - frame.height() * _share(self._y, low, high)
        painter.setPen(QPen(now.colour(self._role), 1.6))
        points = [QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(now.colour(self._role))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(points[-1], 2.6, 2.6)
        painter.setFont(theme.font(12, QFont.Weight.DemiBold))
        painter.setPen(now.colour("text"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(head, right, self._words(self._y[-1]))

    def _axes(self, painter: QPainter, frame: QRectF, low: float, high: float) -> None:
        now = theme.current()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        ticks = [(frame.bottom(), low), (frame.top(), high)]
        for y, value in ticks:
            painter.setPen(QPen(now.colour("border"), 1))
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            painter.setPen(now.colour("muted"))
            painter.drawText(QRectF(0, y - 8, AXIS - 6, 16), right, self._words(value))
        foot = QRectF(frame.left(), frame.bottom() + 2, frame.width(), FOOT)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, f"{self._x[0]:,.0f}")
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, f"step {self._x[-1]:,.0f}")
        if self._mark is not None:
            y = frame.bottom() - frame.height() * (self._mark - low) / ((high - low) or 1.0)
            painter.setPen(QPen(now.colour("faint"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            if abs(y - frame.top()) > 14 and abs(y - frame.bottom()) > 14:
                painter.setPen(now.colour("muted"))
                painter.drawText(QRectF(0, y - 8, AXIS - 6, 16), right, number(self._mark))


def _share(values: Array, low: float, high: float) -> Array:
    """Return where values stand between two ends, 0 to 1; in the middle if the ends meet."""
    if high == low:
        return np.full(len(values), 0.5)
    share: Array = (values - low) / (high - low)
    return share
