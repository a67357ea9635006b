"""A round of the game: something is broken. What is it?"""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.theme import GAP
from gui.widgets.buttons import push_button
from gui.widgets.card import label, say
from gui.widgets.title_list import TitleList


class GuessBox(QWidget):
    """Choices, a hint, the doctor, and what it was."""

    guessed = Signal(str)
    """The key of a choice."""
    hintAsked = Signal()
    answerAsked = Signal()
    """Tell, without a guess."""
    againAsked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("guessBox")
        self.setAccessibleName("Guess what is broken")
        self.task = label("", wrap=True)
        self.task.setObjectName("guessTask")
        self.result = label("", "muted", wrap=True)
        self.result.setObjectName("guessResult")
        self.hint = label("", "small", wrap=True)
        self.hint.setObjectName("guessHintWords")
        self.choices = TitleList(
            "guessList", "What is broken?", "What would do this to the curve? Choose one."
        )
        self.choices.itemActivated.connect(lambda item: self._guess())
        self.take = push_button(
            "guessButton", "That is it", "Take your guess; then see what it was.", "primary"
        )
        self.choices.currentItemChanged.connect(lambda item: self.take.setEnabled(item is not None))
        self.take.clicked.connect(self._guess)
        self.ask_hint = push_button(
            "guessHint", "A hint", "What there is to watch for on the curve.", "link"
        )
        self.ask_hint.clicked.connect(self.hintAsked)
        self.ask_doctor = push_button(
            "askDoctor", "Ask the doctor", "See the answer without a guess.", "link"
        )
        self.ask_doctor.clicked.connect(self.answerAsked)
        self.again = push_button("guessAgain", "Break another", "Back to the faults.", "")
        self.again.clicked.connect(self.againAsked)
        self._arrange()
        self.begin("", ())  # what is not shown yet takes no room in a low window

    def _arrange(self) -> None:
        links = QHBoxLayout()
        links.addWidget(self.ask_hint)
        links.addStretch(1)
        links.addWidget(self.ask_doctor)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(GAP)
        for widget in (self.task, self.result, self.hint):
            whole.addWidget(widget)
        whole.addWidget(self.choices, 1)
        whole.addWidget(self.take)
        whole.addLayout(links)
        whole.addWidget(self.again)
        whole.addStretch()

    def begin(self, task: str, choices: Sequence[tuple[str, str]]) -> None:
        """Begin a round.

        Args:
            task: what to do.
            choices: key and title of each; () where there is nothing to guess.
        """
        say(self.task, task, "")
        say(self.result, "")
        say(self.hint, "")
        self.choices.show_titles(choices, None)
        self.choices.setEnabled(True)
        for widget in (self.choices, self.take, self.ask_hint, self.ask_doctor):
            widget.setVisible(bool(choices))
        self.take.setEnabled(False)
        self.again.hide()

    def show_hint(self, words: str) -> None:
        """Say what to watch for."""
        say(self.hint, words, "small")
        self.ask_hint.hide()

    def show_result(self, words: str, role: str, right: str = "", guess: str = "") -> None:
        """Say what it was, and mark the choices."""
        say(self.result, words, role)
        self.choices.mark({guess: "✗", right: "✓"})
        self.choices.clearSelection()
        self.choices.setEnabled(False)
        for widget in (self.take, self.ask_hint, self.ask_doctor):
            widget.hide()

    def set_over(self, over: bool) -> None:
        """Say whether another round may begin."""
        self.again.setVisible(over)

    def _guess(self) -> None:
        if self.take.isVisible() and (key := self.choices.chosen()):
            self.guessed.emit(key)
