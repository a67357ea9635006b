"""The spirals playground: points of a plane in, one of three arms out."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.errors import UserError
from core.layers import Layer, initialise
from core.playground import Batch, Playground, Vocabulary, scaled
from core.telemetry.events import Array

from .recipe import MODELS, RECIPES, SpiralsRecipe

ARMS = 3


@dataclass(frozen=True)
class Points:
    """Points (N, 2) and their arms (N,)."""

    contents: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Tensor, recipe: SpiralsRecipe, generator: torch.Generator) -> Batch:
        """Return points (B, 2) and arms (B,)."""
        return self.contents[indices], self.labels[indices]

    def to(self, device: torch.device) -> "Points":
        """Return them on a device."""
        return Points(self.contents.to(device), self.labels.to(device))


def spirals(count: int, seed: int) -> Points:
    """Return so many points of three arms, with a little noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % ARMS
    radius = torch.rand(count, generator=generator).sqrt()
    noise = 0.15 * torch.randn(count, generator=generator)
    angle = 2 * math.pi * labels / ARMS + 4 * radius + noise
    points = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    return Points(2 * points, labels)


class MLP(nn.Module):
    """Matrix products one after another."""

    def __init__(self, recipe: SpiralsRecipe) -> None:
        super().__init__()
        sizes = (2, *recipe.hidden)
        self.hidden = nn.ModuleList(
            Layer(nn.Linear(before, size), recipe.activation)
            for before, size in zip(sizes, recipe.hidden, strict=False)
        )
        self.output = Layer(nn.Linear(sizes[-1], ARMS))

    def forward(self, points: Tensor) -> Tensor:
        """(B, 2) to (B, 3)."""
        for layer in self.hidden:
            points = layer(points)
        logits: Tensor = self.output(points)
        return logits


class SpiralsPlayground(Playground):
    """Three arms of a spiral (after CS231n, "Putting it together")."""

    name = "spirals"
    title = "Spirals"
    about = "Tell three arms of a spiral from one another."
    recipe_type = SpiralsRecipe
    recipes = RECIPES
    models = MODELS

    def load(self, source: Path | None) -> tuple[Points, Points]:
        """Return the points to train on, and those that validate."""
        if source and source.is_file():
            raise UserError(f"spirals makes its own points; leave {source} out.")
        return spirals(1500, 0), spirals(300, 1)

    def dataset(self, data: tuple[Points, Points], recipe: Any) -> str:
        """Name the data."""
        return "three spirals, 1,500 + 300"

    def build(
        self, recipe: SpiralsRecipe, vocabulary: Vocabulary, initialised: bool = True
    ) -> nn.Module:
        """Make the model of a recipe."""
        model = MLP(recipe)
        if initialised:
            generator = torch.Generator().manual_seed(recipe.seed)
            initialise(model, recipe.init, recipe.gain, generator)
        return model

    def example_input(self, recipe: SpiralsRecipe, examples: int, tokens: int) -> Tensor:
        """Return points (B, 2) of zeros."""
        return torch.zeros(examples, 2)

    def prepare(
        self,
        data: tuple[Points, Points],
        recipe: SpiralsRecipe,
        vocabulary: Vocabulary,
        device: torch.device,
    ) -> Points:
        """Return the points to train on."""
        return data[0].to(device)

    def held_out(
        self,
        data: tuple[Points, Points],
        recipe: SpiralsRecipe,
        vocabulary: Vocabulary,
        device: torch.device,
    ) -> Points:
        """Return the points that validate."""
        return data[1].to(device)

    def resized(self, recipe: SpiralsRecipe, factor: float) -> dict[str, Any]:
        """Widen the hidden layers."""
        return {"hidden": tuple(scaled(size, factor, 512) for size in recipe.hidden)}

    def loss(self, recipe: SpiralsRecipe, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy."""
        return F.cross_entropy(outputs, targets)

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Share of points in the right arm."""
        return (outputs.detach().argmax(1) == targets).float().mean()

    def uniform_loss(self, recipe: SpiralsRecipe, vocabulary: Vocabulary) -> float:
        """Return ln 3."""
        return math.log(ARMS)

    @torch.no_grad()
    def validate(
        self,
        model: nn.Module,
        data: tuple[Points, Points],
        recipe: SpiralsRecipe,
        limit: int | None = None,
    ) -> tuple[dict[str, float], dict[str, Array]]:
        """Loss and accuracy on the points that validate."""
        training, device = model.training, next(model.parameters()).device
        points = data[1].to(device)
        outputs = model.eval()(points.contents)
        model.train(training)
        loss, correct = (f(outputs, points.labels) for f in (F.cross_entropy, self.correct))
        return {"val_loss": float(loss), "val_accuracy": float(correct)}, {}

    def test(
        self, model: nn.Module, data: tuple[Points, Points], recipe: SpiralsRecipe
    ) -> dict[str, float]:
        """Accuracy on points of another seed."""
        numbers, _ = self.validate(model, (data[0], spirals(300, 2)), recipe)
        return {"test_accuracy": numbers["val_accuracy"]}


PLAYGROUND = SpiralsPlayground()
