"""What simple predictors reach on new examples: frequencies, neighbours, lines, n-grams."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ...ngrams import counted
from .data_checks import NEIGHBOURS
from .reference_forms import scaling
from .row_losses import LossTask, row_losses, targets_of
from .seen_data import SeenData

MAX_NEIGHBOURS = 4000
"""Examples among which neighbours are searched."""
FREQUENT = 300
"""Tokens of a vocabulary for which pairs and triples are counted."""


def baselines_of(task: LossTask, data: SeenData, copies_input: bool = False) -> dict[str, float]:
    """Return the losses of simple predictors on the new examples, by name.

    Args:
        task: what they are compared by.
        data: of the loop.
        copies_input: whether the targets are the inputs, from which nothing is to be predicted.
    """
    aims, new = targets_of(task, data.trained.targets), targets_of(task, data.new.targets)
    found: dict[str, float] = {}
    several = bool(data.trained.further)
    if task.kind == "classes":
        known = aims[(aims != task.ignored) & (aims >= 0)]
        counts = torch.bincount(known.flatten(), minlength=task.classes).float() + 1
        if task.weights is not None:
            counts = counts * task.weights
        logs = (counts / counts.sum()).log().expand(*new.shape, task.classes)
        found["class frequency"] = float(row_losses(task, logs, new).mean())
        if not several and not data.trained.inputs.is_floating_point():
            found.update(_ngrams(task, data, aims, new))
            return found
    else:
        mean = aims.mean(0)
        middle = _logits(task, mean.clamp(1e-4, 1 - 1e-4)) if task.kind == "binary" else mean
        found["class frequency" if task.kind == "binary" else "mean"] = float(
            row_losses(task, middle.expand_as(new), new).mean()
        )
        if copies_input or not data.trained.inputs.is_floating_point():
            return found
    if several:
        return found
    scale = scaling(data.trained.inputs)
    rows = scale(data.trained.inputs).flatten(1)[:MAX_NEIGHBOURS]
    asked, aims = scale(data.new.inputs).flatten(1), aims[:MAX_NEIGHBOURS]
    near = torch.cdist(asked, rows).topk(min(NEIGHBOURS, len(rows)), largest=False).indices
    if task.kind == "classes":
        votes = F.one_hot(aims.clamp(min=0)[near], task.classes).float().sum(1)
        if task.weights is not None:
            votes = votes * task.weights
        scores = ((votes + 0.3) / (len(near[0]) + 0.3 * task.classes)).log()
    else:
        scores = aims[near].mean(1)
        if task.kind == "binary":
            scores = _logits(task, (scores * len(near[0]) + 0.3) / (len(near[0]) + 0.6))
    found["nearest neighbours"] = float(row_losses(task, scores, new).mean())
    if task.kind == "values":
        found["linear"] = _linear(task, rows, aims, asked, new)
    return found


def _logits(task: LossTask, shares: Tensor) -> Tensor:
    """Return the logits by which the loss is lowest where so large a part of targets is 1."""
    logits = torch.logit(shares)
    return logits if task.weights is None else logits + task.weights.clamp(min=1e-6).log()


def _linear(task: LossTask, rows: Tensor, aims: Tensor, asked: Tensor, new: Tensor) -> float:
    """Return the loss of ridge regression."""
    mean = aims.mean(0)
    ones = torch.cat([rows, torch.ones_like(rows[:, :1])], 1).double()
    square = ones.T @ ones + 1e-3 * len(rows) * torch.eye(ones.shape[1], device=rows.device)
    weights = torch.linalg.solve(square, ones.T @ (aims - mean).double()).float()
    scores = asked @ weights[:-1] + weights[-1] + mean
    return float(row_losses(task, scores, new).mean())


def _ngrams(task: LossTask, data: SeenData, aims: Tensor, new: Tensor) -> dict[str, float]:
    """Count which token follows one, and two."""
    if task.classes > FREQUENT or int(data.trained.inputs.max()) >= task.classes:
        return {}
    before, after = [], []
    for examples, targets in ((data.trained, aims), (data.new, new)):
        rows = examples.inputs.reshape(len(examples), -1).long()
        padded = torch.cat([torch.zeros_like(rows[:, :1]), rows], 1)
        pairs = torch.stack([padded[:, :-1], padded[:, 1:]], -1)
        if targets.shape[1] == 1:
            pairs = pairs[:, -1:]
        if pairs.shape[:2] != targets.shape:
            return {}
        counts = (targets != task.ignored) & (targets >= 0)
        before.append(pairs[counts].cpu())
        after.append(targets[counts].cpu())
    floors = counted(before[0], after[0], before[1], after[1], task.classes)
    found = {"bigram": floors["pair"]}
    if data.trained.inputs[0].numel() > 1:
        found["trigram"] = floors["triple"]
    return found
