"""Compares inference with training: the same layers, and the same operations behind each.

The mistake that it finds is the notebook's: batch norm by hand in training, and none where text
is generated. No loss shows it.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from .build_graph import JOINS
from .contexts import (
    LOOK_UPS,
    MANY_DRAWN,
    Batches,
    contexts_of,
    counted_off,
    drawn_from_one,
    index_of,
    newest_elsewhere,
)
from .graph import StepGraph, made_only_by, made_without_data
from .observation import InferenceStats
from .program_frames import Line
from .source import says_true
from .state_dicts import original_of
from .tape import FACTORIES, NONLINEARITIES, PRODUCTS, RANDOM, RECURRENT, Op, Tape
from .variables import Variables

NORMS = frozenset(
    "batch_norm layer_norm group_norm instance_norm rms_norm std var std_mean var_mean".split()
)
VARIANCES = ("std", "var", "std_mean", "var_mean")
SCALES = frozenset(
    "div truediv idiv itruediv true_divide divide mul rmul imul multiply matmul".split()
)
NORMALISATION = "the normalisation"
TAKE_LOGITS = frozenset("binary_cross_entropy_with_logits log_sigmoid soft_margin_loss".split())
"""Losses with a sigmoid in them: where the network is used, it stands by itself."""
PROBABILITIES = ("sigmoid", "softmax")
COMPARISONS = frozenset("gt ge lt le".split())
UNCHANGED = frozenset(
    "squeeze view reshape flatten getitem select detach float double bfloat16 half to cpu".split()
)
"""What leaves numbers as they are."""
INPUT_RATIO = 2.0
"""Inputs so many times larger or smaller are preprocessed in another way."""
FEW_NUMBERS, RATIO_OF_FEW = 30, 10.0
"""So few inputs are only larger than those of training by chance, unless so many times."""
MANY_NUMBERS, MANY_FEATURES, BEYOND = 1000, 8, 0.1
"""Numbers of training inputs, in all and of an example, that tell their range; and the share of
others that may lie outside of it."""
ROUNDING = 1e-3
"""Part of the range, by which computed numbers may lie beyond it."""
OFTEN_ZERO = 0.1
"""Share of a column, from which on it is sparse."""
MANY_ROWS, MOST_ROWS, MANY_COLUMNS, OTHER_SCALE = 30, 1000, 3, 3.0
"""Of a table, and as many as are looked at; and times the distance between quartiles by which a
column is scaled otherwise."""
ERRORS = 2.0
"""Standard errors by which each quartile may be off by chance."""
MOSTLY_KEPT, MADE_UP_FOR = 0.95, 0.6
"""Share of units that dropout by hand keeps; and the part of what it leaves out by which inference
is larger where that is not made up for."""
SIGNAL_RATIO, LAGGING = 1.5, 2.5
"""Signals so many times larger or smaller are normalised by other statistics; and of running ones,
which lag behind weights that move fast."""
SMALLEST_PICTURE = 4
"""Of a side."""
FAR, NEAR = 3.0, 2.0
"""Mean squared distance of two mean pictures, in standard errors: 1 by chance alone."""
SETTLED = 50
"""Steps, after which running statistics, updated by a tenth in each, have forgotten their start."""
FEWEST_EXAMPLES = 20
"""In inference, for sizes to be compared."""
MANY_STEPS, NEARLY_EACH = 5, 0.9
"""Steps of a sequence, and the part of them, that begin without the state of the step before."""


def compare_inference(
    graph: StepGraph,
    tape: Tape,
    variables: Variables,
    steps: int,
    batches: Batches = (),
    acts: bool = False,
) -> InferenceStats:
    """Compare the tape of an inference with the graph of a training step.

    Args:
        graph: the step.
        tape: of the inference.
        variables: those around the loop.
        steps: that are done.
        batches: inputs and targets of several steps.
        acts: whether its inputs follow from what it did, so that a better policy sees others.
    """
    rows = [inputs[0] for inputs, _ in batches if inputs[0].is_floating_point()]
    rows = [x for x in rows if x.shape[1:] == rows[-1].shape[1:]]
    given = [inputs[0] for inputs, _ in batches if not inputs[0].is_floating_point()]
    lengths = {x.shape[-1] for x in given if x.dim() > 1}
    trained = signature(graph.ops, graph.weights)
    used = signature(tape.ops, graph.weights)
    if not trained or not used:
        return InferenceStats()
    missing, extra, unlike = list[str](), list[str](), list[str]()
    inputs: Tensor | None = None
    fewer, more = list[tuple[str, str]](), list[tuple[str, str]]()
    last = next(reversed(trained)) if any(op.name in TAKE_LOGITS for op in graph.ops) else 0
    decided = _threshold_is_zero(tape, graph.weights)
    remembers = _joined_calls(tape.ops, graph.weights) > _joined_calls(graph.ops, graph.weights)
    gone = trained.keys() - used.keys()
    compared = {} if _has_others_in_place(tape, graph.weights, gone) else trained
    for key, ours in compared.items():
        name = variables.name(graph.weights[key])
        if key not in used:
            if graph.weights[key].dim() > 1:
                missing.append(f"the layer {name}")
            continue
        theirs = used[key]
        left_out = ours.operations - theirs.operations
        added = theirs.operations - ours.operations - ({"sigmoid"} if key == last else set())
        if not ours.goes_on:
            left_out, added = left_out - ours.reduced, added - theirs.reduced
            # Of outputs it is a measure, such as the spread of several samples.
            added -= {NORMALISATION} if theirs.by_hand else set()
        if again := theirs.doubled - ours.doubled:
            more += [(f"a second {what}", name) for what in sorted(again)]
        if decided and key == next(reversed(trained)):
            left_out -= {"sigmoid", "tanh"}  # it has the sign of its input, or is above a half
        fewer += [(what, name) for what in sorted(left_out)]
        more += [(what, name) for what in sorted(added)]
        # A text that grows goes through the lengths between; other texts have other ones.
        stays = len(theirs.lengths) == 1 and len(theirs.contexts) > 1
        # Rows of a batch are as long as the longest of them, where lengths differ.
        varies = len(lengths) > 1 and theirs.lengths and min(lengths) <= min(theirs.lengths)
        known = varies or remembers or ours.lengths & theirs.lengths
        if ours.lengths and stays and not known:
            extra.append(
                f"{name} gets {_tokens(theirs.lengths)} at a time,"
                f" in training it was {_tokens(ours.lengths)}"
            )
        if theirs.of_one and all(theirs.of_one) and not any(ours.of_one):
            extra.append(f"statistics behind {name}, of one example: it is its own mean")
        settled = steps >= SETTLED or not ours.updated
        if NORMALISATION in ours.operations & theirs.operations and settled:
            extra += _compare_signals(name, ours, theirs)
    # Behind a sum of two products it is counted to either.
    either = {what for what, _ in fewer} & {what for what, _ in more} - {NORMALISATION}
    missing += [f"{what} behind {name}" for what, name in fewer if what not in either]
    extra += [f"{what} behind {name}" for what, name in more if what not in either]
    if not acts and not _goes_backwards(list(trained), list(used)):
        unlike, inputs = _compare_inputs(graph, tape, torch.cat(rows) if rows else None)
        extra += unlike
    extra += _dropped_state(graph.ops, tape.ops, batches)
    modes = tuple(variables.modules_in_mode(training=True))[:4] if _trains(tape) else ()
    if (
        not modes
        and _drops_unasked(graph, tape)
        and not _asks_again(tape, next(iter(graph.weights), 0))
    ):
        extra.append("dropout stays on in eval mode")
    contexts = contexts_of(graph, tape)
    same_context = 0 if remembers else drawn_from_one(contexts)
    extra += newest_elsewhere(graph, batches, contexts)
    stale = _stale_keys(graph, tape)
    drawn = len(contexts.moves)
    return InferenceStats(
        *(tuple(missing), tuple(extra), modes, stale, same_context, drawn),
        unlike=tuple(unlike),
        given=inputs,
    )


def _has_others_in_place(tape: Tape, weights: dict[int, Tensor], missing: Set[int]) -> bool:
    """Whether layers that are missing have others of their size in their place.

    As where what was adapted is merged into layers that are made for it (LoRA): then it is another
    network, that is not compared layer by layer.
    """
    sizes = {weights[key].shape for key in missing if weights[key].dim() > 1}
    given = (t for op in tape.ops if op.name in PRODUCTS for t in op.inputs)
    others = (t for t in given if isinstance(t, Parameter) and id(t) not in weights)
    return any(t.shape in sizes for t in others)


def _threshold_is_zero(tape: Tape, weights: dict[int, Tensor]) -> bool:
    """Whether what the network returns is only compared with zero, as logits are."""
    product = next((op for op in reversed(tape.ops) if _has_weight(op, weights)), None)
    compared = [op for op in tape.ops if op.name in COMPARISONS and op.inputs]
    if product is None or not compared:
        return False
    made = {id(t) for t in product.outputs}
    for op in tape.ops[tape.ops.index(product) :]:
        if op.name in UNCHANGED and op.inputs and id(op.inputs[0]) in made:
            made |= {id(t) for t in op.outputs}
    return any(
        id(op.inputs[0]) in made
        and len(op.args) > 1
        and not isinstance(op.args[1], Tensor)
        and op.args[1] == 0
        for op in compared
    )


def _has_weight(op: Op, weights: dict[int, Tensor]) -> bool:
    return op.name in PRODUCTS and any(id(t) in weights for t in op.inputs)


def _goes_backwards(trained: list[int], used: list[int]) -> bool:
    """Whether the last layer of training comes before the first, as where a flow draws."""
    first, last = trained[0], trained[-1]
    return {first, last} <= set(used) and used.index(last) < used.index(first)


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


def _stale_keys(graph: StepGraph, tape: Tape) -> str:
    """Say where attention looks at more keys than there are positions so far, or not at new ones.

    In training there is a key for each position, which is looked up in an embedding of its own.
    """
    known = set(graph.weights)
    trained = _keys_and_positions(graph.tape.ops, known)
    if not trained or any(keys != last + 1 for keys, last in trained):
        return ""
    used = _keys_and_positions(tape.ops, known)
    longer = [(keys, last) for keys, last in used if keys > last + 1]
    if len(longer) > 1:
        keys, last = longer[-1]
        return f"at position {last + 1} attention looks at {keys} keys, of an earlier prompt, too"
    later = used[1:]
    if len(later) >= MANY_DRAWN and len({keys for keys, _ in later}) == 1:
        keys = later[0][0]
        if all(keys < last + 1 for _, last in later) and len({last for _, last in later}) > 1:
            return f"attention looks at the same {keys} keys at each of {len(later)} positions"
    return ""


def _keys_and_positions(ops: Sequence[Op], known: set[int]) -> list[tuple[int, int]]:
    """Return of each attention how many keys it looks at, and the last position so far."""
    counted = made_without_data(ops)
    shares: set[int] = set()
    found, last = [], -1
    for op in ops:
        if op.name in LOOK_UPS and any(id(t) in known for t in op.inputs):
            index = index_of(op)
            cut = op.args[1] if op.name == "getitem" else None
            if index is not None and id(index) in counted and index.numel():
                last = int(index.max())
            elif isinstance(cut, slice) and isinstance(cut.stop, int) and cut.stop > 0:
                last = cut.stop - 1
        elif op.name == "softmax" or (op.name == "dropout" and id(op.inputs[0]) in shares):
            shares.add(id(op.outputs[0]))
        elif op.name in ("matmul", "bmm") and id(op.operand(0)) in shares and last >= 0:
            found.append((op.operand(0).shape[-1], last))
        elif op.name == "scaled_dot_product_attention" and last >= 0:
            found.append((op.inputs[1].shape[-2], last))
    return found


# Layer by layer.


@dataclass
class Behind:
    """What happens behind a parameter, up to the next one.

    Attributes:
        operations: nonlinearities by name, and ``NORMALISATION``.
        reduced: those of the nonlinearities that are not taken of each of the layer's outputs, but
            of distances and the like: behind the last layer they belong to the loss.
        size: of the layer's outputs.
        goes_on: whether another layer comes behind it.
        by_hand: whether its normalisation is none of torch's.
        updated: whether its normalisation updates running statistics.
        of_one: of each variance by hand whether it is that of single numbers: 0, or none.
        lengths: of the sequences of tokens that are looked up, of an embedding.
        contexts: those that are looked up, as hashes: one alone is the beginning of each text.
        signals: the inputs of its nonlinearity, at each call, where they are normalised.
        doubled: what is taken of probabilities once more: a sigmoid of a sigmoid, for one.
    """

    operations: set[str] = field(default_factory=set)
    reduced: set[str] = field(default_factory=set)
    size: int = 0
    goes_on: bool = False
    by_hand: bool = True
    updated: bool = False
    of_one: list[bool] = field(default_factory=list)
    lengths: set[int] = field(default_factory=set)
    contexts: set[int] = field(default_factory=set)
    signals: list[Tensor] = field(default_factory=list)
    doubled: set[str] = field(default_factory=set)


def signature(ops: Sequence[Op], weights: dict[int, Tensor]) -> dict[int, Behind]:
    """Return what happens behind each parameter, up to the next one.

    What is written by hand counts as what it is: a division by a standard deviation is a
    normalisation.
    """
    made_of: dict[int, frozenset[int]] = {}
    owner: dict[int, int] = {}
    found: dict[int, Behind] = defaultdict(Behind)
    positions = counted_off(ops)
    scaled_by = _statistics_that_scale(ops)
    likely: dict[int, str] = {}
    normalised = set[int]()
    for op in ops:
        kept = likely.get(id(op.inputs[0]), "") if op.inputs else ""
        if op.name in ("getitem", "select") and op.inputs[0].shape[-1:] != op.outputs[0].shape[-1:]:
            kept = ""  # some of all probabilities may be made to sum to 1
        squash = op.name if op.name in PROBABILITIES else kept if op.name in UNCHANGED else ""
        likely |= {id(t): squash for t in op.outputs if squash}
        direct = [id(t) for t in op.inputs if id(t) in weights]
        inherited = frozenset[int]().union(*(made_of.get(id(t), frozenset()) for t in op.inputs))
        mine = next((owner[id(t)] for t in op.inputs if id(t) in owner), 0)
        matrix = next((k for k in [*direct, *inherited] if weights[k].dim() > 1), 0)
        if matrix and (op.name in PRODUCTS or op.name in LOOK_UPS):
            for key in {owner[id(t)] for t in op.inputs if id(t) in owner} - {matrix}:
                found[key].goes_on = True
            mine, inherited = matrix, frozenset()
            behind = found[matrix]
            normalised.discard(matrix)
            behind.size = op.outputs[0].numel()
            index = index_of(op) if op.name in LOOK_UPS else None
            if index is not None and index.dim() > 1 and id(index) not in positions:
                behind.lengths.add(index.shape[-1])
                behind.contexts.add(hash(index.cpu().numpy().tobytes()))
        elif mine:
            for key in direct:
                found[key]  # a parameter with nothing behind it is used all the same
            found[mine].doubled |= {kept} & {op.name}
            if op.name in NONLINEARITIES:
                found[mine].operations.add(op.name)
                if op.outputs[0].numel() != found[mine].size:
                    found[mine].reduced.add(op.name)
                if mine in normalised:  # others are as large as the weights make them
                    found[mine].signals += op.inputs[:1]
            elif (op.name in NORMS and (op.name not in VARIANCES or op in scaled_by)) or (
                _divides_by_statistics(op, {*weights, *owner})
            ):
                found[mine].operations.add(NORMALISATION)
                normalised.add(mine)
                if op.name in NORMS and op.name not in VARIANCES:
                    found[mine].by_hand = False
                if op.name in VARIANCES and op.inputs:
                    found[mine].of_one.append(op.inputs[0].numel() == op.outputs[0].numel())
                found[mine].updated |= op.name == "batch_norm" and bool(
                    op.argument(5, "training", False)
                )
        # What is detached in training goes on as a target: an advantage that is normalised.
        signal = op.grad_enabled and any(t.requires_grad and not t.is_leaf for t in op.inputs)
        if signal and not any(t.requires_grad for t in op.outputs):
            continue
        for tensor in op.outputs:
            if mine and not tensor.is_floating_point():
                continue  # a rank or a decision: what is counted by it is a measure of the outputs
            if mine:
                owner[id(tensor)] = mine
            elif direct or inherited:
                made_of[id(tensor)] = frozenset(direct) | inherited
    return dict(found)


def _statistics_that_scale(ops: Sequence[Op]) -> set[Op]:
    """Return the variances by which anything as large is multiplied or divided.

    Others are only looked at, as the spread of what a network makes, or are a part of the loss.
    """
    made_of: dict[int, set[Op]] = {}
    found = set[Op]()
    for op in ops:
        if op.name in VARIANCES:
            made_of |= {id(t): {op} for t in op.outputs}
            continue
        of = [t for t in op.inputs if id(t) in made_of]
        if not of:
            continue
        behind = set[Op]().union(*(made_of[id(t)] for t in of))
        signals = [t for t in op.inputs if id(t) not in made_of and t.dim()]
        if op.name in SCALES and any(t.numel() >= of[0].numel() for t in signals):
            found |= behind
        else:
            made_of |= {id(t): behind for t in op.outputs if t.is_floating_point()}
    return found


def _divides_by_statistics(op: Op, known: set[int]) -> bool:
    """Whether a signal is divided by a vector that was there before: running statistics.

    One that is made of the signal, as the sum in a softmax, is none; nor is a parameter.
    """
    if op.name != "div" or len(op.inputs) < 2:
        return False
    by = op.inputs[1]
    return id(by) not in known and not by.requires_grad and by.dim() >= 1 and by.numel() > 1


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
    most = LAGGING if ours.updated else SIGNAL_RATIO
    if 1 / most < ratio < most:
        return []
    return [f"behind {name} signals are {ratio:.1f} times as large, normalised by other statistics"]


def _compare_inputs(
    graph: StepGraph, tape: Tape, rows: Tensor | None
) -> tuple[list[str], Tensor | None]:
    """Describe inputs that are of another size than in training, or pictures that are turned.

    Returns:
        What is different, in words, and these inputs.
    """
    given = [t for t in graph.inputs if t.is_floating_point() and t.dim() > 1]
    if not given:
        return [], None
    first = given[0]
    known = {id(t) for t in graph.weights.values()}
    made = {id(t): op for op in tape.ops for t in op.outputs}
    noise = made_only_by(tape.ops, lambda op: op.name in RANDOM)  # that is to become a picture
    constant = {id(t) for op in graph.ops for t in op.inputs} - {id(t) for t in graph.inputs}
    joined = [
        (op.name, place)
        for op in graph.ops
        for place, tensor in enumerate(op.inputs)
        if op.name in JOINS and tensor is first
    ]
    signal: set[int] = set()  # which may happen to be as wide as an input is
    mixed = any(
        op.name in PRODUCTS and known.isdisjoint(map(id, op.inputs))
        for op in graph.ops
        if any(t is first for t in op.inputs)
    )
    for op in tape.ops:
        ids = {id(t) for t in op.inputs}
        if op.name in PRODUCTS and ids.isdisjoint(known | signal) and not mixed:
            continue  # data is made there, as by a matrix of the program's own
        if not (ids.isdisjoint(known) and ids.isdisjoint(signal)):
            signal |= {id(t) for t in op.outputs}
        places = [place for name, place in joined if name == op.name and place < len(op.inputs)]
        if op.name not in PRODUCTS and not places:
            continue
        for tensor in [op.inputs[place] for place in places] or op.inputs:
            key = id(tensor)
            if key in known or key in signal or not tensor.is_floating_point():
                continue
            if tensor.requires_grad or key in constant:
                continue
            if tensor.shape[-1] != first.shape[-1] and tensor.shape[-1] != first[0].numel():
                continue
            maker = made.get(id(tensor))
            if (maker is None or maker.name not in FACTORIES) and id(tensor) not in noise:
                several = rows is not None and rows.shape[1:] == first.shape[1:]
                known_rows = rows if several and rows is not None else first
                few = tensor.numel() < FEW_NUMBERS
                if few:  # it may be a state from which the network goes on: each tells the next
                    tensor = _all_given(tape, op, tensor, known)
                different = compare_sizes(first, tensor, known_rows, few)
                return different or _turned(known_rows, tensor), tensor.detach()
    return [], None


def _all_given(tape: Tape, first: Op, tensor: Tensor, known: set[int]) -> Tensor:
    """Return what a layer is given in all calls with the same weights, as along a trajectory."""
    place = next(k for k, t in enumerate(first.inputs) if t is tensor)
    weights = known & {id(t) for t in first.inputs}
    calls = [
        op.inputs[place]
        for op in tape.ops
        if op.name == first.name and weights and weights <= {id(t) for t in op.inputs}
    ]
    calls = [t.detach() for t in calls if t.shape == tensor.shape]
    return torch.cat(calls) if len(calls) > 1 and tensor.dim() else tensor


CHANNELS = "with their channels in reverse order"
TURNS: dict[str, Callable[[Tensor], Tensor]] = {
    "upside down": lambda x: x.flip(-2),
    "mirrored": lambda x: x.flip(-1),
    "turned by half": lambda x: x.flip(-1, -2),
    "transposed": lambda x: x.transpose(-1, -2),
    CHANNELS: lambda x: x.flip(-3),
}


@torch.no_grad()
def _turned(trained: Tensor, used: Tensor) -> list[str]:
    """Describe pictures whose mean is that of training only where these are turned as well."""
    ours, theirs = trained.detach().float(), used.detach().float()
    side = math.isqrt(ours[0].numel())
    if ours.dim() == 2 and side**2 == ours.shape[1]:
        ours = ours.reshape(len(ours), side, side)
    if (
        ours.dim() < 3
        or min(ours.shape[-2:]) < SMALLEST_PICTURE
        or theirs.numel() % ours[0].numel()
    ):
        return []
    theirs = theirs.reshape(-1, *ours.shape[1:])
    if min(len(ours), len(theirs)) < FEWEST_EXAMPLES:
        return []
    mean, spread = ours.mean(0), ours.var(0) + 1e-3 * ours.var() + 1e-12

    def distance(turn: Callable[[Tensor], Tensor]) -> float:
        error = turn(spread) * (1 / len(ours) + 1 / len(theirs))
        return float(((theirs.mean(0) - turn(mean)).square() / error).mean())

    as_they_are = distance(lambda x: x)
    turns = {
        words: distance(turn)
        for words, turn in TURNS.items()
        if (mean.dim() > 2 or words != CHANNELS) and turn(mean).shape == mean.shape
    }
    best = min(turns, key=lambda words: turns[words])
    if as_they_are > FAR * max(1.0, turns[best]) and turns[best] < NEAR:
        return [f"pictures {best}"]
    return []


@torch.no_grad()
def in_trained_weights(graph: StepGraph, tape: Tape) -> Tape:
    """Return an inference as if it had the trained weights, where it has a copy of all of them.

    As that of a module which was made anew, and has loaded them from a file: as they are now, or
    as they were when they were kept.
    """
    copies: dict[int, Tensor] = {}
    for given in (t for op in tape.ops for t in op.inputs if isinstance(t, nn.Parameter)):
        if id(given) in copies or id(given) in graph.weights:
            continue
        taken = set(map(id, copies.values()))
        for weight in graph.weights.values():
            alike = weight.shape == given.shape and weight.dtype == given.dtype
            if alike and id(weight) not in taken and torch.equal(weight, given.to(weight.device)):
                copies[id(given)] = weight
                break
        else:
            original, _ = original_of(given)
            if original is not None and graph.weights.get(id(original)) is original:
                copies[id(given)] = original
    if not set(graph.layers) <= set(map(id, copies.values())):
        return tape

    def own(value: Any) -> Any:
        return copies.get(id(value), value)

    ops = [
        replace(
            op,
            args=tuple(map(own, op.args)),
            kwargs={key: own(value) for key, value in op.kwargs.items()},
            inputs=tuple(map(own, op.inputs)),
        )
        for op in tape.ops
    ]
    return replace(tape, ops=ops)


def loaded_at(tape: Tape) -> Line | None:
    """Return where the weights of an inference were loaded that are those of another network."""
    given = (t for op in tape.ops for t in op.inputs if isinstance(t, nn.Parameter))
    return next((line for t in given for _, line in [original_of(t)] if line), None)


@torch.no_grad()
def compare_sizes(
    trained: Tensor, used: Tensor, rows: Tensor | None = None, few: bool = False
) -> list[str]:
    """Describe inputs that are far larger, smaller or further from 0 than those of training.

    Or that lie outside of what training has seen, as noise does that is added in one of both.

    Args:
        trained: of a step.
        used: in inference.
        rows: of several steps; a single state may be as large as only some examples are.
        few: whether they are no more than a few independent numbers.
    """
    if not trained.numel() or not used.numel():
        return []
    ours, theirs = trained.detach().float(), used.detach().float()
    size, other = float(ours.square().mean().sqrt()), float(theirs.square().mean().sqrt())
    ratio = other / (size + 1e-12)
    shift = float((theirs.mean() - ours.mean()).abs() / (ours.std() + 1e-12))
    if words := _other_columns(ours, theirs):
        return [words]
    few = few or theirs.numel() < FEW_NUMBERS
    most, least = (RATIO_OF_FEW, 0.0) if few else (INPUT_RATIO, 1 / INPUT_RATIO)
    if least <= ratio <= most and shift <= most:
        low, high = ours.min(), ours.max()
        margin = ROUNDING * (high - low)  # a mixture of equal numbers is not quite the same
        low, high = low - margin, high + margin
        beyond = float(((theirs < low) | (theirs > high)).float().mean())
        wide = ours[0].numel() >= MANY_FEATURES  # a curve may be drawn beyond its points
        if wide and ours.numel() >= MANY_NUMBERS and beyond > BEYOND:
            span = f"{float(low):.3g} to {float(high):.3g}"
            return [f"{beyond:.0%} of the inputs lie outside of the {span} of training"]
        return []
    if few and rows is not None and bool(theirs.abs().max() <= rows.detach().abs().max()):
        return []
    return [f"inputs of a size of {other:.3g}, in training {size:.3g}"]


def _other_columns(ours: Tensor, theirs: Tensor) -> str:
    """Say that columns of a table are larger, and others smaller, than in training; else "".

    As where one is divided by standard deviations and the other by variances.
    """
    ours, theirs = ours[:MOST_ROWS], theirs[:MOST_ROWS]
    enough = min(len(ours), len(theirs)) >= MANY_ROWS if ours.dim() == theirs.dim() == 2 else False
    if not enough or not 1 < ours.shape[1] == theirs.shape[1]:
        return ""
    (width, narrow, wide), (theirs_now, at_least, at_most) = _widths(ours), _widths(theirs)
    # Where many are zero, as behind a dropout of the inputs, quartiles say little.
    often = torch.maximum((ours == 0).float().mean(0), (theirs == 0).float().mean(0))
    known = (width > 0) & (theirs_now > 0) & (often < OFTEN_ZERO)
    surely = (at_least > wide) | (at_most < narrow)
    ratios = torch.where(surely, theirs_now / width, 1.0)[known]
    other = (ratios > OTHER_SCALE) | (ratios < 1 / OTHER_SCALE)
    if len(ratios) < MANY_COLUMNS or float(other.float().mean()) < 1 / 3:
        return ""
    if float(ratios.max() / ratios.min()) < OTHER_SCALE**2:
        return ""
    return (
        f"columns of the inputs between {float(ratios.min()):.2g} and {float(ratios.max()):.2g}"
        " times as wide as in training"
    )


def _widths(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return how far the quartiles of each column are apart, and how little and much by chance.

    Where many rows have the same value, as hours without rain, a quartile may lie just beside them:
    then a few rows more or less make a column many times as wide.
    """
    error = ERRORS * math.sqrt(0.25 * 0.75 / len(rows))
    places = [0.25, 0.75, 0.25 + error, 0.75 - error, 0.25 - error, 0.75 + error]
    quantiles = torch.quantile(rows, rows.new_tensor(places), 0)
    width, narrow, wide = quantiles[1::2] - quantiles[::2]
    return width, narrow, wide


