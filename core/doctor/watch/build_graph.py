"""From the tape of a step to its graph. Everything here reads; nothing is computed again."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from .graph import StepGraph, tensors_of
from .loss_readers import SUMS, find_loss
from .tape import (
    FACTORIES,
    LOSSES,
    NONLINEARITIES,
    OWN_FUNCTION,
    PRODUCTS,
    RANDOM,
    Op,
    Tape,
    ops_behind,
)

NOT_LINEAR = (
    NONLINEARITIES
    | {OWN_FUNCTION}
    | frozenset(
        (
            "exp log sin cos softmax log_softmax abs pow square sqrt clamp clamp_min clamp_max "
            "maximum minimum max_pool1d max_pool2d max amax where layer_norm group_norm rms_norm "
            "glu scaled_dot_product_attention gru gru_cell lstm lstm_cell rnn_tanh rnn_relu "
            "rnn_tanh_cell rnn_relu_cell multi_head_attention_forward log1p rsqrt reciprocal "
            "masked_fill adaptive_max_pool2d erf logsumexp normalize"
        ).split()
    )
)
"""Two products with one of these between them are more than one product would be."""

LINEAR_BY_ARGUMENTS = frozenset(("leaky_relu", "hardtanh"))
"""Activations that are no nonlinearity for some arguments."""
LINE = 100.0
"""As far as a straight line is looked at, to both sides."""
JOINS = frozenset(("cat", "concat", "hstack"))
"""What puts columns beside what was looked up for categories."""
MASKED = 1e4
"""Numbers beyond are those of a mask."""
EXCHANGES = frozenset("transpose permute swapaxes movedim t T mT contiguous".split())
"""Calls that only move dimensions."""
DIVISIONS = ("div", "truediv", "itruediv")
MADE = RANDOM | {"tensor", "as_tensor"}
"""What a batch may be made with in the step itself, of numbers that are no tensors."""


def build_graph(
    tape: Tape,
    known: Iterable[Tensor] = (),
    buffers: Iterable[Tensor] = (),
    fresh: frozenset[int] = frozenset(),
) -> StepGraph:
    """Understand a tape.

    Args:
        tape: a step with a root.
        known: what a module, an optimiser or a list holds, whether it is trained or not.
        buffers: tensors of modules that are no parameters: masks, running statistics.
        fresh: ids of leaves that came with the step, so that they are data.
    """
    graph = StepGraph(tape)
    if tape.root is None:
        return graph
    graph.ops = ops_behind(tape, [tape.root])
    for op in tape.ops:
        given = {id(t) for t in op.inputs}
        for tensor in op.outputs:
            if id(tensor) not in given:
                graph.maker[id(tensor)] = op
            elif op.in_place:
                graph.writers.setdefault(id(tensor), []).append(op)
    _classify(graph, known, buffers, fresh)
    if graph.kind(tape.root) != "signal":  # nothing was there before: the batch is made in the step
        graph.kinds, graph.origin, graph.constant = {}, {}, set()
        _classify(graph, known, buffers, fresh, MADE)
    find_loss(graph)
    _find_layers(graph)
    _find_inputs(graph)
    return graph


def _classify(
    graph: StepGraph,
    known: Iterable[Tensor],
    buffers: Iterable[Tensor],
    fresh: frozenset[int],
    data: frozenset[str] = frozenset(),
) -> None:
    """Find the kind of every tensor: weights, data or signal; some calls make data of nothing."""
    made = {id(t) for op in graph.tape.ops if not op.in_place for t in op.outputs}
    graph.weights = _find_weights(graph.tape, made, known, fresh)
    neither = {id(t) for t in buffers}
    for op in graph.tape.ops:
        for tensor in op.inputs:
            key = id(tensor)
            if key in graph.kinds or key in neither or key in made:
                continue
            graph.kinds[key] = "weights" if key in graph.weights else "data"
            graph.origin[key] = {key}
        _classify_outputs(graph, op, data)


def _find_weights(
    tape: Tape, made: set[int], known: Iterable[Tensor], fresh: frozenset[int]
) -> dict[int, Tensor]:
    """Return the parameters by id: what is held as one, and leaves that require a gradient.

    A tensor that asks for no gradient and is in no module, optimiser or list is data. So is a leaf
    that the loss is differentiated by on the way, as the inputs of a differential equation are.
    """
    found = {id(t): t for t in known}
    asked = {
        id(t)
        for op in tape.ops
        if op.name == "grad" and op.function.__name__ == "grad"
        for t in tensors_of(op.argument(1, "inputs"))
    }
    others = made | asked | fresh
    for op in tape.ops:
        for tensor in op.inputs:
            if id(tensor) not in others and tensor.requires_grad and tensor.is_leaf:
                found[id(tensor)] = tensor
    return found


def _classify_outputs(graph: StepGraph, op: Op, data: frozenset[str]) -> None:
    """Find the kind of a call's results from that of its inputs."""
    if op.grad_enabled and any(t.requires_grad for t in op.inputs):
        cut = [t for t in op.outputs if not t.requires_grad]
        of_weights = {graph.kinds.get(id(t)) for t in op.inputs} <= {"weights", None}
        if (
            not of_weights and cut and len(cut) == len(op.outputs)
        ):  # detach(), argmax, a comparison: no gradient
            for tensor in cut:
                graph.kinds[id(tensor)], graph.origin[id(tensor)] = "data", {id(tensor)}
            return
    kinds = {graph.kinds[id(t)] for t in op.inputs if id(t) in graph.kinds}
    origin = set[int]().union(*(graph.origin.get(id(t), ()) for t in op.inputs))
    constant = all(id(t) in graph.constant for t in op.inputs)
    makes = op.name in FACTORIES and not (op.name == "as_tensor" and op.inputs)
    for tensor in op.outputs:
        key = id(tensor)
        if op.name in data and not op.inputs:
            graph.kinds[key], graph.origin[key] = "data", {key}
            continue
        if makes or (op.inputs and constant and op.name not in RANDOM):
            graph.constant.add(key)
            continue
        if not kinds:
            if op.name not in RANDOM and not op.inputs:
                graph.constant.add(key)
            continue
        graph.constant.discard(key)  # what is written into is no constant any more
        mixed = "signal" in kinds or {"weights", "data"} <= kinds
        graph.kinds[key] = "signal" if mixed else next(iter(kinds))
        graph.origin[key] = origin


