"""The board of a look-up: a column of zeros with a one in it, a table, and the row that is left."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter

from core.numbers import number
from core.telemetry.events import Array
from gui.charts import colormaps as ramps
from gui.lessons.boards.board import ChoosingBoard
from gui.lessons.boards.matrix import TALL, Grid, frame, paint_matrix, write, write_title

MOST = 40  # letters that are shown
HIGH = 14.0
LETTERS, ONES, SIGN = 34.0, 30.0, 30.0
TOP, UNDER = TALL + 8.0, 34.0
RESULT = 26.0
HELP = (
    "Click a letter, and its row of the table is left. Click a 0 or a 1 in the column beside it to"
    " change that one alone: two ones add two rows."
)


class LookupBoard(ChoosingBoard):
    """Letters, their vector x, the table, and ``x @ table`` under it."""

    changed = Signal()
    """Other ones stand in the vector."""

    def __init__(self) -> None:
        super().__init__("lessonLookup", "A letter times the table of letters", HELP)
        self.table: Array | None = None
        self.letters = ""
        self.chosen: list[int] = []
        """The letters with a 1."""

    def show_table(self, letters: str, table: Array | None) -> None:
        """Show a table (V, E), a row for each letter; None for none."""
        if letters != self.letters:
            self.letters = letters
            self.chosen = [min(1, len(letters) - 1)] if letters else []
            self.spot = ("letters", self.chosen[0], 0) if letters else ("", 0, 0)
        self.table = table
        self.setFixedHeight(round(TOP + self._shown() * HIGH + UNDER + RESULT + 4))
        self.setAccessibleDescription(self.describe())
        self.update()

    def _shown(self) -> int:
        return min(MOST, len(self.letters))

    def sizeHint(self) -> QSize:
        """Be as wide as the column."""
        return QSize(860, self.height())

    def grids(self) -> Mapping[str, Grid]:
        """The letters, the vector beside them, the table, and the result under it."""
        if self.table is None:
            return {}
        rows, columns = self._shown(), self.table.shape[1]
        left = LETTERS + ONES + SIGN
        wide = (self.width() - left - 4) / columns
        under = TOP + rows * HIGH + UNDER
        return {
            "letters": Grid.of(0, TOP, rows, 1, (LETTERS, HIGH)),
            "ones": Grid.of(LETTERS, TOP, rows, 1, (ONES, HIGH)),
            "table": Grid.of(left, TOP, rows, columns, (wide, HIGH)),
            "result": Grid.of(left, under, 1, columns, (wide, RESULT)),
        }

    def describe(self) -> str:
        """Say what is pointed at."""
        if self.table is None:
            return "There is no table."
        name, row, column = self.spot
        letter = f"“{self.letters[row]}”" if row < len(self.letters) else ""
        if name == "result":
            value = number(float(self.result()[column]))
            return f"Number {column + 1} of the result is {value}."
        if name == "table":
            value = number(float(self.table[row, column]))
            return f"Number {column + 1} of {letter} is {value}, as the network learned it."
        return f"{letter} is {'1' if row in self.chosen else '0'} in the vector."

    def result(self) -> Array:
        """Return what x @ table is, (E,)."""
        from core.lessons.embedding_lookup import ones

        assert self.table is not None
        result: Array = ones(len(self.table), *self.chosen) @ self.table
        return result

    def paint(self, painter: QPainter) -> None:
        """Paint the four, the rows that are multiplied with 0 pale."""
        if self.table is None:
            return
        grids, rows = self.grids(), self._shown()
        limit = ramps.reach(self.table)
        table, result = grids["table"], grids["result"]
        lit = np.zeros((rows, self.table.shape[1]), bool)
        lit[[row for row in self.chosen if row < rows]] = True
        paint_matrix(painter, table, self.table[:rows], limit, 1, lit)
        for row in range(rows):
            self._paint_letter(painter, grids, row)
        paint_matrix(painter, result, self.result()[None], limit, 1)
        height, wide = self.table.shape
        write_title(painter, grids["ones"], "x")
        write_title(painter, table, "table", f"{height} × {wide}, as it was learned")
        write_title(painter, result, "x @ table", f"1 × {wide}")
        for row in self.chosen:
            if row < rows:
                frame(painter, table.row(row).adjusted(-2, 0, 2, 0), "text", 1.5)
        name, row, column = self.spot
        if name in ("table", "result"):
            frame(painter, grids[name].cell(row, column).adjusted(-1, -1, 1, 1), "text", 1.5)

    def _paint_letter(self, painter: QPainter, grids: Mapping[str, Grid], row: int) -> None:
        on = row in self.chosen
        role = "text" if on else "muted" if self.spot[:2] == ("letters", row) else "faint"
        place = grids["letters"].cell(row, 0)
        centre = Qt.AlignmentFlag.AlignCenter
        write(painter, place, self.letters[row], role, 12, on, centre)
        write(painter, grids["ones"].cell(row, 0), "1" if on else "0", role, 12, on, centre)
        if on:
            beside = QRectF(LETTERS + ONES, place.top(), SIGN, HIGH)
            write(painter, beside, "×", "muted", where=centre)

    def choose(self) -> None:
        """Choose a letter, or change one number of the vector."""
        name, row, _ = self.spot
        if name == "letters" or name == "table":
            self.chosen = [row]
        elif name == "ones":
            self.chosen = sorted({row} ^ set(self.chosen))
        self.update()
        self.changed.emit()
