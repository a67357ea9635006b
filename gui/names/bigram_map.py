"""The bigram counts of makemore's first part as a heat map."""

from functools import lru_cache

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy

from core.playgrounds.names.reports import END
from gui import theme
from gui.charts import colormaps as ramps
from gui.charts.heatmap import SquareCells
from gui.names.bigram_views import MapView
from gui.names.letter_symbols import draw_signs, sign

EDGE = 18  # pixels for the letters along the left and the top
CAPTION = 18  # and for the words beside them, in a map of at least
LARGE = 400
MOST = 72  # pixels a cell may have
LEAST, LIKED = 240, 440
WORDED = 26  # pixels a cell must have to show its letters and its number
RULED = 16  # and for lines between the cells
HELP = (
    "<p>A row is a letter, a column the letter that comes after it; the square is the beginning of"
    " a name in a row, its end in a column. The stronger the colour, the more often. This table is"
    " all of the bigram model of the first lecture.</p>"
)


class BigramMap(SquareCells):
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

    def csv_rows(self) -> list[list[object]]:
        """Return the cells as rows: the first letters of the pairs, with what each cell says."""
        if self._view is None:
            return []
        letters, write = self._view.letters, self._view.write
        columns = range(len(letters))
        rows = ([letters[row], *(write(row, column) for column in columns)] for row in columns)
        return [["", *letters], *rows]

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
            painter.setFont(theme.font(13))
            theme.paint_hint(painter, self.rect().adjusted(24, 0, -24, 0), self._hint)
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
            painter.setFont(theme.font(11))
            painter.setPen(now.colour("faint"))
            self.paint_sides(painter, "second letter →", "← first letter", EDGE + CAPTION)

    def _hover(self, index: int) -> None:
        if index != self._hovered:
            super()._hover(index)
            self.pointed.emit(self.pointed_at())

    def _go(self, right: int, down: int) -> None:
        super()._go(right, down)
        self.pointed.emit(self.pointed_at())


def picture(view: MapView, side: float, ratio: float) -> QPixmap:
    """Return a map as a picture ``side`` pixels wide, of ``ratio`` device pixels each."""
    pixels = round(side * ratio)
    image = ramps.picture(view.levels, view.ramp, *view.span)
    made = QPixmap.fromImage(
        image.scaled(pixels, pixels, mode=Qt.TransformationMode.FastTransformation)
    )
    made.setDevicePixelRatio(ratio)
    size = len(view.letters)
    cell = side / size
    painter = QPainter(made)
    if cell >= RULED:
        ink = theme.current().colour("border", 110)
        for line in range(1, size):
            at = round(line * cell * ratio) / ratio
            painter.fillRect(QRectF(at, 0, 1 / ratio, side), ink)
            painter.fillRect(QRectF(0, at, side, 1 / ratio), ink)
    if cell >= WORDED:
        _words(painter, view, image, cell)
    painter.end()
    return made


def _words(painter: QPainter, view: MapView, image: QImage, cell: float) -> None:
    """Write the pair and its number into each cell, as in the lecture's picture."""
    now = theme.current()
    dark, light = sorted((now.colour("text"), now.colour("surface")), key=lambda c: c.lightness())
    font = theme.font(int(np.clip(cell * 0.34, 9, 15)))
    painter.setFont(font)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    metrics = QFontMetricsF(font)
    # Drawn at points, not in rectangles, for which Qt would lay out each text twice.
    widths = lru_cache(maxsize=None)(metrics.horizontalAdvance)
    high = min(cell / 2 - 1, metrics.height() * 0.95)
    base = (high + metrics.ascent() - metrics.descent()) / 2
    signs = [sign(letter) for letter in view.letters]
    for row, first in enumerate(view.letters):
        for column, second in enumerate(view.letters):
            number = view.write(row, column)
            ground = image.pixelColor(column, row)
            shade = 0.299 * ground.redF() + 0.587 * ground.greenF() + 0.114 * ground.blueF()
            ink = dark if shade > 0.55 else light
            ink.setAlphaF(0.72 if number else 0.35)
            painter.setPen(ink)
            x, y = (column + 0.5) * cell, (row + 0.5) * cell
            if END in (first, second):
                draw_signs(painter, QRectF(x - cell / 2, y - high, cell, high), first + second)
            else:
                pair = signs[row] + signs[column]
                painter.drawText(
                    QPointF(x - (widths(signs[row]) + widths(signs[column])) / 2, y - high + base),
                    pair,
                )
            if number:
                ink.setAlphaF(1.0)
                painter.setPen(ink)
                painter.drawText(QPointF(x - sum(map(widths, number)) / 2, y + base), number)
