"""Measures an understood step: parameters, layers, loss and inputs, in numbers."""

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from ...interruption import heed
from ...telemetry.layer_health import is_dead, is_saturated
from .constants import made_constant
from .graph import StepGraph, is_one_hot, of_unit_vectors
from .loss_readers import read_loss
from .observation import LossTerm, Observation, ObservedInput, ObservedLayer, ObservedParameter
from .tape import FACTORIES, RANDOM, Op, Tape, ops_behind
from .training_kind import compared_rows, entropy_bonus, recognise, summed_items
from .variables import Variables
from .wiring import parts, wiring

EPSILON = 1e-12
FEW_ROWS = 8
"""Examples of a batch, below which their embeddings may be alike."""
ENOUGH_WEIGHTS = 10_000
"""Of a matrix, to see how they were drawn."""
LOSS_SCALE = 30.0
"""Times the reported loss, above which what is differentiated is scaled for few digits."""
BATCH_NORM = nn.modules.batchnorm._BatchNorm


def observe(
    graph: StepGraph,
    variables: Variables,
    before: Mapping[str, Tensor],
    loss: Tensor | float,
    step: int,
    seconds: float,
) -> Observation:
    """Return a step in numbers.

    Args:
        graph: the step.
        variables: those around the loop, after the update.
        before: values of the parameters before it, by name.
        loss: of the step.
        step: counted from 0.
        seconds: since the loop began.
    """
    number = number_of(loss)
    graph.scale = _scale(graph, number)
    criterion, inputs = read_loss(graph), tuple(_inputs(graph))
    parameters = list(variables.parameters.values())
    optimizer = variables.optimizers[0] if variables.optimizers else None
    return Observation(
        step=step,
        loss=number,
        parameters=tuple(_parameters(graph, variables, before)),
        layers=tuple(_layers(graph, variables)),
        criterion=criterion,
        inputs=inputs,
        terms=tuple(_terms(graph)),
        first_nan="" if math.isfinite(number) else first_nan(graph, variables, before)[0],
        linear_pairs=tuple(
            (variables.layer_name(graph.weights[a]), variables.layer_name(graph.weights[b]))
            for a, b in graph.linear_pairs
        ),
        eval_modules=tuple(
            variables.modules_in_mode(
                training=False, trained={id(p) for x in graph.tape.passes for p in x.parameters}
            )
        )[:8],
        optimizer=type(optimizer).__name__ if optimizer else "",
        momentum=float(optimizer.param_groups[0].get("momentum", 0.0)) if optimizer else 0.0,
        variable_lr=variables.lr,
        seconds=seconds,
        device=loss.device.type if isinstance(loss, Tensor) else "cpu",
        training_kind=recognise(graph, variables, criterion, inputs),
        summed=summed_items(graph),
        scale=graph.scale,
        weights_norm=_norm(parameters),
        begun_with=_begun_with(graph, variables, before),
        weights_count=sum(p.numel() for p in parameters),
        clipped=graph.tape.clipped,
        entropy_bonus=entropy_bonus(graph),
        cut=_cut(graph, variables),
        zeroed_before_step=graph.tape.zeroed_before_step,
        discarded=_discarded(graph.tape, variables),
        added=graph.tape.added,
        spread=_spread(graph),
        has_backward=bool(graph.tape.passes),
        evaluates=any(number_of(one) == number for one in graph.tape.evaluated_losses),
        draws_examples=not inputs and _draws_examples(graph),
        wiring=wiring(graph, variables),
        parts=parts(graph),
    )


def _discarded(tape: Tape, variables: Variables) -> int:
    """Return how many passes were for nothing; 0 where they may have been for something else.

    As where each of several lines differentiates a loss of its own, or an input has a gradient.
    """
    held = {id(p) for o in variables.optimizers for g in o.param_groups for p in g["params"]}
    reached = {id(p) for found in tape.passes for p in found.parameters}
    of_one_line = len({found.line for found in tape.passes}) == 1
    return tape.discarded if of_one_line and reached <= held else 0


def _spread(graph: StepGraph) -> float:
    """Return by how much embeddings differ whose cosines a loss compares, the most of several.

    That is their variance over all examples, as a part of their mean squared length; NaN.
    """
    found = [math.nan]
    for rows in compared_rows(graph):
        values = rows.detach().float()
        length = float(values.square().sum(1).mean())
        if len(values) >= FEW_ROWS and 0 < length < math.inf:
            found.append(float(values.var(0, correction=0).sum()) / length)
    return max(found[1:], default=math.nan)


