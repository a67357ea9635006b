"""Sees in the source whether the returns of a policy are those of the past."""

import ast
from collections.abc import Iterator
from functools import lru_cache

from .graph import StepGraph
from .source import syntax_tree
from .tape import Line

REWARDS = ("r", "rew", "reward", "rewards")
TURNS = frozenset("reversed reverse flip flipud appendleft".split())


def returns_of_the_past(graph: StepGraph) -> Line | None:
    """Return the line that adds up rewards from the first to the last; None.

    What is still to come is added up from the last one on: ``for r in reversed(rewards)``. Where
    anything is put in the other order in what a step runs through, it may do that.
    """
    numbers: dict[str, set[int]] = {}
    for file, number in (op.line for op in graph.tape.ops if op.line is not None):
        numbers.setdefault(file, set()).add(number)
    for file, found in sorted(numbers.items()):
        tree = syntax_tree(file)
        if tree is not None and (number := _forward_sum(tree, frozenset(found))):
            return file, number
    return None


@lru_cache(maxsize=64)
def _forward_sum(tree: ast.Module, numbers: frozenset[int]) -> int:
    """Return the number of the line, in what a step runs through; 0."""
    nodes = list(_run_through(tree, numbers))
    loops = (node for node in nodes if isinstance(node, ast.For))
    number = next((loop.lineno for loop in loops if _sums_forward(loop)), 0)
    return 0 if number and _turns(nodes) else number


def _run_through(tree: ast.Module, numbers: frozenset[int]) -> Iterator[ast.AST]:
    """Yield what stands outside of functions, in those with such lines, and in what these call."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    run = [tree, *(f for f in functions if any(_has_line(f, number) for number in numbers))]
    for scope in run:  # which grows meanwhile
        called = set()
        for node in _own(scope):
            yield node
            if isinstance(node, ast.Call):
                called.add(getattr(node.func, "attr", getattr(node.func, "id", "")))
        run += [f for f in functions if f.name in called and f not in run]


def _has_line(function: ast.FunctionDef, number: int) -> bool:
    return function.lineno <= number <= (function.end_lineno or 0)


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands in a function, and not in one within it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, ast.FunctionDef):
            yield child
            yield from _own(child)


def _sums_forward(loop: ast.For) -> bool:
    """Whether it goes over rewards in their order, and keeps each of their discounted sums."""
    reward, rewards = loop.target, loop.iter
    if not isinstance(reward, ast.Name) or not isinstance(rewards, ast.Name | ast.Attribute):
        return False
    name = rewards.attr if isinstance(rewards, ast.Attribute) else rewards.id
    if reward.id.lower() not in REWARDS and "reward" not in name.lower():
        return False
    sums = {
        statement.targets[0].id
        for statement in loop.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and _is_discounted_sum(statement.value, reward.id, statement.targets[0].id)
    }
    kept = (call for call in ast.walk(loop) if isinstance(call, ast.Call))
    return any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "append"
        and any(isinstance(arg, ast.Name) and arg.id in sums for arg in call.args)
        for call in kept
    )


def _is_discounted_sum(value: ast.expr, reward: str, total: str) -> bool:
    """Whether a value is ``reward + discount * total``."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
        return False
    sides = (value.left, value.right)
    adds = any(isinstance(side, ast.Name) and side.id == reward for side in sides)
    products = (s for s in sides if isinstance(s, ast.BinOp) and isinstance(s.op, ast.Mult))
    names = [n.id for p in products for n in (p.left, p.right) if isinstance(n, ast.Name)]
    return adds and names.count(total) == 1


def _turns(nodes: list[ast.AST]) -> bool:
    """Whether anything is put in the other order."""
    backwards = any(isinstance(n, ast.Slice) and isinstance(n.step, ast.UnaryOp) for n in nodes)
    named = any(getattr(n, "attr", getattr(n, "id", "")) in TURNS for n in nodes)
    return backwards or named or any(map(_inserts_first, nodes))


def _inserts_first(node: ast.AST) -> bool:
    """Whether something is put before what a list has: ``rewards.insert(0, reward)``."""
    if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") != "insert":
        return False
    place = node.args[0] if node.args else None
    return isinstance(place, ast.Constant) and place.value == 0
