"""Reads a loss function from a graph: finds its call, and measures outputs and targets.

Two tables do it. ``FINDERS`` has, by the name of an operation, what recognises it as a loss
function, whether it is torch's own or written by hand; ``READERS`` has, by the kind of loss, what
measures it.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .graph import LossCall, StepGraph, of_unit_vectors
from .loss_wiring import met_all_targets, shapes_that_met
from .observation import ObservedLoss
from .tape import NONLINEARITIES, Op
from .wiring import unreachable

SUMS = frozenset("add radd iadd sub rsub isub".split())
THROUGH = frozenset(
    (
        "mean sum neg mul rmul imul div truediv rtruediv itruediv log view reshape squeeze "
        "unsqueeze item flatten float to contiguous clone masked_select index_select nanmean"
    ).split()
)
"""What a loss passes on its way to the root."""
TINY = 1e-3
"""What is added to probabilities, at most, to keep their logarithm finite."""
SOFTMAX = ("softmax", "log_softmax")
PROBABILITIES = (*SOFTMAX, "log", "sub", "div", "truediv", "log_sigmoid", "clamp")
"""What log-probabilities come out of, by hand, too."""
MAX_ROWS = 2048
MAX_TARGETS = 65_536
MAX_DEPTH = 40
CLASS_WEIGHTS = ("weight", "pos_weight")

# Where the loss function is.

Finder = Callable[[StepGraph, Op], LossCall | None]


def _torch_loss(graph: StepGraph, op: Op) -> LossCall | None:
    """A loss function of ``torch.nn.functional``."""
    outputs, targets = op.argument(0, "input"), op.argument(1, "target")
    if not isinstance(outputs, Tensor) or not isinstance(targets, Tensor):
        return None
    return LossCall(op, op.name, outputs, targets)


def _picked(graph: StepGraph, op: Op) -> LossCall | None:
    """Log-probabilities picked by index: ``logprobs[range(n), y]`` or ``gather``."""
    if op.name == "gather":
        index = [op.argument(2, "index")]
    elif isinstance(op.args[1], tuple) and not _picks_of_columns(op):
        index = [t for t in op.args[1] if isinstance(t, Tensor) and not t.is_floating_point()]
    else:
        return None
    targets = [t for t in index if graph.kind(t) == "data"]
    if not targets or graph.kind(op.args[0]) != "signal":
        return None
    return LossCall(op, "nll_by_hand", op.args[0], targets[-1], sign=-1)


def _picks_of_columns(op: Op) -> bool:
    """Whether a place of each column is picked, ``logprobs[y, range(n)]``: columns are examples."""
    index = op.args[1]
    if not isinstance(index, tuple) or len(index) != 2 or not isinstance(index[0], Tensor):
        return False
    if index[0].dim() != 1 or not isinstance(index[1], Tensor | range | list | np.ndarray):
        return False
    numbers = torch.as_tensor(list(index[1]) if isinstance(index[1], range) else index[1])
    if numbers.is_floating_point() or numbers.shape != index[0].shape or len(numbers) < 2:
        return False
    counted = torch.arange(len(numbers), device=numbers.device)
    return torch.equal(numbers, counted) and not torch.equal(index[0], counted)


def _difference(graph: StepGraph, op: Op, kind: str) -> LossCall | None:
    """A function of ``prediction - target``."""
    made = graph.made_by(op.args[0])
    if made is None or made.name not in ("sub", "rsub") or len(made.inputs) < 2:
        return None
    by_kind = {graph.kind(t): t for t in made.inputs}
    if "signal" not in by_kind or "data" not in by_kind:
        return None
    return LossCall(op, kind, by_kind["signal"], by_kind["data"])


def _square(graph: StepGraph, op: Op) -> LossCall | None:
    """A squared difference: ``(p - y) ** 2``, ``.square()``."""
    if op.name != "square" and op.argument(1, "exponent") != 2:
        return None
    return _difference(graph, op, "square")


def _are_shares(rows: Tensor) -> bool:
    """Whether rows are one-hot, or probabilities; those that a mask leaves out may be zero."""
    if rows.shape[-1] < 2 or bool((rows < 0).any()):
        return False
    sums = rows.detach().float().sum(-1)
    return bool((((sums - 1).abs() < 1e-3) | (sums == 0)).all())


def _product(graph: StepGraph, op: Op) -> LossCall | None:
    """A difference times itself, or one-hot rows times log-probabilities."""
    if op.name == "mul" and len(op.args) > 1 and op.args[0] is op.args[1]:
        return _difference(graph, op, "square")
    signals = [t for t in op.inputs if graph.kind(t) == "signal"]
    rows = [t for t in op.inputs if graph.kind(t) == "data" and t.dim() > 1]
    if len(op.inputs) < 2 or not signals or not rows or rows[0].shape != signals[0].shape:
        return None
    made = graph.made_by_behind_views(signals[0])
    if made is None or made.name not in PROBABILITIES or not _are_shares(rows[0]):
        return None
    if made.name == "sub" and graph.kind(made.args[0]) == "data":
        return None  # a divergence by hand: log-probabilities are taken from those of the targets
    return LossCall(op, "nll_by_hand", signals[0], rows[0], sign=-1)


def _log_sum_exp_of(graph: StepGraph, value: Any) -> Tensor | None:
    """Return the scores of which a tensor is the log-sum-exp, by torch's call or by hand."""
    op = graph.made_by_behind_views(value)
    if op is not None and op.name == "log":
        total = graph.made_by_behind_views(op.inputs[0])
        op = graph.made_by_behind_views(total.inputs[0]) if total and total.name == "sum" else None
        return op.inputs[0] if op is not None and op.name == "exp" else None
    return op.inputs[0] if op is not None and op.name == "logsumexp" else None


