"""What the doctor draws from a learner: batches that it learns from, new ones, its loss."""

import math
import statistics
from typing import Any

import torch

from ...training.evaluation import judging
from ...training.learner import Learner
from .replay import Batch

ANSWERS = 20_000  # that are looked at at most
JUDGED = 2048  # examples, for a loss on new data


def batches_of(learner: Learner, most: int) -> list[Batch]:
    """Draw some more batches, as the training does, but pictures as they are in the data."""
    recipe = learner.recipe.unaugmented()
    found: list[Batch] = []
    seen = 0
    while seen < most and len(found) < 400:
        inputs, targets = learner.take(recipe)
        found.append(((inputs,), targets))
        seen += targets.numel()
    return found


def new_batches(learner: Learner) -> list[Batch]:
    """Return batches of what validates, the same at each call."""
    examples = learner.held_out()
    size = min(256, max(1, learner.batches.size), len(examples))
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(0))
    generator = torch.Generator(learner.device).manual_seed(0)
    found: list[Batch] = []
    for part in torch.split(order.to(learner.device), size):
        inputs, targets = examples.batch(part, learner.recipe, generator)
        found.append(((inputs,), targets))
        if sum(len(t) for _, t in found) >= JUDGED or sum(t.numel() for _, t in found) > ANSWERS:
            break
    return found


def loss_on(learner: Learner, model: Any, batches: list[Batch], used: bool = True) -> float:
    """Return the mean loss over batches, as the network is used (or as it is trained)."""
    return mean_loss(learner, model, batches, used)[0]


@torch.no_grad()
def mean_loss(
    learner: Learner, model: Any, batches: list[Batch], used: bool = True
) -> tuple[float, float]:
    """Return the mean loss over batches, and its standard error (infinite for one batch)."""
    playground, recipe = learner.playground, learner.recipe
    total = []
    for inputs, targets in batches:
        if used:
            with judging(model):
                outputs = model(*inputs)
        else:
            outputs = model(*inputs)
        total.append(float(playground.loss(recipe, outputs, targets)))
    good = [x for x in total if math.isfinite(x)]
    error = statistics.stdev(good) / math.sqrt(len(good)) if len(good) > 1 else math.inf
    return (statistics.fmean(good) if good else math.nan), error
