"""Matrices as cells on a board: tiles with numbers where there is room, a picture where not."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen

from core.numbers import fixed
from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps as ramps

TILE = 20  # pixels from which a cell is a tile of its own
SPACE = 1.0  # pixels at each side of a tile
FADED = 0.22  # of its colour is left to what is not meant
DEEPEST = 0.62  # of the ramp: a number must be read on it
TALL = 18  # pixels of a title


@dataclass(frozen=True)
class Grid:
    """Where the cells of a matrix are."""

    area: QRectF
    rows: int
    columns: int

    @classmethod
    def of(
        cls, left: float, top: float, rows: int, columns: int, cell: tuple[float, float]
    ) -> "Grid":
        """Return a grid at a corner; ``cell`` is width and height."""
        return cls(QRectF(left, top, columns * cell[0], rows * cell[1]), rows, columns)

    @property
    def wide(self) -> float:
        """Pixels of a cell's width."""
        return self.area.width() / self.columns

    @property
    def high(self) -> float:
        """Pixels of a cell's height."""
        return self.area.height() / self.rows

    def cell(self, row: int, column: int) -> QRectF:
        """Return where a cell is."""
        left, top = self.area.left() + column * self.wide, self.area.top() + row * self.high
        return QRectF(left, top, self.wide, self.high)

    def row(self, row: int) -> QRectF:
        """Return where a row is."""
        return self.cell(row, 0).united(self.cell(row, self.columns - 1))

    def column(self, column: int) -> QRectF:
        """Return where a column is."""
        return self.cell(0, column).united(self.cell(self.rows - 1, column))

    def at(self, point: QPointF) -> tuple[int, int] | None:
        """Return the cell at a point, if there is one."""
        if not self.area.contains(point):
            return None
        row = int((point.y() - self.area.top()) / self.high)
        column = int((point.x() - self.area.left()) / self.wide)
        return min(row, self.rows - 1), min(column, self.columns - 1)


def paint_matrix(
    painter: QPainter,
    grid: Grid,
    values: Array,
    limit: float,
    digits: int = 0,
    lit: Array | None = None,
) -> None:
    """Paint the cells of a matrix.

    Args:
        painter: of the board.
        grid: where its cells are.
        values: (rows, columns); what is not finite is left empty.
        limit: the size of a number that has the full colour.
        digits: behind the point, where there is room for numbers.
        lit: (rows, columns), whether a cell is meant; the others fade. All are, if left out.
    """
    finite = np.isfinite(values)
    shade = np.where(finite, values, 0.0) * (1.0 if lit is None else np.where(lit, 1.0, FADED))
    if min(grid.wide, grid.high) < TILE:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(grid.area, ramps.picture(shade, ramps.diverging, -limit, limit))
        frame(painter, grid.area, "border")
        return
    painter.setFont(theme.font(_pixels(grid, values[finite], digits)))
    for row in range(grid.rows):
        for column in range(grid.columns):
            if finite[row, column]:
                meant = lit is None or bool(lit[row, column])
                words = fixed(float(values[row, column]), digits)
                colour = tint(float(shade[row, column]), limit)
                paint_tile(painter, grid.cell(row, column), colour, words, meant)


def _pixels(grid: Grid, values: Array, digits: int) -> int:
    """Return the size of letters at which the longest of the numbers fits its tile."""
    extremes = (values.min(), values.max()) if values.size else (0.0,)
    longest = max(len(fixed(float(value), digits)) for value in extremes)
    return max(6, int(min(13.0, grid.high * 0.5, (grid.wide - 4) * 1.7 / longest)))


def paint_tile(
    painter: QPainter, cell: QRectF, colour: QColor, words: str, meant: bool = True
) -> None:
    """Paint one cell with its number."""
    now = theme.current()
    painter.setPen(QPen(now.colour("border"), 1))
    painter.setBrush(colour)
    painter.drawRoundedRect(cell.adjusted(SPACE, SPACE, -SPACE, -SPACE), 4, 4)
    painter.setPen(now.colour("text" if meant else "faint"))
    painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, words)


def tint(value: float, limit: float) -> QColor:
    """Return the colour of a tile with that number."""
    share = 0.5 + 0.5 * DEEPEST * float(np.clip(value / limit, -1, 1))
    return QColor.fromRgb(int(ramps.diverging()[round(share * 255)]))


def frame(painter: QPainter, area: QRectF, role: str = "text", width: float = 1.0) -> None:
    """Draw a line around an area."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.current().colour(role), width))
    painter.drawRoundedRect(area, 3, 3)


def write(
    painter: QPainter,
    area: QRectF,
    words: str,
    role: str = "muted",
    pixels: int = 12,
    strong: bool = False,
    where: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
    wrap: bool = False,
) -> None:
    """Write words into an area."""
    weight = QFont.Weight.DemiBold if strong else QFont.Weight.Normal
    painter.setFont(theme.font(pixels, weight))
    painter.setPen(theme.current().colour(role))
    painter.drawText(area, int(where | (Qt.TextFlag.TextWordWrap if wrap else 0)), words)


def write_title(painter: QPainter, grid: Grid, name: str, what: str = "") -> None:
    """Write above a matrix what it is called, and its size or another word beside it."""
    place = QRectF(grid.area.left(), grid.area.top() - TALL - 5, 400, TALL)
    write(painter, place, name, "text", 13, strong=True)
    used = painter.fontMetrics().horizontalAdvance(name) + 8
    write(painter, place.adjusted(used, 0, 0, 0), what)


def cross(grid: Grid, row: int | None = None, column: int | None = None) -> Array:
    """Return a mask (rows, columns) of a row and a column."""
    mask = np.zeros((grid.rows, grid.columns), bool)
    if row is not None:
        mask[row] = True
    if column is not None:
        mask[:, column] = True
    return mask
