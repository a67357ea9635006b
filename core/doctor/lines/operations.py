"""Lines that the operations of a step show: each knows the line that called it."""

import ast
import linecache
import re
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from ..diagnosis import Cause
from ..made_modules import last_name, path
from ..watch.episode_ends import compared_bootstraps
from ..watch.graph import VIEWS
from ..watch.loss_wiring import FACTORS, met_all_targets
from ..watch.pairs import labelled_pairs
from ..watch.program_frames import Line
from ..watch.returns import returns_of_the_past
from ..watch.tape import LOSSES, OWN_FUNCTION, RECURRENT, Op
from ..watch.wiring import attentions, unmoved_heads, wired_in
from .program_lines import Lines

ATTENTIONS = ("scaled_dot_product_attention", "multi_head_attention_forward")
FILLS = ("masked_fill", "masked_scatter", "where", "tril", "triu", "index_fill", "scatter")
ALONG_TIME = ("conv1d", *sorted(RECURRENT))
"""What mixes positions besides attention."""
JOINED = VIEWS | {"stack", "cat", "to", "double", "unsqueeze"}
"""What leaves labels as they are, of several that are made one by one, too."""
NEAR_ZERO, FAR = 1e-6, 60.0
"""Below and above which a logarithm, a division or an exponential is about to fail."""
DIVISIONS = ("div", "truediv", "rtruediv", "itruediv", "reciprocal", "log", "log2", "log10")
ROOTS = ("sqrt", "rsqrt", "acos", "asin")


