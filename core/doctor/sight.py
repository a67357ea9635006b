"""What is to be seen on a tape: parameters, layers, inputs, and the loss and what it is made of.

Everything here reads; nothing is computed again. A tensor on a tape is one of four things:

    weights  made of parameters alone (``W``, ``W.t()``, ``0.1 * W``)
    data     made of what the person brought (``X[ix]``)
    signal   made of both: what the network says on its way
    rest     made of neither: ``arange``, masks, random numbers
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from core.doctor.look import CriterionSeen, InputSeen, LayerSeen, TermSeen
from core.doctor.tape import BENDS, PRODUCTS, Op, Tape, needed

FACTORIES = frozenset(
    (
        "arange zeros ones tril triu eye full tensor empty linspace zeros_like ones_like "
        "full_like as_tensor new_zeros new_ones"
    ).split()
)
RANDOM = frozenset(
    (
        "randint randn rand randperm bernoulli multinomial normal rand_like randn_like randint_like"
    ).split()
)
CRITERIA = frozenset(
    (
        "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss "
        "binary_cross_entropy binary_cross_entropy_with_logits multi_margin_loss"
    ).split()
)
THROUGH = frozenset(
    (
        "mean sum neg mul rmul imul div truediv rtruediv itruediv log view reshape squeeze "
        "unsqueeze item flatten float to contiguous clone masked_select index_select nanmean"
    ).split()
)
"""What a criterion's numbers pass on their way to the loss."""
SUMS = frozenset("add radd iadd sub rsub isub".split())
NORMS = frozenset("batch_norm instance_norm".split())
BREAKS = BENDS | frozenset(
    (
        "exp log sin cos softmax log_softmax abs pow square sqrt clamp clamp_min clamp_max "
        "maximum minimum max_pool1d max_pool2d max amax where layer_norm group_norm rms_norm "
        "glu scaled_dot_product_attention gru gru_cell lstm lstm_cell rnn_tanh rnn_relu "
        "rnn_tanh_cell rnn_relu_cell multi_head_attention_forward log1p rsqrt reciprocal "
        "masked_fill adaptive_max_pool2d erf logsumexp normalize"
    ).split()
)
"""What is more than another matrix product would be."""
CUTS = frozenset("detach data".split())
SOFT = frozenset("softmax log_softmax".split())
FLAT_TANH, FLAT_SIGMOID = 0.97, 0.03
TINY = 1e-12


@dataclass(eq=False)
class Sight:
    """A tape, understood as far as it can be.

    Attributes:
        tape: the step.
        kinds: what each tensor is, by id: weights, data, signal; rest is left out.
        outputs: what the criterion judges; None if that was not found.
        targets: what it is judged against.
        inputs: what the network was given.
        criterion_op: the call that judges.
        sign: +1 where the root grows with the criterion.
        products: the layers' calls, by the id of their parameter, in order.
        maker: the call that made a tensor, by its id.
        writers: the calls that wrote into it afterwards.
    """

    tape: Tape
    ops: list[Op] = field(default_factory=list)
    kinds: dict[int, str] = field(default_factory=dict)
    origin: dict[int, set[int]] = field(default_factory=dict)
    constant: set[int] = field(default_factory=set)
    outputs: Tensor | None = None
    targets: Tensor | None = None
    inputs: list[Tensor] = field(default_factory=list)
    criterion_op: Op | None = None
    sign: int = 1
    products: dict[int, Op] = field(default_factory=dict)
    weights: dict[int, Tensor] = field(default_factory=dict)
    maker: dict[int, Op] = field(default_factory=dict)
    writers: dict[int, list[Op]] = field(default_factory=dict)
    chains: list[tuple[int, int]] = field(default_factory=list)
    bends: dict[int, Op] = field(default_factory=dict)
    terms: list[tuple[Any, float]] = field(default_factory=list)


