"""Sees whether a target bootstraps past the end of an episode, of which a flag is at hand."""

import ast
from collections.abc import Iterator

import torch

from .bootstrap import Bootstrap, Flag
from .graph import StepGraph, Wired
from .source import syntax_tree

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


def compared_bootstraps(graph: StepGraph) -> Iterator[Bootstrap]:
    """Yield the targets that bootstrap, and are what the loss compares outputs with."""
    given = {id(t): t for op in graph.ops for t in op.inputs if not t.requires_grad}
    for found in graph.tape.bootstraps:
        same = (t.detach().flatten() for t in given.values() if t.numel() == len(found.target))
        if any(torch.equal(values, found.target) for values in same):
            yield found


def ends_ignored(graph: StepGraph) -> Wired:
    """Flags for the end of an episode come with the batch, and nothing is made of them.

    A flag is known by its values: zeros and ones, both of them, one for each example of the target.
    That it is read nowhere in the function that makes the target, the source tells.
    """
    for found in compared_bootstraps(graph):
        scope = _scope(found.line) if found.line else None
        unread = [flag for flag in found.flags if scope and _is_unread(scope, flag)]
        if unread:
            name, part = unread[0]
            words = name if part is None else f"{part} of {name}"
            return (
                f"{words}, zeros and ones for the examples of a batch, is not used: values behind"
                " the end of an episode count as others do",
                None,
            )
    return None


def _scope(line: tuple[str, int]) -> Scope | None:
    """Return the function in which a line stands, or the file; None if there is no source."""
    tree = syntax_tree(line[0])
    if tree is None:
        return None
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.lineno <= line[1] <= (node.end_lineno or 0)
    ]
    return max(around, key=lambda node: node.lineno, default=tree)


def _is_unread(scope: Scope, flag: Flag) -> bool:
    """Whether nothing in a function is made of a flag, or only what is not read in turn."""
    parents = {child: node for node in ast.walk(scope) for child in ast.iter_child_nodes(node)}
    name, part = flag
    if part is None:
        return _is_dead(scope, parents, name, set())
    reads = _reads(scope, parents, name)
    return all(_takes_another(parents[read], part) for read in reads)


def _reads(scope: Scope, parents: dict[ast.AST, ast.AST], name: str) -> list[ast.Name]:
    """Return where a variable is read; not where it is itself given a value in turn."""
    found = [node for node in ast.walk(scope) if isinstance(node, ast.Name) and node.id == name]
    return [
        node
        for node in found
        if not isinstance(node.ctx, ast.Store) and name not in _assigned(_statement(parents, node))
    ]


def _statement(parents: dict[ast.AST, ast.AST], node: ast.AST) -> ast.stmt:
    while not isinstance(node, ast.stmt):
        node = parents[node]
    return node


def _assigned(statement: ast.stmt) -> list[str]:
    """Return the variables that a statement gives values, if that is all that it does."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names if len(names) == len(targets) else []


def _takes_another(node: ast.AST, part: str | int) -> bool:
    """Whether a node takes one part of a variable, and not this one."""
    if isinstance(node, ast.Attribute):
        return node.attr != part
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value != part
    )


def _is_dead(scope: Scope, parents: dict[ast.AST, ast.AST], name: str, seen: set[str]) -> bool:
    """Whether a variable is never read, but for values of variables that are never read."""
    if name in seen:
        return True
    seen.add(name)
    for read in _reads(scope, parents, name):
        given = _assigned(_statement(parents, read))
        if not given or not all(_is_dead(scope, parents, one, seen) for one in given):
            return False
    # What it is taken out of may be given to something else as a whole.
    taken = [
        node.value.id
        for node in ast.walk(scope)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
        for target in node.targets
        if isinstance(target, ast.Tuple | ast.List)
        and any(isinstance(one, ast.Name) and one.id == name for one in target.elts)
    ]
    return all(len(_reads(scope, parents, whole)) == 1 for whole in taken)
