"""What a program without a backward pass changes by hand, such as a Boltzmann machine's weights.

It is not watched, since there is no gradient, nor a loss that is differentiated; but it is named.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .program import ProgramCell

RATE = re.compile(r"^_?(lr|learning_?rate|alpha|eta|step_?size|rate)$", re.IGNORECASE)
"""What a learning rate is called."""
MOST = 4
"""Names that are listed."""
NOTHING = "No loop was seen that trains: none that was run has a backward pass on a tensor"


@dataclass(frozen=True)
class ChangedByHand:
    """What is moved by a learning rate, in a loop or a function.

    Attributes:
        name: as it is written: ``self.W``.
        cell: of a notebook; None in a script.
        line: in that cell, or in the script.
    """

    name: str
    cell: int | None
    line: int


def changed_by_hand(cells: Sequence[ProgramCell]) -> list[ChangedByHand]:
    """Return what a program moves by a learning rate, each once, in the order of its lines."""
    found: dict[str, ChangedByHand] = {}
    for cell in cells:
        for part in ast.walk(cell.tree) if cell.tree else ():
            if not isinstance(part, ast.For | ast.While | ast.FunctionDef):
                continue
            for node in ast.walk(part):
                target = _moved(node)
                if target is not None:
                    name = ast.unparse(target)
                    found.setdefault(name, ChangedByHand(name, cell.number, target.lineno))
    return sorted(found.values(), key=lambda one: (one.cell or 0, one.line))


def nothing_seen(moved: Sequence[ChangedByHand]) -> str:
    """Say that no training was seen, and what learns instead, if anything does."""
    if not moved:
        return f"{NOTHING}."
    names = [one.name for one in moved[:MOST]]
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    place = f"line {moved[0].line}"
    if moved[0].cell is not None:
        place = f"cell {moved[0].cell}, {place}"
    return (
        f"{NOTHING}. What learns here is {listed}, changed by hand ({place}), as by gradients"
        " that are written out, an evolution strategy or contrastive divergence: without a backward"
        " pass the doctor can't examine it."
    )


def _moved(node: ast.AST) -> ast.expr | None:
    """Return what a statement moves by a learning rate: ``w += lr * x``, ``w.add_(lr * x)``."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        return node.target if _has_rate(node.value) else None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        value, target = node.value, node.targets[0]
        added = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub)
        if not (added and isinstance(value, ast.BinOp) and _has_rate(value.right)):
            return None
        # Also less of it than before, as a velocity with momentum.
        before = {ast.unparse(part) for part in ast.walk(value.left)}
        return target if ast.unparse(target) in before else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if node.func.attr in ("add_", "sub_") and any(_has_rate(value) for value in given):
            owner = node.func.value
            return (
                owner.value if isinstance(owner, ast.Attribute) and owner.attr == "data" else owner
            )
    return None


def _has_rate(value: ast.expr) -> bool:
    named = (n for n in ast.walk(value) if isinstance(n, ast.Name | ast.Attribute))
    return any(RATE.match(n.id if isinstance(n, ast.Name) else n.attr) for n in named)
