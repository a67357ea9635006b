"""A small layer, y = x @ W + b: its sizes can be dragged, its numbers changed, its sums read.

The matrices stand so that each number of y is where its row of x meets its column of W (Falk's
scheme, 1951).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from core.lessons.matrix_products import MAX_SIZE, MAX_VALUE, ProductSizes, SmallLayer
from core.numbers import fixed, number
from core.telemetry.events import Array
from gui import theme
from gui.inputs import SpinBox
from gui.lessons.board import (
    CENTRE,
    RIGHT,
    Board,
    MatrixGrid,
    cross,
    frame,
    paint_matrix,
    paint_tile,
    tint,
    write,
    write_title,
)
from gui.lessons.context import LessonContext
from gui.theme import IconButton
from gui.widgets.buttons import identified
from gui.widgets.card import Card, label

FIELDS = {
    "batch": "Batch size: the rows of x.",
    "inputs": "Inputs of an example: the columns of x.",
    "rows": "Inputs that a unit expects: the rows of W.",
    "outputs": "Units of the layer: the columns of W.",
}
LINKED = "inner sizes equal"
CELL = (46.0, 32.0)
LEFT, TOP = 8.0, 28.0
GAP = 14.0
LIMITS = {"x": MAX_VALUE, "w": MAX_VALUE, "b": MAX_VALUE, "y": 15.0}
FEW = 2  # columns, beside which there is room for words
TOP_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
GRIP = 10.0  # pixels around an edge that can be dragged
LONG, THICK = 22.0, 4.0  # pixels of a grip
FACTOR = (42.0, 32.0)  # pixels of a factor in the sum that is written out
SIGN = 26.0  # pixels of a sign between factors
HIGHLIGHTS = {
    ("y", "x"): "row by row",
    ("y", "w"): "column by column",
    ("y", "b"): "column by column",
    ("x", "w"): "row by column",
    ("x", "y"): "row by row",
    ("w", "x"): "column by row",
    ("w", "y"): "column by column",
    ("b", "y"): "column by column",
}
"""By the matrix of the current cell and another one: what is highlighted there, by which index."""


class Part(Card):
    """The formula with its sizes as fields, and the matrices below."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__()
        self.setObjectName("productPart")
        self.layer, self.sizes = SmallLayer(), ProductSizes()
        self.board = ProductBoard()
        self.fields = {name: _field(name, help) for name, help in FIELDS.items()}
        self.result = label("", "heading")
        self.linked = identified(
            QCheckBox(LINKED),
            "productTogether",
            LINKED,
            "Switch this off to change the columns of x and the rows of W independently, and see"
            " what happens when they differ.",
        )
        self.linked.setChecked(True)
        reset = IconButton("reset", "Reset. Restores the initial numbers and sizes.")
        reset.setObjectName("productReset")
        reset.clicked.connect(self._reset)
        row = QHBoxLayout()
        row.setSpacing(6)
        fields = self.fields
        for piece in (
            *("y  =  x (", fields["batch"], "×", fields["inputs"], ")  @  W ("),
            *(fields["rows"], "×", fields["outputs"], ")  +  b", self.result),
        ):
            row.addWidget(piece if isinstance(piece, QWidget) else label(piece, "heading"))
        row.addStretch(1)
        row.addWidget(self.linked)
        row.addWidget(reset)
        self.body.addLayout(row)
        self.body.addWidget(self.board)
        for name, field in fields.items():
            field.valueChanged.connect(lambda size, name=name: self.resize_to(name, size))
        self.linked.toggled.connect(
            lambda linked: self.resize_to("rows", self.sizes.inputs) if linked else None
        )
        self.board.sizeDragged.connect(self.resize_to)
        self.board.incremented.connect(self._increment)
        self._show()

    def resize_to(self, which: str, size: int) -> None:
        """Change a size."""
        self.sizes = self.sizes.change(which, size, self.linked.isChecked())
        self._show()

    def _increment(self, name: str, row: int, column: int, by: int) -> None:
        self.layer.increment(name, row, column, by)
        self._show()

    def _reset(self) -> None:
        self.layer, self.sizes = SmallLayer(), ProductSizes()
        self.linked.setChecked(True)
        self._show()

    def _show(self) -> None:
        for name, field in self.fields.items():
            field.blockSignals(True)
            field.setValue(getattr(self.sizes, name))
            field.blockSignals(False)
        sizes = self.sizes
        self.result.setText(f"→  y ({sizes.batch} × {sizes.outputs})" if sizes.match else "→  ?")
        self.board.show_layer(self.layer.cut(sizes), sizes)

    def abandon(self) -> None:
        """Nothing runs here."""


