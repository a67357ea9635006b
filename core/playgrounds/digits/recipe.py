"""What can be chosen when digits are trained, and the recipes with a name."""

from dataclasses import dataclass
from typing import Self

from ...errors import UserError
from ...model_comparison import ComparedModel, Measure
from ...switches import Switches
from ...training.footprint import Footprint, dense
from ...training.recipe import Recipe, Trait, setting, shared

MODELS = ("cnn", "mlp")
SIDE = 28
PIXELS = SIDE * SIDE


@dataclass(frozen=True)
class Convolution:
    """A convolution of the CNN, and the pooling behind it.

    Attributes:
        inputs, outputs: channels.
        kernel: the side of its filters.
        side: of the picture that it is given.
        pool: how many times smaller pooling makes that; 1 for none.
    """

    inputs: int
    outputs: int
    kernel: int
    side: int
    pool: int

    @property
    def pooled(self) -> int:
        """The side of the picture behind the pooling."""
        return self.side // self.pool


@dataclass(frozen=True)
class DigitsRecipe(Recipe):
    """The settings of a training on digits. The defaults are the recipe ``modern``."""

    lr: float = shared("lr", 5e-3)
    batch_size: int = shared("batch_size", 64)
    model: str = setting(
        "cnn",
        "Model",
        "Model",
        "mlp: every pixel meets every unit. cnn: small filters slide over the picture, so that a"
        " stroke is found wherever it stands.",
        choices=MODELS,
    )
    hidden: tuple[int, ...] = shared(
        "hidden",
        (256, 128),
        help="The sizes of the hidden layers, first to last. None at all leaves one matrix"
        " product.",
        only={"model": ("mlp",)},
    )
    channels: tuple[int, ...] = setting(
        (16, 32, 64, 64),
        "Model",
        "Channels",
        "How many filters each convolution has, first to last. A max-pool halves the picture after"
        " each of them until it is 7 x 7, and once more after the last.",
        low=1,
        high=512,
        only={"model": ("cnn",)},
    )
    kernel: int = setting(
        5,
        "Model",
        "First filters",
        "The side of the first convolution's filters, in pixels; those after it are 3 x 3 and see"
        " further because the picture has shrunk.",
        low=1,
        high=15,
        only={"model": ("cnn",)},
    )
    activation: str = shared("activation", "relu")
    output: str = setting(
        "linear",
        "Model",
        "Output",
        "linear gives scores of any size to the softmax; tanh squeezes them between -1 and 1, as"
        " the notebook did.",
        choices=("linear", "tanh"),
        fixes={"wrong_loss": "linear"},
        only={"model": ("mlp",)},
    )
    batch_norm: bool = setting(
        True,
        "Model",
        "Batch norm",
        "Gives every unit mean 0 and spread 1 over the batch, so that signals neither fade nor"
        " saturate (Ioffe and Szegedy 2015).",
        fixes={"vanishing_gradient": True},
    )
    init: str = shared("init", "kaiming")
    gain: float = shared("gain", 0.1)
    dropout: float = shared("dropout", 0.0)
    loss: str = setting(
        "cross-entropy",
        "Training",
        "Loss",
        "cross-entropy is the surprisal of the right answer; squared error asks"
        " how far its outputs are from 1 and 0.",
        choices=("cross-entropy", "squared-error"),
        fixes={"wrong_loss": "cross-entropy"},
    )
    label_smoothing: float = setting(
        0.1,
        "Training",
        "Label smoothing",
        "Moves this share of the target from the right digit to all digits alike, so that the"
        " network does not grow overconfident.",
        low=0.0,
        high=0.5,
        live=True,
    )
    precision: str = shared("precision", "auto", only={"model": ("cnn",)})
    augment: str = setting(
        "affine",
        "Training",
        "Augmentation",
        "Each picture is moved, turned and scaled a little, differently each time (affine); pen"
        " adds thin and fat strokes, slashed zeros and barred sevens.",
        choices=("none", "affine", "pen"),
        live=True,
    )

    @property
    def has_hidden_matrices(self) -> bool:
        """Whether its network has hidden linear layers, whose matrices Muon moves."""
        return self.model == "mlp" and bool(self.hidden)  # a CNN's are convolutions

    def is_mixed_on(self, device: str) -> bool:
        """Whether its products are computed in half precision on a device that multiplies so."""
        # On a GPU such small products wait for their launches, and converting would add to them.
        return self.precision == "auto" and self.model == "cnn" and device == "cpu"

    def traits(self) -> Trait:
        """Say what its network and its data have."""
        found = super().traits() | Trait.DESCENT | Trait.HIDDEN | Trait.ACTIVATIONS | Trait.IMAGES
        if self.model == "mlp" and self.hidden:
            found |= Trait.DENSE
        if self.model == "mlp" and not self.batch_norm:
            found |= Trait.CONFIGURABLE
        if self.batch_norm:
            found |= Trait.BATCH_NORM
        if self.loss == "cross-entropy":
            found |= Trait.CROSS_ENTROPY
        return found

    def convolutions(self) -> list[Convolution]:
        """Return those of the CNN: pictures are halved where that leaves no rest, and at last."""
        found: list[Convolution] = []
        width, side = 1, SIDE
        for index, channels in enumerate(self.channels):
            pool = 2 if side % 2 == 0 or index == len(self.channels) - 1 else 1
            kernel = self.kernel if index == 0 else 3
            found.append(Convolution(width, channels, kernel, side, pool))
            width, side = channels, found[-1].pooled
        return found

    def footprint(self, symbols: int = 0) -> Footprint:
        """Count the weights, and what each layer keeps of a picture."""
        if self.model == "mlp":
            sizes = (PIXELS, *self.hidden)
            weights, kept = dense(sizes, self.batch_norm, self.dropout > 0)
            widest = max(AUGMENTED[self.augment] * PIXELS, *sizes)
            return Footprint(weights + 10 * (sizes[-1] + 1), kept + PIXELS, widest)
        weights, kept, widest = 0, float(PIXELS), 0
        for each in self.convolutions():
            weights += each.outputs * (each.inputs * each.kernel**2 + 1 + self.batch_norm)
            size = each.outputs * each.side**2
            # What it said, before batch norm and behind it; of a pool the places, 64 bits each.
            kept += size * (1 + self.batch_norm) + (0.75 * size if each.pool > 1 else 0)
            widest = max(widest, size)
        weights += 10 * (each.outputs * each.pooled**2 + 1)
        # Convolutions lay their inputs, outputs and gradients out once more.
        prepared = AUGMENTED[self.augment] * PIXELS
        return Footprint(weights, kept, 5 * widest, convolves=True, prepared=prepared)

    def unaugmented(self) -> Self:
        """Return this recipe with the images as they are in the data."""
        return self.replace({"augment": "none"})

    def check(self) -> None:
        """Refuse batch norm over a single example, which has no spread, and an empty CNN."""
        if self.model == "cnn" and not self.channels:
            raise UserError("channels= leaves no convolution; give at least one size, such as 16.")
        if self.batch_norm and self.batch_size < 2:
            raise UserError("batch_norm=on needs a batch_size of at least 2, or switch it off.")


