"""Many small pictures in a grid, painted by one widget."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps as ramps
from gui.charts.cells import Cells

GAP = 4
WIDE = 12  # the gap between pictures that have words under them
CAPTION = 18
FEW = 16  # pictures up to which there is room for larger ones
COARSE = 12  # pictures with fewer pixels a side keep their squares; finer ones are smoothed


class PictureGrid(Cells):
    """A grid of small images, each with a line of words under it if there are captions.

    The pictures grow and shrink a little around ``cell`` pixels so that they fill the width, and
    full rows are preferred.
    """

    def __init__(self, name: str, accessible: str, help: str, cell: int = 38) -> None:
        super().__init__(name, accessible, help)
        self._cell = cell
        self._pictures: Array = np.zeros((0, 1, 1))
        self._ramp: ramps.Ramp = ramps.grey
        self._range: tuple[float, float] | None = (0.0, 1.0)
        self._captions: list[tuple[str, str]] = []
        self._tell: Callable[[int], str] = str
        self._images: list[QImage] = []

    def show_pictures(
        self,
        pictures: Array,
        ramp: ramps.Ramp,
        span: tuple[float, float] | None,
        tell: Callable[[int], str],
        captions: list[tuple[str, str]] | None = None,
    ) -> None:
        """Show pictures (n, rows, columns).

        Args:
            pictures: numbers.
            ramp: their colours.
            span: the numbers at the ramp's ends; None gives each picture its own.
            tell: what a picture says when it is pointed at.
            captions: words under each picture, left and right.
        """
        resized = len(pictures) != len(self._pictures) or bool(captions) != bool(self._captions)
        self._pictures, self._ramp, self._range, self._tell = pictures, ramp, span, tell
        self._captions = captions or []
        self._images.clear()
        if resized:
            self.current = min(self.current, len(pictures) - 1)
            self._hovered = -1
            self.fit()
        self.update()

    def picture_at(self, index: int) -> Array:
        """Return the numbers of a picture."""
        chosen: Array = self._pictures[index]
        return chosen

    def count(self) -> int:
        """How many pictures there are."""
        return len(self._pictures)

    def across(self) -> int:
        """How many pictures stand in a row."""
        return self._layout(self.width())[0]

    def rect_of(self, index: int) -> QRectF:
        """Where a picture is, without its caption."""
        across, side = self._layout(self.width())
        row, column = divmod(index, across)
        gap, below = self._gaps()
        return QRectF(column * (side + gap) + 1, row * (side + gap + below) + 1, side, side)

    def index_at(self, point: QPointF) -> int:
        """Return the picture at a point; a caption belongs to its picture."""
        across, side = self._layout(self.width())
        gap, below = self._gaps()
        column, row = int(point.x() // (side + gap)), int(point.y() // (side + gap + below))
        index = row * across + column
        return index if 0 <= column < across and 0 <= index < self.count() else -1

    def describe(self, index: int) -> str:
        """What a picture says when it is pointed at."""
        return self._tell(index)

    def heightForWidth(self, width: int) -> int:
        """As many rows as the width leaves."""
        across, side = self._layout(width)
        rows = -(-self.count() // across)
        gap, below = self._gaps()
        return round(rows * (side + gap + below)) + 2

    def _layout(self, width: int) -> tuple[int, float]:
        """Return how many pictures stand in a row, and their side in pixels."""
        width -= 2
        gap, _ = self._gaps()
        cell = self._cell * (1.5 if self.count() <= FEW else 1)
        most = max(1, int((width + gap) // (cell + gap)))
        across = most
        if not self._captions:
            full = [
                n for n in range(int(most * 0.6) + 1, int(most * 1.25) + 1) if self.count() % n == 0
            ]
            across = min(full, key=lambda n: abs(n - most), default=most)
        side = (width - gap * (across - 1)) / across
        return across, max(4.0, min(side, 1.7 * cell))

    def _gaps(self) -> tuple[int, int]:
        """Return the pixels between pictures, and those under each for its words."""
        return (WIDE, CAPTION) if self._captions else (GAP, 0)

    def changeEvent(self, event: QEvent) -> None:
        """Colour the pictures anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange:
            self._images.clear()
        super().changeEvent(event)

    def paint(self, painter: QPainter) -> None:
        """Paint the pictures, their frames, and the words under them."""
        now = theme.current()
        if not self._images:
            self._images = [self._image(picture) for picture in self._pictures]
        fine = bool(self._images) and self._images[0].width() >= COARSE
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, fine)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, image in enumerate(self._images):
            rect = self.rect_of(index)
            painter.drawImage(rect, image)
            painter.setPen(QPen(now.colour("border"), 1))
            painter.drawRect(rect)
            if self._captions:
                under = QRectF(rect.left(), rect.bottom() + 3, rect.width(), CAPTION)
                left, right = self._captions[index]
                self._write(painter, under, left, Qt.AlignmentFlag.AlignLeft, "text")
                self._write(painter, under, right, Qt.AlignmentFlag.AlignRight, "muted")

    def _write(
        self, painter: QPainter, rect: QRectF, words: str, side: Qt.AlignmentFlag, role: str
    ) -> None:
        painter.setFont(theme.font(12))
        painter.setPen(theme.current().colour(role))
        painter.drawText(rect, side | Qt.AlignmentFlag.AlignVCenter, words)

    def _image(self, picture: Array) -> QImage:
        low, high = self._range or (float(picture.min()), float(picture.max()))
        return ramps.picture(picture, self._ramp, low, high)
