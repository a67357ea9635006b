"""Attention in one head of the text network: softmax(q @ k.T) @ v, for a few typed tokens."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout, QLineEdit

from core.lessons.attention import EXAMPLE_TOKENS, MAX_TOKENS, HeadTrace, example, trace_head
from core.numbers import number, percent
from core.playgrounds.text.models import GPT
from core.telemetry.events import Array
from gui.charts import colormaps as ramps
from gui.inputs import ComboBox
from gui.lessons.board import (
    CENTRE,
    RIGHT,
    TITLE,
    Board,
    MatrixGrid,
    cross,
    frame,
    paint_matrix,
    write,
    write_title,
)
from gui.lessons.context import LessonContext
from gui.lessons.network_part import NetworkPart
from gui.lessons.prose import Prose
from gui.widgets.buttons import identified
from gui.widgets.card import label
from gui.widgets.token_text import shown

PROMPT = "To be, or not to be"
NO_ATTENTION = (
    "The network of the Text page has no attention, so this is a hand-made head: “it” finds a noun."
    " Train a **gpt** there to see a learned one."
)
NORMALISED = (
    " This network normalises the rows of q and k (QK norm), so the products are small and are"
    " scaled up; other networks divide by the square root of the head's dimensions."
)
LABELS = 62.0  # pixels of the tokens beside a matrix
SIGN = 26.0
DIMENSIONS = 176.0  # pixels of a head's dimensions
TILE = (34.0, 24.0)
NARROW = 24.0  # pixels of a key
HEAD = 62.0  # pixels of the title and the tokens above a matrix


class Part(NetworkPart):
    """A prompt, a layer and a head; its queries, keys, scores, weights, values and output."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(context, "text")
        self.setObjectName("attentionPart")
        self.prompt = identified(
            QLineEdit(PROMPT),
            "lessonPrompt",
            "Prompt",
            f"The first {MAX_TOKENS} tokens of this text are shown.",
        )
        self.prompt.setMaxLength(80)
        self.layer_box, self.head_box = _box("Layer"), _box("Head")
        self.board = AttentionBoard()
        self.words = Prose("", 14)
        self.words.setMinimumHeight(44)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label("Prompt"))
        row.addWidget(self.prompt, 1)
        row.addWidget(self.layer_box)
        row.addWidget(self.head_box)
        self.body.addLayout(row)
        for widget in (self.board, self.words, self.source):
            self.body.addWidget(widget)
        self.prompt.textChanged.connect(lambda text: self.refresh())
        self.board.currentChanged.connect(self._describe)
        for box in (self.layer_box, self.head_box):
            box.activated.connect(lambda index: self.refresh())

    def refresh(self) -> None:
        """Show the head on the prompt, with its present weights."""
        session = self.session
        model = session.unchanged_replica().model if session.weights is not None else None
        for field in (self.prompt, self.layer_box, self.head_box):
            field.setEnabled(isinstance(model, GPT))
        if isinstance(model, GPT):
            for box, count in ((self.layer_box, len(model.blocks)), (self.head_box, model.heads)):
                _fill(box, count)
            prompt = model.tokenizer.known(self.prompt.text())
            ids = model.tokenizer.encode(prompt)[: min(MAX_TOKENS, model.context)]
            tokens = ids.tolist() or [model.tokenizer.newline]
            words = [shown(model.tokenizer.bytes_of(token)) for token in tokens]
            layer, head = self.layer_box.currentIndex(), self.head_box.currentIndex()
            self.board.show_head(words, trace_head(model, tokens, layer, head))
        else:
            self.board.show_head(list(EXAMPLE_TOKENS), example())
        self._describe()

    def _describe(self) -> None:
        note = "" if self.prompt.isEnabled() else NO_ATTENTION
        self.words.say(f"{note} {self.board.describe()}".strip())


def _box(name: str) -> ComboBox:
    made = identified(ComboBox(), f"lesson{name}", name, f"The {name.lower()} that is shown.")
    made.setMinimumWidth(92)
    return made


