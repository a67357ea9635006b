"""A recipe: the settings of one training, each described once.

The page's form, ``--set`` on the command line and the documentation are all made from the
descriptions here; a playground adds its own fields in a subclass.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any, Self

from ..errors import UserError
from .footprint import Footprint

LONGEST = 60
"""Characters of an impossible value that a sentence repeats."""
WIDE = 64
"""From this width on half precision pays: below, converting takes longer than it saves."""
ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu")
INITS = ("kaiming", "xavier", "normal", "zeros")
INIT_FIXES = dict.fromkeys(
    (
        "symmetric_init",
        "bad_init_scale",
        "saturated_units",
        "dead_units",
        "vanishing_gradient",
        "exploding_gradient",
    ),
    "kaiming",
)
"""Of a setting whose choices are ``INITS``, as ``fixes``."""


@dataclass(frozen=True)
class Setting:
    """What a person needs to know about one field of a recipe.

    Attributes:
        group: the heading it stands under on the page.
        label: its name on the page.
        help: what it does, in a sentence that teaches.
        choices: the allowed words; empty where any value of the type will do.
        low, high: the allowed range of a number, both included.
        live: whether it may be changed while a run goes on.
        only: the settings it depends on, ``{"model": ("mlp",)}``; elsewhere it has no effect.
        most: for a list of sizes, how many there may be.
        fixes: the value that fixes a cause of the doctor's, by the cause's id.
    """

    group: str
    label: str
    help: str
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    live: bool = False
    only: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    most: int = 8
    fixes: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def applies(self, recipe: "Recipe") -> bool:
        """Whether it has an effect under the other settings of this recipe."""
        return all(getattr(recipe, key) in allowed for key, allowed in self.only.items())


def setting(default: Any, group: str, label: str, help: str, **rest: Any) -> Any:
    """Declare a field of a recipe together with its description."""
    description = Setting(group, label, help, **rest)
    return dataclasses.field(default=default, metadata={"setting": description})


def shared(key: str, default: Any, **rest: Any) -> Any:
    """Declare a setting that other playgrounds have, too.

    Args:
        key: a field of ``Recipe``, or one of ``SHARED``.
        default: this playground's own.
        rest: what else is its own, such as ``only``.
    """
    known = {field.name: field.metadata["setting"] for field in dataclasses.fields(Recipe)}
    description = dataclasses.replace((known | SHARED)[key], **rest)
    return dataclasses.field(default=default, metadata={"setting": description})


SHARED = {
    "hidden": Setting(
        "Model",
        "Hidden layers",
        "The sizes of the hidden layers, first to last.",
        low=1,
        high=4096,
    ),
    "activation": Setting(
        "Model",
        "Activation",
        "The nonlinearity after a matrix product; without it, layers would add nothing.",
        choices=ACTIVATIONS,
        fixes={"vanishing_gradient": "relu"},
    ),
    "init": Setting(
        "Model",
        "Initialisation",
        "How large the first weights are. kaiming and xavier keep the spread of the signal from"
        " layer to layer; normal is the same for every size; zeros can't learn at all.",
        choices=INITS,
        fixes=INIT_FIXES,
    ),
    "gain": Setting(
        "Model",
        "Gain",
        "The standard deviation of the first weights, for the normal initialisation.",
        low=0.0,
        high=10.0,
        only={"init": ("normal",)},
    ),
    "precision": Setting(
        "Training",
        "Precision",
        "auto computes matrix products in half precision (bfloat16) where the processor (for a"
        " text, the GPU, too) is faster with it and the layers are wide enough; weights and updates"
        " stay float32. float32 never does, so that every machine computes the same to a rounding.",
        choices=("auto", "float32"),
    ),
    "dropout": Setting(
        "Model",
        "Dropout",
        "The share of units switched off at random in each step, against overfitting.",
        low=0.0,
        high=0.9,
        fixes={"overfitting": 0.2},
    ),
}
"""Settings that several playgrounds have, though not all."""


class Trait(Flag):
    """What a recipe's network and its data have, for whoever must not know which they are."""

    DESCENT = auto()
    """It learns by gradient descent, not by counting."""
    HIDDEN = auto()
    """It has hidden layers, or would have room for them."""
    ACTIVATIONS = auto()
    """Hidden layers are matrix products with an activation behind them."""
    DENSE = auto()
    """These follow one another directly, so that without activations they are one product."""
    CONFIGURABLE = auto()
    """Their sizes, activation and initialisation are settings, and nothing normalises between."""
    BATCH_NORM = auto()
    SEQUENCES = auto()
    """There is an answer at every position of an example, not one for each example."""
    CONTEXT = auto()
    """A setting says how many tokens it sees, and it sees more than one."""
    TOKENS = auto()
    IMAGES = auto()
    CROSS_ENTROPY = auto()
    TIED = auto()
    """The output layer shares its weights with the embedding."""
    RARE_LABELS = auto()
    """The last of its labels hardly ever occurs."""
    SGD = auto()


