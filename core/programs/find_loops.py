"""Finds in a program's syntax tree the loops that train, and in each what is a step.

A loop trains if its body, or a function that it calls, has a backward pass, or takes a derivative
(``torch.autograd.grad``, ``torch.func.grad``) by which weights are moved. The innermost loop that
also holds the update is a step: a loop inside of it accumulates gradients, one around it counts
epochs.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

Loop = ast.For | ast.While | ast.AsyncFor
Function = ast.FunctionDef | ast.AsyncFunctionDef
BACKWARD = ("backward", "manual_backward")
GRADIENTS = ("torch.autograd.grad", "autograd.grad")
TRANSFORMS = tuple(
    f"{module}{name}"
    for module in ("torch.func.", "func.", "functorch.")
    for name in ("grad", "grad_and_value")
)
"""What makes a function that differentiates of one that computes a loss."""
LOSS_NAMES = ("loss", "cost", "nll", "criterion", "cross_entropy")
"""Parts of names of losses, and of what computes them."""
SQUARED_ERRORS = ("mse_loss", "MSELoss")
SCHEDULERS = ("sched", "warmup", "lr_", "prof", "writer", "bar", "env")
"""Parts of names of what has a ``step()`` that moves no weight."""
OPTIMISERS = ("optim.", "torch.optim.")
"""Where optimisers are made."""
COMPUTED = (ast.BinOp, ast.DictComp, ast.ListComp)
"""How moments are made of gradients."""
SIZES = ("pow", "square", "abs", "norm", "vector_norm")
"""Functions that leave the size of a gradient, and not its direction."""
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
        measures: loops that measure gradients and move nothing, as for a Fisher information.
    """

    steps: set[ast.AST] = field(default_factory=set)
    outer: set[ast.AST] = field(default_factory=set)
    training_calls: set[ast.Call] = field(default_factory=set)
    makes_network: set[ast.AST] = field(default_factory=set)
    measures: set[ast.AST] = field(default_factory=set)


