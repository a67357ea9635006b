"""Sees in the source whether the returns of a policy are those of the past."""

import ast
from functools import lru_cache

from .graph import StepGraph
from .source import syntax_tree
from .tape import Line

REWARDS = ("r", "rew", "reward", "rewards")
TURNS = frozenset("reversed reverse flip flipud".split())


def returns_of_the_past(graph: StepGraph) -> Line | None:
    """Return the line that adds up rewards from the first to the last; None.

    What is still to come is added up from the last one on: ``for r in reversed(rewards)``. A file
    in which anything is put in the other order may do that.
    """
    for file in sorted({op.line[0] for op in graph.tape.ops if op.line is not None}):
        tree = syntax_tree(file)
        if tree is not None and (number := _forward_sum(tree)):
            return file, number
    return None


@lru_cache(maxsize=8)
def _forward_sum(tree: ast.Module) -> int:
    """Return the number of the line; 0."""
    loops = (node for node in ast.walk(tree) if isinstance(node, ast.For))
    number = next((loop.lineno for loop in loops if _sums_forward(loop)), 0)
    return 0 if number and _turns(tree) else number


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


def _turns(tree: ast.Module) -> bool:
    """Whether anything is put in the other order."""
    nodes = list(ast.walk(tree))
    backwards = any(isinstance(n, ast.Slice) and isinstance(n.step, ast.UnaryOp) for n in nodes)
    return backwards or any(getattr(n, "attr", getattr(n, "id", "")) in TURNS for n in nodes)
