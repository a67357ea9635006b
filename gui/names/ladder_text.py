"""What the ladder says: its columns, numbers in few figures, and a sentence for each rung."""

import math
from dataclasses import dataclass

from core.playgrounds.names.ladder import Result, Rung

OVERFITS = 0.10  # nats between dev and train loss that are worth a word
PLAY = "Double-click, or press Enter: play with this network."


@dataclass(frozen=True)
class LadderColumn:
    """A column: its title and a shorter one, its widths for either in pixels, and its help."""

    title: str
    short: str
    width: int
    narrow: int
    help: str


COLUMNS = (
    LadderColumn("Model", "Model", 0, 0, "From counting pairs of letters up to the transformer."),
    LadderColumn("Parameters", "Params", 80, 68, "How many numbers the training may change."),
    LadderColumn(
        "Train loss",
        "Train",
        68,
        46,
        "Nats a character on names that it learned from, up to 3,000 of them: the lower, the better"
        " it knows them.",
    ),
    LadderColumn(
        "Dev loss",
        "Dev",
        72,
        64,
        "Nats a character on names that it never saw: this is what counts. The star marks the"
        " best. Far above the train loss, it overfits.",
    ),
    LadderColumn("Time", "Time", 62, 54, "How long it trained."),
    LadderColumn(
        "Lecture",
        "Lecture",
        62,
        54,
        "The dev loss that the lecture reached, on makemore's own names.txt. Point at one to see"
        " which lecture.",
    ),
)


def loss(value: float) -> str:
    """Return a loss with the figures that tell two rungs apart."""
    return f"{value:.3f}" if math.isfinite(value) else "NaN"


def span(seconds: float) -> str:
    """Return a length of time in one short word: ``20 s``, ``3.3 min``, ``1.2 h``."""
    if seconds < 1:
        return "< 1 s"
    if round(seconds) < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def told(rung: Rung, result: Result | None) -> str:
    """Say what a rung is and what it reached."""
    idea = f"{rung.model}: {rung.idea}."
    if result is None:
        return f"{idea} Not trained yet."
    if not math.isfinite(result.dev_loss):
        return f"{idea} Its loss is NaN: the training diverged."
    gap = result.dev_loss - result.train_loss
    steps = "one step" if result.steps == 1 else f"{result.steps:,} steps"
    reached = (
        f"{idea} Dev loss {result.dev_loss:.4f}, train loss {result.train_loss:.4f},"
        f" after {steps} of the recipe {result.recipe}."
    )
    if gap > OVERFITS:
        reached += f" It overfits: on names it never saw it is {gap:.2f} nats worse."
    return f"{reached} {PLAY}"


def told_by_lecture(rung: Rung) -> str:
    """Say where a lecture's dev loss comes from."""
    if rung.lecture is None:
        return f"{rung.source}: no dev loss is told there."
    return f"{rung.source}: dev loss {rung.lecture:.4f}."