def see(tape: Tape, known: Iterable[Tensor] = (), buffers: Iterable[Tensor] = ()) -> Sight:
    """Understand a tape.

    Args:
        tape: a step with a root.
        known: parameters that a module has, whether they learn or not.
        buffers: tensors of modules that are no parameters: masks, running statistics.
    """
    sight = Sight(tape)
    if tape.root is None:
        return sight
    sight.ops = needed(tape, [tape.root])
    for op in tape.ops:
        given = {id(t) for t in op.inputs}
        for tensor in op.outputs:
            if id(tensor) not in given:
                sight.maker[id(tensor)] = op
            elif op.changes:
                sight.writers.setdefault(id(tensor), []).append(op)
    made = {id(t) for op in tape.ops if not op.changes for t in op.outputs}
    weights = _weights(tape, made, known)
    sight.weights = weights
    rest = {id(t) for t in buffers}
    for op in tape.ops:
        for tensor in op.inputs:
            key = id(tensor)
            if key in sight.kinds or key in rest or key in made:
                continue
            sight.kinds[key] = "weights" if key in weights else "data"
            sight.origin[key] = {key}
        _follow(sight, op, rest)
    _find_criterion(sight)
    _find_layers(sight)
    _find_inputs(sight)
    return sight


def _weights(tape: Tape, made: set[int], known: Iterable[Tensor]) -> dict[int, Tensor]:
    """Return the tensors that are parameters, or stand where one would: by id."""
    found = {id(t): t for t in known}
    random = {id(t) for op in tape.ops if op.name in RANDOM for t in op.outputs}
    for op in tape.ops:
        for tensor in op.inputs:
            if id(tensor) not in made and tensor.requires_grad and tensor.is_leaf:
                found[id(tensor)] = tensor
        if op.name in ("matmul", "mm", "linear", "conv1d", "conv2d", "embedding", "getitem"):
            place = 0 if op.name in ("getitem",) else 1
            held: Any = op.operand(place)
            if not isinstance(held, Tensor) or id(held) in made or held.dim() < 2:
                continue
            tensor = held
            if not tensor.is_floating_point():
                continue
            other = op.operand(1 - place)
            if isinstance(other, Tensor) and other.requires_grad and other.is_leaf:
                continue  # W @ x, as micrograd has it: x is data
            if op.name == "getitem":
                index = op.args[1]
                drawn = not isinstance(index, Tensor) or id(index) in random
                if drawn or index.is_floating_point() or index.dtype == torch.bool:
                    continue
                if tensor.dim() != 2 or id(index) in _rested(tape):
                    continue
            found.setdefault(id(tensor), tensor)
    return found


def _rested(tape: Tape) -> set[int]:
    """Return the ids of tensors that are made of no data: random numbers, counts, their parts."""
    found: set[int] = set()
    for op in tape.ops:
        if op.name in RANDOM | FACTORIES or (op.inputs and all(id(t) in found for t in op.inputs)):
            found |= {id(t) for t in op.outputs}
    return found


def _follow(sight: Sight, op: Op, rest: set[int]) -> None:
    """Say what a call's results are, from what went in."""
    kinds = {sight.kinds[id(t)] for t in op.inputs if id(t) in sight.kinds}
    origin: set[int] = set()
    for tensor in op.inputs:
        origin |= sight.origin.get(id(tensor), set())
    steady = all(id(t) in sight.constant for t in op.inputs)
    for tensor in op.outputs:
        key = id(tensor)
        if op.name in FACTORIES or (op.inputs and steady and op.name not in RANDOM):
            sight.constant.add(key)
            continue
        if not kinds:
            if op.name not in RANDOM and not op.inputs:
                sight.constant.add(key)
            continue
        sight.constant.discard(key)  # what is written into is no constant any more
        mixed = "signal" in kinds or {"weights", "data"} <= kinds
        sight.kinds[key] = "signal" if mixed else next(iter(kinds))
        sight.origin[key] = origin


# The loss: its terms, its criterion.


def _find_criterion(sight: Sight) -> None:
    root = sight.tape.root
    assert root is not None
    _split(sight, root, 1.0)
    for value, factor in sight.terms:
        signal = isinstance(value, Tensor) and sight.kinds.get(id(value)) == "signal"
        if signal and _walk(sight, value, factor):
            return


