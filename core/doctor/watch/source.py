"""The syntax trees of a program's files, and what of them a step runs through."""

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache

from .graph import StepGraph
from .program_frames import Line

Function = ast.FunctionDef | ast.AsyncFunctionDef
Repeated = Function | ast.For | ast.AsyncFor | ast.While


def syntax_tree(file: str) -> ast.Module | None:
    """Return the syntax tree of a file or a cell; None if there is no source."""
    return _parsed("".join(linecache.getlines(file)))


@lru_cache(maxsize=64)
def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source) if source else None
    except (SyntaxError, ValueError, RecursionError):
        return None


def nodes_of_step(graph: StepGraph) -> Iterator[tuple[str, ast.AST]]:
    """Yield what a step runs through, with its file: loops and functions, and what these call.

    They are the innermost ones around the lines of its operations: what stands before a loop is
    done once.
    """
    numbers: dict[str, set[int]] = {}
    for file, number in (op.line for op in graph.tape.ops if op.line is not None):
        numbers.setdefault(file, set()).add(number)
    for file, found in sorted(numbers.items()):
        tree = syntax_tree(file)
        if tree is not None:
            yield from ((file, node) for node in _run_through(tree, frozenset(found)))


@lru_cache(maxsize=64)
def _run_through(tree: ast.Module, numbers: frozenset[int]) -> tuple[ast.AST, ...]:
    nodes = list(ast.walk(tree))
    repeated = [node for node in nodes if isinstance(node, Repeated)]
    run: list[ast.AST] = []
    for number in numbers:
        around = [n for n in repeated if n.lineno <= number <= (n.end_lineno or 0)]
        run += around and [max(around, key=lambda n: n.lineno)]
    seen: dict[ast.AST, None] = {}
    while run:
        scope = run.pop()
        if scope in seen:
            continue
        for node in ast.walk(scope):
            seen[node] = None
            if isinstance(node, ast.Call):
                name = called_name(node)
                run += [n for n in repeated if isinstance(n, Function) and n.name == name]
    return tuple(seen)


def called_name(call: ast.Call) -> str:
    """Return the last part of the name of what is called; "" if it has none."""
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def says_true(line: Line | None, name: str, place: int, keyword: str) -> bool:
    """Whether each call of a name in a line is given a ``True`` that stands there.

    Args:
        line: that calls.
        name: of what is called, its last part.
        place: of the argument, by position.
        keyword: by which it may be given.
    """
    tree = syntax_tree(line[0]) if line is not None else None
    if tree is None or line is None:
        return False
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    calls = [call for call in nodes if call.lineno <= line[1] <= (call.end_lineno or 0)]
    given = [
        [*call.args[place : place + 1], *(k.value for k in call.keywords if k.arg == keyword)]
        for call in calls
        if called_name(call) == name
    ]
    return bool(given) and all(any(map(is_true, values)) for values in given)


def is_true(value: ast.expr) -> bool:
    """Whether an expression is a ``True`` that stands there."""
    return isinstance(value, ast.Constant) and value.value is True
