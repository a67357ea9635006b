"""What differs between runs that are laid over one another; said before any curve is looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..telemetry.events import Array
from ..telemetry.history import Curve, History
from ..training.recipe import Recipe
from .curves import read_curves
from .library import LOOP, Entry
from .loop_record import history_of, read_record
from .run_info import RunInfo, recipe_of

MOST = 6
AXES = ("steps", "seconds", "examples")


@dataclass(frozen=True)
class Difference:
    """One setting in which runs differ: its name, and the value in each, in words."""

    label: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Compared:
    """A run, or a loop that was watched, as one of some that are compared.

    Attributes:
        playground: what learns; ``LOOP`` for a watched loop.
        settings: of its recipe, or what the doctor saw of them, in words by their labels; what
            decides most stands first.
        history: its curves.
        batch_size: examples a step; 0 if that is not known.
        tokens: what a loss per token is to be held against others by: the tokenizer and the size
            of its vocabulary; None where there are no tokens.
    """

    playground: str
    settings: Mapping[str, str]
    history: History
    batch_size: int
    tokens: tuple[Any, ...] | None = None

    def along(self, axis: str, curve: Curve) -> Array:
        """Return where a curve's points lie on an axis: steps, seconds of training, or examples."""
        if axis == "seconds":
            return self.history.seconds_at(curve.x)
        return curve.x * float(self.batch_size) if axis == "examples" else curve.x


def compared(entry: Entry) -> Compared:
    """Read what is compared of a run.

    Raises:
        UserError: it is damaged, or its recipe is none of this version of Glassbox.
    """
    if entry.about is None:
        record = read_record(entry.path)
        settings = {**record.settings, "Length": f"{entry.step:,} steps"}
        return Compared(entry.playground, settings, history_of(record), record.batch_size)
    about = entry.about
    recipe = recipe_of(about)
    named = "tokenizer" in about.recipe
    return Compared(
        entry.playground,
        {
            "Data": about.dataset,
            **_settings(about, recipe),
            "Length": f"{about.steps:,} steps" if about.steps else f"{about.seconds:g} s",
            "Device": about.device,
        },
        read_curves(entry.path),
        recipe.batch_size,
        (about.recipe["tokenizer"], about.uniform_loss) if named else None,
    )


def _settings(about: RunInfo, recipe: Recipe) -> dict[str, str]:
    """Return a recipe in the order of its form, the model first, a live change as ``a → b``.

    A setting without an effect is left out.
    """
    known = recipe.settings()
    keys = sorted((key for key in known if key != "steps"), key=lambda key: key != "model")
    return {
        known[key].label: " → ".join(
            _words(value)
            for value in (
                getattr(recipe, key),
                *(value for _, name, value in about.changes if name == key),
            )
        )
        for key in keys
        if known[key].applies(recipe)
    }


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(str(part) for part in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def differences(runs: Sequence[Compared]) -> list[Difference]:
    """Return in what runs differ, what decides most first; – stands for what one does not have."""
    labels = dict.fromkeys(label for run in runs for label in run.settings)
    rows = [
        Difference("Playground", tuple(run.playground for run in runs)),
        *(
            Difference(label, tuple(run.settings.get(label, "–") for run in runs))
            for label in labels
        ),
    ]
    return [row for row in rows if len(set(row.values)) > 1]


def sentence(runs: Sequence[Compared]) -> str:
    """Say in one sentence what differs."""
    found = [difference.label for difference in differences(runs)]
    seen = any(run.playground == LOOP for run in runs)
    if not found and seen:
        return "Nothing that could be seen of them differs: it is the seed, the data, or chance."
    if not found:
        return "The same recipe, data and length: what differs is chance, or the machine."
    if found == ["Seed"]:
        return "Only the seed differs: what you see between them is chance."
    named = ", ".join(label if i == 0 else label.lower() for i, label in enumerate(found[:6]))
    more = f" and {len(found) - 6} more" if len(found) > 6 else ""
    rest = "all else that could be seen" if seen else "all else"
    return f"{named}{more} differ{'s' if len(found) == 1 else ''}; {rest} is the same."


def tokens_differ(runs: Sequence[Compared]) -> bool:
    """Whether the losses of runs of one playground are each per another token."""
    if len({run.playground for run in runs}) > 1 or any(run.tokens is None for run in runs):
        return False
    return len({run.tokens for run in runs}) > 1
