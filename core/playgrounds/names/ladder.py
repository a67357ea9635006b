"""The ladder: the models of the makemore lectures, each next one better than the one before."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rung:
    """One model of the ladder.

    Attributes:
        model: its key in a recipe.
        idea: what it adds to the rung below, in a few words.
        recipes: the names of its recipes, ``{"lecture": ..., "tuned": ...}``.
        lecture: the dev loss that the lecture reached, if it told one.
        source: which lecture.
    """

    model: str
    idea: str
    recipes: dict[str, str]
    lecture: float | None
    source: str


@dataclass(frozen=True)
class Result:
    """What a rung reached: losses in nats per character, the end mark included."""

    recipe: str
    parameters: int
    steps: int
    seconds: float
    train_loss: float
    dev_loss: float
