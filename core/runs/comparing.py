"""What differs between runs that are laid over one another; said before any curve is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.runs.about import About, recipe_of
from core.telemetry.events import Array
from core.telemetry.history import Curve, History
from core.training.recipe import Recipe

MOST = 6
AXES = ("steps", "seconds", "examples")


@dataclass(frozen=True)
class Difference:
    """One setting in which runs differ: its name, and the value in each, in words."""

    label: str
    values: tuple[str, ...]


def differences(abouts: Sequence[About]) -> list[Difference]:
    """Return in what runs differ, what decides most first: playground, data, recipe, length."""
    rows = [
        Difference("Playground", tuple(about.playground for about in abouts)),
        Difference("Data", tuple(about.dataset for about in abouts)),
        *_settings(abouts),
        Difference("Length", tuple(_length(about) for about in abouts)),
        Difference("Device", tuple(about.device for about in abouts)),
    ]
    return [row for row in rows if len(set(row.values)) > 1]


def _settings(abouts: Sequence[About]) -> list[Difference]:
    """Return the recipes' settings, in the order of their form, a live change as ``a → b``."""
    recipes = [recipe_of(about) for about in abouts]
    labels: dict[str, str] = {}
    for recipe in recipes:
        labels |= {key: setting.label for key, setting in recipe.settings().items()}
    labels.pop("steps", None)
    pairs = list(zip(abouts, recipes, strict=True))
    return [
        Difference(label, tuple(_value(about, recipe, key) for about, recipe in pairs))
        for key, label in sorted(labels.items(), key=lambda item: item[0] != "model")
    ]


def _value(about: About, recipe: Recipe, key: str) -> str:
    """Return a setting as it was, and what became of it; – where it has no effect."""
    settings = recipe.settings()
    if key not in settings or not settings[key].applies(recipe):
        return "–"
    values = [getattr(recipe, key), *(value for _, name, value in about.changes if name == key)]
    return " → ".join(_words(value) for value in values)


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(str(part) for part in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _length(about: About) -> str:
    return f"{about.steps:,} steps" if about.steps else f"{about.seconds:g} s"


def along(axis: str, about: About, history: History, curve: Curve) -> Array:
    """Return where a curve's points lie on an axis: steps, seconds of training, or examples."""
    if axis == "seconds":
        return history.seconds_at(curve.x)
    return curve.x * float(recipe_of(about).batch_size) if axis == "examples" else curve.x


def sentence(abouts: Sequence[About]) -> str:
    """Say in one sentence what differs."""
    found = [difference.label for difference in differences(abouts)]
    if not found:
        return "The same recipe, data and length: what differs is chance, or the machine."
    if found == ["Seed"]:
        return "Only the seed differs: what you see between them is chance."
    named = ", ".join(label if i == 0 else label.lower() for i, label in enumerate(found[:6]))
    more = f" and {len(found) - 6} more" if len(found) > 6 else ""
    return f"{named}{more} differ{'s' if len(found) == 1 else ''}; all else is the same."
