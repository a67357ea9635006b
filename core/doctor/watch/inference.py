"""Compares inference with training: the same layers, and the same operations behind each.

The mistake that it finds is the notebook's: batch norm by hand in training, and none where text
is generated. No loss shows it.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .graph import StepGraph, made_without_data
from .observation import InferenceStats
from .tape import FACTORIES, NONLINEARITIES, PRODUCTS, Op, Tape
from .variables import Variables

NORMS = frozenset(
    "batch_norm layer_norm group_norm instance_norm rms_norm std var std_mean var_mean".split()
)
LOOK_UPS = ("embedding", "getitem", "index_select")
NORMALISATION = "the normalisation"
TAKE_LOGITS = frozenset("binary_cross_entropy_with_logits logsigmoid soft_margin_loss".split())
"""Losses with a sigmoid in them: where the network is used, it stands by itself."""
INPUT_RATIO = 2.0
"""Inputs so many times larger or smaller are preprocessed in another way."""
SIGNAL_RATIO = 1.5
"""Signals so many times larger or smaller are normalised by other statistics."""
MANY_DRAWN = 8
"""Tokens, from which on a context that stays is no chance."""
FEWEST_EXAMPLES = 20
"""In inference, for sizes to be compared."""


def compare_inference(graph: StepGraph, tape: Tape, variables: Variables) -> InferenceStats:
    """Compare the tape of an inference with the graph of a training step."""
    trained = signature(graph.ops, graph.weights)
    used = signature(tape.ops, graph.weights)
    if not trained or not used:
        return InferenceStats()
    missing, extra = [], []
    last = next(reversed(trained)) if any(op.name in TAKE_LOGITS for op in graph.ops) else 0
    remembers = _joined_calls(tape.ops, graph.weights) > _joined_calls(graph.ops, graph.weights)
    for key, ours in trained.items():
        name = variables.name(graph.weights[key])
        if key not in used:
            if graph.weights[key].dim() > 1:
                missing.append(f"the layer {name}")
            continue
        theirs = used[key]
        missing += [f"{what} behind {name}" for what in sorted(ours.operations - theirs.operations)]
        added = theirs.operations - ours.operations - ({"sigmoid"} if key == last else set())
        extra += [f"{what} behind {name}" for what in sorted(added)]
        others = theirs.lengths and not ours.lengths & theirs.lengths
        if ours.lengths and others and not remembers:
            extra.append(
                f"{name} gets {_tokens(theirs.lengths)} at a time,"
                f" in training it was {_tokens(ours.lengths)}"
            )
        if NORMALISATION in ours.operations & theirs.operations:
            extra += _compare_signals(name, ours, theirs)
    extra += _compare_inputs(graph, tape)
    modes = tuple(variables.modules_in_mode(training=True))[:4] if _trains(tape) else ()
    same_context = 0 if remembers else _drawn_from_one_context(graph, tape)
    return InferenceStats(tuple(missing), tuple(extra), modes, same_context)


def _tokens(lengths: set[int]) -> str:
    words = " or ".join(str(length) for length in sorted(lengths))
    return f"{words} token" if words == "1" else f"{words} tokens"


def _joined_calls(ops: Sequence[Op], weights: dict[int, Tensor]) -> int:
    """Return of how many look-ups in one embedding, at most, a layer sees what was made.

    With a cache of keys and values, or a hidden state, that of earlier tokens is used again. Tokens
    that are drawn are no such path: they are integers.
    """
    made_of: dict[int, frozenset[tuple[int, int]]] = {}
    most = 0
    for place, op in enumerate(ops):
        known = [id(t) for t in op.inputs if id(t) in weights]
        sources = frozenset[tuple[int, int]]().union(
            *(made_of.get(id(t), frozenset()) for t in op.inputs)
        )
        if known and op.name in LOOK_UPS:
            sources |= {(known[0], place)}
        if known and len(sources) > most:
            most = max(Counter(embedding for embedding, _ in sources).values())
        for tensor in op.outputs:
            if tensor.is_floating_point() and sources:
                made_of[id(tensor)] = sources
    return most


def _drawn_from_one_context(graph: StepGraph, tape: Tape) -> int:
    """Return how many tokens were drawn, if the network was given the same ones each time."""
    known = {id(t) for t in graph.weights.values()}
    contexts = [
        index
        for op in tape.ops
        if op.name in LOOK_UPS and any(id(t) in known for t in op.inputs)
        if (index := _index(op)) is not None and index.numel()
    ]
    drawn = [op for op in tape.ops if op.name in ("multinomial", "argmax")]
    first = [t for t in contexts if t.shape == contexts[0].shape]
    alike = all(torch.equal(t, first[0]) for t in first)
    return len(drawn) if alike and len(first) >= len(drawn) >= MANY_DRAWN else 0


# Layer by layer.


@dataclass
class Behind:
    """What happens behind a parameter, up to the next one.

    Attributes:
        operations: nonlinearities by name, and ``NORMALISATION``.
        lengths: of the sequences of tokens that are looked up, of an embedding.
        signals: the inputs of its nonlinearity, at each call.
    """

    operations: set[str] = field(default_factory=set)
    lengths: set[int] = field(default_factory=set)
    signals: list[Tensor] = field(default_factory=list)


def signature(ops: Sequence[Op], weights: dict[int, Tensor]) -> dict[int, Behind]:
    """Return what happens behind each parameter, up to the next one.

    What is written by hand counts as what it is: a division by a standard deviation is a
    normalisation.
    """
    made_of: dict[int, frozenset[int]] = {}
    owner: dict[int, int] = {}
    found: dict[int, Behind] = defaultdict(Behind)
    without_data = made_without_data(ops)
    for op in ops:
        direct = [id(t) for t in op.inputs if id(t) in weights]
        inherited = frozenset[int]().union(*(made_of.get(id(t), frozenset()) for t in op.inputs))
        mine = next((owner[id(t)] for t in op.inputs if id(t) in owner), 0)
        matrix = next((k for k in [*direct, *inherited] if weights[k].dim() > 1), 0)
        if matrix and (op.name in PRODUCTS or op.name in LOOK_UPS):
            mine, inherited = matrix, frozenset()
            behind = found[matrix]
            index = _index(op) if op.name in LOOK_UPS else None
            if index is not None and index.dim() > 1 and id(index) not in without_data:
                behind.lengths.add(index.shape[-1])
        elif mine:
            for key in direct:
                found[key]  # a parameter with nothing behind it is used all the same
            if op.name in NONLINEARITIES:
                found[mine].operations.add(op.name)
                found[mine].signals += op.inputs[:1]
            elif op.name in NORMS or _divides_by_statistics(op, {*weights, *owner}):
                found[mine].operations.add(NORMALISATION)
        for tensor in op.outputs:
            if mine:
                owner[id(tensor)] = mine
            elif direct or inherited:
                made_of[id(tensor)] = frozenset(direct) | inherited
    return dict(found)


def _divides_by_statistics(op: Op, known: set[int]) -> bool:
    """Whether a signal is divided by a vector that was there before: running statistics.

    One that is made of the signal, as the sum in a softmax, is none; nor is a parameter.
    """
    if op.name != "div" or len(op.inputs) < 2:
        return False
    by = op.inputs[1]
    return id(by) not in known and not by.requires_grad and by.dim() >= 1 and by.numel() > 1


def _index(op: Op) -> Tensor | None:
    if op.name == "embedding":
        found = op.argument(0, "input")
    else:
        found = op.args[-1] if op.name == "getitem" else op.argument(2, "index")
    return found if isinstance(found, Tensor) and not found.is_floating_point() else None


# Sizes.


@torch.no_grad()
def _compare_signals(name: str, ours: Behind, theirs: Behind) -> list[str]:
    """Describe a normalised signal that is far larger or smaller than in training.

    Running statistics that nobody updates leave the same operations behind, and other numbers.
    """
    examples = sum(len(t) for t in theirs.signals if t.dim())
    if not ours.signals or examples < FEWEST_EXAMPLES:
        return []
    trained, used = (
        math.sqrt(
            sum(float(t.detach().float().square().sum()) for t in tensors)
            / max(1, sum(t.numel() for t in tensors))
        )
        for tensors in (ours.signals, theirs.signals)
    )
    ratio = used / (trained + 1e-12)
    if 1 / SIGNAL_RATIO < ratio < SIGNAL_RATIO:
        return []
    return [f"behind {name} signals are {ratio:.1f} times as large, normalised by other statistics"]


def _compare_inputs(graph: StepGraph, tape: Tape) -> list[str]:
    """Describe inputs that are of another size than in training."""
    given = [t for t in graph.inputs if t.is_floating_point() and t.dim() > 1]
    if not given:
        return []
    first = given[0]
    known = {id(t) for t in graph.weights.values()}
    made = {id(t): op for op in tape.ops for t in op.outputs}
    for op in tape.ops:
        if op.name not in PRODUCTS:
            continue
        for tensor in op.inputs:
            if id(tensor) in known or not tensor.is_floating_point() or tensor.requires_grad:
                continue
            if tensor.shape[-1] != first.shape[-1] and tensor.shape[-1] != first[0].numel():
                continue
            maker = made.get(id(tensor))
            if maker is None or maker.name not in FACTORIES:
                return compare_sizes(first, tensor)
    return []


@torch.no_grad()
def compare_sizes(trained: Tensor, used: Tensor) -> list[str]:
    """Describe inputs that are far larger, smaller or further from 0 than those of training."""
    ours, theirs = trained.detach().float(), used.detach().float()
    size, other = float(ours.square().mean().sqrt()), float(theirs.square().mean().sqrt())
    ratio = other / (size + 1e-12)
    shift = float((theirs.mean() - ours.mean()).abs() / (ours.std() + 1e-12))
    if 1 / INPUT_RATIO < ratio < INPUT_RATIO and shift < INPUT_RATIO:
        return []
    return [f"inputs of a size of {other:.3g}, in training {size:.3g}"]


def _trains(tape: Tape) -> bool:
    """Whether dropout or batch norm worked in training mode."""
    return any(
        (op.name == "dropout" and op.argument(2, "training", True) and op.argument(1, "p", 0.5) > 0)
        or (op.name == "batch_norm" and op.argument(5, "training", False))
        for op in tape.ops
    )
