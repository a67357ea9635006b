"""What the doctor draws from a learner: batches that it learns from, new ones, its loss."""

import math
from typing import Any

import torch

from ...training.evaluation import judging
from ...training.learner import Learner
from .replay import Batch

ANSWERS = 20_000  # that are looked at at most
JUDGED = 2048  # examples, for a loss on new data


def batches_of(learner: Learner, most: int) -> list[Batch]:
    """Draw some more batches, as the training does, but pictures as they are in the data."""
    plain = {"augment": "none"} if "augment" in learner.recipe.to_dict() else {}
    recipe = learner.recipe.replace(plain)
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


@torch.no_grad()
def loss_on(learner: Learner, model: Any, batches: list[Batch], used: bool = True) -> float:
    """Return the mean loss over batches, as the network is used (or as it is trained)."""
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
    return sum(good) / len(good) if good else math.nan