def _draws_examples(graph: StepGraph) -> bool:
    """Whether the outputs are made of numbers that were drawn or written in the step.

    Then no inputs are found, and the outputs of examples differ all the same.
    """
    outputs = graph.outputs
    if outputs is None:
        return False
    if outputs.dim() > 1 and len(outputs) > 1 and bool((outputs != outputs[:1]).any()):
        return True
    return any(op.name in RANDOM for op in ops_behind(graph.tape, [outputs]))


def _scale(graph: StepGraph, loss: float) -> float:
    """Return the factor of a loss scaler (Micikevicius et al. 2018); 1 where there is none."""
    root = graph.tape.root
    if root is None or root.numel() != 1 or not loss or not math.isfinite(loss):
        return 1.0
    factor = abs(number_of(root) / loss)
    return factor if LOSS_SCALE < factor < math.inf else 1.0


def _begun_with(graph: StepGraph, variables: Variables, before: Mapping[str, Tensor]) -> float:
    """Return what the weights of the first backward pass began with; NaN if none of them moved."""
    reached = graph.tape.passes[0].parameters if graph.tape.passes else ()
    known = [(past, p) for p in reached if (past := before.get(variables.name(p))) is not None]
    moved = any(past.shape != p.shape or not torch.equal(past, p) for past, p in known)
    return graph.tape.begun_with if moved else math.nan


def _norm(parameters: list[Tensor]) -> float:
    """Return the norm of all parameters; NaN without any."""
    sizes = [p.detach().double().norm().cpu() for p in parameters if p.is_floating_point()]
    return float(torch.stack(sizes).norm()) if sizes else math.nan


def _cut(graph: StepGraph, variables: Variables) -> str:
    """Say where the graph is cut, if no parameter around the loop gets a gradient; else ""."""
    tape, root = graph.tape, graph.tape.root
    known = {id(t) for t in variables.parameters.values()}
    if not known or not tape.passes or root is None:
        return ""
    if any(id(p) in known for found in tape.passes for p in found.parameters):
        return ""
    if any(id(t) in known for op in graph.ops for t in op.inputs):
        for op in reversed(graph.ops):
            if any(t.requires_grad for t in op.inputs) and not any(
                t.requires_grad for t in op.outputs
            ):
                return f"the graph is cut at {op.name}, which has no gradient"
        return "no parameter of the network is in the graph of the loss"
    maker = graph.made_by(root)
    if maker is None or maker.name in FACTORIES:
        return (
            "the loss that is differentiated is a new tensor (torch.tensor(..., requires_grad=True)"
            " or the like), with no graph behind it"
        )
    return "the loss is made of no parameter of the network"


def number_of(value: Tensor | float) -> float:
    """Return a tensor of one element, or a number, as a number."""
    return float(value.detach()) if isinstance(value, Tensor) else float(value)


# Parameters.


def _parameters(
    graph: StepGraph, variables: Variables, before: Mapping[str, Tensor]
) -> Iterator[ObservedParameter]:
    tape = graph.tape
    used = {key for op in graph.ops for t in op.inputs if (key := id(t)) in graph.weights}
    used |= {id(p) for found in tape.passes for p in found.parameters} & set(graph.weights)
    groups = {
        id(p): (float(group["lr"]), float(group.get("weight_decay", 0.0)))
        for optimizer in variables.optimizers
        for group in optimizer.param_groups
        for p in group["params"]
    }
    frozen = {
        id(p)
        for root in variables.modules.values()
        if not any(p.requires_grad for p in root.parameters())
        for p in root.parameters()
    }
    constants = made_constant(variables.modules.values())
    held = [{id(p) for g in o.param_groups for p in g["params"]} for o in variables.optimizers]
    roots = [{id(p) for p in root.parameters()} for root in variables.modules.values()]
    whole = [root for root in roots if root and root <= used]
    # Another network that one was made of, such as the one that was pretrained, learns no more.
    earlier = [r for r in roots if r - used and any(r & used <= one for one in whole)]
    families = [family for family in (*variables.siblings, *held) if family not in earlier]
    beside = set[int]().union(*(family for family in families if family & used))
    for key, tensor in {
        **{id(t): t for t in variables.parameters.values()},
        **graph.weights,
    }.items():
        if not tensor.is_floating_point():
            continue
        name = variables.name(tensor)
        current = variables.parameters.get(name, tensor)
        if key not in used and key not in beside:
            past = before.get(name)
            if past is None or past.shape != current.shape or bool((past == current).all()):
                continue  # not of this network
        gradient = tape.parameter_gradients.get(key)
        if gradient is None and key not in used:
            gradient = tensor.grad
        values, past = current.detach(), before.get(name)
        heed()
        update = values - past if past is not None and past.shape == values.shape else None
        if update is None and tensor is current and not tensor.requires_grad:
            update = torch.zeros_like(values)
        std, gradient_rms, update_rms, cosine, implied_lr = _sizes(values, gradient, update)
        lr, weight_decay = groups.get(key, (math.nan, 0.0))
        yield ObservedParameter(
            name,
            tuple(values.shape),
            std,
            gradient_rms,
            update_rms,
            cosine,
            implied_lr,
            requires_grad=tensor.requires_grad,
            used=key in used,
            in_optimizer=(key in groups) if variables.optimizers else None,
            optimizer_lr=lr,
            weight_decay=weight_decay,
            stale_gradient=key in tape.stale_gradients,
            of_frozen_module=key in frozen,
            made_constant=key in constants,
            lost_steps=_lost_steps(values, gradient, update),
        )