@torch.no_grad()
def unscaled_dropout(graph: StepGraph) -> str:
    """Say that units are dropped by hand, and those kept made up for neither then nor in inference.

    A unit that is kept with a probability of p counts p times as much in training, unless it is
    divided by p there, or multiplied by it in inference (Srivastava et al. 2014).
    """
    drawn, masked = set[int](), dict[int, float]()
    for op in graph.ops:
        inside = [id(t) for t in op.inputs]
        if op.name in RANDOM or drawn.intersection(inside):
            if not op.outputs[0].requires_grad:
                drawn |= {id(t) for t in op.outputs}
            elif op.name == "mul":
                mask = next(t for t in op.inputs if id(t) in drawn)
                if bool(((mask == 0) | (mask == 1)).all()):
                    masked[id(op.outputs[0])] = float(mask.float().mean())
            continue
        kept = next((masked[key] for key in inside if key in masked), None)
        if kept is None:
            continue
        weight = next((key for key in inside if key in graph.tape.eval_sizes), None)
        if op.name not in PRODUCTS or weight is None:
            masked |= {id(t): kept for t in op.outputs}
            continue
        trained = float(op.operand(0).abs().mean())
        ratio = graph.tape.eval_sizes[weight] / max(trained, 1e-12)
        if kept < MOSTLY_KEPT and ratio > 1 + MADE_UP_FOR * (1 / kept - 1):
            return (
                f"{1 - kept:.0%} of the units are dropped and the others not scaled by"
                f" 1 / {kept:.2g}: what comes behind them is {ratio:.2g} times as large"
            )
        return ""
    return ""


