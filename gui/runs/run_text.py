"""A run in words: where it stands, when it was, what it is, what its recipe changes."""

import math
import time
from collections.abc import Mapping
from typing import Any

from core import playgrounds
from core.errors import UserError
from core.numbers import duration
from core.runs.library import LOOP, Entry
from core.runs.run_info import RunInfo, recipe_of
from core.training.recipe import Recipe
from gui.widgets.doctor_text import in_words

DAY = 24 * 3600
STATE_ROLES = {"running": "text", "failed": "fault", "interrupted": "warning"}
"""The colour of a state; all others are muted."""
KNOWN = (
    ("val_loss", "validation loss {:.4f}"),
    ("train_loss", "training loss {:.4f}"),
    ("val_accuracy", "{:.1%} of the validation data right"),
    ("val_nats_per_char", "{:.3f} nats a character on new text"),
)
"""What is told of how a run was judged, if it is known."""


def when(begun: float, now: float | None = None) -> str:
    """Say when a run began: the time today, the day before."""
    here = time.localtime(begun)
    age = (time.time() if now is None else now) - begun
    if age < DAY and here.tm_mday == time.localtime(begun + age).tm_mday:
        return time.strftime("today %H:%M", here)
    return time.strftime("%d %b %H:%M" if age < 300 * DAY else "%d %b %Y", here)


def subject(entry: Entry) -> str:
    """Say what learns: playground and model."""
    return f"{entry.playground} · {entry.model}" if entry.model else entry.playground


def progress(about: RunInfo | None) -> float:
    """Return how much of a run is done, 0 to 1; NaN where that isn't known."""
    if about is None:
        return math.nan
    if about.steps:
        return min(1.0, (about.step - about.first) / about.steps)
    return min(1.0, about.spent / about.seconds) if about.seconds else math.nan


def standing(entry: Entry) -> str:
    """Say how far a run is, or how it ended, in a sentence."""
    about = entry.about
    if about is None:
        return f"A loop that glassbox.watch saw; {entry.step:,} steps."
    steps = f"{about.step:,} steps"
    took = f" in {duration(about.spent)}" if about.spent else ""
    if entry.state == "running":
        share = progress(about)
        return f"Running: {steps}{took}" + (f", {share:.0%} of it." if share == share else ".")
    if entry.state == "interrupted":
        return f"Interrupted after {steps}{took}: its program ended before it did. It can go on."
    if entry.state == "failed":
        return f"Failed after {steps}{took}. {about.sentence}"
    return f"{entry.state.capitalize()} after {steps}{took}."


def result(metrics: Mapping[str, float]) -> str:
    """Say how it was judged; "" where it was not."""
    said = [words.format(metrics[key]) for key, words in KNOWN if key in metrics]
    words = ", ".join(said)
    return words[:1].upper() + words[1:] + "." if words else ""


def described(about: RunInfo) -> str:
    """Say what learned what, in a sentence."""
    return (
        f"{about.model} with {about.parameters:,} parameters, learned from {about.dataset},"
        f" on {about.device}."
    )


def nearest_recipe(about: RunInfo) -> tuple[str, list[tuple[str, str]]]:
    """Return the name of the recipe that a run's is most like, and what it sets otherwise.

    Returns:
        The name, and (label, value) of each setting that differs, steps left out.

    Raises:
        UserError: the recipe is none of this version of Glassbox.
    """
    recipe = recipe_of(about)
    found = {
        name: _differing(recipe, other)
        for name, other in playgrounds.get(about.playground).recipes.items()
    }
    name = min(found, key=lambda key: len(found[key]))
    labels = recipe.settings()
    return name, [(labels[key].label, in_words(value)) for key, value in found[name].items()]


def _differing(recipe: Recipe, other: Recipe) -> dict[str, Any]:
    """Return the settings that have an effect and differ, and their values."""
    settings = recipe.settings()
    return {
        key: getattr(recipe, key)
        for key, about in settings.items()
        if key != "steps" and about.applies(recipe) and getattr(recipe, key) != getattr(other, key)
    }


def loss_unit(entry: Entry) -> str:
    """Return what a run's loss is measured in; "" for nothing that has a name, or is known."""
    if entry.about is None:
        return "nats" if "entropy" in entry.seen.get("Loss", "") else ""
    try:
        return playgrounds.get(entry.about.playground).loss_unit(recipe_of(entry.about))
    except UserError:  # its recipe is none of this version of Glassbox
        return ""


def haystack(entry: Entry) -> str:
    """Return all the words of a run that a search looks at, in small letters."""
    words = (entry.title, entry.card.note, entry.model, entry.playground, entry.state)
    return "\n".join((*words, entry.path.name)).lower()


def is_loop(entry: Entry) -> bool:
    """Whether it is a record of core.watch, which has no recipe and no weights."""
    return entry.playground == LOOP