def _field(name: str, help: str) -> SpinBox:
    made = identified(SpinBox(), f"product_{name}", help, help)
    made.setRange(1, MAX_SIZE)
    made.setAlignment(Qt.AlignmentFlag.AlignCenter)
    made.setFixedWidth(42)
    return made


class ProductBoard(Board):
    """The four matrices, and the sum of the current cell."""

    sizeDragged = Signal(str, int)
    """An edge was dragged: which size, and its new value."""
    incremented = Signal(str, int, int, int)
    """A number is to change: matrix, row, column, and by how much."""

    def __init__(self) -> None:
        super().__init__(
            "productBoard",
            "x @ W + b",
            "Hover over a number of y to see its sum. Drag the outer edges to change the sizes."
            " Click a number of x, W or b to increase it, with the right button to decrease it (or"
            " press + and −).",
        )
        self._matrices: Mapping[str, Array] = {}
        self._sizes = ProductSizes()
        self._held = ""
        """The size that is being dragged."""
        self.current = ("y", 0, 0)
        high = (2 * MAX_SIZE + 1) * CELL[1]
        self.setFixedHeight(round(TOP + high + 2 * GAP + 26))

    def show_layer(self, matrices: Mapping[str, Array], sizes: ProductSizes) -> None:
        """Show x, w, b, and y if the sizes match."""
        self._matrices, self._sizes = matrices, sizes
        name, row, column = self.current
        grids = self.grids()
        grid = grids.get(name, grids["x"])
        name = name if name in grids else "y"
        self.current = (name, min(row, grid.rows - 1), min(column, grid.columns - 1))
        self.refresh()

    def grids(self) -> Mapping[str, MatrixGrid]:
        """Place x left of y and W above it."""
        sizes = self._sizes
        wide, high = CELL
        right, below = LEFT + MAX_SIZE * wide + GAP, TOP + MAX_SIZE * high + GAP
        low, left = below + high + GAP, right - GAP - sizes.inputs * wide
        above = below - GAP - sizes.rows * high
        found = {
            "x": MatrixGrid.of(left, low, sizes.batch, sizes.inputs, CELL),
            "w": MatrixGrid.of(right, above, sizes.rows, sizes.outputs, CELL),
            "b": MatrixGrid.of(right, below, 1, sizes.outputs, CELL),
        }
        if sizes.match:
            found["y"] = MatrixGrid.of(right, low, sizes.batch, sizes.outputs, CELL)
        return found

    def describe(self) -> str:
        """Return the sum of an output, or the use of an input, weight or bias."""
        if not self._sizes.match:
            return self._sizes.mismatch()
        name, row, column = self.current
        sizes = self._sizes
        value = number(float(self._matrices[name][row, column]))
        if name == "x":
            return (
                f"Input {column} of example {row} is {value}. It goes into all"
                f" {sizes.outputs} outputs of its row, multiplied by the weights in row"
                f" {column} of W."
            )
        if name == "w":
            return (
                f"The weight from input {row} to output {column} is {value}. All"
                f" {sizes.batch} examples use the same one."
            )
        if name == "b":
            return f"{value} is added to output {column} of every example."
        terms, bias = self._terms(row, column)
        products = " + ".join(f"{number(x)}·{number(w)}" for x, w in terms)
        return f"y is {products} + {number(bias)} = {value}"

    def _terms(self, row: int, column: int) -> tuple[list[tuple[float, float]], float]:
        """Return the factors and the bias of an output."""
        m = self._matrices
        pairs = zip(m["x"][row].tolist(), m["w"][:, column].tolist(), strict=True)
        return list(pairs), float(m["b"][0, column])

    def paint(self, painter: QPainter) -> None:
        """Paint the matrices, what is highlighted in them, and the sum beside them."""
        grids = self.grids()
        for name, grid in grids.items():
            values = self._matrices[name]
            paint_matrix(painter, grid, values, LIMITS[name], lit=self._lit(name, grid))
        self._paint_titles(painter, grids)
        self._paint_grips(painter)
        name, row, column = self.current
        left = LEFT + 2 * MAX_SIZE * CELL[0] + 2 * GAP + 70
        beside = QRectF(left, TOP - 22, self.width() - left - 8, self.height() - TOP)
        if name == "y" and self._sizes.match:
            title = f"y[{row}, {column}]"
            _paint_sum(painter, beside.topLeft(), *self._terms(row, column), title)
        else:
            write(painter, beside, self.describe(), "text", 14, where=TOP_LEFT, wrap=True)
        if not self._sizes.match:
            self._paint_mismatch(painter, grids)
            return
        frame(painter, grids[name].cell(row, column), "text", 2)
        if name == "y":
            frame(painter, grids["x"].row(row), "text", 1.5)
            frame(painter, grids["w"].column(column), "text", 1.5)

    def _lit(self, name: str, grid: MatrixGrid) -> Array | None:
        """Return which cells of a matrix belong to the current one."""
        if not self._sizes.match:
            return None
        current, row, column = self.current
        if current == name:
            mask = np.zeros((grid.rows, grid.columns), bool)
            mask[row, column] = True
            return mask
        highlight = HIGHLIGHTS.get((current, name), "")
        index = row if highlight.endswith("row") else column
        if highlight.startswith("row"):
            return cross(grid, row=index)
        return cross(grid, column=index) if highlight else cross(grid)

    def _paint_titles(self, painter: QPainter, grids: Mapping[str, MatrixGrid]) -> None:
        sizes = self._sizes
        area = grids["x"].area
        above = QRectF(LEFT, area.top() - 22, area.right() - LEFT, 18)
        write(painter, above, "x", "text", 13, True, RIGHT)
        words = f"{sizes.batch} × {sizes.inputs}, a row per example"
        write(painter, above.adjusted(0, 0, -16, 0), words, where=RIGHT)
        write_title(painter, grids["w"], "W", f"{sizes.rows} × {sizes.outputs}, a column per unit")
        aside = grids["b"].area
        aside = QRectF(aside.right() + 10, aside.top(), 260, aside.height())
        write(painter, aside, "b", "text", 13, strong=True)
        words = f"1 × {sizes.outputs}" + (", added to each row" if sizes.outputs <= FEW else "")
        write(painter, aside.adjusted(16, 0, 0, 0), words)
        if "y" in grids:
            area = grids["y"].area
            under = QRectF(area.left(), area.bottom() + 4, 300, 18)
            write(painter, under, "y", "text", 13, strong=True)
            write(painter, under.adjusted(16, 0, 0, 0), f"{sizes.batch} × {sizes.outputs}")

    def _paint_mismatch(self, painter: QPainter, grids: Mapping[str, MatrixGrid]) -> None:
        """Hatch the cells without a partner, and leave the result empty."""
        sizes, now = self._sizes, theme.current()
        shorter = min(sizes.inputs, sizes.rows)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QBrush(now.colour("fault"), Qt.BrushStyle.BDiagPattern))
        for k in range(shorter, sizes.inputs):
            painter.drawRect(grids["x"].column(k))
        for k in range(shorter, sizes.rows):
            painter.drawRect(grids["w"].row(k))
        corner = grids["b"].area
        hole = QRectF(corner.left(), corner.bottom() + GAP, corner.width(), sizes.batch * CELL[1])
        frame(painter, hole, "fault")
        write(painter, hole, "?", "fault", 20, True, CENTRE)

    def grips(self) -> Mapping[str, QRectF]:
        """Return the outer edges, by the size that each changes: the inner corner is fixed."""
        grids = self.grids()
        x, w = grids["x"].area, grids["w"].area
        return {
            "batch": QRectF(x.left(), x.bottom() - GRIP / 2 + 3, x.width(), GRIP),
            "inputs": QRectF(x.left() - GRIP + 2, x.top(), GRIP, x.height()),
            "rows": QRectF(w.left(), w.top() - GRIP + 3, w.width(), GRIP),
            "outputs": QRectF(w.right() - 2, w.top(), GRIP, w.height()),
        }

    def _paint_grips(self, painter: QPainter) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        for name, edge in self.grips().items():
            painter.setBrush(
                theme.current().colour("activation" if name == self._held else "faint")
            )
            flat = edge.width() > edge.height()
            pill = QRectF(0, 0, *((LONG, THICK) if flat else (THICK, LONG)))
            pill.moveCenter(edge.center())
            painter.drawRoundedRect(pill, 2, 2)

    def _grip_at(self, point: QPointF) -> str:
        return next((name for name, edge in self.grips().items() if edge.contains(point)), "")

    def _dragged_size(self, point: QPointF) -> int:
        """Return the size whose edge is dragged to a point."""
        x, w = self.grids()["x"].area, self.grids()["w"].area
        sizes = {
            "batch": (point.y() - x.top()) / CELL[1],
            "inputs": (x.right() - point.x()) / CELL[0],
            "rows": (w.bottom() - point.y()) / CELL[1],
            "outputs": (point.x() - w.left()) / CELL[0],
        }
        return min(MAX_SIZE, max(1, round(sizes[self._held])))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to drag an edge, or change a number."""
        self._held = self._grip_at(event.position())
        cell = self.cell_at(event.position())
        if not self._held and cell:
            self.set_current(*cell)
            self._increment(1 if event.button() == Qt.MouseButton.LeftButton else -1)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag an edge; or make a cell current."""
        if not self._held:
            grip = self._grip_at(event.position())
            flat = Qt.CursorShape.SizeVerCursor, Qt.CursorShape.SizeHorCursor
            self.setCursor(
                flat[grip in ("inputs", "outputs")] if grip else Qt.CursorShape.ArrowCursor
            )
            super().mouseMoveEvent(event)
            return
        size = self._dragged_size(event.position())
        if size != getattr(self._sizes, self._held):
            self.sizeDragged.emit(self._held, size)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End dragging."""
        self._held = ""
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Change the current number with + and -."""
        if event.text() in ("+", "-"):
            self._increment(1 if event.text() == "+" else -1)
        else:
            super().keyPressEvent(event)

    def _increment(self, by: int) -> None:
        name, row, column = self.current
        if name in ("x", "w", "b"):
            self.incremented.emit(name, row, column, by)


