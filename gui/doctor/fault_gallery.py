"""The gallery of faults: inject one, watch, guess, ask the doctor."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from gui.doctor.guess_box import GuessBox
from gui.theme import GAP
from gui.widgets.card import Card, label
from gui.widgets.title_list import TitleList

NOTHING, SURPRISE = "", "?"
ROWS = [(NOTHING, "None: diagnose it as it is"), (SURPRISE, "Surprise me: a hidden fault")]
INTRO = "Inject a fault, watch what it does to the curve, and guess before the doctor says it."
WAITING = "The faults come when torch is loaded."


class FaultGallery(Card):
    """A list of faults; while a round is played, what there is to guess."""

    faultChosen = Signal(str)
    """The id of a fault, NOTHING or SURPRISE."""
    roundShown = Signal()
    """A fault is to be guessed: what one does it with should be seen."""

    def __init__(self) -> None:
        super().__init__("Inject a fault")
        self.setObjectName("faultGallery")
        self.setAccessibleName("Inject a fault")
        self.score = label("", "small")
        self.score.setObjectName("gameScore")
        self.score.setToolTip("<p>Rounds of hidden faults in which each named the right cause.</p>")
        self.head.addWidget(self.score)
        self.faults = TitleList(
            "faultBox",
            "Faults",
            "What shall be broken before the network is trained? A surprise stays hidden until you"
            " have guessed. The network of the page itself is not touched.",
        )
        self.faults.currentItemChanged.connect(lambda item: self.faultChosen.emit(self.chosen()))
        self.guess = GuessBox()
        choosing = QWidget()
        column = QVBoxLayout(choosing)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        self.intro = label(INTRO, "small", wrap=True)
        column.addWidget(self.intro)
        column.addWidget(self.faults, 1)
        column.addStretch()
        self._stack = QStackedWidget()
        self._stack.addWidget(choosing)
        self._stack.addWidget(self.guess)
        self.body.addWidget(self._stack, 1)
        self.show_faults([])

    def hasHeightForWidth(self) -> bool:
        """Give way in a low window: a list can be scrolled."""
        return False

    def show_faults(self, faults: Sequence[tuple[str, str]]) -> None:
        """Offer these: id and title; the choice stays where it still can be."""
        before = self.chosen()
        self.faults.show_titles([*ROWS, *faults] if faults else [], before)
        self.intro.setText(INTRO if faults else f"{INTRO} {WAITING}")
        self.faults.setVisible(bool(faults))
        if self.chosen() != before:
            self.faultChosen.emit(self.chosen())

    def chosen(self) -> str:
        """Return the id of the fault, NOTHING or SURPRISE."""
        return self.faults.chosen()

    def show_list(self) -> None:
        """Let a fault be chosen."""
        self._stack.setCurrentIndex(0)

    def show_round(self) -> None:
        """Let a fault be guessed."""
        self._stack.setCurrentWidget(self.guess)
        self.roundShown.emit()

    def set_enabled_to_choose(self, enabled: bool) -> None:
        """Say whether another fault may be chosen now."""
        self.faults.setEnabled(enabled)

    def show_score(self, rounds: int, person: int, doctor: int) -> None:
        """Show who was right how often; nothing before the first round."""
        self.score.setText(f"You {person} · doctor {doctor} of {rounds}" if rounds else "")
