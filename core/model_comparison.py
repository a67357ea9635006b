"""A model comparison: models of one kind of data, each next one better than the one before."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ComparedModel:
    """One model of a comparison.

    Attributes:
        model: its name, one of its kind in the comparison.
        idea: what it adds to the model before, in a few words.
        recipes: the names of its recipes by kind: ``tuned``, and ``lecture`` if it has one.
        lecture: what the lecture or paper reached, if it told a number.
        source: which lecture or paper.
    """

    model: str
    idea: str
    recipes: dict[str, str]
    lecture: float | None
    source: str


@dataclass(frozen=True)
class Measure:
    """What models are compared by: the lower, the better.

    Attributes:
        train, judged: its columns, on what was learned from and on what was not: ``Dev loss``.
        train_help, judged_help: what these are, in a sentence or two.
        axis: its unit, for an axis.
        places: decimals that tell two models apart.
        reference, reference_help: the column of what others reached.
        overfits: from which difference of the two on a model overfits.
        gap: says that difference, ``{gap}``, in a sentence.
        plan: what training all of them does, in a sentence.
        about: what the table is, in a sentence.
    """

    train: str
    judged: str
    train_help: str
    judged_help: str
    axis: str
    places: int
    reference: str
    reference_help: str
    overfits: float
    gap: str
    plan: str
    about: str

    def text(self, value: float) -> str:
        """Return a value with the figures that tell two models apart."""
        return f"{value:.{self.places}f}" if math.isfinite(value) else "NaN"


@dataclass(frozen=True)
class Result:
    """What a model reached, in the unit of its comparison's measure."""

    recipe: str
    parameters: int
    steps: int
    seconds: float
    train: float
    judged: float
