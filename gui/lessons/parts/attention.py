"""Attention of a few typed tokens, in one head of the text network."""

from collections.abc import Mapping

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit

from core.lessons.attention import MOST, WORDS, example, look
from core.playgrounds.text.models import GPT
from gui.lessons.boards.attention_board import AttentionBoard
from gui.lessons.context import LessonContext
from gui.lessons.follower import Follower
from gui.lessons.prose import Prose
from gui.widgets.card import label
from gui.widgets.token_text import shown

PROMPT = "To be, or not to be"
FIXED = (
    "The network of the Text page does not attend, so this is a head made by hand: “it” looks for a"
    " thing. Train a **gpt** there to see one that was learned."
)


class Part(Follower):
    """A prompt, a layer and a head; queries, keys, scores, shares, values and what is seen."""

    def __init__(self, room: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(room, "text")
        self.setObjectName("attentionPart")
        self.prompt = QLineEdit(PROMPT)
        self.prompt.setObjectName("lessonPrompt")
        self.prompt.setAccessibleName("A few words")
        self.prompt.setToolTip(f"<p>The first {MOST} tokens of what is typed here are shown.</p>")
        self.prompt.setMaxLength(80)
        self.layer_box = _box("Layer")
        self.head_box = _box("Head")
        self.board = AttentionBoard()
        self.words = Prose("", 14)
        self.words.setMinimumHeight(44)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label("Words"))
        row.addWidget(self.prompt, 1)
        row.addWidget(self.layer_box)
        row.addWidget(self.head_box)
        self.body.addLayout(row)
        self.body.addWidget(self.board)
        self.body.addWidget(self.words)
        self.body.addWidget(self.source)
        self.prompt.textChanged.connect(lambda text: self.look())
        self.board.pointed.connect(self._say)
        for box in (self.layer_box, self.head_box):
            box.activated.connect(lambda index: self.look())

    def look(self) -> None:
        """Show what the head makes of the words, with the weights of now."""
        replica = self.session.replica if self.session.weights is not None else None
        model = replica.model if replica is not None else None
        attends = isinstance(model, GPT)
        for field in (self.prompt, self.layer_box, self.head_box):
            field.setEnabled(attends)
        if not isinstance(model, GPT):
            self.board.show_look(list(WORDS), example())
            self._say()
            return
        self._offer(len(model.blocks), model.heads)
        tokens = model.tokenizer.encode(self.prompt.text())[: min(MOST, model.context)].tolist()
        tokens = tokens or [model.tokenizer.newline]
        words = [shown(model.tokenizer.bytes_of(token)) for token in tokens]
        seen = look(model, tokens, self.layer_box.currentIndex(), self.head_box.currentIndex())
        self.board.show_look(words, seen)
        self._say()

    def _offer(self, layers: int, heads: int) -> None:
        for box, name, count in ((self.layer_box, "Layer", layers), (self.head_box, "Head", heads)):
            if box.count() != count:
                box.clear()
                box.addItems([f"{name} {number}" for number in range(1, count + 1)])
                box.setCurrentIndex(count // 2)  # the first layer looks at neighbours only

    def _say(self) -> None:
        fixed = "" if self.prompt.isEnabled() else FIXED
        self.words.say(f"{fixed} {self.board.describe()}".strip())


def _box(name: str) -> QComboBox:
    made = QComboBox()
    made.setObjectName(f"lesson{name}")
    made.setAccessibleName(name)
    made.setToolTip(f"<p>The {name.lower()} whose numbers are shown.</p>")
    made.setMinimumWidth(92)
    return made
