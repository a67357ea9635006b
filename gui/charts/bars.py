"""Bars: columns over names, and lying bars in a groove; painted, and pointed at like cells."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen, QResizeEvent

from core.doctor.diagnosis import Picture
from core.numbers import number
from core.telemetry.events import Array
from gui import theme
from gui.charts.axes import Scale, TickWriter, paint_y_axis
from gui.charts.cells import Cells
from gui.charts.label_placement import free_places

LYING = 8  # bars of evidence at most that lie; more of them stand
ROW, FOOT, HEAD = 24, 20, 18
MIDDLE = Qt.AlignmentFlag.AlignVCenter
CENTRE = Qt.AlignmentFlag.AlignCenter


@dataclass(frozen=True)
class BarColumn:
    """What stands in one column.

    Attributes:
        letter: the symbol under the bar.
        height: of the bar, in the units of the scale.
        number: over the bar, where no other bar or number stands.
        role: the bar's colour.
        ink: the letter's colour.
        strong: whether letter and number are bold.
        tick: the height of a line across, for comparison.
    """

    letter: str
    height: float
    number: str = ""
    role: str = "activation"
    ink: str = "muted"
    strong: bool = False
    tick: float | None = None


class Columns(Cells):
    """Bars over letters or numbers, in one row. A subclass says what stands in the columns."""

    widest = 400.0
    """Pixels that a column may have at most."""
    figures = 11
    """Pixels of the numbers' type."""
    cleared = False
    """Whether what lies across is taken away behind the numbers."""
    top, foot, left = 15, 19, 0
    """Pixels above, below and beside the bars."""

    def __init__(self, name: str, accessible: str, help: str, height: int) -> None:
        super().__init__(name, accessible, help)
        self._height = height
        self._made: Sequence[BarColumn] | None = None
        self._wide = 0.0
        self.scale = Scale(0.0, 1.0)

    def columns(self) -> Sequence[BarColumn]:
        """Make the columns; asked when they are needed, after a change."""
        raise NotImplementedError

    def hint(self) -> str:
        """What to say where there are no columns."""
        return ""

    def changed(self) -> None:
        """Make the columns anew when they are next seen."""
        self._made, self._wide = None, 0.0
        self.update()

    def shown(self) -> Sequence[BarColumn]:
        """Return the columns as they stand on the screen."""
        if self._made is None:
            self._made = self.columns()
        return self._made

    def csv_rows(self) -> list[list[object]]:
        """Return the bars as rows: what stands under each, and its height."""
        bars: list[list[object]] = [
            [bar.letter or place, bar.height] for place, bar in enumerate(self.shown())
        ]
        return [["", self.accessibleName()], *bars] if bars else []

    def count(self) -> int:
        """How many columns there are."""
        return len(self.shown())

    def across(self) -> int:
        """All stand in one row."""
        return max(1, self.count())

    def room(self) -> float:
        """Pixels for all columns together."""
        return float(self.width() - self.left)

    def wide(self) -> float:
        """Pixels of one column."""
        if not self._wide:
            self._wide = min(self.widest, self.room() / self.across())
        return self._wide

    def rect_of(self, index: int) -> QRectF:
        """The column of a bar, from top to foot."""
        return QRectF(self.left + index * self.wide(), 1, self.wide(), self.height() - 2)

    def index_at(self, point: QPointF) -> int:
        """Return the column at a point, or -1."""
        index = int((point.x() - self.left) // self.wide())
        return index if 0 <= index < self.count() else -1

    def heightForWidth(self, width: int) -> int:
        """The same at every width."""
        return self._height

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the new width, which may hold more or fewer columns."""
        super().resizeEvent(event)
        self.changed()

    def frame(self) -> QRectF:
        """Where the bars are."""
        high = self.height() - self.top - self.foot
        return QRectF(self.left, self.top, self.wide() * self.count(), max(1, high))

    def level(self, height: float) -> float:
        """Where a height, in the units of the scale, is on the screen."""
        share = self.scale.share(height)
        share = min(1.0, max(0.0, share)) if math.isfinite(share) else 0.0
        return self.height() - self.foot - share * (self.height() - self.foot - self.top)

    def paint(self, painter: QPainter) -> None:
        """Paint bars, letters and numbers, or the hint."""
        now, columns = theme.current(), self.shown()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not columns:
            painter.setFont(theme.font(12))
            painter.setPen(now.colour("muted"))
            middle = CENTRE | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(8, 0, -8, 0), middle, self.hint())
            return
        base = self.level(0)
        painter.setPen(QPen(now.colour("border"), 1))
        end = self.frame().right()
        painter.drawLine(QPointF(self.left, base + 0.5), QPointF(end, base + 0.5))
        bars = [self._bar(painter, i, column) for i, column in enumerate(columns)]
        self.paint_across(painter)
        self._letters(painter, columns)
        self._numbers(painter, columns, bars)

    def paint_across(self, painter: QPainter) -> None:
        """Paint what lies across the bars and under the numbers."""

    def _bar(self, painter: QPainter, index: int, column: BarColumn) -> QRectF:
        """Paint a bar and its line for comparison; return what they cover."""
        now, cell = theme.current(), self.rect_of(index)
        wide = min(26.0, max(2.0, cell.width() * 0.68))
        base, end = self.level(0), self.level(column.height)
        if column.height > 0:
            end = min(end, base - 1)  # what is more than nothing can be seen
        bar = QRectF(cell.center().x() - wide / 2, min(base, end), wide, abs(base - end))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.colour(column.role, 255 if column.strong else 165))
        painter.drawRoundedRect(bar, min(2.0, bar.height() / 2), min(2.0, bar.height() / 2))
        if column.tick is None:
            return bar
        at = self.level(column.tick)
        line = QPointF(bar.left() - 1, at), QPointF(bar.right() + 1, at)
        for role, thick in (("surface", 4), ("text", 2)):
            painter.setPen(QPen(now.colour(role), thick, c=Qt.PenCapStyle.FlatCap))
            painter.drawLine(*line)
        bar.setTop(min(bar.top(), at - 1))
        return bar

    def _letters(self, painter: QPainter, columns: Sequence[BarColumn]) -> None:
        now = theme.current()
        size = round(min(13.0, max(8.0, self.wide() * 0.95)))
        fonts = {True: theme.font(size, QFont.Weight.DemiBold), False: theme.font(size)}
        for index, column in enumerate(columns):
            cell = self.rect_of(index)
            under = QRectF(cell.left() - 4, self.height() - 17, cell.width() + 8, 16)
            painter.setFont(fonts[column.strong])
            painter.setPen(now.colour(column.ink))
            self.paint_letter(painter, under, column.letter)

    def paint_letter(self, painter: QPainter, where: QRectF, letter: str) -> None:
        """Paint what stands under a bar."""
        painter.drawText(where, CENTRE, letter)

    def _numbers(
        self, painter: QPainter, columns: Sequence[BarColumn], bars: Sequence[QRectF]
    ) -> None:
        """Paint the numbers that have room: over what stands, under what hangs."""
        now = theme.current()
        plain, bold = theme.font(self.figures), theme.font(self.figures, QFont.Weight.DemiBold)
        measures = {False: QFontMetricsF(plain), True: QFontMetricsF(bold)}
        widths = [
            measures[c.strong].horizontalAdvance(c.number) + 2 if c.number else 0 for c in columns
        ]
        standing = [0.0 if c.height < 0 else wide for c, wide in zip(columns, widths, strict=True)]
        places = free_places(bars, standing, 14, self.width())
        for index, (column, bar) in enumerate(zip(columns, bars, strict=True)):
            if column.height < 0:
                left = bar.center().x() - widths[index] / 2
                places[index] = QRectF(left, bar.bottom() + 1, widths[index], 14)
        for index, place in places.items():
            column = columns[index]
            if self.cleared:
                painter.fillRect(place.adjusted(1, 1, -1, 0), now.colour("surface"))
            painter.setFont(bold if column.strong else plain)
            painter.setPen(now.colour("text" if column.strong else "muted"))
            painter.drawText(place, CENTRE, column.number)


class Bars(Columns):
    """A bar a unit or a digit, each with its number under it, over lines across."""

    top = 20

    def __init__(self, name: str, accessible: str, help: str, height: int = 176) -> None:
        super().__init__(name, accessible, help, height)
        self._values: Array = np.zeros(0)
        self._numbers_of: Sequence[str] = ()
        self._explain: Callable[[int], str] = str
        self._axis: TickWriter | None = None

    def show_bars(
        self,
        values: Array,
        span: tuple[float, float],
        explain: Callable[[int], str],
        axis: TickWriter | None = None,
        numbers: Sequence[str] = (),
    ) -> None:
        """Show values (n,).

        Args:
            values: one a bar; below zero a bar hangs, in the colour of negative numbers.
            span: the numbers at the bottom and at the top.
            explain: what a bar says when it is pointed at.
            axis: writes the numbers of the axis; without it there are none.
            numbers: words at the end of each bar.
        """
        self._values, self._explain, self._axis = values, explain, axis
        self._numbers_of = numbers
        self.left = 44 if axis else 0
        self.foot = 38 if numbers and span[0] < 0 else 22  # numbers under hanging bars
        self.scale = Scale(*span)
        self.fit()
        self.changed()

    def columns(self) -> Sequence[BarColumn]:
        """Make a bar a value."""
        wide = self.room() / max(1, len(self._values))
        return [
            BarColumn(
                str(i) if wide >= 13 else "",
                value,
                self._numbers_of[i] if self._numbers_of and wide >= 26 else "",
                "activation" if value >= 0 else "gradient",
            )
            for i, value in enumerate(self._values.tolist())
        ]

    def describe(self, index: int) -> str:
        """What a bar says when it is pointed at."""
        return self._explain(index)

    def paint(self, painter: QPainter) -> None:
        """Paint the lines across, then the bars."""
        if self._axis is not None:
            painter.setFont(theme.font(11))
            paint_y_axis(painter, self.frame(), self.scale, self._axis)
        super().paint(painter)


def paint_groove(
    painter: QPainter, groove: QRectF, share: float, role: str, alpha: int = 255
) -> None:
    """Paint a lying bar in its groove; a share that is above 0 can always be seen."""
    now, thick = theme.current(), groove.height()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(now.colour("sunken"))
    painter.drawRoundedRect(groove, thick / 2, thick / 2)
    if not share > 0:  # NaN has no bar either
        return
    bar = QRectF(groove)
    bar.setWidth(min(groove.width(), max(1.5, groove.width() * share)))
    painter.setBrush(now.colour(role, alpha))
    end = min(thick, bar.width()) / 2
    painter.drawRoundedRect(bar, end, end)


def paint_bars(painter: QPainter, area: QRectF, picture: Picture) -> None:
    """Paint a picture of evidence: its bars, their names, their values and its levels.

    Bars lie where their names are words, and stand where there are many.
    """
    values = list(picture.series[0].y) if picture.series else []
    values = values[: len(picture.names)] if picture.names else values
    if not values:
        return
    painter.setFont(theme.font(11))
    scale = Scale.over([*values, *(v for _, v in picture.levels)], picture.log, zero=True)
    paint = _paint_lying if len(values) <= LYING else _paint_standing
    paint(painter, area, picture, values, scale)


def _paint_lying(
    painter: QPainter, area: QRectF, picture: Picture, values: list[float], scale: Scale
) -> None:
    now, metrics = theme.current(), QFontMetricsF(painter.font())
    names = picture.names or tuple(str(i) for i in range(len(values)))
    left = min(0.42 * area.width(), max(metrics.horizontalAdvance(name) for name in names) + 10)
    room = max(metrics.horizontalAdvance(number(v)) for v in values) + 10
    head = HEAD if picture.levels else 4
    frame = area.adjusted(left, head, -room, -FOOT)
    high = min(ROW, frame.height() / len(values))
    frame.setHeight(high * len(values))
    base = frame.left() + frame.width() * _base(scale)
    numbers = []
    for index, (name, value) in enumerate(zip(names, values, strict=False)):
        row = QRectF(area.left(), frame.top() + index * high, area.width(), high)
        painter.setPen(now.colour("muted"))
        place = QRectF(row.left(), row.top(), left - 8, high)
        shortened = metrics.elidedText(name, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, MIDDLE | Qt.AlignmentFlag.AlignRight, shortened)
        share = scale.share(value)
        end = base if math.isnan(share) else frame.left() + frame.width() * share
        bar = QRectF(min(base, end), row.top() + 4, abs(end - base), high - 8)
        _paint_bar(painter, bar, value)
        beyond = QRectF(max(base, end) + 6, row.top(), room, high)
        numbers.append((beyond, number(value)))
    painter.setPen(QPen(now.colour("faint"), 1))
    painter.drawLine(QPointF(base, frame.top()), QPointF(base, frame.bottom()))
    taken = -math.inf
    for name, value in sorted(picture.levels, key=lambda level: level[1]):
        share = scale.share(value)
        if math.isnan(share):
            continue
        x = frame.left() + frame.width() * share
        painter.setPen(QPen(now.colour("text"), 1.2, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))
        words = f"{name} {number(value)}"
        long = metrics.horizontalAdvance(words)
        start = min(area.right() - long - 2, max(area.left(), x - long / 2))
        if start > taken:
            painter.setPen(now.colour("muted"))
            painter.drawText(QRectF(start, area.top(), long + 2, head - 2), 0, words)
            taken = start + long + 8
    for beyond, words in numbers:  # over the lines that would cross them
        ground = beyond.adjusted(-2, 5, 0, -5)
        ground.setWidth(metrics.horizontalAdvance(words) + 4)
        painter.fillRect(ground, now.colour("surface", 225))
        painter.setPen(now.colour("text"))
        painter.drawText(beyond, MIDDLE, words)
    foot = QRectF(frame.left(), frame.bottom() + 3, frame.width() + room, FOOT - 4)
    _paint_title(painter, foot, picture)


def _paint_standing(
    painter: QPainter, area: QRectF, picture: Picture, values: list[float], scale: Scale
) -> None:
    now, metrics = theme.current(), QFontMetricsF(painter.font())
    frame = area.adjusted(46, 8, -2, -FOOT - 14)
    paint_y_axis(painter, frame, scale, number)
    base = frame.bottom() - frame.height() * _base(scale)
    wide = frame.width() / len(values)
    fits = all(metrics.horizontalAdvance(name) < wide + 2 for name in picture.names)
    for index, value in enumerate(values):
        share = scale.share(value)
        end = base if math.isnan(share) else frame.bottom() - frame.height() * share
        thick = min(30.0, max(1.0, 0.68 * wide))
        middle = frame.left() + (index + 0.5) * wide
        bar = QRectF(middle - thick / 2, min(base, end), thick, abs(end - base))
        _paint_bar(painter, bar, value)
        if picture.names and fits:
            painter.setPen(now.colour("muted"))
            under = QRectF(middle - wide / 2, frame.bottom() + 3, wide, 15)
            painter.drawText(under, Qt.AlignmentFlag.AlignHCenter, picture.names[index])
    if picture.names and not fits:
        foot = QRectF(frame.left(), frame.bottom() + 3, frame.width(), 15)
        painter.setPen(now.colour("muted"))
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, picture.names[0])
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, picture.names[-1])
    for name, value in picture.levels:
        y = frame.bottom() - frame.height() * scale.share(value)
        painter.setPen(QPen(now.colour("text"), 1.2, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
        words = f"{name} {number(value)}"
        long = metrics.horizontalAdvance(words) + 6
        ground = QRectF(frame.right() - long, y - 15, long, 14)
        painter.fillRect(ground, now.colour("surface", 200))
        painter.setPen(now.colour("muted"))
        painter.drawText(ground, Qt.AlignmentFlag.AlignRight, words)
    _paint_title(painter, QRectF(frame.left(), frame.bottom() + 18, frame.width(), 15), picture)


def _base(scale: Scale) -> float:
    return 0.0 if scale.log else min(1.0, max(0.0, scale.share(0.0)))


def _paint_title(painter: QPainter, where: QRectF, picture: Picture) -> None:
    painter.setPen(theme.current().colour("faint"))
    painter.drawText(
        where, 0, ", ".join(filter(None, (picture.y_label, "log scale" * picture.log)))
    )


def _paint_bar(painter: QPainter, bar: QRectF, value: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    role = "fault" if not math.isfinite(value) else "activation" if value >= 0 else "gradient"
    painter.setBrush(theme.current().colour(role, 205))
    painter.drawRoundedRect(bar, 2, 2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