def _split(sight: Sight, value: Any, factor: float, depth: int = 0) -> None:
    """Part a sum into its terms, each with the factor that it enters with."""
    op = sight.maker.get(id(value)) if isinstance(value, Tensor) else None
    if op is None or depth > 40:
        sight.terms.append((value, factor))
        return
    if op.name in SUMS and len(op.args) > 1 and _small(value):
        first, second = op.args[0], op.args[1]
        minus = op.name in ("sub", "isub")
        _split(sight, first, -factor if op.name == "rsub" else factor, depth + 1)
        _split(sight, second, -factor if minus else factor, depth + 1)
        return
    if op.name == "neg":
        _split(sight, op.args[0], -factor, depth + 1)
        return
    if op.name in ("mul", "rmul", "div", "truediv") and len(op.args) > 1 and _small(value):
        inner, number = op.args[0], op.args[1]
        if not isinstance(inner, Tensor):
            inner, number = number, inner
        if isinstance(number, int | float) and isinstance(inner, Tensor) and _small(inner):
            by = number if "mul" in op.name else 1 / number if number else 0.0
            _split(sight, inner, factor * by, depth + 1)
            return
    sight.terms.append((value, factor))


def _small(value: Any) -> bool:
    return isinstance(value, Tensor) and value.numel() == 1


def _walk(sight: Sight, value: Tensor, factor: float) -> bool:
    """Go back from a term to the call that judges; say whether it was found."""
    sign = 1 if factor >= 0 else -1
    for _ in range(40):
        op = sight.maker.get(id(value))
        if op is None:
            return False
        if op.name in CRITERIA:
            sight.criterion_op, sight.sign = op, sign
            sight.outputs = op.argument(0, "input")
            sight.targets = op.argument(1, "target")
            return True
        picked = _picked(sight, op)
        if picked:
            sight.criterion_op, sight.sign = op, -sign  # a log-probability is to grow
            sight.outputs, sight.targets = picked
            return True
        squared = _squared(sight, op)
        if squared:
            sight.criterion_op, sight.sign = op, sign
            sight.outputs, sight.targets = squared
            return True
        if op.name not in THROUGH:
            return False
        if op.name == "neg":
            sign = -sign
        if op.name in ("mul", "rmul", "imul", "div", "truediv"):
            numbers = [a for a in op.args if isinstance(a, int | float)]
            if numbers and numbers[0] < 0:
                sign = -sign
        signals = [t for t in op.inputs if sight.kinds.get(id(t)) == "signal"]
        if not signals:
            return False
        if op.name in ("mul", "rmul") and len(op.inputs) > 1:
            masks = [t for t in op.inputs if sight.kinds.get(id(t)) == "data" and t.dim() > 1]
            if masks and masks[0].shape == signals[0].shape:  # one-hot times log-probabilities
                sight.criterion_op, sight.sign = op, -sign
                sight.outputs, sight.targets = signals[0], masks[0]
                return True
        value = signals[0]
    return False


def _picked(sight: Sight, op: Op) -> tuple[Tensor, Tensor] | None:
    """Return what is picked from and what picks, if a call picks right answers by hand."""
    if op.name == "getitem" and isinstance(op.args[1], tuple):
        index = [t for t in op.args[1] if isinstance(t, Tensor) and not t.is_floating_point()]
        chosen = [t for t in index if sight.kinds.get(id(t)) == "data"]
    elif op.name == "gather":
        index = [op.argument(2, "index")]
        chosen = [t for t in index if sight.kinds.get(id(t)) == "data"]
    else:
        return None
    source = op.args[0]
    if not chosen or sight.kinds.get(id(source)) != "signal":
        return None
    return source, chosen[-1]


def _squared(sight: Sight, op: Op) -> tuple[Tensor, Tensor] | None:
    """Return prediction and target of a difference that is squared by hand."""
    difference: Any = None
    if (
        op.name == "square"
        or (op.name in ("pow", "pow_") and op.argument(1, "exponent") == 2)
        or (op.name in ("mul", "abs") and (op.name == "abs" or op.args[0] is op.args[1]))
    ):
        difference = op.args[0]
    made = sight.maker.get(id(difference))
    if made is None or made.name not in ("sub", "rsub") or len(made.inputs) < 2:
        return None
    by_kind = {sight.kinds.get(id(t)): t for t in made.inputs}
    if "signal" in by_kind and "data" in by_kind:
        return by_kind["signal"], by_kind["data"]
    return None


# Layers.


