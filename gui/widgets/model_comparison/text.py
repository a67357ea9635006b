"""What a comparison says: its columns, numbers in few figures, and a sentence for each model."""

import math
from dataclasses import dataclass

from core.model_comparison import ComparedModel, Measure, Result

PLAY = "Double-click, or press Enter: play with this network."


@dataclass(frozen=True)
class ComparisonColumn:
    """A column: its title and a shorter one, its widths for either in pixels, and its help."""

    title: str
    short: str
    width: int
    narrow: int
    help: str


def columns(measure: Measure) -> tuple[ComparisonColumn, ...]:
    """Return the columns of a comparison by this measure."""
    train, judged = measure.train, measure.judged
    short = (train.partition(" ")[0], judged.partition(" ")[0])
    return (
        ComparisonColumn("Model", "Model", 0, 0, "From the simplest up."),
        ComparisonColumn(
            "Parameters", "Params", 80, 68, "How many numbers the training may change."
        ),
        ComparisonColumn(train, short[0], 68, 46, measure.train_help),
        ComparisonColumn(judged, short[1], 72, 64, measure.judged_help),
        ComparisonColumn("Time", "Time", 62, 54, "How long it trained."),
        ComparisonColumn(measure.reference, measure.reference, 62, 54, measure.reference_help),
    )


def span(seconds: float) -> str:
    """Return a length of time in one short word: ``20 s``, ``3.3 min``, ``1.2 h``."""
    if seconds < 1:
        return "< 1 s"
    if round(seconds) < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def told(compared: ComparedModel, result: Result | None, measure: Measure) -> str:
    """Say what a model is and what it reached."""
    idea = f"{compared.model}: {compared.idea}."
    if result is None:
        return f"{idea} Not trained yet."
    if not math.isfinite(result.judged):
        return f"{idea} Its loss is NaN: the training diverged."
    gap, places = result.judged - result.train, measure.places + 1
    steps = "one step" if result.steps == 1 else f"{result.steps:,} steps"
    reached = (
        f"{idea} {measure.judged} {result.judged:.{places}f}, {measure.train.lower()}"
        f" {result.train:.{places}f}, after {steps} of the recipe {result.recipe}."
    )
    if gap > measure.overfits:
        reached += f" It overfits: {measure.gap.format(gap=gap)}."
    return f"{reached} {PLAY}"


def told_by_lecture(compared: ComparedModel, measure: Measure) -> str:
    """Say where the value of a lecture or paper comes from."""
    judged = measure.judged.lower()
    if compared.lecture is None:
        return f"{compared.source}: no {judged} is told there."
    return f"{compared.source}: {judged} {compared.lecture:.{measure.places + 1}f}."
