"""The two networks of lesson 3: each a deep network on names, described by a few settings.

No torch in it: the page shows the settings before torch is there.
"""

from dataclasses import dataclass

from ..playgrounds.names.recipe import NamesRecipe
from ..training.recipe import ACTIVATIONS, setting, shared

PLAIN = "none"
"""The activation that bends nothing."""
LECTURE_STEPS = 200_000
"""As long as the lecture trains, with a tenth of the rate in the second half."""
SHOWN = ("depth", "width", "activation", "gain", "norm", "residual", "last", "lr")
"""The settings in which two sides may differ."""


@dataclass(frozen=True)
class Side(NamesRecipe):
    """One of two networks: three letters as points in a space, then ``depth`` hidden layers.

    What is not shown is the lecture's own (makemore, part 3): three letters, ten dimensions each,
    32 examples a batch, plain descent.
    """

    optimizer: str = shared("optimizer", "sgd")
    schedule: str = shared("schedule", "constant")
    weight_decay: float = shared("weight_decay", 0.0)
    batch_size: int = shared("batch_size", 32)
    steps: int = shared("steps", 1000)
    context: int = setting(3, "Model", "Context", "How many letters back it sees.", low=1, high=16)
    embedding: int = setting(
        10, "Model", "Embedding", "In how many dimensions a letter is a point.", low=1, high=64
    )
    depth: int = setting(
        10,
        "Network",
        "Hidden layers",
        "How many layers stand one after another. The gradient of the first is a product with one"
        " factor for each layer behind it.",
        low=1,
        high=30,
    )
    width: int = setting(
        100,
        "Network",
        "Units a layer",
        "How many numbers each hidden layer hands on.",
        low=2,
        high=400,
    )
    activation: str = setting(
        "tanh",
        "Network",
        "Activation",
        "What bends each product. Going back, the gradient is multiplied by its slope: at most 1"
        " for tanh, at most 1/4 for sigmoid, 0 or 1 for relu.",
        choices=(*ACTIVATIONS, PLAIN),
    )
    gain: float = setting(
        5 / 3,
        "Network",
        "Gain",
        "The first weights are drawn with a spread of gain ÷ √inputs. Kaiming's gain is 5/3 for"
        " tanh, √2 for relu, 1 without an activation. 5.48 is no division at all in the first"
        " layer, as the lecture begins.",
        low=0.0,
        high=20.0,
    )
    norm: str = setting(
        "none",
        "Network",
        "Norm",
        "What brings each product to mean 0 and spread 1 before it is bent: over the examples of a"
        " batch (batch norm) or over the units of one example (layer norm).",
        choices=("none", "batch", "layer"),
    )
    residual: bool = setting(
        False,
        "Network",
        "Residual",
        "Whether a layer adds to what it was given, x + layer(x), so that the gradient can also go"
        " around it.",
    )
    last: float = setting(
        0.1,
        "Network",
        "Gain of the last layer",
        "The same for the layer that gives the scores. Small: all letters are about equally likely"
        " at first, and the loss begins at ln 27. 14.1 is the lecture's first, confident one.",
        low=0.0,
        high=50.0,
    )
    lr: float = setting(
        0.1,
        "Network",
        "Learning rate",
        "How far a step goes along the gradient. The lecture takes 0.1.",
        low=0.0,
        high=10.0,
    )

    def trained_as(self, other: "Side") -> "Side":
        """Return this side with the other's way to train: its seed, batches and steps."""
        same = ("seed", "batch_size", "steps", "schedule", "drop_at", "context", "embedding")
        return self.replace({key: getattr(other, key) for key in same})

    def for_steps(self, steps: int) -> "Side":
        """Return this side for a run of so many steps; the lecture's length has its schedule."""
        schedule = "drop" if steps == LECTURE_STEPS else "constant"
        return self.replace({"steps": steps, "schedule": schedule})

    def differs(self, other: "Side") -> tuple[str, ...]:
        """Return the shown settings in which the two are not alike."""
        return tuple(key for key in SHOWN if getattr(self, key) != getattr(other, key))

    def pieces(self) -> tuple[tuple[str, str], ...]:
        """Say what network it is, in pieces: the setting that each is of, and its words."""
        layers = f"{self.depth} hidden layer" + "s" * (self.depth > 1)
        pieces = {
            "depth": layers,
            "width": f"{self.width} units" + " each" * (self.depth > 1),
            "activation": "no activation" if self.activation == PLAIN else self.activation,
            "gain": f"gain {self.gain:.3g}",
        }
        if self.norm != Side.norm:
            pieces["norm"] = f"{self.norm} norm"
        if self.residual:
            pieces["residual"] = "residual"
        if self.last != Side.last:
            pieces["last"] = f"last layer's gain {self.last:.3g}"
        if self.lr != Side.lr:
            pieces["lr"] = f"learning rate {self.lr:g}"
        return tuple(pieces.items())