def _find_layers(sight: Sight) -> None:
    """Find the products with parameters, what bends each, and which follow one another unbent."""
    behind: dict[int, frozenset[int]] = {}
    latest: dict[int, int] = {}
    for op in sight.ops:
        incoming = frozenset[int]().union(*(behind.get(id(t), frozenset()) for t in op.inputs))
        owner = next((latest[id(t)] for t in op.inputs if id(t) in latest), 0)
        parameter = _parameter(sight, op)
        signals = [t for t in op.inputs if sight.kinds.get(id(t)) == "signal"]
        if parameter is not None:
            key = id(parameter)
            sight.products[key] = op
            if not _looks_up(sight, op):
                sight.chains += [(before, key) for before in incoming if before != key]
                incoming = frozenset([key])
            else:
                incoming = frozenset()
            owner = key
        elif op.name in BREAKS or (op.name in PRODUCTS | SUMS | {"mul"} and len(signals) > 1):
            incoming = frozenset()
            if op.name in BENDS and owner and owner not in sight.bends:
                sight.bends[owner] = op
        for tensor in op.outputs:
            if sight.kinds.get(id(tensor)) == "signal":
                behind[id(tensor)], latest[id(tensor)] = incoming, owner


def _parameter(sight: Sight, op: Op) -> Tensor | None:
    """Return the matrix that a call multiplies with; None if it is no such product."""
    if op.name in ("getitem", "index_select"):
        source = op.args[0]
        index = op.args[1] if len(op.args) > 1 else None
        if not isinstance(source, Tensor) or sight.kinds.get(id(source)) != "weights":
            return None
        if not any(sight.kinds.get(id(t)) == "data" for t in tensors_of(index)):
            return None
        return _leaf(sight, source)
    if op.name not in PRODUCTS:
        return None
    kinds = [(sight.kinds.get(id(t)), t) for t in op.inputs]
    if not any(kind in ("signal", "data") for kind, _ in kinds):
        return None
    for kind, tensor in kinds:
        if kind == "weights" and (leaf := _leaf(sight, tensor)) is not None and leaf.dim() > 1:
            return leaf
    return None


def tensors_of(value: Any) -> list[Tensor]:
    """Return the tensors in an index."""
    parts = value if isinstance(value, tuple | list) else (value,)
    return [part for part in parts if isinstance(part, Tensor)]


def _leaf(sight: Sight, tensor: Tensor) -> Tensor | None:
    """Return the largest parameter that a tensor is made of."""
    leaves = [sight.weights[k] for k in sight.origin.get(id(tensor), ()) if k in sight.weights]
    return max(leaves, key=lambda t: t.numel(), default=None)


def _looks_up(sight: Sight, op: Op) -> bool:
    """Whether a product picks rows of a table: by index, or by a one-hot row."""
    if op.name in ("embedding", "getitem", "index_select"):
        return True
    if op.name in ("matmul", "mm", "linear"):
        left = op.operand(0)
        if isinstance(left, Tensor) and sight.kinds.get(id(left)) == "data":
            return _is_hot(left)
    return False


def _is_hot(rows: Tensor) -> bool:
    if not rows.is_floating_point() or rows.dim() < 2 or rows.shape[-1] < 3:
        return False
    with torch.no_grad():
        some = rows.reshape(-1, rows.shape[-1])[:256]
        return bool(((some == 0) | (some == 1)).all() and (some.sum(-1) == 1).all())


# Inputs.


def _find_inputs(sight: Sight) -> None:
    """Find the data that meets parameters, and is not what the outputs are judged against."""
    aims = _ancestors(sight, sight.targets) if sight.targets is not None else set()
    judged = id(sight.criterion_op)
    found: dict[int, Tensor] = {}
    for op in sight.ops:
        if id(op) == judged:
            continue
        kinds = [sight.kinds.get(id(t)) for t in op.inputs]
        if "weights" not in kinds and "signal" not in kinds:
            continue
        for tensor, kind in zip(op.inputs, kinds, strict=True):
            if kind == "data" and id(tensor) not in aims and tensor.dim() > 0:
                found.setdefault(id(tensor), tensor)
    batch = len(sight.targets) if sight.targets is not None and sight.targets.dim() else None
    if not found:  # what is to be said is what was given, as an autoencoder has it
        found = {
            id(t): t
            for op in sight.ops
            if id(op) != judged and any(sight.kinds.get(id(x)) == "weights" for x in op.inputs)
            for t in op.inputs
            if sight.kinds.get(id(t)) == "data" and t.dim() > 0
        }
    rows = [t for t in found.values() if t.numel() > 1]
    tokens = [t for t in rows if not t.is_floating_point() and t.dtype != torch.bool]
    rows = tokens or rows  # beside tokens, numbers are masks and tables of angles
    fitting = [t for t in rows if batch is None or len(t) == batch or batch % len(t) == 0]
    exact = [t for t in fitting if len(t) == batch]
    sight.inputs = exact or fitting or rows


