"""A question before an experiment, choices to click, and the measured answer after it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from core.lessons.questions import Question
from gui import theme
from gui.lessons.parts.question import RIGHT, WRONG
from gui.theme import GAP
from gui.widgets.card import label, say

GUESS = "Guess first: click an answer. Then start, and see."
GUESSED, MEASURED = "Start, and see.", "It is being measured\u2026"
ROLES = {RIGHT: "choice-right", WRONG: "choice-wrong", "": "choice"}


class Choice(QPushButton):
    """An answer that can be guessed; later it says whether it was the right one."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self._words = words
        self.mark = ""
        """Whether it was right or wrong, as a sign; "" while that is open."""
        self.setProperty("role", "choice")
        self.setAccessibleName(words)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip("<p>Click what you expect. It is measured when both networks train.</p>")

    def show_mark(self, mark: str) -> None:
        """Say whether it was right."""
        self.mark = mark
        self.setText(f"{mark}  {self._words}" if mark else self._words)
        self.setAccessibleDescription({RIGHT: "right", WRONG: "wrong"}.get(mark, ""))
        self.setProperty("role", ROLES[mark])
        self.style().polish(self)


class PairQuestion(QWidget):
    """Asks, takes a guess, and tells what was measured."""

    guessed = Signal()
    """A choice was clicked."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.setObjectName(f"twinQuestion_{key}")
        self.setAccessibleName("What do you expect?")
        self.words = label("", wrap=True)
        self.words.setFont(theme.font(15, QFont.Weight.DemiBold))
        self.answer = label("", wrap=True)
        self.answer.setObjectName(f"twinAnswer_{key}")
        self.answer.setFont(theme.font(14))
        self.choices: list[Choice] = []
        self._key, self._group = key, QButtonGroup(self)
        self._group.idClicked.connect(self._on_clicked)
        self._row = QHBoxLayout()
        self._row.setSpacing(GAP)
        self._row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.words)
        column.addLayout(self._row)
        column.addWidget(self.answer)

    def ask(self, question: Question) -> None:
        """Ask this; nothing is guessed yet."""
        self.words.setText(question.words)
        for old in self.choices:
            self._group.removeButton(old)
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.choices = [Choice(words) for words in question.choices]
        for number, choice in enumerate(self.choices):
            choice.setObjectName(f"twinChoice{number}_{self._key}")
            self._group.addButton(choice, number)
            self._row.insertWidget(number, choice)
        self.reopen()

    def reopen(self) -> None:
        """Take back the answer; what was guessed stands."""
        for choice in self.choices:
            choice.show_mark("")
        # There is always a line: what stands below must not move from under the mouse.
        say(self.answer, GUESSED if self.guess >= 0 else GUESS, "muted")

    @property
    def guess(self) -> int:
        """The number of the choice that was guessed; -1 for none."""
        return self._group.checkedId()

    @property
    def answered(self) -> bool:
        """Whether the measured answer stands there."""
        return any(choice.mark for choice in self.choices)

    def set_open(self, open_: bool) -> None:
        """Say whether the guess can be changed."""
        for choice in self.choices:
            choice.setEnabled(open_)
        if not open_ and not self.answered:
            say(self.answer, MEASURED, "muted")

    def show_answer(self, right: int, sentence: str) -> None:
        """Say which choice was right, and what was measured; -1 where none is."""
        for number, choice in enumerate(self.choices):
            wrong = WRONG if number == self.guess and right >= 0 else ""
            choice.show_mark(RIGHT if number == right else wrong)
        say(self.answer, sentence, "")

    def _on_clicked(self) -> None:
        say(self.answer, GUESSED, "muted")
        self.guessed.emit()
