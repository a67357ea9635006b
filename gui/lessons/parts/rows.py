"""One output of a layer as a weighted sum, added up row by row."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout

from core.lessons.forward_trace import WeightedSum
from core.numbers import number
from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps as ramps
from gui.inputs import Slider
from gui.lessons.board import (
    CENTRE,
    TITLE,
    Board,
    MatrixGrid,
    frame,
    paint_matrix,
    write,
    write_title,
)
from gui.lessons.context import LessonContext
from gui.lessons.network_part import DigitTrace, NetworkPart, PlayButton
from gui.lessons.prose import Prose
from gui.widgets.buttons import identified
from gui.widgets.card import label
from gui.widgets.layer_names import layer_title

INTERVAL = 110  # milliseconds per row
EMPTY = "There is no output to be summed yet."
SIDE = 200.0  # pixels of a picture, where there is room
BARS = 190.0  # pixels of the bars
TOP = TITLE + 6.0
SIGN = 34.0


class Part(NetworkPart):
    """Inputs times weights, row after row, up to the output."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(context, "digits")
        self.setObjectName("rowsPart")
        self.digit = context.shared(DigitTrace)
        self.board = SumBoard()
        self.title = label("", "heading")
        self.words = Prose("", 14)
        self.words.setMinimumHeight(48)  # two lines, always: what comes and goes moves nothing
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.slider = identified(
            Slider(Qt.Orientation.Horizontal),
            "lessonRows",
            "Rows that are added up",
            "How many rows are added up. Drag it, or press play.",
        )
        self.play = PlayButton(
            "lessonPlay",
            "Play. Adds row after row.",
            INTERVAL,
            lambda: self.slider.setValue(0),
            self._add_row,
        )
        self.slider.valueChanged.connect(lambda value: self._show_rows())
        self.digit.changed.connect(self._show)
        self.board.currentChanged.connect(self._describe)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.play)
        row.addWidget(self.slider, 1)
        self.body.addWidget(self.title)
        self.body.addWidget(self.board)
        self.body.addLayout(row)
        self.body.addWidget(self.words)
        self._sum: WeightedSum | None = None

    def refresh(self) -> None:
        """Show the network with its present weights."""
        self.digit.refresh()
        self._show()

    def _show(self) -> None:
        """Show the selected output; one with another number of rows completely."""
        if not self.isVisible():
            return
        self._sum = self.digit.weighted_sum() if self.digit.stages else None
        if self._sum is None:
            self.title.setText(EMPTY)
            self.board.show_sum(None, 0)
            self.words.say("")
            return
        self.title.setText(self._output_in_words())
        rows = len(self._sum.inputs)
        if rows != self.slider.maximum():
            self.slider.blockSignals(True)
            self.slider.setRange(0, rows)
            self.slider.setValue(rows)
            self.slider.blockSignals(False)
        self._show_rows()

    def _output_in_words(self) -> str:
        stage, unit = self.digit.selected, self.digit.unit
        layer = layer_title(stage.info)
        if stage is self.digit.stages[-1]:
            return f"{layer}: the logit of {unit}"
        if not stage.is_convolution:
            return f"{layer}, output {unit}"
        row, column = self.digit.place
        return f"{layer}, filter {unit}, at row {row}, column {column}"

    def _show_rows(self) -> None:
        if self._sum is not None:
            self.board.show_sum(self._sum, self.slider.value())
            self._describe()

    def _describe(self) -> None:
        if self._sum is not None:
            words = sum_in_words(self._sum, self.slider.value())
            self.words.say(f"{words} {self.board.describe()}")

    def _add_row(self) -> bool:
        self.slider.setValue(self.slider.value() + 1)
        return self.slider.value() < self.slider.maximum()


def sum_in_words(what: WeightedSum, rows: int) -> str:
    """Return the sum of the first rows; after the last one, the operations that follow too."""
    total = number(float(what.rows[:rows].sum()))
    if rows < len(what.rows):
        return f"The first {rows} of {len(what.rows)} {what.row}s add up to **{total}**."
    words = f"All {len(what.rows)} {what.row}s add up to {total}"
    if what.bias is not None:
        words += f", with the bias of {number(what.bias)} to **{number(what.total)}**"
    return words + "".join(f"; after {name} it is **{number(x)}**" for name, x in what.steps) + "."


