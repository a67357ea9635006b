"""Finds in a program's syntax tree the loops that train, and in each what is a step.

A loop trains if its body, or a function that it calls, has a backward pass. The innermost loop that
also holds the update is a step: a loop inside of it accumulates gradients, one around it counts
epochs.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

Loop = ast.For | ast.While | ast.AsyncFor
Function = ast.FunctionDef | ast.AsyncFunctionDef
BACKWARD = ("backward", "manual_backward")
SCHEDULERS = ("sched", "warmup", "lr_", "prof", "writer", "bar", "env")
"""Parts of names of what has a ``step()`` that moves no weight."""
AMBIGUOUS = frozenset("train eval step fit update run forward close backward zero_grad".split())
"""Methods that others' classes have, too: they are followed only where the class is known."""


@dataclass
class Loops:
    """What was found.

    Attributes:
        steps: loops of which each iteration is a step of a training.
        outer: loops around those, in the same function or in one that calls it.
        training_calls: calls of functions that hold a loop of either kind.
        makes_network: outer loops that make a network or an optimiser in each iteration.
    """

    steps: set[ast.AST] = field(default_factory=set)
    outer: set[ast.AST] = field(default_factory=set)
    training_calls: set[ast.Call] = field(default_factory=set)
    makes_network: set[ast.AST] = field(default_factory=set)


@dataclass
class _Unit:
    """A function, or what stands outside of any."""

    node: Function | ast.Module
    owner: str
    backward: bool = False
    updates: bool = False
    trains: bool = False


