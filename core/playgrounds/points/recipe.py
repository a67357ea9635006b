"""What can be chosen when points are trained on, and the recipes with a name."""

from dataclasses import dataclass

from ...training.footprint import Footprint, dense
from ...training.recipe import Recipe, Trait, setting, shared

MODELS = ("mlp",)
DRAWN = "drawn"
CLASSES = {"moons": 2, "circles": 2, "xor": 2, "spirals": 2, "blobs": 3, DRAWN: 2}
"""How many classes the points of a data set are of; 0 is a data set of values: regression."""
VALUES = {"surface": 2, "curve": 1}
"""How many inputs a data set of values has."""
DATASETS = (*CLASSES, *VALUES)
GENERATED = tuple(name for name in DATASETS if name != DRAWN)
MOST_POINTS = 5000


@dataclass(frozen=True)
class PointsDataset:
    """The settings of the points themselves; they stand before those of the training."""

    dataset: str = setting(
        "moons",
        "Dataset",
        "Dataset",
        "Two half moons, circles in one another, the four fields of XOR, the arms of a spiral,"
        " three blobs; surface and curve are regression: a value at each point of the plane, or of"
        " a line. drawn: points of your own, drawn on the plane with the mouse.",
        choices=DATASETS,
    )
    points: int = setting(
        400,
        "Dataset",
        "Number of points",
        "How many points there are, those that validate included.",
        low=10,
        high=MOST_POINTS,
        only={"dataset": GENERATED},
    )
    noise: float = setting(
        0.15,
        "Dataset",
        "Noise",
        "The standard deviation of what is added to each coordinate, or to the value in regression."
        " Where classes overlap, no network can tell all points apart.",
        low=0.0,
        high=2.0,
        only={"dataset": GENERATED},
    )
    val_share: float = setting(
        0.3,
        "Dataset",
        "Validation share",
        "The share of the points that validates, and is never learned from.",
        low=0.05,
        high=0.95,
    )
    data_seed: int = setting(
        0,
        "Dataset",
        "Data seed",
        "Another seed draws other points of the same kind, and divides them otherwise.",
        low=0,
        high=2**31 - 1,
    )


@dataclass(frozen=True)
class PointsRecipe(Recipe, PointsDataset):
    """The settings of a training on points. The defaults are the recipe ``moons``."""

    lr: float = shared("lr", 3e-3)
    schedule: str = shared("schedule", "constant")
    batch_size: int = shared("batch_size", 32)
    model: str = setting(
        "mlp",
        "Model",
        "Model",
        "mlp: matrix products with an activation between them.",
        choices=MODELS,
    )
    hidden: tuple[int, ...] = shared(
        "hidden",
        (8, 8),
        high=512,
        help="The sizes of the hidden layers, first to last. None at all leaves one matrix"
        " product, whose decision boundary is a straight line.",
    )
    activation: str = shared("activation", "tanh")
    init: str = shared("init", "kaiming")
    gain: float = shared("gain", 0.1)
    dropout: float = shared("dropout", 0.0)

    @property
    def classes(self) -> int:
        """How many classes there are; 0 where values are learned."""
        return CLASSES.get(self.dataset, 0)

    @property
    def inputs(self) -> int:
        """How many numbers a point has: both coordinates, or one where a curve is learned."""
        return VALUES.get(self.dataset, 2)

    @property
    def outputs(self) -> int:
        """How many numbers the network answers with: one a class, or the value."""
        return self.classes or 1

    @property
    def has_hidden_matrices(self) -> bool:
        """Whether its network has hidden linear layers, whose matrices Muon moves."""
        return bool(self.hidden)

    def traits(self) -> Trait:
        """Say what its network and its data have."""
        found = super().traits() | Trait.DESCENT | Trait.HIDDEN | Trait.ACTIVATIONS
        found |= Trait.CONFIGURABLE
        if self.hidden:
            found |= Trait.DENSE
        if self.classes:
            found |= Trait.CROSS_ENTROPY
        return found

    def footprint(self, symbols: int = 0) -> Footprint:
        """Count the weights, and what each layer keeps of a point."""
        sizes = (self.inputs, *self.hidden)
        weights, kept = dense(sizes, False, self.dropout > 0)
        weights += self.outputs * (sizes[-1] + 1)
        return Footprint(weights, kept + self.inputs, max(sizes), self.inputs + 2)


RECIPES = {
    "moons": PointsRecipe(),
    "circles": PointsRecipe(dataset="circles", hidden=(6,)),
    "xor": PointsRecipe(dataset="xor", hidden=(6,), noise=0.05),
    "blobs, linear": PointsRecipe(dataset="blobs", hidden=(), noise=0.2),
    "spirals": PointsRecipe(
        dataset="spirals", points=600, noise=0.05, hidden=(24, 24), activation="relu"
    ),
    "spirals, too small": PointsRecipe(dataset="spirals", points=600, noise=0.05, hidden=(2,)),
    "noisy, too large": PointsRecipe(
        points=120, noise=0.45, hidden=(64, 64, 64), activation="relu", val_share=0.5
    ),
    "surface": PointsRecipe(dataset="surface", hidden=(16, 16), noise=0.1),
    "curve": PointsRecipe(dataset="curve", points=150, hidden=(12, 12), noise=0.1),
}
"""The first is the default."""
