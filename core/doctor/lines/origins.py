"""Where data comes from, in the source: what it went through, back to where it is made.

Variables are followed to what they are given, parameters to the calls, calls to what they return;
of ``for x, y in loader`` and ``TensorDataset(inputs, labels)`` it is known which is which.
"""

import ast
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeGuard

from ..made_modules import last_name
from ..watch.program_frames import Line
from .bindings import Binding, Bindings, Function, Path, is_network, is_without_gradients, part_of

DEPTH, MOST = 80, 3000
"""Expressions that are followed one after another, and all together."""
CALLED = 3
"""Functions that are called in one another."""
FIRST_ALONE = frozenset("DataLoader Subset iter next list tuple sorted reversed tqdm cycle".split())
"""What hands on the parts of its first argument; the others say how."""
PARTS_OF_ARGUMENTS = {"TensorDataset": 1, "zip": 1, "shuffle": 1, "train_test_split": 2}
"""What returns parts of its arguments, and how many of each."""

Calls = frozenset[tuple[Function, ast.Call]]
"""The functions in which an expression stands, each with the call of it that is meant."""


@dataclass(frozen=True, eq=False)
class Step:
    """An expression that data went through.

    Attributes:
        line: in which it stands.
        node: the expression.
        calls: of the functions in which it stands.
        is_index: whether it says only which elements are taken.
    """

    line: Line
    node: ast.expr
    calls: Calls
    is_index: bool = False


class Passed(NamedTuple):
    """A call that data went through.

    Attributes:
        step: that it is part of, or that takes the elements.
        path: which part of what it returns is meant.
        is_index: whether it says only which elements are taken.
    """

    step: Step
    path: Path
    is_index: bool


@dataclass(eq=False)
class Way:
    """What data went through, the last first.

    Attributes:
        steps: in the order in which they are found.
        calls: what was called on the way.
        networks: whether a network is among these.
    """

    steps: list[Step] = field(default_factory=list)
    calls: dict[ast.Call, Passed] = field(default_factory=dict)
    networks: bool = False

    def alone(self, *others: "Way") -> list[Step]:
        """Return the steps that other ways have not, those where they part first."""
        known = {step.node for other in others for step in other.steps}

        def is_known(node: ast.expr) -> bool:
            parts = node.elts if isinstance(node, ast.Tuple) else ()
            return node in known or any(part in known for part in parts)

        return [step for step in reversed(self.steps) if not is_known(step.node)]


