"""What lesson 3 asks before an experiment, and how what was measured answers it."""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from .pair_history import Account

Measure = Callable[[Account, Account], float]
Words = Callable[[Account, Account], str]


@dataclass(frozen=True)
class Question:
    """A question with choices, and the measurement that answers it.

    Attributes:
        words: the question.
        choices: the answers to choose from, from little to much.
        bounds: up to which value each choice holds; the last one holds beyond.
        measure: the value, from what both sides have told.
        answer: the same in a sentence with its numbers.
        at_end: whether it is answered when the run is over, and not after its first step.
    """

    words: str
    choices: tuple[str, ...]
    bounds: tuple[float, ...]
    measure: Measure
    answer: Words
    at_end: bool = False

    def right(self, first: Account, second: Account) -> int:
        """Return the number of the choice that the measurement says; -1 if there is none."""
        value = self.measure(first, second)
        return -1 if math.isnan(value) else bisect_left(self.bounds, value)


def part(value: float) -> str:
    """Write a part of something: ``2.2×``, ``0.43``, ``1/400,000``, ``1/13 million``."""
    if not math.isfinite(value):
        return "no number"
    if value >= 0.995:
        return f"{_round(value)}×"
    if value >= 0.095:
        return f"{value:.2g}"
    if value < 1e-18:
        return "nothing"
    parts = 1 / value
    for size, word in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million")):
        if parts >= size:
            return f"1/{_round(parts / size)}{word}"
    return f"1/{_round(parts)}"


def _share(value: float) -> str:
    """Write it before "the gradient of"."""
    if 0.95 <= value < 1.05:
        return "as much as"
    words = part(value)
    return words.replace("×", " times") if words.endswith("×") else f"{words} of"


def _round(value: float) -> str:
    """Write a number with two figures, without a power of ten."""
    digits = 1 - math.floor(math.log10(value))
    return f"{round(value, digits):,.{max(0, digits)}f}"


def reaches(account: Account, name: str) -> str:
    """Say how much gradient layer 1 of a side gets, against its last hidden layer."""
    last = len(account.info.layers) - 2 if account.info else 0
    return f"layer 1 of {name} gets {_share(account.reach)} the gradient of layer {last}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


REACH = ("less than a thousandth", "a thousandth to a third", "about as much", "many times more")


DEEPER = ("less than a billionth", "about a millionth", "about a thousandth", "about as much")


def reach_of(name: str, words: str, deeper: bool = False) -> Question:
    """Ask how much of the last layer's gradient layer 1 of side ``A`` or ``B`` sees.

    Args:
        name: A or B.
        words: the question.
        deeper: whether there is more choice among the small answers.
    """

    def measure(first: Account, second: Account) -> float:
        return (first if name == "A" else second).reach

    def answer(first: Account, second: Account) -> str:
        sides = [(first, "A"), (second, "B")]
        if name == "B":
            sides.reverse()
        return _capital("; ".join(reaches(*side) for side in sides)) + "."

    if deeper:
        return Question(words, DEEPER, (1e-9, 3e-5, 3e-2), measure, answer)
    return Question(words, REACH, (1e-3, 1 / 3, 3.0), measure, answer)


EVEN = 0.02  # nats between two losses that count as the same


def better(words: str) -> Question:
    """Ask which side is better on new names when the run is over."""

    def measure(first: Account, second: Account) -> float:
        lost = [math.inf if side.broken else side.val_loss for side in (first, second)]
        return lost[0] - lost[1] if math.isfinite(min(lost)) else math.nan

    def answer(first: Account, second: Account) -> str:
        return f"On new names A is at {_loss(first)} and B at {_loss(second)} nats a letter."

    choices = (
        "A by more than 0.02",
        "neither by more than 0.02",
        "B by more than 0.02",
    )
    return Question(words, choices, (-EVEN, EVEN), measure, answer, at_end=True)


def _loss(account: Account) -> str:
    return "no number" if account.broken else f"{account.val_loss:.3f}"


def outcome(first: Account, second: Account) -> str:
    """Say what became of both."""
    steps = max(
        (int(side.history.loss.x[-1]) for side in (first, second) if len(side.history.loss.x)),
        default=0,
    )
    broken = [side.broken for side in (first, second) if side.broken]
    whole = [(s, n) for s, n in ((first, "A"), (second, "B")) if not s.broken]
    losses = " and ".join(f"{side.loss:.2f} in {name}" for side, name in whole)
    told = [f"After {steps:,} steps the loss is {losses}."] if whole and steps else []
    judged = " and ".join(
        f"{side.val_loss:.2f} in {name}" for side, name in whole if not math.isnan(side.val_loss)
    )
    if judged:
        told.append(f"On names that neither has seen: {judged}.")
    return " ".join([*broken, *told])


def own(same: bool) -> Question:
    """Return what is asked of two networks that a person has set up."""

    def measure(first: Account, second: Account) -> float:
        return second.reach / first.reach if first.reach > 0 else math.nan

    def answer(first: Account, second: Account) -> str:
        return f"{_capital(reaches(first, 'A'))}; {reaches(second, 'B')}."

    words = "Your own two networks. In which does more of the gradient reach layer 1?"
    if same:
        words = "Both are the same network, with the same seed. Will one get more gradient?"
    choices = ("more in A", "about the same", "more in B")
    return Question(words, choices, (0.5, 2.0), measure, answer)
