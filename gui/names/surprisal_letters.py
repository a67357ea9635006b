"""A name's letters, each under a bar as long as the network's surprise at it."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from core.numbers import fixed, percent
from core.playgrounds.names.reports import END, Surprisal
from gui import theme
from gui.charts.bars import Bar, Columns
from gui.names.letter_symbols import called, draw_signs

NARROWEST = 9  # pixels a letter needs; what doesn't fit is summed up in one column
HELP = (
    "<p>A letter's surprise is −ln of the probability that the network gave it: 0 nats where it "
    "was certain, 0.7 for one in two, 2.3 for one in ten. The mean over many names is the loss "
    "that a training lowers.</p>"
)


class SurprisalLetters(Columns):
    """Letters and the end mark, with a bar and a number over each.

    What surprises more than a uniform guess would is amber and bold, and crosses the dashed line.
    """

    widest = 34.0
    figures = 10
    cleared = True

    def __init__(self) -> None:
        super().__init__("surpriseLetters", "Surprise of each letter", HELP, 62)
        self._surprise: Surprisal | None = None
        self._hint = ""
        self._uniform: float | None = None
        self._top = 1.0
        self._spans: Sequence[tuple[int, int]] = ()

    def show_surprise(self, surprise: Surprisal | None, hint: str = "") -> None:
        """Show a name's letters, or a hint in their place."""
        self._surprise, self._hint = surprise, hint
        self.setAccessibleDescription(hint)
        self.changed()

    def set_uniform(self, nats: float | None) -> None:
        """Show what a uniform guess costs at each letter, as a line across."""
        self._uniform = nats
        self.changed()

    def hint(self) -> str:
        """What is said in place of the letters."""
        return self._hint

    def room(self) -> float:
        """Leave room for the words of the line at the right, if the letters stay at ease."""
        full = float(self.width())
        if self._surprise is None or self._uniform is None:
            return full
        rest = full - self._words_width() - theme.GAP
        return rest if rest / self.across() >= 20 else full

    def paint_letter(self, painter: QPainter, where: QRectF, letter: str) -> None:
        """Paint the letter, or the mark of the end."""
        draw_signs(painter, where, letter)

    def columns(self) -> Sequence[Bar]:
        """Make a column for each letter; of a very long name the middle is one column."""
        if self._surprise is None:
            self._spans = ()
            return ()
        self._spans = spans(len(self._surprise.letters), max(3, self.width() // NARROWEST))
        single = [self._sum(span) for span in self._spans if span[1] - span[0] == 1]
        most = max((nats for nats in single if math.isfinite(nats)), default=0.0)
        self._top = max(most, 1.15 * (self._uniform or 0.0), 0.1)
        return [self._column(span) for span in self._spans]

    def describe(self, index: int) -> str:
        """Say a letter's surprise, the probability behind it, and what a uniform guess costs."""
        if self._surprise is None:
            return self._hint
        self.shown()
        (first, last), letters = self._spans[index], self._surprise.letters
        nats = self._sum((first, last))
        if last - first > 1:
            return f"{letters[first:last]}: {fixed(nats, 1)} nats together"
        before = f" after “{letters[:first]}”" if first else " as the first letter"
        words = f"{called(letters[first])}: {fixed(nats, 1)} nats, "
        words += f"a probability of {percent(math.exp(-nats), 1)}{before}"
        return words + (f"; a uniform guess: {self._uniform:.2f} nats" if self._uniform else "")

    def paint_across(self, painter: QPainter) -> None:
        """Paint the uniform guess as a dashed line, with its words where there is room."""
        if self._uniform is None:
            return
        now, at = theme.current(), round(self.level(self._uniform / self._top)) + 0.5
        end = self.wide() * self.count()
        beside = self.width() - end >= self._words_width() + theme.GAP
        pen = QPen(now.colour("muted"), 1)
        pen.setDashPattern([3, 3])
        painter.setPen(pen)
        painter.drawLine(QPointF(0, at), QPointF(end, at))
        if beside:
            painter.setFont(theme.font(self.figures))
            where = QRectF(end + theme.GAP, at - 8, self.width() - end - theme.GAP, 16)
            middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(where, middle, self._words())

    def _column(self, span: tuple[int, int]) -> Bar:
        if span[1] - span[0] > 1:
            return Bar("…", 0.0)
        assert self._surprise is not None
        nats, letter = self._sum(span), self._surprise.letters[span[0]]
        more = self._uniform is not None and not nats <= self._uniform
        return Bar(
            letter=letter,
            height=nats / self._top if math.isfinite(nats) else 1.0,
            number=fixed(nats, 1),
            role="warning" if more else "activation",
            ink="muted" if letter == END and not more else "text",
            strong=more,
        )

    def _sum(self, span: tuple[int, int]) -> float:
        assert self._surprise is not None
        return float(self._surprise.nats[span[0] : span[1]].sum())

    def _words(self) -> str:
        return f"a uniform guess {self._uniform:.2f}"

    def _words_width(self) -> float:
        return QFontMetricsF(theme.font(self.figures)).horizontalAdvance(self._words())


def spans(letters: int, columns: int) -> list[tuple[int, int]]:
    """Return which letters stand in which column: one each, the middle of too many in one."""
    if letters <= columns:
        return [(i, i + 1) for i in range(letters)]
    begin = columns - 4 if columns > 6 else 1
    tail = columns - begin - 1
    return [
        *((i, i + 1) for i in range(begin)),
        (begin, letters - tail),
        *((i, i + 1) for i in range(letters - tail, letters)),
    ]
