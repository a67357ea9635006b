"""The board of a convolution: piece, filter and result, and the matrix with the shared weights."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter

from core.lessons.convolution import origins, places, slide, unroll
from core.numbers import number
from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps as ramps
from gui.lessons.boards.board import Board
from gui.lessons.boards.matrix import TALL, Grid, cross, frame, paint_matrix, write_title

PIECE, FILTER = 238.0, 150.0
TOP = TALL + 8.0
SIGN = 30.0
LEFT = 350.0  # pixels of what slides
COLUMN = 40.0  # pixels of a column of the matrix, where there is room
TALLEST = 392.0
RESULT = 34.0
HELP = (
    "Point at a number of the result: the window that it was summed from lights up, and its column"
    " of the matrix. Point at a weight of the filter: all its copies light up."
)


class ConvolutionBoard(Board):
    """Sliding on the left; on the right the same sums as ``x @ matrix``."""

    def __init__(self) -> None:
        super().__init__("lessonConvolution", "A filter that slides, and its matrix", HELP)
        self._patch: Array = np.zeros((3, 3))
        self.weights: Array = np.zeros((1, 1))
        self._matrix: Array = np.zeros((9, 9))
        self._origins: Array = np.zeros((9, 9))
        self.spot = ("result", 0, 0)
        self.setFixedHeight(round(TOP + TALLEST + TALL + 12 + RESULT + 4))

    def show_filter(self, patch: Array, weights: Array) -> None:
        """Show a piece of a picture (S, S) and a filter (k, k)."""
        if weights.shape != self.weights.shape:
            self.spot = ("result", 0, 0)
        self._patch, self.weights = patch, weights
        self._matrix = unroll(weights, len(patch))
        self._origins = origins(len(patch), len(weights))
        self.setAccessibleDescription(self.describe())
        self.update()

    def sizeHint(self) -> QSize:
        """Be as wide as the column."""
        return QSize(860, self.height())

    def slide_on(self) -> bool:
        """Go to the next place; False behind the last one."""
        count = places(len(self._patch), len(self.weights))
        name, row, column = self.spot
        there = row * count + column + 1 if name == "result" else count**2
        if there < count**2:
            self.point_at("result", *divmod(there, count))
        return there < count**2

    def grids(self) -> Mapping[str, Grid]:
        """Sliding at the left, the product at the right."""
        side, kernel = len(self._patch), len(self.weights)
        count = places(side, kernel)
        cell = PIECE / side
        below = TOP + PIECE + TALL + 20
        wide = min(COLUMN, (self.width() - LEFT - 60) / count**2)
        right = self.width() - count**2 * wide - 8
        high = TALLEST / side**2
        after = FILTER + SIGN
        return {
            "piece": Grid.of(1, TOP, side, side, (cell, cell)),
            "filter": Grid.of(1, below, kernel, kernel, (FILTER / kernel, FILTER / kernel)),
            "result": Grid.of(after, below, count, count, (46, 34)),
            "x": Grid.of(right - 44, TOP, side**2, 1, (20, high)),
            "matrix": Grid.of(right, TOP, side**2, count**2, (wide, high)),
            "y": Grid.of(right, TOP + TALLEST + TALL + 12, 1, count**2, (wide, RESULT)),
        }

    # What is said.

    def counted(self) -> str:
        """Say how many cells the matrix has, and how few weights stand in them."""
        cells, kernel = self._matrix.size, self.weights.size
        copies = self._matrix.shape[1]
        return (
            f"The matrix has {cells:,} cells, but only **{kernel} weights**: each stands in it"
            f" {copies} times, and {cells - kernel * copies:,} cells are 0 for good."
        )

    def describe(self) -> str:
        """Say what is pointed at."""
        name, row, column = self.spot
        if name in ("result", "y"):
            place = row * places(len(self._patch), len(self.weights)) + column
            value = number(float(self._patch.ravel() @ self._matrix[:, place]))
            return f"Place {place + 1}: window times filter, added up, is {value}."
        if name in ("piece", "x"):
            pixel = row * len(self._patch) + column if name == "piece" else row
            used = int((self._origins[pixel] >= 0).sum())
            return f"Pixel {pixel + 1} is seen from {used} of {self._matrix.shape[1]} places."
        tap = self._tap()
        if tap < 0:
            return "A 0: from that place the filter does not reach this pixel."
        value = number(float(self.weights.ravel()[tap]))
        return f"Weight {tap + 1} of the filter, {value}: the same in every column."

    def _tap(self) -> int:
        """Return which weight of the filter is pointed at; -1 for none."""
        name, row, column = self.spot
        if name == "filter":
            return row * len(self.weights) + column
        return int(self._origins[row, column]) if name == "matrix" else -1

    def _place(self) -> int:
        """Return which place of the filter is pointed at; -1 for none."""
        name, row, column = self.spot
        if name == "result":
            return row * places(len(self._patch), len(self.weights)) + column
        return column if name == "y" else -1

    # What is painted.

    def paint(self, painter: QPainter) -> None:
        """Paint all, and light up what belongs together."""
        grids, lit = self.grids(), self._lit()
        said = slide(self._patch, self.weights)
        shown = {
            "piece": self._patch,
            "filter": self.weights,
            "result": said,
            "x": self._patch.reshape(-1, 1),
            "matrix": self._matrix,
            "y": said.reshape(1, -1),
        }
        size = {name: ramps.reach(values) for name, values in shown.items()}
        for name, values in shown.items():
            paint_matrix(painter, grids[name], values, size[name], 1, lit.get(name))
        self._paint_zeros(painter, grids["matrix"])
        self._paint_words(painter, grids)
        self._paint_marks(painter, grids)

    def _paint_zeros(self, painter: QPainter, grid: Grid) -> None:
        """Paint the cells that are 0 for good in a colour of their own: they are no weights."""
        ground = theme.current().colour("sunken")
        for row, column in np.argwhere(self._origins < 0).tolist():
            painter.fillRect(grid.cell(row, column), ground)

    def _lit(self) -> dict[str, Array]:
        """Return which cells have to do with what is pointed at; none for a matrix with all."""
        tap, place = self._tap(), self._place()
        side = len(self._patch)
        if tap >= 0:
            return {
                "matrix": self._origins == tap,
                "filter": (np.arange(self.weights.size) == tap).reshape(self.weights.shape),
            }
        if place >= 0:
            seen = self._origins[:, place] >= 0
            return {
                "matrix": cross(self.grids()["matrix"], column=place),
                "piece": seen.reshape(side, side),
                "x": seen[:, None],
            }
        name, row, column = self.spot
        if name in ("piece", "x"):
            number = row * side + column if name == "piece" else row
            return {"matrix": cross(self.grids()["matrix"], row=number)}
        return {}

    def _paint_words(self, painter: QPainter, grids: Mapping[str, Grid]) -> None:
        side, kernel = len(self._patch), len(self.weights)
        count = places(side, kernel)
        write_title(painter, grids["piece"], "piece of the picture", f"{side} × {side}")
        write_title(painter, grids["filter"], "filter", f"{kernel} × {kernel}")
        write_title(painter, grids["result"], "what it says", f"{count} × {count}")
        write_title(painter, grids["x"], "x")
        write_title(painter, grids["matrix"], "matrix", f"{side**2} × {count**2}")
        write_title(
            painter, grids["y"], "x @ matrix", f"1 × {count**2}, the same {count**2} numbers"
        )

    def _paint_marks(self, painter: QPainter, grids: Mapping[str, Grid]) -> None:
        """Frame what is pointed at, and the window that a result was summed from."""
        name, row, column = self.spot
        if name in ("filter", "piece"):
            frame(painter, grids[name].cell(row, column), "text", 2)
        place = self._place()
        if place < 0:
            return
        count, kernel = places(len(self._patch), len(self.weights)), len(self.weights)
        row, column = divmod(place, count)
        piece = grids["piece"]
        window = piece.cell(row, column).united(piece.cell(row + kernel - 1, column + kernel - 1))
        frame(painter, window, "text", 2)
        frame(painter, grids["result"].cell(row, column), "text", 2)
        frame(painter, grids["matrix"].column(place).adjusted(0, -1, 0, 1), "text", 1.5)
        frame(painter, grids["y"].cell(0, place), "text", 2)
