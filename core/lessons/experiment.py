"""What an experiment of lesson 3 is: two networks, a question, and what the lecture measured."""

import math
from dataclasses import dataclass

from core.lessons.account import Account
from core.lessons.questions import Measure, Question, own
from core.lessons.sides import Side


@dataclass(frozen=True)
class Row:
    """A line of the table "the lecture | here".

    Attributes:
        words: what is measured.
        lecture: the lecture's number, in words.
        here: the same, from what both sides have told; NaN while it isn't known.
        form: how the number is written.
        judged: whether it depends on the length of the run, which is told beside it.
    """

    words: str
    lecture: str
    here: Measure
    form: str = ".2f"
    judged: bool = False

    def written(self, first: Account, second: Account) -> str:
        """Write what was measured here, "" while it isn't known."""
        try:
            value = self.here(first, second)
        except ValueError:
            return ""
        return "" if math.isnan(value) else format(value, self.form).replace("-", "\u2212")


@dataclass(frozen=True)
class Experiment:
    """Two networks side by side, and what is asked about them.

    Attributes:
        title: a word or two, for a button.
        about: what the two are, in a sentence.
        first, second: the sides A and B.
        question: what is asked before.
        rows: what the lecture measured, if it did the same.
    """

    title: str
    about: str
    first: Side
    second: Side
    question: Question
    rows: tuple[Row, ...] = ()


def own_experiment(first: Side, second: Side) -> Experiment:
    """Return the experiment of two networks that a person has set up."""
    about = "Two networks of your own."
    return Experiment("Your own", about, first, second, own(not first.differs(second)))
