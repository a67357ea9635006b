"""A copy of a watched network goes on for as many steps again: what would more time bring?"""

import copy
import math

import torch
from torch import Tensor

from ..evidence import Evidence
from ..watch.variables import Variables
from ..watch.work import CALL_SECONDS, MULTIPLICATIONS, clock
from .learning_experiments import optimizer_like
from .replay import Replay
from .seen_data import SeenData

MIN_SHARE = 0.2
"""Of the steps that were done: fewer say nothing of twice as many."""


def continued_copy(
    replay: Replay,
    variables: Variables,
    evidence: Evidence,
    data: SeenData,
    work: float,
    end: float,
) -> tuple[dict[int, Tensor], float] | None:
    """Train a copy on, as the loop did; None if that can't be tried.

    A learning rate that had decayed to its end begins anew, and decays again.

    Args:
        replay: the newest step.
        variables: those around the loop, with its optimiser.
        evidence: says how many steps were done.
        data: of the loop.
        work: seconds of a usual core that it may take.
        end: when it is given up, by :func:`clock`.

    Returns:
        The trained copies by the parameter's id, and the share of the steps that were done again.
    """
    calls = replay.graph.ops
    if any(op.name == "batch_norm" for op in calls):
        return None  # running statistics are not learned on a copy
    size = len(data.places[0])
    weights = sum(t.numel() for t in replay.parameters.values())
    cost = CALL_SECONDS * len(calls) + 3 * weights * size / MULTIPLICATIONS
    steps = min(evidence.done, int(work / cost))
    if steps < MIN_SHARE * evidence.done:
        return None
    copies = replay.copies()
    optimizer = _optimizer(variables, evidence, copies)
    if optimizer is None:
        return None
    rates = [rate for _, rate in evidence.learning_rates]
    again = evidence.rate_has_decayed
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        if clock() > end:
            return None
        if again:
            for group in optimizer.param_groups:
                group["lr"] = max(rates) * 0.5 * (1 + math.cos(math.pi * step / steps))
        with torch.enable_grad():
            loss = replay.repeat(replay.graph.tape.root, data.batch(generator) | copies)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
        optimizer.step()
    return copies, steps / evidence.done


def _optimizer(
    variables: Variables, evidence: Evidence, copies: dict[int, Tensor]
) -> torch.optim.Optimizer | None:
    """Return the loop's optimiser with copies in the place of its parameters; None if unknown."""
    if len(variables.optimizers) == 1:
        found = copy.deepcopy(variables.optimizers[0], dict(copies))
        held = {id(p) for group in found.param_groups for p in group["params"]}
        return found if {id(t) for t in copies.values()} <= held else None
    last = evidence.last
    if variables.optimizers or last is None or not (math.isfinite(last.lr) and last.lr > 0):
        return None
    return optimizer_like(last, last.lr)(list(copies.values()))
