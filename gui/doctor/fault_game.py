"""The fault game: a fault is injected, a person guesses which, and so does the doctor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRandomGenerator, Signal

from core.doctor.diagnosis import Diagnosis
from gui.doctor.fault_gallery import NOTHING, SURPRISE, FaultGallery

if TYPE_CHECKING:
    from core.doctor.faults.gallery import Fault

CHOICES = 6
WATCH = "Something is broken. Watch the curve, then guess what it is."
KNOWN = "You know what is broken. Will the doctor find it?"

RANDOM = QRandomGenerator.securelySeeded()
"""Chooses hidden faults; the tour seeds it, so that it shows the same one every time."""


@dataclass
class Score:
    """How often each was right, and of how many."""

    rounds: int = 0
    person: int = 0
    doctor: int = 0


@dataclass
class Round:
    """One fault that was planted.

    Attributes:
        fault: what is broken.
        hidden: whether the person does not know it: then it is guessed, and counts.
        choices: ids of causes to choose from, the right one among them.
        guess: what the person chose; None as long as nothing was.
        answer: the cause that the doctor named first; None until the diagnosis is made.
        given_up: whether the person asked the doctor without a guess.
    """

    fault: "Fault"
    hidden: bool
    choices: list[str] = field(default_factory=list)
    guess: str | None = None
    answer: str | None = None
    given_up: bool = False
    counted: bool = False

    def right(self, cause: str | None) -> bool:
        """Whether a cause is what it was, or as good a name for it."""
        return cause in (self.fault.cause, *self.fault.also)

    @property
    def covered(self) -> bool:
        """Whether the doctor's words must not be seen yet."""
        return self.hidden and self.guess is None and not self.given_up

    @property
    def decided(self) -> bool:
        """Whether both have answered."""
        return not self.covered and self.answer is not None


def begin(faults: "Sequence[Fault]", chosen: str | None) -> Round:
    """Break what was chosen, or any one, hidden, for None."""
    if chosen is not None:
        return Round(next(fault for fault in faults if fault.id == chosen), hidden=False)
    fault = faults[RANDOM.bounded(len(faults))]
    others = sorted({other.cause for other in faults} - {fault.cause, *fault.also})
    choices = [fault.cause]
    while others and len(choices) < CHOICES:
        choices.append(others.pop(RANDOM.bounded(len(others))))
    choices.sort(key=lambda cause: RANDOM.generate())
    return Round(fault, True, choices)


def count(score: Score, played: Round) -> None:
    """Add a round in which both have answered to the score, once."""
    if played.hidden and played.decided and not played.counted:
        played.counted = True
        score.rounds += 1
        score.person += played.right(played.guess)
        score.doctor += played.right(played.answer)


class FaultGameController(QObject):
    """Plays rounds in a gallery.

    Args:
        gallery: where faults are chosen and guessed.
        title: returns what a cause's id is called.
    """

    uncovered = Signal()
    """The person has guessed or given up: the doctor's words may be seen."""

    def __init__(self, gallery: FaultGallery, title: Callable[[str], str], parent: QObject) -> None:
        super().__init__(parent)
        self._gallery, self._title = gallery, title
        self._faults: list[Fault] = []
        self._over = False
        self.round: Round | None = None
        self.score = Score()
        gallery.guess.guessed.connect(self._on_guess)
        gallery.guess.answerAsked.connect(lambda: self._on_guess(None))
        gallery.guess.hintAsked.connect(self._hint)
        gallery.guess.againAsked.connect(self.leave)

    @property
    def covered(self) -> bool:
        """Whether the doctor's words must not be seen yet."""
        return self.round is not None and self.round.covered

    def offer(self, faults: "Sequence[Fault]") -> None:
        """Offer these faults."""
        self._faults = list(faults)
        self._gallery.show_faults([(fault.id, fault.title.rstrip(".")) for fault in faults])

    def begin(self) -> str:
        """Begin a round with what is chosen; return the id of the fault, "" for none."""
        chosen = self._gallery.chosen()
        if chosen == NOTHING or not self._faults:
            self.leave()
            return ""
        self._over = False
        played = begin(self._faults, None if chosen == SURPRISE else chosen)
        self.round, guess = played, self._gallery.guess
        if played.hidden:
            guess.begin(WATCH, [(cause, self._title(cause)) for cause in played.choices])
        else:
            guess.begin(f"{KNOWN} {played.fault.title}", [])
            self._hint()
        self._gallery.show_round()
        return played.fault.id

    def leave(self) -> None:
        """Go back to the faults."""
        self.round = None
        self._gallery.show_list()

    def _hint(self) -> None:
        if self.round:
            self._gallery.guess.show_hint(f"Watch for: {self.round.fault.hint}")

    def _on_guess(self, cause: str | None) -> None:
        if self.round is None:
            return
        self.round.guess, self.round.given_up = cause, cause is None
        self._tell()
        self.uncovered.emit()

    def answer(self, diagnosis: Diagnosis | None) -> None:
        """Take what the doctor says in the end; None if it says nothing."""
        self._over = True
        if self.round is not None:
            causes = diagnosis.causes if diagnosis else ()
            self.round.answer = causes[0].id if causes else ""
            self._tell()

    def _tell(self) -> None:
        """Say what it was, who was right, and how often."""
        played, guess = self.round, self._gallery.guess
        if played is None or played.covered:
            return
        parts: list[str] = []
        role = ""
        if played.hidden:
            right = played.right(played.guess)
            if played.guess is not None:
                parts, role = (["Right."], "good") if right else (["Not quite."], "warning")
            parts.append(f"It was this: {played.fault.title}")
        if self._over:
            parts.append(self._verdict(played))
            if not played.hidden:
                role = "good" if played.right(played.answer) else "warning"
        if parts:
            guess.show_result(" ".join(parts), role, played.fault.cause, played.guess or "")
        count(self.score, played)
        self._gallery.show_score(self.score.rounds, self.score.person, self.score.doctor)
        guess.set_over(self._over)

    def _verdict(self, played: Round) -> str:
        if played.right(played.answer):
            return "The doctor found it."
        if played.answer:
            return f"The doctor took it for this: {self._title(played.answer)}."
        return "The doctor did not find it."
