"""How the outputs of a step are judged: what is read of the call that judges, in numbers."""

import math
from typing import Any

import torch
from torch import Tensor

from .graph import CRITERIA, StepGraph, ancestors
from .observation import ObservedLoss
from .tape import BENDS, Op

SOFT = frozenset("softmax log_softmax".split())


@torch.no_grad()
def criterion(sight: StepGraph) -> ObservedLoss:
    """Return how the outputs are judged."""
    op, outputs, targets = sight.criterion_op, sight.outputs, sight.targets
    if op is None or not isinstance(outputs, Tensor) or not isinstance(targets, Tensor):
        return ObservedLoss(sign=sight.sign)
    kind = op.name if op.name in CRITERIA else "nll_by_hand"
    if op.name in ("pow", "pow_", "square", "mul", "abs") and kind == "nll_by_hand":
        kind = (
            "square" if targets.shape == outputs.shape and not _log_rows(outputs) else "nll_by_hand"
        )
    whole = not targets.is_floating_point()
    place = 1 if kind in ("cross_entropy", "nll_loss") and outputs.dim() > 1 else -1
    classes = int(outputs.shape[place]) if outputs.dim() > 1 else 0
    wide = outputs.movedim(place, -1).float() if classes else outputs.float()
    rows = wide.reshape(-1, classes)[:2048] if classes > 1 else wide.reshape(-1, 1)[:2048]
    logs = kind in ("nll_loss", "nll_by_hand")
    sums = rows.exp().sum(-1) if logs else rows.sum(-1)
    even = bool((rows >= 0).all()) and classes > 1 and bool(((rows.sum(-1) - 1).abs() < 1e-3).all())
    hot = classes > 1 and targets.shape == outputs.shape and _softly_hot(targets)
    whole = whole and not hot
    numbers = targets.float()
    labels = targets.argmax(-1) if hot else targets
    if "binary" in kind and bool(((targets == 0) | (targets == 1)).all()):
        labels, two = targets.long(), True
    else:
        two = False
    counted = labels.flatten()[:65_536]
    ignored = (
        op.argument(4, "ignore_index", -100) if kind in ("cross_entropy", "nll_loss") else None
    )
    if ignored is not None and whole:
        counted = counted[counted != ignored]
        numbers = counted.float()
    shares = _shares(counted) if whole or hot or two else None
    value = _value(kind, op, outputs, targets)
    uniform = math.log(classes) if classes > 1 else math.nan
    if hot and kind in ("mse_loss", "square"):
        uniform = (classes - 1) / classes**2
    elif kind in ("mse_loss", "square"):
        columns = numbers if numbers.dim() > 1 else numbers[:, None]
        uniform = float(columns.var(0, correction=0).mean())  # of the best constant answer
    elif "binary" in kind:
        uniform = math.log(2)
    return ObservedLoss(
        kind=kind,
        classes=classes,
        value=value,
        uniform=uniform,
        sign=sight.sign,
        outputs_are_probabilities=even and kind == "cross_entropy",
        normalised=not logs
        or classes < 2
        or even
        or bool(((sums - 1).abs() < 1e-2).all())
        or not bool(torch.isfinite(sums).all()),
        double_softmax=_twice(sight),
        broadcast=_spread_out(sight, op, outputs, targets),
        softmax_over_batch=_across(sight, len(outputs)) or (logs and _columns(rows, wide)),
        output_nonlinearity=_squeezed(sight, outputs, kind),
        one_hot=hot,
        integer_targets=whole,
        target_min=float(numbers.min()) if numbers.numel() else math.nan,
        target_max=float(numbers.max()) if numbers.numel() else math.nan,
        top_share=0.0 if shares is None or not len(shares) else float(shares.max()),
        target_count=int(counted.numel()),
    )


