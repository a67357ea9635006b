"""The lines of a program in which a cause lies: each operation knows the line that called it.

What no operation shows, such as where an optimiser is made, is looked for in the source of the
files that the operations come from.
"""

import ast
import linecache
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .diagnosis import Cause, CodeLine
from .watch.graph import StepGraph
from .watch.tape import OWN_FILES, OWN_FUNCTION, Line, Op
from .watch.variables import LEARNING_RATE, Variables

MOST = 4
"""Lines of a cause."""
ATTENTIONS = ("softmax", "scaled_dot_product_attention", "multi_head_attention_forward")
CELL = re.compile(r"^(.*), cell (\d+)$")
CELLS: dict[str, tuple[str, int]] = {}
"""Of a notebook that runs in Jupyter: its name and the cell's number, by what Jupyter calls it."""


@dataclass
class Lines:
    """Finds lines in what is known of a program.

    Attributes:
        graph: the newest step that was observed.
        variables: those around the loop.
        used: where each weight was used besides, by its id.
        crashed: the line in which the loop ended with an error; None.
    """

    graph: StepGraph
    variables: Variables
    used: Mapping[int, Line] = field(default_factory=dict)
    crashed: Line | None = None

    def of(self, cause: Cause) -> tuple[CodeLine, ...]:
        """Return the lines of a cause, most telling first."""
        finders = _FINDERS.get(cause.id, (_layer, _loss))
        found: dict[Line, CodeLine] = {}
        for finder in finders:
            for line in finder(self, cause):
                if line and line not in found and (read := _read(line)):
                    found[line] = read
        return tuple(found.values())[:MOST]

    def of_op(self, op: Op | None) -> Iterator[Line]:
        """Yield the line of an operation, if that is known."""
        if op is not None and op.line:
            yield op.line

    def files(self) -> list[str]:
        """Return the files of the step; of a program that is watched all of its own."""
        passes = [found.line for found in self.graph.tape.passes]
        lines = [*passes, *(op.line for op in self.graph.ops)]
        files = dict.fromkeys(line[0] for line in lines if line)
        notebooks = {cell[0] for file in files if (cell := _cell(file))}
        cells = {file: cell[0] for file in list(linecache.cache) if (cell := _cell(file))}
        files |= dict.fromkeys(file for file, name in cells.items() if name in notebooks)
        return [*files, *sorted(OWN_FILES - set(files))]


def _cell(file: str) -> tuple[str, int] | None:
    """Return the notebook and the number of a cell; None of any other file."""
    found = CELL.match(file)
    return (found.group(1), int(found.group(2))) if found else CELLS.get(file)


def _read(line: Line) -> CodeLine | None:
    """Return a line with its text; None if there is no such line."""
    text = linecache.getline(*line).strip()
    if not text:
        return None
    file, cell = _cell(line[0]) or (line[0], None)
    return CodeLine(file, cell, line[1], text)


# What the operations show.

Finder = Callable[[Lines, Cause], Iterator[Line]]


def _loss(lines: Lines, cause: Cause) -> Iterator[Line]:
    if lines.graph.loss:
        yield from lines.of_op(lines.graph.loss.op)


