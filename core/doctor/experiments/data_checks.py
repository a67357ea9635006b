"""What the data shows by itself, without any network: labels, overlap, what a context allows."""

import math
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...ngrams import counted
from ..evidence import DataStats
from ..watch.graph import StepGraph, is_one_hot
from ..watch.graph import tensors_of as tensors_in_index
from ..watch.tape import replay
from ..watch.variables import Variables
from .replay import FAULTS, Replay

SOME = 4000  # examples that are looked at
NEIGHBOURS = 15
FREQUENT = 60  # tokens
STREAM = 200_000  # tokens
REMEMBERS = frozenset("gru lstm gru_cell lstm_cell rnn_tanh rnn_relu rnn_tanh_cell".split())
MANY = 100_000  # of them, for tables


def survey(
    again: Replay, variables: Variables, known: tuple[Tensor, Tensor] | None = None
) -> DataStats:
    """Look at the examples that a watched loop draws from, or at the batches that were seen.

    Args:
        again: the newest step.
        variables: the variables around the loop.
        known: inputs and targets, where somebody has them.
    """
    graph = again.graph
    found = DataStats()
    if graph.targets is None or not graph.inputs:
        return found
    inputs, targets = known or examples(again)
    values = dict(vars(found))
    try:
        whole = None if known else _source(graph, graph.targets)
        values |= _answers(graph, targets if whole is None else whole, known is None)
        values |= _predictable(inputs, targets)
        values |= _context(graph, inputs, targets)
        values |= _overlap(graph, variables)
    except FAULTS:
        pass  # what could not be seen stays NaN, and its rules say so
    return DataStats(**values)


