"""What a network is given instead of text: any text cut into tokens, and the BPE merges."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QStringListModel, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QListView,
    QPushButton,
    QScrollArea,
)

from core.numbers import percent
from gui.text.paired_cards import PairedCards
from gui.widgets.card import Card, label
from gui.widgets.text_box import TextBox
from gui.widgets.token_text import shown
from gui.widgets.token_view import TokenView

if TYPE_CHECKING:
    from core.tokenizers import Tokenizer

MOST = 4000  # characters that are cut at every key
SETTLED = 120  # milliseconds after the last key
WAITING = "The tokens appear as soon as there is a network."
KEEP = "Keep those only"
MERGES, VOCABULARY = "BPE merges", "Vocabulary"
WIDE = 620  # pixels from which a merge fits beside the text
LEAST = 140  # pixels of tokens and of merges: some lines
LARGE = 4096  # tokens: from here on it is worth asking which of them occur
WHY = {
    "bpe": "Each merge makes one token of the two that most often stood together at that time.",
    "characters": "Characters are not merged: each is a token by itself, and any other is spelled"
    " in bytes.",
    "gpt2": "GPT-2's merges were learned from the web, not from the dataset.",
}
CLOSED = "Each character of the dataset is a token by itself; the network knows no others."
"""What is said of characters alone, without the bytes."""


class TokensPanel(PairedCards):
    """A text box and its tokens; beside them the vocabulary and its merges."""

    keepAsked = Signal()
    """Only the tokens that occur in the text are to be kept, in the next run."""

    def __init__(self) -> None:
        super().__init__()
        self._tokenizer: Tokenizer | None = None
        self._excerpt = ""
        """What was put into the box, as long as nothing was typed."""
        self.text = TextBox()
        self.text.setObjectName("tokenText")
        self.text.setAccessibleName("A text to be cut into tokens")
        self.text.setPlaceholderText("Type any text")
        self.text.setFixedHeight(84)
        self.text.setTabChangesFocus(True)
        self.view = TokenView()
        self.count = label("", "small")
        self.count.setObjectName("tokenCount")
        self.facts = label(WAITING, "small", wrap=True)
        self.facts.setObjectName("tokenFacts")
        self.keep = QPushButton(KEEP)
        self.keep.setAccessibleName("Keep only the tokens that occur")
        self.keep.setObjectName("keepOccurring")
        self.keep.setToolTip(
            "<p>The next run has a table of these alone, and of the 256 bytes, in which every other"
            " text can still be spelled.</p>"
        )
        self.keep.clicked.connect(self.keepAsked)
        self.keep.hide()
        self.merges = QListView()
        self.merges.setObjectName("mergeList")
        self.merges.setAccessibleName("Merges in the order in which they were learned")
        self.merges.setUniformItemSizes(True)
        self.merges.setMinimumHeight(LEAST)
        self.merges.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self._lines = QStringListModel(self)
        self.merges.setModel(self._lines)
        self.why = label("", "small", wrap=True)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLED)
        self._settle.timeout.connect(self._cut)
        self.text.textChanged.connect(self._on_text)
        self._arrange()

    def _arrange(self) -> None:
        left = Card("What is the network given?")
        left.head.addWidget(self.count)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self.view)
        area.setMinimumHeight(LEAST)
        left.body.addWidget(self.text)
        left.body.addWidget(area, 1)
        right = self.vocabulary = Card(VOCABULARY)
        right.body.addWidget(self.facts)
        right.body.addWidget(self.keep)
        right.body.addWidget(self.why)
        right.body.addWidget(self.merges, 100)
        right.body.addStretch(1)  # where there are no merges, the words stay at the top
        self.pair(left, right, (3, 2), WIDE)

    def show_data_views(self, values: Mapping[str, Any], parameters: int, width: int) -> None:
        """Show a tokenizer, and what of it occurs in the text that is learned from.

        Args:
            values: the survey of the text.
            parameters: how many numbers the network has learned.
            width: how many of them belong to each token.
        """
        self._tokenizer = tokenizer = values["tokenizer"]
        if self.text.toPlainText() in ("", self._excerpt):
            self._excerpt = values["excerpt"]
            self.text.setPlainText(self._excerpt)
        occurring = int((values["counts"] > 0).sum())
        table, share = tokenizer.size * width, percent(occurring / tokenizer.size)
        self.facts.setText(
            f"{tokenizer.size:,} tokens, {tokenizer.title}; {values['characters_per_token']:.2f}"
            f" characters a token. {occurring:,} of them ({share}) ever occur in the dataset"
            f" ({values['title']}). Their table has {table:,} numbers,"
            f" {percent(table / max(1, parameters))} of the network."
        )
        self.keep.setVisible(tokenizer.size > LARGE and occurring < 0.9 * tokenizer.size)
        self.turn()
        self.vocabulary.title.setText(MERGES if tokenizer.kind == "bpe" else VOCABULARY)
        self.merges.setVisible(tokenizer.kind == "bpe")
        self._lines.setStringList([])
        if self.isVisible():  # there may be thousands of merges, which take a while
            self._catch_up()

    def _catch_up(self) -> None:
        """Show tokens and merges, of which nothing was made while nobody saw them."""
        tokenizer = self._tokenizer
        if tokenizer is not None and tokenizer.kind == "bpe" and not self._lines.rowCount():
            self._lines.setStringList(
                [
                    f"{number:,}   {shown(a)}  +  {shown(b)}   \u2192   {shown(a + b)}"
                    for number, (a, b) in enumerate(tokenizer.merges(), 1)
                ]
            )
        self._cut()

    def _about(self) -> str:
        """Say where the tokens come from."""
        assert self._tokenizer is not None
        return CLOSED if self._tokenizer.closed else WHY[self._tokenizer.kind]

    def _on_text(self) -> None:
        if self.isVisible():
            self._settle.start()

    def _cut(self) -> None:
        if self._tokenizer is None:
            return
        text = self.text.toPlainText()[:MOST]
        refusal = self._tokenizer.refusal(text)
        tokens = [] if refusal else self._tokenizer.encode(text).tolist()
        self.view.show_tokens([(self._tokenizer.bytes_of(token), token) for token in tokens])
        self.count.setText(f"{len(tokens):,} tokens")
        self.why.setText(refusal or self._about())

    def showEvent(self, event: Any) -> None:
        """Catch up with what was typed or learned while this was hidden."""
        super().showEvent(event)
        self._catch_up()

    def hideEvent(self, event: Any) -> None:
        """Cut nothing that nobody sees."""
        super().hideEvent(event)
        self._settle.stop()