AUGMENTED = {"none": 2, "affine": 8, "pen": 30}
"""How many times its size a picture takes while it is changed."""

RECIPES = {
    "modern": DigitsRecipe(),
    "plain mlp": DigitsRecipe(
        model="mlp",
        batch_norm=False,
        optimizer="adam",
        lr=1e-3,
        batch_size=128,
        label_smoothing=0.0,
        augment="none",
    ),
    "linear": DigitsRecipe(
        model="mlp",
        hidden=(),
        batch_norm=False,
        optimizer="adam",
        lr=1e-3,
        batch_size=128,
        label_smoothing=0.0,
        augment="none",
    ),
    "EZMNIST": DigitsRecipe(
        model="mlp",
        hidden=(100, 70),
        activation="tanh",
        output="tanh",
        batch_norm=False,
        init="normal",
        gain=0.1,
        loss="squared-error",
        label_smoothing=0.0,
        optimizer="sgd",
        lr=0.01,
        schedule="constant",
        batch_size=512,
        augment="none",
    ),
}
"""The first is the default. EZMNIST is the notebook that this project came from."""

SWITCHES = Switches(
    plain={
        "lr": 1e-3,
        "schedule": "constant",
        "batch_norm": False,
        "label_smoothing": 0.0,
        "augment": "none",
        "precision": "float32",
    },
    added=(
        {"batch_norm": True},
        {"lr": 5e-3},
        {"schedule": "cosine"},
        {"augment": "affine"},
        {"label_smoothing": 0.1},
        {"precision": "auto"},
    ),
    steps=200,
)
"""From a plain CNN to the default recipe, which the last of them is."""

MEASURE = Measure(
    train="Train error",
    judged="Validation error",
    train_help="Per cent of its training digits, augmented as it meets them, that it got wrong in"
    " its last steps.",
    judged_help="Per cent of the digits that it never saw that it gets wrong: this is what counts."
    " The star marks the best. Far above the training error, it overfits.",
    axis="Per cent wrong",
    places=2,
    reference="LeCun",
    reference_help="The error on MNIST's 10,000 test digits that LeCun, Bottou, Bengio and Haffner"
    " (1998) reached with such a model, trained on all 60,000. Point at one to see which model.",
    overfits=1.0,
    gap="on digits it never saw it gets {gap:.1f} per cent more wrong",
    plan="Train one model after the other, and measure each on digits that it never saw.",
    about="From a single matrix product to a convolutional network, trained and measured on your"
    " digits.",
)
"""What the models are compared by."""

COMPARED_MODELS = (
    ComparedModel(
        "linear",
        "one matrix product, no hidden layer",
        {"tuned": "linear"},
        12.0,
        "LeCun et al. 1998, linear classifier",
    ),
    ComparedModel(
        "EZMNIST",
        "two tanh layers; squared error, plain SGD",
        {"tuned": "EZMNIST"},
        None,
        "the notebook that this project came from",
    ),
    ComparedModel(
        "mlp",
        "two ReLU layers; cross-entropy, Adam",
        {"tuned": "plain mlp"},
        3.05,
        "LeCun et al. 1998, 300 + 100 hidden units",
    ),
    ComparedModel(
        "cnn",
        "convolutions, batch norm, augmentation",
        {"tuned": "modern"},
        0.95,
        "LeCun et al. 1998, LeNet-5",
    ),
)