def _ancestors(sight: Sight, tensor: Tensor) -> set[int]:
    """Return the ids of all that a tensor was made of, itself included."""
    found, todo = set(), [tensor]
    while todo:
        one = todo.pop()
        if id(one) in found:
            continue
        found.add(id(one))
        op = sight.maker.get(id(one))
        if op is not None:
            todo += op.inputs
        for writer in sight.writers.get(id(one), ()):
            todo += writer.inputs
    return found


# Numbers.


@torch.no_grad()
def criterion(sight: Sight) -> CriterionSeen:
    """Return how the outputs are judged."""
    op, outputs, targets = sight.criterion_op, sight.outputs, sight.targets
    if op is None or not isinstance(outputs, Tensor) or not isinstance(targets, Tensor):
        return CriterionSeen(sign=sight.sign)
    kind = op.name if op.name in CRITERIA else "picked"
    if op.name in ("pow", "pow_", "square", "mul", "abs") and kind == "picked":
        kind = "square" if targets.shape == outputs.shape and not _log_rows(outputs) else "picked"
    whole = not targets.is_floating_point()
    place = 1 if kind in ("cross_entropy", "nll_loss") and outputs.dim() > 1 else -1
    classes = int(outputs.shape[place]) if outputs.dim() > 1 else 0
    wide = outputs.movedim(place, -1).float() if classes else outputs.float()
    rows = wide.reshape(-1, classes)[:2048] if classes > 1 else wide.reshape(-1, 1)[:2048]
    logs = kind in ("nll_loss", "picked")
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
    return CriterionSeen(
        kind=kind,
        classes=classes,
        value=value,
        uniform=uniform,
        sign=sight.sign,
        probabilities=even and kind == "cross_entropy",
        normalised=not logs
        or classes < 2
        or even
        or bool(((sums - 1).abs() < 1e-2).all())
        or not bool(torch.isfinite(sums).all()),
        twice=_twice(sight),
        spread=_spread_out(sight, op, outputs, targets),
        across=_across(sight, len(outputs)) or (logs and _columns(rows, wide)),
        squeezed=_squeezed(sight, outputs, kind),
        hot=hot,
        whole=whole,
        low=float(numbers.min()) if numbers.numel() else math.nan,
        high=float(numbers.max()) if numbers.numel() else math.nan,
        distinct=0 if shares is None else len(shares),
        top=0.0 if shares is None or not len(shares) else float(shares.max()),
        count=int(counted.numel()),
        entropy=math.nan if shares is None else float(-(shares * shares.log()).sum()),
    )


def _value(kind: str, op: Op, outputs: Tensor, targets: Tensor) -> float:
    """Return the criterion's mean, whatever it was summed with."""
    result = op.result if isinstance(op.result, Tensor) else None
    if result is None:
        return math.nan
    if kind == "picked":
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


def _twice(sight: Sight) -> bool:
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


def _before(sight: Sight, tensor: Any) -> Op | None:
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


def _spread_out(sight: Sight, op: Op, outputs: Tensor, targets: Tensor) -> bool:
    """Whether a row was held against a column, so that each answer meets each target."""
    largest = max(outputs.numel(), targets.numel())
    if op.name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        shape = torch.broadcast_shapes(outputs.shape, targets.shape)  # type: ignore[no-untyped-call]
        return bool(math.prod(shape) > largest > 1)
    difference = op.inputs[0] if op.inputs else outputs
    return op.name in ("pow", "square", "abs", "mul") and difference.numel() > largest > 1


def _across(sight: Sight, batch: int) -> bool:
    """Whether a softmax of what is judged runs along the batch."""
    path = _ancestors(sight, sight.outputs) if sight.outputs is not None else set()
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


def _squeezed(sight: Sight, outputs: Tensor, kind: str) -> str:
    """Return the activation that scores come out of, where scores should have any size."""
    op = _before(sight, outputs)
    if op is None or op.name not in BENDS or kind == "binary_cross_entropy":
        return ""
    return op.name