class Origins:
    """Follows data through the syntax trees of a program.

    Args:
        trees: of its files.
        cells: of each file the notebook and the number of the cell, if it is one.
        networks: names of variables that hold networks.
    """

    def __init__(
        self,
        trees: Mapping[str, ast.AST],
        cells: Mapping[str, tuple[str, int] | None],
        networks: Collection[str],
    ) -> None:
        self._known = Bindings(trees, cells)
        self._networks = {*networks, *self._known.networks, "self"}

    def of_loss(self, line: Line, prefers: Callable[[str], bool]) -> tuple[Way, Way] | None:
        """Return the ways of the inputs, and of the targets, of the loss in a line.

        Args:
            line: in which it is computed.
            prefers: which names of arguments are meant where a function is called several times.
        """
        found = None
        for one, other in self._compared(line):
            outputs, targets = self._way([one], prefers), self._way([other], prefers)
            if outputs.networks != targets.networks:
                return (outputs, targets) if outputs.networks else (targets, outputs)
            found = found or (outputs, targets)
        return found

    def of_name(self, name: str) -> Way:
        """Return the way of what variables, or else attributes, of a name hold."""
        follower = _Follower(self._known, self._networks)
        for binding in self._known.named(name):
            follower.follow_binding(binding, PlaceOnWay())
        return follower.way

    def of_network(self, line: Line, prefers: Callable[[str], bool]) -> Way:
        """Return the way of what a network is given in a line."""
        found = self._known.expressions(line)
        calls = [node for one in found for node in ast.walk(one) if isinstance(node, ast.Call)]
        given = [call.args for call in calls if last_name(call.func) in self._networks]
        return self._way([argument for arguments in given for argument in arguments], prefers)

    def of_value(self, value: ast.expr) -> Way:
        """Return the way of an expression."""
        return self._way([value], bool)

    def is_own(self, call: ast.Call) -> bool:
        """Whether a call calls a function or a class of the program."""
        return bool(self._known.called(call))

    def is_written_into(self, value: ast.expr) -> bool:
        """Whether a value is given to a part of something else, that it does not come from."""
        statement = self._known.statement(value)
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        written = [part for one in targets for part in _parts(one)]
        own = {last_name(part.value) for part in written if isinstance(part, ast.Subscript)}
        return bool(own) and not any(last_name(node) in own for node in ast.walk(value))

    def is_in_network(self, node: ast.AST) -> bool:
        """Whether a node stands in the class of a network."""
        own = self._known.class_of(node)
        return own is not None and own.name in self._known.network_classes

    def loops_around(self, node: ast.AST, depth: int = 0) -> int:
        """Return how many loops stand around a node, also where its function is called."""
        function = self._known.function(node)
        calls = self._known.callers(function) if function and depth < CALLED else []
        outside = max((self.loops_around(call, depth + 1) for call in calls), default=0)
        return self._known.loops_around(node) + outside

    def callers_of_method(self, line: Line) -> Iterator[Line]:
        """Yield where a network's method in which a line stands is called, outside of its class."""
        for node in self._known.expressions(line)[-1:]:
            method, own = self._known.function(node), self._known.class_of(node)
            if own is None or own.name not in self._known.network_classes:
                continue
            if isinstance(method, ast.FunctionDef) and method.name != "forward":
                for call in self._known.callers(method):
                    if self._known.class_of(call) is not own:
                        yield self._known.line(call)

    def is_evaluation(self, node: ast.AST) -> TypeGuard[ast.With]:
        """Whether it is a block without gradients in which a network is called."""
        calls = (one for one in ast.walk(node) if isinstance(one, ast.Call))
        return is_without_gradients(node) and any(
            last_name(call.func) in self._networks - {"self"} for call in calls
        )

    def evaluation_around(self, line: Line) -> Iterator[Line]:
        """Yield where the part begins in which a network is evaluated in a line.

        It is the function around, where nothing is trained in it, or else what goes without
        gradients; a network's own methods are none.
        """
        for node in self._known.expressions(line)[:1]:
            function = self._known.function(node)
            if self.is_in_network(node):
                continue
            if isinstance(function, ast.FunctionDef) and not _trains(function):
                yield self._known.line(function)
            elif block := self._known.without_gradients_around(node):
                yield self._known.line(block)

    def outside(self, step: Step, way: Way) -> Step:
        """Return the step of a way that called the function in which a step stands; or itself."""
        function = self._known.function(step.node)
        for known, call in step.calls:
            outer = way.calls[call].step if call in way.calls else step
            if known is function and len(outer.calls) < len(step.calls):
                return self.outside(outer, way)
        return step

    def _way(self, values: list[ast.expr], prefers: Callable[[str], bool]) -> Way:
        follower = _Follower(self._known, self._networks, prefers)
        for value in values:
            follower.follow_binding(Binding(value, (), value), PlaceOnWay())
        return follower.way

    def _compared(self, line: Line) -> Iterator[tuple[ast.expr, ast.expr]]:
        """Yield what is compared in a line, pair by pair, the outermost first."""
        for one in self._known.expressions(line):
            for node in ast.walk(one):
                if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
                    yield node.left, node.right
                elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
                    yield node.value, node.slice.elts[-1]  # probabilities of the targets
                elif isinstance(node, ast.Call):
                    named = [k.value for k in node.keywords if k.arg in ("input", "target")]
                    given = [*node.args, *named][:2]
                    if len(given) == 2 and not any(isinstance(g, ast.Starred) for g in given):
                        yield given[0], given[1]


def _parts(target: ast.expr) -> list[ast.expr]:
    """Return what is assigned to: the parts of a tuple, or itself."""
    return list(target.elts) if isinstance(target, ast.Tuple | ast.List) else [target]


class PlaceOnWay(NamedTuple):
    """Where an expression stands on a way.

    Attributes:
        path: which part of it is meant.
        calls: of the functions in which it stands.
        depth: expressions before it.
        is_index: whether it says only which elements are taken.
        step: the last one; the one that takes the elements.
    """

    path: Path = ()
    calls: Calls = frozenset()
    depth: int = 0
    is_index: bool = False
    step: Step | None = None

    def further(self, path: Path) -> "PlaceOnWay":
        """Return the place of the next expression."""
        return self._replace(path=path, depth=self.depth + 1)


