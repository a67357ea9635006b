"""The digits playground: pictures of handwritten digits in, one of ten answers out."""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import UserError
from ...layers import squared_error
from ...playground import Batch, Playground, Vocabulary, scaled
from ...telemetry.events import Array, Event
from ...telemetry.inspection import inspect_layer
from ...training.control import Question
from .augment import augment
from .data import Digits, Split, bundled, full, prepare
from .download import fetch_mnist, holds_mnist
from .evaluation import answer, details, loss_of, probabilities
from .ink import centre, read_image
from .models import build
from .recipe import MODELS, RECIPES, SWITCHES, DigitsRecipe


class Pictures(Split):
    """Pictures that a network trains on."""

    @property
    def contents(self) -> Tensor:
        """The pictures as bytes, (N, 28, 28)."""
        return self.images

    def batch(self, indices: Tensor, recipe: DigitsRecipe, generator: torch.Generator) -> Batch:
        """Return pictures (B, 1, 28, 28), each changed in its own way, and labels (B,)."""
        ink = self.images[indices].float().unsqueeze(1) / 255
        labels = self.labels[indices]
        return prepare(augment(recipe.augment, ink, labels, generator)), labels


class HeldOut(Pictures):
    """Pictures that validate."""

    def batch(self, indices: Tensor, recipe: DigitsRecipe, generator: torch.Generator) -> Batch:
        """Return pictures (B, 1, 28, 28) and labels (B,)."""
        return prepare(self.images[indices]), self.labels[indices]


