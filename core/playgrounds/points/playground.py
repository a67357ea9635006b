"""The points playground: a point of the plane in, its class or its value out."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import UserError
from ...playground import Batch, Playground, Vocabulary, scaled
from ...telemetry.events import Array, Event
from ...telemetry.inspection import inspect_layer
from ...training.control import Question
from ...training.evaluation import at_once, evaluation_mode, place_of
from . import datasets
from .datasets import Divided, Points, PointsData, Row
from .models import MLP, build
from .recipe import DRAWN, MODELS, RECIPES, PointsRecipe

CHUNK = 5000
NEIGHBOURS = 5
EXAMPLES = 200  # points that an opened layer is shown


@dataclass(frozen=True)
class PointTensors:
    """Points (N, inputs) and their targets, as they are trained on."""

    contents: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, indices: Tensor, recipe: PointsRecipe, generator: torch.Generator) -> Batch:
        """Return points (B, inputs) and their classes (B,) or values (B, 1)."""
        return self.contents[indices], self.targets[indices]


class PointsPlayground(Playground):
    """Points of a plane, as TensorFlow Playground has them (Smilkov et al. 2017)."""

    name = "points"
    title = "Points"
    about = "Train a network on points of a plane, and watch its decision boundary as it learns."
    recipe_type = PointsRecipe
    recipes = RECIPES
    models = MODELS

    def load(self, source: Path | None) -> PointsData:
        """Return the points of a file, or nothing yet: a recipe says which are made."""
        return datasets.load(source)

    def dataset(self, data: PointsData, recipe: Any) -> str:
        """Say which points these are."""
        return data.title

    def vocabulary(self, data: PointsData, recipe: PointsRecipe) -> Vocabulary:
        """Return the points that somebody drew, which nothing could make again."""
        drawn = recipe.dataset == DRAWN
        if drawn and not data.rows:
            raise UserError(
                "No points are drawn yet; draw some of both classes on the plane, or give a file of"
                " lines x,y,class with --data."
            )
        if data.rows and not drawn:
            raise UserError(
                f"dataset={recipe.dataset} makes points of its own; choose dataset=drawn for those"
                " of the file, or leave the file out."
            )
        return {"drawn": [list(row) for row in data.rows]} if drawn else {}

    def sizes(self, data: PointsData, recipe: PointsRecipe) -> tuple[int, int]:
        """Count the training points."""
        return 0, len(_divided(recipe, self.vocabulary(data, recipe)).train)

    def describe_data(
        self, data: PointsData, vocabulary: Vocabulary, recipe: Any = None
    ) -> dict[str, Any]:
        """Return the points that were drawn for a network, or else those of the file."""
        rows = vocabulary.get("drawn") or [list(row) for row in data.rows]
        return {"title": data.title, "drawn": rows}

    def build(
        self, recipe: PointsRecipe, vocabulary: Vocabulary, initialised: bool = True
    ) -> nn.Module:
        """Make the model of a recipe; it knows the points that were drawn for it."""
        drawn: list[Row] = []
        if recipe.dataset == DRAWN:
            drawn = datasets.check_rows(vocabulary.get("drawn"), "This network's drawing")
        return build(recipe, drawn, initialised)

    def example_input(self, recipe: PointsRecipe, examples: int, tokens: int) -> Tensor:
        """Return points (B, inputs), of zeros."""
        return torch.zeros(examples, recipe.inputs)

    def prepare(
        self,
        data: PointsData,
        recipe: PointsRecipe,
        vocabulary: Vocabulary,
        device: torch.device,
    ) -> PointTensors:
        """Return the points to train on."""
        return _tensors(_divided(recipe, vocabulary).train, device)

    def held_out(
        self,
        data: PointsData,
        recipe: PointsRecipe,
        vocabulary: Vocabulary,
        device: torch.device,
    ) -> PointTensors:
        """Return the points that validate."""
        return _tensors(_divided(recipe, vocabulary).validation, device)

    def baselines(
        self, data: PointsData, recipe: PointsRecipe, vocabulary: Vocabulary
    ) -> dict[str, float]:
        """Return the validation loss without a network: by frequency or mean, and by neighbours."""
        found = _divided(recipe, vocabulary)
        learned, judged = found.train, found.validation
        near = np.square(judged.inputs[:, None] - learned.inputs[None]).sum(2)
        near = near.argsort(1)[:, :NEIGHBOURS]
        if not recipe.classes:
            mean = learned.targets.mean()
            neighbours = learned.targets[near, 0].mean(1, keepdims=True)
            return {
                "mean": float(np.square(judged.targets - mean).mean()),
                "nearest neighbours": float(np.square(judged.targets - neighbours).mean()),
            }
        counts = np.bincount(learned.targets, minlength=recipe.classes) + 1
        votes = np.eye(recipe.classes)[learned.targets[near]].sum(1) + 0.3
        shares = votes / votes.sum(1, keepdims=True)
        right = shares[np.arange(len(judged)), judged.targets]
        return {
            "class frequency": float(-np.log(counts / counts.sum())[judged.targets].mean()),
            "nearest neighbours": float(-np.log(right).mean()),
        }

    def resized(self, recipe: PointsRecipe, factor: float) -> dict[str, Any]:
        """Widen the hidden layers."""
        sizes = tuple(scaled(size, factor, 512) for size in recipe.hidden)
        return {"hidden": sizes or ((8,) if factor > 1 else ())}

    def loss(self, recipe: PointsRecipe, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy; mean squared error where values are learned."""
        if not recipe.classes:
            return F.mse_loss(outputs, targets)
        return F.cross_entropy(outputs, targets)

    def loss_unit(self, recipe: PointsRecipe) -> str:
        """Return nats; where values are learned, the squared error has no unit."""
        return "nats" if recipe.classes else ""

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """Share of points whose class is right; None where values are learned."""
        if targets.is_floating_point():
            return None
        return (outputs.detach().argmax(1) == targets).float().mean()

    def uniform_loss(self, recipe: PointsRecipe, vocabulary: Vocabulary) -> float:
        """Return ln K; where values are learned, the loss of answering their mean everywhere."""
        if recipe.classes:
            return math.log(recipe.classes)
        return float(datasets.generated(recipe).train.targets.var())

    def validate(
        self, model: nn.Module, data: PointsData, recipe: PointsRecipe, limit: int | None = None
    ) -> tuple[dict[str, float], dict[str, Array]]:
        """Loss, and accuracy where there are classes, on the points that validate."""
        return _judged(model, _divided(recipe, _drawn_for(model, data)).validation, "val"), {}

    def test(self, model: nn.Module, data: PointsData, recipe: PointsRecipe) -> dict[str, float]:
        """Loss and accuracy on 1,000 new points; of drawn ones, on those that validate."""
        if recipe.dataset == DRAWN:
            points = _divided(recipe, _drawn_for(model, data)).validation
        else:
            points = datasets.new_points(recipe)
        return {**_judged(model, points, "test"), "test_size": len(points)}

    def predict(self, model: nn.Module, recipe: Any, image: Path) -> dict[str, Any]:
        """Refuse: a point is no image."""
        raise UserError("The points playground reads no images; evaluate says how good it is.")

    def sample(
        self, model: nn.Module, recipe: Any, tell: Any = None, **options: Any
    ) -> dict[str, Any]:
        """Refuse: it tells points apart, and makes none."""
        raise UserError("The points playground makes nothing new; evaluate says how good it is.")