def loss(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The call of the loss function."""
    if lines.graph.loss:
        yield from lines.of_op(lines.graph.loss.op)


def outputs(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The operation that makes the outputs, such as a softmax before the loss."""
    op = lines.graph.made_by_behind_views(lines.graph.outputs)
    if op is not None and not _says(op):
        yield from existing(lines.made.line(lines.made.last(op.name)))
    yield from lines.of_op(op)


def existing(line: Line | None) -> Iterator[Line]:
    """Yield a line, if there is one."""
    if line:
        yield line


def _says(op: Op) -> bool:
    """Whether the line of an operation names it; that of a Sequential does not."""
    text = linecache.getline(*op.line) if op.line else ""
    return op.name.replace("_", "") in text.lower().replace("_", "")


def backward(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where backward passes are asked for."""
    for found in lines.graph.tape.passes:
        if found.line:
            yield found.line


def differentiated(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where what is differentiated is made."""
    made = {id(tensor): op for op in lines.graph.tape.ops for tensor in op.outputs}
    for found in lines.graph.tape.passes:
        yield from lines.of_op(made.get(id(found.root)))


def update(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the parameters are moved."""
    if lines.graph.tape.update_line:
        yield lines.graph.tape.update_line


def inputs(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the inputs of a step are made."""
    for tensor in lines.graph.inputs:
        yield from _given(lines, tensor)


def _given(lines: Lines, tensor: Any) -> Iterator[Line]:
    """Where a tensor was made, and where it was given its shape."""
    yield from lines.of_op(lines.graph.made_by_behind_views(tensor))
    yield from lines.of_op(lines.graph.made_by(tensor))


def first_layer(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the first layer is used."""
    yield from layers(lines, list(lines.graph.layers)[:1])


def dropped(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where units are left out, or keys of an attention."""
    for op in lines.graph.ops:
        if op.name == "dropout" or op.argument(4, "dropout_p", 0.0):
            yield from lines.of_op(op)


def targets(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the targets of a step are made."""
    yield from _given(lines, lines.graph.targets)


def terms(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The terms of the loss besides the criterion: its regulariser."""
    criterion = lines.graph.loss.op if lines.graph.loss else None
    for term, _ in reversed(lines.graph.terms):
        op = lines.graph.made_by(term)
        if op is not None and op is not criterion:
            yield from lines.of_op(op)


def averaged(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The criterion, where it is a mean over all outputs, and another term adds up its numbers.

    Then nobody has weighed them: the more outputs an example has, the less the criterion counts.
    """
    op = lines.graph.loss.op if lines.graph.loss else None
    if op is None or not op.inputs or op.name not in LOSSES:
        return
    outputs = op.inputs[0]
    is_mean = op.kwargs.get("reduction", "mean") == "mean" and outputs.numel() > len(outputs)
    if is_mean and any(_sums_unweighed(lines, term) for term, _ in lines.graph.terms):
        yield from lines.of_op(op)


def _sums_unweighed(lines: Lines, term: Tensor | float) -> bool:
    """Whether a term of the loss is a sum over each example's numbers, and nobody weighs it."""
    graph = lines.graph
    maker = graph.made_by(term) if isinstance(term, Tensor) else None
    root = graph.made_by(graph.tape.root) if graph.tape.root is not None else None
    if maker is None or root is None or not isinstance(term, Tensor):
        return False
    behind = graph.ancestors(term)
    made, factors = {id(term)}, []
    for op in graph.ops:
        if any(id(t) in made for t in op.inputs):
            made |= {id(t) for t in op.outputs}
            factors += [op] if op.name in FACTORS else []
    # One in its own line belongs to its formula, as the half of a divergence does.
    if any(op.line != maker.line or op.line == root.line for op in factors):
        return False
    sums = [op for op in graph.ops if op.name == "sum" and id(op.outputs[0]) in behind]
    return any(op.outputs[0].dim() and op.outputs[0].numel() < op.inputs[0].numel() for op in sums)


def named(lines: Lines, cause: Cause) -> list[int]:
    """Return the weights of the layers that are named, those in ``where`` first."""
    found: dict[int, bool] = {}
    for key in lines.graph.layers:
        weight = lines.graph.weights[key]
        names = (lines.variables.layer_name(weight), lines.variables.name(weight))
        parts = (rf"(?<![\w.]){re.escape(name)}(?!\w|\.\w)" for name in names)
        whole = re.compile("|".join(parts))
        said = cause.where if names[0].isdigit() else f"{cause.where} {cause.evidence}"
        if whole.search(said):
            found[key] = not whole.search(cause.where)
    return sorted(found, key=lambda key: found[key])


def layer(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The layers that are named."""
    yield from layers(lines, named(lines, cause))


def layers(lines: Lines, keys: list[int]) -> Iterator[Line]:
    """Where some layers are used; those in a Sequential, which no line calls, where they are made.

    Args:
        lines: of the program.
        keys: of their weights.
    """
    for key in keys:
        way = lines.made.path_of(lines.graph.weights[key])
        if any(isinstance(module, nn.Sequential) for module in way[-2:-1]):
            yield from existing(lines.made.line(way))
    for key in keys:
        yield from lines.of_op(lines.graph.layers[key])


def nonlinearity(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The nonlinearities behind the layers that are named."""
    for key in named(lines, cause):
        op = lines.graph.nonlinearities.get(key)
        if op is not None and not _says(op):
            way = lines.made.path_of(lines.graph.weights[key])
            yield from existing(lines.made.line(lines.made.activation(way, op.name)))
        yield from lines.of_op(op)


def use(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the network is used otherwise than it is trained: the layers that are named first."""
    used = [key for key in named(lines, cause) if key in lines.used]
    yield from (lines.used[key] for key in used)
    yield from lines.used.values()


def loaded(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a copy that is used has loaded the network's weights: behind it, eval() is missing."""
    yield from existing(lines.loaded)


def own_function(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The backward of an own function, and where that is called."""
    for file, node in lines.walk():
        if isinstance(node, ast.FunctionDef) and node.name == "backward":
            yield file, node.lineno
    for op in lines.graph.ops:
        if op.name == OWN_FUNCTION:
            yield from lines.of_op(op)


def attention(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The softmax of an attention, behind its mask; or else what mixes positions."""
    for softmax, *_ in attentions(lines.graph):
        yield from lines.of_op(softmax)
    for names in (ATTENTIONS, ALONG_TIME):
        for op in lines.graph.ops:
            if op.name in names:
                yield from lines.of_op(op)


def thrown_away(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a mask is filled in, and nothing is done with the result: that is a new tensor."""
    used = {id(t) for op in lines.graph.tape.ops for t in op.inputs}
    for op in lines.graph.tape.ops:
        if op.name in FILLS and not op.in_place and used.isdisjoint(map(id, op.outputs)):
            yield from lines.of_op(op)


def recurrent(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a recurrent layer is made that takes the first dimension for time, and gets a batch."""
    sizes = {len(t) for t in lines.graph.inputs if t.dim()}
    for op in lines.graph.tape.ops:
        if op.name in RECURRENT and op.inputs[0].dim() == 3 and len(op.inputs[0]) in sizes:
            weight = next((t for t in op.inputs if id(t) in lines.graph.weights), None)
            if weight is not None and op.args[-1] is False:  # batch_first
                yield from existing(lines.made.line(lines.made.path_of(weight)))


def wired(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The operation in which something is wired oddly."""
    yield from lines.of_op(wired_in(cause.id, lines.graph, lines.variables))


def heads(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where heads are split off, and joined, without being moved: of queries, keys and values."""
    for op in unmoved_heads(lines.graph):
        yield from lines.of_op(op)


def labels_of_pairs(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where labels are made that mean the other to a loss, and where that meets them.

    Of both, the first is the one that is not as in the paper, in which a 0 says "similar".
    """
    found = next(labelled_pairs(lines.graph), None)
    if found is None:
        return
    made = lines.graph.made_by(found.labels)
    while made is not None and made.inputs and made.name in JOINED:
        made = lines.graph.made_by(made.inputs[0])
    decided = made is not None and (not made.inputs or made.name in ("eq", "ne"))
    larger = found.push > found.pull
    for op in (made, found.met) if decided and larger else (found.met, made):
        yield from lines.of_op(op)
    if not decided:  # they were made before the step
        yield from _compared_for(lines, found.labels)


def _compared_for(lines: Lines, labels: Tensor) -> Iterator[Line]:
    """Where two classes are compared for what a variable holds, of which labels are drawn."""
    op = lines.graph.made_by(labels)
    while op is not None and op.name in ("getitem", "index_select", *JOINED):
        labels = op.inputs[0]
        op = lines.graph.made_by(labels)
    names = (name for name, held in lines.variables.data.items() if held is labels)
    for step in (step for name in names for step in lines.origins.of_name(name).steps):
        if any(isinstance(part, ast.Compare) for part in ast.walk(step.node)):
            yield step.line


def past_returns(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where rewards are added up from the first to the last, or their sums are kept so."""
    found = returns_of_the_past(lines.graph)
    yield from existing(found[1] if found else None)


def bootstrapped(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where discounted values of later states are added to rewards."""
    for found in compared_bootstraps(lines.graph):
        yield from existing(found.line)


def meeting(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a loss by hand compares each output with the targets of all examples."""
    met = met_all_targets(lines.graph)
    yield from lines.of_op(met[0] if met else None)


def meeting_in_use(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where an evaluation compares each output with the targets of all examples."""
    yield from existing(lines.met)


def block(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a block calls its attention, around which a path is to lead."""
    op = wired_in(cause.id, lines.graph, lines.variables)
    keys = {key for t in op.inputs for key in lines.graph.origin.get(id(t), ())} if op else ()
    way = max(map(lines.made.path_of, map(lines.graph.weights.get, keys)), key=len, default=[])
    listed = nn.Sequential | nn.ModuleList
    depth = next((k for k, m in enumerate(way[:-1]) if isinstance(m, listed)), -1) + 1
    if depth + 1 < len(way):
        yield from existing(lines.made.call(way[depth], way[depth + 1]))


def repeated(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the modules are made of which one stands in several places."""
    for root in lines.variables.modules.values():
        for name, module in root.named_modules():
            if isinstance(module, nn.Sequential | nn.ModuleList):
                children = [child for child in module._modules.values() if child is not None]
                if len({id(child) for child in children}) < len(children):
                    yield from existing(lines.made.line(path(root, name)))


def derivative(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a derivative is taken that stands in the loss."""
    for found in lines.graph.tape.passes:
        if found.through_grad and found.line:
            yield found.line


def nan(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the first NaN was made."""
    yield from existing(lines.nan)


def risky(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Logarithms, divisions and exponentials that were about to fail in the newest finite step."""
    for op in lines.graph.ops:
        given = [t.detach() for t in op.inputs if t.is_floating_point() and t.numel()]
        if not given or lines.graph.kind(op.outputs[0]) is None:
            continue
        low, high = float(given[-1].abs().min()), float(given[-1].max())
        near = low < NEAR_ZERO and (op.name in DIVISIONS and len(given) == len(op.inputs))
        if near or (low < NEAR_ZERO and op.name in ROOTS) or (op.name == "exp" and high > FAR):
            yield from lines.of_op(op)


def cut(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the graph is cut: a signal is detached, or made a new tensor of."""
    for op in lines.graph.tape.ops:
        made = lines.graph.kind(op.outputs[0]) if op.outputs else None
        signal = any(lines.graph.kind(t) == "signal" for t in op.inputs)
        if signal and made == "data" and op.outputs[0].is_floating_point():
            yield from lines.of_op(op)
    yield from lines.calls(lambda call: last_name(call.func) in ("detach", "detach_", "item"))


def across_batch(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where examples of a batch meet: what runs along their dimension, or moves it."""
    sizes = {len(t) for t in lines.graph.inputs if t.dim()}
    for op in lines.graph.ops:
        given = next((t for t in op.inputs if lines.graph.kind(t) == "signal" and t.dim()), None)
        if given is None or len(given) not in sizes or not op.outputs or op.name == "getitem":
            continue
        made = op.outputs[0]
        dim = op.argument(1, "dim")
        first = isinstance(dim, int) and dim == 0
        along = first and op.name not in ("cat", "unsqueeze", "squeeze")
        moved = made.dim() > 1 and len(made) not in sizes and made.numel() == given.numel()
        if along or (moved and len(made) % len(given)):
            yield from lines.of_op(op)


def crash(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the loop ended with an error."""
    if lines.crashed:
        yield lines.crashed


def kept(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where weights were kept that are no copy, and where they were loaded."""
    for line in lines.kept:
        yield from existing(line)