def examples(again: Replay) -> tuple[Tensor, Tensor]:
    """Return inputs and targets as the loop pairs them: batches that were seen, or drawn again."""
    graph = again.graph
    assert graph.targets is not None
    batches = list(again.fitting())
    if again.draws:
        wanted = (graph.inputs[0], graph.targets)
        rows = len(graph.inputs[0])
        for _ in range(min(200, SOME // max(1, rows))):
            inputs, targets = replay(graph.tape, wanted)
            batches.append(((inputs.detach(),), targets.detach()))
    if not batches:
        return graph.inputs[0].detach(), graph.targets.detach()
    return (
        torch.cat([inputs[0] for inputs, _ in batches]),
        torch.cat([targets for _, targets in batches]),
    )


def _source(graph: StepGraph, tensor: Tensor) -> Tensor | None:
    """Return the tensor that a batch was drawn from by indices; None if it is not to be seen."""
    op = graph.maker.get(id(tensor))
    for _ in range(6):
        if op is None:
            return None
        if op.name in ("stack", "cat") and op.inputs:  # a DataLoader's batch
            op = graph.maker.get(id(op.inputs[0]))
            continue
        if op.name in ("getitem", "index_select"):
            source: Tensor = op.args[0]
            return source if id(source) not in graph.maker else None
        if op.name not in ("float", "long", "to", "div", "truediv", "view", "reshape", "sub"):
            return None
        # What was done to it afterwards would have to be done to all of it.
        if op.name in ("div", "truediv", "sub"):
            return None
        op = graph.maker.get(id(op.args[0])) if isinstance(op.args[0], Tensor) else None
    return None


def _stream(graph: StepGraph) -> Tensor | None:
    """Return the row of tokens that both inputs and targets were cut from."""
    roots = [graph.origin.get(id(t), set()) for t in (*graph.inputs, graph.targets)]
    common = set.intersection(*roots) if roots else set()
    for op in graph.tape.ops:
        if op.name != "getitem" or not tensors_in_index(op.args[1]):
            continue  # an epoch's order is a row of numbers, too, but nothing is picked from it
        source = op.args[0]
        if id(source) in common and _is_row(source):
            return cast("Tensor", source)
    return _sliced(graph, common)


def _sliced(graph: StepGraph, common: set[int]) -> Tensor | None:
    """Return the row that a loop cuts stretches from, ``data[i : i + block]``."""
    for op in graph.tape.ops:
        source = op.args[0] if op.name == "getitem" else None
        if not isinstance(source, Tensor) or id(source) not in common:
            continue
        if _is_row(source) and int(source.max()) + 1 < len(source) / 10:
            return source
    return None


def _is_row(tensor: Tensor) -> bool:
    """Whether it is a long row of whole numbers."""
    return tensor.dim() == 1 and not tensor.is_floating_point() and tensor.numel() > 1000


def _answers(graph: StepGraph, targets: Tensor, whole: bool) -> dict[str, float]:
    stream = _stream(graph) if whole else None
    labels = targets if stream is None else stream
    if labels.dim() > 1 and _hot(labels.float()):
        labels = labels.argmax(-1)
    if labels.is_floating_point() and bool(((labels == 0) | (labels == 1)).all()):
        labels = labels.long()
    if labels.is_floating_point():
        return {}
    labels = labels.flatten()
    labels = labels[labels >= 0]
    if not len(labels):
        return {}
    counts = torch.bincount(labels)
    shares = counts[counts > 0].double() / counts.sum()
    outputs = graph.outputs
    classes = outputs.shape[-1] if outputs is not None and outputs.dim() > 1 else 0
    return {
        "classes_used": len(shares) / classes
        if (classes > 1 and len(labels) >= 3 * classes) or (classes > 1000 and len(labels) > 500)
        else math.nan,
        "classes": len(shares),
        "top_share": float(shares.max()),
        "entropy": float(-(shares * shares.log()).sum()),
    }


def _predictable(inputs: Tensor, targets: Tensor) -> dict[str, float]:
    """Guess the answers by simple means: neighbours for pictures, tables for tokens."""
    two = targets.is_floating_point() and bool(((targets == 0) | (targets == 1)).all())
    if two and targets.numel() == len(targets):
        targets = targets.reshape(-1).long()
    if targets.dim() == 2 and len(inputs) == len(targets) and _hot(targets.float()):
        targets = targets.argmax(-1)
    if targets.is_floating_point() or not len(inputs):
        return {}
    if inputs.numel() == targets.numel() and not inputs.is_floating_point():
        known = targets.flatten() >= 0
        inputs, targets = inputs.flatten()[known][:, None], targets.flatten()[known]
    if targets.dim() != 1 or len(inputs) != len(targets):
        return {}
    if not (inputs.is_floating_point() or inputs.dtype == torch.uint8):
        return _by_tables(inputs.reshape(len(inputs), -1)[:MANY], targets[:MANY])
    every = max(1, len(inputs) // SOME)
    inputs, targets = inputs[::every][:SOME], targets[::every][:SOME]
    if len(targets) < 200:
        return {}
    return _by_neighbours(inputs.reshape(len(inputs), -1).float(), targets)


def _by_neighbours(rows: Tensor, targets: Tensor) -> dict[str, float]:
    """Let neighbours vote (Fix and Hodges 1951); what contradicts a clear vote is noise."""
    classes = int(targets.max()) + 1
    if classes > 1000:
        return {}
    rows = (rows - rows.mean(0)) / (rows.std() + 1e-9)
    asked = rows[: min(1000, len(rows) // 2)]
    truth = targets[: len(asked)]
    distances = torch.cdist(asked, rows)
    distances[torch.arange(len(asked)), torch.arange(len(asked))] = math.inf
    near = distances.topk(min(NEIGHBOURS, len(rows) - 1), largest=False).indices
    votes = F.one_hot(targets[near], classes).float().mean(1)
    share, winner = votes.max(1)
    top = float(torch.bincount(targets, minlength=classes).max()) / len(targets)
    right = float((winner == truth).float().mean())
    predictable = (right - top) / (1 - top) if top < 1 else 1.0
    clear = share > max(0.6, min(0.75, 2 * top))
    noise = math.nan
    if len(rows) >= 1000 and float(clear.float().mean()) > 0.15:
        noise = float((winner[clear] != truth[clear]).float().mean())
    return {"predictability": max(0.0, predictable), "label_noise": noise}


def _by_tables(rows: Tensor, targets: Tensor) -> dict[str, float]:
    """Learn one table for each column on one half and judge it on the other: the best counts."""
    size = int(max(int(rows.max()), int(targets.max()))) + 1
    if size > FREQUENT:  # a table of all would need more examples: the frequent ones tell as well
        rows, targets, size = _frequent(rows, size), _frequent(targets, size), FREQUENT + 1
    half = len(rows) // 2
    if half < 30 * int(torch.unique(targets).numel()):
        return {}  # too few to know what follows what
    best, single = math.inf, math.nan
    for column in range(max(0, rows.shape[1] - 4), rows.shape[1]):
        pairs = torch.stack([torch.zeros_like(rows[:, column]), rows[:, column]], 1)
        floors = counted(pairs[:half], targets[:half], pairs[half:], targets[half:], size)
        best, single = min(best, floors["pair"]), floors["single"]
    return {"predictability": max(0.0, (single - best) / single) if single > 0 else math.nan}


def _frequent(tokens: Tensor, size: int) -> Tensor:
    """Return tokens by their rank among the frequent ones; all others are one."""
    counts = torch.bincount(tokens.flatten().long(), minlength=size)
    places = torch.full((size,), FREQUENT, dtype=torch.long, device=tokens.device)
    places[counts.topk(min(FREQUENT, size)).indices] = torch.arange(min(FREQUENT, size))
    return places[tokens.long()]


def _context(graph: StepGraph, inputs: Tensor, targets: Tensor) -> dict[str, float]:
    """Count what a context of one or two tokens allows, where that is all the network sees."""
    given = graph.inputs[0]
    if given.is_floating_point() and not _hot(given):
        return {}
    whole = given.dim() > 1 and given.shape == getattr(graph.targets, "shape", None)
    seen = _seen(graph)
    if not seen:
        return {}
    values: dict[str, float] = {"context": seen}
    assert graph.targets is not None
    stream = _stream(graph)
    if stream is not None:
        row = stream[:STREAM].long()
    elif not whole and targets.dim() == 1 and len(inputs) == len(targets):
        whole_inputs, whole_targets = _source(graph, given), _source(graph, graph.targets)
        if (
            whole_inputs is not None
            and whole_targets is not None
            and len(whole_inputs) == len(whole_targets)
        ):
            inputs, targets = whole_inputs, whole_targets
        last = (
            inputs.argmax(-1)
            if inputs.is_floating_point()
            else inputs.reshape(len(inputs), -1)[:, -1]
        )
        follows = float((last[1:] == targets[:-1]).float().mean())
        if follows < 0.7:
            return values
        row = torch.cat([last[:1].long(), targets.long()])[:STREAM]
    else:
        return values
    if seen > 2 or len(row) < 2000:
        return values
    size = int(row.max()) + 1
    cut = int(0.9 * len(row))
    parts = [row[:cut], row[cut:]]
    learned, judged = (torch.stack([p[:-2], p[1:-1]], 1) for p in parts)
    floors = counted(learned, parts[0][2:], judged, parts[1][2:], size)
    here, longer = ("pair", "triple") if seen == 1 else ("triple", "triple")
    return values | {"context_entropy": floors[here], "longer_context_entropy": floors[longer]}


def _seen(graph: StepGraph) -> int:
    """Return how many tokens an answer may depend on; 0 if that is not to be told."""
    if any(op.name in REMEMBERS for op in graph.ops):
        return 0
    given = graph.inputs[0]
    maker = graph.maker.get(id(given))
    if given.dim() == 1 and maker is not None and any(t.dim() > 1 for t in maker.inputs[:1]):
        return 0  # rows were laid behind one another: which tokens meet is not to be seen
    return sum(
        1 if t.dim() == 1 or t.is_floating_point() else int(t.shape[-1]) for t in graph.inputs
    )


def _hot(rows: Tensor) -> bool:
    return is_one_hot(rows)


def _overlap(graph: StepGraph, variables: Variables) -> dict[str, float | str]:
    """Look for data that judges among the data that is learned from."""
    learned = _source(graph, graph.inputs[0])
    if learned is None:
        learned = _stream(graph)
    if learned is None:
        return {}
    found: dict[str, float | str] = {}
    for name, tensor in variables.validation_data().items():
        if tensor is learned or tensor.dtype != learned.dtype or tensor.dim() != learned.dim():
            if tensor is learned:
                return {"overlap": 1.0, "overlap_with": name}
            continue
        if tensor.shape[1:] != learned.shape[1:]:
            continue
        share = overlap(learned, tensor)
        if share > found.get("overlap", -1.0):  # type: ignore[operator]
            found = {"overlap": share, "overlap_with": name}
    return found


def overlap(learned: Tensor, judging: Tensor) -> float:
    """Return the share of what judges that lies, as it is, in what is learned from.

    Runs of examples are looked for, not single ones: in names and texts, short pieces occur twice
    without anything being wrong.
    """
    rows = learned.detach().cpu().contiguous().numpy()
    judge = judging.detach().cpu().contiguous().numpy()
    width = max(1, int(np.prod(rows.shape[1:])))
    rich = (np.issubdtype(rows.dtype, np.floating) and width > 8) or width > 100
    length = 1 if rich else max(48 // width, 40)
    if len(judge) < length:
        return math.nan
    whole = rows.tobytes()
    places = np.linspace(0, len(judge) - length, 24).astype(int)
    hits = [whole.find(judge[p : p + length].tobytes()) >= 0 for p in places]
    return float(np.mean(hits))
