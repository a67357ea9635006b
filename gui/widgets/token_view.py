"""A text as a network is given it: its tokens as chips, each with its number beneath."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence, Set

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QScrollArea

from gui import theme
from gui.charts.cells import Cells
from gui.widgets.token_text import shortened, shown, spelled

CHIP, NUMBER = 23, 14  # pixels of a chip's height, and of the number's beneath it
PITCH = CHIP + NUMBER + 7  # from line to line
SIDE, BETWEEN = 6, 4  # pixels beside a chip's words, and from chip to chip
EDGE = 2  # room for the outline of the outermost chips
NARROWEST = 22
LONG = 200  # characters of a token in its tooltip
TINTS = ("activation", "gradient", "validation", "update", "warning")
"""In this order neighbours differ most: the two that are alike stand apart."""
EMPTY = "Type a text above, and see what the network is given."
EMPTY_HEIGHT = 64
HELP = (
    "<p>The network is not given letters but tokens: pieces of text that it has a number for. "
    "Hover over one to see its bytes. A dot is a space, ↵ the end of a line.</p>"
)


class TokenView(Cells):
    """Tokens as chips that flow over the lines; a token with a line's end ends the line.

    A subclass may say something else of them, and write something else beneath.

    Attributes:
        hint: what is said in their place where there are none.
    """

    tokenHovered = Signal(int)
    """The mouse came to a token, told by its place; -1 when it left them all."""

    def __init__(
        self,
        name: str = "tokenView",
        accessible: str = "Tokens of the text",
        help: str = HELP,
    ) -> None:
        super().__init__(name, accessible, help)
        self.hint = EMPTY
        self._pieces: Sequence[tuple[bytes, int]] = ()
        self._words: list[str] = []
        self._marked: Set[int] = frozenset()
        self._widths: list[float] = []
        self._counts: Counter[int] = Counter()
        self._places: list[QRectF] = []
        self._firsts: list[int] = []
        self.show_tokens([])

    def beneath(self, index: int) -> str:
        """Return what is written beneath a token: its number."""
        return str(self._pieces[index][1])

    def show_tokens(
        self, pieces: Sequence[tuple[bytes, int]], marked: Set[int] = frozenset()
    ) -> None:
        """Show a text's tokens.

        Args:
            pieces: of each token its bytes and its number.
            marked: which of them have an outline, by their places.
        """
        self._hover(-1)
        self.current = min(self.current, len(pieces) - 1)
        self._pieces, self._marked = list(pieces), marked
        self._counts = Counter(token for _, token in pieces)
        self._words = [shown(raw) for raw, _ in pieces]
        text, small = QFontMetricsF(theme.font(13)), QFontMetricsF(theme.font(10))
        self._widths = [
            max(
                NARROWEST,
                text.horizontalAdvance(words) + 2 * SIDE,
                small.horizontalAdvance(self.beneath(i)) + 2,
            )
            for i, words in enumerate(self._words)
        ]
        many = f"{len(pieces):,} token{'s' * (len(pieces) != 1)}"
        self.setAccessibleDescription(many if pieces else self.hint)
        self._arrange()
        self.fit()
        self.updateGeometry()
        self.update()

    def count(self) -> int:
        """How many tokens there are."""
        return len(self._pieces)

    def across(self) -> int:
        """Lines are of different lengths; up and down are found by where the chips are."""
        return 1

    def rect_of(self, index: int) -> QRectF:
        """Where a token is, its number included."""
        return self._places[index]

    def chip_of(self, index: int) -> QRectF:
        """Where a token's chip is."""
        place = self._places[index]
        return QRectF(place.left(), place.top(), place.width(), CHIP)

    def index_at(self, point: QPointF) -> int:
        """Return the token at a point, or -1."""
        line = int((point.y() - EDGE) // PITCH)
        if not 0 <= line < len(self._firsts):
            return -1
        hits = (i for i in self._line(line) if self._places[i].contains(point))
        return next(hits, -1)

    def describe(self, index: int) -> str:
        """Say a token's number, its bytes, and how often it is there."""
        raw, token = self._pieces[index]
        times = self._counts[token]
        often = "once" if times == 1 else f"{times:,} times"
        # The words stand behind a line's end, where Qt looks for no HTML in them.
        return (
            f"Token {token}\n“{shortened(self._words[index], LONG)}”, in bytes"
            f" {shortened(spelled(raw), LONG)}\n"
            f"It stands {often} in this text."
        )

    def heightForWidth(self, width: int) -> int:
        """As many lines as the tokens need."""
        if not self._pieces:
            return EMPTY_HEIGHT
        return len(self._breaks(width)) * PITCH - (PITCH - CHIP - NUMBER) + 2 * EDGE

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the chips flow anew."""
        if event.size().width() != event.oldSize().width():
            self._arrange()
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is exposed of the tokens, or the hint."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._pieces:
            self._chips(painter, self._exposed(event.rect()))
            return
        painter.setFont(theme.font(12))
        theme.paint_hint(painter, self.rect().adjusted(8, 0, -8, 0), self.hint)

    def _chips(self, painter: QPainter, indices: range) -> None:
        now, middle = theme.current(), Qt.AlignmentFlag.AlignCenter
        tints = [now.colour(role, 66 if now.name == "dark" else 40) for role in TINTS]
        text, muted, right = now.colour("text"), now.colour("muted"), Qt.TextElideMode.ElideRight
        large, small = theme.font(13), theme.font(10)
        metrics = QFontMetricsF(large)
        painter.setPen(Qt.PenStyle.NoPen)
        for i in indices:
            painter.setBrush(tints[i % len(tints)])
            painter.drawRoundedRect(self.chip_of(i), 5, 5)
        painter.setPen(text)
        painter.setFont(large)
        for i in indices:
            chip, words = self.chip_of(i), self._words[i]
            if self._widths[i] > chip.width():
                words = metrics.elidedText(words, right, chip.width() - 2 * SIDE)
            painter.drawText(chip, middle | Qt.TextFlag.TextSingleLine, words)
        painter.setPen(muted)
        painter.setFont(small)
        for i in indices:
            place = self._places[i]
            below = QRectF(place.left(), place.top() + CHIP, place.width(), NUMBER)
            painter.drawText(below, middle, self.beneath(i))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(now.colour("warning"), 2))
        for i in self._marked & set(indices) if self._marked else ():
            painter.drawRoundedRect(self.chip_of(i), 5, 5)
        if self._hovered in indices:
            painter.setPen(QPen(now.colour("text", 150), 1.5))
            painter.drawRoundedRect(self.chip_of(self._hovered), 5, 5)
        if self._by_key and self.hasFocus() and self.current in indices:
            painter.setPen(QPen(now.colour("activation"), 2))
            painter.drawRoundedRect(self.chip_of(self.current), 5, 5)

    def _exposed(self, area: QRect) -> range:
        """Return the tokens of the lines that an area touches."""
        last = len(self._firsts) - 1
        top = min(last, max(0, (area.top() - EDGE) // PITCH))
        bottom = min(last, max(0, (area.bottom() + EDGE) // PITCH))
        return range(self._line(top).start, self._line(bottom).stop)

    def _line(self, number: int) -> range:
        """Return the tokens of a line."""
        ends = [*self._firsts[number + 1 : number + 2], len(self._pieces)]
        return range(self._firsts[number], ends[0])

    def _breaks(self, width: float) -> list[int]:
        """Return the first token of each line at a width."""
        firsts: list[int] = []
        x, over = 0.0, True
        for i, wide in enumerate(self._widths):
            if over or x + wide > width - EDGE:
                firsts.append(i)
                x = float(EDGE)
            x += wide + BETWEEN
            over = b"\n" in self._pieces[i][0]
        return firsts

    def _arrange(self) -> None:
        """Give each token its place at the present width."""
        self._firsts, self._places = self._breaks(self.width()), []
        room = float(max(NARROWEST, self.width() - 2 * EDGE))
        for number in range(len(self._firsts)):
            x, y = float(EDGE), EDGE + number * PITCH
            for i in self._line(number):
                wide = min(self._widths[i], room)
                self._places.append(QRectF(x, y, wide, CHIP + NUMBER))
                x += wide + BETWEEN

    def _hover(self, index: int) -> None:
        if index == self._hovered:
            return
        for i in (self._hovered, index):  # the other thousands stay as they are
            if 0 <= i < self.count():
                self.update(self._places[i].toAlignedRect().adjusted(-2, -2, 2, 2))
        self._hovered = index
        self.tokenHovered.emit(index)

    def _go(self, right: int, down: int) -> None:
        self.current = max(0, self.current)
        line = bisect_right(self._firsts, self.current) - 1 + down
        if down and 0 <= line < len(self._firsts):
            x = self._places[self.current].center().x()
            near = min(self._line(line), key=lambda i: abs(self._places[i].center().x() - x))
            right = near - self.current
        there = self.current + right
        if 0 <= there < self.count():
            self._bring(there)
        super()._go(right, 0)

    def _bring(self, index: int) -> None:
        """Scroll a token into view, so that its words can stand below it."""
        above = self.parentWidget()
        while above and not isinstance(above, QScrollArea):
            above = above.parentWidget()
        if isinstance(above, QScrollArea) and (inside := above.widget()):
            centre = self.mapTo(inside, self._places[index].center().toPoint())
            above.ensureVisible(centre.x(), centre.y(), 0, PITCH)
