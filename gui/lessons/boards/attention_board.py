"""The board of attention: ``softmax(q @ k.T) @ v``, each matrix as it stands in the formula."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter

from core.lessons.attention import MOST, Look
from core.numbers import number, percent
from core.telemetry.events import Array
from gui.charts import colormaps as ramps
from gui.lessons.boards.board import Board
from gui.lessons.boards.matrix import TALL, Grid, cross, frame, paint_matrix, write, write_title

LABELS = 62.0  # pixels of the tokens beside a matrix
SIGN = 26.0
DEEP = 176.0  # pixels of a head's dimensions
TILE = (34.0, 24.0)
NARROW = 24.0  # pixels of a key
HEAD = 62.0  # pixels of the tokens above a matrix, and of its title
HELP = (
    "Point at a score to see the query and the key that made it, at a share to see what softmax"
    " made of the scores, at the result to see which values it was mixed of."
)
NORMED = (
    " This network makes all rows of q and k equally long first, so their products are small;"
    " without that one divides by the same number."
)


class AttentionBoard(Board):
    """Two products, one above the other, with a softmax on the way from the first to the second."""

    def __init__(self) -> None:
        super().__init__("lessonAttention", "Attention as two matrix products", HELP)
        self.words: list[str] = []
        self.look: Look | None = None
        self._matrices: dict[str, Array] = {}
        high = MOST * TILE[1]
        self._lower = HEAD + max(high, DEEP) + 40
        self.setFixedHeight(round(self._lower + high + 6))

    def show_look(self, words: list[str], look: Look) -> None:
        """Show what a head made of these tokens."""
        if len(words) != len(self.words):
            self.spot = ("scores", len(words) - 1, 0)
        self.words, self.look = words, look
        self._matrices = {
            "query": look.query,
            "key": look.key.T,
            "scores": look.scores,
            "shares": look.shares,
            "value": look.value,
            "seen": look.seen,
        }
        self.setAccessibleDescription(self.describe())
        self.update()

    def sizeHint(self) -> QSize:
        """Be as wide as the column."""
        return QSize(860, self.height())

    def grids(self) -> Mapping[str, Grid]:
        """The first product above, the second below."""
        if self.look is None:
            return {}
        count, deep = self.look.query.shape
        thin = DEEP / deep
        key = LABELS + DEEP + SIGN
        scores = key + count * NARROW + SIGN
        value = LABELS + count * TILE[0] + SIGN + LABELS
        top, low = HEAD, self._lower
        return {
            "query": Grid.of(LABELS, top, count, deep, (thin, TILE[1])),
            "key": Grid.of(key, top, deep, count, (NARROW, thin)),
            "scores": Grid.of(scores, top, count, count, TILE),
            "shares": Grid.of(LABELS, low, count, count, TILE),
            "value": Grid.of(value, low, count, deep, (thin, TILE[1])),
            "seen": Grid.of(value + DEEP + SIGN, low, count, deep, (thin, TILE[1])),
        }

    # What is said.

    def describe(self) -> str:
        """Say what is pointed at, and what it was made of."""
        if self.look is None:
            return ""
        name, row, column = self.spot
        value = float(self._matrices[name][row, column])
        if name in ("scores", "shares"):
            return self._describe_pair(name, row, column)
        if name == "seen":
            return (
                f"Number {column + 1} of what “{self.words[row]}” takes along: its shares times"
                f" column {column + 1} of the values, added up, is {number(value)}."
            )
        token, part = (column, row) if name == "key" else (row, column)
        return f"Number {part + 1} of the {name} of “{self.words[token]}” is {number(value)}."

    def _describe_pair(self, name: str, row: int, column: int) -> str:
        assert self.look is not None
        one, other = self.words[row], self.words[column]
        if column > row:
            return f"“{other}” comes after “{one}”: no token looks ahead, so there is no score."
        look = self.look
        score = float(look.scores[row, column])
        if name == "scores":
            fit = float(look.query[row] @ look.key[column])
            return (
                f"What “{one}” asks times what “{other}” offers: {look.query.shape[1]} products add"
                f" up to {number(fit)}; times {look.sharpness:.2f} that is {number(score)}."
                + (NORMED if look.sharpness > 1 else "")
            )
        share = float(look.shares[row, column])
        return (
            f"e to {number(score)}, divided by the sum over the row: “{one}” looks at “{other}”"
            f" with {percent(share, 1)}."
        )

    # What is painted.

    def paint(self, painter: QPainter) -> None:
        """Paint the six, their signs and their tokens."""
        if self.look is None:
            return
        grids = self.grids()
        for name, grid in grids.items():
            values = self._matrices[name]
            shares = name == "shares"
            shown = np.where(np.tri(len(values)) > 0, 100 * values, np.nan) if shares else values
            limit = 100.0 if shares else ramps.reach(values)
            digits = 0 if shares else 1
            paint_matrix(painter, grid, shown, limit, digits, self._lit(name, grid))
        self._paint_signs(painter, grids)
        self._paint_tokens(painter, grids)
        self._paint_titles(painter, grids)
        name, row, column = self.spot
        frame(painter, grids[name].cell(row, column), "text", 2)

    def _lit(self, name: str, grid: Grid) -> Array | None:
        """Return which cells have to do with what is pointed at; None for all."""
        which, row, column = self.spot
        if which == "scores" and name in ("query", "key"):
            return cross(grid, row, None) if name == "query" else cross(grid, None, column)
        if which == "shares" and name == "scores":
            return cross(grid, row)
        if which == "seen" and name in ("shares", "value"):
            return cross(grid, row, None) if name == "shares" else cross(grid, None, column)
        return None

    def _paint_signs(self, painter: QPainter, grids: Mapping[str, Grid]) -> None:
        high = len(self.words) * TILE[1]
        at_value = grids["value"].area.left() - LABELS
        for before, sign in (("query", "@"), ("key", "="), ("shares", "@"), ("value", "=")):
            area = grids[before].area
            right = at_value - SIGN if before == "shares" else area.right()
            place = QRectF(right, area.top(), SIGN, high)
            write(painter, place, sign, "muted", 15, where=Qt.AlignmentFlag.AlignCenter)

    def _paint_titles(self, painter: QPainter, grids: Mapping[str, Grid]) -> None:
        assert self.look is not None
        count, deep = self.look.query.shape
        names = {
            "query": ("queries", f"{count} × {deep}"),
            "shares": ("softmax of each row", "in %"),
            "value": ("values", f"{count} × {deep}"),
            "seen": ("what each takes along", f"{count} × {deep}"),
        }
        for name, titles in names.items():
            write_title(painter, grids[name], *titles)
        for name, words in (("key", "keys, turned"), ("scores", "scores")):
            place = QRectF(grids[name].area.left(), 0, 240, TALL)
            write(painter, place, words, "text", 13, strong=True)

    def _paint_tokens(self, painter: QPainter, grids: Mapping[str, Grid]) -> None:
        """Write the tokens beside the rows, and upright above the keys and scores."""
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for name in ("query", "shares", "value"):
            for row, word in enumerate(self.words):
                place = grids[name].cell(row, 0)
                beside = QRectF(place.left() - LABELS, place.top(), LABELS - 8, place.height())
                write(painter, beside, _cut(painter, word, LABELS - 8), "muted", 12, where=right)
        for name in ("key", "scores"):
            for column, word in enumerate(self.words):
                place = grids[name].cell(0, column)
                painter.save()
                painter.translate(QPointF(place.center().x(), place.top() - 4))
                painter.rotate(-90)
                room = HEAD - TALL - 6
                above = QRectF(0, -10, room, 20)
                write(painter, above, _cut(painter, word, room), "muted", 12)
                painter.restore()


def _cut(painter: QPainter, word: str, width: float) -> str:
    """Return a token, shortened where it is too long."""
    return painter.fontMetrics().elidedText(word, Qt.TextElideMode.ElideRight, round(width))
