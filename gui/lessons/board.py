"""Boards of matrices: painting cells, and pointing at one with the mouse or the arrow keys."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip

from core.numbers import fixed
from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps as ramps
from gui.charts.cells import KEYS
from gui.charts.explained import Explained
from gui.rich_text import rich

TILE = 20  # pixels from which a cell is a tile with its number
SPACE = 1.0  # pixels at each side of a tile
FADED = 0.22  # of the colour is left to cells that are not highlighted
DEEPEST = 0.62  # of the colour map: a number must be readable on it
TITLE = 18  # pixels of a title
TOOLTIP = 96  # pixels that one is high, about
UNDER_MOUSE = 12  # pixels that Qt puts a tooltip below the place that it is shown at
ASIDE = 4.0  # the weight of a sideways distance when an arrow key leaves a matrix
CENTRE = Qt.AlignmentFlag.AlignCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class MatrixGrid:
    """The geometry of a matrix's cells."""

    area: QRectF
    rows: int
    columns: int

    @classmethod
    def of(
        cls, left: float, top: float, rows: int, columns: int, cell: tuple[float, float]
    ) -> "MatrixGrid":
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
        """Return the area of a cell."""
        left, top = self.area.left() + column * self.wide, self.area.top() + row * self.high
        return QRectF(left, top, self.wide, self.high)

    def row(self, row: int) -> QRectF:
        """Return the area of a row."""
        return self.cell(row, 0).united(self.cell(row, self.columns - 1))

    def column(self, column: int) -> QRectF:
        """Return the area of a column."""
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
    grid: MatrixGrid,
    values: Array,
    limit: float,
    digits: int = 0,
    lit: Array | None = None,
) -> None:
    """Paint the cells of a matrix: tiles with numbers where there is room, an image where not.

    Args:
        painter: of the board.
        grid: its geometry.
        values: (rows, columns); what is not finite is left empty.
        limit: the absolute value of the full colour.
        digits: after the decimal point.
        lit: (rows, columns), which cells are highlighted; the others fade. None for all.
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
                bright = lit is None or bool(lit[row, column])
                words = fixed(float(values[row, column]), digits)
                colour = tint(float(shade[row, column]), limit)
                paint_tile(painter, grid.cell(row, column), colour, words, bright)


def _pixels(grid: MatrixGrid, values: Array, digits: int) -> int:
    """Return the font size at which the longest number fits its tile."""
    extremes = (values.min(), values.max()) if values.size else (0.0,)
    longest = max(len(fixed(float(value), digits)) for value in extremes)
    return max(6, int(min(13.0, grid.high * 0.5, (grid.wide - 4) * 1.7 / longest)))


def paint_tile(
    painter: QPainter, cell: QRectF, colour: QColor, words: str, bright: bool = True
) -> None:
    """Paint one cell with its number."""
    now = theme.current()
    painter.setPen(QPen(now.colour("border"), 1))
    painter.setBrush(colour)
    painter.drawRoundedRect(cell.adjusted(SPACE, SPACE, -SPACE, -SPACE), 4, 4)
    painter.setPen(now.colour("text" if bright else "faint"))
    painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, words)


def tint(value: float, limit: float) -> QColor:
    """Return the colour of a tile with this number."""
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
    where: Qt.AlignmentFlag = LEFT,
    wrap: bool = False,
) -> None:
    """Write words into an area."""
    weight = QFont.Weight.DemiBold if strong else QFont.Weight.Normal
    painter.setFont(theme.font(pixels, weight))
    painter.setPen(theme.current().colour(role))
    painter.drawText(area, int(where | (Qt.TextFlag.TextWordWrap if wrap else 0)), words)


def write_title(painter: QPainter, grid: MatrixGrid, name: str, what: str = "") -> None:
    """Write the name of a matrix above it, and its size or another word beside that."""
    place = QRectF(grid.area.left(), grid.area.top() - TITLE - 5, 400, TITLE)
    write(painter, place, name, "text", 13, strong=True)
    used = painter.fontMetrics().horizontalAdvance(name) + 8
    write(painter, place.adjusted(used, 0, 0, 0), what)


def cross(grid: MatrixGrid, row: int | None = None, column: int | None = None) -> Array:
    """Return a mask (rows, columns) of a row and a column."""
    mask = np.zeros((grid.rows, grid.columns), bool)
    if row is not None:
        mask[row] = True
    if column is not None:
        mask[:, column] = True
    return mask


class Board(Explained):
    """Matrices side by side. The cell under the mouse, or reached by key, stays current."""

    currentChanged = Signal()
    """Another cell is current."""

    def __init__(self, name: str, accessible: str, help: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setToolTip(rich(help))
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.current: tuple[str, int, int] = ("", 0, 0)
        """The current cell: the name of its matrix, row and column."""

    def grids(self) -> Mapping[str, MatrixGrid]:
        """Return the matrices and their geometry, by name."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return a sentence on the current cell."""
        raise NotImplementedError

    def paint(self, painter: QPainter) -> None:
        """Paint the board."""
        raise NotImplementedError

    def choose(self) -> None:
        """Choose the current cell, after a click or Enter; most boards have nothing to choose."""

    def refresh(self) -> None:
        """Paint and describe the board anew."""
        name, row, column = self.current
        if (grid := self.grids().get(name)) is not None:  # a network's may have become smaller
            self.current = name, min(row, grid.rows - 1), min(column, grid.columns - 1)
        self.setAccessibleDescription(self.describe())
        self.update()

    def sizeHint(self) -> QSize:
        """Be as wide as the column of the lesson."""
        return QSize(860, self.height())

    def set_current(self, name: str, row: int, column: int) -> None:
        """Make a cell the current one."""
        if (name, row, column) != self.current:
            self.current = (name, row, column)
            self.refresh()
            self.currentChanged.emit()

    def cell_at(self, point: QPointF) -> tuple[str, int, int] | None:
        """Return the cell at a point, if there is one."""
        for name, grid in self.grids().items():
            if (cell := grid.at(point)) is not None:
                return name, *cell
        return None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the board, and a ring for the keyboard focus."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self.paint(painter)
            name, row, column = self.current
            if self.hasFocus() and name in (grids := self.grids()):
                frame(painter, grids[name].cell(row, column), "activation", 2)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Make the cell under the mouse current."""
        if cell := self.cell_at(event.position()):
            self.set_current(*cell)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Make the cell under the mouse current, and choose it."""
        if cell := self.cell_at(event.position()):
            self.set_current(*cell)
            self.choose()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from cell to cell, and to the nearest matrix; choose with Enter."""
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.choose()
        elif key not in KEYS:
            super().keyPressEvent(event)
        elif there := self._next(*KEYS[key]):
            self.set_current(*there)

    def _next(self, right: int, down: int) -> tuple[str, int, int] | None:
        """Return the nearest cell in a direction."""
        grids = self.grids()
        name, row, column = self.current
        if name not in grids:
            return None
        grid = grids[name]
        if 0 <= row + down < grid.rows and 0 <= column + right < grid.columns:
            return name, row + down, column + right
        here = grid.cell(row, column).center()

        def distance(cell: tuple[str, int, int]) -> float:
            way = grids[cell[0]].cell(*cell[1:]).center() - here
            ahead = way.x() * right + way.y() * down
            aside = abs(way.x() * down) + abs(way.y() * right)
            return ahead + ASIDE * aside if ahead > 1 else math.inf

        others = [
            (other, r, c)
            for other, cells in grids.items()
            if other != name
            for r in range(cells.rows)
            for c in range(cells.columns)
        ]
        nearest = min(others, key=distance, default=None)
        return nearest if nearest is not None and distance(nearest) < math.inf else None

    def event(self, event: QEvent) -> bool:
        """Show the tooltip below or above the matrices, where it covers no number of them."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            words = self.explain(event.pos())
            place = self._beside_matrices(event.pos())
            QToolTip.showText(place, rich(words) if words else self.toolTip(), self)
            return True
        return super().event(event)

    def _beside_matrices(self, point: QPoint) -> QPoint:
        """Return where a tooltip is to be shown: above, where the screen ends below."""
        areas = [grid.area for grid in self.grids().values()]
        low = max((area.bottom() for area in areas), default=0.0)
        below = self.mapToGlobal(QPoint(point.x(), round(low)))
        if below.y() + TOOLTIP > self.screen().availableGeometry().bottom():
            high = min((area.top() for area in areas), default=0.0)
            below = self.mapToGlobal(QPoint(point.x(), round(high) - TOOLTIP))
        return below - QPoint(0, UNDER_MOUSE)

    def explain(self, point: QPoint) -> str:
        """Describe the cell under the mouse, which is the current one."""
        return self.describe() if self.cell_at(QPointF(point)) else ""
