"""What is wrong: the causes of a diagnosis, most likely first."""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.doctor.diagnosis import Cause, Diagnosis
from core.doctor.verdict.causes import lesson_on
from gui.doctor.cause_card import CauseCard
from gui.theme import GAP
from gui.widgets.card import label
from gui.widgets.status_icon import VERDICT_ROLES


class Findings(QWidget):
    """A card for each cause; nothing where there is none.

    Args:
        about: returns what a cause's id means, in a sentence; "" where it is not known.
    """

    applied = Signal(object)
    """A cause of which the fixing settings are wanted."""

    undone = Signal(object)
    """A cause of which what was applied is to be taken back."""

    lessonAsked = Signal(object)
    """A cause of which the lesson is wanted."""

    def __init__(self, about: Callable[[str], str]) -> None:
        super().__init__()
        self.setObjectName("findings")
        self._about = about
        self._shown: tuple[object, ...] = ()
        self.cards: list[CauseCard] = []
        self.title = label("", "heading")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GAP + 2)
        self._column.addWidget(self.title)
        self.hide()

    def show_causes(self, diagnosis: Diagnosis | None, fix: Callable[[Cause], str]) -> None:
        """Show the causes of a diagnosis.

        Args:
            diagnosis: what the doctor says, or None for nothing.
            fix: returns in words what Apply would set for a cause; "" for nothing.
        """
        causes = diagnosis.causes if diagnosis else ()
        fixes = tuple(fix(cause) for cause in causes)
        role = VERDICT_ROLES[diagnosis.verdict] if diagnosis else "muted"
        if (causes, fixes, role) == self._shown:
            return
        self._shown = (causes, fixes, role)
        for card in self.cards:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = []
        for cause, words in zip(causes, fixes, strict=True):
            lesson = bool(lesson_on(cause.id))
            card = CauseCard(cause, role, self._about(cause.id), lesson, words)
            card.applied.connect(self.applied)
            card.undone.connect(self.undone)
            card.lessonAsked.connect(self.lessonAsked)
            self.cards.append(card)
            self._column.addWidget(card)
            card.show()  # at once: a layout lets it wait for the next turn of the event loop
        more = len(causes) > 1
        self.title.setText(f"{len(causes)} causes, the likeliest first" if more else "The cause")
        self.setVisible(bool(causes))
