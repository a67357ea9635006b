"""Sees in the source whether the returns of a policy are those of the past."""

import ast

from .graph import StepGraph
from .source import nodes_of_step
from .tape import Line

REWARDS = ("r", "rew", "reward", "rewards")
TURNS = frozenset("reversed reverse flip flipud appendleft".split())


def returns_of_the_past(graph: StepGraph) -> Line | None:
    """Return the line that adds up rewards from the first to the last; None.

    What is still to come is added up from the last one on: ``for r in reversed(rewards)``. Where
    anything is put in the other order in what a step runs through, it may do that.
    """
    nodes = list(nodes_of_step(graph))
    loops = ((file, node) for file, node in nodes if isinstance(node, ast.For))
    found = next(((file, loop.lineno) for file, loop in loops if _sums_forward(loop)), None)
    return None if found is None or _turns([node for _, node in nodes]) else found


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
