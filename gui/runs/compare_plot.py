"""Curves of several runs in one chart, told apart by letters and strokes, not by colour."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.telemetry.events import Array
from gui import theme
from gui.charts.label_placement import spread
from gui.charts.lines import Line, PlotChart
from gui.charts.navigation import NAVIGATION
from gui.rich_text import rich

LETTERS = "ABCDEF"
STROKES: tuple[tuple[float, ...], ...] = (
    (),
    (6.0, 3.0),
    (1.2, 2.4),
    (),
    (9.0, 3.0, 1.2, 3.0),
    (3.0, 2.0),
)
"""Dashes and gaps of each line, in widths of the pen; () is a whole line."""
STRONG = (255, 255, 255, 120, 160, 160)
"""How much of the colour each line has, of 255."""
THICK = (1.8, 1.8, 1.8, 3.4, 1.8, 1.8)
SAMPLE = 28  # pixels of a line that is a sample
LETTER = 16  # pixels


def run_line(place: int, role: str, x: Array, y: Array) -> Line:
    """Return the line (n,), (n,) of a run: its place among them, in a colour's role."""
    return Line(LETTERS[place], role, THICK[place], STRONG[place], STROKES[place], x=x, y=y)


class ComparePlot(PlotChart):
    """Lines that are told apart by their strokes and the letters at their ends."""

    def __init__(self) -> None:
        super().__init__("comparePlot", "Losses of the chosen runs")
        self.setToolTip(rich("The losses of the chosen runs.", NAVIGATION))
        self.margin = LETTER + 12

    def ends(self) -> list[tuple[str, QPointF]]:
        """Return each line's letter and where it ends, in pixels; none above another."""
        frame, found = self.frame(), []
        for line in self.lines:
            good = np.flatnonzero(np.isfinite(line.y) & (line.x <= self.window_x.seen.high))
            if len(good):
                found.append((line.name, self.place(line.x[good[-1]], line.y[good[-1]])))
        apart = spread([at.y() for _, at in found], LETTER + 1, frame.top(), frame.bottom())
        return [(name, QPointF(at.x(), y)) for (name, at), y in zip(found, apart, strict=True)]

    def paint_over(self, painter: QPainter) -> None:
        """Paint a letter behind each end, under the values."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for letter, at in [] if self.hint else self.ends():
            area = QRectF(at.x() + 4, at.y() - LETTER / 2, LETTER, LETTER)
            paint_letter(painter, area, letter)
        super().paint_over(painter)


def paint_letter(painter: QPainter, area: QRectF, letter: str) -> None:
    """Paint the letter of a run on a quiet round."""
    now = theme.current()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(now.colour("text"))
    painter.drawEllipse(area)
    painter.setFont(theme.font(10, QFont.Weight.Bold))
    painter.setPen(QColor(now.surface))
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, letter)


class LineSample(QWidget):
    """A run's letter and its stroke, as they are in the plot."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self._line = run_line(place, "text", np.empty(0), np.empty(0))
        self.setAccessibleName(f"Run {LETTERS[place]}")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Be as wide as letter and stroke."""
        return QSize(18 + 6 + SAMPLE, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint both."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_letter(painter, QRectF(1, 1, 16, 16), self._line.name)
        painter.setPen(self._line.pen())
        painter.drawLine(QPointF(24, 9), QPointF(24 + SAMPLE, 9))
