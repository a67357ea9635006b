"""A one-hot vector times the embedding table of the names network."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter

from core.lessons.matrix_products import embedding_table, multi_hot
from core.numbers import number
from core.telemetry.events import Array
from gui.charts import colormaps as ramps
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
from gui.lessons.network_part import NetworkPart
from gui.lessons.prose import Prose

NO_TABLE = (
    "The network of the Names page counts bigrams and has no embedding. Train an **mlp** there, or"
    " open another network, and its table is shown here."
)
MAX_LETTERS = 40
HIGH = 14.0
LETTERS, ONES, SIGN = 34.0, 30.0, 30.0
TOP, UNDER = TITLE + 8.0, 34.0
RESULT = 26.0


class Part(NetworkPart):
    """The vector, the table, and their product."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(context, "names", "Embedding: a one-hot vector times a table")
        self.setObjectName("lookupPart")
        self.board = LookupBoard()
        self.words = Prose("", 14)
        for widget in (self.board, self.words, self.source):
            self.body.addWidget(widget)
        self.board.changed.connect(self._describe)

    def refresh(self) -> None:
        """Show the table of the network with its present weights."""
        replica = self.session.unchanged_replica()
        table = None if self.session.weights is None else embedding_table(replica.model)
        letters = "" if table is None else replica.model.alphabet.letters
        self.board.setVisible(table is not None)
        self.board.show_table(letters, table)
        self._describe()

    def _describe(self) -> None:
        if self.board.table is None:
            self.words.say(NO_TABLE if self.session.weights is not None else "")
            return
        rows, columns = self.board.table.shape
        chosen = [self.board.letters[i] for i in self.board.chosen]
        if len(chosen) == 1:
            zeros = (rows - 1) * columns
            self.words.say(
                f"One-hot: a 1 at “{chosen[0]}”. Of {rows * columns:,} products {zeros:,} are with"
                f" 0, so the result is the table's row of index {self.board.chosen[0]}. Programs"
                " don't multiply here; they index that row."
            )
        elif chosen:
            names = " and ".join(f"“{letter}”" for letter in chosen)
            self.words.say(
                f"{len(chosen)} ones, at {names}: their rows are added. A look-up could not do"
                " that; a matrix product does."
            )
        else:
            self.words.say("Nothing but zeros: the result is zero.")


class LookupBoard(Board):
    """Letters, their vector x, the table, and ``x @ table`` under it."""

    changed = Signal()
    """The vector."""

    def __init__(self) -> None:
        super().__init__(
            "lessonLookup",
            "A one-hot vector times the embedding table",
            "Click a letter to look up its row of the table. Click a 0 or a 1 in the column beside"
            " it to change that one alone: two ones add two rows.",
        )
        self.table: Array | None = None
        self.letters = ""
        self.chosen: list[int] = []
        """The letters with a 1."""

    def show_table(self, letters: str, table: Array | None) -> None:
        """Show a table (V, E), a row for each letter; None for none."""
        if letters != self.letters:
            self.letters = letters
            self.chosen = [min(1, len(letters) - 1)] if letters else []
            self.current = ("letters", self.chosen[0], 0) if letters else ("", 0, 0)
        self.table = table
        self.setFixedHeight(round(TOP + self._rows * HIGH + UNDER + RESULT + 4))
        self.refresh()

    @property
    def _rows(self) -> int:
        return min(MAX_LETTERS, len(self.letters))

    def grids(self) -> Mapping[str, MatrixGrid]:
        """The letters, the vector beside them, the table, and the result under it."""
        if self.table is None:
            return {}
        rows, columns = self._rows, self.table.shape[1]
        left = LETTERS + ONES + SIGN
        wide = (self.width() - left - 4) / columns
        under = TOP + rows * HIGH + UNDER
        return {
            "letters": MatrixGrid.of(0, TOP, rows, 1, (LETTERS, HIGH)),
            "ones": MatrixGrid.of(LETTERS, TOP, rows, 1, (ONES, HIGH)),
            "table": MatrixGrid.of(left, TOP, rows, columns, (wide, HIGH)),
            "result": MatrixGrid.of(left, under, 1, columns, (wide, RESULT)),
        }

    def describe(self) -> str:
        """Return the current number in words."""
        if self.table is None:
            return "There is no table."
        name, row, column = self.current
        letter = f"“{self.letters[row]}”" if row < len(self.letters) else ""
        if name == "result":
            value = number(float(self.result()[column]))
            return f"Dimension {column} of the result is {value}."
        if name == "table":
            value = number(float(self.table[row, column]))
            return f"Dimension {column} of the embedding of {letter} is {value}, as learned."
        return f"{letter} is {'1' if row in self.chosen else '0'} in the vector."

    def result(self) -> Array:
        """Return x @ table, (E,)."""
        assert self.table is not None
        result: Array = multi_hot(len(self.table), *self.chosen) @ self.table
        return result

    def paint(self, painter: QPainter) -> None:
        """Paint the four, with the rows that are multiplied by 0 faded."""
        if self.table is None:
            return
        grids, rows = self.grids(), self._rows
        limit = ramps.reach(self.table)
        table, result = grids["table"], grids["result"]
        chosen = [row for row in self.chosen if row < rows]
        lit = np.zeros((rows, self.table.shape[1]), bool)
        lit[chosen] = True
        paint_matrix(painter, table, self.table[:rows], limit, 1, lit)
        paint_matrix(painter, result, self.result()[None], limit, 1)
        for row in range(rows):
            on = row in self.chosen
            role = "text" if on else "muted" if self.current[:2] == ("letters", row) else "faint"
            place = grids["letters"].cell(row, 0)
            write(painter, place, self.letters[row], role, 12, on, CENTRE)
            write(painter, grids["ones"].cell(row, 0), "1" if on else "0", role, 12, on, CENTRE)
            if on:
                beside = QRectF(LETTERS + ONES, place.top(), SIGN, HIGH)
                write(painter, beside, "×", "muted", where=CENTRE)
        height, width = self.table.shape
        write_title(painter, grids["ones"], "x")
        write_title(painter, table, "embedding table", f"{height} × {width}, as learned")
        write_title(painter, result, "x @ table", f"1 × {width}")
        for row in chosen:
            frame(painter, table.row(row).adjusted(-2, 0, 2, 0), "text", 1.5)
        name, row, column = self.current
        if name in ("table", "result"):
            frame(painter, grids[name].cell(row, column).adjusted(-1, -1, 1, 1), "text", 1.5)

    def choose(self) -> None:
        """Choose a letter, or change one number of the vector."""
        name, row, _ = self.current
        if name in ("letters", "table"):
            self.chosen = [row]
        elif name == "ones":
            self.chosen = sorted({row} ^ set(self.chosen))
        self.refresh()
        self.changed.emit()
