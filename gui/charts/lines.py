"""Line charts: curves over steps, with a legend, reference lines, hover values, zoom and pan.

`PlotChart` draws its curves with pyqtgraph and is meant for what changes while it is watched. Each
point is handed over as a share of the frame, so that pyqtgraph's own ranges never move (its
automatic ranges, legends and menus cost a training most of its speed). `PaintedChart` is light:
it paints the same into itself, for evidence and for the small charts of which there are many.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.numbers import number
from core.telemetry.events import Array
from gui import theme
from gui.charts.axes import (
    TICK,
    TITLE,
    Scale,
    TickWriter,
    paint_x_axis,
    paint_y_axis,
    written,
    y_ticks,
)
from gui.charts.label_placement import quietest
from gui.charts.navigation import Navigation

POINTS = 600  # drawn at most: more than a chart has pixels would only cost time
MANY = 100  # points from which one can zoom in
LEFT, RIGHT, LINE = 46, 10, 16  # pixels beside the frame, and of a line of the legend
SHADE = 60  # of 255, how dense a band is
SAMPLE = 14  # pixels of a line beside its name
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass
class Line:
    """A curve and its look.

    Attributes:
        name: in the legend and beside its values; without one it stands in the background.
        role: the colour's role in the theme.
        dash: lengths of dashes and gaps in widths of the line; () is solid.
        dot: the radius of a dot at each point; 0 for none.
        hollow: whether the dots are rings.
        x, y: the points, (n,); x ascends, y may be NaN.
        low, high: a band around it at the same x, (n,); empty for none.
        quiet: whether its name is in the legend alone, as that of several in the background.
    """

    name: str
    role: str = "text"
    width: float = 1.8
    alpha: int = 255
    dash: tuple[float, ...] = ()
    dot: float = 0.0
    hollow: bool = False
    x: Array = field(default_factory=lambda: np.empty(0))
    y: Array = field(default_factory=lambda: np.empty(0))
    low: Array = field(default_factory=lambda: np.empty(0))
    high: Array = field(default_factory=lambda: np.empty(0))
    quiet: bool = False

    def pen(self) -> QPen:
        """Return what the line is drawn with."""
        pen = QPen(theme.current().colour(self.role, self.alpha), self.width)
        if self.dash:
            pen.setDashPattern(list(self.dash))
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setCosmetic(True)
        return pen

    def shade(self) -> QColor:
        """Return what the band around the line is filled with."""
        return theme.current().colour(self.role, SHADE)

    def nearest(self, x: float) -> int:
        """Return the number of the point nearest to a place; -1 if there is none."""
        return int(np.abs(self.x - x).argmin()) if len(self.x) else -1

    def paint_dot(self, painter: QPainter, place: QPointF, radius: float = 0.0) -> None:
        """Paint a point of the line."""
        now, radius = theme.current(), radius or self.dot
        painter.setPen(QPen(now.colour(self.role), 1.6) if self.hollow else Qt.PenStyle.NoPen)
        painter.setBrush(now.colour("surface" if self.hollow else self.role))
        painter.drawEllipse(place, radius, radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)


class Chart(Navigation):
    """Curves in a frame, with all that is needed to read them; a subclass draws the curves.

    Above the frame stand the title of the y-axis and the legend, below it the steps. Reference
    lines have their names where they cover no curve. Values are shown while the mouse is over the
    frame, or after an arrow key. With more than MANY points one can zoom in on a part of the
    x-axis; the y-axis follows what is seen.
    """

    def __init__(
        self,
        name: str = "",
        accessible: str = "",
        y_title: str = "",
        x_title: str = "step",
        write: Callable[[float], str] = number,
        tick: TickWriter = number,
    ) -> None:
        """Make it empty.

        Args:
            name: of the widget, as an object.
            accessible: what the chart is.
            y_title: of the y-axis, with its unit.
            x_title: of the x-axis.
            write: writes a value.
            tick: writes a value at the y-axis.
        """
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.y_title, self.x_title = y_title, x_title
        self.write, self.tick = write, tick
        self.lines: list[Line] = []
        self.levels: dict[str, tuple[float, str, str]] = {}
        self.mark: tuple[float, str, str] | None = None
        self.scale_y = Scale(0.0, 1.0)
        self.log_x = self.log_y = False
        self.x_holds: tuple[float, ...] = (0.0,)
        """What the x-axis reaches at least."""
        self.y_holds: tuple[float, ...] = ()
        self.whole_x = x_title in ("step", "epoch")
        self.limits: tuple[float | None, float | None] = (None, None)
        self.hint = ""
        self.margin = RIGHT
        self._stale = True
        self._frame: QRectF | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    # What is shown.

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show these curves from now on, in place of all others."""
        self.lines = list(lines)
        self.changed()

    def set_curve(self, name: str, x: Array, y: Array) -> None:
        """Give a curve other points, (n,) each; `changed` must follow."""
        line = next(line for line in self.lines if line.name == name)
        line.x, line.y = np.asarray(x, float), np.asarray(y, float)

    def set_line(self, name: str, value: float, words: str, role: str = "muted") -> None:
        """Show a horizontal reference line with its name, or none if the value is not finite."""
        self.levels.pop(name, None)
        if math.isfinite(value):
            self.levels[name] = (value, words, role)
        self.changed()

    def set_mark(self, x: float | None, words: str = "", role: str = "muted") -> None:
        """Mark a place of the x-axis with an upright line, or none."""
        mark = None if x is None else (x, words, role)
        if mark != self.mark:
            self.mark = mark
            self._repaint()

    def set_hint(self, words: str) -> None:
        """Say what will be seen, in place of axes that measure nothing; "" for the axes."""
        if words != self.hint:
            self.hint = words
            self.changed()

    def changed(self) -> None:
        """Draw what was set, now or when it is next seen."""
        self._stale = True
        if self.isVisible():
            self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while this was hidden."""
        super().showEvent(event)
        self._refresh()

    def in_words(self) -> str:
        """Say from where to where the curves go, for a screen reader."""
        parts = []
        for line in self.lines:
            good = line.y[np.isfinite(line.y)]
            if len(good) and line.name and not line.quiet:
                words = f"{line.name} from {self.write(good[0])} to {self.write(good[-1])}"
                if len(line.low):
                    words += f" ({self.write(line.low[-1])} to {self.write(line.high[-1])})"
                parts.append(words)
        return "; ".join([*parts, *(words for _, words, _ in self.levels.values())])

    def csv_rows(self) -> list[list[object]]:
        """Return what is drawn as rows: a column for each curve and reference line."""
        drawn = [line for line in self.lines if len(line.x)]
        if self.hint or not drawn:
            return []
        places = np.unique(np.concatenate([line.x for line in drawn]))
        curves = [
            (f"{line.name or self.y_title}{end}", line.x, y)
            for line in drawn
            for end, y in (("", line.y), (", low", line.low), (", high", line.high))
            if len(y)
        ]
        titles = [title for title, _, _ in curves]
        columns = [dict(zip(x.tolist(), y.tolist(), strict=True)) for _, x, y in curves]
        levels = list(self.levels.values())
        rows: list[list[object]] = [[self.x_title, *titles, *(words for _, words, _ in levels)]]
        for x in places.tolist():
            values = [column.get(x, "") for column in columns]
            rows.append([x, *values, *(level for level, _, _ in levels)])
        return rows

    # Where it stands.

    @property
    def navigable(self) -> bool:
        """Whether there are so many points that one can zoom in."""
        return max((len(line.x) for line in self.lines), default=0) > MANY

    def active(self) -> bool:
        """Whether there is anything to point at."""
        return bool(self.lines) and not self.hint

    def frame(self) -> QRectF:
        """Return where the curves are, in pixels."""
        if self._frame is not None:
            return self._frame
        metrics = QFontMetricsF(theme.font(11))
        below = TICK + 2 + (TITLE if self.height() >= 150 and self.x_title else 0)
        entries = self._entries()
        top = (entries[-1][0].bottom() if entries else 0) + 7
        high = max(20.0, self.height() - top - below)
        ticks = written(self.scale_y, y_ticks(self.scale_y, high), self.tick)
        left = max([LEFT - 12, *(metrics.horizontalAdvance(words) for words in ticks)]) + 12
        wide = max(20.0, self.width() - left - self.margin)
        self._frame = QRectF(left, top, wide, high)
        return self._frame

    def place(self, x: float, y: float) -> QPointF:
        """Return where a point is in pixels; what lies beyond the frame is put on its edge."""
        frame, across, up = self.frame(), self.window_x.seen.share(x), self.scale_y.share(y)
        return QPointF(
            frame.left() + frame.width() * min(1.0, max(0.0, across)),
            frame.bottom() - frame.height() * min(1.0, max(0.0, up)),
        )

    def seen(self, line: Line) -> tuple[Array, Array]:
        """Return the points of a curve that are drawn: shares of the frame, (n,) each."""
        scale = self.window_x.seen
        first = max(0, int(np.searchsorted(line.x, scale.low)) - 1)
        last = int(np.searchsorted(line.x, scale.high, side="right")) + 1
        x, y = line.x[first:last], line.y[first:last]
        every = max(1, math.ceil(len(x) / POINTS))
        if every > 1:  # the newest point stays
            x, y = np.append(x[::every], x[-1]), np.append(y[::every], y[-1])
        y = np.where(np.isfinite(y), y, np.nan)
        shares = np.clip(
            self.scale_y.shares(y), -0.5, 1.5
        )  # what jumps off the scale leaves the frame
        return scale.shares(x), shares

    def _refresh(self) -> None:
        """Set the scales to what is there."""
        if not self._stale:
            return
        self._stale, self._frame = False, None
        ends = [x for line in self.lines if len(line.x) for x in (line.x[0], line.x[-1])]
        ends += self.x_holds
        low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
        self.window_x.extend(
            Scale(low, high if high > low else low + 1.0, self.log_x, self.whole_x)
        )
        self.scale_y = self._fit()
        if self.cursor_x is None:
            self.setAccessibleDescription(self.hint or self.in_words())
        self._draw()
        self._repaint()

    def _fit(self) -> Scale:
        """Return the scale of the values that are seen."""
        seen, zoomed = self.window_x.seen, self.window_x.zoomed
        values = [
            y[(line.x >= seen.low) & (line.x <= seen.high)]
            for line in self.lines
            for y in (line.y, line.low, line.high)
            if len(y)
        ]
        values = [v[np.isfinite(v) & ((v > 0) | (not self.log_y))] for v in values]
        values = [v for v in values if len(v)]
        low, high = (None, None) if zoomed else self.limits
        found = [float(v.min()) for v in values]
        # The highest single points are noise; leaving them out keeps the rest readable.
        found += [float(np.quantile(v, 0.995) if len(v) > 50 else v.max()) for v in values]
        if not zoomed:
            found += self.y_holds
            found += [v for v, _, _ in self.levels.values() if low is None or low <= v]
        scale = Scale.over(found, self.log_y)
        if self.log_y or (low is None and high is None):
            return scale
        bottom, top = scale.low if low is None else low, scale.high if high is None else high
        return Scale(bottom, top if top > bottom else bottom + 1.0)

    # What is drawn.

    def _draw(self) -> None:
        """Hand the curves to what draws them."""

    def _repaint(self) -> None:
        self.update()

    def _entries(self) -> list[tuple[QRectF, str, Line | None]]:
        """Return the words above the frame: the y-axis's title, then the legend, in rows."""
        if self.hint:
            return []
        metrics = QFontMetricsF(theme.font(11))
        found: list[tuple[QRectF, str, Line | None]] = []
        named = [line for line in self.lines if line.name and len(line.x)]
        named = named if len(named) > 1 else []
        more = [("zoomed in; double-click for all", None)] if self.window_x.zoomed else []
        titles: list[tuple[str, Line | None]] = [(self.y_title, None)] if self.y_title else []
        x, y, end = 2.0, 0.0, self.width() - 4.0
        for words, line in [*titles, *((line.name, line) for line in named), *more]:
            long = metrics.horizontalAdvance(words) + (SAMPLE + 5 if line else 0) + 2
            if found and x + long > end:
                x, y = 2.0, y + LINE
            found.append((QRectF(x, y, min(long, end - x), LINE), words, line))
            x += long + 14
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the axes and the words around, or the hint."""
        self._refresh()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.hint:
            theme.paint_hint(painter, self.rect().adjusted(12, 0, -12, 0), self.hint)
            return
        painter.setFont(theme.font(11))
        frame = self.frame()
        paint_y_axis(painter, frame, self.scale_y, self.tick)
        paint_x_axis(painter, frame, self.window_x.seen, self.x_title)
        for place, words, line in self._entries():
            painter.setPen(theme.current().colour("muted"))
            if line is not None:
                self._paint_sample(painter, line, QPointF(place.left(), place.center().y()))
                painter.setPen(theme.current().colour("text"))
                place = place.adjusted(SAMPLE + 5, 0, 0, 0)
            metrics = painter.fontMetrics()
            shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, math.ceil(place.width()))
            painter.drawText(place, _LEFT, shown)

    def _paint_sample(self, painter: QPainter, line: Line, left: QPointF) -> None:
        end = left + QPointF(SAMPLE, 0)
        if len(line.low):
            painter.fillRect(QRectF(left.x(), left.y() - 5, SAMPLE, 10), line.shade())
        painter.setPen(line.pen())
        painter.drawLine(left, end)
        if line.dot:
            line.paint_dot(painter, (left + end) / 2)

    def paint_over(self, painter: QPainter) -> None:
        """Paint what stands over the curves: reference lines, single points, the values."""
        if self.hint:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(11))
        frame = self.frame()
        for line in self.lines:
            if line.dot or len(line.x) < 200:
                self._paint_points(painter, line)
        self._paint_levels(painter, frame)
        if self.mark is not None and 0 <= self.window_x.seen.share(self.mark[0]) <= 1:
            self._paint_mark(painter, frame, *self.mark)
        if self.cursor_x is not None:
            self._paint_cursor(painter, frame, self.cursor_x)

    def _paint_points(self, painter: QPainter, line: Line) -> None:
        """Paint the dots of a curve, or those of its points that no line leads to."""
        there = np.isfinite(line.y)
        beside = np.pad(there, 1)
        alone = there & ~beside[:-2] & ~beside[2:]
        for index in np.flatnonzero(there if line.dot else alone):
            x, y = float(line.x[index]), float(line.y[index])
            if self.window_x.seen.low <= x <= self.window_x.seen.high:
                line.paint_dot(painter, self.place(x, y), line.dot or 2.6)

    def _paint_levels(self, painter: QPainter, frame: QRectF) -> None:
        now = theme.current()
        there: list[tuple[float, str]] = []
        for value, words, role in sorted(self.levels.values()):
            share = self.scale_y.share(value)
            if 0 <= share <= 1:
                y = frame.bottom() - frame.height() * share
                painter.setPen(QPen(now.colour(role), 1, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
                there.append((y, words))
        taken: list[QRectF] = []
        across = np.array([frame.left(), frame.right()])
        # A name lies on no other level, either.
        lines = [self._path(line, frame) for line in self.lines if len(line.x)]
        lines += [(across, np.full(2, y)) for y, _ in there]
        for y, words in there:
            if not words:
                continue
            wide = painter.fontMetrics().horizontalAdvance(words) + 6.0
            place = quietest(frame, y, QSize(math.ceil(wide), 14), lines, taken)
            if place is None:  # the chart's description names it
                continue
            taken.append(place)
            painter.fillRect(place, now.colour("surface", 200))
            painter.setPen(now.colour("muted"))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)

    def _path(self, line: Line, frame: QRectF) -> tuple[Array, Array]:
        """Return a curve in pixels, (n,) each."""
        x, y = self.seen(line)
        return frame.left() + frame.width() * x, frame.bottom() - frame.height() * y

    def _paint_mark(
        self, painter: QPainter, frame: QRectF, x: float, words: str, role: str
    ) -> None:
        now, at = theme.current(), self.place(x, self.scale_y.low).x()
        painter.setPen(QPen(now.colour(role), 1.6))
        painter.drawLine(QPointF(at, frame.top()), QPointF(at, frame.bottom()))
        if words:
            painter.setFont(theme.font(12, QFont.Weight.DemiBold))
            wide = painter.fontMetrics().horizontalAdvance(words) + 8
            left = at + 3 if at + 3 + wide < self.width() else at - 3 - wide
            place = QRectF(left, frame.top(), wide, 16)
            painter.fillRect(place, now.colour("surface", 220))
            painter.setPen(now.colour("text"))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)

    # Values under the mouse.

    def values_at(self, x: float) -> tuple[float, list[tuple[Line, float, float]]]:
        """Return the place nearest to x at which there is a point, and each curve's point there."""
        lines = [line for line in self.lines if line.name and len(line.x) and not line.quiet]
        found = [(line, line.nearest(x)) for line in lines]
        points = [(line, float(line.x[i]), float(line.y[i])) for line, i in found]
        at = min((px for _, px, _ in points), key=lambda px: abs(px - x), default=x)
        again = [(line, line.nearest(at)) for line in lines]
        return at, [(line, float(line.x[i]), float(line.y[i])) for line, i in again]

    def hover_text(self) -> str:
        """Return the values at the place that is pointed at, a curve a line; "" for none."""
        if self.cursor_x is None:
            return ""
        at, points = self.values_at(self.cursor_x)
        rows = [f"{line.name}: {self.write(y)}" for line, _, y in points]
        return "\n".join([f"{self.x_title} {number(at)}".strip(), *rows])

    def cursor_moved(self) -> None:
        """Show the values at the place that is pointed at, or none."""
        self.setAccessibleDescription(self.hover_text() or self.hint or self.in_words())
        self._repaint()

    def _paint_cursor(self, painter: QPainter, frame: QRectF, x: float) -> None:
        now, (at, points) = theme.current(), self.values_at(x)
        if not points:
            return
        across = self.place(at, self.scale_y.low).x()
        painter.setPen(QPen(now.colour("faint"), 1))
        painter.drawLine(QPointF(across, frame.top()), QPointF(across, frame.bottom()))
        for line, px, py in points:
            if math.isfinite(py) and 0 <= self.scale_y.share(py) <= 1:
                line.paint_dot(painter, self.place(px, py), 3.0)
        head, *rows = self.hover_text().split("\n")
        painter.setFont(theme.font(11))
        metrics = painter.fontMetrics()
        wide = max(map(metrics.horizontalAdvance, [head, *(f"mm {row}" for row in rows)]))
        box = QRectF(across + 10, frame.top() + 2, wide + 16, LINE * (len(rows) + 1) + 6)
        if box.right() > self.width():
            box.moveRight(max(box.width() + 1, across - 10))
        painter.setPen(QPen(now.colour("border"), 1))
        painter.setBrush(now.colour("surface", 240))
        painter.drawRoundedRect(box, 4, 4)
        row = QRectF(box.left() + 8, box.top() + 3, box.width() - 12, LINE)
        painter.setPen(now.colour("muted"))
        painter.drawText(row, _LEFT, head)
        for words, (line, _, _) in zip(rows, points, strict=True):
            row.translate(0, LINE)
            line.paint_dot(painter, QPointF(row.left() + 4, row.center().y()), 3.0)
            painter.setPen(now.colour("text"))
            painter.drawText(row.adjusted(13, 0, 0, 0), _LEFT, words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay all out for the new size."""
        super().resizeEvent(event)
        self._frame = None

    def changeEvent(self, event: QEvent) -> None:
        """Take over the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_stale"):
            self.changed()


class PaintedChart(Chart):
    """A light chart that paints its curves into itself."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint axes, curves, and what stands over them."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = self.frame()
        painter.save()
        painter.setClipRect(frame.adjusted(-1, -2, 3, 2))
        for line in () if self.hint else self.lines:
            if len(line.low):
                self._paint_band(painter, line, frame)
            painter.setPen(line.pen())
            x, y = self._path(line, frame)
            for part in np.split(np.arange(len(y)), np.flatnonzero(np.isnan(y))):
                good = part[np.isfinite(y[part])]
                points = map(QPointF, x[good].tolist(), y[good].tolist())
                painter.drawPolyline(QPolygonF(list(points)))
        painter.restore()
        self.paint_over(painter)

    def _paint_band(self, painter: QPainter, line: Line, frame: QRectF) -> None:
        """Fill what is between the two ends of a line's band."""
        x, low = self._path(replace(line, y=line.low), frame)
        _, high = self._path(replace(line, y=line.high), frame)
        around = [*zip(x, low, strict=True), *reversed(list(zip(x, high, strict=True)))]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(line.shade())
        painter.drawPolygon(QPolygonF([QPointF(*map(float, place)) for place in around]))
        painter.setBrush(Qt.BrushStyle.NoBrush)


@cache
def load_pyqtgraph() -> Any:
    """Return pyqtgraph, which takes 0.2 s to be imported."""
    import pyqtgraph as pg

    pg.setConfigOptions(antialias=True)
    return pg


class PlotChart(Chart):
    """A chart whose curves are drawn by pyqtgraph, in items that are updated in place.

    There is nothing of pyqtgraph in it before its first curve: most charts of a window that has
    just been opened are empty.
    """

    def __init__(self, *args: object, **settings: object) -> None:
        super().__init__(*args, **settings)  # type: ignore[arg-type]
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(120)
        self.canvas: Any = None
        """The widget that draws the curves; None before the first one."""
        self._items: list[Any] = []
        self._over = _Over(self)

    def _make_canvas(self) -> None:
        self.canvas = load_pyqtgraph().PlotWidget(self, background=None)
        self.canvas.stackUnder(self._over)
        self.canvas.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.canvas.setFrameShape(self.canvas.Shape.NoFrame)
        self.canvas.setStyleSheet("background: transparent")
        item = self.canvas.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.layout.setContentsMargins(0, 0, 0, 0)
        for side in ("left", "bottom"):
            item.hideAxis(side)
        item.setRange(xRange=(0, 1), yRange=(0, 1), padding=0, disableAutoRange=True)

    def _draw(self) -> None:
        if self.canvas is None:
            if self.hint or not any(len(line.x) for line in self.lines):
                return
            self._make_canvas()
        self.canvas.setVisible(not self.hint)
        while len(self._items) > len(self.lines):
            self.canvas.removeItem(self._items.pop())
        while len(self._items) < len(self.lines):
            curve = load_pyqtgraph().PlotDataItem(skipFiniteCheck=False, connect="finite")
            self._items.append(curve)
            self.canvas.addItem(self._items[-1])
        for item, line in zip(self._items, self.lines, strict=True):
            item.setPen(line.pen())
            item.setData(*self.seen(line))
            item.setVisible(len(line.x) > 1)  # of one point a path is none, and no SVG takes it
        self._lay_out()

    def drawn(self, name: str) -> tuple[Array, Array]:
        """Return the points that are drawn of a curve, as shares of the frame, (n,) each."""
        index = next(i for i, line in enumerate(self.lines) if line.name == name)
        x, y = self._items[index].getData()
        return x, y

    def _repaint(self) -> None:
        self.update()
        self._over.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the curves in their frame."""
        super().resizeEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        if self.canvas is not None:
            self.canvas.setGeometry(self.frame().toAlignedRect())
        self._over.setGeometry(self.rect())


class _Over(QWidget):
    """What a chart paints over the curves of pyqtgraph; the mouse goes through it."""

    def __init__(self, chart: PlotChart) -> None:
        super().__init__(chart)
        self._chart = chart
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint it."""
        self._chart.paint_over(QPainter(self))
