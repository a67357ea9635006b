"""An optimiser that is made before layers are replaced, and so holds the old ones, is moved."""

import ast
from collections.abc import Iterator

from ..source import Change, ProgramSource
from .search import last_name, optimizer_calls

BACKWARD = ("backward", "manual_backward")
COPIES = ("deepcopy", "Sequential")
"""What makes new layers of a network that it is given, or puts more of them around it."""
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def optimizer_behind_layers(source: ProgramSource) -> Change | None:
    """Make an optimiser behind the last layer that is replaced, with what depends on it."""
    if any("add_param_group" in _ends(tree) for tree in source.trees):
        return None  # it is given the new ones that way
    for call in optimizer_calls(source):
        made = source.statement(call)
        last = last_replacement(source, made)
        if last is None:
            continue
        order = source.order(made)
        moved = _moved_with(source, order[: order.index(last) + 1], made)
        if moved and (edits := source.moved(moved, last)):
            return "the optimiser made after the layers are replaced, to hold the new ones", edits
    return None


def last_replacement(source: ProgramSource, made: ast.stmt) -> ast.stmt | None:
    """Return the last statement behind an optimiser's that gives its network other layers.

    None where there is none, or the optimiser is made anew behind it.
    """
    order = source.order(made)
    begin = order.index(made)
    networks = _networks(source, order, made)
    replaced = [
        statement
        for statement in order[begin + 1 :]
        if not isinstance(statement, DEFINITIONS)
        and any(_replaces(source, statement, network) for network in networks)
        and not _trains(source, statement)  # layers that come while it trains are another matter
    ]
    if not replaced:
        return None
    behind = order[order.index(replaced[-1]) + 1 :]
    return None if any(_bound(made) & _bound(one) for one in behind) else replaced[-1]


def _networks(source: ProgramSource, order: list[ast.stmt], made: ast.stmt) -> set[str]:
    """Return the networks whose parameters an optimiser is given, as they are written."""
    return {
        source.text(node.value)
        for statement in (made, *_lists(order, made))
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute) and node.attr in ("parameters", "named_parameters")
    }


def _lists(order: list[ast.stmt], made: ast.stmt) -> list[ast.stmt]:
    """Return the statements by which a list of parameters that an optimiser is given is made."""
    needed = _read(made)
    return [
        one
        for one in order[: order.index(made)]
        if isinstance(one, ast.Assign) and _bound(one) & needed and "parameters" in _ends(one)
    ]


def _moved_with(source: ProgramSource, order: list[ast.stmt], made: ast.stmt) -> list[ast.stmt]:
    """Return the statements that move with an optimiser: its list of parameters, its schedule.

    Args:
        source: of the program.
        order: statements up to the one behind which they move.
        made: the one that makes the optimiser.

    Returns:
        None of them where it is used before, so that it can't be moved.
    """
    roots = [*_lists(order, made), made]
    moved, stay, names = list[ast.stmt](), list[ast.stmt](), set[str]()
    for statement in order[order.index(roots[0]) :]:
        if isinstance(statement, DEFINITIONS) or not (
            statement in roots or names & _read(statement)
        ):
            stay.append(statement)
            continue
        simple = isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr)
        used = "step" in _ends(statement) or _trains(source, statement)
        if statement is order[-1] or not simple or used:
            return []
        moved.append(statement)
        names |= _bound(statement)
    if any(_trains(source, one) for one in stay if not isinstance(one, DEFINITIONS)):
        return []  # the optimiser of a loop before
    networks = _networks(source, order, made)
    given = {name for one in moved for name in _read(one)}
    given = {name for name in given if not any(_is_part(one, name) for one in networks)}
    changed = {name for one in stay for name in _bound(one)}
    return [] if given & changed else moved


def _replaces(
    source: ProgramSource, node: ast.AST, network: str, seen: frozenset[ast.AST] = frozenset()
) -> bool:
    """Whether a statement or a function gives a network other layers.

    Args:
        source: of the program.
        node: the statement or function.
        network: as it is written there.
        seen: functions in which that is being looked for.
    """
    for part in ast.walk(node):
        if isinstance(part, ast.Assign):
            for target in part.targets:
                for one in target.elts if isinstance(target, ast.Tuple) else (target,):
                    if _puts_layer(source, one, part.value, network):
                        return True
        if isinstance(part, ast.Call):
            if _sets_attribute(part, network):
                return True
            for function, name in _called_with(source, part, network):
                if function not in seen and _replaces(source, function, name, seen | {function}):
                    return True
    return False