def _less_log_sum_exp(graph: StepGraph, op: Op) -> LossCall | None:
    """Cross-entropy by its definition: ``z.logsumexp(1) - z[range(n), y]``, or its negative."""
    for place, value in enumerate(op.args[:2]):
        scores = _log_sum_exp_of(graph, value)
        made = graph.made_by_behind_views(op.args[1 - place]) if scores is not None else None
        if scores is None or made is None or scores.dim() != 2:
            continue
        if made.name == "sum":  # of scores times one-hot rows
            weighed = graph.made_by(made.inputs[0])
            parts = (
                weighed.inputs if weighed is not None and weighed.name in ("mul", "rmul") else ()
            )
            rows = [t for t in parts if graph.kind(t) == "data" and t.shape == scores.shape]
            targets = rows[0] if rows and any(t is scores for t in parts) else None
        else:
            call = _picked(graph, made) if made.name in ("getitem", "gather") else None
            targets = call.targets if call is not None and call.outputs is scores else None
        if targets is not None:
            return LossCall(op, "cross_entropy", scores, targets, -1 if place else 1)
    return None


def _logarithm_weighed(graph: StepGraph, value: Any) -> tuple[Tensor, Tensor] | None:
    """Return the weights of a logarithm and what it is taken of: of ``-y * (p + 1e-8).log()``."""
    op = graph.made_by_behind_views(value)
    op = graph.made_by(op.inputs[0]) if op is not None and op.name == "neg" else op
    if op is None or op.name not in ("mul", "rmul") or len(op.inputs) < 2:
        return None
    weights = [t for t in op.inputs if graph.kind(t) == "data"]
    made = [graph.made_by_behind_views(t) for t in op.inputs if graph.kind(t) == "signal"]
    if not weights or not made or made[0] is None or made[0].name != "log":
        return None
    taken = made[0].inputs[0]
    kept = graph.made_by(taken)
    return weights[0], kept.inputs[0] if kept is not None and _keeps_off_zero(kept) else taken


def _binary_by_hand(graph: StepGraph, op: Op) -> LossCall | None:
    """Binary cross-entropy by its definition: ``y * p.log() + (1 - y) * (1 - p).log()``."""
    parts = [_logarithm_weighed(graph, value) for value in op.args[:2]]
    if len(parts) < 2 or parts[0] is None or parts[1] is None:
        return None
    (first, p), (second, q) = sorted(
        (parts[0], parts[1]), key=lambda part: len(graph.ancestors(part[1]))
    )
    if first.shape != second.shape or not bool(
        ((first.abs() + second.abs() - 1).abs() < 1e-6).all()
    ):
        return None
    if id(p) not in graph.ancestors(q):
        return None
    targets = graph.made_by(first)
    positive = targets.inputs[0] if targets is not None and targets.name == "neg" else first
    sign = 1 if float(op.outputs[0].detach().sum()) >= 0 else -1
    return LossCall(op, "binary_cross_entropy", p, positive, sign)