def _outputs(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The operation that makes the outputs, such as a softmax before the loss."""
    yield from lines.of_op(lines.graph.made_by_behind_views(lines.graph.outputs))


def _backward(lines: Lines, cause: Cause) -> Iterator[Line]:
    for found in lines.graph.tape.passes:
        if found.line:
            yield found.line


def _update(lines: Lines, cause: Cause) -> Iterator[Line]:
    if lines.graph.tape.update_line:
        yield lines.graph.tape.update_line


def _inputs(lines: Lines, cause: Cause) -> Iterator[Line]:
    for tensor in lines.graph.inputs:
        yield from _given(lines, tensor)


def _given(lines: Lines, tensor: Any) -> Iterator[Line]:
    """Where a tensor was made, and where it was given its shape."""
    yield from lines.of_op(lines.graph.made_by_behind_views(tensor))
    yield from lines.of_op(lines.graph.made_by(tensor))


def _first_layer(lines: Lines, cause: Cause) -> Iterator[Line]:
    yield from lines.of_op(next(iter(lines.graph.layers.values()), None))


def _targets(lines: Lines, cause: Cause) -> Iterator[Line]:
    yield from _given(lines, lines.graph.targets)


def _terms(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The terms of the loss besides the criterion: its regulariser."""
    criterion = lines.graph.loss.op if lines.graph.loss else None
    for term, _ in reversed(lines.graph.terms):
        op = lines.graph.made_by(term)
        if op is not None and op is not criterion:
            yield from lines.of_op(op)


def _named(lines: Lines, cause: Cause) -> list[int]:
    """Return the weights of the layers that are named, those in ``where`` first."""
    found: dict[int, bool] = {}
    for key in lines.graph.layers:
        weight = lines.graph.weights[key]
        names = (lines.variables.layer_name(weight), lines.variables.name(weight))
        whole = re.compile("|".join(rf"(?<![\w.]){re.escape(name)}(?!\w)" for name in names))
        if whole.search(f"{cause.where} {cause.evidence}"):
            found[key] = not whole.search(cause.where)
    return sorted(found, key=lambda key: found[key])


def _layer(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The layers that are named."""
    for key in _named(lines, cause):
        yield from lines.of_op(lines.graph.layers[key])


def _nonlinearity(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The nonlinearities behind the layers that are named."""
    for key in _named(lines, cause):
        yield from lines.of_op(lines.graph.nonlinearities.get(key))


def _use(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the network is used otherwise than it is trained: the layers that are named first."""
    used = [key for key in _named(lines, cause) if key in lines.used]
    yield from (lines.used[key] for key in used)
    yield from lines.used.values()


def _own_function(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The backward of an own function, and where that is called."""
    for file in lines.files():
        for node in _walk(file):
            if isinstance(node, ast.FunctionDef) and node.name == "backward":
                yield file, node.lineno
    for op in lines.graph.ops:
        if op.name == OWN_FUNCTION:
            yield from lines.of_op(op)


def _attention(lines: Lines, cause: Cause) -> Iterator[Line]:
    for op in lines.graph.ops:
        if op.name in ATTENTIONS:
            yield from lines.of_op(op)


def _crash(lines: Lines, cause: Cause) -> Iterator[Line]:
    if lines.crashed:
        yield lines.crashed


# What only the source shows.


def _calls(lines: Lines, wanted: Callable[[ast.Call], bool]) -> Iterator[Line]:
    for file in lines.files():
        for node in _walk(file):
            if isinstance(node, ast.Call) and wanted(node):
                yield file, node.lineno


def _assigned(
    lines: Lines,
    wanted: Callable[[str], bool],
    wanted_value: Callable[[ast.expr], bool] = lambda value: True,
) -> Iterator[Line]:
    """Yield where a variable or an attribute of such a name is given a value, or such a value."""
    for file in lines.files():
        for node in _walk(file):
            if isinstance(node, ast.Assign) and wanted_value(node.value):
                parts = (t.elts if isinstance(t, ast.Tuple) else [t] for t in node.targets)
                if any(wanted(_name(part)) for some in parts for part in some):
                    yield file, node.lineno


def _optimiser(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where an optimiser is made, or else a learning rate is given a value."""
    known = {type(optimizer).__name__ for optimizer in lines.variables.optimizers}
    yield from _calls(lines, lambda call: _name(call.func) in known)
    yield from _assigned(lines, lambda name: name.lower() in LEARNING_RATE)


def _schedule(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a schedule is made, or does a step."""

    def is_schedule(call: ast.Call, does_step: bool) -> bool:
        name = ast.unparse(call.func)
        named = "lr_scheduler" in name or name.endswith("LR") or "sched" in name.lower()
        return named and name.endswith(".step") == does_step

    yield from _calls(lines, lambda call: is_schedule(call, False))
    yield from _calls(lines, lambda call: is_schedule(call, True))


def _frozen(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a parameter is told to need no gradient."""

    def is_false(node: ast.expr) -> bool:
        return isinstance(node, ast.Constant) and node.value is False

    yield from _calls(
        lines,
        lambda call: _name(call.func) == "requires_grad_" and any(map(is_false, call.args)),
    )
    yield from _assigned(lines, lambda name: name == "requires_grad", is_false)


def _made(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where what is named is made: ``W1 = torch.randn(...)``, ``self.fc1 = nn.Linear(...)``."""
    names = {part for part in re.split(r"[^\w]+", cause.where) if part and not part.isdigit()}
    names -= {"weight", "bias"}
    yield from _assigned(lines, lambda name: name in names)


def _softmax(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a softmax or a sigmoid is a layer of the network."""
    yield from _calls(lines, lambda call: _name(call.func) in ("Softmax", "LogSoftmax", "Sigmoid"))


def _last_layer(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the last layer is made, whose size decides on the first loss."""
    if not lines.graph.layers:
        return
    key = next(reversed(lines.graph.layers))
    parts = lines.variables.name(lines.graph.weights[key]).removesuffix(".weight").split(".")
    yield from _assigned(lines, lambda name: name in parts)
    yield from lines.of_op(lines.graph.layers[key])


def _loader(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where batches come from."""
    yield from _calls(lines, lambda call: _name(call.func) == "DataLoader")


def _restored(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where weights are loaded."""
    yield from _calls(lines, lambda call: _name(call.func) == "load_state_dict")


def _clipping(lines: Lines, cause: Cause) -> Iterator[Line]:
    yield from _calls(lines, lambda call: _name(call.func).startswith("clip_grad"))


def _walk(file: str) -> Iterator[ast.AST]:
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError):
        return
    yield from ast.walk(tree)


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


_RATE = (_schedule, _optimiser, _update)
_FINDERS: dict[str, tuple[Finder, ...]] = {
    "nan": (_layer, _loss),
    "labels_out_of_range": (_crash, _loss, _targets),
    "wrong_update_sign": (_update, _backward),
    "gradients_not_zeroed": (_backward, _update),
    "crash": (_crash,),
    "parameter_not_trained": (_optimiser, _layer, _made, _backward),
    "weights_restored": (_restored, _update),
    "wrong_backward": (_own_function,),
    "replicas_drift": (_backward, _optimiser),
    "frozen_layer": (_frozen, _made, _layer, _optimiser),
    "symmetric_init": (_made, _layer),
    "bad_init_scale": (_made, _layer, _last_layer, _loss),
    "saturated_units": (_nonlinearity, _layer, _made),
    "dead_units": (_nonlinearity, _layer, _made),
    "vanishing_gradient": (_nonlinearity, _layer),
    "exploding_gradient": (_backward, _layer, _optimiser),
    "no_nonlinearity": (_layer,),
    "double_softmax": (_softmax, _outputs, _loss),
    "wrong_loss": (_loss, _outputs),
    "positions_missing": (_first_layer, _attention),
    "residual_missing": (_attention,),
    "batch_repeated": (_loader, _inputs),
    "inputs_not_normalised": (_inputs, _first_layer),
    "targets_unscaled": (_loss, _targets),
    "not_shuffled": (_loader, _inputs, _targets),
    "inputs_ignored": (_inputs, _first_layer),
    "labels_shuffled": (_targets, _loader, _loss),
    "labels_noisy": (_targets, _loader, _loss),
    "class_imbalance": (_targets, _loader, _loss),
    "detached_regulariser": (_terms, _loss),
    "regulariser_dominates": (_terms, _optimiser, _loss),
    "batch_mixed": (_layer, _outputs, _loss),
    "future_leak": (_targets, _inputs, _loss),
    "data_overlap": (_made, _inputs),
    "train_eval_mismatch": (_use, _outputs),
    "stale_cache": (_use,),
    "clipping_too_strong": (_clipping, _optimiser),
    "warmup_too_long": _RATE,
    "lr_growing": _RATE,
    "lr_vanished": _RATE,
    "lr_too_high": (_optimiser, _update),
    "lr_too_low": (_optimiser, _update),
    "oscillation": (_optimiser, _update),
    "overfitting": (_loss,),
    "metric_disagrees": (_use, _loss),
    "context_too_short": (_inputs, _first_layer),
    "vocabulary_unused": (_loss, _targets),
    "plateau": (_optimiser, _loss),
}
