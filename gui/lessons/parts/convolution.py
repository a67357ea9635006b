"""A convolution of a patch of the digit, and beside it the same as one matrix product."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout

from core.lessons.matrix_products import (
    EDGE,
    MARGIN,
    convolution_matrix,
    convolve,
    highest_contrast,
    positions,
    weight_indices,
)
from core.numbers import number
from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps as ramps
from gui.lessons.board import TITLE, Board, MatrixGrid, cross, frame, paint_matrix, write_title
from gui.lessons.context import LessonContext
from gui.lessons.network_part import DigitTrace, NetworkPart, PlayButton
from gui.lessons.prose import Prose
from gui.widgets.card import label

INTERVAL = 700  # milliseconds per position
LEARNED = "A patch of your digit, and filter {unit} of the network's first layer."
HAND_MADE = (
    "A patch of your digit. The network has no filters, so this is the Sobel filter for vertical"
    " edges."
)
PATCH, FILTER = 238.0, 150.0
TOP = TITLE + 8.0
SIGN = 30.0
LEFT = 350.0  # pixels of patch, filter and output
COLUMN = 40.0  # pixels of a column of the matrix, where there is room
TALLEST = 392.0
RESULT = 34.0


class Part(NetworkPart):
    """The patch, the filter and its output; and the equivalent matrix."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(context, "digits")
        self.setObjectName("convolutionPart")
        self.digit = context.shared(DigitTrace)
        self.board = ConvolutionBoard()
        self.title = label("", "heading")
        self.words = Prose("", 14)
        self.words.setMinimumHeight(44)
        self.play = PlayButton(
            "lessonSlide",
            "Play. Slides the filter over the patch.",
            INTERVAL,
            lambda: self.board.set_current("result", 0, 0),
            self.board.advance,
        )
        self.board.currentChanged.connect(self._describe)
        self.digit.changed.connect(self._show)
        head = QHBoxLayout()
        head.addWidget(self.play)
        head.addWidget(self.title, 1)
        self.body.addLayout(head)
        self.body.addWidget(self.board)
        self.body.addWidget(self.words)

    def refresh(self) -> None:
        """Show the network with its present weights."""
        self.digit.refresh()
        self._show()

    def _show(self) -> None:
        picture = self.digit.picture
        if not self.isVisible() or picture is None:
            return
        first = self.digit.stages[0] if self.digit.stages else None
        weights, title = EDGE, HAND_MADE
        if first is not None and first.is_convolution:
            unit = self.digit.unit if self.digit.stage == 0 else 0
            weights = first.layer.product.weight[unit, 0].detach().numpy()
            picture, title = first.input[0].numpy(), LEARNED.format(unit=unit)
        self.title.setText(title)
        self.board.show_filter(highest_contrast(picture, len(weights) + MARGIN), weights)
        self._describe()

    def _describe(self) -> None:
        self.words.say(f"{self.board.summary()} {self.board.describe()}")