def _sum(graph: StepGraph, op: Op) -> LossCall | None:
    """A cross-entropy that is written as the sum or the difference that it is."""
    found = _less_log_sum_exp(graph, op) if op.name == "sub" else None
    return found or _binary_by_hand(graph, op)


FINDERS: dict[str, Finder] = {
    **dict.fromkeys(
        (
            "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy"
            " binary_cross_entropy_with_logits multi_margin_loss"
        ).split(),
        _torch_loss,
    ),
    **dict.fromkeys(("getitem", "gather"), _picked),
    **dict.fromkeys(("square", "pow", "pow_"), _square),
    "abs": lambda graph, op: _difference(graph, op, "l1_loss"),
    **dict.fromkeys(("mul", "rmul"), _product),
    **dict.fromkeys(("add", "sub"), _sum),
}


def find_loss(graph: StepGraph) -> None:
    """Split the root into its terms, and find the loss function in the first that has one."""
    assert graph.tape.root is not None
    _split(graph, graph.tape.root, 1.0)
    for value, factor in graph.terms:
        if graph.kind(value) == "signal" and (found := _trace_back(graph, value)):
            sign = found.sign if factor >= 0 else -found.sign
            graph.loss = replace(found, sign=sign)
            return


def _split(graph: StepGraph, value: Any, factor: float, depth: int = 0) -> None:
    """Split a sum into its terms, each with its factor."""
    op = graph.made_by(value)
    if op is not None and depth <= MAX_DEPTH:
        if op.name == "neg":
            _split(graph, op.args[0], -factor, depth + 1)
            return
        if len(op.args) > 1 and _is_number(value):
            first, second = op.args[0], op.args[1]
            if op.name in SUMS:
                _split(graph, first, -factor if op.name == "rsub" else factor, depth + 1)
                _split(graph, second, -factor if op.name in ("sub", "isub") else factor, depth + 1)
                return
            if op.name in ("mul", "rmul", "div", "truediv"):
                inner, number = (first, second) if isinstance(first, Tensor) else (second, first)
                if isinstance(number, int | float) and _is_number(inner):
                    by = number if "mul" in op.name else 1 / number if number else 0.0
                    _split(graph, inner, factor * by, depth + 1)
                    return
    graph.terms.append((value, factor))


def _is_number(value: Any) -> bool:
    return isinstance(value, Tensor) and value.numel() == 1


def _trace_back(graph: StepGraph, value: Tensor) -> LossCall | None:
    """Go back from a term to the call of the loss function."""
    sign = 1
    for _ in range(MAX_DEPTH):
        op = graph.made_by(value)
        if op is None:
            return None
        finder = FINDERS.get(op.name)
        found = finder(graph, op) if finder else None
        if found is not None:
            return replace(found, sign=sign * found.sign)
        signals = [t for t in op.inputs if graph.kind(t) == "signal"]
        if not signals or not (op.name in THROUGH or _keeps_off_zero(op)):
            return None
        if op.name == "neg":
            sign = -sign
        if op.name in ("mul", "rmul", "imul", "div", "truediv"):
            numbers = [a for a in op.args if isinstance(a, int | float)]
            if numbers and numbers[0] < 0:
                sign = -sign
        value = signals[0]
    return None


def _keeps_off_zero(op: Op) -> bool:
    """Whether it adds a tiny number, or cuts off at one, so that a logarithm is finite."""
    numbers = [a for a in (*op.args, *op.kwargs.values()) if isinstance(a, int | float)]
    tiny = bool(numbers) and min(map(abs, numbers)) < TINY
    return tiny and op.name in SUMS | {"clamp", "clamp_min", "clip"}


# What it measures.

Reader = Callable[[StepGraph, LossCall], ObservedLoss]