def _puts_layer(source: ProgramSource, target: ast.expr, value: ast.expr, network: str) -> bool:
    """Whether a layer of a network is assigned, or the whole network anew."""
    text = ast.unparse(target)
    if isinstance(value, ast.Name) and (given := source.assigned(value.id)):
        value = given[-1].value
    if not isinstance(value, ast.Call):
        return False
    name = last_name(value.func)
    if text.startswith((f"{network}.", f"{network}[")):
        return name[:1].isupper() or name in COPIES or bool(_functions(source, name))
    if not _is_part(network, text):
        return False
    receiver = [value.func.value] if isinstance(value.func, ast.Attribute) else []
    # net.to(device), compile(net) and the like keep its parameters.
    given_it = text in map(ast.unparse, (*receiver, *value.args))
    return not given_it or name in COPIES


def _sets_attribute(call: ast.Call, network: str) -> bool:
    """Whether a call is ``setattr(network, ...)``, or one of a module that does the same."""
    name = last_name(call.func)
    if name == "setattr" and call.args:
        owner: ast.expr = call.args[0]
    elif name in ("add_module", "register_module") and isinstance(call.func, ast.Attribute):
        owner = call.func.value
    else:
        return False
    text = ast.unparse(owner)
    return _is_part(text, network) or _is_part(network, text)


def _called_with(
    source: ProgramSource, call: ast.Call, network: str
) -> Iterator[tuple[FUNCTIONS, str]]:
    """Yield the functions that a call may mean, each with what the network is called in it."""
    for function in _functions(source, last_name(call.func)):
        names = [one.arg for one in function.args.args]
        if isinstance(call.func, ast.Attribute):
            receiver = ast.unparse(call.func.value)
            if names[:1] == ["self"] and _is_part(network, receiver):
                yield function, network.replace(receiver, "self", 1)
            names = names[1:] if names[:1] == ["self"] else names
        given = [*zip(names, call.args, strict=False)]
        given += [(one.arg or "", one.value) for one in call.keywords]
        for name, text in ((name, ast.unparse(one)) for name, one in given):
            if _is_part(network, text):
                yield function, network.replace(text, name, 1)


def _is_part(inner: str, outer: str) -> bool:
    """Whether a dotted name is that of a module or of one inside of it."""
    return f"{inner}.".startswith(f"{outer}.")


def _trains(source: ProgramSource, node: ast.AST, seen: frozenset[ast.AST] = frozenset()) -> bool:
    """Whether a statement or a function has a backward pass, or calls what has one."""
    for name in (last_name(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)):
        if name in BACKWARD:
            return True
        for function in _functions(source, name):
            if function not in seen and _trains(source, function, seen | {function}):
                return True
    return False


def _functions(source: ProgramSource, name: str) -> list[FUNCTIONS]:
    """Return the program's functions and methods of a name."""
    return [one for one in source.walk() if isinstance(one, FUNCTIONS) and one.name == name]


def _read(node: ast.AST) -> set[str]:
    """Return the variables and attributes that are read."""
    return _names(node, ast.Load)


def _bound(node: ast.AST) -> set[str]:
    """Return the variables and attributes that are given a value."""
    return _names(node, ast.Store)


def _names(node: ast.AST, use: type[ast.expr_context]) -> set[str]:
    """Return names as they are written, but those that only a comprehension knows."""
    parts = [part for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)]
    loops = [part.target for part in ast.walk(node) if isinstance(part, ast.comprehension)]
    inner = {ast.unparse(part) for target in loops for part in ast.walk(target)}
    found = {ast.unparse(part) for part in parts if isinstance(part.ctx, use)}
    return {name for name in found if name.partition(".")[0] not in inner}


def _ends(node: ast.AST) -> set[str]:
    """Return the last parts of all dotted names."""
    return {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
