"""What variables, attributes and parameters of a program are given, and where."""

import ast
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TypeGuard

from ..made_modules import last_name
from ..watch.program_frames import Line

IN_PLACE = frozenset("append extend insert update sort reverse add".split())
"""Methods that change what they are called of."""
ARGUMENT_IN_PLACE = ("shuffle",)
"""Functions that change what they are given, where nothing is done with what they return."""

GRADIENTLESS = ("no_grad", "inference_mode")

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Definition = ast.FunctionDef | ast.AsyncFunctionDef
Path = tuple[int | str, ...]
"""Which part of a value is meant: in ``(x, (y, z))`` the z is (1, 1)."""


@dataclass(frozen=True, eq=False)
class Binding:
    """A value that a variable or an attribute is given.

    Attributes:
        value: what it is given a part of.
        path: which part.
        statement: in which it is given.
        replaces: whether what it held before is gone.
    """

    value: ast.expr
    path: Path
    statement: ast.AST
    replaces: bool = True


class Bindings:
    """Reads the syntax trees of a program.

    Args:
        trees: of its files.
        cells: of each file the notebook and the number of the cell, if it is one; the cells of a
            notebook have their variables in common.

    Attributes:
        functions: outside of classes, by name.
        network_classes: names of classes of networks.
        networks: names of variables and attributes that are given one.
    """

    def __init__(
        self, trees: Mapping[str, ast.AST], cells: Mapping[str, tuple[str, int] | None]
    ) -> None:
        self.functions: dict[str, list[Function]] = defaultdict(list)
        self.networks: set[str] = set()
        self._files = {tree: file for file, tree in trees.items()}
        self._cells = cells
        self._parents: dict[ast.AST, ast.AST] = {}
        self._methods: dict[str, list[Definition]] = defaultdict(list)
        self._classes: dict[str, ast.ClassDef] = {}
        self._calls: dict[str, list[ast.Call]] = defaultdict(list)
        self._variables: dict[tuple[Function | None, str], list[Binding]] = defaultdict(list)
        self._attributes: dict[str, list[Binding]] = defaultdict(list)
        self._options: dict[str, Binding] = {}
        self._nodes = [node for tree in trees.values() for node in ast.walk(tree)]
        for node in self._nodes:
            for child in ast.iter_child_nodes(node):
                # Contexts such as ast.Load are one object for all names.
                self._parents[child] = node
        for node in self._nodes:
            if isinstance(node, ast.ClassDef):
                self._classes[node.name] = node
            elif isinstance(node, Definition):
                of_class = isinstance(self._parents[node], ast.ClassDef)
                (self._methods if of_class else self.functions)[node.name].append(node)
        self.network_classes = self._find_network_classes()
        for node in self._nodes:
            self._read(node)

    def _find_network_classes(self) -> set[str]:
        found: set[str] = set()
        for _ in range(3):  # of classes of classes
            for name, node in self._classes.items():
                bases = {last_name(base) for base in node.bases}
                if bases & found or any(base.endswith("Module") for base in bases):
                    found.add(name)
        return found

    # What is read.

    def _read(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            self._read_call(node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind(target, Binding(node.value, (), node))
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            self._bind(node.target, Binding(node.value, (), node))
        elif isinstance(node, ast.AugAssign):
            self._bind(node.target, Binding(node.value, (), node, replaces=False))
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            self._bind(node.target, Binding(node.iter, (), node))

    def _read_call(self, call: ast.Call) -> None:
        name = last_name(call.func)
        self._calls[name].append(call)
        if name == "add_argument":
            self._read_option(call)
        if isinstance(self._parents[call], ast.Expr):
            binding = Binding(call, (), self._parents[call], replaces=False)
            if isinstance(call.func, ast.Attribute) and (name in IN_PLACE or name.endswith("_")):
                self._bind(call.func.value, binding)
            elif name in ARGUMENT_IN_PLACE and call.args:
                self._bind(call.args[0], binding)

    def _read_option(self, call: ast.Call) -> None:
        defaults = [keyword.value for keyword in call.keywords if keyword.arg == "default"]
        for given in call.args:
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                name = given.value.lstrip("-").replace("-", "_")
                for default in defaults:
                    self._options[name] = Binding(default, (), call)

    def _bind(self, target: ast.expr, binding: Binding) -> None:
        value, path, statement = binding.value, binding.path, binding.statement
        if isinstance(target, ast.Tuple | ast.List):
            for place, part in enumerate(target.elts):
                self._bind(part, Binding(value, (*path, place), statement, binding.replaces))
        elif isinstance(target, ast.Starred):
            self._bind(target.value, binding)
        elif isinstance(target, ast.Subscript):
            self._bind(target.value, Binding(value, path, statement, replaces=False))
        elif isinstance(target, ast.Name | ast.Attribute):
            name = last_name(target)
            if is_network(part_of(value, path)[0], self.network_classes):
                self.networks.add(name)
            elif isinstance(value, ast.Lambda):
                self.functions[name].append(value)
            of_class = isinstance(self._parents.get(statement), ast.ClassDef)
            if isinstance(target, ast.Attribute) or of_class:
                self._attributes[name].append(binding)
            else:
                self._variables[self.function(target), name].append(binding)

    # Where something stands.

    def line(self, node: ast.AST) -> Line:
        """Return the file and the line of a node."""
        if isinstance(node, ast.comprehension):
            node = node.iter
        assert isinstance(node, ast.expr | ast.stmt)
        return self._files[self._root(node)], node.lineno

    def expressions(self, line: Line) -> list[ast.expr]:
        """Return the expressions of the statements of a line, without the blocks of these."""
        return [
            node
            for node in self._nodes
            if isinstance(node, ast.expr)
            and isinstance(self._parents[node], ast.stmt | ast.withitem)
            and node.lineno <= line[1] <= (node.end_lineno or 0)
            and self._files[self._root(node)] == line[0]
        ]

    def function(self, node: ast.AST) -> Function | None:
        """Return the innermost function in which a node stands."""
        return next(self.functions_around(node), None)

    def functions_around(self, node: ast.AST) -> Iterator[Function]:
        """Yield the functions in which a node stands, the innermost first."""
        return (one for one in self._around(node) if isinstance(one, Function))

    def loops_around(self, node: ast.AST) -> int:
        """Return how many loops stand around a node in its function."""
        own, loops = self.function(node), ast.For | ast.AsyncFor | ast.While
        around = (one for one in self._around(node) if isinstance(one, loops))
        return sum(self.function(one) is own for one in around)

    def without_gradients_around(self, node: ast.AST) -> ast.With | None:
        """Return the outermost block without gradients around a node, in its function."""
        own = self.function(node)
        around = (one for one in self._around(node) if self.function(one) is own)
        blocks = [one for one in around if is_without_gradients(one)]
        return blocks[-1] if blocks else None

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """Return the statement in which a node stands."""
        return next((one for one in self._around(node) if isinstance(one, ast.stmt)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """Return the class in which a node stands."""
        return next((one for one in self._around(node) if isinstance(one, ast.ClassDef)), None)

    def _around(self, node: ast.AST) -> Iterator[ast.AST]:
        while node in self._parents:
            node = self._parents[node]
            yield node

    def _root(self, node: ast.AST) -> ast.AST:
        return next(chain(reversed([*self._around(node)]), [node]))

    def _program(self, node: ast.AST) -> tuple[str, int]:
        """Return the file or notebook of a node, and the number of its cell."""
        file = self._files[self._root(node)]
        return self._cells.get(file) or (file, 0)

    # What something is given.

    def named(self, name: str) -> list[Binding]:
        """Return what is given last to the variables, or else the attributes, of a name.

        What is written into a part of a variable comes behind what it was before.
        """
        ours = [some for (_, one), some in self._variables.items() if one == name]
        found = [binding for some in ours for binding in _since_replaced(some)]
        return found or self._attributes.get(name, [])

    def reaching(self, node: ast.Name, function: Function | None) -> tuple[list[Binding], bool]:
        """Return what a variable of a function may hold where it is read, the newest first.

        Args:
            node: the variable, as it is read.
            function: whose variable it is; None for one of the file.

        Returns:
            What it is given, and whether it surely is.
        """
        found = self._variables.get((function, node.id), [])
        if function is None:
            own = [one for one in found if self._program(one.value)[0] == self._program(node)[0]]
            found = own or found
        around = set(self._around(node))
        inner = [
            one
            for one in found
            if isinstance(one.statement, ast.comprehension)
            and self._parents[one.statement] in around
        ]
        if inner:
            return inner, True
        found = [one for one in found if not isinstance(one.statement, ast.comprehension)]
        found.sort(key=lambda one: self._place(one.value), reverse=True)
        if self.function(node) is function:
            found = [one for one in found if self._place(one.value) <= self._begin(node)] or found
        else:
            around |= {one for binding in found for one in self._around(binding.statement)}
        for count, one in enumerate(found):
            at = self._parents[one.statement]
            if one.replaces and (at in around or isinstance(at, ast.Module)):
                return found[: count + 1], True
        return found, False

    def _place(self, value: ast.expr) -> tuple[int, int, int]:
        """Return where a value ends: from there on it may be read."""
        return self._program(value)[1], value.end_lineno or 0, value.end_col_offset or 0

    def _begin(self, node: ast.expr) -> tuple[int, int, int]:
        return self._program(node)[1], node.lineno, node.col_offset

    def attribute(self, node: ast.Attribute) -> list[Binding]:
        """Return what an attribute is given: in its own class, if that is known, or in any."""
        found = self._attributes.get(node.attr, [])
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            own = self.class_of(node)
            found = [one for one in found if self.class_of(one.value) is own] or found
        if not found and isinstance(node.value, ast.Name) and node.attr in self._options:
            return [self._options[node.attr]]
        return found

    # Functions and their calls.

    def parameters(self, function: Function) -> list[str]:
        """Return the names of a function's parameters, those by position first."""
        given = function.args
        return [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]

    def default(self, function: Function, name: str) -> ast.expr | None:
        """Return the default of a parameter."""
        given = function.args
        by_place = [one.arg for one in (*given.posonlyargs, *given.args)]
        defaults = dict(zip(reversed(by_place), reversed(given.defaults), strict=False))
        named = zip(given.kwonlyargs, given.kw_defaults, strict=True)
        return (defaults | {one.arg: value for one, value in named if value}).get(name)

    def argument(self, function: Function, name: str, call: ast.Call) -> Binding | None:
        """Return what a call gives a parameter; None if it gives nothing."""
        place = self.parameters(function).index(name) - self._is_method(function)
        for count, given in enumerate(call.args[: place + 1] if place >= 0 else ()):
            if isinstance(given, ast.Starred):
                return Binding(given.value, (place - count,), call)
            if count == place:
                return Binding(given, (), call)
        named = (keyword.value for keyword in call.keywords if keyword.arg == name)
        return next((Binding(value, (), value) for value in named), None)

    def _is_method(self, function: Function) -> bool:
        static = isinstance(function, Definition) and any(
            last_name(one) == "staticmethod" for one in function.decorator_list
        )
        return isinstance(self._parents[function], ast.ClassDef) and not static

    def returned(self, function: Function) -> list[ast.expr]:
        """Return what a function returns, or yields."""
        if isinstance(function, ast.Lambda):
            return [function.body]
        kinds = ast.Return | ast.Yield | ast.YieldFrom
        found = [node for node in ast.walk(function) if isinstance(node, kinds)]
        return [n.value for n in found if n.value is not None and self.function(n) is function]

    def called(self, call: ast.Call) -> list[tuple[Function, Function]]:
        """Return the functions that a call calls, each with the one that takes its arguments.

        Of an object that is made, what is taken out of it one by one is returned by others.
        """
        name = last_name(call.func)
        if name in self._classes:
            made = self._methods_of(self._classes[name])
            takes = made.get("__init__")
            gives = [made[one] for one in ("__getitem__", "__iter__") if one in made]
            return [(one, takes or one) for one in gives]
        if isinstance(call.func, ast.Attribute) and name in self._methods:
            return [(one, one) for one in self._methods[name]]
        return [(one, one) for one in self.functions.get(name, ())]

    def _methods_of(self, node: ast.ClassDef) -> dict[str, Definition]:
        """Return the methods of a class, by name, those of its bases included."""
        classes, found = [node], dict[str, Definition]()
        for one in classes:
            bases = [self._classes.get(last_name(base)) for base in one.bases]
            classes += [base for base in bases if base and base not in classes]
            own = {method.name: method for method in one.body if isinstance(method, Definition)}
            found = own | found
        return found

    def callers(self, function: Function) -> list[ast.Call]:
        """Return the calls of a function."""
        if isinstance(function, ast.Lambda):
            at = self._parents[function]
            targets = at.targets if isinstance(at, ast.Assign) else []
            return [call for target in targets for call in self._calls.get(last_name(target), ())]
        own = self._parents[function]
        if isinstance(own, ast.ClassDef) and function.name == "__init__":
            return self._calls.get(own.name, [])
        if isinstance(own, ast.ClassDef) and function.name in ("forward", "__call__"):
            return [call for name in self.networks for call in self._calls.get(name, ())]
        of_class = isinstance(own, ast.ClassDef)
        found = self._calls.get(function.name, [])
        return [call for call in found if isinstance(call.func, ast.Attribute) or not of_class]


def _since_replaced(bindings: list[Binding]) -> list[Binding]:
    """Return the last binding that gives all of a variable anew, and those behind it."""
    places = [place for place, one in enumerate(bindings) if one.replaces]
    return bindings[places[-1] if places else -1 :]


def is_without_gradients(node: ast.AST) -> TypeGuard[ast.With]:
    """Whether it is a block in which no gradients are recorded."""
    if not isinstance(node, ast.With):
        return False
    entered = (part for item in node.items for part in ast.walk(item.context_expr))
    return any(last_name(part) in GRADIENTLESS for part in entered)


def is_network(value: ast.expr, classes: Collection[str]) -> bool:
    """Whether an expression makes a network, or a part of one; not a loss."""
    if not isinstance(value, ast.Call):
        return False
    name = last_name(value.func)
    if isinstance(value.func, ast.Attribute):
        if name in ("to", "cuda", "eval"):
            return is_network(value.func.value, classes)
        if last_name(value.func.value) == "nn":
            return not name.endswith("Loss")
    return name in classes


def part_of(node: ast.expr, path: Path) -> tuple[ast.expr, Path]:
    """Return the part of a tuple, list or dictionary that is meant, and the rest of the path."""
    while path:
        parts: dict[int | str, ast.expr] = {}
        if isinstance(node, ast.Tuple | ast.List | ast.Dict):
            values = node.values if isinstance(node, ast.Dict) else node.elts
            if not any(isinstance(value, ast.Starred) for value in values):
                parts |= enumerate(values)
        if isinstance(node, ast.Dict):
            keyed = zip(node.keys, node.values, strict=True)
            for key, value in keyed:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    parts[key.value] = value
        if path[0] not in parts:
            break
        node, path = parts[path[0]], path[1:]
    return node, path
