"""Changes to the data of a training: its scale, its order, its targets."""

import ast
import re

from ...doctor.diagnosis import Cause
from ..source import Change, ProgramSource
from .search import ACTIVATIONS, find_backward, is_loss, last_name, root_name, target_names


def normalise_inputs(source: ProgramSource, cause: Cause) -> Change | None:
    """Give the inputs mean 0 and standard deviation 1, where they are made."""
    return _standardised(source, 0, "inputs")


def normalise_targets(source: ProgramSource, cause: Cause) -> Change | None:
    """Give the targets mean 0 and standard deviation 1, where they are made."""
    return _standardised(source, 1, "targets")


def _standardised(source: ProgramSource, place: int, what: str) -> Change | None:
    name = _data_of_loss(source, place)
    made = _made_at(source, name)
    if made is None:
        return None
    name = last_name(made.targets[0])
    if not re.search(r"float|rand|linspace|np\.|sin|/", source.text(made.value)):
        return None  # of whole numbers there is no mean
    code = f"{name} = ({name} - {name}.mean()) / {name}.std()"
    return f"{what} with mean 0 and standard deviation 1", [source.after(made, code)]


def _data_of_loss(source: ProgramSource, place: int) -> str:
    """Return the variable that inputs (0) or targets (1) of the training loop come from."""
    backward = find_backward(source)
    if backward is None:
        return ""
    block = source.block(backward)
    for statement in reversed(block[: block.index(backward)]):
        for call in ast.walk(statement):
            if not isinstance(call, ast.Call) or len(call.args) < 2 or not is_loss(call):
                continue
            if place:
                return root_name(call.args[1])
            return _input_of(source, call.args[0], block)
    return ""


def _input_of(source: ProgramSource, outputs: ast.expr, block: list[ast.stmt]) -> str:
    """Return the variable that goes into the network whose outputs these are."""
    for _ in range(8):
        calls = [n for n in ast.walk(outputs) if isinstance(n, ast.Call) and n.args]
        products = [n for n in ast.walk(outputs) if isinstance(n, ast.BinOp)]
        products = [n for n in products if isinstance(n.op, ast.MatMult)]
        name = root_name(outputs)
        if calls and not last_name(calls[0].func).startswith(ACTIVATIONS):
            return root_name(calls[0].args[0])
        if products:
            name = root_name(products[-1].left)
        given = [s for s in block if isinstance(s, ast.Assign) and last_name(s.targets[0]) == name]
        if not given:
            return name
        outputs = given[-1].value
    return ""


def _made_at(source: ProgramSource, name: str) -> ast.Assign | None:
    """Follow a variable to where its data is made, through indices, loaders and splits."""
    for _ in range(8):
        given = [a for a in source.assigned(name) if root_name(a.value) != name]
        loops = [
            n for n in source.walk() if isinstance(n, ast.For) and name in target_names(n.target)
        ]
        for assignment in _unpacked(source, name):
            values = assignment.value
            target = assignment.targets[0]
            assert isinstance(target, ast.Tuple)
            if isinstance(values, ast.Tuple) and len(values.elts) == len(target.elts):
                name = root_name(values.elts[target_names(target).index(name)])
                break
        else:
            if loops and not given:
                name = _loaded(source, loops[0], target_names(loops[0].target).index(name))
                continue
            if not given:
                return None
            root = root_name(given[0].value)
            if not root or not (source.assigned(root) or _unpacked(source, root)):
                return given[0]
            name = root
    return None


def _loaded(source: ProgramSource, loop: ast.For, place: int) -> str:
    """Return the tensor that a loader's batches are rows of."""
    names = [n.id for n in ast.walk(loop.iter) if isinstance(n, ast.Name)]
    for _ in range(4):
        for name in names:
            for assignment in source.assigned(name):
                for call in ast.walk(assignment.value):
                    if isinstance(call, ast.Call) and last_name(call.func) == "TensorDataset":
                        return root_name(call.args[place]) if place < len(call.args) else ""
        names = [
            n.id
            for name in names
            for a in source.assigned(name)
            for n in ast.walk(a.value)
            if isinstance(n, ast.Name)
        ]
    return ""


def _unpacked(source: ProgramSource, name: str) -> list[ast.Assign]:
    """Return the assignments to several variables at once, of which this is one."""
    return [
        node
        for node in source.walk()
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Tuple)
        and name in target_names(node.targets[0])
    ]


def shuffle(source: ProgramSource, cause: Cause) -> Change | None:
    """Have the loader of the training data shuffle it."""
    loaders = [call for call in source.calls() if last_name(call.func) == "DataLoader"]
    loaders.sort(key=lambda call: "train" not in source.text(source.statement(call)))
    for call in loaders[:1]:
        for given in call.keywords:
            if given.arg == "shuffle":
                return "data shuffled", [source.replace(given, "shuffle=True")]
        last = [*call.args, *call.keywords][-1]
        return "data shuffled", [source.replace(last, f"{source.text(last)}, shuffle=True")]
    return None


def change_a_copy(source: ProgramSource, cause: Cause) -> Change | None:
    """Copy a batch before it is changed in place."""
    statement = source.statement_at(cause.lines[0]) if cause.lines else None
    changed: ast.expr | None = None
    if isinstance(statement, ast.AugAssign):
        changed = statement.target
    elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Subscript):
        changed = statement.targets[0]
    elif isinstance(statement, ast.Assign | ast.Expr | ast.Return):
        changed = statement.value
    if isinstance(changed, ast.Tuple):  # the inputs, and the labels behind them
        changed = changed.elts[0]
    name = root_name(changed) if changed is not None else ""
    if statement is None or not name or name == "self":
        return None
    return "a copy of the batch changed", [source.before(statement, f"{name} = {name}.clone()")]


def shift_targets(source: ProgramSource, cause: Cause) -> Change | None:
    """Take as targets what comes one position later, where they are the inputs themselves."""
    slices = [n for n in source.walk() if isinstance(n, ast.Subscript)]
    for line in cause.lines:
        for node in source.at(line):
            if not isinstance(node, ast.Subscript):
                continue
            equal = [n for n in slices if n is not node and source.text(n) == source.text(node)]
            later = max([node, *equal], key=lambda n: (n.lineno, n.col_offset))
            parts = [part for part in ast.walk(later.slice) if isinstance(part, ast.Slice)]
            for part in parts if equal else ():
                if part.lower is not None and part.upper is not None:
                    new = f"{source.text(part.lower)} + 1 : {source.text(part.upper)} + 1"
                    return "targets that are the inputs one position further on", [
                        source.replace(part, new)
                    ]
    return None
