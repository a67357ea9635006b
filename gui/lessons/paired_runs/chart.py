"""A picture with a line for each of two networks, its numbers written where the lines end."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QHelpEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from core.lessons.pair_history import NAMES
from core.numbers import number
from gui import theme
from gui.charts.axes import Scale
from gui.lessons.paired_runs.styles import DOTS, draw_dot, pen_of

HIGH = 236
LEFT, RIGHT, TOP, BOTTOM = 50, 104, 10, 40
LINE = 15  # pixels of a line of words
RIGHT_MIDDLE = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Line:
    """A side's line.

    Attributes:
        side: 0 for A, 1 for B.
        points: (x, y) each; y may be no number.
        dotted: whether each point has a dot.
        faint: whether it stands in the background, without its name.
    """

    side: int
    points: tuple[tuple[float, float], ...]
    dotted: bool = False
    faint: bool = False

    @property
    def end(self) -> tuple[float, float] | None:
        """The last point whose y is a number."""
        return next((p for p in reversed(self.points) if math.isfinite(p[1])), None)


class PairChart(QWidget):
    """Paints the lines of both sides in one colour, that of what is measured.

    Args:
        name: its object name.
        accessible: the question that it answers.
        role: the colour.
        x_words: what the horizontal axis counts.
        tell: writes a value.
    """

    def __init__(
        self, name: str, accessible: str, role: str, x_words: str, tell: Callable[[float], str]
    ) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._role, self._x_words, self._tell = role, x_words, tell
        self.lines: tuple[Line, ...] = ()
        self._x, self._y = Scale(0, 1), Scale(0, 1)
        self._level: tuple[str, float] = ("", math.nan)

    def sizeHint(self) -> QSize:
        """As high as it is readable."""
        return QSize(400, HIGH)

    def minimumSizeHint(self) -> QSize:
        """Leave room for the words."""
        return QSize(280, HIGH)

    def show_lines(
        self, lines: Sequence[Line], x: Scale, y: Scale, level: tuple[str, float]
    ) -> None:
        """Show these lines between these limits, against a level with a name."""
        self.lines, self._x, self._y, self._level = tuple(lines), x, y, level
        self.setAccessibleDescription(self.in_words())
        self.update()

    def in_words(self) -> str:
        """Say where the lines end."""
        ends = [(line.side, line.end) for line in self.lines if not line.faint]
        return "; ".join(f"{NAMES[side]} ends at {self._tell(end[1])}" for side, end in ends if end)

    @property
    def _frame(self) -> QRectF:
        return QRectF(self.rect()).adjusted(LEFT, TOP, -RIGHT, -BOTTOM)

    def place_of(self, point: tuple[float, float]) -> QPointF:
        """Return where a point is; what lies beyond the frame is put on its edge."""
        frame = self._frame
        share = min(1.0, max(0.0, self._y.share(point[1])))
        return QPointF(
            frame.left() + frame.width() * self._x.share(point[0]),
            frame.bottom() - frame.height() * share,
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint axes, level and lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(11))
        self._paint_axes(painter)
        self._paint_level(painter)
        # What is faint first, and A over B: a full dot can be seen within a hollow one.
        for line in sorted(self.lines, key=lambda line: (not line.faint, -line.side)):
            self._paint_line(painter, line)
        self._paint_ends(painter)

    def _paint_axes(self, painter: QPainter) -> None:
        now, frame = theme.current(), self._frame
        for value in self._y_ticks():
            y = round(frame.bottom() - frame.height() * self._y.share(value)) + 0.5
            painter.setPen(now.colour("border"))
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            painter.setPen(now.colour("muted"))
            beside = QRectF(0, y - 8, LEFT - 8, 16)
            painter.drawText(beside, RIGHT_MIDDLE, self._tick(value))
        painter.setPen(now.colour("muted"))
        for value in self._x_ticks():
            x = frame.left() + frame.width() * self._x.share(value)
            under = QRectF(x - 30, frame.bottom() + 5, 60, LINE)
            painter.drawText(under, Qt.AlignmentFlag.AlignHCenter, number(value))
        foot = QRectF(frame.left(), frame.bottom() + 5 + LINE, frame.width(), LINE + 1)
        painter.drawText(foot, Qt.AlignmentFlag.AlignHCenter, self._x_words)

    def _y_ticks(self) -> list[float]:
        """Return round values; on a logarithmic scale 1 is one of them."""
        if not self._y.log:
            return self._y.ticks(5)
        first, last = math.ceil(math.log10(self._y.low)), math.floor(math.log10(self._y.high))
        if last - first < 2:
            near = [m * 10.0**n for n in range(first - 1, last + 1) for m in (1, 3)]
            return [value for value in near if self._y.low <= value <= self._y.high]
        return self._y.ticks(6)

    def _x_ticks(self) -> list[float]:
        most = 5 if self._x.high > 10 else max(1, round(self._x.high))
        return [v for v in self._x.ticks(most) if v == round(v) and v <= self._x.high]

    def _tick(self, value: float) -> str:
        if not self._y.log or 1e-3 < value < 1e4:
            return number(value)
        raised = str(round(math.log10(value))).translate(
            str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
        )
        return f"10{raised}"

    def _paint_level(self, painter: QPainter) -> None:
        words, value = self._level
        share = self._y.share(value) if math.isfinite(value) else math.nan
        if not 0.0 <= share <= 1.0:
            return
        now, frame = theme.current(), self._frame
        y = frame.bottom() - frame.height() * share
        painter.setPen(now.colour("muted"))
        painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
        wide = painter.fontMetrics().horizontalAdvance(words) + 6
        places = [
            QRectF(left, top, wide, LINE)
            for top in (y - LINE - 1, y + 1)
            for left in (frame.right() - wide, frame.left() + 2)
        ]
        drawn = [self.place_of(p) for line in self.lines for p in line.points if p[1] == p[1]]
        free = min(places, key=lambda place: sum(map(place.contains, drawn)))
        painter.drawText(free, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_line(self, painter: QPainter, line: Line) -> None:
        places = [self.place_of(p) for p in line.points if math.isfinite(p[1])]
        width, alpha = (1.2, 130) if line.faint else (1.9, 255)
        painter.setPen(pen_of(line.side, self._role, width, alpha))
        painter.drawPolyline(QPolygonF(places))
        if line.dotted:
            for place in places:
                draw_dot(painter, place, line.side, self._role)

    def _paint_ends(self, painter: QPainter) -> None:
        """Write name and value where each line ends, one below the other."""
        ends = [(line, line.end) for line in self.lines if not line.faint]
        placed = sorted(
            ((self.place_of(end), line.side, end[1]) for line, end in ends if end),
            key=lambda placed: placed[0].y(),
        )
        lowest, above = self._frame.bottom() - LINE * (len(placed) - 1), -math.inf
        for place, side, value in placed:
            y = max(above + LINE, min(place.y(), lowest))
            above, lowest = y, lowest + LINE
            if place.x() < self._frame.right() - 1:
                y -= LINE  # the other line goes on: its name stands above that
            at = QRectF(place.x() + DOTS[1] + 5, y - LINE / 2, RIGHT, LINE)
            now, words = theme.current(), self._tell(value)
            painter.setFont(theme.font(11))
            long = painter.fontMetrics().horizontalAdvance(words) + 15
            painter.fillRect(
                QRectF(at.left() - 2, at.top(), long, LINE), now.colour("surface", 225)
            )
            painter.setPen(now.colour("text"))
            painter.setFont(theme.font(11, QFont.Weight.DemiBold))
            painter.drawText(at, Qt.AlignmentFlag.AlignVCenter, NAMES[side])
            painter.setFont(theme.font(11))
            beside = at.adjusted(13, 0, 0, 0)
            painter.drawText(beside, Qt.AlignmentFlag.AlignVCenter, words)

    def event(self, event: QEvent) -> bool:
        """Tell the numbers under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.explain(event.pos().x()), self)
            return True
        return super().event(event)

    def explain(self, x: int) -> str:
        """Say what the lines are at a place."""
        frame = self._frame
        at = self._x.low + (x - frame.left()) / frame.width() * (self._x.high - self._x.low)
        at, told = round(min(self._x.high, max(self._x.low, at))), []
        for line in self.lines:
            if line.points and not line.faint:
                nearest = min(line.points, key=lambda point: abs(point[0] - at))
                told.append(f"{NAMES[line.side]}: {self._tell(nearest[1])}")
        return "\n".join([self.accessibleName(), f"{self._x_words}: {at:,}", *told])
