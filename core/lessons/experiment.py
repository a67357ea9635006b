"""An experiment of lesson 3: two networks, a question, and what the lecture measured."""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from ..numbers import large, number
from .pair_history import NetworkHistory
from .pair_settings import NetworkSettings

Measure = Callable[[NetworkHistory, NetworkHistory], float]
Sentence = Callable[[NetworkHistory, NetworkHistory], str]
TIE = 0.02  # nats between two losses that count as equal


@dataclass(frozen=True)
class Question:
    """A question with choices, and the measurement that answers it.

    Attributes:
        words: the question.
        choices: the possible answers, in ascending order.
        bounds: the upper bound of each choice but the last.
        measure: the measured value, from the histories of A and B.
        answer: the same in a sentence with its numbers.
        at_end: whether it is answered after the run, and not after its first step.
    """

    words: str
    choices: tuple[str, ...]
    bounds: tuple[float, ...]
    measure: Measure
    answer: Sentence
    at_end: bool = False

    def right(self, a: NetworkHistory, b: NetworkHistory) -> int:
        """Return the number of the right choice; -1 if nothing was measured."""
        value = self.measure(a, b)
        return -1 if math.isnan(value) else bisect_left(self.bounds, value)


@dataclass(frozen=True)
class ResultRow:
    """A row of the table "lecture | measured here".

    Attributes:
        words: the quantity.
        lecture: the lecture's number, as it is written.
        here: the same, measured here; NaN while it isn't known.
        form: how the number is written.
        at_end: whether it depends on the number of steps, which is written beside it.
    """

    words: str
    lecture: str
    here: Measure
    form: str = ".2f"
    at_end: bool = False

    def written(self, a: NetworkHistory, b: NetworkHistory) -> str:
        """Return the measured number, "" while it isn't known."""
        try:
            value = self.here(a, b)
        except ValueError:
            return ""
        return "" if math.isnan(value) else format(value, self.form).replace("-", "\u2212")


@dataclass(frozen=True)
class LectureExperiment:
    """Two networks and a question about them.

    Attributes:
        title: a word or two, for a button.
        about: the two networks, in a sentence.
        first, second: the settings of A and B.
        question: asked before the run.
        rows: what the lecture measured in the same experiment, if it did.
    """

    title: str
    about: str
    first: NetworkSettings
    second: NetworkSettings
    question: Question
    rows: tuple[ResultRow, ...] = ()


def own_experiment(first: NetworkSettings, second: NetworkSettings) -> LectureExperiment:
    """Return the experiment of two networks with a person's own settings."""

    def measure(a: NetworkHistory, b: NetworkHistory) -> float:
        return b.gradient_ratio / a.gradient_ratio if a.gradient_ratio > 0 else math.nan

    def answer(a: NetworkHistory, b: NetworkHistory) -> str:
        return f"{_capital(gradient_in_words(a, 'A'))}; {gradient_in_words(b, 'B')}."

    words = "Your own two networks. In which is the gradient of layer 1 larger?"
    if not first.differences(second):
        words = "Both are the same network, with the same seed. Will one get more gradient?"
    choices = ("larger in A", "about equal", "larger in B")
    question = Question(words, choices, (0.5, 2.0), measure, answer)
    return LectureExperiment("Your own", "Two networks of your own.", first, second, question)


RATIOS = ("less than a thousandth", "a thousandth to a third", "about as much", "many times more")
SMALL_RATIOS = (
    "less than a billionth",
    "about a millionth",
    "about a thousandth",
    "about as much",
)


def gradient_question(name: str, words: str, small: bool = False) -> Question:
    """Ask for the gradient of layer 1 of ``A`` or ``B``, relative to its last hidden layer.

    Args:
        name: A or B.
        words: the question.
        small: whether the choices distinguish small ratios.
    """

    def measure(a: NetworkHistory, b: NetworkHistory) -> float:
        return (a if name == "A" else b).gradient_ratio

    def answer(a: NetworkHistory, b: NetworkHistory) -> str:
        named = [(a, "A"), (b, "B")]
        ordered = named if name == "A" else named[::-1]
        return _capital("; ".join(gradient_in_words(*network) for network in ordered)) + "."

    if small:
        return Question(words, SMALL_RATIOS, (1e-9, 3e-5, 3e-2), measure, answer)
    return Question(words, RATIOS, (1e-3, 1 / 3, 3.0), measure, answer)


def validation_question() -> Question:
    """Ask which network has the lower validation loss after the run."""

    def measure(a: NetworkHistory, b: NetworkHistory) -> float:
        losses = [math.inf if network.failure else network.val_loss for network in (a, b)]
        return losses[0] - losses[1] if math.isfinite(min(losses)) else math.nan

    def answer(a: NetworkHistory, b: NetworkHistory) -> str:
        losses = ["NaN" if n.failure else f"{n.val_loss:.3f}" for n in (a, b)]
        return "Validation loss: {} in A, {} in B, in nats per character.".format(*losses)

    return Question(
        "Which will have the lower validation loss?",
        ("A by more than 0.02", "neither by more than 0.02", "B by more than 0.02"),
        (-TIE, TIE),
        measure,
        answer,
        at_end=True,
    )


def ratio_in_words(value: float) -> str:
    """Return a ratio: ``2.2×``, ``0.43``, ``1/400,000``, ``1/13 million``."""
    if not math.isfinite(value):
        return "NaN"
    if value >= 0.995:
        return f"{number(value, 2)}×"
    if value >= 0.095:
        return f"{value:.2g}"
    return f"1/{large(1 / value)}" if value else "0"


def gradient_in_words(network: NetworkHistory, name: str) -> str:
    """Return the gradient of layer 1 relative to the last hidden layer, in words."""
    last = len(network.info.layers) - 2 if network.info else 0
    ratio = network.gradient_ratio
    words = ratio_in_words(ratio)
    share = f"{words[:-1]} times" if words.endswith("×") else f"{words} of"
    share = "as much as" if 0.95 <= ratio < 1.05 else share
    return f"layer 1 of {name} gets {share} the gradient of layer {last}"


def outcome(a: NetworkHistory, b: NetworkHistory) -> str:
    """Return how both runs ended."""
    steps = max((int(n.history.loss.x[-1]) for n in (a, b) if len(n.history.loss.x)), default=0)
    sentences = [network.failure for network in (a, b) if network.failure]
    trained = [(network, name) for network, name in ((a, "A"), (b, "B")) if not network.failure]
    if trained and steps:
        losses = " and ".join(f"{network.loss:.2f} in {name}" for network, name in trained)
        sentences.append(f"After {steps:,} steps the training loss is {losses}.")
    validated = [f"{n.val_loss:.2f} in {name}" for n, name in trained if not math.isnan(n.val_loss)]
    if validated:
        sentences.append(f"Validation loss: {' and '.join(validated)}.")
    return " ".join(sentences)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
