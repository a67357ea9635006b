"""The loss of each example, by the loss function that a watched loop has."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..watch.graph import LossCall, StepGraph, is_one_hot
from ..watch.training_kind import CLASSES, DISTANCES


@dataclass(frozen=True)
class LossTask:
    """What outputs are compared with.

    Attributes:
        kind: ``classes``, ``binary`` or ``values``.
        criterion: the name of the loss function.
        classes: outputs for each target; 1 for values.
        ignored: the class of a target that does not count.
        weights: what the losses of each class are multiplied by, or those of binary targets that
            are 1; None if all count alike.
        smoothing: the part of a target that is spread over all classes.
    """

    kind: str
    criterion: str
    classes: int = 1
    ignored: int = -100
    weights: Tensor | None = None
    smoothing: float = 0.0


def task_of(graph: StepGraph) -> LossTask:
    """Return what the outputs of a step are compared with.

    Raises:
        ValueError: it is nothing by which networks can be compared.
    """
    call = graph.loss
    if call is None:
        raise ValueError("its loss function was not recognised")
    if call.kind in CLASSES:
        classes = call.outputs.shape[1 if _by_torch(call.kind) and call.outputs.dim() > 1 else -1]
        ignored = call.op.argument(4, "ignore_index", -100) if _by_torch(call.kind) else -100
        smooth = call.op.argument(7, "label_smoothing", 0.0) if call.op.name == call.kind else 0.0
        weights = _class_weights(call, int(ignored))
        return LossTask("classes", call.kind, int(classes), int(ignored), weights, float(smooth))
    if call.kind.startswith("binary_cross_entropy"):
        return LossTask("binary", call.kind, weights=_weight_of_ones(call))
    if call.kind in DISTANCES:
        return LossTask("values", call.kind)
    raise ValueError(f"it is not known how to compare networks by {call.kind}")


def _by_torch(kind: str) -> bool:
    return kind in ("cross_entropy", "nll_loss")


def _class_weights(call: LossCall, ignored: int) -> Tensor | None:
    """Return the weights of classes; as torch's mean has it, those of a batch have a mean of 1."""
    if not _by_torch(call.op.name):  # written out
        return None
    weights: Tensor | None = call.op.argument(2, "weight")
    if weights is None or call.targets.is_floating_point():
        return weights
    known = (call.targets >= 0) & (call.targets < len(weights)) & (call.targets != ignored)
    if not bool(known.any()):
        raise ValueError("no target of its last batch counts")
    return weights / weights[call.targets[known]].float().mean().clamp(min=1e-6)


def _weight_of_ones(call: LossCall) -> Tensor | None:
    """Return what the losses of binary targets that are 1 are multiplied by."""
    if call.op.name != call.kind:  # written out
        return None
    if call.op.argument(2, "weight") is not None:
        raise ValueError("its examples have weights of their own, which of new ones are not known")
    weight: Tensor | None = call.op.argument(6, "pos_weight")
    return weight if call.kind.endswith("logits") else None


def targets_of(task: LossTask, targets: Tensor) -> Tensor:
    """Return targets as whole numbers, or as real ones, (rows, targets of a row)."""
    if task.kind != "classes":
        return targets.float()
    if targets.is_floating_point():
        rows = targets.reshape(len(targets), -1, task.classes)
        if not is_one_hot(rows) and not (task.classes == 2 and bool((rows.sum(-1) == 1).all())):
            raise ValueError("its targets are no classes")
        return rows.argmax(-1)
    return targets.long()


def row_losses(task: LossTask, scores: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of each row.

    Args:
        task: what they are compared by.
        scores: logits (rows, targets of a row, classes), or values (rows, targets of a row).
        targets: as :func:`targets_of` returns them.
    """
    if task.kind == "classes":
        counted = (targets != task.ignored) & (targets >= 0)
        logs = F.log_softmax(scores.float(), -1)
        picked = -logs.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
        if task.weights is not None:
            picked = picked * task.weights[targets.clamp(min=0)]
            logs = logs * task.weights
        if task.smoothing:
            picked = torch.lerp(picked, -logs.mean(-1), task.smoothing)
        return (picked * counted).sum(1) / counted.sum(1).clamp(min=1)
    if task.kind == "binary":
        each = F.binary_cross_entropy_with_logits(
            scores.float(), targets, reduction="none", pos_weight=task.weights
        )
    elif task.criterion in ("mse_loss", "square"):
        each = (scores.float() - targets).square()
    elif task.criterion == "l1_loss":
        each = (scores.float() - targets).abs()
    else:
        function = F.huber_loss if task.criterion == "huber_loss" else F.smooth_l1_loss
        each = function(scores.float(), targets, reduction="none")
    return each.mean(1)


def scores_of(task: LossTask, outputs: Tensor, size: int) -> Tensor:
    """Return outputs of a step as logits or values, a row an example."""
    if task.kind == "classes":
        if _by_torch(task.criterion) and outputs.dim() > 2:
            outputs = outputs.movedim(1, -1)
        scores = outputs.reshape(size, -1, task.classes).float()
        sums_to_one = bool(((scores.sum(-1) - 1).abs() < 1e-3).all()) and bool((scores >= 0).all())
        return (
            scores.clamp(min=1e-30).log()
            if sums_to_one and task.criterion != "cross_entropy"
            else scores
        )
    scores = outputs.reshape(size, -1).float()
    return torch.logit(scores, 1e-7) if task.criterion == "binary_cross_entropy" else scores