def read_loss(graph: StepGraph) -> ObservedLoss:
    """Return the loss function in numbers; an empty one if it was not found."""
    if graph.loss is None:
        met = met_all_targets(graph)
        words = ""
        if met is not None:
            words = shapes_that_met(met[1].shape, met[2].shape, met[0].outputs[0].numel())
        return replace(_of_columns(graph), broadcast=words)
    with torch.no_grad():
        return READERS[graph.loss.kind](graph, graph.loss)


def _of_columns(graph: StepGraph) -> ObservedLoss:
    """Return what is known of a cross-entropy whose examples are columns: that it is one."""
    behind = graph.ancestors(graph.tape.root)
    for op in graph.ops:
        if id(op.outputs[0]) not in behind:
            continue
        if op.name == "getitem" and op.args[0].dim() == 2 and _picks_of_columns(op):
            value = float(-op.result.detach().mean())
            return ObservedLoss(kind="nll_of_columns", classes=len(op.args[0]), value=value)
        if op.name not in ("mul", "rmul") or len(op.inputs) < 2:
            continue
        for logs, rows in (op.inputs[:2], op.inputs[1::-1]):
            made = graph.made_by_behind_views(logs)
            known = made is not None and made.name == "log_softmax" and graph.kind(rows) == "data"
            if known and rows.dim() == 2 and logs.shape == rows.shape and _are_shares(rows.T):
                value = float(-(rows * logs.detach()).sum(0).mean())
                return ObservedLoss(kind="nll_of_columns", classes=len(rows), value=value)
    return ObservedLoss()


def _read(
    graph: StepGraph, call: LossCall, labels: Tensor | None = None, class_dim: int = -1
) -> ObservedLoss:
    """Measure what all loss functions have in common.

    Args:
        graph: the step.
        call: of the loss function.
        labels: the classes that count, where they are not the targets themselves.
        class_dim: the dimension of the classes in the outputs.
    """
    outputs, targets = call.outputs, call.targets
    classes = int(outputs.shape[class_dim]) if outputs.dim() > 1 else 0
    one_hot = classes > 1 and targets.shape == outputs.shape and is_soft_one_hot(targets)
    integers = not targets.is_floating_point() and not one_hot
    if one_hot and labels is None:
        labels = targets.argmax(-1)
    elif integers and labels is None:
        labels = targets
    counted = (targets if labels is None else labels).flatten()[:MAX_TARGETS]
    numbers = counted if integers else targets.float()
    top, weighed = 0.0, math.nan
    if labels is not None and len(counted):
        names, counts = torch.unique(counted, return_counts=True)
        top = float(counts.max()) / len(counted)
        weighed = _weighed_share(call, names, counts)
    result = call.op.result
    value = float(result.float().mean()) if isinstance(result, Tensor) else math.nan
    if call.op.name in ("add", "sub"):  # by hand, perhaps before its minus
        value = abs(value)
    return ObservedLoss(
        kind=call.kind,
        classes=classes,
        value=value,
        uniform=math.log(classes) if classes > 1 else math.nan,
        sign=call.sign,
        double_softmax=_double_softmax(graph),
        broadcast=_broadcast(graph, call),
        softmax_over_batch=_softmax_over_batch(graph, outputs),
        output_nonlinearity=_output_nonlinearity(graph, outputs),
        outputs_are_cosines=_are_cosines(graph, outputs),
        one_hot=one_hot,
        integer_targets=integers,
        target_min=float(numbers.min()) if numbers.numel() else math.nan,
        target_max=float(numbers.max()) if numbers.numel() else math.nan,
        target_mean=float(numbers.float().mean()) if numbers.numel() else math.nan,
        target_std=float(numbers.float().std(correction=0)) if numbers.numel() else math.nan,
        top_share=top,
        target_count=int(counted.numel()),
        mixed=_are_mixed(graph, call),
        weighted=any(_weighs(call.op.kwargs.get(key)) for key in CLASS_WEIGHTS),
        weighed_share=weighed,
        unreachable=_unreachable(graph, outputs, targets),
    )


