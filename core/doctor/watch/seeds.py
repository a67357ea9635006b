"""Sees in the source whether a step seeds a generator, so that its random numbers come again."""

import ast
from collections.abc import Iterator

from .graph import StepGraph
from .source import syntax_tree

SEEDS = frozenset(
    "manual_seed seed default_rng RandomState Random seed_everything set_state set_rng_state"
    " setstate".split()
)
"""What begins a generator's random numbers anew."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Repeated = Function | ast.For | ast.AsyncFor | ast.While


def is_seeded_in(graph: StepGraph) -> bool:
    """Whether anything that a step runs through begins random numbers anew."""
    numbers: dict[str, set[int]] = {}
    for file, number in (op.line for op in graph.tape.ops if op.line is not None):
        numbers.setdefault(file, set()).add(number)
    trees = ((syntax_tree(file), found) for file, found in numbers.items())
    return any(
        called in SEEDS for tree, found in trees if tree for called in _calls_of_step(tree, found)
    )


def _calls_of_step(tree: ast.Module, numbers: set[int]) -> Iterator[str]:
    """Yield what is called in the innermost loops or functions around lines, and in what is called.

    What stands before a loop is done once.
    """
    nodes = list(ast.walk(tree))
    repeated = [node for node in nodes if isinstance(node, Repeated)]
    run: list[ast.AST] = []
    for number in numbers:
        around = [n for n in repeated if n.lineno <= number <= (n.end_lineno or 0)]
        run += around and [max(around, key=lambda n: n.lineno)]
    seen: set[ast.AST] = set()
    while run:
        scope = run.pop()
        if scope in seen:
            continue
        seen.add(scope)
        for call in (node for node in ast.walk(scope) if isinstance(node, ast.Call)):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            yield name
            run += [n for n in nodes if isinstance(n, Function) and n.name == name]
