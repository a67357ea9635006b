"""What a network might have said in a place: its ten likeliest tokens, to continue with another."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy

from core.numbers import adaptive_percent, fixed
from gui import theme
from gui.charts.bars import paint_groove
from gui.charts.cells import Cells
from gui.widgets.token_text import shown

FEWEST, MOST = 7, 10  # rows: where there is little room, and where there is enough
TITLE, ROW = 24, 20  # pixels of height
SIDE, MARK = 6, 12  # pixels beside a row, and of the mark before what was said
WORDS, PERCENT, NATS = 110, 54, 34  # pixels of the columns
THICK = 8.0
CONTINUE = "Continue from here with this token instead."
EMPTY = "Hover over a token above: what else might have been said there?"
HELP = (
    "<p>The tokens that the network held likeliest in this place, each with its probability and "
    "its surprise in nats, −ln of the probability. The marked one was said. Click another to"
    " continue with it.</p>"
)


class CandidateList(Cells):
    """At most ten tokens in rows, each with a bar as long as its probability."""

    candidateChosen = Signal(int)
    """A row was clicked, or Enter pressed on it; the token."""

    def __init__(self) -> None:
        super().__init__("candidateList", "What else might have been said", HELP)
        self._title = ""
        self._rows: Sequence[tuple[int, bytes, float]] = ()
        self._said: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMaximumHeight(TITLE + MOST * ROW)
        self.setAccessibleDescription(EMPTY)
        self.chosen.connect(lambda i: self.candidateChosen.emit(self._rows[i][0]))

    def show_candidates(
        self, title: str, rows: list[tuple[int, bytes, float]], chosen: int | None
    ) -> None:
        """Show what might have been said in a place.

        Args:
            title: which place it is, in a few words.
            rows: of each token its number, its bytes and its probability, the likeliest first; of
                more than ten the first ten are shown.
            chosen: the token that was said there, which is marked.
        """
        self._title, self._rows, self._said = title, rows[:MOST], chosen
        self.current = min(self.current, self.count() - 1)
        if self._hovered >= self.count():
            self._hover(-1)
        best = (self.words_of(i) for i in range(min(3, self.count())))
        self.setAccessibleDescription("; ".join(best) or EMPTY)
        self.update()

    def count(self) -> int:
        """How many candidates there are, and are in sight."""
        return min(len(self._rows), (self.height() - TITLE) // ROW)

    def across(self) -> int:
        """Each stands in a row of its own."""
        return 1

    def rect_of(self, index: int) -> QRectF:
        """Where a row is."""
        return QRectF(0, TITLE + index * ROW, self.width(), ROW)

    def bar_of(self, index: int) -> QRectF:
        """Where a row's bar would end if its token were certain."""
        row = self.rect_of(index)
        left = SIDE + MARK + WORDS + theme.GAP
        wide = max(0.0, row.width() - left - PERCENT - NATS - SIDE)
        return QRectF(left, row.center().y() - THICK / 2, wide, THICK)

    def describe(self, index: int) -> str:
        """Say what a click does."""
        return CONTINUE

    def words_of(self, index: int) -> str:
        """Say what a row shows, to those who hear it."""
        token, raw, probability = self._rows[index]
        chance = adaptive_percent(probability)
        said = ", which was said" if token == self._said else ""
        return f"{shown(raw)}: {chance}, {_surprisal(probability)} nats{said}"

    def sizeHint(self) -> QSize:
        """Ask for room for all, whether they are there or not, so that nothing around it moves."""
        return QSize(320, TITLE + MOST * ROW)

    def minimumSizeHint(self) -> QSize:
        """Be content with the likeliest on a small screen."""
        return QSize(120, TITLE + FEWEST * ROW)

    def fit(self) -> None:
        """Leave the height to what is around it."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the title and the rows, or the hint."""
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(now.colour("muted"))
        if not self._rows:
            painter.setFont(theme.font(12))
            theme.paint_hint(painter, self.rect().adjusted(8, 0, -8, 0), EMPTY)
            return
        self._head(painter)
        for index in range(self.count()):
            self._ground(painter, index)
            self._bar(painter, index)
            self._words(painter, index)

    def _head(self, painter: QPainter) -> None:
        painter.setFont(theme.font(11))
        line = QRectF(SIDE, 0, self.width() - 2 * SIDE, TITLE - 4)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, "nats")
        line.setWidth(line.width() - NATS)
        right = Qt.TextElideMode.ElideRight
        title = QFontMetricsF(painter.font()).elidedText(self._title, right, line.width())
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignLeft, title)

    def _ground(self, painter: QPainter, index: int) -> None:
        """Paint what shows that a row is pointed at."""
        now, ground = theme.current(), self.rect_of(index).adjusted(1, 0.5, -1, -0.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(Qt.PenStyle.NoPen)
        if index == self._hovered:
            painter.setBrush(now.colour("activation", 36))
        if self._by_key and self.hasFocus() and index == self.current:
            painter.setPen(QPen(now.colour("activation"), 1.5))
        painter.drawRoundedRect(ground, 5, 5)

    def _bar(self, painter: QPainter, index: int) -> None:
        bar = self.bar_of(index)
        token, _, probability = self._rows[index]
        paint_groove(painter, bar, probability, "activation", 255 if token == self._said else 120)

    def _words(self, painter: QPainter, index: int) -> None:
        now, row = theme.current(), self.rect_of(index)
        token, raw, probability = self._rows[index]
        said, middle = token == self._said, Qt.AlignmentFlag.AlignVCenter
        if said:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(now.colour("activation"))
            painter.drawEllipse(QPointF(SIDE + 4, row.center().y()), 2.5, 2.5)
        painter.setFont(theme.font(13, QFont.Weight.DemiBold if said else QFont.Weight.Normal))
        painter.setPen(now.colour("text"))
        right = Qt.TextElideMode.ElideRight
        text = QFontMetricsF(painter.font()).elidedText(shown(raw), right, WORDS)
        left = QRectF(SIDE + MARK, row.top(), WORDS + 1, ROW)
        painter.drawText(left, middle | Qt.TextFlag.TextSingleLine, text)
        numbers, chance = row.adjusted(0, 0, -SIDE, 0), adaptive_percent(probability)
        painter.setFont(theme.font(12))
        right_edge = middle | Qt.AlignmentFlag.AlignRight
        painter.drawText(numbers.adjusted(0, 0, -NATS, 0), right_edge, chance)
        painter.setPen(now.colour("muted"))
        painter.drawText(numbers, right_edge, _surprisal(probability))

    def _hover(self, index: int) -> None:
        hand = Qt.CursorShape.PointingHandCursor
        self.setCursor(hand if index >= 0 else Qt.CursorShape.ArrowCursor)
        super()._hover(index)

    def _go(self, right: int, down: int) -> None:
        super()._go(0, right + down)
        self.setAccessibleDescription(self.words_of(self.current))


def _surprisal(probability: float) -> str:
    """Return -log p in nats, with one decimal place."""
    return fixed(-math.log(probability) if probability > 0 else math.inf, 1)
