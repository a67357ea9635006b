"""In which line of a program each module of a network is made: ``nn.Tanh()`` in a Sequential."""

import ast
from collections.abc import Iterable, Mapping
from itertools import pairwise

from torch import nn

from .watch.program_frames import Line

DEPTH = 8
"""Names and functions that are followed to what they stand for."""

Place = tuple[str, ast.expr, ast.AST]
"""A file, an expression in it that makes a module, and the file or class around that."""


class MadeModules:
    """Finds where the modules of some networks are made, by following their names in the source.

    Args:
        trees: of the program's files.
        roots: the networks, by the names of their variables.
    """

    def __init__(self, trees: Mapping[str, ast.AST], roots: Mapping[str, nn.Module]) -> None:
        self._trees = trees
        self._roots = roots
        self._classes: dict[str, tuple[str, ast.ClassDef]] = {}
        self._functions: dict[str, tuple[str, ast.FunctionDef]] = {}
        for file, tree in trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self._classes[node.name] = file, node
                elif isinstance(node, ast.FunctionDef):
                    self._functions[node.name] = file, node

    def path_of(self, parameter: object) -> list[nn.Module]:
        """Return the modules from a network down to the one that holds a parameter; or none."""
        for root in self._roots.values():
            for name, module in root.named_modules():
                if any(one is parameter for one in module._parameters.values()):
                    return path(root, name)
        return []

    def activation(self, behind: list[nn.Module], name: str) -> list[nn.Module]:
        """Return the path of the first activation of that name behind a module of a Sequential."""
        for depth in range(len(behind) - 1, 0, -1):
            parent = behind[depth - 1]
            if not isinstance(parent, nn.Sequential):
                break
            children = list(parent)
            place = next(k for k, child in enumerate(children) if child is behind[depth])
            for child in children[place + 1 :]:
                if is_called(child, name):
                    return [*behind[:depth], child]
                if any(True for _ in child.parameters()):
                    return []
        return []

    def last(self, name: str) -> list[nn.Module]:
        """Return the path of the last activation of that name that stands in a Sequential."""
        found: list[nn.Module] = []
        for root in self._roots.values():
            for inner, module in root.named_modules():
                way = path(root, inner)
                if is_called(module, name) and isinstance(way[-2:][0], nn.Sequential):
                    found = way
        return found

    def line(self, way: list[nn.Module]) -> Line | None:
        """Return the line in which the last module of a path is made; None if it isn't found."""
        if not way:
            return None
        place = self._root(way[0])
        for parent, child in pairwise(way):
            name = next(key for key, one in parent._modules.items() if one is child)
            if type(parent).__name__ in self._classes:
                place = self._attribute(type(parent).__name__, name)
            else:
                place = self._element(place, name, child) if place else None
        return (place[0], place[1].lineno) if place else None

    def call(self, parent: nn.Module, child: nn.Module) -> Line | None:
        """Return the line in which a module of the program's own calls one of its modules."""
        found = self._classes.get(type(parent).__name__)
        name = next((key for key, one in parent._modules.items() if one is child), None)
        if found is None or name is None:
            return None
        calls = (node for node in ast.walk(found[1]) if isinstance(node, ast.Call))
        lines = (call.lineno for call in calls if ast.unparse(call.func) == f"self.{name}")
        return next(((found[0], line) for line in lines), None)

    def _root(self, root: nn.Module) -> Place | None:
        name = next((name for name, one in self._roots.items() if one is root), "")
        for file, tree in self._trees.items():
            for value in _values(tree, name.rpartition(".")[2]):
                return file, value, tree
        return None

    def _attribute(self, owner: str, name: str) -> Place | None:
        """Return what a class gives one of its attributes: ``self.fc1 = nn.Linear(...)``."""
        file, node = self._classes[owner]
        return next(((file, value, node) for value in _values(node, name)), None)

    def _element(self, place: Place, name: str, child: nn.Module) -> Place | None:
        """Return what makes an element of a Sequential, of a list or of a dictionary."""
        file, made, scope = place
        for _ in range(DEPTH):
            name_of = made.func if isinstance(made, ast.Call) else made
            known = name_of.id if isinstance(name_of, ast.Name) else ""
            if isinstance(made, ast.Call) and known in self._functions:
                file, function = self._functions[known]
                returned = [n.value for n in ast.walk(function) if isinstance(n, ast.Return)]
                if len(returned) != 1 or returned[0] is None:
                    return None
                made, scope = returned[0], function
            elif isinstance(made, ast.Name):
                values = list(_values(scope, known))
                if len(values) != 1:
                    return None
                made = values[0]
            else:
                break
        parts = _parts(made)
        place_in = int(name) if name.isdigit() else -1
        if len(parts) == 1 and isinstance(parts[0], ast.ListComp | ast.GeneratorExp):
            return file, parts[0].elt, scope
        whole = not any(isinstance(part, ast.Starred) for part in parts)
        if whole and 0 <= place_in < len(parts):
            return file, parts[place_in], scope
        named = [value for key, value in _keyed(made) if key == name]
        alike = named or [
            node
            for node in ast.walk(scope)
            if isinstance(node, ast.Call) and last_name(node.func) == type(child).__name__
        ]
        return (file, alike[0], scope) if len(alike) == 1 else None


def path(root: nn.Module, name: str) -> list[nn.Module]:
    """Return the modules from a network down to one of its own: ``blocks.0.fc``."""
    found = [root]
    for part in name.split(".") if name else ():
        child = found[-1]._modules[part]
        assert child is not None
        found.append(child)
    return found


def is_called(module: nn.Module, name: str) -> bool:
    """Whether a module is the activation of that name: LeakyReLU of ``leaky_relu``."""
    return type(module).__name__.lower() == name.replace("_", "")


def _values(scope: ast.AST, name: str) -> Iterable[ast.expr]:
    """Yield what is assigned to a variable or attribute of that name."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=False))
                yield from (value for one, value in pairs if name and last_name(one) == name)
        elif isinstance(node, ast.AnnAssign) and node.value and last_name(node.target) == name:
            yield node.value


def _parts(made: ast.expr) -> list[ast.expr]:
    """Return what a list is made of, or what a container is given."""
    if isinstance(made, ast.List | ast.Tuple):
        return made.elts
    parts = made.args if isinstance(made, ast.Call) else []
    if len(parts) == 1 and isinstance(parts[0], ast.List | ast.Tuple):
        return parts[0].elts
    return parts


def _keyed(made: ast.expr) -> Iterable[tuple[str, ast.expr]]:
    """Yield names and values of a dictionary, or of pairs in a list."""
    for node in ast.walk(made):
        if isinstance(node, ast.Dict):
            keyed = zip(node.keys, node.values, strict=True)
            yield from ((str(k.value), v) for k, v in keyed if isinstance(k, ast.Constant))
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
            key, value = node.elts
            if isinstance(key, ast.Constant):
                yield str(key.value), value


def last_name(node: ast.AST) -> str:
    """Return the last part of a dotted name; "" of anything else."""
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