@dataclass(frozen=True)
class Recipe:
    """The settings that every playground shares."""

    optimizer: str = setting(
        "adamw",
        "Training",
        "Optimiser",
        "How a gradient becomes an update: plain descent (sgd), or steps scaled for each weight by"
        " its recent gradients (adam; adamw decays the weights apart from that). muon moves the"
        " matrices of hidden layers in all directions alike, and the rest by adamw.",
        choices=("sgd", "adam", "adamw", "muon"),
    )
    lr: float = setting(
        1e-3,
        "Training",
        "Learning rate",
        "How far an update goes along the gradient. Too low learns slowly, too high throws the"
        " loss about; the update-to-weight ratio near 1/1,000 (-3 in log10) is a good sign.",
        low=1e-7,
        high=100.0,
        live=True,
    )
    schedule: str = setting(
        "cosine",
        "Training",
        "Schedule",
        "What becomes of the learning rate during the run: constant; cosine, a short rise, then"
        " down to nothing; step, a tenth of it after each third of the run; drop, a tenth of it for"
        " the last part.",
        choices=("constant", "cosine", "step", "drop"),
        fixes={"lr_growing": "cosine"},
    )
    drop_at: float = setting(
        0.5,
        "Training",
        "Drop at",
        "The share of the run after which the learning rate falls to a tenth.",
        low=0.0,
        high=1.0,
        only={"schedule": ("drop",)},
    )
    momentum: float = setting(
        0.0,
        "Training",
        "Momentum",
        "The share of the last update that goes on into the next one.",
        low=0.0,
        high=0.999,
        live=True,
        only={"optimizer": ("sgd",)},
        fixes={"oscillation": 0.0},
    )
    beta2: float = setting(
        0.999,
        "Training",
        "Beta 2",
        "How long Adam remembers how large the gradients were: 0.999 some thousand steps, 0.99 some"
        " hundred, which suits small batches of text.",
        low=0.0,
        high=0.99999,
        only={"optimizer": ("adam", "adamw", "muon")},
    )
    weight_decay: float = setting(
        0.0,
        "Training",
        "Weight decay",
        "How strongly every weight matrix is pulled towards zero, against overfitting.",
        low=0.0,
        high=10.0,
        live=True,
        fixes={"regulariser_dominates": 0.01},
    )
    batch_size: int = setting(
        128,
        "Training",
        "Batch size",
        "How many examples an update is averaged over.",
        low=1,
        high=8192,
    )
    seed: int = setting(
        42,
        "Training",
        "Seed",
        "Where the random numbers start; the same seed gives the same run on the same machine.",
        low=0,
        high=2**31 - 1,
    )

    steps: int = setting(
        0,
        "Training",
        "Steps",
        "How many steps the run takes, where a lecture says so; 0 trains by the clock.",
        low=0,
        high=100_000_000,
    )

    def traits(self) -> Trait:
        """Return what its network and its data have; a playground's recipe adds its own."""
        return Trait.SGD if self.optimizer == "sgd" else Trait(0)

    @property
    def has_hidden_matrices(self) -> bool:
        """Whether its network has hidden linear layers, whose matrices Muon moves."""
        return True

    def is_mixed_on(self, device: str) -> bool:
        """Whether its products are computed in half precision on a device that multiplies so.

        Args:
            device: ``cpu``, ``cuda`` or ``mps``.
        """
        return False

    @property
    def sees(self) -> int:
        """How many tokens back its model sees; 0 where the inputs are not tokens."""
        return 0

    def footprint(self, symbols: int = 0) -> Footprint | None:
        """Return what its training consists of; None where that is not known.

        Args:
            symbols: how many letters or tokens there are; 0 where the data is not there yet.
        """
        return None

    def unaugmented(self) -> Self:
        """Return this recipe without random changes to the inputs."""
        return self

    @classmethod
    def settings(cls) -> dict[str, Setting]:
        """Return the description of every field, by its key, in the order of the page."""
        return {f.name: f.metadata["setting"] for f in dataclasses.fields(cls)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build a recipe from plain values, each checked; the inverse of :meth:`to_dict`.

        Raises:
            UserError: an unknown key or an impossible value; the sentence names what is allowed.
        """
        return cls().replace(values)

    def replace(self, values: Mapping[str, Any]) -> Self:
        """Return this recipe with some settings changed, each checked (texts are understood).

        Raises:
            UserError: an unknown key or an impossible value; the sentence names what is allowed.
        """
        known = self.settings()
        defaults = type(self)()
        changes: dict[str, Any] = {}
        for key, value in values.items():
            if key not in known:
                raise UserError(
                    f"There is no setting '{_shown(key)}'; there are {', '.join(known)}."
                )
            changes[key] = _checked(key, known[key], getattr(defaults, key), value)
        changed = dataclasses.replace(self, **changes)
        changed.check()
        return changed

    @classmethod
    def describe(cls, settings: Mapping[str, Any]) -> str:
        """Return settings with their labels: ``learning rate 0.001, dropout 0.2``."""
        known, said = cls.settings(), []
        for key, value in settings.items():
            if isinstance(value, bool):
                words = "on" if value else "off"
            elif isinstance(value, tuple | list):
                words = " ".join(str(part) for part in value)
            else:
                words = f"{value:g}" if isinstance(value, float) else str(value)
            label = known[key].label
            is_short = sum(letter.isupper() for letter in label) > 1  # QK norm, GELU
            said.append(f"{label if is_short else label.lower()} {words}")
        return ", ".join(said)

    def check(self) -> None:
        """Refuse settings that are possible alone but not together.

        Raises:
            UserError: they do not go together; says which and what to do.
        """

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values for JSON."""
        values = dataclasses.asdict(self)
        return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}


