"""A matrix as one picture, and the scale that its colours are read by."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from core.numbers import number
from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps as ramps
from gui.charts.cells import Cells

RULED = 6  # pixels a column must have for lines between them
WORDS = "blue adds, orange subtracts"


class MatrixView(Cells):
    """Numbers (rows, columns) as coloured cells that fill the width."""

    def __init__(
        self, name: str, accessible: str, help: str, height: int = 0, ruled: bool = False
    ) -> None:
        """Make it empty.

        Args:
            name: of the widget, as an object.
            accessible: its name for those who hear it.
            help: what it is for.
            height: in pixels, at least; without, it is as high as its rows want.
            ruled: lines stand between the columns, where there is room.
        """
        super().__init__(name, accessible, help)
        self._height, self._ruled = height, ruled
        self._values: Array = np.zeros((0, 1))
        self._ramp: ramps.Ramp = ramps.diverging
        self._range = (-1.0, 1.0)
        self._tell: Callable[[int, int], str] = lambda row, column: f"{row}, {column}"
        self._image: QImage | None = None

    def show_matrix(
        self,
        values: Array,
        ramp: ramps.Ramp,
        span: tuple[float, float],
        tell: Callable[[int, int], str],
    ) -> None:
        """Show a matrix; ``tell`` says what the cell (row, column) is."""
        resized = values.shape != self._values.shape
        self._values, self._ramp, self._range, self._tell = values, ramp, span, tell
        self._image = None
        if resized:
            self.current, self._hovered = -1, -1
            self.fit()
        self.update()

    def count(self) -> int:
        """How many cells there are."""
        return int(self._values.size)

    def across(self) -> int:
        """How many columns the matrix has."""
        return int(self._values.shape[1])

    def rect_of(self, index: int) -> QRectF:
        """Where a cell is."""
        row, column = divmod(index, self.across())
        frame = self._frame()
        wide, high = frame.width() / self.across(), frame.height() / len(self._values)
        return QRectF(frame.left() + column * wide, frame.top() + row * high, wide, high)

    def index_at(self, point: QPointF) -> int:
        """Return the cell at a point, or -1."""
        frame = self._frame()
        if not frame.contains(point) or not self.count():
            return -1
        rows, columns = self._values.shape
        row = int((point.y() - frame.top()) / frame.height() * rows)
        column = int((point.x() - frame.left()) / frame.width() * columns)
        return int(min(row, rows - 1) * columns + min(column, columns - 1))

    def describe(self, index: int) -> str:
        """What a cell says when it is pointed at."""
        return self._tell(*divmod(index, self.across()))

    def heightForWidth(self, width: int) -> int:
        """High enough for the rows to be told apart, within reason."""
        return self._height or int(np.clip(len(self._values) * 16, 96, 300))

    def changeEvent(self, event: QEvent) -> None:
        """Colour the picture anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange:
            self._image = None
        super().changeEvent(event)

    def paint(self, painter: QPainter) -> None:
        """Paint the picture; cells of less than a few pixels are averaged, not dropped."""
        if not self.count():
            return
        if self._image is None:
            self._image = ramps.picture(self._values, self._ramp, *self._range)
        frame, image = self._frame(), self._image
        pixels = (frame.size() * self.devicePixelRatioF()).toSize()
        image = _stretched(image, pixels.width(), image.height())
        image = _stretched(image, image.width(), pixels.height())
        painter.drawImage(frame, image)
        painter.setPen(QPen(theme.current().colour("border"), 1))
        painter.drawRect(frame)
        wide = frame.width() / self.across()
        if self._ruled and wide >= RULED:
            for column in range(1, self.across()):
                x = round(frame.left() + column * wide) + 0.5
                painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))

    def _frame(self) -> QRectF:
        return QRectF(0.5, 0.5, self.width() - 1, self.height() - 1)


def _stretched(image: QImage, width: int, height: int) -> QImage:
    """Return the image larger with sharp edges, or smaller by averaging."""
    smaller = width < image.width() or height < image.height()
    kind = Qt.TransformationMode
    how = kind.SmoothTransformation if smaller else kind.FastTransformation
    return image.scaled(width, height, Qt.AspectRatioMode.IgnoreAspectRatio, how)


class ScaleBar(QWidget):
    """The diverging ramp with the numbers at its ends."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(16)
        self.setToolTip("Orange is negative, blue is positive; the paler, the nearer to zero.")
        self._limit = 0.0

    def show_limit(self, limit: float) -> None:
        """Say what number the full colours stand for."""
        self._limit = limit
        self.setAccessibleName(f"Colours run from {number(-limit)} to {number(limit)}")
        self.update()

    def sizeHint(self) -> QSize:
        """Be a line."""
        return QSize(200, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ramp between its two numbers."""
        now, painter = theme.current(), QPainter(self)
        painter.setFont(theme.font(11))
        low, high = number(-self._limit), "+" + number(self._limit)
        wide = painter.fontMetrics().horizontalAdvance(low) + 8
        bar = QRectF(wide, 5.5, 96, 6)
        painter.setPen(now.colour("muted"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, low)
        rest = QRectF(bar.right() + 8, 0, self.width() - bar.right() - 8, self.height())
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, high)
        used = painter.fontMetrics().horizontalAdvance(high) + 16
        if rest.width() > used + painter.fontMetrics().horizontalAdvance(WORDS):
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(rest, right, WORDS)
        ramp = QLinearGradient(bar.topLeft(), bar.topRight())
        for at, role in ((0.0, "gradient"), (0.5, "surface"), (1.0, "activation")):
            ramp.setColorAt(at, now.colour(role))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(now.colour("border"), 1))
        painter.setBrush(ramp)
        painter.drawRoundedRect(bar, 3, 3)