@torch.no_grad()
def inputs_seen(sight: Sight) -> tuple[InputSeen, ...]:
    """Return what the network is given."""
    found = []
    for tensor in sight.inputs[:4]:
        values = tensor.detach().float()
        rows = values.reshape(len(values), -1)
        tokens = not tensor.is_floating_point()
        finite = bool(torch.isfinite(values).all())
        found.append(
            InputSeen(
                tokens=tokens,
                shape=tuple(tensor.shape),
                mean=float(values.mean()),
                std=float(values.std(correction=0)),
                low=float(values.min()),
                high=float(values.max()),
                finite=finite,
                constant=len(rows) > 3 and bool((rows == rows[:1]).all()),
                leaks=_leaks(tensor, sight.targets),
                swapped=_swapped(tensor, sight.targets),
                distinct=int(torch.unique(tensor).numel()) if tokens else 0,
            )
        )
    return tuple(found)


def _leaks(inputs: Tensor, targets: Tensor | None) -> bool:
    """Whether the target stands in the input: the same tokens, or a column that tells the class."""
    if targets is None or targets.is_floating_point() or targets.numel() < 16:
        return False
    if _is_hot(inputs):
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


def _swapped(inputs: Tensor, targets: Tensor | None) -> bool:
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
def layers_seen(sight: Sight, names: Mapping[int, str]) -> tuple[LayerSeen, ...]:
    """Return the layers, first to last."""
    found = []
    judged = _ancestors(sight, sight.outputs) if sight.outputs is not None else set()
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
        table = _looks_up(sight, op)
        found.append(
            LayerSeen(
                name=names.get(key, _shape_name(weight)),
                kind="embedding" if table else op.name,
                fan_in=1 if table else _fan_in(op, weight, given),
                units=int(flat.shape[-1]),
                weight_std=_std(weight),
                in_std=_std(given),
                out_std=_std(output),
                bend=bend.name if bend else "",
                saturated=_saturated(flat, bend.name if bend else ""),
                dead=float((flat.amax(0) <= 0).float().mean())
                if bend and bend.name == "relu"
                else 0.0,
                gradient=_rms(gradient) if gradient is not None else math.nan,
                same=_same(weight, flat),
                last=key == last,
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


def _same(weight: Tensor, flat: Tensor) -> bool:
    """Whether all units of a layer are one and the same."""
    if flat.shape[-1] < 2 or len(flat) < 2:
        return False
    size = float(flat.abs().max())
    alike = float((flat - flat[:, :1]).abs().max()) <= 1e-4 * max(size, TINY)
    # The weights are those behind the first update, so that they may differ a little by now.
    values = weight.detach().float()
    return alike and float(values.std(correction=0)) <= 0.02 * max(TINY, float(values.abs().max()))


def terms_seen(sight: Sight) -> tuple[TermSeen, ...]:
    """Return what the loss is the sum of."""
    if len(sight.terms) < 2:
        return ()
    path = {id(t) for t in sight.criterion_op.outputs} if sight.criterion_op else set()
    found = []
    for value, factor in sight.terms:
        if isinstance(value, Tensor):
            learns = value.requires_grad
            judges = bool(path & _ancestors(sight, value))
            number = factor * float(value.detach().float().sum())
            of_weights = sight.kinds.get(id(value)) == "weights"
        elif isinstance(value, int | float):
            learns, judges, number, of_weights = False, False, factor * float(value), False
        else:
            continue
        found.append(TermSeen(number, learns, judges, of_weights=of_weights))
    return tuple(found)


def first_bad(sight: Sight, names: Mapping[int, str]) -> str:
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


def cuts(sight: Sight, names: Mapping[int, str]) -> tuple[str, ...]:
    """Return the layers whose output was cut off from the gradient on its way to the outputs."""
    if sight.outputs is None:
        return ()
    on_path = _ancestors(sight, sight.outputs)
    found = []
    for op in sight.ops:
        if op.name in CUTS and id(op.outputs[0]) in on_path:
            source = op.args[0]
            if sight.kinds.get(id(source)) == "signal":
                found.append(op.name)
    return tuple(found)


def _shape_name(weight: Tensor) -> str:
    return f"the parameter of shape {tuple(weight.shape)}"


def _std(tensor: Tensor) -> float:
    values = tensor.detach().float()
    return float(values.std(correction=0)) if values.numel() else 0.0


def _rms(tensor: Tensor) -> float:
    return float(tensor.float().square().mean().sqrt())
