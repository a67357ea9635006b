"""Targets that are the inputs: hidden with them, or further on in them than one place."""

from torch import Tensor

from .graph import VIEWS, StepGraph, Wired, shares_storage
from .tape import RANDOM, Op

FILLS = frozenset("setitem masked_fill imul mul index_fill".split())
ADDS = frozenset("iadd add".split())
"""Calls in place, by which parts of a batch are hidden, or noise is added."""
NOISE = 0.1
"""Standard deviation of noise over that of a batch, from which on it is more than rounding."""
MIN_LABELS, SURELY, FURTHEST = 64, 0.95, 4
"""Labels, the share of them that stand further on in the inputs, and by how many places."""
BY_CHANCE = 0.5
"""Share of labels that are the next token as well, where tokens are often said twice."""
LOSSES = ("cross_entropy", "nll_loss")


def hidden_in_targets(graph: StepGraph) -> Wired:
    """Find a random part of the inputs that is hidden in place, and so in the targets, too."""
    targets = graph.targets
    if targets is None or not targets.is_floating_point() or not targets.numel():
        return None
    if not any(shares_storage(t, targets) for t in graph.inputs):
        return None
    random = {id(t) for op in graph.tape.ops if op.name in RANDOM for t in op.outputs}
    for op in graph.tape.ops:
        if not op.in_place or not op.args or not isinstance(op.args[0], Tensor):
            continue
        written = op.args[0]
        if not shares_storage(written, targets) or graph.kind(written) != "data":
            continue
        rest = [t for t in op.inputs if t is not written]
        drawn = any(graph.ancestors(t) & random for t in rest)
        if drawn and (_hides(op, rest) or _is_noise(op, rest, targets)):
            words = (
                f"{op.name} changes a random part of the inputs in place, and the targets are the"
                " same tensor: what is to be restored is changed, too"
            )
            return words, op
    return None


def _hides(op: Op, rest: list[Tensor]) -> bool:
    """Whether it writes one number, such as 0, where a mask says so."""
    if op.name not in FILLS:
        return False
    if op.name in ("imul", "mul"):
        return any(bool(((t == 0) | (t == 1)).all()) for t in rest)
    value = op.args[-1]
    return isinstance(value, int | float) or (isinstance(value, Tensor) and value.numel() == 1)


def _is_noise(op: Op, rest: list[Tensor], targets: Tensor) -> bool:
    if op.name not in ADDS or not rest or not rest[0].is_floating_point():
        return False
    return rest[0].numel() > 1 and float(rest[0].std()) > NOISE * float(targets.std())


def shifted_twice(graph: StepGraph) -> Wired:
    """Find a language model whose labels are not the next tokens, but those behind them."""
    call = graph.loss
    tokens = [t for t in graph.inputs if t.dim() == 2 and not t.is_floating_point()]
    if call is None or call.kind not in LOSSES or len(tokens) != 1 or len(graph.inputs) != 1:
        return None
    ids, labels = tokens[0], call.targets
    rows, length = ids.shape
    if labels.is_floating_point() or labels.numel() not in (rows * length, rows * (length - 1)):
        return None
    if sum(op.name in LOSSES for op in graph.ops) > 1 or length < FURTHEST + 2:
        return None
    labels = labels.reshape(rows, -1)
    if labels.shape[1] < length and not _from_the_first(graph, call.outputs):
        return None
    shares = [_share(ids, labels, places) for places in range(FURTHEST + 1)]
    for places in range(2, FURTHEST + 1):
        if shares[places] > SURELY and max(shares[:2]) < BY_CHANCE:
            words = (
                f"of {shares[places]:.0%} of the labels the token stands {places} places further on"
                f" in the inputs, and not 1 ({shares[1]:.0%}): they were shifted twice"
            )
            return words, call.op
    return None


def _share(ids: Tensor, labels: Tensor, places: int) -> float:
    """Return the share of the labels that are the token so many places further on."""
    ahead = ids[:, places:]
    asked = labels[:, : ahead.shape[1]]
    ahead = ahead[:, : asked.shape[1]]
    counted = asked >= 0
    if int(counted.sum()) < MIN_LABELS:
        return 0.0
    return float((ahead == asked)[counted].float().mean())


def _from_the_first(graph: StepGraph, outputs: Tensor) -> bool:
    """Whether of outputs for each place the last ones were left out: ``logits[:, :-1]``."""
    value = outputs
    for _ in range(6):
        op = graph.made_by(value)
        if op is None or op.name not in VIEWS | {"getitem", "transpose", "log_softmax", "narrow"}:
            return False
        if op.name == "getitem":
            index = op.args[1]
            cut = index[1] if isinstance(index, tuple) and len(index) > 1 else None
            return isinstance(cut, slice) and cut.start in (None, 0) and cut.step in (None, 1)
        value = op.inputs[0]
    return False