class ConvolutionBoard(Board):
    """The convolution on the left; on the right the same sums as ``x @ matrix``."""

    def __init__(self) -> None:
        super().__init__(
            "lessonConvolution",
            "A convolution, and its matrix",
            "Hover over a number of the output: its window is highlighted, and its column of the"
            " matrix. Hover over a weight of the filter: all its copies are highlighted.",
        )
        self._patch: Array = np.zeros((3, 3))
        self.weights: Array = np.zeros((1, 1))
        self._matrix: Array = np.zeros((9, 9))
        self._indices: Array = np.zeros((9, 9))
        self.current = ("result", 0, 0)
        self.setFixedHeight(round(TOP + TALLEST + TITLE + 12 + RESULT + 4))

    def show_filter(self, patch: Array, weights: Array) -> None:
        """Show a patch of a picture (S, S) and a filter (k, k)."""
        if weights.shape != self.weights.shape:
            self.current = ("result", 0, 0)
        self._patch, self.weights = patch, weights
        self._matrix = convolution_matrix(weights, len(patch))
        self._indices = weight_indices(len(patch), len(weights))
        self.refresh()

    @property
    def _count(self) -> int:
        """Positions along each side."""
        return positions(len(self._patch), len(self.weights))

    def advance(self) -> bool:
        """Go to the next position; False after the last one."""
        name, row, column = self.current
        there = row * self._count + column + 1 if name == "result" else self._count**2
        if there < self._count**2:
            self.set_current("result", *divmod(there, self._count))
        return there < self._count**2

    def grids(self) -> Mapping[str, MatrixGrid]:
        """The convolution at the left, the product at the right."""
        side, kernel, count = len(self._patch), len(self.weights), self._count
        cell, weight = PATCH / side, FILTER / kernel
        below = TOP + PATCH + TITLE + 20
        wide = min(COLUMN, (self.width() - LEFT - 60) / count**2)
        right = self.width() - count**2 * wide - 8
        high = TALLEST / side**2
        under = TOP + TALLEST + TITLE + 12
        return {
            "patch": MatrixGrid.of(1, TOP, side, side, (cell, cell)),
            "filter": MatrixGrid.of(1, below, kernel, kernel, (weight, weight)),
            "result": MatrixGrid.of(FILTER + SIGN, below, count, count, (46, 34)),
            "x": MatrixGrid.of(right - 44, TOP, side**2, 1, (20, high)),
            "matrix": MatrixGrid.of(right, TOP, side**2, count**2, (wide, high)),
            "y": MatrixGrid.of(right, under, 1, count**2, (wide, RESULT)),
        }

    def summary(self) -> str:
        """Return how many entries the matrix has, and how few weights."""
        entries, kernel = self._matrix.size, self.weights.size
        copies = self._matrix.shape[1]
        return (
            f"The matrix has {entries:,} entries, but only **{kernel} weights**: each is shared by"
            f" {copies} entries, and the other {entries - kernel * copies:,} are always 0."
        )

    def describe(self) -> str:
        """Return how the current number was computed."""
        name = self.current[0]
        if name in ("result", "y"):
            place = self._position()
            value = number(float(self._patch.ravel() @ self._matrix[:, place]))
            return f"Position {place}: window times filter, added up, is {value}."
        if name in ("patch", "x"):
            pixel = self._pixel()
            used = int((self._indices[pixel] >= 0).sum())
            return f"Pixel {pixel} is an input of {used} of {self._matrix.shape[1]} positions."
        weight = self._weight()
        if weight < 0:
            return "Always 0: at that position the filter does not cover this pixel."
        value = number(float(self.weights.ravel()[weight]))
        return f"Weight {weight} of the filter, {value}: the same in every column."

    def _weight(self) -> int:
        """Return the index of the current weight; -1 for none."""
        name, row, column = self.current
        if name == "filter":
            return row * len(self.weights) + column
        return int(self._indices[row, column]) if name == "matrix" else -1

    def _position(self) -> int:
        """Return the current position of the filter; -1 for none."""
        name, row, column = self.current
        return {"result": row * self._count + column, "y": column}.get(name, -1)

    def _pixel(self) -> int:
        """Return the current pixel of the patch; -1 for none."""
        name, row, column = self.current
        return {"patch": row * len(self._patch) + column, "x": row}.get(name, -1)

    def paint(self, painter: QPainter) -> None:
        """Paint all, and highlight what belongs to the current cell."""
        grids, lit = self.grids(), self._lit()
        output = convolve(self._patch, self.weights)
        for name, values in {
            "patch": self._patch,
            "filter": self.weights,
            "result": output,
            "x": self._patch.reshape(-1, 1),
            "matrix": self._matrix,
            "y": output.reshape(1, -1),
        }.items():
            limit = ramps.reach(values)
            paint_matrix(painter, grids[name], values, limit, 1, lit.get(name))
        # The entries that are always 0 have a colour of their own: they are no weights.
        ground = theme.current().colour("sunken")
        for row, column in np.argwhere(self._indices < 0).tolist():
            painter.fillRect(grids["matrix"].cell(row, column), ground)
        self._paint_titles(painter, grids)
        self._paint_frames(painter, grids)

    def _lit(self) -> dict[str, Array]:
        """Return which cells belong to the current one; a matrix that is missing has all."""
        weight, place, pixel = self._weight(), self._position(), self._pixel()
        grid = self.grids()["matrix"]
        if weight >= 0:
            chosen = np.arange(self.weights.size) == weight
            return {
                "matrix": self._indices == weight,
                "filter": chosen.reshape(self.weights.shape),
            }
        if place >= 0:
            window = self._indices[:, place] >= 0
            return {
                "matrix": cross(grid, column=place),
                "patch": window.reshape(self._patch.shape),
                "x": window[:, None],
            }
        return {"matrix": cross(grid, row=pixel)} if pixel >= 0 else {}

    def _paint_titles(self, painter: QPainter, grids: Mapping[str, MatrixGrid]) -> None:
        side, kernel, count = len(self._patch), len(self.weights), self._count
        for name, title, what in (
            ("patch", "patch of the picture", f"{side} × {side}"),
            ("filter", "filter", f"{kernel} × {kernel}"),
            ("result", "output", f"{count} × {count}"),
            ("x", "x", ""),
            ("matrix", "matrix", f"{side**2} × {count**2}"),
            ("y", "x @ matrix", f"1 × {count**2}, the same numbers as the output"),
        ):
            write_title(painter, grids[name], title, what)

    def _paint_frames(self, painter: QPainter, grids: Mapping[str, MatrixGrid]) -> None:
        """Frame the current cell, and the window of an output."""
        name, row, column = self.current
        if name in ("filter", "patch"):
            frame(painter, grids[name].cell(row, column), "text", 2)
        place = self._position()
        if place < 0:
            return
        row, column = divmod(place, self._count)
        end = len(self.weights) - 1
        patch = grids["patch"]
        window = patch.cell(row, column).united(patch.cell(row + end, column + end))
        frame(painter, window, "text", 2)
        frame(painter, grids["result"].cell(row, column), "text", 2)
        frame(painter, grids["matrix"].column(place).adjusted(0, -1, 0, 1), "text", 1.5)
        frame(painter, grids["y"].cell(0, place), "text", 2)
