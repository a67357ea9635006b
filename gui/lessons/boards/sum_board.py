"""Inputs, weights and their products as three pictures, and the sum of each row as a bar."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen

from core.lessons.forward_trace import Sum
from core.numbers import number
from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps as ramps
from gui.lessons.boards.board import Board
from gui.lessons.boards.matrix import TALL, Grid, frame, paint_matrix, write, write_title

SIDE = 200.0  # pixels of a picture, where there is room
BARS = 190.0  # pixels that are kept for the bars
TOP = TALL + 6.0
SIGN = 34.0
HELP = (
    "Each input is multiplied with the weight at the same place; all products are added. Point at a"
    " place to see the two numbers that meet there."
)


class SumBoard(Board):
    """Three matrices with a sign between them, and bars; rows that are still to come are pale."""

    def __init__(self) -> None:
        super().__init__("lessonSum", "Inputs times weights", HELP)
        self.setFixedHeight(round(TOP + SIDE + 6))
        self._sum: Sum | None = None
        self._rows = 0

    def show_sum(self, what: Sum | None, rows: int) -> None:
        """Show a sum of which so many rows have been added; None for none."""
        if what is None or self._sum is None or what.inputs.shape != self._sum.inputs.shape:
            self.spot = ("", 0, 0)
        self._sum, self._rows = what, rows
        self.setAccessibleDescription(self.describe())
        self.update()

    def sizeHint(self) -> QSize:
        """Be as wide as the column."""
        return QSize(860, self.height())

    def grids(self) -> Mapping[str, Grid]:
        """Three squares side by side."""
        if self._sum is None:
            return {}
        rows, columns = self._sum.inputs.shape
        side = min(SIDE, (self.width() - 3 * SIGN - BARS) / 3)
        cell = (side / columns, SIDE / rows)
        names = ("inputs", "weights", "products")
        return {
            name: Grid.of(1 + number * (side + SIGN), TOP, rows, columns, cell)
            for number, name in enumerate(names)
        }

    def describe(self) -> str:
        """Say which two numbers meet."""
        name, row, column = self.spot
        if self._sum is None or not name:
            return ""
        x, w = float(self._sum.inputs[row, column]), float(self._sum.weights[row, column])
        return f"Under the mouse: {number(x)} × {number(w)} = {number(x * w)}."

    def paint(self, painter: QPainter) -> None:
        """Paint the pictures, the signs and the bars."""
        if self._sum is None:
            return
        grids = self.grids()
        shown: dict[str, tuple[Array, str]] = {
            "inputs": (self._sum.inputs, "what comes in"),
            "weights": (self._sum.weights, "the weights"),
            "products": (self._sum.products, "their products"),
        }
        done = np.zeros(self._sum.inputs.shape, bool)
        done[: self._rows] = True
        for name, (values, words) in shown.items():
            grid = grids[name]
            lit = done if name == "products" else None
            paint_matrix(painter, grid, values, ramps.reach(values), 2, lit)
            write_title(painter, grid, words)
            if 0 < self._rows < len(values):
                frame(painter, grid.row(self._rows - 1).adjusted(-2, 0, 2, 0), "text", 1.5)
            if self.spot[0] in grids:
                frame(painter, grid.cell(*self.spot[1:]).adjusted(-1, -1, 1, 1), "text", 2)
        for before, sign in (("inputs", "×"), ("weights", "="), ("products", "→")):
            place = QRectF(grids[before].area.right(), TOP, SIGN, SIDE)
            write(painter, place, sign, "muted", 16, where=Qt.AlignmentFlag.AlignCenter)
        self._paint_bars(painter, grids["products"])

    def _paint_bars(self, painter: QPainter, products: Grid) -> None:
        """Paint the sum of each row as a bar to the right or, below zero, to the left."""
        assert self._sum is not None
        now, sums = theme.current(), self._sum.rows
        left = products.area.right() + SIGN
        room = QRectF(left, TOP, self.width() - left - 4, SIDE)
        write_title(painter, Grid(room, 1, 1), f"sum of each {self._sum.row}")
        middle, most = room.center().x(), float(np.abs(sums).max()) or 1.0
        reach = room.width() / 2 - 6
        painter.setPen(Qt.PenStyle.NoPen)
        for row, value in enumerate(sums.tolist()):
            place = products.row(row)
            far = value / most * reach
            bar = QRectF(QPointF(middle, place.top()), QPointF(middle + far, place.bottom()))
            bar = bar.normalized().adjusted(0, products.high * 0.12, 0, -products.high * 0.12)
            alpha = 255 if row < self._rows else 50
            painter.setBrush(now.colour("activation" if value > 0 else "gradient", alpha))
            painter.drawRect(bar)
        painter.setPen(QPen(now.colour("faint"), 1))
        painter.drawLine(QPointF(middle, room.top()), QPointF(middle, room.bottom()))
