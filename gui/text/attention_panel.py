"""Attention weights: one head of one layer, as a map and as lines over the words."""

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QScrollArea

from core.telemetry.events import Array
from gui.inputs import ComboBox
from gui.rich_text import rich
from gui.text.attention_lines import AttentionLines
from gui.text.attention_map import AttentionMap
from gui.text.paired_cards import PairedCards
from gui.widgets.card import Card, label
from gui.widgets.token_text import shown

if TYPE_CHECKING:
    from core.playgrounds.text.models import TextModel

_EMPTY = np.empty((0, 0))
MOST = 48  # tokens: so many can still be read
WIDE = 540  # pixels of both cards side by side
CALM = 500  # milliseconds between two looks while a network learns
NONE = "This model does not attend: it has no heads. Train a gpt to see its attention weights."
HOW = (
    "A row is a token, and the cells are those before it that it asks, by how much. The first token"
    " gathers what a head has no use for."
)


class AttentionPanel(PairedCards):
    """Choices of layer and head, the map, and the lines; asks the network when it is seen."""

    chosen = Signal(int, int)
    """A person chose another layer or head, from 0."""

    def __init__(self) -> None:
        super().__init__()
        self._model: TextModel | None = None
        self._tokens: list[int] = []
        self._maps: Array | None = None
        self.layer, self.head = ComboBox(), ComboBox()
        for box, name, help in (
            (self.layer, "Layer", "The first layers look at neighbours, later ones farther."),
            (self.head, "Head", "Each head looks for something else."),
        ):
            box.setObjectName(f"attention{name}")
            box.setAccessibleName(name)
            box.setToolTip(rich(help))
            box.activated.connect(lambda index: self._on_activated())
        self.map, self.lines = AttentionMap(), AttentionLines()
        self.words = label(HOW, "small", wrap=True)
        self.words.setObjectName("attentionMessage")
        self.words.setMinimumHeight(32)  # two lines, always: what comes and goes moves nothing
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._look)
        self._arrange()
        self.map.told.connect(self._tell)
        self.map.rowPicked.connect(self.lines.pick)
        self.lines.picked.connect(self.map.pick)

    def _arrange(self) -> None:
        card = Card("Attention weights")
        card.head.addWidget(self.layer)
        card.head.addWidget(self.head)
        card.body.addWidget(self.words)
        card.body.addWidget(self.map, 1)
        below = Card("Attention from one token")
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self.lines)
        below.body.addWidget(label("Hover over a token.", "small"))
        below.body.addWidget(area, 1)
        self.pair(card, below, (3, 2), WIDE)

    def set_model(self, model: "TextModel") -> None:
        """Look into this network from now on."""
        from core.playgrounds.text.models import GPT

        self._model = model
        layers, heads = (len(model.blocks), model.heads) if isinstance(model, GPT) else (0, 0)
        for box, name, count in ((self.layer, "Layer", layers), (self.head, "Head", heads)):
            box.clear()
            box.addItems([f"{name} {number}" for number in range(1, count + 1)])
            box.setEnabled(count > 0)
        if layers:
            self.layer.setCurrentIndex(layers // 2)
        self._tokens = []
        self._maps = None
        self._show()

    def set_tokens(self, tokens: list[int]) -> None:
        """Look at the end of this text."""
        self._tokens = tokens[-MOST:]
        if self._model is not None and self._model.is_large and self.isVisible():
            self._soon.start(CALM)  # once the typing rests
        else:
            self._look()

    def follow(self) -> None:
        """The network has new weights: look again, now and then."""
        if self.isVisible() and not self._soon.isActive():
            self._soon.start(CALM)

    def choose(self, layer: int, head: int) -> None:
        """Show the attention of this layer and head, from 0; tells nobody."""
        self.layer.setCurrentIndex(layer)
        self.head.setCurrentIndex(head)
        self._show()

    def _on_activated(self) -> None:
        self._show()
        self.chosen.emit(self.layer.currentIndex(), self.head.currentIndex())

    def look_again(self) -> None:
        """The network computes in another way: look at once; a large one, behind this event."""
        if self._model is not None and self._model.is_large and self.isVisible():
            self._soon.start(0)
        else:
            self._look()

    def _look(self) -> None:
        from core.playgrounds.text.inside import attention
        from core.playgrounds.text.models import GPT

        self._maps = None
        if isinstance(self._model, GPT) and self._tokens and self.isVisible():
            self._tokens = self._tokens[-self._model.context :]
            self._maps = attention(self._model, self._tokens)
        self._show()

    def _tell(self, sentence: str) -> None:
        """Say what the mouse is over; over nothing, what the map shows or why it shows nothing."""
        attends = self.layer.count() > 0
        self.words.setText(sentence or (HOW if attends or self._model is None else NONE))

    def _show(self) -> None:
        self._tell("")
        if self._maps is None or self._model is None:
            self.map.show_map([], _EMPTY)
            self.lines.show_lines([], _EMPTY)
            return
        weights = self._maps[self.layer.currentIndex(), self.head.currentIndex()]
        words = [shown(self._model.tokenizer.bytes_of(token)) for token in self._tokens]
        self.map.show_map(words, weights)
        self.lines.show_lines(words, weights)

    def showEvent(self, event: Any) -> None:
        """Catch up with what happened while this was hidden."""
        super().showEvent(event)
        self._look()

    def hideEvent(self, event: Any) -> None:
        """Look at nothing while nobody sees it."""
        super().hideEvent(event)
        self._soon.stop()