class SumBoard(Board):
    """Three matrices with signs between them, and the sum of each row as a bar."""

    def __init__(self) -> None:
        super().__init__(
            "lessonSum",
            "Inputs times weights",
            "Each input is multiplied by its weight; all products are added. Hover over a number"
            " to see its product.",
        )
        self.setFixedHeight(round(TOP + SIDE + 6))
        self._sum: WeightedSum | None = None
        self._rows = 0

    def show_sum(self, what: WeightedSum | None, rows: int) -> None:
        """Show a sum of which so many rows have been added; None for none."""
        if what is None or self._sum is None or what.inputs.shape != self._sum.inputs.shape:
            self.current = ("", 0, 0)
        self._sum, self._rows = what, rows
        self.refresh()

    def grids(self) -> Mapping[str, MatrixGrid]:
        """Three squares side by side."""
        if self._sum is None:
            return {}
        rows, columns = self._sum.inputs.shape
        side = min(SIDE, (self.width() - 3 * SIGN - BARS) / 3)
        cell = (side / columns, SIDE / rows)
        return {
            name: MatrixGrid.of(1 + place * (side + SIGN), TOP, rows, columns, cell)
            for place, name in enumerate(("inputs", "weights", "products"))
        }

    def describe(self) -> str:
        """Return the current product."""
        name, row, column = self.current
        if self._sum is None or not name:
            return ""
        x, w = float(self._sum.inputs[row, column]), float(self._sum.weights[row, column])
        return f"Under the mouse: {number(x)} × {number(w)} = {number(x * w)}."

    def paint(self, painter: QPainter) -> None:
        """Paint the matrices, the signs and the bars; rows that are still to come fade."""
        if self._sum is None:
            return
        grids = self.grids()
        shown: dict[str, tuple[Array, str]] = {
            "inputs": (self._sum.inputs, "×"),
            "weights": (self._sum.weights, "="),
            "products": (self._sum.products, "→"),
        }
        done = np.zeros(self._sum.inputs.shape, bool)
        done[: self._rows] = True
        for name, (values, sign) in shown.items():
            grid = grids[name]
            lit = done if name == "products" else None
            paint_matrix(painter, grid, values, ramps.reach(values), 2, lit)
            write_title(painter, grid, name)
            if 0 < self._rows < len(values):
                frame(painter, grid.row(self._rows - 1).adjusted(-2, 0, 2, 0), "text", 1.5)
            if self.current[0] in grids:
                cell = grid.cell(*self.current[1:])
                frame(painter, cell.adjusted(-1, -1, 1, 1), "text", 2)
            place = QRectF(grid.area.right(), TOP, SIGN, SIDE)
            write(painter, place, sign, "muted", 16, where=CENTRE)
        self._paint_bars(painter, self._sum, grids["products"])

    def _paint_bars(self, painter: QPainter, what: WeightedSum, products: MatrixGrid) -> None:
        """Paint the sum of each row as a bar to the right or, below zero, to the left."""
        now, sums = theme.current(), what.rows
        left = products.area.right() + SIGN
        area = QRectF(left, TOP, self.width() - left - 4, SIDE)
        write_title(painter, MatrixGrid(area, 1, 1), f"sum of each {what.row}")
        middle, most = area.center().x(), float(np.abs(sums).max()) or 1.0
        painter.setPen(Qt.PenStyle.NoPen)
        for row, value in enumerate(sums.tolist()):
            place = products.row(row)
            end = middle + value / most * (area.width() / 2 - 6)
            bar = QRectF(QPointF(middle, place.top()), QPointF(end, place.bottom()))
            bar = bar.normalized().adjusted(0, products.high * 0.12, 0, -products.high * 0.12)
            alpha = 255 if row < self._rows else 50
            painter.setBrush(now.colour("activation" if value > 0 else "gradient", alpha))
            painter.drawRect(bar)
        painter.setPen(QPen(now.colour("faint"), 1))
        painter.drawLine(QPointF(middle, area.top()), QPointF(middle, area.bottom()))
