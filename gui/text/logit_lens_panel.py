"""The logit lens: what each layer would predict next, and which tokens lie near one another."""

import math
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRect, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from gui import theme
from gui.text.paired_cards import PairedCards
from gui.widgets.card import Card, label
from gui.widgets.token_text import shown

if TYPE_CHECKING:
    from core.playgrounds.text.inside import Lens
    from core.playgrounds.text.models import TextModel

PLACES = 9  # tokens whose next word is shown
CALM = 500  # milliseconds between two looks while a network learns
NEAR = 14
WIDE = 640  # pixels of both cards side by side
ROW, LABELS, HEAD = 30, 78, 30
LENS = "A row is a layer, a column a token: what would be said next if the network ended there."
NO_LENS = "This model has no layers that could answer in its stead. Train a gpt to look through."
NO_TABLE = "This model has no embedding: its tokens are no points."


class LensView(QWidget):
    """A table of words: the layers' answers, the surer the more colour."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("lensView")
        self.setAccessibleName("The logit lens: what each layer would predict next")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.heads: list[str] = []
        self.rows: list[tuple[str, list[tuple[str, float]]]] = []

    def show_rows(self, heads: list[str], rows: list[tuple[str, list[tuple[str, float]]]]) -> None:
        """Show columns under these tokens; each row has a name, and a word and its probability."""
        self.heads, self.rows = heads, rows
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(480, HEAD + ROW * max(1, len(self.rows)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the words on grounds that say how sure each layer is."""
        painter, now = QPainter(self), theme.current()
        if not self.heads:
            return
        wide = (self.width() - LABELS) / len(self.heads)
        middle = Qt.AlignmentFlag.AlignCenter
        painter.setFont(theme.font(12))
        for column, head in enumerate(self.heads):
            cell = QRect(round(LABELS + column * wide), 0, round(wide) - 4, HEAD)
            painter.setPen(now.colour("muted"))
            painter.drawText(cell, middle, _elided(painter, head, cell.width()))
        for number, (name, answers) in enumerate(self.rows):
            top = HEAD + number * ROW
            painter.setPen(now.colour("muted"))
            left = QRect(0, top, LABELS - 6, ROW - 4)
            painter.drawText(left, Qt.AlignmentFlag.AlignVCenter, name)
            for column, (word, probability) in enumerate(answers):
                cell = QRect(round(LABELS + column * wide), top, round(wide) - 4, ROW - 4)
                sound = math.isfinite(probability)
                deep = round(20 + 110 * probability) if sound else 110
                painter.setBrush(now.colour("activation" if sound else "fault", deep))
                painter.setPen(Qt.PenStyle.NoPen)
                painter.drawRoundedRect(cell, 4, 4)
                painter.setPen(now.colour("text"))
                painter.drawText(cell, middle, _elided(painter, word, cell.width() - 6))


def _elided(painter: QPainter, words: str, width: int) -> str:
    return painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, width)


class LogitLensPanel(PairedCards):
    """The logit lens over the current text, and the neighbours of a token."""

    def __init__(self) -> None:
        super().__init__()
        self._model: TextModel | None = None
        self._tokens: list[int] = []
        self.lens = LensView()
        self.lens_words = label(LENS, "small", wrap=True)
        self.word = QLineEdit(" king")
        self.word.setObjectName("neighbourWord")
        self.word.setAccessibleName("A token")
        self.word.setMaxLength(40)
        self.word.setToolTip("<p>Type a word; a space before it belongs to it, as in the text.</p>")
        self.near = label("", wrap=True)
        self.near.setObjectName("neighbours")
        self.near_words = label("", "small", wrap=True)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._look)
        self.word.textChanged.connect(lambda text: self._show_near())
        self._arrange()

    def _arrange(self) -> None:
        left = Card("Logit lens")
        left.body.addWidget(self.lens_words)
        left.body.addWidget(self.lens)
        left.body.addStretch(1)
        right = Card("Nearest tokens (cosine similarity)")
        right.body.addWidget(self.word)
        right.body.addWidget(self.near_words)
        right.body.addWidget(self.near)
        right.body.addStretch(1)
        self.pair(left, right, (5, 2), WIDE)

    def set_model(self, model: "TextModel") -> None:
        """Look into this network from now on."""
        self._model, self._tokens = model, []
        self._look()

    def set_tokens(self, tokens: list[int]) -> None:
        """Look at the end of this text."""
        self._tokens = tokens
        if self._model is not None and self._model.is_large and self.isVisible():
            self._soon.start(CALM)  # once the typing rests
        else:
            self._look()

    def follow(self) -> None:
        """The network has new weights: look again, now and then."""
        if self.isVisible() and not self._soon.isActive():
            self._soon.start(CALM)

    def look_again(self) -> None:
        """The network computes in another way: look at once; a large one, behind this event."""
        if self._model is not None and self._model.is_large and self.isVisible():
            self._soon.start(0)
        else:
            self._look()

    def _look(self) -> None:
        if self._model is None or not self.isVisible():
            return
        self._show_lens()
        self._show_near()

    def _show_lens(self) -> None:
        from core.playgrounds.text.inside import logit_lens
        from core.playgrounds.text.models import GPT

        model = self._model
        if not isinstance(model, GPT):
            self.lens_words.setText(NO_LENS)
            self.lens.show_rows([], [])
            return
        self.lens_words.setText(LENS)
        tokens = self._tokens[-model.context :] or [model.tokenizer.newline]
        found = logit_lens(model, tokens, PLACES)
        heads = [shown(model.tokenizer.bytes_of(token)) for token in tokens[-PLACES:]]
        names = ["tokens", *(f"layer {n}" for n in range(1, len(found.tokens)))]
        self.lens.show_rows(heads, [(name, self._row(found, n)) for n, name in enumerate(names)])

    def _row(self, found: "Lens", number: int) -> list[tuple[str, float]]:
        assert self._model is not None
        bytes_of = self._model.tokenizer.bytes_of
        pairs = zip(
            found.tokens[number, -PLACES:], found.probabilities[number, -PLACES:], strict=True
        )
        return [(shown(bytes_of(int(token))), float(p)) for token, p in pairs]

    def _show_near(self) -> None:
        from core.playgrounds.text.inside import neighbours

        model = self._model
        if model is None or not self.word.text():
            self.near.setText("")
            return
        if refusal := model.tokenizer.refusal(self.word.text()):
            self.near_words.setText(refusal)
            self.near.setText("")
            return
        tokens = model.tokenizer.encode(self.word.text()).tolist()
        token = tokens[-1]
        found = neighbours(model, token, NEAR)
        part = shown(model.tokenizer.bytes_of(token))
        rest = (
            "" if len(tokens) == 1 else f"; what was typed is {len(tokens)} tokens, this the last"
        )
        words = f"“{part}” is token {token:,}{rest}. By the cosine of their points:"
        self.near_words.setText(words if found else NO_TABLE)
        self.near.setText(
            "\n".join(f"{c:.2f}   {shown(model.tokenizer.bytes_of(t))}" for t, c in found)
        )

    def showEvent(self, event: Any) -> None:
        """Catch up with what happened while this was hidden."""
        super().showEvent(event)
        self._look()

    def hideEvent(self, event: Any) -> None:
        """Look at nothing while nobody sees it."""
        super().hideEvent(event)
        self._soon.stop()
