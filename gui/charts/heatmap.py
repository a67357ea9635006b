"""Heat maps: a matrix as one picture, square cells with words, and the scale of the colours."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QImage,
    QLinearGradient,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps as ramps
from gui.charts.cells import Cells
from gui.rich_text import rich

RULED = 6  # pixels a column must have for lines between them
WIDE, HIGH, GAP = 148, 34, 6  # pixels of the scale of colours


class MatrixView(Cells):
    """Numbers (rows, columns) as coloured cells that fill the width."""

    def __init__(
        self,
        name: str,
        accessible: str,
        help: str,
        height: int = 0,
        ruled: bool = False,
        unit_columns: bool = False,
    ) -> None:
        """Make it empty.

        Args:
            name: of the widget, as an object.
            accessible: its name for a screen reader.
            help: what it is for.
            height: in pixels, at least; without, it is as high as its rows want.
            ruled: lines stand between the columns, where there is room.
            unit_columns: a column is a unit; else a row is one.
        """
        super().__init__(name, accessible, help)
        self._height, self._ruled, self._unit_columns = height, ruled, unit_columns
        self._values: Array = np.zeros((0, 1))
        self._ramp: ramps.Ramp = ramps.diverging
        self._range = (-1.0, 1.0)
        self._explain: Callable[[int, int], str] = lambda row, column: f"{row}, {column}"
        self._image: QImage | None = None

    def show_matrix(
        self,
        values: Array,
        ramp: ramps.Ramp,
        span: tuple[float, float],
        explain: Callable[[int, int], str],
    ) -> None:
        """Show a matrix; ``explain`` says what the cell (row, column) is."""
        resized = values.shape != self._values.shape
        self._values, self._ramp, self._range, self._explain = values, ramp, span, explain
        self._image = None
        if resized:
            self.current, self._hovered = -1, -1
            self.fit()
        self.update()

    def csv_rows(self) -> list[list[object]]:
        """Return the matrix as rows, the first of which has the numbers of the columns."""
        head: list[object] = ["", *range(self.across())]
        rows = [[place, *row] for place, row in enumerate(self._values.tolist())]
        return [head, *rows] if rows else []

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

    def unit_of(self, index: int) -> int:
        """Return the unit of a cell: its row, or its column."""
        return divmod(index, self.across())[self._unit_columns]

    def rect_of_unit(self, unit: int) -> QRectF:
        """Where the row or the column of a unit is; empty if there is none."""
        rows, columns = self._values.shape
        if not 0 <= unit < (columns if self._unit_columns else rows):
            return QRectF()
        frame = self._frame()
        if self._unit_columns:
            wide = frame.width() / columns
            return QRectF(frame.left() + unit * wide, frame.top(), wide, frame.height())
        high = frame.height() / rows
        return QRectF(frame.left(), frame.top() + unit * high, frame.width(), high)

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
        return self._explain(*divmod(index, self.across()))

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


class SquareCells(Cells):
    """Square cells (n, n) in a frame; a subclass says where the frame is."""

    gap = 0
    """Pixels between cells."""

    def frame(self) -> QRectF:
        """Where the cells are, all together."""
        raise NotImplementedError

    def count(self) -> int:
        """How many cells there are."""
        return self.across() ** 2

    def cell(self) -> float:
        """The side of a cell in pixels, with the gap."""
        return self.frame().width() / max(1, self.across())

    def rect_of(self, index: int) -> QRectF:
        """Where a cell is."""
        row, column = divmod(index, self.across())
        frame, cell = self.frame(), self.cell()
        inner = cell - self.gap
        return QRectF(frame.left() + column * cell, frame.top() + row * cell, inner, inner)

    def index_at(self, point: QPointF) -> int:
        """Return the cell at a point, or -1."""
        frame, cell, size = self.frame(), self.cell(), self.across()
        if not frame.contains(point) or not size:
            return -1
        row = min(size - 1, int((point.y() - frame.top()) / cell))
        column = min(size - 1, int((point.x() - frame.left()) / cell))
        return row * size + column

    def paint_sides(self, painter: QPainter, above: str, beside: str, away: float) -> None:
        """Write what the columns and the rows are, so many pixels away from the cells."""
        frame, centre = self.frame(), Qt.AlignmentFlag.AlignCenter
        side, high = frame.width(), 18
        painter.drawText(QRectF(frame.left(), frame.top() - away, side, high), centre, above)
        painter.save()
        painter.translate(frame.left() - away, frame.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-side / 2, 0, side, high), centre, beside)
        painter.restore()


class ColorScale(QWidget):
    """Two short lines: the ramp between its two numbers, and what kind of scale it is."""

    def __init__(self, name: str, help: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setToolTip(rich(help))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._ramp: ramps.Ramp = ramps.diverging
        self._ends, self._words = ("", ""), ""

    def show_scale(self, ramp: ramps.Ramp, ends: tuple[str, str], words: str) -> None:
        """Show a ramp, what its ends stand for, and how it runs between them."""
        self._ramp, self._ends, self._words = ramp, ends, words
        self.setAccessibleName(f"Colours run from {ends[0]} to {ends[1]}, {words}")
        self.update()

    def sizeHint(self) -> QSize:
        """Be of one size whatever the numbers, so that its neighbours stay."""
        return QSize(WIDE, HIGH)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ramp between its numbers, and the words below."""
        now, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(11))
        painter.setPen(now.colour("muted"))
        metrics = QFontMetrics(painter.font())
        low, high = (metrics.horizontalAdvance(end) for end in self._ends)
        upper = QRectF(0, 0, self.width(), HIGH / 2)
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        painter.drawText(upper, middle, self._ends[0])
        painter.drawText(upper, middle | right, self._ends[1])
        painter.drawText(upper.translated(0, HIGH / 2), middle | right, self._words)
        bar = upper.adjusted(low + GAP, 5, -high - GAP, -5)
        colours, ramp = self._ramp(), QLinearGradient(bar.topLeft(), bar.topRight())
        for at in range(0, 256, 51):
            ramp.setColorAt(at / 255, QColor.fromRgba(int(colours[at])))
        painter.setPen(QPen(now.colour("border"), 1))
        painter.setBrush(ramp)
        painter.drawRoundedRect(bar, 3, 3)
