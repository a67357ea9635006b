"""The case: what goes on now, and its chapters below one another."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.doctor.chapter_card import ChapterCard
from gui.inputs import SpinBox
from gui.theme import GAP, MARGIN
from gui.widgets.buttons import progress_bar, push_button
from gui.widgets.card import Card, label, say
from gui.widgets.curve_card import LiveLoss
from gui.widgets.run_now import run_now_button
from gui.widgets.scroll_column import ASIDE, UNDER_TABS, CardColumn

if TYPE_CHECKING:
    from core.lessons.case_study import Chapter

STEPS = 400
INTRO = (
    "This project came from a notebook, actual_words: its loss fell, and its samples stayed noise."
    " Here it is trained as it was; each further chapter fixes what the doctor names, and trains"
    " it again."
)
SQUARES = "A square \u25a1 in a sample is a token that occurs in no text."
PLAN = "It is played with the data of the text page."
PLAY = (
    "Play the case of the notebook actual_words: train it as it was, let the doctor say what is"
    " wrong, fix that, and train it again, until it writes Shakespeare."
)


class CaseStudyPanel(QWidget):
    """Shows the case while it is told, and lets one look into its chapters."""

    stopAsked = Signal()
    chapterChosen = Signal(int)
    """The number of a chapter of which the diagnosis is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("casePanel")
        self.cards: list[ChapterCard] = []
        self.steps = SpinBox()
        self.steps.setObjectName("caseSteps")
        self.steps.setAccessibleName("Steps of a chapter")
        self.steps.setRange(1, 100_000)
        self.steps.setValue(STEPS)
        self.steps.setFixedWidth(78)
        self.steps.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.steps.setToolTip(
            "<p>How many steps each chapter takes; the last one takes eight times as many. With 400"
            " the case takes some minutes, the first two chapters most of it: they have 30,522"
            " outputs. With very few, the samples stay noise.</p>"
        )
        self.play = push_button("caseButton", "Play", PLAY, "primary")
        self.play.setAccessibleName("Play the case study")
        self.stop = push_button(
            "caseStop", "Stop", "End here; the chapters that were told stay (F8)."
        )
        self.stop.setAccessibleName("Stop the case")
        self.stop.clicked.connect(self.stopAsked)
        self.bar = progress_bar("caseProgress", "Progress of the case")
        self.words = label(PLAN, "muted", wrap=True)
        self.words.setObjectName("caseWords")
        self.words.setMinimumHeight(34)  # two lines, always: nothing below moves
        self.words.setAlignment(Qt.AlignmentFlag.AlignBottom)
        self.run_now = run_now_button("caseNow")
        self.curve = LiveLoss("caseCurve")
        self.chapters = CardColumn("caseChapters", GAP + 2)
        self._arrange()
        self.set_running(False)

    def _arrange(self) -> None:
        card = Card()
        row = QHBoxLayout()
        row.setSpacing(MARGIN)
        left = QVBoxLayout()
        left.setSpacing(6)
        left.addWidget(label("From noise to Shakespeare", "verdict"))
        left.addWidget(label(INTRO, "muted", wrap=True))
        left.addWidget(label(SQUARES, "small", wrap=True))
        left.addStretch(1)
        said = QHBoxLayout()
        said.setSpacing(GAP)
        said.addWidget(self.words, 1)
        said.addWidget(self.run_now, 0, Qt.AlignmentFlag.AlignBottom)
        left.addLayout(said)
        left.addWidget(self.bar)
        foot = QHBoxLayout()
        foot.setSpacing(GAP)
        foot.addWidget(label("Steps of a chapter", "muted"))
        foot.addWidget(self.steps)
        foot.addStretch(1)
        foot.addWidget(self.play)
        foot.addWidget(self.stop)
        left.addSpacing(2)
        left.addLayout(foot)
        row.addLayout(left, 1)
        row.addWidget(self.curve, 0, Qt.AlignmentFlag.AlignTop)
        card.body.addLayout(row)
        above = QVBoxLayout()
        above.setContentsMargins(0, 0, ASIDE, 0)
        above.addWidget(card)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, UNDER_TABS, 0, 0)
        column.setSpacing(14)
        column.addLayout(above)
        column.addWidget(self.chapters, 1)

    def clear(self) -> None:
        """Have no chapters yet."""
        for card in self.cards:
            self.chapters.column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = []

    def add(self, chapter: "Chapter", titles: Mapping[str, str], cause: str, fix: str) -> None:
        """Show one more chapter; see :class:`ChapterCard`."""
        card = ChapterCard(chapter, titles, cause, fix)
        card.chosen.connect(self.chapterChosen)
        self.cards.append(card)
        self.chapters.add(card)
        most = max((c.bar.nats for c in self.cards if math.isfinite(c.bar.nats)), default=1.0)
        for one in self.cards:
            one.bar.set_most(most)

    def set_running(self, running: bool, stopping: bool = False) -> None:
        """Say whether the case is being told, and whether that is stopping."""
        self.stop.setEnabled(running and not stopping)
        self.steps.setEnabled(not running)
        self.bar.setVisible(running)

    def show_progress(self, words: str, share: float) -> None:
        """Say which chapter it is and what is done in it, and the share of the whole, 0 to 1."""
        say(self.words, words, "")
        self.bar.setValue(round(1000 * min(1.0, max(0.0, share))))

    def show_waiting(self, sentence: str) -> None:
        """Say what it waits for."""
        say(self.words, sentence, "")

    def show_end(self, words: str, role: str = "muted") -> None:
        """Say how it ended."""
        say(self.words, words, role)
