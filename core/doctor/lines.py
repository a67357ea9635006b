"""The lines of a program in which a cause lies: each operation knows the line that called it.

What no operation shows, such as where an optimiser is made, is looked for in the source of the
files that the operations come from.
"""

import ast
import linecache
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from .diagnosis import Cause, CodeLine
from .made_modules import MadeModules, last_name, path
from .watch.graph import StepGraph
from .watch.loss_wiring import met_all_targets
from .watch.tape import OWN_FILES, OWN_FUNCTION, RECURRENT, Line, Op
from .watch.variables import LEARNING_RATE, Variables, is_validation
from .watch.wiring import attentions, wired_in

MOST = 4
"""Lines of a cause."""
ATTENTIONS = ("scaled_dot_product_attention", "multi_head_attention_forward")
ALONG_TIME = ("conv1d", *sorted(RECURRENT))
"""What mixes positions besides attention."""
NEAR_ZERO, FAR = 1e-6, 60.0
"""Below and above which a logarithm, a division or an exponential is about to fail."""
DIVISIONS = ("div", "truediv", "rtruediv", "itruediv", "reciprocal", "log", "log2", "log10")
ROOTS = ("sqrt", "rsqrt", "acos", "asin")
LOW_PRECISION = ("half", "bfloat16", "float16")
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
        nan: the line whose result was the first NaN; None.
    """

    graph: StepGraph
    variables: Variables
    used: Mapping[int, Line] = field(default_factory=dict)
    crashed: Line | None = None
    nan: Line | None = None

    def of(self, cause: Cause) -> tuple[CodeLine, ...]:
        """Return the lines of a cause, most telling first."""
        words = f"{cause.where} {cause.evidence}"
        cases = (f for id, part, f in _CASES if id == cause.id and part in words)
        finders = next(cases, _FINDERS.get(cause.id, (_layer, _loss)))
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

    def walk(self) -> Iterator[tuple[str, ast.AST]]:
        """Yield all nodes of the program's syntax trees, each with its file."""
        for file, tree in self.trees.items():
            for node in ast.walk(tree):
                yield file, node

    @cached_property
    def trees(self) -> Mapping[str, ast.AST]:
        """The syntax trees of the files, as far as they are Python."""
        found = {}
        for file in self.files():
            with suppress(SyntaxError, ValueError, RecursionError):
                found[file] = ast.parse("".join(linecache.getlines(file)))
        return found

    @cached_property
    def made(self) -> MadeModules:
        """Where the modules of the network are made."""
        return MadeModules(self.trees, self.variables.modules)


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
    op = lines.graph.made_by_behind_views(lines.graph.outputs)
    if op is not None and not _says(op):
        yield from _existing(lines.made.line(lines.made.last(op.name)))
    yield from lines.of_op(op)


def _existing(line: Line | None) -> Iterator[Line]:
    if line:
        yield line


def _says(op: Op) -> bool:
    """Whether the line of an operation names it; that of a Sequential does not."""
    text = linecache.getline(*op.line) if op.line else ""
    return op.name.replace("_", "") in text.lower().replace("_", "")


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
    yield from _layers(lines, list(lines.graph.layers)[:1])


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
        parts = (rf"(?<![\w.]){re.escape(name)}(?!\w|\.\w)" for name in names)
        whole = re.compile("|".join(parts))
        said = cause.where if names[0].isdigit() else f"{cause.where} {cause.evidence}"
        if whole.search(said):
            found[key] = not whole.search(cause.where)
    return sorted(found, key=lambda key: found[key])