@dataclass
class _Unit:
    """A function, or what stands outside of any."""

    node: Function | ast.Module
    owner: str
    backward: bool = False
    updates: bool = False
    steps: bool = False
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
        self.losses: set[str] = set()
        """Variables that hold a loss of ``torch.nn``, and functions of the program whose value is
        differentiated, or networks that return it, whatever they are called."""
        self._written_out: set[str] = set()
        """Losses that are written out as an expression, without the names in it."""
        self._squares = False
        """Whether the squared error of torch is computed anywhere."""
        self._networks: set[str] = set()
        """Variables whose parameters are asked for."""
        self._outputs: set[str] = set()
        """Variables that hold what a network returns."""
        self._returned_losses: set[tuple[str, int]] = set()
        """What is called, and which of the values that it returns is a loss by its name."""
        self._held: dict[str, list[_Unit]] = {}
        """Functions by the variables and parameters that stand for them."""
        self._imported: dict[str, str] = {}
        self._optimisers: set[str] = set()
        """Variables that hold an optimiser."""
        self._derivatives: set[int] = set()
        """Ids of the calls that return gradients."""
        self._given: dict[int, set[str]] = {}
        """Parameters that are given gradients, by the id of their function."""
        self._moved: set[int] = set()
        """Ids of the statements that move weights by such gradients."""
        for tree in trees:
            self._read(tree, "")
            self._units.append(_Unit(tree, ""))
            self._note_assigned(tree)
            self._note_networks(tree)
            self._squares |= any(_last_name(n) in SQUARED_ERRORS for n in ast.walk(tree))
        for tree in trees:
            self._note_outputs(tree)
            self._note_differentiated(tree)
            self._note_held(tree)
            self._note_derivatives(tree)
        self._pass_on_gradients()
        for unit in self._units:
            self._note_moved(unit.node)
        for unit in self._units:
            self._leave_out_looked_at(unit)
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
        """Note which variables hold objects of the program's classes, schedulers and losses."""
        for target, value in _assigned(tree):
            if not isinstance(value, ast.Call):
                continue
            name, made, dotted = _last_name(target), _last_name(value.func), ast.unparse(value.func)
            if made in self._classes:
                self._made[name] = made
            if "lr_scheduler" in dotted or made.endswith(("LR", "Scheduler", "schedule")):
                self._schedulers.add(name)
            if made.endswith("Loss"):
                self.losses.add(name)
            if dotted.startswith(OPTIMISERS) and "lr_scheduler" not in dotted:
                self._optimisers.add(name)

    def _note_differentiated(self, tree: ast.Module) -> None:
        """Note which functions of the program return what is differentiated: its losses."""
        roots = [
            node.func.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in BACKWARD
        ]
        names = {root.id for root in roots if isinstance(root, ast.Name)}
        values: list[ast.expr] = [
            part
            for node in ast.walk(tree)
            if (isinstance(node, ast.Assign) and names & {_last_name(t) for t in node.targets})
            or (isinstance(node, ast.AugAssign) and _last_name(node.target) in names)
            for part in _added(node.value, names)
        ]
        for value in (*values, *roots):
            name = _last_name(value.func) if isinstance(value, ast.Call) else ""
            # A network may return its loss itself.
            if (name in self._named and name not in ("forward", "__call__")) or name in self._made:
                self.losses.add(name)
            if any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub) for n in ast.walk(value)):
                self._written_out.add(_without_names(value))

    def _note_networks(self, tree: ast.Module) -> None:
        """Note which variables are networks."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "parameters":
                self._networks.add(_last_name(node.value))
        self._networks.discard("")  # of parts that are put together there

    def _note_outputs(self, tree: ast.Module) -> None:
        """Note what networks return: outputs, and losses among other values."""
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
                continue
            called = _last_name(node.value.func)
            if not called:
                continue
            for target in node.targets:
                parts = target.elts if isinstance(target, ast.Tuple) else []
                for place, part in enumerate(parts):
                    if any(name in _last_name(part).lower() for name in LOSS_NAMES):
                        self._returned_losses.add((called, place))
                if isinstance(target, ast.Name) and self._is_of_network(node.value):
                    self._outputs.add(target.id)

    def _is_of_network(self, value: ast.expr) -> bool:
        """Whether a value is computed by a network, or of what one returned."""
        return any(
            _last_name(node.func) in self._networks
            if isinstance(node, ast.Call)
            else isinstance(node, ast.Name) and node.id in self._outputs
            for node in ast.walk(value)
        )

    def is_written_loss(self, value: ast.expr) -> bool:
        """Whether a value is computed as one that is differentiated, perhaps of other data.

        Where that is torch's squared error, another one may be written out: of a network's outputs.
        """
        if self._written_out and _without_names(value) in self._written_out:
            return True
        error = _mean_square_of(value) if self._squares else None
        return error is not None and self._is_of_network(error)

    def is_returned_loss(self, value: ast.Subscript) -> bool:
        """Whether a loss is picked from what is returned: ``model(x, y)[1]``."""
        call, place = value.value, value.slice
        return (
            isinstance(call, ast.Call)
            and isinstance(place, ast.Constant)
            and (_last_name(call.func), place.value) in self._returned_losses
        )

    def _note_held(self, tree: ast.Module) -> None:
        """Note functions that others return or are given: ``step = make_step(model)``."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                for target in node.targets:
                    self._hold(_last_name(target), self._returned(node.value))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            for unit in self._named.get(_last_name(node.func), ()):
                given = [arg.arg for arg in unit.node.args.args]  # type: ignore[union-attr]
                given = given[1:] if given[:1] == ["self"] else given
                for name, value in zip(given, node.args, strict=False):
                    self._hold(name, self._meant(value))
                for keyword in node.keywords:
                    self._hold(keyword.arg or "", self._meant(keyword.value))

    def _hold(self, name: str, units: list[_Unit]) -> None:
        held = self._held.setdefault(name, [])
        held += [unit for unit in units if unit not in held]

    def _meant(self, value: ast.expr, owner: str = "") -> list[_Unit]:
        """Return the functions that an expression stands for: a name, or a method."""
        if isinstance(value, ast.Name):
            known = self._functions.get(("", value.id)) or self._held.get(value.id, [])
            return [unit for unit in known if unit.node.name == value.id] or known  # type: ignore[union-attr]
        if isinstance(value, ast.Attribute) and _last_name(value.value) in ("self", "cls"):
            return self._method(owner, value.attr) if owner else self._named.get(value.attr, [])
        return []

    def _returned(self, call: ast.Call) -> list[_Unit]:
        """Return the functions that are defined in what is called, and returned by it."""
        found = []
        for factory in self._named.get(_last_name(call.func), ()):
            inner = {
                node.name: node
                for node in ast.walk(factory.node)
                if isinstance(node, Function) and node is not factory.node
            }
            for node in ast.walk(factory.node):
                if isinstance(node, ast.Return) and node.value is not None:
                    made = inner.get(_last_name(node.value))
                    found += [unit for unit in self._units if unit.node is made]
        return found

    def _called(self, call: ast.Call, owner: str) -> list[_Unit]:
        """Return the program's functions that a call may mean; a closure is given to a step."""
        func = call.func
        steps = isinstance(func, ast.Attribute) and func.attr == "step" and call.args
        if steps and (closure := self._meant(call.args[0], owner)):
            return closure
        if isinstance(func, ast.Name):
            known = self._functions.get(("", func.id), [])
            known = known or self._functions.get((func.id, "__init__"), [])
            return known or self._held.get(func.id, [])
        if not isinstance(func, ast.Attribute):
            return []
        if isinstance(func.value, ast.Name) and func.value.id in ("self", "cls"):
            return self._method(owner, func.attr) or self._held.get(func.attr, [])
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

    # Derivatives that are values: ``grads = autograd.grad(loss, params)``.

    def _note_derivatives(self, tree: ast.Module) -> None:
        """Note which calls return gradients."""
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self._imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        made = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and self._differentiates(node.value):
                made |= {_last_name(target) for target in node.targets}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (
                self.returns_gradients(node)
                or _last_name(node.func) in made
                or (isinstance(node.func, ast.Call) and self._differentiates(node.func))
            ):
                self._derivatives.add(id(node))

    def _dotted(self, node: ast.expr) -> str:
        """Return the whole name of what is called, as it was imported."""
        if isinstance(node, ast.Name):
            return self._imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self._dotted(node.value)}.{node.attr}"
        return ""

    def returns_gradients(self, call: ast.Call) -> bool:
        """Whether it is ``torch.autograd.grad``, and no part of a loss."""
        kept = (k.value for k in call.keywords if k.arg == "create_graph")
        in_loss = any(not (isinstance(v, ast.Constant) and not v.value) for v in kept)
        return self._dotted(call.func) in GRADIENTS and not in_loss

    def is_transform(self, call: ast.Call) -> bool:
        """Whether it is ``torch.func.grad`` of a function that computes a loss."""
        return self._dotted(call.func) in TRANSFORMS

    def _differentiates(self, value: ast.expr) -> bool:
        return any(isinstance(n, ast.Call) and self.is_transform(n) for n in ast.walk(value))

    def _pass_on_gradients(self) -> None:
        """Note which parameters of functions are given gradients, as of an update by hand."""
        before = -1
        while sum(map(len, self._given.values())) > before:
            before = sum(map(len, self._given.values()))
            for unit in self._units:
                names = self._gradient_names(unit.node)
                for call in _own(unit.node):
                    if not isinstance(call, ast.Call):
                        continue
                    for called in self._called(call, unit.owner):
                        given = [arg.arg for arg in called.node.args.args]  # type: ignore[union-attr]
                        given = given[1:] if given[:1] == ["self"] else given
                        pairs = [*zip(given, call.args, strict=False)]
                        pairs += [(k.arg or "", k.value) for k in call.keywords]
                        self._given.setdefault(id(called.node), set()).update(
                            name for name, value in pairs if self._has_gradient(value, names)
                        )

    def _has_gradient(self, value: ast.AST | None, names: set[str]) -> bool:
        """Whether a gradient is in a value, other than by its size."""
        inside = list(ast.walk(value)) if value is not None else []
        sized = _ids_in_sizes(inside)
        return any(
            ((isinstance(n, ast.Name) and n.id in names) or id(n) in self._derivatives)
            and id(n) not in sized
            for n in inside
        )

    def _gradient_names(self, node: ast.AST) -> set[str]:
        """Return the variables of a function that hold gradients, or what is computed of them."""
        given = self._given.get(id(node), set())
        names = set(given)

        def has_gradient(value: ast.AST | None) -> bool:
            return self._has_gradient(value, names)

        before = -1
        while len(names) > before:
            before = len(names)
            for one in _own(node):
                if isinstance(one, ast.Assign) and (
                    any(id(n) in self._derivatives for n in ast.walk(one.value))
                    or (isinstance(one.value, ast.Name) and one.value.id in names)
                    or (given and isinstance(one.value, COMPUTED) and has_gradient(one.value))
                ):
                    names |= {n.id for t in one.targets for n in _stored(t)}
                elif isinstance(one, ast.For | ast.comprehension):
                    names |= _names_of_items(one.target, one.iter, has_gradient)
                elif isinstance(one, ast.Call) and one.args and isinstance(one.args[0], ast.Lambda):
                    pairs = zip(one.args[0].args.args, one.args[1:], strict=False)
                    names |= {arg.arg for arg, value in pairs if has_gradient(value)}
        return names

    def _note_moved(self, node: ast.AST) -> None:
        """Note which statements of a function move weights by gradients that are values."""
        names = self._gradient_names(node)

        def has_gradient(value: ast.AST | None) -> bool:
            return self._has_gradient(value, names)

        for one in _own(node):
            if isinstance(one, ast.AugAssign):
                moves = has_gradient(one.value) and not has_gradient(one.target)
            elif isinstance(one, ast.Assign | ast.Return):
                moves = any(
                    isinstance(n, ast.BinOp)
                    and isinstance(n.op, ast.Add | ast.Sub)
                    and has_gradient(n.right)
                    and not has_gradient(n.left)
                    for n in ast.walk(one.value or one)
                )
            elif isinstance(one, ast.Expr) and isinstance(one.value, ast.Call):
                call = one.value
                written = _last_name(call.func).endswith("_") and not has_gradient(call.func)
                moves = written and any(has_gradient(arg) for arg in call.args)
            else:
                continue
            if moves:
                self._moved.add(id(one))

    def _leave_out_looked_at(self, unit: _Unit) -> None:
        """Leave out the gradients of a function in which nothing is moved by them."""
        inside = list(_own(unit.node))
        calls = [n for n in inside if isinstance(n, ast.Call)]
        steps = any(_last_name(call.func) == "step" for call in calls)
        helpers = [u.node for call in calls for u in self._called(call, unit.owner)]
        moves = any(
            id(n) in self._moved
            for node in (unit.node, *(h for h in helpers if self._given.get(id(h))))
            for n in _own(node)
        )
        if not steps and not moves:
            self._derivatives -= {id(n) for n in inside}

    # What functions do, until nothing changes any more: they call one another.

    def _settle(self) -> None:
        while True:
            before = [(u.backward, u.updates, u.steps, u.trains) for u in self._units]
            self.found = Loops()
            for unit in self._units:
                self._classify_unit(unit)
            if before == [(u.backward, u.updates, u.steps, u.trains) for u in self._units]:
                return

    def _classify_unit(self, unit: _Unit) -> None:
        for loop in _loops_in(unit.node):
            kind, innermost = self._classify(loop, unit.owner)
            if kind == "accumulates":  # nothing here updates: each pass is a step all the same
                self._promote(loop, innermost)
        trained = self.found.steps | self.found.outer
        loops = [n for n in _own(unit.node) if isinstance(n, Loop) and n in trained]
        apart = [n for n in _own(unit.node) if n in self.found.measures]
        inside = {id(n) for loop in (*loops, *apart) for n in ast.walk(loop)}
        unit.trains = bool(loops)
        for node in _own(unit.node):
            if not isinstance(node, ast.Call):
                continue
            called = self._called(node, unit.owner)
            if any(u.trains for u in called):
                self.found.training_calls.add(node)
                unit.trains = True
            if id(node) not in inside:
                unit.backward |= self._is_backward(node) or any(u.backward for u in called)
        if not isinstance(unit.node, ast.Module):
            unit.updates = any(self._is_update(n, unit.owner) for n in _own(unit.node))
            unit.steps = any(self._is_step(n, unit.owner) for n in _own(unit.node))
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
        apart = [child for child, kind, _ in inner if kind == "measures"]
        behind = {id(n) for child in (*trained, *apart) for n in ast.walk(child)}
        own = [n for n in _own(loop) if id(n) not in behind]
        calls = [n for n in own if isinstance(n, ast.Call)]
        backward = any(self._is_backward(c) for c in calls) or any(
            u.backward and not (trained and self._makes_optimiser(u.node))
            for c in calls
            for u in self._called(c, owner)
        )
        if backward:
            innermost = next((deep for _, kind, deep in inner if kind == "accumulates"), loop)
            if self._measures_gradients(own):
                found.measures.add(loop)
                return "measures", loop
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
            made = any(child in found.makes_network for child in trained)
            again = _under_conditions_again(own)
            anew = (call for call in calls if id(call) not in again)
            if made or any(self._makes_one_to_train(call, owner) for call in anew):
                found.makes_network.add(loop)
            return "outer", loop
        return "", loop

    def _measures_gradients(self, own: list[ast.AST]) -> bool:
        """Whether the sizes of gradients are collected, and no optimiser is near."""
        names = {n.id for n in own if isinstance(n, ast.Name)}
        names |= {n.attr for n in own if isinstance(n, ast.Attribute)}
        if "step" in names or not names.isdisjoint(self._optimisers):
            return False
        reads = [
            n.value
            for n in own
            if isinstance(n, ast.Assign | ast.AugAssign) and _reads_gradient(n.value)
        ]
        return bool(reads) and all(_reads_only_sizes(value) for value in reads)

    def _makes_one_to_train(self, call: ast.Call, owner: str) -> bool:
        """Whether a call makes a network or an optimiser, or makes a network and trains it."""
        if self._makes_network(call) or ast.unparse(call.func).startswith(OPTIMISERS):
            return True
        makers = [u.node for u in self._called(call, owner) if u.trains]
        inner = [n for node in makers for n in ast.walk(node) if isinstance(n, ast.Call)]
        return any(self._makes_network(one) for one in inner)

    def _makes_optimiser(self, node: ast.AST) -> bool:
        """Whether a function trains with an optimiser of its own, as a probe of features does."""
        return any(
            isinstance(n, ast.Call) and ast.unparse(n.func).startswith(OPTIMISERS)
            for n in _own(node)
        )

    def _makes_network(self, call: ast.Call) -> bool:
        name = _last_name(call.func)
        is_module = any("Module" in base for base in self._classes.get(name, ()))
        return is_module or name == "Sequential"

    def _is_backward(self, call: ast.Call) -> bool:
        """Whether it is a backward pass, or returns gradients."""
        named = isinstance(call.func, ast.Attribute) and call.func.attr in BACKWARD
        return named or id(call) in self._derivatives

    def _is_update(self, node: ast.AST, owner: str) -> bool:
        """Whether weights are moved there: an optimiser's step, or a gradient added to them."""
        if id(node) in self._moved:
            return True
        if isinstance(node, ast.Call):
            helpers = [] if _is_step_method(node) else self._called(node, owner)
            return self._is_step(node, owner) or any(u.updates for u in helpers)
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

    def _is_step(self, node: ast.AST, owner: str) -> bool:
        """Whether an optimiser does a step there, or in what is called."""
        if not isinstance(node, ast.Call):
            return False
        if _is_step_method(node):
            # Of the program's own classes others have a step, too: a decoder, an environment.
            own = self._called(node, owner) if node.args else []
            if own and not any(u.updates for u in own):
                return False
            return not self._is_scheduler(node.func.value)  # type: ignore[attr-defined]
        return any(u.steps for u in self._called(node, owner))

    def _is_scheduler(self, receiver: ast.expr) -> bool:
        name = _last_name(receiver)
        return name in self._schedulers or any(part in name.lower() for part in SCHEDULERS)

    def updates_in(self, statement: ast.stmt, owner: str = "") -> bool:
        """Whether weights are moved in a statement, or in what it calls."""
        return any(self._is_update(node, owner) for node in _own(statement))

    def updating(self, body: list[ast.stmt], owner: str = "") -> list[int]:
        """Return the places of the statements that move the weights that are trained.

        Where an optimiser does so, what is moved by hand under a later condition are others: the
        copies that are adapted to a new task, when a network of meta-learning is validated.
        """
        places = [k for k, statement in enumerate(body) if self.updates_in(statement, owner)]
        steps = [k for k in places if any(self._is_step(n, owner) for n in _own(body[k]))]
        last = steps[-1] if steps else len(body)
        return [k for k in places if k <= last or not isinstance(body[k], ast.If)]

    def backward_in(self, code: ast.AST, owner: str = "") -> bool:
        """Whether a backward pass is in a statement or expression, or in what it calls."""
        calls = [node for node in _own(code) if isinstance(node, ast.Call)]
        return any(
            self._is_backward(c) or any(u.backward for u in self._called(c, owner)) for c in calls
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


def _is_step_method(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "step"


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


def _stored(target: ast.expr) -> list[ast.Name]:
    """Return the variables that a target gives a value, those in tuples included."""
    return [n for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def _names_of_items(
    target: ast.expr, items: ast.expr, wanted: Callable[[ast.AST], bool]
) -> set[str]:
    """Return the variables of a loop over something that stand for what is wanted of it."""
    if not wanted(items):
        return set()
    parts = target.elts if isinstance(target, ast.Tuple) else []
    given = items.args if isinstance(items, ast.Call) else []
    name = _last_name(items.func) if isinstance(items, ast.Call) else ""
    if name == "zip" and len(parts) == len(given):
        found = [_names_of_items(p, g, wanted) for p, g in zip(parts, given, strict=True)]
        return set[str]().union(*found)
    if name == "enumerate" and len(parts) == 2:
        return _names_of_items(parts[1], given[0], wanted)
    if name == "items" and len(parts) == 2:
        target = parts[1]
    return {n.id for n in _stored(target)}


def _under_conditions_again(own: list[ast.AST]) -> set[int]:
    """Return the ids of what of a loop makes under a condition what it has read, and loads.

    As where a training is resumed from a checkpoint once, half-way.
    """
    found = set[int]()
    for branch in own:
        if isinstance(branch, ast.If) and not branch.orelse and any(map(_loads, ast.walk(branch))):
            known = {
                node.id
                for node in own
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
                if node.lineno < branch.lineno
            }
            for node in (node for one in branch.body for node in ast.walk(one)):
                if isinstance(node, ast.Assign) and known & {
                    target.id for target in node.targets if isinstance(target, ast.Name)
                }:
                    found |= {id(part) for part in ast.walk(node.value)}
    return found


def _loads(node: ast.AST) -> bool:
    name = _last_name(node.func) if isinstance(node, ast.Call) else ""
    return name == "load" or name.startswith("load_")


def _reads_gradient(value: ast.expr | None) -> bool:
    return value is not None and any(
        isinstance(n, ast.Attribute) and n.attr == "grad" for n in ast.walk(value)
    )


def _mean_square_of(value: ast.expr) -> ast.BinOp | None:
    """Return the difference that a value is the mean square of: ``((a - b) ** 2).mean()``."""
    square = _argument_of(value, ("mean",))
    if isinstance(square, ast.BinOp) and isinstance(square.op, ast.Pow):
        is_two = isinstance(square.right, ast.Constant) and square.right.value == 2
        error = square.left if is_two else None
    else:
        error = _argument_of(square, ("square", "pow"))
    is_difference = isinstance(error, ast.BinOp) and isinstance(error.op, ast.Sub)
    return error if is_difference and isinstance(error, ast.BinOp) else None


def _argument_of(value: ast.expr | None, names: tuple[str, ...]) -> ast.expr | None:
    """Return what a function is applied to, ``torch.mean(x)`` or ``x.mean()``; None of others."""
    if not isinstance(value, ast.Call) or _last_name(value.func) not in names:
        return None
    if isinstance(value.func, ast.Attribute) and _last_name(value.func.value) != "torch":
        return value.func.value
    return value.args[0] if value.args else None


def _without_names(value: ast.expr) -> str:
    """Return how a value is computed, whatever its variables are called."""
    return re.sub(r"Name\(id='[^']*'", "Name(", ast.dump(value))


def _added(value: ast.expr, sums: set[str]) -> list[ast.expr]:
    """Return what is added to one of the sums: of ``loss + error`` the error; else the value."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        parts = [value.left, value.right]
        if any(isinstance(part, ast.Name) and part.id in sums for part in parts):
            return [part for part in parts if not isinstance(part, ast.Name)]
    return [value]


def _reads_only_sizes(value: ast.expr) -> bool:
    """Whether each gradient in a value is squared, or its absolute value or norm is taken."""
    inside = list(ast.walk(value))
    sized = _ids_in_sizes(inside)
    return all(id(n) in sized for n in inside if isinstance(n, ast.Attribute) and n.attr == "grad")


def _ids_in_sizes(nodes: Iterable[ast.AST]) -> set[int]:
    """Return the ids of what is squared, or of which the absolute value or norm is taken."""
    sized: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            sized |= {id(n) for n in ast.walk(node.left)}
        elif isinstance(node, ast.Call) and _last_name(node.func) in SIZES:
            sized |= {id(n) for n in ast.walk(node)}
    return sized


def _assigned(tree: ast.Module) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield what is assigned to what; of ``a, b = A(), B()`` each by itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            yield node.target, node.value
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            both = (target, node.value)
            parts = [part.elts if isinstance(part, ast.Tuple) else [part] for part in both]
            yield from zip(*parts, strict=True) if len(parts[0]) == len(parts[1]) else [both]


def _last_name(node: ast.AST) -> str:
    """Return the last part of a dotted name: ``lr`` of ``self.lr``; "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return _last_name(node.value) if isinstance(node, ast.Subscript) else ""
