"""How a network is used, held against how it is trained: the same layers, the same acts.

The fault that is looked for is the notebook's: batch norm by hand in training, and none where text
is generated. No loss shows it.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..evidence import InferenceStats
from .graph import FACTORIES, StepGraph, rested
from .tape import BENDS, PRODUCTS, Op, Tape
from .variables import Variables

NORMS = frozenset("batch_norm layer_norm group_norm instance_norm rms_norm".split())
SPREADS = frozenset("std var std_mean var_mean".split())
FAR = 2.0  # times larger or smaller: another preprocessing
NORMALISATION = "the normalisation"
OFF = 1.5  # times larger or smaller: normalised by something else
ENOUGH = 20  # examples in use, before sizes are held against one another


def compare(sight: StepGraph, tape: Tape, scan: Variables) -> InferenceStats:
    """Hold the tape of a use against the tape of a step."""
    trained = signature(sight.ops, sight.weights)
    used = signature(tape.ops, sight.weights)
    if not trained or not used:
        return InferenceStats()
    missing, extra = [], []
    names = scan.names
    for key, ours in trained.items():
        name = names.get(key, f"a parameter of shape {tuple(sight.weights[key].shape)}")
        if key not in used:
            if sight.weights[key].dim() > 1:
                missing.append(f"the layer {name}")
            continue
        theirs = used[key]
        missing += [f"{act} behind {name}" for act in sorted(ours.acts - theirs.acts)]
        extra += [f"{act} behind {name}" for act in sorted(theirs.acts - ours.acts)]
        if ours.sizes and theirs.sizes and not ours.sizes & theirs.sizes:
            extra.append(
                f"{name} is given {_sizes(theirs.sizes)} at a time,"
                f" in training it was {_sizes(ours.sizes)}"
            )
        if NORMALISATION in ours.acts & theirs.acts:
            extra += _other_scale(name, ours, theirs)
    extra += _other_inputs(sight, tape)
    return InferenceStats(tuple(missing), tuple(extra), _modes(scan, tape))


def _sizes(sizes: set[int]) -> str:
    return " or ".join(str(size) for size in sorted(sizes)) + " tokens"


@dataclass
class Behind:
    """What is done behind a parameter, up to the next one.

    Attributes:
        acts: by name.
        sizes: how many tokens it is given at a time, of a table.
        bent: what goes into its activation, at each call.
    """

    acts: set[str] = field(default_factory=set)
    sizes: set[int] = field(default_factory=set)
    bent: list[Tensor] = field(default_factory=list)


@torch.no_grad()
def _other_scale(name: str, ours: Behind, theirs: Behind) -> list[str]:
    """Say so if what is normalised is far larger or smaller than it was in training.

    Running statistics that nobody updates leave the same acts behind, and other numbers.
    """
    examples = sum(len(t) for t in theirs.bent if t.dim())
    if not ours.bent or examples < ENOUGH:
        return []
    learned, used = (
        math.sqrt(
            sum(float(t.detach().float().square().sum()) for t in tensors)
            / max(1, sum(t.numel() for t in tensors))
        )
        for tensors in (ours.bent, theirs.bent)
    )
    ratio = used / (learned + 1e-12)
    if 1 / OFF < ratio < OFF:
        return []
    return [f"behind {name} signals are {ratio:.1f} times as large, normalised by other statistics"]


def signature(ops: Sequence[Op], weights: dict[int, Tensor]) -> dict[int, Behind]:
    """Return for each parameter what is done behind it, up to the next one.

    What is done by hand counts as what it is: a division by a spread is a normalisation.
    """
    made_of: dict[int, frozenset[int]] = {}
    owner: dict[int, int] = {}
    found: dict[int, Behind] = defaultdict(Behind)
    rest = rested(Tape(list(ops)))
    for op in ops:
        direct = [id(t) for t in op.inputs if id(t) in weights]
        inherited = frozenset[int]().union(*(made_of.get(id(t), frozenset()) for t in op.inputs))
        owners = [owner[id(t)] for t in op.inputs if id(t) in owner]
        mine = owners[0] if owners else 0
        keys = [*direct, *inherited]
        matrix = next((k for k in keys if weights[k].dim() > 1), 0)
        looks = op.name in ("embedding", "getitem", "index_select")
        if matrix and (op.name in PRODUCTS or looks):
            mine = matrix
            behind = found[matrix]
            if looks and (index := _index(op)) is not None and id(index) not in rest:
                behind.sizes |= {index.shape[-1]} if index.dim() > 1 else set()
            inherited = frozenset()
        elif mine:
            for key in direct:
                found[key]  # a parameter behind which nothing is done is used all the same
            if op.name in BENDS:
                found[mine].acts.add(op.name)
                found[mine].bent += op.inputs[:1]
            elif (
                op.name in NORMS
                or op.name in SPREADS
                or (op.name in ("div", "sub", "mul", "add") and _running(op, weights))
            ):
                found[mine].acts.add(NORMALISATION)
        for tensor in op.outputs:
            if mine:
                owner[id(tensor)] = mine
            elif direct or inherited:
                made_of[id(tensor)] = frozenset(direct) | inherited
    return dict(found)


def _running(op: Op, weights: dict[int, Tensor]) -> bool:
    """Whether a signal is divided by a vector that is no parameter: running statistics."""
    if op.name != "div" or len(op.inputs) < 2:
        return False
    by = op.inputs[1]
    return id(by) not in weights and not by.requires_grad and by.dim() >= 1 and by.numel() > 1


def _index(op: Op) -> Tensor | None:
    if op.name == "embedding":
        found = op.argument(0, "input")
    else:
        found = op.args[-1] if op.name == "getitem" else op.argument(2, "index")
    return found if isinstance(found, Tensor) and not found.is_floating_point() else None


def _other_inputs(sight: StepGraph, tape: Tape) -> list[str]:
    """Say where numbers that go in are of another size than in training."""
    given = [t for t in sight.inputs if t.is_floating_point() and t.dim() > 1]
    if not given:
        return []
    first = given[0]
    known = {id(t) for t in sight.weights.values()}
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
            if maker is not None and maker.name in FACTORIES:
                continue
            return other_size(first, tensor)
    return []


@torch.no_grad()
def other_size(learned: Tensor, used: Tensor) -> list[str]:
    """Say so if numbers that are used are far larger or smaller than those learned from."""
    ours, theirs = learned.detach().float(), used.detach().float()
    ratio = float(_size(theirs) / (_size(ours) + 1e-12))
    shift = float((theirs.mean() - ours.mean()).abs() / (ours.std() + 1e-12))
    if 1 / FAR < ratio < FAR and shift < FAR:
        return []
    return [f"inputs of a size of {float(_size(theirs)):.3g}, in training {float(_size(ours)):.3g}"]


def _size(values: Tensor) -> Tensor:
    return values.square().mean().sqrt()


def _modes(scan: Variables, tape: Tape) -> tuple[str, ...]:
    """Return modules that were used in their training mode although they have one for use."""
    heard = {op.name for op in tape.ops}
    if not heard & {"batch_norm", "dropout"}:
        return ()
    active = any(
        op.name == "dropout" and op.argument(2, "training", True) and op.argument(1, "p", 0.5) > 0
        for op in tape.ops
    ) or any(op.name == "batch_norm" and op.argument(5, "training", False) for op in tape.ops)
    if not active:
        return ()
    return tuple(
        name or type(module).__name__
        for root in scan.modules.values()
        for name, module in root.named_modules()
        if isinstance(module, torch.nn.Dropout | torch.nn.modules.batchnorm._BatchNorm)
        and module.training
    )[:4]


def gap(trained: float, used: float) -> bool:
    """Whether the same batch is judged differently, one way and the other."""
    if not (math.isfinite(trained) and math.isfinite(used)):
        return False
    return used > 1.07 * trained + 0.02