def _lost_steps(values: Tensor, gradient: Tensor | None, update: Tensor | None) -> float:
    """Return the share of numbers of few digits that a step does not move."""
    if gradient is None or update is None or values.dtype not in (torch.bfloat16, torch.float16):
        return 0.0
    asked = gradient.to_dense() != 0
    return float((asked & (update == 0)).float().sum() / asked.float().sum().clamp(min=1))


def _sizes(values: Tensor, gradient: Tensor | None, update: Tensor | None) -> list[float]:
    """Return std, gradient, update, cosine and implied learning rate, in one transfer."""
    std = values.float().std(correction=0)
    parts = [std, *[torch.full_like(std, math.nan)] * 4]
    if gradient is not None:
        g = (gradient.to_dense() if gradient.is_sparse else gradient).float()
        parts[1] = g.square().mean().sqrt()
        if update is not None:
            u = update.float()
            product = (u * g).sum()
            parts[3] = product / (u.norm() * g.norm() + 1e-30)
            parts[4] = -product / (g.square().sum() + 1e-30)
    if update is not None:
        parts[2] = update.float().square().mean().sqrt()
    numbers: list[float] = torch.stack([p.to(std.device) for p in parts]).tolist()
    return numbers


# Layers.


@torch.no_grad()
def _layers(graph: StepGraph, variables: Variables) -> Iterator[ObservedLayer]:
    """Yield the layers, first to last."""
    behind = graph.ancestors(graph.outputs)
    before_loss = [
        key for key, op in graph.layers.items() if any(id(t) in behind for t in op.outputs)
    ]
    for key, op in graph.layers.items():
        heed()
        weight, output = graph.weights[key], op.outputs[0].detach().float()
        given = next((t for t in op.inputs if graph.kind(t) in ("signal", "data")), op.inputs[0])
        activation = graph.nonlinearities.get(key)
        nonlinearity = activation.name if activation else ""
        units = activation.outputs[0].detach().float() if activation else output
        if op.name.startswith("conv") and units.dim() > 2:
            units = units.movedim(1, -1)
        units = units.reshape(-1, units.shape[-1]) if units.dim() else units.reshape(1, 1)
        gradient = graph.tape.activation_gradients.get(id(op.outputs[0]))
        embedding = graph.is_embedding(op)
        yield ObservedLayer(
            name=variables.layer_name(weight),
            parameter=variables.name(weight),
            kind="embedding" if embedding else op.name,
            fan_in=1 if embedding else _fan_in(op, weight, given),
            units=int(units.shape[-1]),
            weight_std=_std(weight),
            in_std=_std(given),
            out_std=_std(output),
            nonlinearity=nonlinearity,
            saturated=_saturated(units, nonlinearity),
            dead=float(is_dead(units, "relu").float().mean()) if nonlinearity == "relu" else 0.0,
            gradient=math.nan if gradient is None else _rms(gradient),
            symmetric=_symmetric(weight, units),
            is_output=key == before_loss[-1] if before_loss else False,
            frozen=not weight.requires_grad,
            rows=round(len(units) * _distinct(given)),
            as_initialised=_as_initialised(weight),
            of_unit_vectors=_of_unit_vectors(graph, op),
        )


