"""Columns of letters: a bar, its number over it where there is room, the letter under it."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen, QResizeEvent

from core.playgrounds.names.reports import END
from gui import theme
from gui.charts.cells import Cells
from gui.charts.label_placement import free_places

TOP, FOOT = 15, 19


@dataclass(frozen=True)
class Column:
    """What stands in one column.

    Attributes:
        letter: the symbol under the bar.
        height: of the bar, as a share of the room for bars.
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


class LetterColumns(Cells):
    """Bars over letters, in one row. A subclass says what stands in the columns."""

    widest = 400.0
    """Pixels that a column may have at most."""
    figures = 11
    """Pixels of the numbers' type."""
    cleared = False
    """Whether what lies across is taken away behind the numbers."""

    def __init__(self, name: str, accessible: str, help: str, height: int) -> None:
        super().__init__(name, accessible, help)
        self._height = height
        self._made: Sequence[Column] | None = None
        self._wide = 0.0

    def columns(self) -> Sequence[Column]:
        """Make the columns; asked when they are needed, after a change."""
        raise NotImplementedError

    def hint(self) -> str:
        """What to say where there are no columns."""
        return ""

    def changed(self) -> None:
        """Make the columns anew when they are next seen."""
        self._made, self._wide = None, 0.0
        self.update()

    def shown(self) -> Sequence[Column]:
        """Return the columns as they stand on the screen."""
        if self._made is None:
            self._made = self.columns()
        return self._made

    def count(self) -> int:
        """How many columns there are."""
        return len(self.shown())

    def across(self) -> int:
        """All stand in one row."""
        return max(1, self.count())

    def room(self) -> float:
        """Pixels for all columns together."""
        return float(self.width())

    def wide(self) -> float:
        """Pixels of one column."""
        if not self._wide:
            self._wide = min(self.widest, self.room() / self.across())
        return self._wide

    def rect_of(self, index: int) -> QRectF:
        """The column of a letter, from top to foot."""
        return QRectF(index * self.wide(), 1, self.wide(), self.height() - 2)

    def index_at(self, point: QPointF) -> int:
        """Return the column at a point, or -1."""
        index = int(point.x() // self.wide())
        return index if 0 <= index < self.count() else -1

    def heightForWidth(self, width: int) -> int:
        """The same at every width."""
        return self._height

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the new width, which may hold more or fewer columns."""
        super().resizeEvent(event)
        self.changed()

    def level(self, height: float) -> float:
        """Where a height, as a share of the room for bars, is on the screen."""
        foot = self.height() - FOOT
        return foot - min(1.0, max(0.0, height)) * (foot - TOP)

    def paint(self, painter: QPainter) -> None:
        """Paint bars, letters and numbers, or the hint."""
        now, columns = theme.current(), self.shown()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not columns:
            painter.setFont(theme.font(12))
            painter.setPen(now.colour("muted"))
            middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(8, 0, -8, 0), middle, self.hint())
            return
        foot = self.level(0)
        painter.setPen(QPen(now.colour("border"), 1))
        painter.drawLine(QPointF(0, foot + 0.5), QPointF(self.wide() * len(columns), foot + 0.5))
        bars = [self._bar(painter, i, column) for i, column in enumerate(columns)]
        self.paint_across(painter)
        self._letters(painter, columns)
        self._numbers(painter, columns, bars)

    def paint_across(self, painter: QPainter) -> None:
        """Paint what lies across the bars and under the numbers."""

    def _bar(self, painter: QPainter, index: int, column: Column) -> QRectF:
        """Paint a bar and its line for comparison; return what they cover."""
        now, cell = theme.current(), self.rect_of(index)
        wide = min(26.0, max(2.0, cell.width() * 0.68))
        foot, top = self.level(0), self.level(column.height)
        if column.height > 0:
            top = min(top, foot - 1)  # what is more than nothing can be seen
        bar = QRectF(cell.center().x() - wide / 2, top, wide, foot - top)
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
        bar.setTop(min(top, at - 1))
        return bar

    def _letters(self, painter: QPainter, columns: Sequence[Column]) -> None:
        now = theme.current()
        size = round(min(13.0, max(8.0, self.wide() * 0.95)))
        fonts = {True: theme.font(size, QFont.Weight.DemiBold), False: theme.font(size)}
        for index, column in enumerate(columns):
            cell = self.rect_of(index)
            under = QRectF(cell.left() - 4, self.height() - FOOT + 2, cell.width() + 8, 16)
            painter.setFont(fonts[column.strong])
            painter.setPen(now.colour(column.ink))
            if column.letter == END:
                end_mark(painter, under.center())
            else:
                letter = "␣" if column.letter == " " else column.letter
                painter.drawText(under, Qt.AlignmentFlag.AlignCenter, letter)

    def _numbers(
        self, painter: QPainter, columns: Sequence[Column], bars: Sequence[QRectF]
    ) -> None:
        """Paint the numbers that have room."""
        now = theme.current()
        plain, bold = theme.font(self.figures), theme.font(self.figures, QFont.Weight.DemiBold)
        measures = {False: QFontMetricsF(plain), True: QFontMetricsF(bold)}
        widths = [
            measures[c.strong].horizontalAdvance(c.number) + 2 if c.number else 0 for c in columns
        ]
        for index, place in free_places(bars, widths, TOP - 1, self.width()).items():
            column = columns[index]
            if self.cleared:
                painter.fillRect(place.adjusted(1, 1, -1, 0), now.colour("surface"))
            painter.setFont(bold if column.strong else plain)
            painter.setPen(now.colour("text" if column.strong else "muted"))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, column.number)


def end_mark(painter: QPainter, centre: QPointF) -> None:
    """Draw the end of a name in the painter's colour: a small hollow square, as on a stop key."""
    painter.save()
    painter.setPen(QPen(painter.pen().color(), 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(centre.x() - 3, centre.y() - 2.5, 6, 6), 1, 1)
    painter.restore()
