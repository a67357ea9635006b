"""What texts cost: the compression of several tokenizers compared."""

from collections.abc import Mapping

from core.lessons.tokenizer.costs import CostTable
from gui.lessons.context import LessonContext
from gui.lessons.tokenizer.cost_board import MEASURES, CostBoard
from gui.lessons.tokenizer.text_card import TextCard
from gui.widgets.card import label, say
from gui.widgets.segmented_control import Segments

HELPS = {
    "compression": "The compression ratio: how many bytes of the text one token stands for.",
    "character": "What a character costs. Above 1 the text is longer in tokens than in letters.",
    "word": "What a word costs (fertility). Japanese has no spaces: all of a line is one word.",
    "tokens": "How many tokens the text has: what is paid for, and what fills the context.",
}
ABOUT = (
    "BPE 512 and BPE 1,024 are byte pairs learned from the shipped plays of Shakespeare, so English"
    " is what they are good at."
)


class Part(TextCard):
    """A choice of what is compared, and the table of bars."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(context, "costs", "Tokenizers compared")
        self._shown: CostTable | None = None
        self.measure = Segments("What is compared")
        for key, words in MEASURES.items():
            self.measure.add(key, words, f"costs_{key}", HELPS[key])
        self.board = CostBoard()
        self.about = label(ABOUT, "muted", wrap=True)
        self.missing = label("", "muted", wrap=True)
        self.missing.setObjectName("costsMissing")
        self.missing.hide()
        for widget in (self.measure, self.board, self.about, self.missing):
            self.body.addWidget(widget)
        self.measure.chosen.connect(lambda key: self._show())

    def refresh(self) -> None:
        """Show what is counted."""
        if self.state.costs is not None and self.state.costs is not self._shown:
            self._shown = self.state.costs
            say(self.missing, self._shown.missing)
            self._show()

    def _show(self) -> None:
        if self._shown is not None:
            self.board.show_costs(self._shown, self.measure.key())