def _find_layers(graph: StepGraph) -> None:
    """Find products with parameters, the nonlinearity of each, and pairs without one."""
    linear_from: dict[int, frozenset[int]] = {}
    layer_of: dict[int, int] = {}
    pairs: list[tuple[int, int]] = []
    for op in graph.ops:
        incoming = frozenset[int]().union(*(linear_from.get(id(t), frozenset()) for t in op.inputs))
        owner = next((layer_of[id(t)] for t in op.inputs if id(t) in layer_of), 0)
        parameter = _parameter_of(graph, op)
        nonlinear = op.name in NOT_LINEAR and not _returns_its_input(op)
        signals = [t for t in op.inputs if graph.kind(t) == "signal"]
        if parameter is not None:
            owner = id(parameter)
            graph.layers[owner] = op
            if graph.is_embedding(op) or op.argument(6, "groups", 1) != 1:
                incoming = frozenset()
            else:
                pairs += [(before, owner) for before in incoming if before != owner]
                incoming = frozenset([owner])
        elif nonlinear or (op.name in PRODUCTS | SUMS | {"mul"} and len(signals) > 1):
            incoming = frozenset()
            if op.name in NONLINEARITIES and owner:
                graph.nonlinearities.setdefault(owner, op)
        elif op.name in SUMS and any(_is_by_position(graph, t) for t in op.inputs):
            incoming = frozenset()
        for tensor in op.outputs:
            if graph.kind(tensor) == "signal":
                linear_from[id(tensor)], layer_of[id(tensor)] = incoming, owner
    if pairs:
        ends = _ends(graph)
        graph.linear_pairs = [
            (a, b) for a, b in pairs if ends.get(id(graph.layers[a].outputs[0])) == {b}
        ]


def _returns_its_input(op: Op) -> bool:
    """Whether an activation is a straight line for its arguments, as a leaky relu of slope 1 is."""
    if op.name not in LINEAR_BY_ARGUMENTS or len(op.inputs) != 1:
        return False
    line = torch.linspace(-LINE, LINE, 9)
    given = [line.clone() if isinstance(a, Tensor) else a for a in op.args]
    named = {key: line.clone() if isinstance(a, Tensor) else a for key, a in op.kwargs.items()}
    with torch.no_grad():
        return torch.equal(op.function(*given, **named), line)


def _is_by_position(graph: StepGraph, tensor: Tensor) -> bool:
    """Whether it is an offset that differs from row to row, as position embeddings are."""
    return (
        graph.kind(tensor) == "weights"
        and tensor.dim() > 1
        and tensor.numel() > max(tensor.shape[-1], 1)
    )


def _ends(graph: StepGraph) -> dict[int, set[int]]:
    """Return the layers that each tensor goes into next, by ids; 0 stands for the loss."""
    ends: dict[int, set[int]] = {id(graph.tape.root): {0}}
    layer_by_op = {id(op): key for key, op in graph.layers.items()}
    for op in reversed(graph.ops):
        key = layer_by_op.get(id(op))
        here = {key} if key else set[int]().union(*(ends.get(id(t), ()) for t in op.outputs))
        for tensor in op.inputs:
            if graph.kind(tensor) != "weights":  # also what is detached
                ends.setdefault(id(tensor), set()).update(here)
    return ends


def _parameter_of(graph: StepGraph, op: Op) -> Tensor | None:
    """Return the matrix that a call multiplies with; None if it is no such product."""
    if op.name in ("getitem", "index_select"):
        source: Any = op.args[0]
        index = op.args[1] if len(op.args) > 1 else None
        if graph.kind(source) != "weights":
            return None
        if not any(graph.kind(t) == "data" for t in tensors_of(index)):
            return None
        return _largest_origin(graph, source)
    if op.name not in PRODUCTS:
        return None
    kinds = [(graph.kind(t), t) for t in op.inputs]
    if not any(kind in ("signal", "data") for kind, _ in kinds):
        return None
    for kind, tensor in kinds:
        if kind == "weights":
            parameter = _largest_origin(graph, tensor)
            if parameter is not None and parameter.dim() > 1:
                return parameter
    return None


