"""Training data that the step itself spoils: what it writes to, and classes that it mixes."""

from torch import Tensor

from .graph import StepGraph, Wired, shares_storage
from .tape import Op
from .variables import Variables

GOES_ON = frozenset(
    "add sub mul div iadd isub imul idiv itruediv pow ipow flip masked_fill dropout".split()
)
"""Changes in place that go on from what is there: done again, they change it once more."""


def overwritten(graph: StepGraph, variables: Variables) -> Wired:
    """Find examples that are changed where they lie, in a tensor that is there in every step.

    A slice, and what one number picks, is no copy: what is done to it in place stays in the data,
    and the next epoch begins with that.
    """
    slices: dict[int, Tensor] = {}
    for op in graph.tape.ops:
        if op.name == "getitem" and _are_rows_of(op.result, op.args[0]):
            # Of what the step itself has made, as by picking rows, it may change what it likes.
            whole = op.args[0]
            if id(whole) in slices or graph.made_by_behind_views(whole) is None:
                slices[id(op.result)] = whole
        elif not op.in_place or not op.args:  # functions of torch.nn.init have names alone
            continue
        elif id(op.args[0]) in slices and (op.name in GOES_ON or _erases(op)):
            whole = slices[id(op.args[0])]
            if _is_given(graph, whole) and not _is_learned(op):
                name = next((n for n, t in variables.data.items() if t is whole), "the data")
                return f"{name} itself is changed, again in each epoch", op
    return None


def interpolated_classes(graph: StepGraph) -> Wired:
    """Find classes of pixels that are interpolated: between 0 and 2 lies 1, another class.

    Probabilities of classes may be, which stay what they are; and levels of brightness, of which a
    network is given some to say the others.
    """
    targets = graph.targets
    if targets is None or targets.is_floating_point() or targets.dim() < 3:
        return None
    behind = graph.ancestors(targets).difference(*map(graph.ancestors, graph.inputs))
    for op in graph.tape.ops:
        if op.name != "interpolate" or id(op.outputs[0]) not in behind or not op.inputs:
            continue
        mode, given = str(op.argument(3, "mode", "nearest")), op.inputs[0]
        whole = bool((given == given.round()).all()) and given.numel() > len(given)
        if not mode.startswith("nearest") and whole and given.amax() > 1:
            words = f"classes of pixels are interpolated ({mode}): between two of them lie others"
            return words, op
    return None


def _are_rows_of(part: object, whole: object) -> bool:
    """Whether something is one row of a tensor, or some, without a copy of them."""
    if not isinstance(part, Tensor) or not isinstance(whole, Tensor) or part.requires_grad:
        return False
    if not whole.dim() or not shares_storage(part, whole):
        return False
    one = part.shape == whole.shape[1:]
    return one or (part.shape[1:] == whole.shape[1:] and part.dim() > 0 and len(part) < len(whole))


def _is_given(graph: StepGraph, whole: Tensor) -> bool:
    """Whether the network is given rows of a tensor, as they lie there or stacked."""
    for given in graph.inputs:
        maker = graph.made_by(given)
        parts = maker.inputs if maker is not None and maker.name == "stack" else (given,)
        if any(_are_rows_of(part.detach(), whole) for part in parts):
            return True
    return False


def _erases(op: Op) -> bool:
    """Whether a number is written into some places: ``x[mask] = 0``."""
    return (
        op.name == "setitem"
        and isinstance(op.args[1], Tensor)
        and isinstance(op.args[2], int | float)
    )


def _is_learned(op: Op) -> bool:
    """Whether what is written depends on weights, as a pool of what a network has made does."""
    return any(value.requires_grad for value in op.inputs)
