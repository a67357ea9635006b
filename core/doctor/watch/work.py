"""How much work a step is: by that, and not by the clock, it is decided what is tried and how long.

The same program then gets the same answer on a slow machine, and beside others; the clock only ends
what takes several times as long as it should.
"""

import time
from collections.abc import Iterable

from .tape import PRODUCTS, RECURRENT, Op

CALL = 20_000
"""Multiplications that a CPU does in the time that it takes to call one."""
CALL_SECONDS, MULTIPLICATIONS = 3e-5, 1e10
"""Seconds of a usual core for a call on a tape and its gradient, and multiplications a second."""
SEEN, SEEN_CALL, SEEN_WEIGHT = 3e-3, 2e-4, 2e-8
"""Seconds of a usual core that it takes to observe a step, and more for each call and weight."""
SLOWER = 3.0
"""Times the seconds of a usual core, after which the clock ends something."""
OWN = 0.9
"""The part of this clock that is the thread's own time; the rest is everybody's."""
COMPOSED = {"multi_head_attention_forward": 25}
"""Of how many calls a function of torch consists."""


def clock() -> float:
    """Return seconds that pass more slowly while others keep the machine busy."""
    return OWN * time.thread_time() + (1 - OWN) * time.perf_counter()


def multiplications(op: Op) -> int:
    """Return the multiplications of a call, and as many as its overhead is worth."""
    size = max((t.numel() for t in op.outputs), default=0)
    matrices = [t for t in op.inputs if t.dim() > 1]
    if op.name in RECURRENT and matrices:
        rows = size // max(1, op.outputs[0].shape[-1])
        return CALL + rows * sum(t.numel() for t in matrices[1:])
    if op.name in PRODUCTS and op.name != "embedding" and matrices:
        inner = matrices[0].shape[-1]
        if op.name.startswith("conv") and len(matrices) > 1:
            inner = matrices[1][0].numel()
        return CALL + size * inner
    return CALL + size


def step_seconds(ops: Iterable[Op]) -> float:
    """Return the seconds of a usual core that a step takes, forward and backward."""
    calls = [(_calls(op), multiplications(op)) for op in ops]
    return sum(CALL_SECONDS * count + 3 * work / MULTIPLICATIONS for count, work in calls)


def observing_seconds(calls: int, weights: int) -> float:
    """Return the seconds of a usual core that it takes to observe a step of so many of both."""
    return SEEN + SEEN_CALL * calls + SEEN_WEIGHT * weights


def _calls(op: Op) -> int:
    """Return as how many calls one counts: a recurrent layer makes one at each position."""
    if op.name not in RECURRENT or not op.inputs or op.inputs[0].dim() != 3:
        return COMPOSED.get(op.name, 1)
    by_rows = op.argument(8, "batch_first", False)
    return int(op.inputs[0].shape[1 if by_rows else 0])
