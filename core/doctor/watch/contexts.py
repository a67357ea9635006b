"""What a generation gives its network: one context of tokens after another, and what is drawn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .graph import StepGraph, made_only_by
from .tape import Op, Tape

LOOK_UPS = ("embedding", "getitem", "index_select")
DRAWS = ("multinomial", "argmax")
MANY_DRAWN = 8
"""Tokens, from which on a context that stays is no chance."""
MANY_MOVED = 4
"""Tokens that came to one end of a context; a new text may look like one at the other end."""
FOUND, CLEARLY = 0.4, 2
"""Share of windows whose next one is in the data; and times that of the other direction."""
MAX_TOKENS = 2_000_000
"""Of windows that are searched for one another."""

Batches = Sequence[tuple[tuple[Tensor, ...], Tensor]]
"""Inputs and targets of some steps."""


@dataclass
class Contexts:
    """The contexts of an inference.

    Attributes:
        given: all contexts that were looked up, in order, whatever the embedding.
        moves: of each embedding, pairs of a context and the next, and what was drawn in between.
        drawn: the tokens of each draw.
        sampled: whether they were drawn at random.
        stay: how often one context came again, one call after the other; of one token that is
            drawn again and again it would well be the same.
    """

    given: list[Tensor] = field(default_factory=list)
    moves: list[tuple[Tensor, Tensor, Tensor]] = field(default_factory=list)
    drawn: list[Tensor] = field(default_factory=list)
    sampled: bool = False
    stay: int = 0


def contexts_of(graph: StepGraph, tape: Tape) -> Contexts:
    """Return the contexts of an inference."""
    known = {id(t) for t in graph.weights.values()}
    positions = counted_off(tape.ops)
    found = Contexts()
    last: dict[int, tuple[Tensor, int]] = {}
    stays: dict[int, int] = {}
    for op in tape.ops:
        if op.name in DRAWS:
            found.drawn.append(op.outputs[0])
            found.sampled |= op.name == "multinomial"
        index = index_of(op) if op.name in LOOK_UPS else None
        if index is None or not index.numel():
            continue
        keys = {id(t) for t in op.inputs} & known
        found.given += [index] if keys else []
        for key in keys if id(index) not in positions else ():
            before, draws = last.get(key, (index, len(found.drawn)))
            same = before.shape == index.shape and torch.equal(before, index)
            varied = len(torch.unique(index)) > 1
            stays[key] = stays.get(key, 0) + 1 if same and varied else 1
            found.stay = max(found.stay, stays[key])
            if index.dim() and before.dim() and len(found.drawn) == draws + 1:
                found.moves.append((before, index, found.drawn[-1]))
            last[key] = index, len(found.drawn)
    return found


def index_of(op: Op) -> Tensor | None:
    """Return the whole numbers that a look-up is given; None."""
    if op.name == "embedding":
        found = op.argument(0, "input")
    else:
        found = op.args[-1] if op.name == "getitem" else op.argument(2, "index")
    return found if isinstance(found, Tensor) and not found.is_floating_point() else None


def counted_off(ops: Iterable[Op]) -> set[int]:
    """Return the ids of tensors that are counted off, and made of nothing else."""
    return made_only_by(ops, lambda op: op.name == "arange")


def drawn_from_one(contexts: Contexts) -> int:
    """Return how many tokens were drawn from one and the same context; or 0 if it moves on."""
    given, drawn = contexts.given, contexts.drawn
    first = [t for t in given if t.shape == given[0].shape]
    if len(first) >= len(drawn) >= MANY_DRAWN and all(torch.equal(t, first[0]) for t in first):
        # A text that ends with its first token leaves no other context behind.
        told = [t for t in drawn if bool((t.reshape(-1, 1) != first[0].reshape(1, -1)).any())]
        varied = len(torch.unique(torch.cat([t.flatten() for t in told]))) > 1 if told else False
        return len(drawn) if len(told) >= MANY_DRAWN and (varied or not contexts.sampled) else 0
    stays = contexts.stay >= MANY_DRAWN and len(drawn) >= len(given) // 2
    return contexts.stay if stays else 0


# At which end the newest token is.


def newest_elsewhere(graph: StepGraph, batches: Batches, contexts: Contexts) -> list[str]:
    """Say that what is drawn comes to the other end of the context than in training."""
    ends = [
        (_at_end(a, b, new), _at_end(a.flip(-1), b.flip(-1), new)) for a, b, new in contexts.moves
    ]
    at_end, in_front = ends.count((True, False)), ends.count((False, True))
    if max(at_end, in_front) < max(MANY_MOVED, CLEARLY * min(at_end, in_front)):
        return []
    learned = _learned(graph, batches)
    if learned is None or learned == (at_end > in_front):
        return []
    places = ("at the end", "in front") if learned else ("in front", "at the end")
    return [f"the newest token of the context stands {places[1]}, in training {places[0]}"]


def _at_end(before: Tensor, now: Tensor, drawn: Tensor) -> bool:
    """Whether a context is the one before with what was drawn at its end."""
    old, new = (t.reshape(-1, t.shape[-1]) for t in (before, now))
    tokens = drawn.reshape(-1)
    grows = new.shape[-1] - old.shape[-1]
    if new.shape[-1] < 2 or grows not in (0, 1) or not len(old) == len(new) == len(tokens):
        return False
    return torch.equal(new, torch.cat([old[:, 1 - grows :], tokens[:, None].to(old)], 1))


def _learned(graph: StepGraph, batches: Batches) -> bool | None:
    """Return whether the target of a window comes to its end, in the windows of training.

    Then the window that follows is in the data, too, and seldom the one of the other direction.
    """
    inputs, targets = graph.inputs[:1], graph.targets
    if targets is None or not inputs or inputs[0].is_floating_point() or inputs[0].dim() != 2:
        return None
    rows, aims = _windows(graph, inputs[0], targets, batches)
    if rows.shape[:1] != aims.shape or rows.shape[1] < 2:
        return _of_each_position(inputs[0], targets)
    shares = []
    weights = torch.randint(1, 1 << 40, (rows.shape[1],), generator=torch.Generator())
    for windows in (rows, rows.flip(1)):
        following = torch.cat([windows[:, 1:], aims[:, None]], 1)
        codes = [(part.cpu().long() * weights).sum(1) for part in (windows, following)]
        shares.append(float(torch.isin(codes[1], codes[0]).float().mean()))
    at_end, in_front = shares
    if max(shares) < FOUND or max(shares) < CLEARLY * min(shares):
        return None
    return at_end > in_front


def _windows(
    graph: StepGraph, inputs: Tensor, targets: Tensor, batches: Batches
) -> tuple[Tensor, Tensor]:
    """Return the data that windows and their targets were picked from, or the kept ones."""
    rows, aims = (_source(graph, t) for t in (inputs, targets))
    count = MAX_TOKENS // inputs.shape[1]
    if rows is not None and rows is aims and rows.dim() == 1 == targets.dim():
        each = rows[:count].unfold(0, inputs.shape[1] + 1, 1)
        for windows, nexts in ((each[:, :-1], each[:, -1]), (each[:, 1:], each[:, 0])):
            if bool(((windows == inputs[0]).all(1) & (nexts == targets[0])).any()):
                return windows, nexts
    elif rows is not None and aims is not None and rows.dim() == 2 and len(rows) == len(aims):
        return rows[:count], aims[:count]
    kept = [(x[0], y) for x, y in batches if x[0].shape[1:] == inputs.shape[1:]]
    kept = [(x, y) for x, y in kept if y.shape[1:] == targets.shape[1:]] or [(inputs, targets)]
    return torch.cat([x for x, _ in kept]), torch.cat([y for _, y in kept])


def _source(graph: StepGraph, tensor: Tensor) -> Tensor | None:
    """Return what rows or windows were picked from; None."""
    op = graph.made_by(tensor)
    if op is not None and op.name == "stack" and op.inputs:
        op = graph.made_by(op.inputs[0])
    return op.args[0] if op is not None and op.name in LOOK_UPS else None


def _of_each_position(inputs: Tensor, targets: Tensor) -> bool | None:
    """Return the same where each position has a target: the token behind it, or before it."""
    if inputs.numel() != targets.numel():
        return None
    labels = targets.reshape(inputs.shape)
    for end in (True, False):
        ahead, asked = (inputs[:, 1:], labels[:, :-1]) if end else (inputs[:, :-1], labels[:, 1:])
        counted = asked >= 0  # what is below is ignored by the loss
        if bool(counted.any()) and torch.equal(ahead[counted], asked[counted]):
            return end
    return None
