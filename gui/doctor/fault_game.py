"""Break it on purpose: what was broken, what a person guessed, and who was right."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from PySide6.QtCore import QRandomGenerator

CHOICES = 6


class Fault(Protocol):
    """What the game needs to know of one of :mod:`core.doctor.faults.gallery`."""

    id: str
    title: str
    hint: str
    cause: str
    also: tuple[str, ...]


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
        answer: what the doctor named first in the end; None as long as it has not spoken.
        given_up: whether the person asked the doctor without a guess.
    """

    fault: Fault
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
        """Whether both have spoken."""
        return not self.covered and self.answer is not None


def begin(faults: Sequence[Fault], chosen: str | None) -> Round:
    """Break what was chosen, or any one, hidden, for None."""
    random = QRandomGenerator.global_()
    if chosen is not None:
        return Round(next(fault for fault in faults if fault.id == chosen), hidden=False)
    fault = faults[random.bounded(len(faults))]
    others = sorted({other.cause for other in faults} - {fault.cause, *fault.also})
    choices = [fault.cause]
    while others and len(choices) < CHOICES:
        choices.append(others.pop(random.bounded(len(others))))
    choices.sort(key=lambda cause: random.generate())
    return Round(fault, True, choices)


def count(score: Score, played: Round) -> None:
    """Add a round in which both have spoken to the score, once."""
    if played.hidden and played.decided and not played.counted:
        played.counted = True
        score.rounds += 1
        score.person += played.right(played.guess)
        score.doctor += played.right(played.answer)
