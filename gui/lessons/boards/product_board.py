"""The board of a small layer: x at the left, W above, and y where row and column meet.

(The arrangement is Falk's, 1951.)
"""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QKeyEvent, QMouseEvent, QPainter

from core.lessons.product import LARGEST, MOST, Sizes
from core.numbers import number
from core.telemetry.events import Array
from gui import theme
from gui.lessons.boards.board import Board
from gui.lessons.boards.matrix import Grid, cross, frame, paint_matrix, write, write_title
from gui.lessons.boards.product_grips import dragged_size, edges, paint_grips
from gui.lessons.boards.product_sum import paint_sum

CELL = (46.0, 32.0)
LEFT, TOP = 8.0, 28.0
GAP = 14.0
LIMITS = {"x": LARGEST, "w": LARGEST, "b": LARGEST, "y": 15.0}
FEW = 2  # columns, beside which there is room for words
HELP = (
    "Point at a number of y to see how it is summed. Drag the outer edges to change the sizes."
    " Click a number of x, W or b to make it larger, with the right button smaller (or press + and"
    " −)."
)
TOP_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ProductBoard(Board):
    """Paints the four matrices, and the sum of the cell that is pointed at."""

    dragged = Signal(str, int)
    """A size was dragged: which, and how large it is now."""
    turned = Signal(str, int, int, int)
    """A number is to be turned: matrix, row, column, and by how much."""

    def __init__(self) -> None:
        super().__init__("productBoard", "x @ W + b", HELP)
        self._matrices: Mapping[str, Array] = {}
        self._sizes = Sizes()
        self._held = ""
        """The size that is being dragged."""
        self.spot = ("y", 0, 0)
        self.setFixedHeight(round(TOP + MOST * CELL[1] + 2 * GAP + (MOST + 1) * CELL[1] + 26))

    def show_layer(self, matrices: Mapping[str, Array], sizes: Sizes) -> None:
        """Show x, w, b, and y where there is one."""
        self._matrices, self._sizes = matrices, sizes
        name, row, column = self.spot
        grids = self.grids()
        grid = grids.get(name, grids["x"])
        self.spot = (
            name if name in grids else "y",
            min(row, grid.rows - 1),
            min(column, grid.columns - 1),
        )
        self.setAccessibleDescription(self.describe())
        self.update()

    def sizeHint(self) -> QSize:
        """Be as wide as the column."""
        return QSize(860, self.height())

    def grids(self) -> Mapping[str, Grid]:
        """Lay x and W out so that the rows of one meet the columns of the other."""
        sizes = self._sizes
        wide, high = CELL
        right, below = LEFT + MOST * wide + GAP, TOP + MOST * high + GAP
        found = {
            "x": Grid.of(
                right - GAP - sizes.inputs * wide,
                below + high + GAP,
                sizes.batch,
                sizes.inputs,
                CELL,
            ),
            "w": Grid.of(right, below - GAP - sizes.rows * high, sizes.rows, sizes.outputs, CELL),
            "b": Grid.of(right, below, 1, sizes.outputs, CELL),
        }
        if sizes.fits:
            found["y"] = Grid.of(right, below + high + GAP, sizes.batch, sizes.outputs, CELL)
        return found

    # What is said.

    def describe(self) -> str:
        """Say the sum, or where a number goes."""
        if not self._sizes.fits:
            return self._sizes.misfit()
        name, row, column = self.spot
        sizes = self._sizes
        value = number(float(self._matrices[name][row, column]))
        if name == "x":
            return (
                f"Input {column + 1} of example {row + 1} is {value}. It goes into all"
                f" {sizes.outputs} outputs of its row, each time by the weight in row"
                f" {column + 1} of W."
            )
        if name == "w":
            return (
                f"The weight from input {row + 1} to output {column + 1} is {value}. All"
                f" {sizes.batch} examples go through the same one."
            )
        if name == "b":
            return f"{value} is added to output {column + 1} of every example."
        return f"y is {self._spelled(row, column)} = {value}"

    def _spelled(self, row: int, column: int) -> str:
        m = self._matrices
        pairs = zip(m["x"][row].tolist(), m["w"][:, column].tolist(), strict=True)
        sums = " + ".join(f"{number(x)}·{number(w)}" for x, w in pairs)
        return f"{sums} + {number(float(m['b'][0, column]))}"

    # What is painted.

    def paint(self, painter: QPainter) -> None:
        """Paint the matrices, what is lit in them, and the sum beside them."""
        grids = self.grids()
        for name, grid in grids.items():
            values = self._matrices[name]
            paint_matrix(painter, grid, values, LIMITS[name], lit=self._lit(name, grid))
        self._paint_titles(painter, grids)
        paint_grips(painter, self.grips(), self._held)
        self._paint_words(painter)
        if self._sizes.fits:
            self._paint_lit(painter, grids)
        else:
            self._paint_misfit(painter, grids)

    def _lit(self, name: str, grid: Grid) -> Array | None:
        """Return which cells of a matrix have to do with what is pointed at."""
        if not self._sizes.fits:
            return None
        which, row, column = self.spot
        meant = {
            ("y", "x"): (row, None),
            ("y", "w"): (None, column),
            ("y", "b"): (None, column),
            ("x", "w"): (column, None),
            ("x", "y"): (row, None),
            ("w", "x"): (None, row),
            ("w", "y"): (None, column),
            ("b", "y"): (None, column),
        }
        if which == name:
            mask = np.zeros((grid.rows, grid.columns), bool)
            mask[row, column] = True
            return mask
        return cross(grid, *meant.get((which, name), (None, None)))

    def _paint_lit(self, painter: QPainter, grids: Mapping[str, Grid]) -> None:
        name, row, column = self.spot
        frame(painter, grids[name].cell(row, column), "text", 2)
        if name == "y":
            frame(painter, grids["x"].row(row), "text", 1.5)
            frame(painter, grids["w"].column(column), "text", 1.5)

    def _paint_titles(self, painter: QPainter, grids: Mapping[str, Grid]) -> None:
        sizes = self._sizes
        area = grids["x"].area
        above = QRectF(LEFT, area.top() - 22, area.right() - LEFT, 18)
        write(painter, above, "x", "text", 13, True, RIGHT)
        words = f"{sizes.batch} × {sizes.inputs}, a row an example"
        write(painter, above.adjusted(0, 0, -16, 0), words, where=RIGHT)
        write_title(painter, grids["w"], "W", f"{sizes.rows} × {sizes.outputs}, a column a unit")
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

    def _paint_words(self, painter: QPainter) -> None:
        """Write out the sum that is pointed at, or say where a number goes."""
        name, row, column = self.spot
        m, place = self._matrices, self._beside()
        if name != "y" or not self._sizes.fits:
            write(painter, place, self.describe(), "text", 14, where=TOP_LEFT, wrap=True)
            return
        terms = list(zip(m["x"][row].tolist(), m["w"][:, column].tolist(), strict=True))
        title = f"y in row {row + 1}, column {column + 1}"
        paint_sum(painter, place.topLeft(), terms, float(m["b"][0, column]), title)

    def _beside(self) -> QRectF:
        """Return the room beside the matrices."""
        left = LEFT + 2 * MOST * CELL[0] + 2 * GAP + 70
        return QRectF(left, TOP - 22, self.width() - left - 8, self.height() - TOP)

    def _paint_misfit(self, painter: QPainter, grids: Mapping[str, Grid]) -> None:
        """Hatch what finds no partner, and leave a hole for the result."""
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
        write(painter, hole, "?", "fault", 20, True, Qt.AlignmentFlag.AlignCenter)

    # Dragging.

    def grips(self) -> Mapping[str, QRectF]:
        """Return the edges that can be dragged, by the size that they change."""
        grids = self.grids()
        return edges(grids["x"], grids["w"])

    def _grip_at(self, point: QPointF) -> str:
        return next((name for name, edge in self.grips().items() if edge.contains(point)), "")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of an edge, or turn a number."""
        self._held = self._grip_at(event.position())
        spot = self.spot_at(event.position())
        if not self._held and spot:
            self.point_at(*spot)
            self._turn(1 if event.button() == Qt.MouseButton.LeftButton else -1)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag an edge; or point at a cell."""
        if not self._held:
            grip = self._grip_at(event.position())
            flat = Qt.CursorShape.SizeVerCursor, Qt.CursorShape.SizeHorCursor
            self.setCursor(
                flat[grip in ("inputs", "outputs")] if grip else Qt.CursorShape.ArrowCursor
            )
            super().mouseMoveEvent(event)
            return
        grids = self.grids()
        size = dragged_size(self._held, event.position(), grids["x"], grids["w"])
        if size != getattr(self._sizes, self._held):
            self.dragged.emit(self._held, size)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the edge go."""
        self._held = ""
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Turn the number that is pointed at with + and -."""
        if event.text() in ("+", "-"):
            self._turn(1 if event.text() == "+" else -1)
        else:
            super().keyPressEvent(event)

    def _turn(self, by: int) -> None:
        name, row, column = self.spot
        if name in ("x", "w", "b"):
            self.turned.emit(name, row, column, by)