def _fill(box: ComboBox, count: int) -> None:
    if box.count() != count:
        box.clear()
        box.addItems([f"{box.accessibleName()} {number}" for number in range(1, count + 1)])
        box.setCurrentIndex(count // 2)  # the first layer mostly attends to neighbours


class AttentionBoard(Board):
    """Two products, one above the other, and the softmax between them."""

    def __init__(self) -> None:
        super().__init__(
            "lessonAttention",
            "Attention as two matrix products",
            "Hover over a score to see its query and key, over an attention weight to see its row"
            " of scores, over the output to see the values that it averages.",
        )
        self.words: list[str] = []
        self.head: HeadTrace | None = None
        self._matrices: dict[str, Array] = {}
        high = MAX_TOKENS * TILE[1]
        self._lower = HEAD + max(high, DIMENSIONS) + 40
        self.setFixedHeight(round(self._lower + high + 6))

    def show_head(self, words: list[str], head: HeadTrace) -> None:
        """Show a head on these tokens."""
        if len(words) != len(self.words):
            self.current = ("scores", len(words) - 1, 0)
        self.words, self.head = words, head
        self._matrices = {
            "query": head.query,
            "key": head.key.T,
            "scores": head.scores,
            "weights": head.weights,
            "value": head.value,
            "output": head.output,
        }
        self.refresh()

    def grids(self) -> Mapping[str, MatrixGrid]:
        """The first product above, the second below."""
        if self.head is None:
            return {}
        count, deep = self.head.query.shape
        thin = DIMENSIONS / deep
        key = LABELS + DIMENSIONS + SIGN
        scores = key + count * NARROW + SIGN
        value = LABELS + count * TILE[0] + SIGN + LABELS
        output = value + DIMENSIONS + SIGN
        top, low = HEAD, self._lower
        return {
            "query": MatrixGrid.of(LABELS, top, count, deep, (thin, TILE[1])),
            "key": MatrixGrid.of(key, top, deep, count, (NARROW, thin)),
            "scores": MatrixGrid.of(scores, top, count, count, TILE),
            "weights": MatrixGrid.of(LABELS, low, count, count, TILE),
            "value": MatrixGrid.of(value, low, count, deep, (thin, TILE[1])),
            "output": MatrixGrid.of(output, low, count, deep, (thin, TILE[1])),
        }

    def describe(self) -> str:
        """Return how the current number was computed."""
        if self.head is None:
            return ""
        name, row, column = self.current
        value = number(float(self._matrices[name][row, column]))
        if name in ("scores", "weights"):
            return self._describe_pair(self.head, name, row, column)
        if name == "output":
            return (
                f"Dimension {column} of the output for “{self.words[row]}”: its attention"
                f" weights times column {column} of the values, added up, is {value}."
            )
        token, part = (column, row) if name == "key" else (row, column)
        return f"Dimension {part} of the {name} of “{self.words[token]}” is {value}."

    def _describe_pair(self, head: HeadTrace, name: str, row: int, column: int) -> str:
        one, other = self.words[row], self.words[column]
        if column > row:
            return f"“{other}” comes after “{one}”: the causal mask hides it, so there is no score."
        score = number(float(head.scores[row, column]))
        if name == "weights":
            weight = percent(float(head.weights[row, column]), 1)
            return (
                f"e to {score}, divided by the sum over the row: “{one}” attends to “{other}” with"
                f" a weight of {weight}."
            )
        product = number(float(head.query[row] @ head.key[column]))
        return (
            f"The query of “{one}” times the key of “{other}”: {head.query.shape[1]} products add"
            f" up to {product}; scaled by {head.scale:.2f} that is {score}."
            + (NORMALISED if head.scale > 1 else "")
        )

    def paint(self, painter: QPainter) -> None:
        """Paint the six matrices, their signs, titles and tokens."""
        if self.head is None:
            return
        grids = self.grids()
        for name, grid in grids.items():
            values, limit, digits = self._matrices[name], ramps.reach(self._matrices[name]), 1
            if name == "weights":
                values, limit, digits = 100 * values, 100.0, 0
                values = np.where(np.tri(len(values)) > 0, values, np.nan)
            paint_matrix(painter, grid, values, limit, digits, self._lit(name, grid))
        self._paint_signs(painter, grids)
        self._paint_tokens(painter, grids)
        name, row, column = self.current
        frame(painter, grids[name].cell(row, column), "text", 2)

    def _lit(self, name: str, grid: MatrixGrid) -> Array | None:
        """Return which cells the current one depends on; None for all."""
        current, row, column = self.current
        if (current, name) in {("scores", "query"), ("weights", "scores"), ("output", "weights")}:
            return cross(grid, row=row)
        if (current, name) in {("scores", "key"), ("output", "value")}:
            return cross(grid, column=column)
        return None

    def _paint_signs(self, painter: QPainter, grids: Mapping[str, MatrixGrid]) -> None:
        assert self.head is not None
        high = len(self.words) * TILE[1]
        at_value = grids["value"].area.left() - LABELS
        for before, sign in (("query", "@"), ("key", "="), ("weights", "@"), ("value", "=")):
            area = grids[before].area
            right = at_value - SIGN if before == "weights" else area.right()
            write(painter, QRectF(right, area.top(), SIGN, high), sign, "muted", 15, where=CENTRE)
        size = "{} × {}".format(*self.head.query.shape)
        for name, title, what in (
            ("query", "queries q", size),
            ("weights", "attention weights", "in %"),
            ("value", "values v", size),
            ("output", "output", size),
        ):
            write_title(painter, grids[name], title, what)
        for name, title in (("key", "keys, k transposed"), ("scores", "scores")):
            place = QRectF(grids[name].area.left(), 0, 240, TITLE)
            write(painter, place, title, "text", 13, strong=True)

    def _paint_tokens(self, painter: QPainter, grids: Mapping[str, MatrixGrid]) -> None:
        """Write the tokens beside the rows, and vertically above the keys and scores."""

        def elided(word: str, width: float) -> str:
            metrics = painter.fontMetrics()
            return metrics.elidedText(word, Qt.TextElideMode.ElideRight, round(width))

        for name in ("query", "weights", "value"):
            for row, word in enumerate(self.words):
                cell = grids[name].cell(row, 0)
                beside = QRectF(cell.left() - LABELS, cell.top(), LABELS - 8, cell.height())
                write(painter, beside, elided(word, LABELS - 8), "muted", 12, where=RIGHT)
        for name in ("key", "scores"):
            for column, word in enumerate(self.words):
                cell = grids[name].cell(0, column)
                painter.save()
                painter.translate(QPointF(cell.center().x(), cell.top() - 4))
                painter.rotate(-90)
                room = HEAD - TITLE - 6
                write(painter, QRectF(0, -10, room, 20), elided(word, room), "muted", 12)
                painter.restore()