def _layer(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The layers that are named."""
    yield from _layers(lines, _named(lines, cause))


def _layers(lines: Lines, keys: list[int]) -> Iterator[Line]:
    """Where some layers are used; those in a Sequential, which no line calls, where they are made.

    Args:
        lines: of the program.
        keys: of their weights.
    """
    for key in keys:
        way = lines.made.path_of(lines.graph.weights[key])
        if any(isinstance(module, nn.Sequential) for module in way[-2:-1]):
            yield from _existing(lines.made.line(way))
    for key in keys:
        yield from lines.of_op(lines.graph.layers[key])


def _nonlinearity(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The nonlinearities behind the layers that are named."""
    for key in _named(lines, cause):
        op = lines.graph.nonlinearities.get(key)
        if op is not None and not _says(op):
            way = lines.made.path_of(lines.graph.weights[key])
            yield from _existing(lines.made.line(lines.made.activation(way, op.name)))
        yield from lines.of_op(op)


def _use(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the network is used otherwise than it is trained: the layers that are named first."""
    used = [key for key in _named(lines, cause) if key in lines.used]
    yield from (lines.used[key] for key in used)
    yield from lines.used.values()


def _own_function(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The backward of an own function, and where that is called."""
    for file, node in lines.walk():
        if isinstance(node, ast.FunctionDef) and node.name == "backward":
            yield file, node.lineno
    for op in lines.graph.ops:
        if op.name == OWN_FUNCTION:
            yield from lines.of_op(op)


def _attention(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The softmax of an attention, behind its mask; or else what mixes positions."""
    for softmax, *_ in attentions(lines.graph):
        yield from lines.of_op(softmax)
    for names in (ATTENTIONS, ALONG_TIME):
        for op in lines.graph.ops:
            if op.name in names:
                yield from lines.of_op(op)


def _wired(lines: Lines, cause: Cause) -> Iterator[Line]:
    """The operation in which something is wired oddly."""
    yield from lines.of_op(wired_in(cause.id, lines.graph, lines.variables))


def _meeting(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a loss by hand compares each output with the targets of all examples."""
    met = met_all_targets(lines.graph)
    yield from lines.of_op(met[0] if met else None)


def _block(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a block calls its attention, around which a path is to lead."""
    op = wired_in(cause.id, lines.graph, lines.variables)
    keys = {key for t in op.inputs for key in lines.graph.origin.get(id(t), ())} if op else ()
    way = max(map(lines.made.path_of, map(lines.graph.weights.get, keys)), key=len, default=[])
    listed = nn.Sequential | nn.ModuleList
    depth = next((k for k, m in enumerate(way[:-1]) if isinstance(m, listed)), -1) + 1
    if depth + 1 < len(way):
        yield from _existing(lines.made.call(way[depth], way[depth + 1]))


def _repeated(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the modules are made of which one stands in several places."""
    for root in lines.variables.modules.values():
        for name, module in root.named_modules():
            if isinstance(module, nn.Sequential | nn.ModuleList):
                children = [child for child in module._modules.values() if child is not None]
                if len({id(child) for child in children}) < len(children):
                    yield from _existing(lines.made.line(path(root, name)))


def _derivative(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a derivative is taken that stands in the loss."""
    for found in lines.graph.tape.passes:
        if found.through_grad and found.line:
            yield found.line


def _nan(lines: Lines, cause: Cause) -> Iterator[Line]:
    yield from _existing(lines.nan)


def _risky(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Logarithms, divisions and exponentials that were about to fail in the newest finite step."""
    for op in lines.graph.ops:
        given = [t.detach() for t in op.inputs if t.is_floating_point() and t.numel()]
        if not given or lines.graph.kind(op.outputs[0]) is None:
            continue
        low, high = float(given[-1].abs().min()), float(given[-1].max())
        near = low < NEAR_ZERO and (op.name in DIVISIONS and len(given) == len(op.inputs))
        if near or (low < NEAR_ZERO and op.name in ROOTS) or (op.name == "exp" and high > FAR):
            yield from lines.of_op(op)


def _cut(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the graph is cut: a signal is detached, or made a new tensor of."""
    for op in lines.graph.tape.ops:
        made = lines.graph.kind(op.outputs[0]) if op.outputs else None
        signal = any(lines.graph.kind(t) == "signal" for t in op.inputs)
        if signal and made == "data" and op.outputs[0].is_floating_point():
            yield from lines.of_op(op)
    yield from _calls(lines, lambda call: last_name(call.func) in ("detach", "detach_", "item"))


def _across_batch(lines: Lines, cause: Cause) -> Iterator[Line]:
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


def _crash(lines: Lines, cause: Cause) -> Iterator[Line]:
    if lines.crashed:
        yield lines.crashed


# What only the source shows.


def _data(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the data that inputs come from is given its last value, before the step."""
    for tensor in lines.graph.inputs:
        yield from _source(lines, tensor)


def _labels(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the data that targets come from is given its last value, before the step."""
    if lines.graph.targets is not None:
        yield from _source(lines, lines.graph.targets)


def _source(lines: Lines, tensor: Tensor) -> Iterator[Line]:
    names = {lines.variables.names.get(key, "") for key in lines.graph.ancestors(tensor)}
    held = [*lines.variables.data.items()]
    for dataset in lines.variables.datasets.values():
        while hasattr(dataset, "dataset"):  # a part of another one
            dataset = dataset.dataset
        for one in getattr(dataset, "tensors", ()):
            if one.shape[1:] == tensor.shape[1:] and one.dtype == tensor.dtype:
                names |= {name for name, t in held if _shares(t, one)}
    in_step = {op.line for op in lines.graph.tape.ops}
    last = {name.rpartition(".")[2] for name in names if name} & {n.split(".")[-1] for n, _ in held}
    for wanted in (_is_computed, lambda value: not _is_computed(value)):
        found = _assigned(lines, lambda name: name in last, wanted)
        yield from reversed([line for line in found if line not in in_step])


def _is_computed(value: ast.expr) -> bool:
    """Whether data is given other values; not where it is cut, shuffled or moved."""
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    moves = ("to", "cuda", "long", "clone", "contiguous")
    return not all(
        isinstance(part, ast.Subscript | ast.Name)
        or (isinstance(part, ast.Call) and last_name(part.func) in moves)
        for part in parts
    )


def _shares(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are parts of the same memory."""
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def _calls(lines: Lines, wanted: Callable[[ast.Call], bool]) -> Iterator[Line]:
    for file, node in lines.walk():
        if isinstance(node, ast.Call) and wanted(node):
            yield file, node.lineno


def _assigned(
    lines: Lines,
    wanted: Callable[[str], bool],
    wanted_value: Callable[[ast.expr], bool] = lambda value: True,
) -> Iterator[Line]:
    """Yield where a variable or an attribute of such a name is given a value, or such a value."""
    for file, node in lines.walk():
        if isinstance(node, ast.Assign) and wanted_value(node.value):
            parts = (t.elts if isinstance(t, ast.Tuple) else [t] for t in node.targets)
            if any(wanted(last_name(part)) for some in parts for part in some):
                yield file, node.lineno


def _optimiser(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where an optimiser is made, or else a learning rate is given a value."""
    known = {type(optimizer).__name__ for optimizer in lines.variables.optimizers}
    yield from _calls(lines, lambda call: last_name(call.func) in known)
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
        lambda call: last_name(call.func) == "requires_grad_" and any(map(is_false, call.args)),
    )
    yield from _assigned(lines, lambda name: name == "requires_grad", is_false)


def _made(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where what is named is made: ``W1 = torch.randn(...)``, ``self.fc1 = nn.Linear(...)``."""
    for key in _named(lines, cause):
        yield from _existing(lines.made.line(lines.made.path_of(lines.graph.weights[key])))
    names = {part for part in _parts_of(cause.where) if not part.startswith("[")}
    yield from _assigned(lines, lambda name: name in names)


def _parts_of(names: str) -> set[str]:
    """Return the parts of dotted names: of ``body.0.weight`` they are ``body`` and ``[0]``."""
    parts = set(re.split(r"[^\w]+", names)) - {"", "weight", "bias"}
    return {f"[{part}]" if part.isdigit() else part for part in parts}


def _initialised(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where weights are given their first values: of the layers that are named, or of any."""
    names = _parts_of(
        _last_layer_name(lines) if cause.where == "the first weights" else cause.where
    )
    found = [
        ((file, node.lineno), set(re.findall(r"\[\d+\]|\w+", ast.unparse(node))))
        for file, node in lines.walk()
        if isinstance(node, ast.Call) and _initialises(node)
    ]
    layers = (lines.variables.layer_name(lines.graph.weights[key]) for key in lines.graph.layers)
    attributes = _parts_of(" ".join(layers))
    if cause.id == "dead_units":  # by weights alone none dies
        found = [(line, words) for line, words in found if "bias" in words]
    named = {line for line, words in found if words & names & attributes}
    of_any = {line for line, words in found if not words & attributes}
    yield from sorted(named or of_any)


def _initialises(call: ast.Call) -> bool:
    """Whether a call writes first values into a weight, other than a bias of zeros."""
    text = ast.unparse(call)
    name = last_name(call.func)
    written = name.endswith("_") and name not in ("requires_grad_", "zero_grad_", "clamp_")
    of_weight = re.search(r"\binit\.|\b(weight|bias)\b", text) is not None
    zeros = "bias" in text and (name == "zeros_" or name == "zero_")
    return written and of_weight and not zeros


def _last_layer(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the last layer is made, whose size decides on the first loss."""
    keys = list(lines.graph.layers)[-1:]
    parts = _last_layer_name(lines).split(".")
    yield from _assigned(lines, lambda name: name in parts)
    yield from _layers(lines, keys)


def _last_layer_name(lines: Lines) -> str:
    """Return the name of the last layer; "" if there is none."""
    keys = list(lines.graph.layers)[-1:]
    return "".join(lines.variables.layer_name(lines.graph.weights[key]) for key in keys)


def _loader(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where batches come from, those of training first."""

    def of_training(name: str) -> bool:
        return not is_validation(name)

    def is_loader(value: ast.expr) -> bool:
        return isinstance(value, ast.Call) and last_name(value.func) == "DataLoader"

    yield from _assigned(lines, of_training, is_loader)
    yield from _calls(lines, is_loader)


def _restored(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where weights are loaded."""
    yield from _calls(lines, lambda call: last_name(call.func) == "load_state_dict")


def _precision(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a type of few digits is asked for."""

    def asks(call: ast.Call) -> bool:
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        return last_name(call.func) in LOW_PRECISION or (
            last_name(call.func) != "autocast"
            and any(last_name(one) in LOW_PRECISION for one in given)
        )

    yield from _calls(lines, asks)


def _zeroed(lines: Lines, cause: Cause) -> Iterator[Line]:
    yield from _calls(lines, lambda call: last_name(call.func) == "zero_grad")


def _clipping(lines: Lines, cause: Cause) -> Iterator[Line]:
    yield from _calls(lines, lambda call: last_name(call.func).startswith("clip_grad"))


_RATE = (_schedule, _optimiser, _update)
_CASES: tuple[tuple[str, str, tuple[Finder, ...]], ...] = (
    ("nan", "the inputs", (_data, _inputs)),
    ("parameter_not_trained", "no gradient reaches", (_cut, _layer, _made, _loss)),
    ("parameter_not_trained", "does not depend on it", (_made, _layer, _optimiser)),
    ("parameter_not_trained", "requires no gradient", (_frozen, _made, _layer)),
    ("parameter_not_trained", "are zeroed between", (_zeroed, _backward, _update)),
    ("parameter_not_trained", "the update leaves it out", (_update, _made)),
    ("parameter_not_trained", "the graph is cut", (_cut, _loss, _backward)),
    ("wrong_loss", "the last layer", (_outputs, _loss)),
    ("future_leak", "the attention mask", (_attention, _layer)),
    ("batch_mixed", "before the loss", (_outputs, _loss)),
    ("batch_mixed", "the batch", (_inputs, _targets, _loss)),
    ("class_imbalance", "the weights of the classes", (_loss, _labels)),
    ("bad_init_scale", "the first weights", (_initialised, _last_layer, _loss)),
)
"""Causes of several kinds: what their place or evidence says of each, and its lines."""
_FINDERS: dict[str, tuple[Finder, ...]] = {
    "nan": (_nan, _risky, _layer, _optimiser, _loss),
    "labels_out_of_range": (_crash, _loss, _targets),
    "wrong_update_sign": (_wired, _update, _backward),
    "gradients_not_zeroed": (_backward, _update),
    "crash": (_crash,),
    "parameter_not_trained": (_optimiser, _layer, _made, _backward),
    "state_detached": (_wired,),
    "weights_restored": (_restored, _update),
    "wrong_backward": (_own_function,),
    "replicas_drift": (_backward, _optimiser),
    "stale_target": (_targets, _loss),
    "frozen_layer": (_frozen, _made, _layer, _optimiser),
    "symmetric_init": (_initialised, _made, _layer),
    "bad_init_scale": (_initialised, _made, _layer, _last_layer, _loss),
    "saturated_units": (_nonlinearity, _layer, _made),
    "dead_units": (_initialised, _nonlinearity, _layer, _made),
    "vanishing_gradient": (_nonlinearity, _layer),
    "exploding_gradient": (_backward, _layer, _optimiser),
    "no_nonlinearity": (_layer,),
    "double_softmax": (_outputs, _loss),
    "wrong_loss": (_wired, _loss, _outputs),
    "loss_broadcast": (_loss, _meeting, _outputs),
    "outputs_out_of_reach": (_outputs, _loss),
    "dims_scrambled": (_wired,),
    "attention_unscaled": (_wired, _attention),
    "attention_axis": (_wired, _attention),
    "attention_mask_late": (_wired, _attention),
    "positions_missing": (_wired, _first_layer, _attention),
    "residual_missing": (_block, _attention),
    "normalisation_missing": (_wired, _first_layer),
    "layer_repeated": (_repeated,),
    "batch_norm_tiny": (_wired, _loader),
    "padding_read": (_wired, _first_layer),
    "padding_counted": (_wired, _loss),
    "batch_repeated": (_loader, _inputs),
    "inputs_not_normalised": (_data, _inputs, _first_layer),
    "targets_unscaled": (_labels, _loss, _targets),
    "not_shuffled": (_loader, _inputs, _targets),
    "inputs_ignored": (_wired, _inputs, _first_layer),
    "labels_shuffled": (_wired, _targets, _labels, _loader, _loss),
    "labels_noisy": (_targets, _labels, _loader, _loss),
    "class_imbalance": (_labels, _targets, _loader, _loss),
    "detached_regulariser": (_derivative, _terms, _loss),
    "regulariser_dominates": (_terms, _optimiser, _loss),
    "collapse": (_loss, _terms),
    "batch_mixed": (_wired, _across_batch, _layer, _outputs, _loss),
    "future_leak": (_wired, _targets, _inputs, _loss),
    "data_overlap": (_made, _inputs),
    "train_eval_mismatch": (_use, _outputs),
    "stale_cache": (_use,),
    "context_frozen": (_use,),
    "low_precision_weights": (_precision, _made, _update),
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
    "vocabulary_unused": (_last_layer, _loss, _targets),
    "plateau": (_optimiser, _loss),
}
