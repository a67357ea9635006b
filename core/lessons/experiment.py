"""What an experiment of lesson 3 is: two networks, a question, and what the lecture measured."""

import math
from dataclasses import dataclass

from .pair_history import Account
from .pair_settings import Side
from .questions import Measure, Question, own


@dataclass(frozen=True)
class ResultRow:
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
class LectureExperiment:
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
    rows: tuple[ResultRow, ...] = ()


def own_experiment(first: Side, second: Side) -> LectureExperiment:
    """Return the experiment of two networks that a person has set up."""
    about = "Two networks of your own."
    return LectureExperiment("Your own", about, first, second, own(not first.differs(second)))
