"""All attention heads of a network as cells: a row is a layer, a column a head."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter

from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps as ramps
from gui.charts.cells import KEYS, Cells

LEFT, TOP = 40, 36  # pixels at the left and at the top for the numbers and what they count
WIDEST, HIGHEST, LOWEST = 64, 26, 11  # pixels of a cell
WRITTEN = (30, 15)  # pixels that a cell must have for its number
READABLE = 14  # pixels between two numbers of layers, or 18 of heads
HIGH = 320  # pixels of all rows that a network of many layers is given
EMPTY = "This model does not attend: it has no heads."
HELP = (
    "A row is a layer, a column one of its attention heads. Click one to choose it, here and in the"
    " attention map; double-click, or press Space, to mute it, and again to hear it. The arrow keys"
    " go from head to head."
)
_CENTRE = Qt.AlignmentFlag.AlignCenter


class HeadMap(Cells):
    """A number for each head as a colour, and in figures where there is room."""

    selected = Signal(int)
    """Another head was chosen; its cell."""
    muteToggled = Signal(int)
    """A head is to be muted, or heard again; its cell."""

    def __init__(self) -> None:
        super().__init__("headMap", "Attention heads: layers x heads", f"<p>{HELP}</p>")
        self._values: Array = np.empty((0, 0))
        self._ramp: ramps.Ramp = ramps.sequential
        self._span = (0.0, 1.0)
        self._words: Callable[[int], str] = str
        self.choice = -1
        """The cell of the chosen head; -1 for none."""
        self.chosen.connect(self._select)

    def show_heads(
        self,
        values: Array,
        ramp: ramps.Ramp,
        span: tuple[float, float],
        words: Callable[[int], str],
    ) -> None:
        """Show a number for each head.

        Args:
            values: (layers, heads); NaN for one that is not measured.
            ramp: its colours.
            span: the numbers at its ends.
            words: says what the cell of a number is.
        """
        resized = values.shape != self._values.shape
        self._values, self._ramp, self._span, self._words = values, ramp, span, words
        if resized:
            self.current, self._hovered, self.choice = -1, -1, -1
            self.mark_units(frozenset(), frozenset(), -1)
            self.fit()
        self.update()

    def mark(self, muted: frozenset[int], scaled: frozenset[int], choice: int) -> None:
        """Cross out the heads that are muted, frame those that are scaled, and the chosen one."""
        choice = choice if choice < self.count() else -1
        if choice >= 0 and choice != self.choice:
            self.current = choice
        self.choice = choice
        self.mark_units(muted, scaled, choice)

    @property
    def values(self) -> Array:
        """The numbers that are shown, (layers, heads)."""
        return self._values

    def csv_rows(self) -> list[list[object]]:
        """Return the numbers as rows, the first of which has the numbers of the heads."""
        head: list[object] = ["layer", *(f"head {n + 1}" for n in range(self.across()))]
        rows = [[number + 1, *row] for number, row in enumerate(self._values.tolist())]
        return [head, *rows] if rows else []

    def count(self) -> int:
        """How many heads there are."""
        return int(self._values.size)

    def across(self) -> int:
        """How many heads a layer has."""
        return int(self._values.shape[1])

    def rect_of(self, index: int) -> QRectF:
        """Where a cell is."""
        row, column = divmod(index, self.across())
        wide, high = self._cell()
        return QRectF(LEFT + column * wide, TOP + row * high, wide - 1, high - 1)

    def _cell(self) -> tuple[float, float]:
        wide = (self.width() - LEFT - 1) / max(1, self.across())
        return min(float(WIDEST), wide), float(self._high())

    def _high(self) -> int:
        return int(np.clip(HIGH // max(1, len(self._values)), LOWEST, HIGHEST))

    def describe(self, index: int) -> str:
        """What is known of a head."""
        return self._words(index)

    def heightForWidth(self, width: int) -> int:
        """As high as the rows."""
        return TOP + len(self._values) * self._high() + 2 if self.count() else 96

    def paint(self, painter: QPainter) -> None:
        """Paint the cells, their numbers and what stands around them."""
        painter.setFont(theme.font(11))
        if not self.count():
            theme.paint_hint(painter, self.rect(), EMPTY)
            return
        wide, high = self._cell()
        self._paint_sides(painter, wide, high)
        low, top = self._span
        colours, now = self._ramp(), theme.current()
        written = wide >= WRITTEN[0] and high >= WRITTEN[1]
        for index, value in enumerate(self._values.flat):
            rect = self.rect_of(index)
            if not np.isfinite(value):
                painter.fillRect(rect, now.colour("sunken"))
                continue
            level = int(np.clip((value - low) / (top - low or 1.0) * 255, 0, 255))
            painter.fillRect(rect, QColor.fromRgb(int(colours[level])))
            if written:
                painter.setPen(now.colour("surface" if _dark(level, low) else "text"))
                painter.drawText(rect, _CENTRE, _figures(value))

    def _paint_sides(self, painter: QPainter, wide: float, high: float) -> None:
        """Write the numbers of layers and heads, and what they are."""
        now, (rows, columns) = theme.current(), self._values.shape
        painter.setPen(now.colour("muted"))
        beside = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, 0, LEFT + 60, 18), beside, "layer")
        painter.drawText(QRectF(LEFT, 0, max(60.0, columns * wide), 18), _CENTRE, "head")
        for row in range(0, rows, max(1, int(np.ceil(READABLE / high)))):
            place = QRectF(0, TOP + row * high, LEFT - 8, high)
            painter.drawText(place, _CENTRE, str(row + 1))
        for column in range(0, columns, max(1, int(np.ceil((READABLE + 4) / wide)))):
            place = QRectF(LEFT + column * wide - 10, 18, wide + 20, 16)
            painter.drawText(place, _CENTRE, str(column + 1))

    def _select(self, index: int) -> None:
        if index != self.choice:
            self.selected.emit(index)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Mute the head under the mouse, or hear it again."""
        index = self.index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.muteToggled.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose with the arrow keys, mute with Space."""
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Space and 0 <= self.current < self.count():
            self._by_key = True
            self._select(self.current)
            self.muteToggled.emit(self.current)
            return
        super().keyPressEvent(event)
        if key in KEYS and self.count():
            self._select(self.current)


def _dark(level: int, low: float) -> bool:
    """Whether a colour of the ramp is too deep for the colour of the text on it."""
    return level > 190 if low >= 0 else abs(level - 128) > 95


def _figures(value: float) -> str:
    """Write a number in the little room of a cell: without the zero before its point."""
    words = f"{abs(value):.2f}" if abs(value) < 9.995 else f"{abs(value):.0f}"
    sign = "\u2212" if value < 0 and float(words) else ""
    return sign + words.removeprefix("0")