def _checked(key: str, about: Setting, default: Any, value: Any) -> Any:
    """Return the value in the type of the default, or say what would be allowed."""
    if isinstance(default, bool):
        return _checked_bool(key, about, value)
    if isinstance(default, tuple):
        return _checked_sizes(key, about, value)
    if isinstance(default, str):
        if value not in about.choices:
            raise UserError(
                f"{key}={_shown(value)} is not possible; choose {', '.join(about.choices)}."
            )
        return value
    kind = "a whole number" if isinstance(default, int) else "a number"
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    whole = not isinstance(default, int) or number.is_integer()
    if not (math.isfinite(number) and whole and about.low <= number <= about.high):
        raise UserError(
            f"{key}={_shown(value)} is not possible; “{about.label}” is {kind} {_range(about)}."
        )
    return type(default)(number)


def _checked_bool(key: str, about: Setting, value: Any) -> bool:
    words = {"true": True, "on": True, "yes": True, "1": True}
    words |= {"false": False, "off": False, "no": False, "0": False}
    if str(value).lower() not in words:
        raise UserError(f"{key}={_shown(value)} is not possible; “{about.label}” is on or off.")
    return words[str(value).lower()]


def _checked_sizes(key: str, about: Setting, value: Any) -> tuple[int, ...]:
    """Read a list of sizes: ``100,70``, ``100 70``, or a sequence of numbers."""
    parts = value.replace(",", " ").split() if isinstance(value, str) else value
    try:
        exact = [float(part) for part in parts]
        sizes = tuple(int(size) if size.is_integer() else -1 for size in exact)
    except (TypeError, ValueError, OverflowError):
        sizes = (-1,)
    if len(sizes) > about.most or not all(about.low <= size <= about.high for size in sizes):
        raise UserError(
            f"{key}={_shown(value)} is not possible; “{about.label}” is a list of at most"
            f" {about.most} sizes {_range(about)}, such as 100,70."
        )
    return sizes


def _shown(value: Any) -> str:
    """Return a value as one short line; what somebody typed or a file says may be anything."""
    text = " ".join(str(value).split())
    return f"{text[:LONGEST]} …" if len(text) > LONGEST else text


def _range(about: Setting) -> str:
    if math.isinf(about.low):
        return "of any size"
    return f"from {_plain(about.low)} to {_plain(about.high)}"


def _plain(limit: float) -> str:
    return f"{limit:,}" if isinstance(limit, int) else f"{limit:g}"
