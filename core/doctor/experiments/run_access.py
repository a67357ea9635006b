"""What experiments take from a learner: training and validation batches, and its loss."""

import math
import statistics
from typing import Any

import torch

from ...interruption import heed
from ...training.evaluation import evaluation_mode
from ...training.learner import Learner
from ..watch.watcher import Batch

MAX_TARGETS = 20_000
EVALUATED = 2048
"""Examples, for a loss."""


def training_batches(learner: Learner, most: int) -> list[Batch]:
    """Draw batches as the training does, but without augmentation."""
    recipe = learner.recipe.unaugmented()
    found: list[Batch] = []
    seen = 0
    while seen < most and len(found) < 400:
        heed()
        inputs, targets = learner.take(recipe)
        found.append(((inputs,), targets))
        seen += targets.numel()
    return found


def validation_batches(learner: Learner) -> list[Batch]:
    """Return validation batches, the same at each call."""
    examples = learner.held_out()
    size = min(256, max(1, learner.batches.size), len(examples))
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(0))
    generator = torch.Generator(learner.device).manual_seed(0)
    found: list[Batch] = []
    for part in torch.split(order.to(learner.device), size):
        heed()
        inputs, targets = examples.batch(part, learner.recipe, generator)
        found.append(((inputs,), targets))
        examples_drawn = sum(len(t) for _, t in found)
        if examples_drawn >= EVALUATED or sum(t.numel() for _, t in found) > MAX_TARGETS:
            break
    return found


def loss_on(learner: Learner, model: Any, batches: list[Batch], inference: bool = True) -> float:
    """Return the mean loss over batches, in eval mode (or as the network is trained)."""
    return mean_loss(learner, model, batches, inference)[0]


def mean_loss(
    learner: Learner, model: Any, batches: list[Batch], inference: bool = True
) -> tuple[float, float]:
    """Return the mean loss over batches, and its standard error (infinite for one batch)."""
    good = [x for x in losses_on(learner, model, batches, inference) if math.isfinite(x)]
    error = statistics.stdev(good) / math.sqrt(len(good)) if len(good) > 1 else math.inf
    return (statistics.fmean(good) if good else math.nan), error


@torch.no_grad()
def losses_on(
    learner: Learner, model: Any, batches: list[Batch], inference: bool = True
) -> list[float]:
    """Return the loss of each batch, in eval mode (or as the network is trained)."""
    playground, recipe = learner.playground, learner.recipe
    total = []
    for inputs, targets in batches:
        heed()
        if inference:
            with evaluation_mode(model):
                outputs = model(*inputs)
        else:
            outputs = model(*inputs)
        total.append(float(playground.loss(recipe, outputs, targets)))
    return total


@torch.no_grad()
def shares_wrong_on(learner: Learner, model: Any, batches: list[Batch]) -> list[float]:
    """Return the share of wrong answers in each batch, in eval mode.

    Raises:
        ValueError: no answer of this playground is right or wrong.
    """
    shares = []
    for inputs, targets in batches:
        heed()
        with evaluation_mode(model):
            right = learner.playground.correct(model(*inputs), targets)
        if right is None:
            raise ValueError("no answer is right or wrong here")
        shares.append(1 - float(right))
    return shares
