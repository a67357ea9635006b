"""Where the examples of a batch come from."""

from torch import Tensor

from ..watch.graph import StepGraph


def source_of(graph: StepGraph, tensor: Tensor) -> Tensor | None:
    """Return the tensor that a batch was drawn from by indices; None if that is not on the tape."""
    for _ in range(6):
        op = graph.made_by(tensor)
        if op is None:
            return None
        if op.name in ("getitem", "index_select"):
            source: Tensor = op.args[0]
            return None if graph.made_by(source) else source
        if op.name in ("stack", "cat") and op.inputs:  # a DataLoader's batch
            tensor = op.inputs[0]
        elif op.name in ("float", "long", "to", "view", "reshape"):
            tensor = op.args[0]
        else:
            return None  # what was done afterwards would have to be done to all of it
    return None
