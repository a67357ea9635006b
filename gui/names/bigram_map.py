"""The heat map of makemore's first part: bigram counts."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy

from gui import theme
from gui.charts.cells import Cells
from gui.names.bigram_picture import picture
from gui.names.bigram_views import MapView
from gui.widgets.letter_symbols import draw_signs

EDGE = 18  # pixels for the letters along the left and the top
CAPTION = 18  # and for the words beside them, in a map of at least
LARGE = 400
MOST = 72  # pixels a cell may have
LEAST, LIKED = 240, 440
HELP = (
    "<p>A row is a letter, a column the letter that comes after it; the square is the beginning of"
    " a name in a row, its end in a column. The darker, the more often. All that the bigram model"
    " of the first lecture knows is this table.</p>"
)


class BigramMap(Cells):
    """Square cells (n, n), a row for the first letter of a pair, a column for the second.

    It fits itself into whatever room it is given. The cells and their words are painted once, when
    they change; the mouse only moves a frame over that picture.
    """

    pointed = Signal(int)
    """Another cell is pointed at, by mouse or key; -1 for none."""

    def __init__(self) -> None:
        super().__init__("bigramMap", "Bigram counts", HELP)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._view: MapView | None = None
        self._hint = ""
        self._painted: QPixmap | None = None

    def show_view(self, view: MapView) -> None:
        """Show a map; the cell pointed at stays, unless the letters are others."""
        if self._view is None or view.letters != self._view.letters:
            self.current, self._hovered = -1, -1
        self._view, self._hint = view, ""
        self._changed()

    def show_hint(self, words: str) -> None:
        """Show a sentence in place of a map."""
        self._hint, self._view = words, None
        self.current, self._hovered = -1, -1
        self._changed()

    def _changed(self) -> None:
        self._painted = None
        self.setAccessibleDescription(self._hint or self._sentence())
        self.update()

    def _sentence(self) -> str:
        return self.describe(self.current) if 0 <= self.current < self.count() else ""

    def count(self) -> int:
        """How many cells there are."""
        return self.across() ** 2

    def across(self) -> int:
        """How many cells stand in a row."""
        return len(self._view.letters) if self._view else 0

    def describe(self, index: int) -> str:
        """What a cell says when it is pointed at."""
        return self._view.tell(*divmod(index, self.across())) if self._view else self._hint

    def pointed_at(self) -> int:
        """Return the cell that the mouse or, without it, the keys point at; -1 for none."""
        if self._hovered >= 0:
            return self._hovered
        return self.current if self._by_key and self.hasFocus() else -1

    def frame(self) -> QRectF:
        """Where the cells are, all together."""
        captions = CAPTION if min(self.width(), self.height()) >= LARGE else 0
        edge = EDGE + captions
        room = min(self.width(), self.height()) - edge - 2
        side = min(float(max(1, room)), MOST * max(1, self.across()))
        # As far from the left as from the right, with its letters.
        left = round((self.width() - edge - side) / 2 + edge)
        top = round((self.height() - edge - side) / 2 + edge)
        return QRectF(left, top, side, side)

    def cell(self) -> float:
        """The side of a cell in pixels."""
        return self.frame().width() / max(1, self.across())

    def rect_of(self, index: int) -> QRectF:
        """Where a cell is."""
        row, column = divmod(index, self.across())
        frame, cell = self.frame(), self.cell()
        return QRectF(frame.left() + column * cell, frame.top() + row * cell, cell, cell)

    def index_at(self, point: QPointF) -> int:
        """Return the cell at a point, or -1."""
        frame, cell, size = self.frame(), self.cell(), self.across()
        if not frame.contains(point) or not size:
            return -1
        row = min(size - 1, int((point.y() - frame.top()) / cell))
        column = min(size - 1, int((point.x() - frame.left()) / cell))
        return row * size + column

    def sizeHint(self) -> QSize:
        """Ask for cells that can be told apart."""
        return QSize(LIKED, LIKED)

    def fit(self) -> None:
        """Be nearly as high as wide; a layout with more room gives more."""
        self.setMinimumHeight(int(np.clip(0.7 * self.width(), LEAST, 560)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint it anew in its new size."""
        self._painted = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Colour it anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange:
            self._painted = None
        super().changeEvent(event)

    def paint(self, painter: QPainter) -> None:
        """Paint the letters around, and the picture of the cells."""
        now = theme.current()
        if self._view is None:
            painter.setPen(now.colour("muted"))
            painter.setFont(theme.font(13))
            middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(24, 0, -24, 0), middle, self._hint)
            return
        ratio = self.devicePixelRatioF()
        if self._painted is None or self._painted.devicePixelRatio() != ratio:
            self._painted = picture(self._view, self.frame().width(), ratio)
        frame = self.frame()
        painter.drawPixmap(frame.topLeft(), self._painted)
        painter.setPen(QPen(now.colour("border"), 1))
        painter.drawRect(frame.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._around(painter, frame, self._view.letters)

    def _around(self, painter: QPainter, frame: QRectF, letters: str) -> None:
        """Write the letters along the edges; those of the cell pointed at stand out."""
        now, cell, size = theme.current(), self.cell(), self.across()
        pixels = int(np.clip(cell * 0.8, 9, 14))
        every = int(np.ceil((pixels + 1) / cell))  # where not all have room, every so many
        at = self.pointed_at()
        marked = divmod(at, size) if at >= 0 else (-1, -1)
        for index, letter in enumerate(letters):
            middle = (index + 0.5) * cell
            beside = QRectF(frame.left() - EDGE, frame.top() + middle - 9, EDGE - 2, 18)
            above = QRectF(frame.left() + middle - 9, frame.top() - EDGE, 18, EDGE - 2)
            for where, near in ((beside, marked[0]), (above, marked[1])):
                here = index == near
                hidden = 0 <= near != index and abs(near - index) < every
                if not here and (index % every or (hidden and every > 1)):
                    continue
                painter.setPen(now.colour("text" if here else "muted"))
                weight = QFont.Weight.Bold if here else QFont.Weight.Normal
                painter.setFont(theme.font(max(pixels, 12) if here else pixels, weight))
                draw_signs(painter, where, letter)
        if min(self.width(), self.height()) >= LARGE:
            _captions(painter, frame)

    def _hover(self, index: int) -> None:
        if index != self._hovered:
            super()._hover(index)
            self.pointed.emit(self.pointed_at())

    def _go(self, right: int, down: int) -> None:
        super()._go(right, down)
        self.pointed.emit(self.pointed_at())


def _captions(painter: QPainter, frame: QRectF) -> None:
    """Say what rows and columns are."""
    painter.setFont(theme.font(11))
    painter.setPen(theme.current().colour("faint"))
    center, side = Qt.AlignmentFlag.AlignCenter, frame.width()
    above = QRectF(frame.left(), frame.top() - EDGE - CAPTION, side, CAPTION)
    painter.drawText(above, center, "the letter after it →")
    painter.save()
    painter.translate(frame.left() - EDGE - CAPTION, frame.center().y())
    painter.rotate(-90)
    painter.drawText(QRectF(-side / 2, 0, side, CAPTION), center, "← a letter")
    painter.restore()