def _weighed_share(call: LossCall, names: Tensor, counts: Tensor) -> float:
    """Return the share of the most frequent class, each counted with its weight; NaN."""
    weights, positive = (call.op.kwargs.get(key) for key in CLASS_WEIGHTS)
    if names.is_floating_point() or int(names.min()) < 0:
        return math.nan  # nothing is known of soft labels
    if isinstance(positive, Tensor) and positive.numel() == 1 and int(names.max()) <= 1:
        factors = torch.where(names == 1, positive.detach().flatten().float(), 1.0)
    elif isinstance(weights, Tensor) and call.kind in ("cross_entropy", "nll_loss"):
        factors = weights.detach().float()[names]
    else:
        return math.nan
    shares = counts * factors
    return float(shares[counts.argmax()] / shares.sum().clamp(min=1e-12))


def _weighs(weights: Any) -> bool:
    """Whether weights differ from 1, or from one another."""
    if not isinstance(weights, Tensor):
        return weights is not None
    return bool((weights != (1 if weights.numel() == 1 else weights.flatten()[0])).any())


def _of_classes(graph: StepGraph, call: LossCall) -> tuple[ObservedLoss, Tensor]:
    """Measure a loss of torch's against classes; return its outputs as rows of classes, too."""
    class_dim = 1 if call.outputs.dim() > 1 else -1
    labels = None
    if not call.targets.is_floating_point():
        labels = call.targets.flatten()[:MAX_TARGETS]
        labels = labels[labels != call.op.argument(4, "ignore_index", -100)]
    return _read(graph, call, labels, class_dim), _rows(call.outputs, class_dim)


def _rows(outputs: Tensor, class_dim: int = -1) -> Tensor:
    """Return outputs as rows of classes; single ones as rows of one."""
    if outputs.dim() < 2:
        return outputs.float().reshape(-1, 1)
    return outputs.movedim(class_dim, -1).float().flatten(0, -2)


def _are_probabilities(rows: Tensor) -> bool:
    sums_to_one = bool(((rows.sum(-1) - 1).abs() < 1e-3).all())
    return rows.shape[-1] > 1 and sums_to_one and bool((rows >= 0).all())


def read_cross_entropy(graph: StepGraph, call: LossCall) -> ObservedLoss:
    """``cross_entropy``: logits against classes, or against rows of probabilities."""
    seen, rows = _of_classes(graph, call)
    result = call.op.result
    if call.op.kwargs.get("reduction") == "sum" and result.numel() == 1:
        seen = replace(seen, value=float(result) / max(1, call.targets.numel()))
    return replace(
        seen,
        outputs_are_probabilities=_are_probabilities(rows[:MAX_ROWS]),
        floor=_entropy_of_targets(call, rows.shape[-1]),
    )


def _entropy_of_targets(call: LossCall, classes: int) -> float:
    """Return the least entropy that targets have as they are smoothed, in nats; 0 where unknown.

    No cross-entropy with them is lower (Szegedy et al. 2016, label smoothing).
    """
    if call.op.name != "cross_entropy" or call.op.argument(2, "weight") is not None or classes < 2:
        return 0.0
    smoothing = float(call.op.argument(7, "label_smoothing", 0.0))
    shares = torch.eye(1, classes)
    if call.targets.is_floating_point():
        shares = _rows(call.targets, 1 if call.targets.dim() > 1 else -1)[:MAX_ROWS].cpu()
    shares = (1 - smoothing) * shares + smoothing / classes
    return max(0.0, float(torch.special.entr(shares.clamp(min=0)).sum(-1).min()))


def read_nll(graph: StepGraph, call: LossCall) -> ObservedLoss:
    """``nll_loss``: log-probabilities against classes."""
    seen, rows = _of_classes(graph, call)
    seen = replace(seen, outputs_are_probabilities=_are_probabilities(rows[:MAX_ROWS]))
    return _of_log_probabilities(seen, rows, call)


def read_nll_by_hand(graph: StepGraph, call: LossCall) -> ObservedLoss:
    """``-logprobs[range(n), y].mean()``, ``gather``, or one-hot rows times log-probabilities."""
    picked = call.op.result.float()
    if call.op.name in ("mul", "rmul"):
        picked = picked.sum(-1)
    logs = picked.log() if bool((picked > 0).all()) else picked
    probabilities = _are_probabilities(_rows(call.outputs)[:MAX_ROWS])
    seen = replace(_read(graph, call), outputs_are_probabilities=probabilities)
    seen = replace(seen, value=float(-logs.mean()))
    return _of_log_probabilities(seen, _rows(call.outputs), call)


