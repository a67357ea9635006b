"""What is made by giving a network its own outputs, again and again."""

from collections.abc import Sequence

from torch import Tensor

from .graph import StepGraph
from .tape import Op, Tape

LONGER = 2.0
"""Times as often as in a step, beyond which a network that gets its own outputs is rolled out."""


def rolled_out(graph: StepGraph, tape: Tape) -> list[Tensor]:
    """Return what is made by giving a network its own outputs far more often than in a step.

    In such a rollout, as of a differential equation, errors add up, and its loss is another.
    """
    weights = list(graph.layers)
    if not weights:
        return []
    found = {id(t): t for op in tape.ops for t in op.outputs}
    for weight in (weights[0], weights[-1]):
        most = LONGER * max(passes_in_a_row(graph.ops, weight).values(), default=0)
        passes = passes_in_a_row(tape.ops, weight)
        found = {key: t for key, t in found.items() if passes[key] > most}
    return list(found.values())


def passes_in_a_row(ops: Sequence[Op], weight: int) -> dict[int, int]:
    """Return by the id of what is made how often a weight worked on what was made with it before.

    What is drawn or picked by its number, as the tokens of a text, begins anew.
    """
    passes: dict[int, int] = {}
    for op in ops:
        before = max((passes.get(id(t), 0) for t in op.inputs), default=0)
        before += any(id(t) == weight for t in op.inputs)
        for made in op.outputs:
            count = before if made.is_floating_point() else 0
            passes[id(made)] = max(count, passes.get(id(made), 0))
    return passes
