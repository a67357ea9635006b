"""A ramp with the numbers at its ends, and a word on how it runs between them."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.charts import colormaps as ramps

WIDE, HIGH, GAP = 148, 34, 6


class ColorScale(QWidget):
    """Two short lines: the ramp between its two numbers, and what kind of scale it is."""

    def __init__(self, name: str, help: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setToolTip(f"<p>{help}</p>")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._ramp: ramps.Ramp = ramps.diverging
        self._ends, self._words = ("", ""), ""

    def show_scale(self, ramp: ramps.Ramp, ends: tuple[str, str], words: str) -> None:
        """Show a ramp, what its ends stand for, and how it runs between them."""
        self._ramp, self._ends, self._words = ramp, ends, words
        self.setAccessibleName(f"Colours run from {ends[0]} to {ends[1]}, {words}")
        self.update()

    def sizeHint(self) -> QSize:
        """Be of one size whatever the numbers, so that its neighbours don't move."""
        return QSize(WIDE, HIGH)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ramp between its numbers, and the words below."""
        now, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(11))
        painter.setPen(now.colour("muted"))
        metrics = QFontMetrics(painter.font())
        low, high = (metrics.horizontalAdvance(end) for end in self._ends)
        upper = QRectF(0, 0, self.width(), HIGH / 2)
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        painter.drawText(upper, middle, self._ends[0])
        painter.drawText(upper, middle | right, self._ends[1])
        painter.drawText(upper.translated(0, HIGH / 2), middle | right, self._words)
        bar = upper.adjusted(low + GAP, 5, -high - GAP, -5)
        colours, ramp = self._ramp(), QLinearGradient(bar.topLeft(), bar.topRight())
        for at in range(0, 256, 51):
            ramp.setColorAt(at / 255, QColor.fromRgba(int(colours[at])))
        painter.setPen(QPen(now.colour("border"), 1))
        painter.setBrush(ramp)
        painter.drawRoundedRect(bar, 3, 3)
