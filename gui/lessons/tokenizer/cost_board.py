"""Texts by tokenizers: a number and a bar for each, which can be pointed at."""

import math

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter

from core.lessons.tokenizer.costs import CostTable, TextCost
from core.numbers import fixed
from gui import theme
from gui.charts.cells import Cells

HEAD, ROW = 26, 38  # pixels of height
FIRST = 118  # pixels of the titles of the texts
THICK, GAP = 8.0, 12.0
MEASURES = {
    "compression": "bytes per token",
    "character": "tokens per character",
    "word": "tokens per word",
    "tokens": "tokens",
}
HELP = (
    "<p>A row for each text, a column for each tokenizer. The bars of a picture have one scale."
    " Hover over a cell for all of its numbers.</p>"
)
COMING = "The tokenizers are learned and counted…"
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class CostBoard(Cells):
    """A table of bars."""

    def __init__(self) -> None:
        super().__init__("costBoard", "What texts cost under several tokenizers", HELP)
        self.table: CostTable | None = None
        self.measure = "compression"

    def show_costs(self, table: CostTable, measure: str) -> None:
        """Show one of MEASURES of each text and tokenizer."""
        self.table, self.measure = table, measure
        self.fit()
        self.updateGeometry()
        self.update()

    def count(self) -> int:
        """How many cells there are."""
        return len(self.table.texts) * self.across() if self.table else 0

    def across(self) -> int:
        """How many tokenizers there are."""
        return len(self.table.tokenizers) if self.table else 1

    def rect_of(self, index: int) -> QRectF:
        """Where a cell is."""
        row, column = divmod(index, self.across())
        wide = (self.width() - FIRST) / self.across()
        return QRectF(FIRST + column * wide, HEAD + row * ROW, wide, ROW)

    def heightForWidth(self, width: int) -> int:
        """As many rows as there are texts."""
        return HEAD + ROW * (len(self.table.texts) if self.table else 2) + 2

    def value(self, index: int) -> float:
        """Return what a cell shows; NaN where there is nothing to count."""
        row, column = divmod(index, self.across())
        assert self.table is not None
        return _value(self.table.texts[row], column, self.measure)

    def describe(self, index: int) -> str:
        """Say all numbers of a text under one tokenizer."""
        assert self.table is not None
        row, column = divmod(index, self.across())
        text, name = self.table.texts[row], self.table.tokenizers[column]
        ratios = "; ".join(
            f"{_written(_value(text, column, key), key)} {words}"
            for key, words in MEASURES.items()
            if key != "tokens"
        )
        return (
            f"{text.title}, {name}\n{_many(text.tokens[column], 'token')} for"
            f" {_many(text.characters, 'character')}, {_many(text.size, 'byte')},"
            f" {_many(text.words, 'word')}\n{ratios}"
        )

    def paint(self, painter: QPainter) -> None:
        """Paint titles, numbers and bars."""
        now = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(12))
        if self.table is None:
            theme.paint_hint(painter, self.rect(), COMING)
            return
        values = [self.value(index) for index in range(self.count())]
        most = max((value for value in values if math.isfinite(value)), default=0.0) or 1.0
        right, strong = Qt.TextElideMode.ElideRight, theme.font(12, QFont.Weight.Medium)
        metrics = QFontMetricsF(strong)
        painter.setFont(strong)
        painter.setPen(now.colour("muted"))
        for column, title in enumerate(self.table.tokenizers):
            place = self.rect_of(column)
            head = QRectF(place.left(), 0, place.width() - GAP, HEAD)
            painter.drawText(head, LEFT, metrics.elidedText(title, right, head.width()))
        painter.setPen(now.colour("text"))
        for row, text in enumerate(self.table.texts):
            place = QRectF(0, HEAD + row * ROW, FIRST - 8, ROW)
            painter.drawText(place, LEFT, metrics.elidedText(text.title, right, place.width()))
        painter.setFont(theme.font(12))
        for index, value in enumerate(values):
            place = self.rect_of(index)
            painter.setPen(now.colour("text"))
            line = QRectF(place.left(), place.top() + 3, place.width() - GAP, 17)
            painter.drawText(line, LEFT, _written(value, self.measure))
            painter.setPen(Qt.PenStyle.NoPen)
            groove = QRectF(place.left(), place.top() + 21, place.width() - GAP, THICK)
            painter.setBrush(now.colour("sunken"))
            painter.drawRoundedRect(groove, 3, 3)
            if math.isfinite(value) and value > 0:
                groove.setWidth(max(3.0, groove.width() * value / most))
                painter.setBrush(now.colour("muted"))
                painter.drawRoundedRect(groove, 3, 3)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _value(text: TextCost, column: int, measure: str) -> float:
    values = {
        "compression": text.bytes_per_token,
        "character": text.tokens_per_character,
        "word": text.tokens_per_word,
    }
    return values[measure](column) if measure in values else float(text.tokens[column])


def _written(value: float, measure: str) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if measure == "tokens" else fixed(value, 2)