def _of_log_probabilities(seen: ObservedLoss, rows: Tensor, call: LossCall) -> ObservedLoss:
    """Add whether they are normalised: along the classes, or along the batch."""
    some = rows[:MAX_ROWS]
    sums = some.exp().sum(-1)
    normalised = (
        rows.shape[-1] < 2
        or _are_probabilities(some)
        or bool(((sums - 1).abs() < 1e-2).all())
        or not bool(torch.isfinite(sums).all())
    )
    over_batch = seen.softmax_over_batch
    if not over_batch and call.outputs.dim() == 2 and 4 <= len(rows) <= 100_000:
        values = rows if bool((rows >= 0).all()) else rows.exp()
        errors = [(values.sum(dim) - 1).abs() for dim in (0, 1)]
        over_batch = bool((errors[0] < 1e-3).all()) and not bool((errors[1] < 1e-2).all())
    return replace(seen, normalised=normalised, softmax_over_batch=over_batch)


def read_squared_error(graph: StepGraph, call: LossCall) -> ObservedLoss:
    """``mse_loss`` or a squared difference; ``uniform`` is the best constant's, the variance."""
    seen = _read(graph, call)
    if seen.one_hot:
        return replace(seen, uniform=(seen.classes - 1) / seen.classes**2)
    numbers = call.targets.float()
    columns = numbers if numbers.dim() > 1 else numbers.reshape(-1, 1)
    return replace(seen, uniform=float(columns.var(0, correction=0).mean()))


def read_absolute_error(graph: StepGraph, call: LossCall) -> ObservedLoss:
    """``l1_loss``, ``smooth_l1_loss``, ``huber_loss``: no value of a uniform guess is known."""
    return replace(_read(graph, call), uniform=math.nan)


def read_binary(graph: StepGraph, call: LossCall) -> ObservedLoss:
    """``binary_cross_entropy`` of probabilities, or ``..._with_logits``."""
    binary = bool(((call.targets == 0) | (call.targets == 1)).all())
    seen = _read(graph, call, call.targets.long() if binary else None)
    if call.kind == "binary_cross_entropy":  # a sigmoid belongs before it
        seen = replace(seen, output_nonlinearity="")
    return replace(seen, uniform=math.log(2))


def read_margin(graph: StepGraph, call: LossCall) -> ObservedLoss:
    """``multi_margin_loss``: equal scores lose the margin to every other class."""
    seen = _read(graph, call)
    return replace(seen, uniform=1 - 1 / seen.classes if seen.classes > 1 else math.nan)


READERS: dict[str, Reader] = {
    "cross_entropy": read_cross_entropy,
    "nll_loss": read_nll,
    "nll_by_hand": read_nll_by_hand,
    "mse_loss": read_squared_error,
    "square": read_squared_error,
    "l1_loss": read_absolute_error,
    "smooth_l1_loss": read_absolute_error,
    "huber_loss": read_absolute_error,
    "binary_cross_entropy": read_binary,
    "binary_cross_entropy_with_logits": read_binary,
    "multi_margin_loss": read_margin,
}


def is_soft_one_hot(targets: Tensor) -> bool:
    """Whether rows are one-hot, perhaps smoothed, or -1 and 1: two numbers, one of them once."""
    if targets.shape[-1] < 2:
        return False
    rows = targets.reshape(-1, targets.shape[-1])[:512].float()
    high, low = rows.max(), rows.min()
    size = 1e-6 * max(1.0, float(high - low))
    is_high, is_low = (rows - high).abs() <= size, (rows - low).abs() <= size
    return bool(high > low and (is_high | is_low).all() and (is_high.sum(-1) == 1).all())


def _double_softmax(graph: StepGraph) -> bool:
    """Whether a softmax, or a sigmoid, is taken of what has gone through one already."""
    doubled = {
        **dict.fromkeys((*SOFTMAX, "cross_entropy"), "softmax"),
        "binary_cross_entropy_with_logits": "sigmoid",
    }
    for op in graph.ops:
        if op.name in doubled and op.args:
            made = graph.made_by_behind_views(op.args[0])
            if made is not None and made.name == doubled[op.name]:
                return True
    return False


