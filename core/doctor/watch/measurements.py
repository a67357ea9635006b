"""What is measured of a step that was understood: inputs, layers, the loss's terms."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from .graph import StepGraph, ancestors, is_hot, looks_up
from .observation import LossTerm, ObservedInput, ObservedLayer
from .tape import Op

FLAT_TANH, FLAT_SIGMOID = 0.97, 0.03

TINY = 1e-12


@torch.no_grad()
def inputs_seen(sight: StepGraph) -> tuple[ObservedInput, ...]:
    """Return what the network is given."""
    found = []
    for tensor in sight.inputs[:4]:
        values = tensor.detach().float()
        rows = values.reshape(len(values), -1)
        tokens = not tensor.is_floating_point()
        finite = bool(torch.isfinite(values).all())
        found.append(
            ObservedInput(
                is_tokens=tokens,
                shape=tuple(tensor.shape),
                mean=float(values.mean()),
                std=float(values.std(correction=0)),
                finite=finite,
                constant=len(rows) > 3 and bool((rows == rows[:1]).all()),
                leaks_target=_leaks(tensor, sight.targets),
                transposed=_transposed(tensor, sight.targets),
            )
        )
    return tuple(found)


def _leaks(inputs: Tensor, targets: Tensor | None) -> bool:
    """Whether the target stands in the input: the same tokens, or a column that tells the class."""
    if targets is None or targets.is_floating_point() or targets.numel() < 16:
        return False
    if is_hot(inputs):
        inputs = inputs.argmax(-1)
    if not inputs.is_floating_point():
        flat = inputs.reshape(-1) if inputs.numel() == targets.numel() else None
        aims = targets.reshape(-1)
        counted = aims >= 0  # what is below is left out by the loss
        if flat is not None and bool((flat == aims)[counted].all()):
            return int(torch.unique(aims[counted]).numel()) > 2
        if inputs.dim() == 2 and targets.dim() == 1 and len(inputs) == len(targets):
            same = (inputs == targets[:, None]).float().mean(0)
            return bool((same > 0.999).any()) and int(torch.unique(targets).numel()) > 2
        return False
    if targets.dim() != 1 or len(inputs) != len(targets):
        return False
    return _telling_column(inputs.reshape(len(inputs), -1).float(), targets)


def _transposed(inputs: Tensor, targets: Tensor | None) -> bool:
    """Whether each target is the input below, and not the one beside it."""
    if targets is None or inputs.is_floating_point() or inputs.dim() != 2:
        return False
    if targets.numel() != inputs.numel() or min(inputs.shape) < 3:
        return False
    aims = targets.reshape(inputs.shape)
    beside = float((inputs[:, 1:] == aims[:, :-1]).float().mean())
    below = float((inputs[1:] == aims[:-1]).float().mean())
    return below > 0.95 and beside < 0.5


def _telling_column(rows: Tensor, targets: Tensor) -> bool:
    """Whether a single column has one value for each class, and another for each other class."""
    classes, labels = torch.unique(targets, return_inverse=True)
    if len(classes) < 3 or rows.shape[1] > 20_000 or len(rows) < 3 * len(classes):
        return False
    counts = torch.bincount(labels, minlength=len(classes)).float()
    means = torch.zeros(len(classes), rows.shape[1], device=rows.device)
    means.index_add_(0, labels, rows)
    means /= counts[:, None]
    within = (rows - means[labels]).abs().amax(0)
    spread = means.sort(0).values.diff(dim=0).amin(0)
    return bool(((within < 1e-5) & (spread > 1e-3)).any())


@torch.no_grad()
def layers_seen(sight: StepGraph, names: Mapping[int, str]) -> tuple[ObservedLayer, ...]:
    """Return the layers, first to last."""
    found = []
    judged = ancestors(sight, sight.outputs) if sight.outputs is not None else set()
    last = None
    for key, op in sight.products.items():
        if any(id(t) in judged for t in op.outputs):
            last = key
    for key, op in sight.products.items():
        weight, output = sight.weights[key], op.outputs[0].detach().float()
        given = next(
            (t for t in op.inputs if sight.kinds.get(id(t)) in ("signal", "data")), op.inputs[0]
        )
        bend = sight.bends.get(key)
        said = bend.outputs[0].detach().float() if bend else output
        convolves = op.name.startswith("conv")
        units = said.movedim(1, -1) if convolves and said.dim() > 2 else said
        flat = units.reshape(-1, units.shape[-1]) if units.dim() else units.reshape(1, 1)
        gradient = sight.tape.gradients.get(id(op.outputs[0]))
        table = looks_up(sight, op)
        found.append(
            ObservedLayer(
                name=names.get(key, _shape_name(weight)),
                kind="embedding" if table else op.name,
                fan_in=1 if table else _fan_in(op, weight, given),
                units=int(flat.shape[-1]),
                weight_std=_std(weight),
                in_std=_std(given),
                out_std=_std(output),
                nonlinearity=bend.name if bend else "",
                saturated=_saturated(flat, bend.name if bend else ""),
                dead=float((flat.amax(0) <= 0).float().mean())
                if bend and bend.name == "relu"
                else 0.0,
                gradient=_rms(gradient) if gradient is not None else math.nan,
                symmetric=_symmetric(weight, flat),
                is_output=key == last,
                frozen=not weight.requires_grad,
            )
        )
    return tuple(found)


def _fan_in(op: Op, weight: Tensor, given: Tensor) -> int:
    if op.name.startswith("conv"):
        return int(weight[0].numel())
    return int(given.shape[-1]) if given.dim() else 1


def _saturated(flat: Tensor, bend: str) -> float:
    if bend == "tanh":
        return float((flat.abs() > FLAT_TANH).float().mean())
    if bend == "sigmoid":
        return float(((flat - 0.5).abs() > 0.5 - FLAT_SIGMOID).float().mean())
    return 0.0


def _symmetric(weight: Tensor, flat: Tensor) -> bool:
    """Whether all units of a layer are one and the same."""
    if flat.shape[-1] < 2 or len(flat) < 2:
        return False
    size = float(flat.abs().max())
    alike = float((flat - flat[:, :1]).abs().max()) <= 1e-4 * max(size, TINY)
    # The weights are those behind the first update, so that they may differ a little by now.
    values = weight.detach().float()
    return alike and float(values.std(correction=0)) <= 0.02 * max(TINY, float(values.abs().max()))


def terms_seen(sight: StepGraph) -> tuple[LossTerm, ...]:
    """Return what the loss is the sum of."""
    if len(sight.terms) < 2:
        return ()
    path = {id(t) for t in sight.criterion_op.outputs} if sight.criterion_op else set()
    found = []
    for value, factor in sight.terms:
        if isinstance(value, Tensor):
            learns = value.requires_grad
            judges = bool(path & ancestors(sight, value))
            number = factor * float(value.detach().float().sum())
            of_weights = sight.kinds.get(id(value)) == "weights"
        elif isinstance(value, int | float):
            learns, judges, number, of_weights = False, False, factor * float(value), False
        else:
            continue
        found.append(LossTerm(number, learns, judges, weights_only=of_weights))
    return tuple(found)


def first_nan(sight: StepGraph, names: Mapping[int, str]) -> str:
    """Return in words the first call that made a number that is none; "" if there is none."""
    for op in sight.ops:
        for tensor in op.inputs:
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor.detach()).all()):
                if _masked(tensor):
                    continue
                what = sight.kinds.get(id(tensor))
                if id(tensor) in names:
                    return f"the parameter {names[id(tensor)]}"
                if what == "data" and id(tensor) not in {
                    id(t) for o in sight.ops for t in o.outputs
                }:
                    return "the inputs"
        for tensor in op.outputs:
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor.detach()).all()):
                if op.name.startswith("masked_fill") or op.name == "where" or _masked(tensor):
                    continue
                return f"{op.name}, a result of shape {tuple(tensor.shape)}"
    return ""


def _masked(tensor: Tensor) -> bool:
    """Whether what is infinite is -inf only, as a mask has it."""
    values = tensor.detach()
    return bool((values == -math.inf).any()) and bool(
        (torch.isfinite(values) | (values == -math.inf)).all()
    )


def _shape_name(weight: Tensor) -> str:
    return f"the parameter of shape {tuple(weight.shape)}"


def _std(tensor: Tensor) -> float:
    values = tensor.detach().float()
    return float(values.std(correction=0)) if values.numel() else 0.0


def _rms(tensor: Tensor) -> float:
    return float(tensor.float().square().mean().sqrt())
