"""Sees whether a target bootstraps past the end of an episode, of which a flag is at hand."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeGuard

import torch

from .bootstrap import TIME_LIMITS, Bootstrap, Flag
from .graph import StepGraph, Wired
from .program_frames import OWN_FILES
from .source import called_name, syntax_tree

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


@dataclass(frozen=True)
class KeptEnd:
    """A step of an episode is kept with the flag of a time limit, and without that of its end.

    Attributes:
        line: in which it is kept.
        limit, end: names of both flags.
    """

    line: int
    limit: str
    end: str


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
    files = {op.line[0] for op in graph.tape.ops if op.line} | OWN_FILES
    trees = (tree for file in sorted(files) if (tree := syntax_tree(file)) is not None)
    for kept in (one for tree in trees for one in limits_kept(tree)):
        return (
            f"steps are kept with {kept.limit} as their end, and not with {kept.end}: values behind"
            " the end of an episode count as others do, and those behind a time limit do not",
            None,
        )
    return None


@lru_cache(maxsize=64)
def limits_kept(tree: ast.Module) -> tuple[KeptEnd, ...]:
    """Return where steps of episodes are kept with the flag of a time limit alone.

    An environment's ``step`` returns that and another one, either of which ends an episode; the
    latter decides nothing but that, and nothing before the step is kept.
    """
    scopes = [node for node in ast.walk(tree) if isinstance(node, Scope)]
    return tuple(dict.fromkeys(kept for scope in scopes for kept in _limits_kept(scope)))


def _limits_kept(scope: Scope) -> Iterator[KeptEnd]:
    nodes = list(ast.walk(scope))
    tests = [node.test for node in nodes if isinstance(node, ast.If | ast.While)]
    either = [part for test in tests for part in ast.walk(test) if _is_or(part)]
    for names in map(_returned_by_step, nodes):
        for limit in (name for name in names[2:] if _is_limit(name)):
            for end in (name for name in names[2:] if not _is_limit(name)):
                decide = [one for one in either if set(_names(one)) == {end, limit}]
                if not decide or not _read_only_in(decide, nodes, end):
                    continue
                first = min(one.lineno for one in decide)
                for call in (node for node in nodes if isinstance(node, ast.Call)):
                    given = {name for one in call.args for name in _names(one)}
                    keeps = {*names[:2], limit} <= given and called_name(call) != "print"
                    if keeps and call.lineno < first:
                        yield KeptEnd(call.lineno, limit, end)


def _read_only_in(parts: list[ast.BoolOp], nodes: list[ast.AST], name: str) -> bool:
    known = {id(node) for part in parts for node in ast.walk(part)}
    named = (node for node in nodes if isinstance(node, ast.Name) and node.id == name)
    return all(isinstance(node.ctx, ast.Store) or id(node) in known for node in named)


def _returned_by_step(node: ast.AST) -> list[str]:
    """Return which variables an environment's step is given to: a state, a reward, flags."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
        return []
    target = node.targets[0]
    parts = target.elts if isinstance(target, ast.Tuple) else []
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    return names if called_name(node.value) == "step" and len(names) == len(parts) else []


def _is_or(node: ast.AST) -> TypeGuard[ast.BoolOp]:
    return isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or)


def _is_limit(name: str) -> bool:
    return any(word in name.lower() for word in TIME_LIMITS)


def _names(node: ast.AST) -> Iterator[str]:
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name))


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