class LoopFinder:
    """Finds the loops of all files of a program.

    Args:
        trees: of its files and cells.
    """

    def __init__(self, trees: Iterable[ast.Module]) -> None:
        trees = list(trees)
        self._units: list[_Unit] = []
        self._functions: dict[tuple[str, str], list[_Unit]] = {}
        self._named: dict[str, list[_Unit]] = {}
        self._classes: dict[str, tuple[str, ...]] = {}
        self._made: dict[str, str] = {}
        self._schedulers: set[str] = set()
        for tree in trees:
            self._read(tree, "")
            self._units.append(_Unit(tree, ""))
            self._note_assigned(tree)
        self.found = Loops()
        self._settle()

    # Names.

    def _read(self, node: ast.AST, owner: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                self._classes[child.name] = tuple(_last_name(base) for base in child.bases)
                self._read(child, child.name)
            elif isinstance(child, Function):
                unit = _Unit(child, owner)
                self._units.append(unit)
                self._functions.setdefault((owner, child.name), []).append(unit)
                self._named.setdefault(child.name, []).append(unit)
                self._read(child, "" if owner == "" else owner)
            else:
                self._read(child, owner)

    def _note_assigned(self, tree: ast.Module) -> None:
        """Note which variables hold objects of the program's classes, and which are schedulers."""
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
                continue
            made = _last_name(node.value.func)
            dotted = ast.unparse(node.value.func)
            for target in node.targets:
                name = _last_name(target)
                if made in self._classes:
                    self._made[name] = made
                if "lr_scheduler" in dotted or made.endswith(("LR", "Scheduler", "schedule")):
                    self._schedulers.add(name)

    def _called(self, call: ast.Call, owner: str) -> list[_Unit]:
        """Return the program's functions that a call may mean; a closure is given to a step."""
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr == "step" and call.args:
            closure = self._functions.get(("", _last_name(call.args[0])))
            if closure:
                return closure
        if isinstance(func, ast.Name):
            known = self._functions.get(("", func.id), [])
            return known or self._functions.get((func.id, "__init__"), [])
        if not isinstance(func, ast.Attribute):
            return []
        if isinstance(func.value, ast.Name) and func.value.id in ("self", "cls"):
            return self._method(owner, func.attr)
        made = self._made.get(_last_name(func.value)) or (
            _last_name(func.value.func) if isinstance(func.value, ast.Call) else ""
        )
        if made in self._classes:
            return self._method(made, func.attr)
        if func.attr in AMBIGUOUS:
            return []
        return self._named.get(func.attr, [])

    def _method(self, owner: str, name: str) -> list[_Unit]:
        """Return a method of a class, of one of its bases, or else of what it is a base of."""
        seen, todo = set[str](), [owner]
        while todo:
            one = todo.pop(0)
            if one in seen:
                continue
            seen.add(one)
            if found := self._functions.get((one, name)):
                return found
            todo += self._classes.get(one, ())
        heirs = [heir for heir, bases in self._classes.items() if owner in bases]
        return [unit for heir in heirs for unit in self._functions.get((heir, name), [])]

    # What functions do, until nothing changes any more: they call one another.

    def _settle(self) -> None:
        while True:
            before = [(u.backward, u.updates, u.trains) for u in self._units]
            self.found = Loops()
            for unit in self._units:
                self._classify_unit(unit)
            if before == [(u.backward, u.updates, u.trains) for u in self._units]:
                return

    def _classify_unit(self, unit: _Unit) -> None:
        for loop in _loops_in(unit.node):
            kind, innermost = self._classify(loop, unit.owner)
            if kind == "accumulates":  # nothing here updates: each pass is a step all the same
                self._promote(loop, innermost)
        trained = self.found.steps | self.found.outer
        loops = [n for n in _own(unit.node) if isinstance(n, Loop) and n in trained]
        inside = {id(n) for loop in loops for n in ast.walk(loop)}
        unit.trains = bool(loops)
        for node in _own(unit.node):
            if not isinstance(node, ast.Call):
                continue
            called = self._called(node, unit.owner)
            if any(u.trains for u in called):
                self.found.training_calls.add(node)
                unit.trains = True
            if id(node) not in inside:
                unit.backward |= _is_backward(node) or any(u.backward for u in called)
        if not isinstance(unit.node, ast.Module):
            unit.updates = any(self._is_update(n, unit.owner) for n in _own(unit.node))
        else:
            unit.backward = False

    def _promote(self, loop: ast.AST, innermost: ast.AST) -> None:
        self.found.steps.add(innermost)
        if loop is not innermost:
            self.found.outer.add(loop)

    def _classify(self, loop: ast.AST, owner: str) -> tuple[str, ast.AST]:
        """Return what a loop is, and the innermost one in it that has a backward pass."""
        found = self.found
        inner = [(child, *self._classify(child, owner)) for child in _loops_in(loop)]
        trained = [child for child, kind, _ in inner if kind in ("step", "outer")]
        behind = {id(n) for child in trained for n in ast.walk(child)}
        own = [n for n in _own(loop) if id(n) not in behind]
        calls = [n for n in own if isinstance(n, ast.Call)]
        backward = any(_is_backward(c) for c in calls) or any(
            u.backward for c in calls for u in self._called(c, owner)
        )
        if backward:
            innermost = next((deep for _, kind, deep in inner if kind == "accumulates"), loop)
            if not any(self._is_update(n, owner) for n in own):
                return "accumulates", innermost
            for child in trained:  # both belong to one step, as critic and generator do
                for node in ast.walk(child):
                    found.steps.discard(node)
                    found.outer.discard(node)
            found.steps.add(loop)
            return "step", loop
        trains = any(u.trains for c in calls for u in self._called(c, owner))
        if trained or trains:
            found.outer.add(loop)
            if any(self._makes_network(c) for c in calls):
                found.makes_network.add(loop)
            return "outer", loop
        return "", loop

    def _makes_network(self, call: ast.Call) -> bool:
        name = _last_name(call.func)
        dotted = ast.unparse(call.func)
        is_module = any("Module" in base for base in self._classes.get(name, ()))
        return is_module or dotted.startswith(("optim.", "torch.optim.")) or name == "Sequential"

    def _is_update(self, node: ast.AST, owner: str) -> bool:
        """Whether weights are moved there: an optimiser's step, or a gradient added to them."""
        if isinstance(node, ast.Call):
            func = node.func
            if isinstance(func, ast.Attribute) and func.attr == "step":
                return not self._is_scheduler(func.value)
            return any(u.updates for u in self._called(node, owner))
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {_last_name(target) for target in targets}
            if isinstance(node, ast.AugAssign) and "data" in names:
                return True
            return names != {"grad"} and _reads_gradient(node.value)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            name = _last_name(call.func)
            return name.endswith("_") and any(_reads_gradient(arg) for arg in call.args)
        return False

    def _is_scheduler(self, receiver: ast.expr) -> bool:
        name = _last_name(receiver)
        return name in self._schedulers or any(part in name.lower() for part in SCHEDULERS)

    def updates_in(self, statement: ast.stmt, owner: str = "") -> bool:
        """Whether weights are moved in a statement, or in what it calls."""
        return any(self._is_update(node, owner) for node in _own(statement))

    def backward_in(self, code: ast.AST, owner: str = "") -> bool:
        """Whether a backward pass is in a statement or expression, or in what it calls."""
        calls = [node for node in _own(code) if isinstance(node, ast.Call)]
        return any(
            _is_backward(c) or any(u.backward for u in self._called(c, owner)) for c in calls
        )


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is done in a node: of a whole file, without its functions and classes.

    Functions that are defined in a function count, since a closure is called there.
    """
    if isinstance(node, ast.Module):
        todo: list[ast.AST] = [n for n in node.body if not isinstance(n, Function | ast.ClassDef)]
    else:
        todo = [node]
    while todo:
        one = todo.pop()
        yield one
        todo += ast.iter_child_nodes(one)


def _loops_in(node: ast.AST) -> list[ast.AST]:
    """Return the outermost loops inside a node, without those of functions defined there."""
    found: list[ast.AST] = []
    todo = list(ast.iter_child_nodes(node))
    while todo:
        one = todo.pop()
        if isinstance(one, Loop):
            found.append(one)
        elif not isinstance(one, Function | ast.ClassDef | ast.Lambda):
            todo += ast.iter_child_nodes(one)
    return found


def _is_backward(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in BACKWARD


def _reads_gradient(value: ast.expr | None) -> bool:
    return value is not None and any(
        isinstance(n, ast.Attribute) and n.attr == "grad" for n in ast.walk(value)
    )


def _last_name(node: ast.AST) -> str:
    """Return the last part of a dotted name: ``lr`` of ``self.lr``; "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return _last_name(node.value) if isinstance(node, ast.Subscript) else ""
