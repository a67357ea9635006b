"""A line for each of two networks, told apart without colour, its number where the line ends."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.lessons.pair_history import NAMES
from core.telemetry.events import Array
from gui import theme
from gui.charts.label_placement import spread
from gui.charts.lines import Line, PaintedChart
from gui.charts.navigation import NAVIGATION
from gui.rich_text import rich

HIGH, BESIDE, WORDS = 236, 80, 15  # pixels: the chart, the room for ends, a line of words
DOTS = (3.0, 4.6)  # pixels from the middle of a dot to its edge: a full one fits a hollow one
DASHES: tuple[tuple[float, ...], ...] = ((), (3.2, 2.4))


def network_line(
    network: int, role: str, x: Array, y: Array, dotted: bool = False, faint: bool = False
) -> Line:
    """Return the line (n,), (n,) of a network: solid with full dots for A, dashed and hollow for B.

    Args:
        network: 0 for A, 1 for B.
        role: the colour of what is measured.
        x: the places.
        y: the values; may be NaN.
        dotted: whether each point has a dot.
        faint: whether it stands in the background, without its name.
    """
    width, alpha = (1.2, 130) if faint else (1.9, 255)
    dot = DOTS[network] if dotted else 0.0
    name = "" if faint else NAMES[network]
    return Line(name, role, width, alpha, DASHES[network], dot, bool(network), x=x, y=y)


class PairChart(PaintedChart):
    """The lines of both networks in one colour, that of what is measured.

    Args:
        name: its object name.
        accessible: what it shows.
        y_title: of the y-axis, with its unit.
        x_title: of the x-axis.
        write: writes a value.
    """

    def __init__(
        self,
        name: str,
        accessible: str,
        y_title: str,
        x_title: str,
        write: Callable[[float], str],
    ) -> None:
        super().__init__(name, accessible, y_title, x_title, write)
        self.margin, self.whole_x, self.x_holds = BESIDE, True, (0.0, 1.0)
        self.setToolTip(rich(f"{accessible}.", NAVIGATION))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As high as it is readable."""
        return QSize(400, HIGH)

    def minimumSizeHint(self) -> QSize:
        """Leave room for the words."""
        return QSize(280, HIGH)

    def paint_over(self, painter: QPainter) -> None:
        """Write name and value where each line ends, one below the other, under the values."""
        found = []
        for line in self.lines:
            good = np.flatnonzero(np.isfinite(line.y) & (line.x <= self.window_x.seen.high))
            if line.name and len(good):
                x, y = float(line.x[good[-1]]), float(line.y[good[-1]])
                found.append((line, self.place(x, y), y))
        frame, now = self.frame(), theme.current()
        places = spread([at.y() for _, at, _ in found], WORDS, frame.top(), frame.bottom())
        for (line, at, value), y in zip(found, places, strict=True):
            if at.x() < frame.right() - 1:
                y -= WORDS  # the other line goes on: its name stands above that
            words = self.write(value)
            place = QRectF(at.x() + DOTS[1] + 5, y - WORDS / 2, BESIDE + 20, WORDS)
            painter.setFont(theme.font(11, QFont.Weight.DemiBold))
            long = painter.fontMetrics().horizontalAdvance(words) + 15
            painter.fillRect(
                QRectF(place.left() - 2, place.top(), long, WORDS), now.colour("surface", 225)
            )
            painter.setPen(now.colour("text"))
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, line.name)
            painter.setFont(theme.font(11))
            painter.drawText(place.adjusted(13, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, words)
        super().paint_over(painter)

    def in_words(self) -> str:
        """Say where the lines end."""
        ends = [(line, line.y[np.isfinite(line.y)]) for line in self.lines if line.name]
        return "; ".join(
            f"{line.name} ends at {self.write(float(y[-1]))}" for line, y in ends if len(y)
        )


class LineSwatch(QWidget):
    """A sample of a network's line, beside its name."""

    def __init__(self, network: int) -> None:
        super().__init__()
        self._line = network_line(network, "text", np.empty(0), np.empty(0), dotted=True)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As long as its pattern takes."""
        return QSize(46, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the line and a dot in its middle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QRectF(self.rect()).center()
        painter.setPen(self._line.pen())
        painter.drawLine(QPointF(1, middle.y()), QPointF(self.width() - 1, middle.y()))
        self._line.paint_dot(painter, middle)
