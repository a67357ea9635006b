"""A question before something is played with: one predicts, and then is told why."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui.lessons.context import LessonContext
from gui.lessons.prose import MEASURE, Prose

RIGHT, WRONG = "✓", "✗"


class Part(QWidget):
    """A question with a few answers; a chosen one is judged, and all is explained.

    Options: ``ask``, ``choices`` with " | " between them, ``answer`` (the number of the right
    choice, from 1), ``why``.
    """

    answered = Signal(bool)
    """A choice was made; whether it was the right one."""

    def __init__(self, room: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__()
        self.setObjectName("lessonQuestion")
        self.setMaximumWidth(MEASURE)
        self._right = int(options["answer"]) - 1
        self.choices = [_choice(words) for words in options["choices"].split(" | ")]
        self.why = Prose(options["why"])
        self.why.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(Prose(f"**Guess first.** {options['ask']}"))
        for number, choice in enumerate(self.choices):
            column.addWidget(choice)
            choice.clicked.connect(lambda on, number=number: self._judge(number))
        column.addWidget(self.why)

    def _judge(self, number: int) -> None:
        """Mark the choice that was made and the right one, and say why."""
        for index, choice in enumerate(self.choices):
            words = choice.text().removeprefix(f"{RIGHT}  ").removeprefix(f"{WRONG}  ")
            mark = RIGHT if index == self._right else WRONG if index == number else ""
            choice.setText(f"{mark}  {words}" if mark else words)
            role = {RIGHT: "choice-right", WRONG: "choice-wrong"}.get(mark, "choice")
            choice.setProperty("role", role)
            choice.style().polish(choice)
        self.why.show()
        self.answered.emit(number == self._right)


def _choice(words: str) -> QPushButton:
    made = QPushButton(words)
    made.setProperty("role", "choice")
    made.setAccessibleName(words)
    made.setToolTip("<p>Choose what you expect; it costs nothing to be wrong.</p>")
    return made
