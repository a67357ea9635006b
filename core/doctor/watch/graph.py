"""What is to be seen on a tape: parameters, layers, inputs, and the loss and what it is made of.

Everything here reads; nothing is computed again. A tensor on a tape is one of four things:

    weights  made of parameters alone (``W``, ``W.t()``, ``0.1 * W``)
    data     made of what the person brought (``X[ix]``)
    signal   made of both: what the network says on its way
    rest     made of neither: ``arange``, masks, random numbers
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .tape import BENDS, PRODUCTS, Op, Tape, needed

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


@dataclass(eq=False)
class StepGraph:
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


def see(tape: Tape, known: Iterable[Tensor] = (), buffers: Iterable[Tensor] = ()) -> StepGraph:
    """Understand a tape.

    Args:
        tape: a step with a root.
        known: parameters that a module has, whether they learn or not.
        buffers: tensors of modules that are no parameters: masks, running statistics.
    """
    sight = StepGraph(tape)
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
                if tensor.dim() != 2 or id(index) in rested(tape):
                    continue
            found.setdefault(id(tensor), tensor)
    return found


def rested(tape: Tape) -> set[int]:
    """Return the ids of tensors that are made of no data: random numbers, counts, their parts."""
    found: set[int] = set()
    for op in tape.ops:
        if op.name in RANDOM | FACTORIES or (op.inputs and all(id(t) in found for t in op.inputs)):
            found |= {id(t) for t in op.outputs}
    return found


def _follow(sight: StepGraph, op: Op, rest: set[int]) -> None:
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


def _find_criterion(sight: StepGraph) -> None:
    root = sight.tape.root
    assert root is not None
    _split(sight, root, 1.0)
    for value, factor in sight.terms:
        signal = isinstance(value, Tensor) and sight.kinds.get(id(value)) == "signal"
        if signal and _walk(sight, value, factor):
            return


def _split(sight: StepGraph, value: Any, factor: float, depth: int = 0) -> None:
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


def _walk(sight: StepGraph, value: Tensor, factor: float) -> bool:
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


def _picked(sight: StepGraph, op: Op) -> tuple[Tensor, Tensor] | None:
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


def _squared(sight: StepGraph, op: Op) -> tuple[Tensor, Tensor] | None:
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


def _find_layers(sight: StepGraph) -> None:
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
            if not looks_up(sight, op):
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


def _parameter(sight: StepGraph, op: Op) -> Tensor | None:
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


def _leaf(sight: StepGraph, tensor: Tensor) -> Tensor | None:
    """Return the largest parameter that a tensor is made of."""
    leaves = [sight.weights[k] for k in sight.origin.get(id(tensor), ()) if k in sight.weights]
    return max(leaves, key=lambda t: t.numel(), default=None)


def looks_up(sight: StepGraph, op: Op) -> bool:
    """Whether a product picks rows of a table: by index, or by a one-hot row."""
    if op.name in ("embedding", "getitem", "index_select"):
        return True
    if op.name in ("matmul", "mm", "linear"):
        left = op.operand(0)
        if isinstance(left, Tensor) and sight.kinds.get(id(left)) == "data":
            return is_hot(left)
    return False


def is_hot(rows: Tensor) -> bool:
    """Whether rows are one-hot."""
    if not rows.is_floating_point() or rows.dim() < 2 or rows.shape[-1] < 3:
        return False
    with torch.no_grad():
        some = rows.reshape(-1, rows.shape[-1])[:256]
        return bool(((some == 0) | (some == 1)).all() and (some.sum(-1) == 1).all())


def _find_inputs(sight: StepGraph) -> None:
    """Find the data that meets parameters, and is not what the outputs are judged against."""
    aims = ancestors(sight, sight.targets) if sight.targets is not None else set()
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


def ancestors(sight: StepGraph, tensor: Tensor) -> set[int]:
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
