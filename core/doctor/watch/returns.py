"""Sees in the source whether the returns of a policy are those of the past."""

import ast

from .graph import StepGraph
from .program_frames import Line
from .source import nodes_of_step

REWARDS = ("r", "rew", "reward", "rewards")
TURNS = frozenset("reversed reverse flip flipud fliplr appendleft extendleft".split())
MIRRORED = "sums of rewards from the last one on are kept in that order, beside actions in theirs"


def returns_of_the_past(graph: StepGraph) -> tuple[str, Line] | None:
    """Return how returns are not those of what is to come, and the line that makes them; None.

    What is still to come is added up from the last one on: ``for r in reversed(rewards)``, and the
    sums are then put in the order of the actions. Where anything is put in the other order in what
    a step runs through, it may do that.
    """
    nodes = list(nodes_of_step(graph))
    for file, loop in nodes:
        if not isinstance(loop, ast.For):
            continue
        if _sums_forward(loop) and not _turns([node for _, node in nodes]):
            return "rewards are added up from the first to the last", (file, loop.lineno)
        kept = _kept_backwards(loop)
        if kept is not None:
            order = set(ast.walk(loop.iter))
            others = [node for _, node in nodes if node not in order]
            if not _turns(others) and not any(map(_counts_from_the_end, others)):
                return MIRRORED, (file, kept.lineno)
    return None


def _kept_backwards(loop: ast.For) -> ast.stmt | None:
    """Return what keeps discounted sums, and nothing beside them, in a loop that goes back; None.

    Where a sum is used in the loop itself, as it weighs an action there, the order is right.
    """
    named = [n.lower() for node in ast.walk(loop) if (n := _name(node))]
    if not any(n in REWARDS or "reward" in n for n in named) or not any(
        map(_goes_back, ast.walk(loop.iter))
    ):
        return None
    inside = [node for statement in loop.body for node in ast.walk(statement)]
    sums = [(node, total) for node in inside if (total := _sum_of(node, inside))]
    kept = [node for node in inside if isinstance(node, ast.stmt) and _keeps(node, loop)]
    if len({total for _, total in sums}) != 1 or len(kept) != 1:
        return None
    total, counted = sums[0][1], set(ast.walk(kept[0]))
    counted = counted.union(*(ast.walk(node) for node, _ in sums))
    used = [n for n in inside if isinstance(n, ast.Name) and n.id == total and n not in counted]
    value = kept[0].value if isinstance(kept[0], ast.Expr | ast.Assign) else None
    weighs = any(isinstance(n, ast.Mult) for n in counted & set(ast.walk(value or kept[0])))
    says = any(_name(n) == total for n in ast.walk(value or kept[0]))
    read = any(isinstance(n.ctx, ast.Load) for n in used)
    several = any(map(_joins, ast.walk(value or kept[0])))
    return kept[0] if says and not (weighs or read or several) else None


def _joins(node: ast.AST) -> bool:
    """Whether something is kept beside a sum, such as the state and the action that it weighs."""
    return isinstance(node, ast.Tuple | ast.Dict) or (
        isinstance(node, ast.List) and len(node.elts) > 1
    )


def _name(node: ast.AST) -> str:
    return str(getattr(node, "id", getattr(node, "attr", "")))


def _sum_of(node: ast.AST, inside: list[ast.AST]) -> str:
    """Return the name of what a statement makes a discounted sum: ``R = r + discount * R``; ""."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        total, value = node.targets[0].id, node.value
        if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
            return ""
        own = [any(_name(n) == total for n in ast.walk(s)) for s in (value.left, value.right)]
        side = value.left if own[0] else value.right
        product = any(isinstance(n, ast.Mult) for n in ast.walk(side))
        return total if own.count(True) == 1 and product else ""
    if not isinstance(node, ast.AugAssign) or not isinstance(node.target, ast.Name):
        return ""
    ways = [type(n.op) for n in inside if isinstance(n, ast.AugAssign) and _same(n, node.target)]
    return node.target.id if sorted(w.__name__ for w in ways) == ["Add", "Mult"] else ""


def _same(change: ast.AugAssign, target: ast.Name) -> bool:
    return isinstance(change.target, ast.Name) and change.target.id == target.id


def _keeps(node: ast.stmt, loop: ast.For) -> bool:
    """Whether a statement puts something behind what a list has, or at the number of a turn."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return getattr(node.value.func, "attr", "") in ("append", "extend", "insert")
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Subscript):
        return False
    counts = isinstance(loop.iter, ast.Call) and _name(loop.iter.func) == "enumerate"
    number = loop.target.elts[0] if counts and isinstance(loop.target, ast.Tuple) else None
    place = node.targets[0].slice
    return number is not None and isinstance(place, ast.Name) and place.id == _name(number)


def _goes_back(node: ast.AST) -> bool:
    """Whether it is ``reversed(x)``, ``x[::-1]``, or ``range(last, -1, -1)``."""
    if isinstance(node, ast.Slice):
        return isinstance(node.step, ast.UnaryOp)
    if not isinstance(node, ast.Call):
        return False
    name, step = _name(node.func), node.args[2] if len(node.args) > 2 else None
    return name == "reversed" or (name == "range" and isinstance(step, ast.UnaryOp))


def _counts_from_the_end(node: ast.AST) -> bool:
    """Whether it counts from the end: ``range(9, -1, -1)``, ``x[n - 1 - i]``, ``x.pop()``."""
    if isinstance(node, ast.Call):
        return _goes_back(node) or getattr(node.func, "attr", "") == "pop"
    place = node.slice if isinstance(node, ast.Subscript) else None
    if isinstance(place, ast.UnaryOp):
        return not isinstance(place.operand, ast.Constant)
    parts = list(ast.walk(place)) if isinstance(place, ast.BinOp) else []
    return any(isinstance(part, ast.UnaryOp) for part in parts) or (
        sum(isinstance(part, ast.Sub) for part in parts) > 1
    )


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