def _dropped_state(
    trained: Sequence[Op], used: Sequence[Op], batches: Sequence[tuple[tuple[Tensor, ...], Tensor]]
) -> list[str]:
    """Say that a recurrent layer is given a sequence step by step, and each time begins anew.

    Texts that end at once have one and the same beginning each; and where some batches have
    sequences of a single step, these are whole.
    """
    time_dims = {int(op.args[-1] is True) for op in _recurrent_calls(trained) if _length(op) > 1}
    if not time_dims:
        return []
    shapes = [inputs[0].shape for inputs, _ in batches]
    if any(shape[dim] == 1 for shape in shapes for dim in time_dims if len(shape) > 1):
        return []
    calls = _recurrent_calls(used)
    anew = [op for op in calls if _length(op) == 1 and _begins_anew(op)]
    if len(anew) < MANY_STEPS or len(anew) < NEARLY_EACH * len(calls):
        return []
    if all(torch.equal(op.args[0], anew[0].args[0]) for op in anew):
        return []
    return [f"{len(anew):,} steps of a sequence that each begin with an empty state"]


def _recurrent_calls(ops: Sequence[Op]) -> list[Op]:
    """Return the calls that give a recurrent layer batches of whole sequences."""
    calls = (op for op in ops if op.name in RECURRENT and not op.name.endswith("_cell"))
    return [op for op in calls if op.args[0].dim() == 3]


