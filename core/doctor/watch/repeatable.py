"""Whether a step that is repeated from its tape computes what it has computed."""

import torch
from torch import Tensor

from .graph import StepGraph
from .tape import RANDOM, ops_behind
from .tape_replay import isolated, replay

FEW_DIGITS = (torch.bfloat16, torch.float16)
EXACT, EXACT_IN_FEW_DIGITS = 1e-3, 0.05
"""Part of the largest output by which those of a repeated step may differ."""
NOT_REPEATABLE = RANDOM | {"dropout", "scaled_dot_product_attention"}


def is_repeatable(graph: StepGraph, names: dict[int, str], before: dict[str, Tensor]) -> bool:
    """Repeat a step with the weights before its update; whether the outputs are its own.

    What is written through a view, or computed outside of torch, is not on a tape.

    Args:
        graph: of the step.
        names: of its parameters, by their ids.
        before: the weights before its update, by these names.
    """
    outputs, targets = graph.outputs, graph.targets
    if outputs is None or targets is None or not bool(torch.isfinite(outputs).all()):
        return True
    substitutes = {id(t): t for t in (*graph.inputs, targets)}
    ops = ops_behind(graph.tape, [outputs], substitutes)
    # Weights that were made in this step, as a network in the first one, are drawn anew.
    makes = any(op.in_place and graph.kind(op.inputs[0]) == "weights" for op in ops if op.inputs)
    if makes or any(op.name in NOT_REPEATABLE for op in ops):
        return True
    for key, name in names.items():
        if name in before:
            substitutes[key] = before[name]
    try:
        with isolated(), torch.no_grad():
            repeated = replay(graph.tape, (outputs,), substitutes)[0].float()
    except (RuntimeError, ValueError, IndexError, TypeError):
        return False
    original = outputs.detach().float()
    error = float((repeated - original).abs().max())
    # What autocast computed in few digits is repeated in more of them.
    few = any(t.dtype in FEW_DIGITS for op in ops for t in op.outputs)
    exact = EXACT_IN_FEW_DIGITS if few else EXACT
    return error <= exact * float(original.abs().max()) + 1e-12