class DigitsPlayground(Playground):
    """MNIST, from one matrix product to a small convolutional network."""

    name = "digits"
    title = "Digits"
    about = "Train a network on handwritten digits, look inside it, and draw one for it to read."
    recipe_type = DigitsRecipe
    recipes = RECIPES
    models = MODELS
    switches = SWITCHES
    reads_drawings = True

    def load(self, source: Path | None) -> Digits:
        """Return MNIST from the folder, if it holds any, else the bundled 5,000."""
        if source and source.is_file():
            raise UserError(f"digits learns from a folder that holds mnist/; {source} is a file.")
        return full(source) if source and holds_mnist(source) else bundled()

    def dataset(self, data: Digits, recipe: Any) -> str:
        """Say which digits these are."""
        return data.name

    def describe_data(
        self, data: Digits, vocabulary: Vocabulary, recipe: Any = None
    ) -> dict[str, Any]:
        """Return which digits these are, how many, and whether they are all of MNIST's own."""
        lecture = len(data.test) == 10_000
        return {"title": data.name, "lecture": lecture, "examples": len(data.train)}

    def sizes(self, data: Digits, recipe: DigitsRecipe) -> tuple[int, int]:
        """Count the training pictures."""
        return 0, len(data.train)

    def build(
        self, recipe: DigitsRecipe, vocabulary: Vocabulary, initialised: bool = True
    ) -> nn.Module:
        """Make the model of a recipe; its answers are always the ten digits."""
        return build(recipe, initialised)

    def example_input(self, recipe: DigitsRecipe, examples: int, tokens: int) -> Tensor:
        """Return images (B, 1, 28, 28), of zeros."""
        return torch.zeros(examples, 1, 28, 28)

    def prepare(
        self, data: Digits, recipe: DigitsRecipe, vocabulary: Vocabulary, device: torch.device
    ) -> Pictures:
        """Put the training pictures on the device; as bytes, all of them fit."""
        return Pictures(data.train.images.to(device), data.train.labels.to(device))

    def held_out(
        self, data: Digits, recipe: DigitsRecipe, vocabulary: Vocabulary, device: torch.device
    ) -> HeldOut:
        """Return the validation pictures, as they are."""
        return HeldOut(data.validation.images.to(device), data.validation.labels.to(device))

    def resized(self, recipe: DigitsRecipe, factor: float) -> dict[str, Any]:
        """Widen the channels, or the hidden layers."""
        if recipe.model == "cnn":
            return {"channels": tuple(scaled(size, factor, 512) for size in recipe.channels)}
        sizes = tuple(scaled(size, factor, 4096) for size in recipe.hidden)
        return {"hidden": sizes or ((64,) if factor > 1 else ())}

    def loss(self, recipe: DigitsRecipe, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy, or the notebook's squared error against one-hot targets."""
        if recipe.loss == "squared-error":
            return squared_error(outputs, targets, recipe.label_smoothing)
        return F.cross_entropy(outputs, targets, label_smoothing=recipe.label_smoothing)

    def loss_unit(self, recipe: DigitsRecipe) -> str:
        """Return nats; the squared error has no unit."""
        return "" if recipe.loss == "squared-error" else "nats"

    def evaluated_recipe(self, recipe: DigitsRecipe) -> DigitsRecipe:
        """Leave label smoothing out."""
        return recipe.replace({"label_smoothing": 0.0})

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Share of digits read right."""
        return (outputs.detach().argmax(1) == targets).float().mean()

    def uniform_loss(self, recipe: DigitsRecipe, vocabulary: Vocabulary) -> float:
        """Return ln 10; for the squared error, that of saying 0.1 ten times."""
        if recipe.loss == "cross-entropy":
            return math.log(10)
        return float(0.09 * (1 - recipe.label_smoothing) ** 2)

    def validate(
        self, model: nn.Module, data: Digits, recipe: DigitsRecipe, limit: int | None = None
    ) -> tuple[dict[str, float], dict[str, Array]]:
        """Loss and accuracy on validation pictures; the confusion matrix and the mistakes."""
        squared = recipe.loss == "squared-error"
        answers = answer(model, data.validation, limit)
        numbers = {"val_loss": loss_of(answers, squared), "val_accuracy": answers.accuracy}
        return numbers, details(answers, squared)

    def test(self, model: nn.Module, data: Digits, recipe: DigitsRecipe) -> dict[str, float]:
        """Accuracy on the test pictures, and how many they are."""
        answers = answer(model, data.test)
        return {"test_accuracy": answers.accuracy, "test_size": len(data.test)}

    @torch.no_grad()
    def read(self, model: nn.Module, recipe: DigitsRecipe, picture: Array) -> Array:
        """Return the probabilities (10,) of a centred picture (28, 28)."""
        device = next(model.parameters()).device
        outputs = model(prepare(torch.from_numpy(picture)[None].to(device)))[0]
        shares: Array = probabilities(outputs, recipe.loss == "squared-error").cpu().numpy()
        return shares

    def saliency(self, model: nn.Module, picture: Array) -> Array:
        """Return how much each pixel of a picture (28, 28) moves the answer's score, from 0 to 1.

        The size of the score's gradient by the pixels (Simonyan, Vedaldi and Zisserman 2013).
        """
        device = next(model.parameters()).device
        pixels = torch.from_numpy(picture)[None].to(device).requires_grad_()
        score = model(prepare(pixels))[0].max()
        (gradient,) = torch.autograd.grad(score, pixels)
        size: Array = gradient[0].abs().cpu().numpy()
        return size / max(1e-12, float(size.max()))

    def fetch(
        self, folder: Path, progress: Callable[[str, float], None], cancelled: Callable[[], bool]
    ) -> None:
        """Download MNIST."""
        fetch_mnist(folder, progress, cancelled)

    def predict(self, model: nn.Module, recipe: DigitsRecipe, image: Path) -> dict[str, Any]:
        """Read the digit in an image file; an empty picture has no digit."""
        picture = centre(read_image(image))
        if picture is None:
            return {"image": str(image), "digit": None, "probabilities": []}
        shares = self.read(model, recipe, picture)
        rounded = [round(float(share), 6) for share in shares]
        return {"image": str(image), "digit": int(shares.argmax()), "probabilities": rounded}


@cache
def _examples() -> Tensor:
    """Return 100 validation pictures, ten of each digit, prepared."""
    return prepare(bundled().validation.images[::5])


def look_into(layer: str, picture: Array | None) -> Question:
    """Return what to ask a digits model about a layer: with validation pictures, and this one."""

    def ask(model: nn.Module, step: int) -> Event:  # loads in the thread that answers
        shown = None if picture is None else prepare(torch.from_numpy(picture)[None])
        return inspect_layer(model, layer, step, _examples(), shown)

    return ask


PLAYGROUND = DigitsPlayground()
