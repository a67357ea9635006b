"""From the tape of a step to its graph. Everything here reads; nothing is computed again."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from .graph import StepGraph, made_without_data, tensors_of
from .loss_readers import SUMS, find_loss
from .tape import FACTORIES, NONLINEARITIES, PRODUCTS, RANDOM, Op, Tape, ops_behind

NOT_LINEAR = NONLINEARITIES | frozenset(
    (
        "exp log sin cos softmax log_softmax abs pow square sqrt clamp clamp_min clamp_max "
        "maximum minimum max_pool1d max_pool2d max amax where layer_norm group_norm rms_norm "
        "glu scaled_dot_product_attention gru gru_cell lstm lstm_cell rnn_tanh rnn_relu "
        "rnn_tanh_cell rnn_relu_cell multi_head_attention_forward log1p rsqrt reciprocal "
        "masked_fill adaptive_max_pool2d erf logsumexp normalize"
    ).split()
)
"""Two products with one of these between them are more than one product would be."""


def build_graph(
    tape: Tape, known: Iterable[Tensor] = (), buffers: Iterable[Tensor] = ()
) -> StepGraph:
    """Understand a tape.

    Args:
        tape: a step with a root.
        known: parameters of modules, whether they are trained or not.
        buffers: tensors of modules that are no parameters: masks, running statistics.
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
    _classify(graph, known, buffers)
    find_loss(graph)
    _find_layers(graph)
    _find_inputs(graph)
    return graph


def _classify(graph: StepGraph, known: Iterable[Tensor], buffers: Iterable[Tensor]) -> None:
    """Find the kind of every tensor: weights, data or signal."""
    made = {id(t) for op in graph.tape.ops if not op.in_place for t in op.outputs}
    graph.weights = _find_weights(graph.tape, made, known)
    neither = {id(t) for t in buffers}
    for op in graph.tape.ops:
        for tensor in op.inputs:
            key = id(tensor)
            if key in graph.kinds or key in neither or key in made:
                continue
            graph.kinds[key] = "weights" if key in graph.weights else "data"
            graph.origin[key] = {key}
        _classify_outputs(graph, op)


def _find_weights(tape: Tape, made: set[int], known: Iterable[Tensor]) -> dict[int, Tensor]:
    """Return the tensors that are parameters, or stand where one would: by id."""
    found = {id(t): t for t in known}
    random = {id(t) for op in tape.ops if op.name in RANDOM for t in op.outputs}
    without_data = made_without_data(tape.ops)
    for op in tape.ops:
        for tensor in op.inputs:
            if id(tensor) not in made and tensor.requires_grad and tensor.is_leaf:
                found[id(tensor)] = tensor
        if op.name not in ("matmul", "mm", "linear", "conv1d", "conv2d", "embedding", "getitem"):
            continue
        place = 0 if op.name == "getitem" else 1
        held = op.operand(place)
        if not isinstance(held, Tensor) or id(held) in made or held.dim() < 2:
            continue
        if not held.is_floating_point():
            continue
        other = op.operand(1 - place)
        if isinstance(other, Tensor) and other.requires_grad and other.is_leaf:
            continue  # W @ x, as micrograd has it: x is data
        if op.name == "getitem":
            index = op.args[1]
            if not isinstance(index, Tensor) or id(index) in random or held.dim() != 2:
                continue
            if index.is_floating_point() or index.dtype == torch.bool or id(index) in without_data:
                continue
        found.setdefault(id(held), held)
    return found


def _classify_outputs(graph: StepGraph, op: Op) -> None:
    """Find the kind of a call's results from that of its inputs."""
    kinds = {graph.kinds[id(t)] for t in op.inputs if id(t) in graph.kinds}
    origin = set[int]().union(*(graph.origin.get(id(t), ()) for t in op.inputs))
    constant = all(id(t) in graph.constant for t in op.inputs)
    for tensor in op.outputs:
        key = id(tensor)
        if op.name in FACTORIES or (op.inputs and constant and op.name not in RANDOM):
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
    for op in graph.ops:
        incoming = frozenset[int]().union(*(linear_from.get(id(t), frozenset()) for t in op.inputs))
        owner = next((layer_of[id(t)] for t in op.inputs if id(t) in layer_of), 0)
        parameter = _parameter_of(graph, op)
        signals = [t for t in op.inputs if graph.kind(t) == "signal"]
        if parameter is not None:
            owner = id(parameter)
            graph.layers[owner] = op
            if graph.is_embedding(op):
                incoming = frozenset()
            else:
                graph.linear_pairs += [(before, owner) for before in incoming if before != owner]
                incoming = frozenset([owner])
        elif op.name in NOT_LINEAR or (op.name in PRODUCTS | SUMS | {"mul"} and len(signals) > 1):
            incoming = frozenset()
            if op.name in NONLINEARITIES and owner:
                graph.nonlinearities.setdefault(owner, op)
        for tensor in op.outputs:
            if graph.kind(tensor) == "signal":
                linear_from[id(tensor)], layer_of[id(tensor)] = incoming, owner


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


def _find_inputs(graph: StepGraph) -> None:
    """Find the data that meets parameters and is not what the outputs are compared with."""
    behind_targets = graph.ancestors(graph.targets)
    loss_op = graph.loss.op if graph.loss else None
    ops = [op for op in graph.ops if op is not loss_op]
    found: dict[int, Tensor] = {}
    for op in ops:
        kinds = [graph.kind(t) for t in op.inputs]
        if "weights" not in kinds and "signal" not in kinds:
            continue
        for tensor, kind in zip(op.inputs, kinds, strict=True):
            if kind == "data" and id(tensor) not in behind_targets and tensor.dim() > 0:
                found.setdefault(id(tensor), tensor)
    if not found:  # the target is the input, as an autoencoder has it
        found = {
            id(t): t
            for op in ops
            if any(graph.kind(x) == "weights" for x in op.inputs)
            for t in op.inputs
            if graph.kind(t) == "data" and t.dim() > 0
        }
    rows = [t for t in found.values() if t.numel() > 1]
    tokens = [t for t in rows if not t.is_floating_point() and t.dtype != torch.bool]
    rows = tokens or rows  # beside tokens, numbers are masks and position encodings
    targets = graph.targets
    batch = len(targets) if targets is not None and targets.dim() else None
    fitting = [t for t in rows if batch is None or len(t) == batch or batch % len(t) == 0]
    exact = [t for t in fitting if len(t) == batch]
    graph.inputs = exact or fitting or rows