class _Follower:
    """Goes one way.

    Args:
        known: what is given to variables.
        networks: names of variables that hold networks.
        prefers: which names of arguments are meant where a function is called several times.
    """

    def __init__(
        self, known: Bindings, networks: set[str], prefers: Callable[[str], bool] = bool
    ) -> None:
        self.way = Way()
        self._known = known
        self._networks = networks
        self._prefers = prefers
        self._seen: set[tuple[ast.AST, Path, Calls]] = set()

    def follow(self, node: ast.expr, at: PlaceOnWay) -> None:
        """Follow a part of an expression."""
        key = node, at.path, at.calls
        if key in self._seen or at.depth > DEPTH or len(self._seen) > MOST:
            return
        self._seen.add(key)
        match node:
            case ast.Name():
                self._follow_name(node, at)
            case ast.Attribute():
                self._follow_attribute(node, at)
            case ast.Call():
                self._follow_call(node, at)
            case ast.Subscript():
                place = node.slice.value if isinstance(node.slice, ast.Constant) else None
                part = (place, *at.path) if isinstance(place, int | str) else at.path
                self.follow(node.value, at.further(part))
                self.follow(node.slice, at.further(())._replace(is_index=True))
            case ast.ListComp() | ast.GeneratorExp() if at.path:
                for generator in node.generators:
                    self.follow(generator.iter, at.further(at.path))
            case _:
                self._follow_parts(node, at)

    def follow_binding(self, binding: Binding, at: PlaceOnWay) -> None:
        """Follow what a variable is given, and keep it as a step."""
        part, rest = part_of(binding.value, binding.path + at.path)
        line = self._known.line(binding.statement if part is binding.value else part)
        step = Step(line, part, at.calls, at.is_index)
        self.way.steps.append(step)
        self.follow(part, at.further(rest)._replace(step=at.step if at.is_index else step))

    def _follow_parts(self, node: ast.expr, at: PlaceOnWay) -> None:
        part, rest = part_of(node, at.path)
        if part is not node:
            self.follow(part, at.further(rest))
            return
        kept = at.path if isinstance(node, ast.IfExp | ast.Starred | ast.NamedExpr) else ()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.follow(child, at.further(kept))
            elif isinstance(child, ast.comprehension):
                self.follow(child.iter, at.further(()))

    def _follow_name(self, node: ast.Name, at: PlaceOnWay) -> None:
        for function in (*self._known.functions_around(node), None):
            bindings, surely = self._known.reaching(node, function)
            for binding in bindings:
                self.follow_binding(binding, at)
            if not surely and function and node.id in self._known.parameters(function):
                self._follow_parameter(function, node.id, at)
                return
            if bindings:
                return
        for handed_on in self._known.functions.get(node.id, ()):
            self._follow_returned(handed_on, at)

    def _follow_returned(self, function: Function, at: PlaceOnWay) -> bool:
        """Follow what a function returns; say whether it returns anything."""
        returned = self._known.returned(function)
        for value in returned:
            self.follow_binding(Binding(value, (), value), at)
        return bool(returned)

    def _follow_attribute(self, node: ast.Attribute, at: PlaceOnWay) -> None:
        bindings = self._known.attribute(node)
        for binding in bindings:
            self.follow_binding(binding, at)
        if not bindings:
            self.follow(node.value, at.further(at.path))

    def _follow_parameter(self, function: Function, name: str, at: PlaceOnWay) -> None:
        """Follow what a parameter is given: in the call that is meant, or in any."""
        meant = [call for known, call in at.calls if known is function]
        given = [
            binding
            for call in meant or self._known.callers(function)
            if (binding := self._known.argument(function, name, call))
        ]
        default = self._known.default(function, name)
        if not given and default is not None:
            given = [Binding(default, (), default)]
        outside = frozenset(pair for pair in at.calls if pair[0] is not function)
        preferred = [binding for binding in given if self._is_preferred(binding.value)]
        for binding in preferred or given:
            self.follow_binding(binding, at._replace(calls=outside))

    def _is_preferred(self, value: ast.expr) -> bool:
        name = last_name(value)
        return not name or self._prefers(name)

    def _follow_call(self, call: ast.Call, at: PlaceOnWay) -> None:
        if at.step:
            self.way.calls.setdefault(call, Passed(at.step, at.path, at.is_index))
        if is_network(call, self._known.network_classes):
            return
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        given: list[tuple[ast.expr, Path]] = [(argument, ()) for argument in arguments]
        if last_name(call.func) in self._networks:
            self.way.networks = True
        elif self._follow_into(call, at):
            return
        elif (parts := parts_of_arguments(call, at.path)) is not None:
            for argument, path in parts:
                self.follow_binding(Binding(argument, path, argument), at._replace(path=()))
            return
        elif isinstance(call.func, ast.Attribute):
            known = self._known.attribute(call.func)
            self.follow(call.func if known else call.func.value, at.further(at.path))
        for argument, path in given:
            self.follow(argument, at.further(path))

    def _follow_into(self, call: ast.Call, at: PlaceOnWay) -> bool:
        """Follow what the program's own functions return that are called; say whether any does."""
        found = [
            self._follow_returned(function, at._replace(calls=at.calls | {(takes, call)}))
            for function, takes in self._known.called(call)
        ]
        return any(found)


def _trains(function: ast.AST) -> bool:
    """Whether a function differentiates, or moves parameters."""
    calls = (one for one in ast.walk(function) if isinstance(one, ast.Call))
    return any(last_name(call.func) in ("backward", "step") for call in calls)


def parts_of_arguments(call: ast.Call, path: Path) -> list[tuple[ast.expr, Path]] | None:
    """Return which arguments of a library's function are meant; None if that is not known."""
    name, place = last_name(call.func), path[0] if path else None
    given = [*call.args, *(k.value for k in call.keywords if k.arg == "dataset")]
    each = PARTS_OF_ARGUMENTS.get(name)
    if each and isinstance(place, int) and len(given) > max(1, place // each):
        return [(given[place // each], path[1:])]
    if name == "enumerate" and given:
        return [(given[0], path[1:])] if place == 1 else []
    if name == "map" and len(given) > 1:
        return [(given[1], path)]
    if name == "random_split" and given:
        return [(given[0], path[1:])]
    if name in FIRST_ALONE and given:
        return [(given[0], path)]
    return None