def _paint_sum(
    painter: QPainter,
    corner: QPointF,
    terms: Sequence[tuple[float, float]],
    bias: float,
    title: str,
) -> None:
    """Write out ``x * w + x * w + ... + b``, a term per line."""
    (wide, high), left, top = FACTOR, corner.x(), corner.y()

    def paint_factor(x: float, value: float) -> None:
        painter.setFont(theme.font(13))
        colour = tint(value, MAX_VALUE)
        paint_tile(painter, QRectF(x, top, wide, high), colour, fixed(value, 0))

    def paint_number(x: float, sign: str, value: float, strong: bool = False) -> None:
        write(painter, QRectF(x, top, SIGN, high), sign, where=CENTRE)
        place = QRectF(x + SIGN, top, wide - 8, high)
        write(painter, place, fixed(value, 0), "text", 15 if strong else 13, strong, RIGHT)

    write(painter, QRectF(left, top, 360, 20), title, "text", 13, strong=True)
    second, third = left + wide + SIGN, left + 2 * (wide + SIGN)
    top += 26
    for x, w in terms:
        paint_factor(left, x)
        write(painter, QRectF(left + wide, top, SIGN, high), "×", where=CENTRE)
        paint_factor(second, w)
        paint_number(second + wide, "=", x * w)
        top += high + 2
    paint_factor(second, bias)
    write(painter, QRectF(left, top, wide + SIGN - 8, high), "b", where=RIGHT)
    paint_number(second + wide, "+", bias)
    top += high + 4
    painter.setPen(theme.current().colour("muted"))
    painter.drawLine(QPointF(third, top), QPointF(third + wide, top))
    top += 4
    paint_number(second + wide, "=", sum(x * w for x, w in terms) + bias, strong=True)