def _largest_origin(graph: StepGraph, tensor: Tensor) -> Tensor | None:
    """Return the largest parameter that a tensor is made of."""
    found = [graph.weights[k] for k in graph.origin.get(id(tensor), ()) if k in graph.weights]
    return max(found, key=lambda t: t.numel(), default=None)


def _is_own_choice(graph: StepGraph, tensor: Tensor) -> bool:
    """Whether the network made it: the number of a code, or of an expert."""
    maker = graph.made_by(tensor)
    return maker is not None and any(graph.kind(t) == "signal" for t in maker.inputs)


def _columns(graph: StepGraph, rows: list[Tensor], tokens: list[Tensor]) -> list[Tensor]:
    """Return the columns of numbers that stand beside categories, a row for each of these.

    Other numbers beside tokens are masks, encodings of positions, and states of the step before.
    """
    found = []
    made = {id(t) for t in tokens}
    for tensor in rows:
        if not tensor.is_floating_point() or tensor.dim() != 2 or any(t.dim() > 2 for t in tokens):
            continue
        maker = graph.made_by(tensor)
        drawn = maker is not None and maker.name != "detach" and not maker.in_place
        mask = bool(((tensor == 0) | (tensor == 1) | (tensor.abs() > MASKED)).all()) and not any(
            op.name in PRODUCTS | JOINS and any(t is tensor for t in op.inputs) for op in graph.ops
        )
        one_each = all(len(t) == len(tensor) for t in tokens)
        if drawn and one_each and not mask and not made & graph.ancestors(tensor):
            found.append(tensor)
    return found


def _find_inputs(graph: StepGraph) -> None:
    """Find the data that meets parameters and is not what the outputs are compared with.

    What meets signals only behind the outputs is compared with them, too, or weighs examples.
    """
    behind_targets, entered = graph.ancestors(graph.targets), graph.ancestors(graph.outputs)
    if graph.outputs is None:  # then up to the last parameter that something meets
        for op in reversed(graph.ops):
            known = any(graph.kind(t) == "weights" for t in op.inputs)
            if known or not entered.isdisjoint(map(id, op.outputs)):
                entered |= set(map(id, (*op.inputs, *op.outputs)))
    loss_op = graph.loss.op if graph.loss else None
    ops = [op for op in graph.ops if op is not loss_op and op.name not in LOSSES]
    found: dict[int, Tensor] = {}
    for op in ops:
        kinds = [graph.kind(t) for t in op.inputs]
        late = entered.isdisjoint(map(id, op.outputs))
        if "weights" not in kinds and ("signal" not in kinds or late):
            continue
        for tensor, kind in zip(op.inputs, kinds, strict=True):
            # Whole numbers that meet signals are edges of a graph or counts, and no tokens.
            tokens_or_numbers = tensor.is_floating_point() or "weights" in kinds
            # A target may be made of what enters the network, as a sequence in reverse is.
            aim = id(tensor) in behind_targets and (late or "weights" not in kinds)
            aim |= tensor is graph.targets
            # What divides a signal is a number of neighbours or of tokens, and no input.
            divides = op.name in DIVISIONS and tensor is op.inputs[-1] and "signal" in kinds
            outside = kind == "data" and not (aim or divides) and tensor.dim() > 0
            if outside and tokens_or_numbers and not _is_own_choice(graph, tensor):
                found.setdefault(id(tensor), tensor)
    if not found:  # the target is the input, as an autoencoder has it
        found = {
            id(t): t
            for op in ops
            if any(graph.kind(x) == "weights" for x in op.inputs)
            for t in op.inputs
            if graph.kind(t) == "data" and t.dim() > 0
        }
    dense = [t for t in found.values() if t.layout == torch.strided]  # others say who is connected
    rows = [t for t in dense if t.numel() > 1 and t.dtype != torch.bool]
    tokens = [t for t in rows if not t.is_floating_point()]
    if tokens:
        rows = [*tokens, *_columns(graph, rows, tokens)]
    targets = graph.targets
    batch = len(targets) if targets is not None and targets.dim() else None
    rows = [_examples_first(graph, t, batch) for t in rows]
    fitting = [t for t in rows if batch is None or len(t) == batch or batch % len(t) == 0]
    exact = [t for t in fitting if len(t) == batch]
    graph.inputs = exact or fitting or rows


def _examples_first(graph: StepGraph, tensor: Tensor, batch: int | None) -> Tensor:
    """Return what a tensor was before its dimensions were moved, if its rows were examples."""
    before = tensor
    while len(before) != batch:
        op = graph.made_by(before)
        if op is None or op.name not in EXCHANGES or graph.kind(op.inputs[0]) != "data":
            return tensor
        before = op.inputs[0]
    return before