def _divided(recipe: PointsRecipe, vocabulary: Vocabulary) -> Divided:
    if recipe.dataset == DRAWN:
        return datasets.divided_rows(vocabulary["drawn"], recipe)
    return datasets.generated(recipe)


def _drawn_for(model: nn.Module, data: PointsData) -> Vocabulary:
    """Return the points that were drawn for a model: it keeps them, whatever is drawn now."""
    return {"drawn": getattr(model, "drawn", None) or [list(row) for row in data.rows]}


def _tensors(points: Points, device: torch.device) -> PointTensors:
    return PointTensors(
        torch.from_numpy(points.inputs).to(device), torch.from_numpy(points.targets).to(device)
    )


@torch.no_grad()
def _judged(model: nn.Module, points: Points, name: str) -> dict[str, float]:
    """Return the loss, and the accuracy where there are classes, as ``NAME_loss``."""
    tensors = _tensors(points, place_of(model))
    size = at_once(CHUNK, getattr(model, "widest", 0.0))
    with evaluation_mode(model):
        outputs = torch.cat([model(part) for part in torch.split(tensors.contents, size)])
    if tensors.targets.is_floating_point():
        return {f"{name}_loss": float(F.mse_loss(outputs, tensors.targets))}
    correct = (outputs.argmax(1) == tensors.targets).float().mean()
    loss = F.cross_entropy(outputs, tensors.targets)
    return {f"{name}_loss": float(loss), f"{name}_accuracy": float(correct)}


def look_into(layer: str) -> Question:
    """Return what to ask a points model about a layer: with points all over the plane."""

    def ask(model: nn.Module, step: int) -> Event:
        assert isinstance(model, MLP)
        rng = np.random.default_rng(0)
        at = rng.uniform(-datasets.SIDE, datasets.SIDE, (EXAMPLES, model.inputs))
        examples = torch.from_numpy(at.astype(np.float32))
        nothing = torch.empty(0)
        return inspect_layer(model, layer, step, examples, pictures=nothing)

    return ask


PLAYGROUND = PointsPlayground()