def _of_unit_vectors(graph: StepGraph, op: Op) -> bool:
    """Whether a product is one of inputs and of a parameter that were both scaled to length 1."""
    factor = next((t for t in op.inputs if graph.kind(t) == "weights" and t.dim() == 2), None)
    return factor is not None and graph.made_by(factor) is not None and of_unit_vectors(op)


def _distinct(given: Tensor) -> float:
    """Return the share of a layer's inputs that differ: a codebook may leave few of them."""
    if given.dim() < 2 or not given.is_floating_point() or not len(given):
        return 1.0
    sums = given.detach().float().flatten(1).sum(1)
    return len(torch.unique(sums)) / len(sums)


def _as_initialised(weight: Tensor) -> bool:
    """Whether weights lie as torch's layers, or a normal distribution, draw them.

    What was trained has outgrown the bounds of a uniform distribution, and has heavier tails than
    a normal one.
    """
    every = max(1, weight.numel() // ENOUGH_WEIGHTS) | 1
    values = weight.detach().flatten()[::every].float()
    if len(values) < 64:
        return True
    std = float(values.std()) + EPSILON
    kurtosis = float(((values - values.mean()) / std).pow(4).mean())
    spread = 6 * math.sqrt(24 / len(values)) + 0.05
    return abs(kurtosis - 1.8) < spread or abs(kurtosis - 3.0) < spread


def _fan_in(op: Op, weight: Tensor, given: Tensor) -> int:
    if op.name.startswith("conv"):
        return int(weight[0].numel())
    return int(given.shape[-1]) if given.dim() else 1


def _std(tensor: Tensor) -> float:
    values = tensor.detach().float()
    return float(values.std(correction=0)) if values.numel() else 0.0


def _rms(tensor: Tensor) -> float:
    return float(tensor.float().square().mean().sqrt())


def _saturated(units: Tensor, nonlinearity: str) -> float:
    if nonlinearity not in ("tanh", "sigmoid"):
        return 0.0
    return float(is_saturated(units, nonlinearity).float().mean())


def _symmetric(weight: Tensor, units: Tensor) -> bool:
    """Whether all units of a layer compute the same."""
    if units.shape[-1] < 2 or len(units) < 2:
        return False
    size = float(units.abs().max())
    equal = float((units - units[:, :1]).abs().max()) <= 1e-4 * max(size, EPSILON)
    if not equal:
        return False
    # Dead units are equal, too; those of equal weights keep them, however these have moved.
    values = weight.detach().float()
    size = float(values.abs().max())
    return any(
        float((values - values.mean(axis, keepdim=True)).abs().max()) <= 0.02 * max(EPSILON, size)
        for axis, count in enumerate(values.shape)
        if count == units.shape[-1]
    )


# Inputs.


@torch.no_grad()
def _inputs(graph: StepGraph) -> Iterator[ObservedInput]:
    for tensor in graph.inputs[:4]:
        values = tensor.detach().float()
        rows = values.reshape(len(values), -1)
        yield ObservedInput(
            is_tokens=not tensor.is_floating_point(),
            shape=tuple(tensor.shape),
            mean=float(values.mean()),
            std=float(values.std(correction=0)),
            largest=float(values.abs().max()) if values.numel() else math.nan,
            finite=bool(torch.isfinite(values).all()) or _is_mask(values),
            constant=len(rows) > 3 and bool((rows == rows[:1]).all()),
            leaks_target=_leaks_target(tensor, graph.targets),
            transposed=follows(tensor, graph.targets, 0),
            next_in_row=follows(tensor, graph.targets, 1),
        )


def _is_mask(values: Tensor) -> bool:
    """Whether they are 0, and minus infinity where attention must not look."""
    return bool(((values == 0) | (values == -math.inf)).all())


def _leaks_target(inputs: Tensor, targets: Tensor | None) -> bool:
    """Whether the target is in the input: the same tokens, or a column that gives the class."""
    if targets is None or targets.is_floating_point() or targets.numel() < 16:
        return False
    if is_one_hot(inputs):
        inputs = inputs.argmax(-1)
    if inputs.is_floating_point():
        if targets.dim() != 1 or len(inputs) != len(targets):
            return False
        return _has_class_column(inputs.reshape(len(inputs), -1).float(), targets)
    labels = targets.reshape(-1)
    counted = labels >= 0  # what is below is ignored by the loss
    if inputs.numel() == targets.numel() and bool((inputs.reshape(-1) == labels)[counted].all()):
        return len(torch.unique(labels[counted])) > 2
    if inputs.dim() == 2 and targets.dim() == 1 and len(inputs) == len(targets):
        # At the end, where it is to be predicted; what stood earlier may have to be remembered.
        equal = float((inputs[:, -1] == targets).float().mean())
        return equal > 0.999 and len(torch.unique(targets)) > 2
    return False


def _has_class_column(rows: Tensor, targets: Tensor) -> bool:
    """Whether a single column has one value for each class, and another for each other class."""
    classes, labels = torch.unique(targets, return_inverse=True)
    if len(classes) < 3 or rows.shape[1] > 20_000 or len(rows) < 3 * len(classes):
        return False
    counts = torch.bincount(labels, minlength=len(classes)).float()
    means = rows.new_zeros(len(classes), rows.shape[1])
    means.index_add_(0, labels, rows)
    means /= counts[:, None]
    within = (rows - means[labels]).abs().amax(0)
    between = means.sort(0).values.diff(dim=0).amin(0)
    return bool(((within < 1e-5) & (between > 1e-3)).any())


def follows(inputs: Tensor, targets: Tensor | None, dim: int) -> bool:
    """Whether each target is the next input, down a column (0) or along a row (1).

    A row may have targets at its last positions alone, as where an answer follows a question.
    """
    if targets is None or inputs.is_floating_point() or inputs.dim() != 2:
        return False
    width = targets.numel() // max(1, len(inputs))
    answers = dim == 1 and 3 <= width < inputs.shape[1] and width * len(inputs) == targets.numel()
    if answers:
        inputs = inputs[:, -width:]
    if targets.numel() != inputs.numel() or min(inputs.shape) < 3:
        return False
    labels = targets.reshape(inputs.shape)
    counted = labels >= 0
    columns = inputs[1:] == labels[:-1]
    rows = inputs[:, 1:] == labels[:, :-1]
    in_column = float(columns[counted[:-1]].float().mean())
    in_row = float(rows[counted[:, :-1]].float().mean())
    return in_column > 0.95 and in_row < 0.5 if dim == 0 else in_row > 0.95


# The loss.


def _terms(graph: StepGraph) -> Iterator[LossTerm]:
    """Yield the summands of the loss, where there is more than one."""
    if len(graph.terms) < 2:
        return
    of_loss = {id(t) for t in graph.loss.op.outputs} if graph.loss else set[int]()
    for value, factor in graph.terms:
        if isinstance(value, Tensor):
            yield LossTerm(
                factor * float(value.detach().float().sum()),
                requires_grad=value.requires_grad,
                is_criterion=bool(of_loss & graph.ancestors(value)),
                weights_only=graph.kind(value) == "weights",
            )
        elif isinstance(value, int | float):
            yield LossTerm(factor * float(value), requires_grad=False, is_criterion=False)


def first_nan(
    graph: StepGraph, variables: Variables, before: Mapping[str, Tensor]
) -> tuple[str, Op | None]:
    """Return in words where the first NaN or infinity came from, and the call that made it.

    Args:
        graph: a step.
        variables: those around it.
        before: the parameters before the step: its update may have been what made them NaN.
    """
    made = {id(t) for op in graph.ops for t in op.outputs}
    for op in graph.ops:
        for tensor in op.inputs:
            name = variables.names.get(id(tensor), "")
            if _has_nan(before.get(name, tensor)):
                if name:
                    kind = "parameter" if graph.kind(tensor) == "weights" else "variable"
                    return f"the {kind} {name}", None
                if graph.kind(tensor) == "data" and id(tensor) not in made:
                    return "the inputs", None
        if not op.name.startswith("masked_fill") and op.name != "where":
            for tensor in op.outputs:
                if _has_nan(tensor):
                    return f"{op.name}, a result of shape {tuple(tensor.shape)}", op
    return "", None


def _has_nan(tensor: Tensor) -> bool:
    """Whether there is a NaN or an infinity, other than a mask's -inf."""
    if not tensor.is_floating_point():
        return False
    values = tensor.detach()
    return not bool((torch.isfinite(values) | (values == -math.inf)).all())