def _length(op: Op) -> int:
    """Return how long the sequences are that a recurrent layer is given."""
    return int(op.args[0].shape[1 if op.args[-1] is True else 0])


def _begins_anew(op: Op) -> bool:
    """Whether the state that a recurrent layer is given is 0."""
    states = (op.args[1],) if isinstance(op.args[1], Tensor) else op.args[1]
    return not any(bool(state.any()) for state in states)


def _trains(tape: Tape) -> bool:
    """Whether dropout or batch norm worked in training mode."""
    normed = (op for op in tape.ops if op.name == "batch_norm")
    return _drops(tape) or any(op.argument(5, "training", False) for op in normed)


def _drops(tape: Tape) -> bool:
    """Whether units were left out, or keys of an attention."""
    return any(map(_leaves_out, tape.ops))


def _leaves_out(op: Op) -> bool:
    if op.name == "scaled_dot_product_attention":
        return bool(op.argument(4, "dropout_p", 0.0) > 0)
    on = op.name == "dropout" and op.argument(2, "training", True)
    return bool(on and op.argument(1, "p", 0.5) > 0)


def _drops_unasked(graph: StepGraph, tape: Tape) -> bool:
    """Whether anything is left out, but where a call says ``training=True``: that is meant.

    As in front of a recurrence, in the first layers of Tacotron 2 (Shen et al. 2018). The calls are
    known from training.
    """
    recurs = any(op.name in RECURRENT for op in graph.ops)
    lines = [op.line for op in graph.ops if op.name == "dropout" and recurs]
    meant = cycle([says_true(line, "dropout", 2, "training") for line in lines] or [False])
    asked = ((op, op.name == "dropout" and next(meant)) for op in tape.ops)
    return any(_leaves_out(op) and not one for op, one in asked)


def _asks_again(tape: Tape, weight: int) -> bool:
    """Whether a layer is given the same rows again, as where answers are averaged over dropout.

    That tells how sure they are (Gal and Ghahramani 2016).
    """
    calls = [op for op in tape.ops if any(id(t) == weight for t in op.inputs)]
    dropped = {id(op.outputs[0]): op.inputs[0] for op in tape.ops if op.name == "dropout"}
    given = [t for op in calls for t in op.inputs[:2] if id(t) != weight and t.dim()]
    given = [dropped.get(id(t), t) for t in given]  # some of the inputs may be left out, too
    if not given or len({id(t) for t in given}) < len(given):
        return bool(given)
    given = [t if t.dim() > 1 else t[None] for t in given]
    rows = torch.cat([t[:MOST_ROWS].flatten(1) for t in given if t.shape[1:] == given[0].shape[1:]])
    return len(torch.unique(rows, dim=0)) <= len(rows) / 2