def _are_mixed(graph: StepGraph, call: LossCall) -> bool:
    """Whether another call of the same loss function compares the outputs with other targets."""
    return any(
        op.name == call.op.name
        and op.argument(0, "input") is call.outputs
        and op.argument(1, "target") is not call.targets
        for op in graph.ops
        if op.name in READERS and op.name == call.kind
    )


def _adds_dimension(graph: StepGraph, tensor: Tensor) -> bool:
    op = graph.made_by(tensor)
    index = op.args[1] if op is not None and op.name == "getitem" else ()
    added = any(part is None for part in (index if isinstance(index, tuple) else (index,)))
    return added or (op is not None and op.name == "unsqueeze")


def _broadcast(graph: StepGraph, call: LossCall) -> str:
    """Return the shapes, where rows met columns, so that each output met each target; "".

    Where both were given a dimension for that, as for pairs of quantiles, it is meant.
    """
    op, outputs, targets = call.op, call.outputs, call.targets
    if all(_adds_dimension(graph, t) for t in (outputs, targets)):
        return ""
    largest = max(outputs.numel(), targets.numel())
    if op.name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        shape = torch.broadcast_shapes(outputs.shape, targets.shape)  # type: ignore[no-untyped-call]
        met = math.prod(shape)
    elif op.name in ("add", "sub"):
        largest, met = max(t.numel() for t in op.inputs), op.outputs[0].numel()
    elif op.name in ("pow", "square", "abs", "mul"):
        met = op.inputs[0].numel()
    else:
        return ""
    return shapes_that_met(outputs.shape, targets.shape, met) if met > largest > 1 else ""


def _softmax_over_batch(graph: StepGraph, outputs: Tensor) -> bool:
    """Whether a softmax on the way to the outputs runs along the batch dimension."""
    path = graph.ancestors(outputs)
    for op in graph.ops:
        if op.name in SOFTMAX and id(op.outputs[0]) in path:
            shape, dim = op.outputs[0].shape, op.argument(1, "dim")
            along_batch = len(shape) == 2 and dim in (0, -2) and shape[0] == len(outputs) > 1
            if along_batch and graph.kind(op.outputs[0]) == "signal":
                return True
    return False


def _output_nonlinearity(graph: StepGraph, outputs: Tensor) -> str:
    """Return the activation that the outputs come out of; ""."""
    op = graph.made_by_behind_views(outputs)
    return op.name if op is not None and op.name in NONLINEARITIES else ""


def _are_cosines(graph: StepGraph, outputs: Tensor) -> bool:
    """Whether outputs are cosines of vectors, which no factor takes beyond -1 and 1."""
    op = graph.made_by_behind_views(outputs)
    if op is None:
        return False
    product = len(op.inputs) == 2 and of_unit_vectors(op)  # a bias would be a third
    return op.name == "cosine_similarity" or product


def _unreachable(graph: StepGraph, outputs: Tensor, targets: Tensor) -> float:
    """Return the share of targets beyond an activation's reach, as numbers scale and shift it."""
    value, scale, shift = outputs, 1.0, 0.0
    for _ in range(8):
        op = graph.made_by_behind_views(value)
        numbers = [a for a in op.args if isinstance(a, int | float)] if op is not None else []
        if op is None or len(op.inputs) != 1 or len(op.args) != 2 or len(numbers) != 1 or op.kwargs:
            break
        if op.name in ("mul", "rmul"):
            scale *= numbers[0]
        elif op.name in ("div", "truediv") and numbers[0]:
            scale /= numbers[0]
        elif op.name in ("add", "radd"):
            shift += scale * numbers[0]
        elif op.name == "sub" and op.args[0] is op.inputs[0]:
            shift -= scale * numbers[0]
        else:
            break
        value = op.inputs[0]
    activation = _output_nonlinearity(graph, value)
    if not activation or not scale:
        return 0.0
    return unreachable((targets.float() - shift) / scale, activation)
