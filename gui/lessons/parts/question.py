"""A multiple-choice question before something is tried: one predicts, then sees why."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui.lessons.context import LessonContext
from gui.lessons.prose import MEASURE, Prose
from gui.rich_text import rich

RIGHT, WRONG = "✓", "✗"
ROLES = {RIGHT: "choice-right", WRONG: "choice-wrong", "": "choice"}


class Choice(QPushButton):
    """An answer of a multiple-choice question, later marked as right or wrong."""

    def __init__(self, words: str, help: str) -> None:
        super().__init__(words)
        self._words = words
        self.mark = ""
        """RIGHT or WRONG; "" while that is open."""
        self.setProperty("role", "choice")
        self.setAccessibleName(words)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(rich(help))

    def show_mark(self, mark: str) -> None:
        """Mark it as right or wrong, or not."""
        self.mark = mark
        self.setText(f"{mark}  {self._words}" if mark else self._words)
        self.setAccessibleDescription({RIGHT: "right", WRONG: "wrong"}.get(mark, ""))
        self.setProperty("role", ROLES[mark])
        self.style().polish(self)


class Part(QWidget):
    """A question with a few answers; a chosen one is marked, and the answer is explained.

    Options: ``ask``, ``choices`` with " | " between them, ``answer`` (the number of the right
    choice, from 1), ``why``.
    """

    answered = Signal(bool)
    """A choice was made; whether it was the right one."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__()
        self.setObjectName("lessonQuestion")
        self.setMaximumWidth(MEASURE)
        self._right = int(options["answer"]) - 1
        help = "Choose what you expect; a wrong guess costs nothing."
        self.choices = [Choice(words, help) for words in options["choices"].split(" | ")]
        self.why = Prose(options["why"])
        self.why.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(Prose(f"**Predict first.** {options['ask']}"))
        for number, choice in enumerate(self.choices):
            column.addWidget(choice)
            choice.clicked.connect(lambda on, number=number: self._answer(number))
        column.addWidget(self.why)

    def _answer(self, number: int) -> None:
        """Mark the chosen answer and the right one, and explain."""
        for index, choice in enumerate(self.choices):
            choice.show_mark(RIGHT if index == self._right else WRONG if index == number else "")
        self.why.show()
        self.answered.emit(number == self._right)

    def abandon(self) -> None:
        """Nothing runs here."""
