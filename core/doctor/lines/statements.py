"""Lines that only the source shows: where an optimiser is made, a weight is initialised, ..."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from ..diagnosis import Cause
from ..made_modules import last_name
from ..watch.episode_ends import limits_kept
from ..watch.program_frames import Line
from ..watch.variables import LEARNING_RATE, is_validation
from . import operations as ops
from .program_lines import Lines, notebook_cell

OF_STEPS = ("OneCycleLR", "CyclicLR", "LambdaLR")
"""Schedules that are meant in batches, or may be."""
GONE_OVER_ONCE = ("iter", "zip", "map", "filter", "enumerate", "chain", "islice")
LOW_PRECISION = ("half", "bfloat16", "float16")


def optimiser(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where an optimiser is made, that of the loop first; or a learning rate is given a value."""
    yield from ((file, call.lineno) for file, call in _optimisers(lines))
    yield from lines.assigned(lambda name: name.lower() in LEARNING_RATE)


def made_once(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where something is made that can be gone over once: a generator, ``zip(...)``, ..."""
    nodes = list(lines.walk())
    generators = {
        node.name
        for _, node in nodes
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(node))
    }
    loops = [node.iter for _, node in nodes if isinstance(node, ast.For)]
    gone_over = {part.id for one in loops for part in ast.walk(one) if isinstance(part, ast.Name)}
    found = []
    for file, node in nodes:
        if not isinstance(node, ast.Assign):
            continue
        called = last_name(node.value.func) if isinstance(node.value, ast.Call) else ""
        if called in (*GONE_OVER_ONCE, *generators) or isinstance(node.value, ast.GeneratorExp):
            found.append((last_name(node.targets[0]) not in gone_over, (file, node.lineno)))
    yield from (line for _, line in sorted(found, key=lambda one: one[0]))


def rate(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the learning rate of an optimiser is written as a number."""
    for _, call in _optimisers(lines):
        given = [k.value for k in call.keywords if k.arg == "lr"] or call.args[1:2]
        for way in map(lines.origins.of_value, given):
            numbers = (s.line for s in way.steps if _number(s.node) is not None)
            yield from list(numbers)[-1:]


def class_weights(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the weights that a loss is given are computed."""
    calls = (node for _, node in lines.walk() if isinstance(node, ast.Call))
    for call in calls:
        for given in (keyword.value for keyword in call.keywords if keyword.arg == "weight"):
            steps = lines.origins.of_value(given).steps
            yield from (s.line for s in steps if isinstance(s.node, ast.BinOp))


def _optimisers(lines: Lines) -> list[tuple[str, ast.Call]]:
    """Return the calls that make an optimiser, those that may have made that of the loop first.

    Where the numbers in several calls allow it, it is one that is given what another was already,
    and the last one of its name.
    """
    known = lines.variables.optimizers
    kinds = {type(one).__name__ for one in known}
    found: dict[ast.Call, str] = {}
    names: dict[ast.Call, str] = {}
    for file, node in lines.walk():
        if isinstance(node, ast.Call) and last_name(node.func) in kinds:
            found[node] = file
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            names[node.value] = ast.unparse(node.targets[0])

    def order(call: ast.Call) -> tuple[bool, bool, int]:
        given = {k.arg: _number(k.value) for k in call.keywords if k.arg}
        alike = [one.defaults for one in known if type(one).__name__ == last_name(call.func)]
        before = list(found)[: list(found).index(call)]
        held = [ast.unparse(argument) for one in before for argument in one.args[:1]]
        given_again = any(ast.unparse(argument) in held for argument in call.args[:1])
        again = [one for one in found if names.get(one, one) == names.get(call, call)]
        is_other = not any(_agrees(given, one) for one in alike)
        return is_other, not given_again, -again.index(call)

    return [(found[call], call) for call in sorted(found, key=order)]


def _agrees(given: Mapping[str, float | None], known: Mapping[str, Any]) -> bool:
    """Whether numbers that are written in a call are those that an optimiser was made with."""
    return all(number is None or known.get(name) == number for name, number in given.items())


def _number(node: ast.expr) -> float | None:
    """Return the number that an expression is; None of anything else."""
    value = node.value if isinstance(node, ast.Constant) else None
    return float(value) if isinstance(value, int | float) else None


def schedule(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a schedule is made, or does a step."""
    yield from lines.calls(lambda call: _makes_schedule(last_name(call.func), call))
    yield from lines.calls(_does_step)


def _makes_schedule(name: str, call: ast.Call) -> bool:
    of_torch = "lr_scheduler." in ast.unparse(call.func) and name[:1].isupper()
    return of_torch or name.endswith("LR") or "sched" in name.lower()


def _does_step(call: ast.Call) -> bool:
    return last_name(call.func) == "step" and "sched" in ast.unparse(call.func).lower()


def steps_of_schedule(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a schedule does a step."""
    yield from lines.calls(_does_step)


def schedule_of_epochs(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a schedule that is meant in epochs does a step for each batch: in an inner loop."""
    calls = [(file, node) for file, node in lines.walk() if isinstance(node, ast.Call)]
    if any(last_name(call.func) in OF_STEPS for _, call in calls):
        return
    for file, call in calls:
        if _does_step(call) and lines.origins.loops_around(call) > 1:
            yield file, call.lineno


def frozen(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a parameter is told to need no gradient."""

    def is_false(node: ast.expr) -> bool:
        return isinstance(node, ast.Constant) and node.value is False

    yield from lines.calls(
        lambda call: last_name(call.func) == "requires_grad_" and any(map(is_false, call.args)),
    )
    yield from lines.assigned(lambda name: name == "requires_grad", is_false)


def made(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where what is named is made: ``W1 = torch.randn(...)``, ``self.fc1 = nn.Linear(...)``."""
    for key in ops.named(lines, cause):
        yield from ops.existing(lines.made.line(lines.made.path_of(lines.graph.weights[key])))
    for name in re.findall(r"[\w.\[\]]+", cause.where):
        for part in reversed(re.findall(r"[^\W\d]\w*", name)):
            if part not in ("weight", "bias"):
                yield from lines.assigned(part.__eq__)


def replaced(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a layer that is named is replaced from outside, behind the last optimiser made there.

    ``net.head = nn.Linear(48, 6)``: the optimiser holds the parameters of the layer before it.
    """
    named, direct = _parts_of(cause.where), {id(call) for _, call in _optimisers(lines)}
    functions = [node for _, node in lines.walk() if isinstance(node, ast.FunctionDef)]
    making = [one for one in functions if any(id(node) in direct for node in ast.walk(one))]
    for scope, statements in _scopes(lines):
        by_name = {one.name for one in making if one is not scope}
        made = [
            any(
                id(node) in direct or last_name(node.func) in by_name
                for node in ast.walk(statement)
                if isinstance(node, ast.Call)
            )
            for _, statement in statements
        ]
        for line, statement in statements[: made.index(True)] if any(made) else ():
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            if any(isinstance(t, ast.Attribute) and t.attr in named for t in targets):
                yield line


def _scopes(lines: Lines) -> Iterator[tuple[object, list[tuple[Line, ast.stmt]]]]:
    """Yield the plain statements of each file, notebook or function outside of classes.

    The last one comes first.
    """
    outside: dict[str, list[tuple[Line, ast.stmt]]] = {}
    cells = {file: notebook_cell(file) or (file, 0) for file in lines.trees}
    for file in sorted(lines.trees, key=lambda one: cells[one]):
        tree = lines.trees[file]
        found = outside.setdefault(cells[file][0], [])
        found += [((file, one.lineno), one) for one in _simple(tree)]
        for node in ast.iter_child_nodes(tree):
            if isinstance(node, ast.FunctionDef):
                yield node, [((file, one.lineno), one) for one in _simple(node)][::-1]
    yield from ((name, found[::-1]) for name, found in outside.items())


def _simple(scope: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements of a scope that hold no others, in their order."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            yield node
        elif isinstance(node, ast.stmt | ast.excepthandler):
            yield from _simple(node)


def listed(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the list is made that holds what is named: of ``blocks[0].norm.weight``, ``blocks``."""
    for name in re.findall(r"(\w+)\[\d+\]\.", cause.where):
        yield from lines.assigned(name.__eq__)


def _parts_of(names: str) -> set[str]:
    """Return the parts of dotted names: of ``body.0.weight`` they are ``body`` and ``[0]``."""
    parts = set(re.split(r"[^\w]+", names)) - {"", "weight", "bias"}
    return {f"[{part}]" if part.isdigit() else part for part in parts}


def initialised(lines: Lines, cause: Cause) -> Iterator[Line]:
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


def last_layer(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the last layer is made, whose size decides on the first loss."""
    keys = list(lines.graph.layers)[-1:]
    parts = _last_layer_name(lines).split(".")
    yield from lines.assigned(lambda name: name in parts)
    yield from ops.layers(lines, keys)


def _last_layer_name(lines: Lines) -> str:
    """Return the name of the last layer; "" if there is none."""
    keys = list(lines.graph.layers)[-1:]
    return "".join(lines.variables.layer_name(lines.graph.weights[key]) for key in keys)


def loader(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where batches come from, those of training first."""

    def of_training(name: str) -> bool:
        return not is_validation(name)

    def is_loader(value: ast.expr) -> bool:
        return isinstance(value, ast.Call) and last_name(value.func) == "DataLoader"

    yield from lines.assigned(of_training, is_loader)
    yield from lines.calls(is_loader)


def restored(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where weights are loaded."""
    yield from lines.calls(lambda call: last_name(call.func) == "load_state_dict")


def precision(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a type of few digits is asked for."""

    def asks(call: ast.Call) -> bool:
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        return last_name(call.func) in LOW_PRECISION or (
            last_name(call.func) != "autocast"
            and any(last_name(one) in LOW_PRECISION for one in given)
        )

    yield from lines.calls(asks)


def zeroed(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where gradients are set to zero."""
    yield from lines.calls(lambda call: last_name(call.func) == "zero_grad")


def step_begins(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the block begins in which is differentiated: from there on gradients are to be zero."""
    for found in lines.graph.tape.passes:
        file, number = found.line or ("", 0)
        bodies = [getattr(node, "body", None) for name, node in lines.walk() if name == file]
        blocks = [
            [one for one in body if not _is_docstring(one)]
            for body in bodies
            if isinstance(body, list)
            and any(one.lineno <= number <= (one.end_lineno or 0) for one in body)
        ]
        if blocks:
            yield file, max(block[0].lineno for block in blocks if block)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def clipping(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where gradients are clipped."""
    yield from lines.calls(lambda call: last_name(call.func).startswith("clip_grad"))


def evaluation(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the part begins in which the network is evaluated: before it goes eval()."""
    for line in lines.used.values():
        yield from lines.origins.evaluation_around(line)
    if not lines.used:
        for file, node in lines.walk():
            if lines.origins.is_evaluation(node):
                yield from lines.origins.evaluation_around((file, node.lineno))


def limit_kept(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where steps of episodes are kept with the flag of a time limit as their end."""
    for file, tree in lines.trees.items():
        if isinstance(tree, ast.Module):
            yield from ((file, kept.line) for kept in limits_kept(tree))


def ctc(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a CTC loss is made, which is told its blank."""
    yield from lines.calls(lambda call: last_name(call.func) == "CTCLoss")


def triangle(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a causal mask is made of which the diagonal beside the right one is the edge."""
    yield from lines.calls(_sees_one_more)


def _sees_one_more(call: ast.Call) -> bool:
    """Whether a triangle is too wide by one: a lower one, of what is kept, or an upper one."""
    func = call.func
    by_torch = isinstance(func, ast.Attribute) and ast.unparse(func.value) == "torch"
    named = [k.value for k in call.keywords if k.arg == "diagonal"]
    given = named or call.args[int(by_torch) :]
    diagonal = (_number(given[0]) if given else None) or 0.0
    name = last_name(func).rstrip("_")
    return (name == "tril" and diagonal >= 1) or (name == "triu" and diagonal >= 2)


def cut_too_early(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a target is taken from a series at the last place of the window before it."""
    cuts = [
        (file, node, ast.unparse(node.value))
        for file, node in lines.walk()
        if isinstance(node, ast.Subscript)
    ]
    ends = {
        (file, series, f"{ast.unparse(node.slice.upper)} - 1")
        for file, node, series in cuts
        if isinstance(node.slice, ast.Slice) and node.slice.upper is not None
    }
    for file, node, series in cuts:
        place = node.slice.lower if isinstance(node.slice, ast.Slice) else node.slice
        if place is not None and (file, series, ast.unparse(place)) in ends:
            yield file, node.lineno


def overwritten(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a loop gives a variable from before it a value anew, and never looks at the last one.

    As where what was to be added up is only replaced.
    """
    for file, function in lines.walk():
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        given = [one for one in ast.walk(function) if isinstance(one, ast.Assign)]
        for loop in (one for one in ast.walk(function) if isinstance(one, ast.For)):
            before = {
                last_name(t) for one in given if one.lineno < loop.lineno for t in one.targets
            }
            inside = [one for part in loop.body for one in ast.walk(part)]
            read = {one.id for one in inside if _is_read(one)}
            for one in inside:
                target = one.targets[0] if isinstance(one, ast.Assign) else None
                if isinstance(target, ast.Name) and target.id in before - read:
                    yield file, target.lineno


def _is_read(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
