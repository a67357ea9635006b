"""The settings of the two networks of lesson 3, each a deep network on names.

No torch in it: the page shows the settings before torch is loaded.
"""

from dataclasses import dataclass

from ..playgrounds.names.recipe import NamesRecipe
from ..training.recipe import ACTIVATIONS, setting, shared

LINEAR = "none"
"""No activation."""
LECTURE_STEPS = 200_000
"""As many as the lecture trains, with a tenth of the learning rate in the second half."""
SHOWN = ("depth", "width", "activation", "gain", "norm", "residual", "last", "lr")
"""The settings in which the two networks may differ."""


@dataclass(frozen=True)
class NetworkSettings(NamesRecipe):
    """One of the two networks: an embedding of three letters, then ``depth`` hidden layers.

    The settings that are not shown are the lecture's (makemore, part 3): three letters, ten
    dimensions each, 32 examples a batch, stochastic gradient descent.
    """

    optimizer: str = shared("optimizer", "sgd")
    schedule: str = shared("schedule", "constant")
    weight_decay: float = shared("weight_decay", 0.0)
    batch_size: int = shared("batch_size", 32)
    steps: int = shared("steps", 1000)
    context: int = setting(
        3, "Model", "Context", "How many previous letters are the input.", low=1, high=16
    )
    embedding: int = setting(
        10, "Model", "Embedding", "Dimensions of the embedding of a letter.", low=1, high=64
    )
    depth: int = setting(
        10,
        "Network",
        "Hidden layers",
        "The depth. The gradient of the first layer is a product with one factor for each layer"
        " after it.",
        low=1,
        high=30,
    )
    width: int = setting(
        100,
        "Network",
        "Units per layer",
        "The width of each hidden layer.",
        low=2,
        high=400,
    )
    activation: str = setting(
        "tanh",
        "Network",
        "Activation",
        "The nonlinearity. The gradient is multiplied by its derivative: at most 1 for tanh, at"
        " most 1/4 for sigmoid, 0 or 1 for relu.",
        choices=(*ACTIVATIONS, LINEAR),
    )
    gain: float = setting(
        5 / 3,
        "Network",
        "Gain",
        "The initial weights have a standard deviation of gain ÷ √fan-in. Kaiming's gain is 5/3"
        " for tanh, √2 for relu, 1 without an activation. 5.48 cancels the division in the first"
        " layer, as the lecture begins.",
        low=0.0,
        high=20.0,
    )
    norm: str = setting(
        "none",
        "Network",
        "Normalisation",
        "Gives each pre-activation mean 0 and standard deviation 1: over the examples of a batch"
        " (batch norm) or over the units of one example (layer norm).",
        choices=("none", "batch", "layer"),
    )
    residual: bool = setting(
        False,
        "Network",
        "Residual",
        "Residual (skip) connections: x + layer(x), so that the gradient also flows around the"
        " layer.",
    )
    last: float = setting(
        0.1,
        "Network",
        "Gain of the last layer",
        "The same for the layer of the logits. If small, all letters are about equally likely at"
        " first, and the loss begins at ln 27. 14.1 is the lecture's first network, with confident"
        " predictions.",
        low=0.0,
        high=50.0,
    )
    lr: float = setting(
        0.1,
        "Network",
        "Learning rate",
        "The factor of the gradient in each step. The lecture takes 0.1.",
        low=0.0,
        high=10.0,
    )

    def trained_like(self, other: "NetworkSettings") -> "NetworkSettings":
        """Return this network with the seed, batches and steps of the other."""
        same = ("seed", "batch_size", "steps", "schedule", "drop_at", "context", "embedding")
        return self.replace({key: getattr(other, key) for key in same})

    def for_steps(self, steps: int) -> "NetworkSettings":
        """Return these settings for so many steps; the lecture's number has its schedule."""
        schedule = "drop" if steps == LECTURE_STEPS else "constant"
        return self.replace({"steps": steps, "schedule": schedule})

    def differences(self, other: "NetworkSettings") -> tuple[str, ...]:
        """Return the shown settings in which the two differ."""
        return tuple(key for key in SHOWN if getattr(self, key) != getattr(other, key))

    def in_words(self) -> tuple[tuple[str, str], ...]:
        """Return a description of the network: setting and words, one after another."""
        layers = f"{self.depth} hidden layer" + "s" * (self.depth > 1)
        words = {
            "depth": layers,
            "width": f"{self.width} units" + " each" * (self.depth > 1),
            "activation": "no activation" if self.activation == LINEAR else self.activation,
            "gain": f"gain {self.gain:.3g}",
        }
        if self.norm != NetworkSettings.norm:
            words["norm"] = f"{self.norm} norm"
        if self.residual:
            words["residual"] = "residual"
        if self.last != NetworkSettings.last:
            words["last"] = f"last layer's gain {self.last:.3g}"
        if self.lr != NetworkSettings.lr:
            words["lr"] = f"learning rate {self.lr:g}"
        return tuple(words.items())


Pair = tuple[NetworkSettings, NetworkSettings]
"""The settings of network A and of network B."""
