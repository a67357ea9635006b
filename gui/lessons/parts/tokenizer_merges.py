"""Byte pairs merged step by step on a text of one's own."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout

from core.lessons.tokenizer.merges import BYTES, MOST_MERGES, Merge, MergeHistory
from core.numbers import fixed, number
from gui.charts.lines import Line, PaintedChart
from gui.charts.navigation import NAVIGATION
from gui.inputs import Slider
from gui.lessons.context import LessonContext
from gui.lessons.tokenizer.text_card import TextCard
from gui.lessons.tokenizer.token_area import DRAWN, WAITING, TokenArea, only_first
from gui.rich_text import rich
from gui.theme import GAP
from gui.widgets.buttons import identified, push_button
from gui.widgets.card import label
from gui.widgets.segmented_control import Segments
from gui.widgets.title_list import TitleList
from gui.widgets.token_text import shortened, shown, spelled
from gui.widgets.token_view import TokenView

HIGH = 190  # pixels of the curve and the list
LONG = 12  # characters of a token in the list
HELP = (
    "<p>The text after so many merges. A dot is a space, ↵ the end of a line; beneath each token"
    " stands its number: a byte's own, below 256, or that of its merge. Hover over one for its"
    " bytes.</p>"
)
WHOLE_HELP = (
    "Pairs are merged wherever they stand, as in the lecture's first version: a token may reach"
    " across words."
)
PIECES_HELP = (
    "The text is cut by GPT-4's pattern first, and pairs are merged within the pieces alone."
)


class Part(TextCard):
    """The next pair, the text after some merges, the curve, and the list of merges."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(context, "merges", "BPE merges, step by step")
        self._history: MergeHistory | None = None
        self.where = Segments("Where pairs are merged")
        self.where.add("text", "whole text", "mergeWhole", WHOLE_HELP)
        self.where.add("pieces", "within pieces", "mergePieces", PIECES_HELP)
        self.back = push_button("mergeBack", "Back", "Undo the last merge.")
        self.step = push_button(
            "mergeStep", "Merge", "Make one token of the most frequent pair.", "primary"
        )
        self.slider = identified(
            Slider(Qt.Orientation.Horizontal),
            "mergeSlider",
            "Merges",
            "How many merges are done. The arrow keys do and undo one.",
        )
        self.slider.setRange(0, 0)
        self.slider.setPageStep(10)
        self.pair = label("", "", wrap=True)
        self.pair.setObjectName("mergePair")
        self.facts = label("", "muted", wrap=True)
        self.facts.setObjectName("mergeFacts")
        self.area = TokenArea(TokenView("mergedTokens", "The text after the merges", HELP))
        self.chart = PaintedChart(
            "mergeChart",
            "Tokens of the text by the number of merges",
            "tokens of the text",
            "merges",
            lambda value: f"{value:,.0f}",
        )
        self.chart.whole_x = True
        self.chart.setToolTip(
            rich(
                "What the text costs after each merge. The vocabulary grows by one token a merge,"
                " and each merge saves less than the one before.",
                NAVIGATION,
            )
        )
        self.chart.set_hint(WAITING)
        self.list = TitleList(
            "lessonMergeList",
            "Merges in the order in which they are learned",
            "All merges of this text. Click one to see the text just after it.",
        )
        self._arrange()
        self.where.chosen.connect(lambda key: self.state.cut_by_pattern(key == "pieces"))
        self.back.clicked.connect(lambda: self.slider.setValue(self.merges - 1))
        self.step.clicked.connect(lambda: self.slider.setValue(self.merges + 1))
        self.slider.valueChanged.connect(lambda value: self._show())
        self.list.itemClicked.connect(lambda item: self._go_to_chosen())
        self.list.itemActivated.connect(lambda item: self._go_to_chosen())

    def _arrange(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(GAP)
        for widget in (self.where, self.back, self.step):
            row.addWidget(widget)
        row.addWidget(self.slider, 1)
        below = QHBoxLayout()
        below.setSpacing(18)
        self.chart.setFixedHeight(HIGH)
        self.list.setFixedHeight(HIGH)
        below.addWidget(self.chart, 3)
        below.addWidget(self.list, 2)
        self.body.addLayout(row)
        self.body.addWidget(self.pair)
        self.body.addWidget(self.area)
        self.body.addWidget(self.facts)
        self.body.addLayout(below)

    @property
    def merges(self) -> int:
        """How many merges are done."""
        return self.slider.value()

    def refresh(self) -> None:
        """Show the merges of the present text; so many are done as before, if there are."""
        history = self.state.history
        if history is None or history is self._history:
            return
        self._history = history
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(history.merges))
        self.slider.blockSignals(False)
        self.list.show_titles(
            [(str(number), _written(number, m)) for number, m in enumerate(history.merges, 1)]
        )
        places = np.arange(len(history.lengths), dtype=float)
        tokens = history.lengths.astype(float)
        self.chart.x_holds = (0.0, max(1.0, places[-1]))
        self.chart.y_holds = (0.0,)
        self.chart.set_hint("")
        self.chart.set_lines([Line("tokens", "text", x=places, y=tokens)])
        self._show()

    def _show(self) -> None:
        """Show the text after the merges that are done."""
        history, done = self._history, self.merges
        if history is None:
            return
        many = int(history.lengths[done])
        self.area.show_tokens(history.tokens(done, DRAWN))
        self.chart.set_mark(float(done), f"{done:,}", "text")
        self.back.setEnabled(done > 0)
        self.step.setEnabled(done < len(history.merges))
        self.pair.setText(_next_pair(history, done))
        self.facts.setText(_facts(len(history.raw), many, done))
        self.list.choose(str(done))
        if not done:
            self.list.scrollToTop()

    def _go_to_chosen(self) -> None:
        self.slider.setValue(int(self.list.chosen()))


def _written(number: int, merge: Merge) -> str:
    """Return a merge as a line of the list."""
    left, right, both = (
        shortened(shown(raw), LONG) for raw in (merge.left, merge.right, merge.left + merge.right)
    )
    return f"{number:,}   {left} + {right} → {both}   ({merge.count:,} times)"


def _next_pair(history: MergeHistory, done: int) -> str:
    """Say which pair is merged next, and how often it stands there."""
    if done < len(history.merges):
        merge = history.merges[done]
        return (
            f"Most frequent pair: “{shortened(shown(merge.left))}” +"
            f" “{shortened(shown(merge.right))}” (bytes {shortened(spelled(merge.left))} +"
            f" {shortened(spelled(merge.right))}), {merge.count:,} times. Merge {done + 1:,} makes"
            f" token {merge.token:,} of it."
        )
    if done == MOST_MERGES:
        return f"Here the lesson stops, after {MOST_MERGES:,} merges."
    if not done:
        return "No pair stands twice in this text: there is nothing to merge."
    return "No pair stands twice any more: another merge would save a single token."


def _facts(size: int, tokens: int, done: int) -> str:
    """Say how long the text is, and how large the vocabulary."""
    if not size:
        return "There is no text."
    merges = "1 merge" if done == 1 else f"{done:,} merges"
    return (
        f"After {merges}: {tokens:,} token{'s' * (tokens != 1)} for {number(size)} bytes,"
        f" {fixed(size / tokens, 2)} bytes per token. Vocabulary: 256 bytes + {done:,} ="
        f" {BYTES + done:,}.{only_first(tokens)}"
    )