def _value(kind: str, op: Op, outputs: Tensor, targets: Tensor) -> float:
    """Return the criterion's mean, whatever it was summed with."""
    result = op.result if isinstance(op.result, Tensor) else None
    if result is None:
        return math.nan
    if kind == "nll_by_hand":
        picked = result.float()
        if op.name in ("mul", "rmul"):
            picked = picked.sum(-1)
        return float(-(picked.log() if bool((picked > 0).all()) else picked).mean())
    if kind == "cross_entropy" and result.numel() == 1 and op.kwargs.get("reduction") == "sum":
        return float(result) / max(1, targets.numel())
    return float(result.float().mean())


def _log_rows(outputs: Tensor) -> bool:
    return bool((outputs <= 0).all())


def _softly_hot(targets: Tensor) -> bool:
    """Whether rows are one-hot, perhaps smoothed, or the -1 and 1 of old."""
    rows = targets.reshape(-1, targets.shape[-1])[:512].float()
    high, low = rows.max(-1).values, rows.min(-1).values
    others = (rows < high[:, None]).sum(-1) == rows.shape[-1] - 1
    second = rows.sort(-1).values
    level = (second[:, -2] - low).abs() < 1e-6
    return bool(others.all() and level.all())


def _shares(labels: Tensor) -> Tensor:
    _, counts = torch.unique(labels, return_counts=True)
    shares: Tensor = counts.double() / counts.sum()
    return shares


def _twice(sight: StepGraph) -> bool:
    """Whether a softmax, or a sigmoid, is taken of what has gone through one already."""
    for op in sight.ops:
        source = op.args[0] if op.args else None
        made = _before(sight, source)
        if made is None:
            continue
        if op.name in SOFT and made.name == "softmax":
            return True
        if op.name == "binary_cross_entropy_with_logits" and made.name == "sigmoid":
            return True
        if op.name == "cross_entropy" and made.name == "softmax":
            return True
    return False


def _before(sight: StepGraph, tensor: Any) -> Op | None:
    """Return what made a tensor, views left aside."""
    for _ in range(8):
        op = sight.maker.get(id(tensor)) if isinstance(tensor, Tensor) else None
        if op is None or op.name not in (
            "view",
            "reshape",
            "squeeze",
            "flatten",
            "float",
            "contiguous",
        ):
            return op
        tensor = op.args[0]
    return None


def _spread_out(sight: StepGraph, op: Op, outputs: Tensor, targets: Tensor) -> bool:
    """Whether a row was held against a column, so that each answer meets each target."""
    largest = max(outputs.numel(), targets.numel())
    if op.name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        shape = torch.broadcast_shapes(outputs.shape, targets.shape)  # type: ignore[no-untyped-call]
        return bool(math.prod(shape) > largest > 1)
    difference = op.inputs[0] if op.inputs else outputs
    return op.name in ("pow", "square", "abs", "mul") and difference.numel() > largest > 1


def _across(sight: StepGraph, batch: int) -> bool:
    """Whether a softmax of what is judged runs along the batch."""
    path = ancestors(sight, sight.outputs) if sight.outputs is not None else set()
    for op in sight.ops:
        if op.name not in SOFT or sight.kinds.get(id(op.outputs[0])) != "signal":
            continue
        judged = id(op.outputs[0]) in path
        dim = op.argument(1, "dim")
        shape = op.outputs[0].shape
        if judged and len(shape) == 2 and dim in (0, -2) and shape[0] == batch and shape[0] > 1:
            return True
    return False


def _columns(rows: Tensor, wide: Tensor) -> bool:
    """Whether (log-)probabilities sum to 1 over the batch, and not over the answers."""
    if wide.dim() != 2 or len(wide) < 4 or len(wide) > 100_000:
        return False
    values = wide if bool((wide >= 0).all()) else wide.exp()
    down, along = values.sum(0), values.sum(1)
    return bool(((down - 1).abs() < 1e-3).all()) and not bool(((along - 1).abs() < 1e-2).all())


def _squeezed(sight: StepGraph, outputs: Tensor, kind: str) -> str:
    """Return the activation that scores come out of, where scores should have any size."""
    op = _before(sight, outputs)
    if op is None or op.name not in BENDS or kind == "binary_cross_entropy":
        return ""
    return op.name
