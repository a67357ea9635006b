"""Puts calls of a monitor into a program's syntax tree; its own lines stay where they are.

What is put in, written out, with ``m`` for the monitor:

    with m.training(3):                 # a loop that trains, or one around it
        for x, y in batches:
            loss = criterion(model(x), y)
            m.root(loss).backward()     # what is differentiated: returned as it is
            optimizer.step()
            if m.step(3):               # behind the update; True where its time is over
                break
    with m.use(4):                      # a statement behind or between loops
        print(m.evaluated(m.noted(), criterion(model(x_val), y_val)))
"""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .find_loops import BACKWARD, LOSS_NAMES, Function, LoopFinder, Loops

MONITOR = "__glassbox__"
"""What the monitor is called; find_variables passes over such names."""
HELD_OUT = ("test", "val", "valid", "validation", "dev", "xval", "yval", "xtest", "ytest")
"""Parts of names of data that nothing is learned from."""
SIMPLE = (
    ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal | ast.Pass | ast.ClassDef | Function
)
"""Statements that use no network."""
LINES = ast.Expr | ast.Assign | ast.AugAssign | ast.AnnAssign
LEAVING = ast.Continue | ast.Break | ast.Return | ast.Raise
"""What may pass over the statements behind it."""


@dataclass(frozen=True)
class CodePlace:
    """Where a loop or a use stands.

    Attributes:
        file: the path of the program's file.
        cell: of a notebook; None.
        line: of its first line.
        outer: whether the loop is around others.
        repeats: whether each iteration of a loop around others trains the same network.
    """

    file: str
    cell: int | None
    line: int
    outer: bool = False
    repeats: bool = True


class Instrumenter(ast.NodeTransformer):
    """Puts the monitor's calls into the tree of one file or cell.

    Args:
        finder: what was found in all of the program.
        places: where loops and uses stand, by their number; those of this tree are appended.
        file, cell: what tree it is.
    """

    def __init__(
        self, finder: LoopFinder, places: list[CodePlace], file: str, cell: int | None = None
    ) -> None:
        self._finder = finder
        self._found: Loops = finder.found
        self._places = places
        self._file, self._cell = file, cell
        self._owners: list[str] = [""]
        self._functions: list[str] = []
        self._in_step = 0
        self._with_gradient: set[ast.AST] = set()
        """What each step computes with gradients: its losses are its own, and none to look at."""

    def instrument(self, tree: ast.Module) -> ast.Module:
        """Return the tree with the calls in it."""
        tree.body = self._block(tree.body, after_training=self._cell is not None)
        return ast.fix_missing_locations(tree)

    # Blocks and loops.

    def _block(self, body: list[ast.stmt], after_training: bool = False) -> list[ast.stmt]:
        """Instrument statements in order; those that don't train are uses, where others train.

        Args:
            body: the statements.
            after_training: whether something may have been trained before, as in a cell.
        """
        trains = [self._trains(statement) for statement in body]
        mixed = after_training or any(trains)
        result: list[ast.stmt] = []
        for statement, training in zip(body, trains, strict=True):
            used = mixed and not training and self._may_use(statement)
            line = statement.lineno
            changed = self.visit(statement)
            changed = changed if isinstance(changed, list) else [changed]
            if used:
                number = self._place(line)
                changed = [self._with("use", number, changed, statement)]
            result += changed
        return result

    def _trains(self, statement: ast.AST) -> bool:
        found = self._found
        if isinstance(statement, Function | ast.ClassDef):
            return False
        return any(
            node in found.steps or node in found.outer or node in found.training_calls
            for node in ast.walk(statement)
        )

    def _may_use(self, statement: ast.stmt) -> bool:
        """Whether a network may be used in a statement: something is called or indexed."""
        if isinstance(statement, SIMPLE) or self._finder.backward_in(statement):
            return False
        if _has_yield(statement):
            return False  # it would be left and entered again
        computes = ast.Call | ast.BinOp | ast.Subscript
        return any(isinstance(node, computes) for node in ast.walk(statement))

    def _loop(self, node: ast.For | ast.While | ast.AsyncFor) -> ast.AST:
        found = self._found
        is_step, is_outer = node in found.steps, node in found.outer
        if not is_step and not is_outer:
            return self.generic_visit(node)
        number = self._place(node.lineno, is_outer, node not in found.makes_network)
        if is_step:
            self._in_step += 1
            self._mark_uses(node.body)
            self._note_computed_with_gradient(node)
            self.generic_visit(node)
            self._in_step -= 1
            node.body = self._with_step(node.body, number)
            goes_on = ast.Expr(self._call("goes_on", number))
            if isinstance(node, ast.While):  # it may well find that nothing is left to do
                return self._with("training", number, [_at(goes_on, node), node], node)
            node.body.insert(0, _at(goes_on, node.body[0]))
        else:
            for name in ("target", "iter", "test"):
                if hasattr(node, name):
                    setattr(node, name, self.visit(getattr(node, name)))
            node.body = self._block(node.body)
            node.orelse = self._block(node.orelse)
            node.body.append(self._leave(self._call("over", number), node.body[-1]))
        return self._with("training", number, [node], node)

    def _mark_uses(self, body: list[ast.stmt], apart: bool = False) -> None:
        """Mark the statements of a step that may use the network besides, as every hundredth does.

        Args:
            body: statements.
            apart: whether they are done under a condition, or without gradients.
        """
        owner = self._owners[-1]
        learns = [
            self._finder.backward_in(s, owner) or self._finder.updates_in(s, owner) for s in body
        ]
        done = len(body) - learns[::-1].index(True) if any(learns) else len(body)
        for place, statement in enumerate(body):
            if learns[place]:
                continue
            apart = apart or place >= done  # what is called behind the update may evaluate
            if isinstance(statement, ast.If):
                self._mark_uses(statement.body, True)
                self._mark_uses(statement.orelse, True)
            elif isinstance(statement, ast.With) and (apart or _is_without_gradient(statement)):
                self._mark_uses(statement.body, True)
            elif apart and self._may_use(statement):
                body[place] = self._with(
                    "use", self._place(statement.lineno), [statement], statement, inside=True
                )

    def _note_computed_with_gradient(self, step: ast.AST) -> None:
        """Note the lines of a step before a backward pass in the same block that follows for sure.

        Where it may be passed over, as in a phase of validation, gradients may be off before it.
        """
        for node in ast.walk(step):
            for name in ("body", "orelse", "finalbody"):
                body, follows = getattr(node, name, None), False
                for statement in reversed(body if isinstance(body, list) else []):
                    parts = list(ast.walk(statement))
                    is_line = isinstance(statement, LINES)
                    if is_line and self._differentiates(statement.value):
                        follows = True
                    elif any(isinstance(n, LEAVING) or _sets_gradients(n) for n in parts):
                        follows = False
                    if is_line and follows:
                        self._with_gradient |= set(parts)

    def _differentiates(self, value: ast.expr | None) -> bool:
        """Whether a value is that of a backward pass."""
        if not isinstance(value, ast.Call):
            return False
        named = isinstance(value.func, ast.Attribute) and value.func.attr in BACKWARD
        return named or self._finder.returns_gradients(value)

    visit_For = visit_While = visit_AsyncFor = _loop  # noqa: N815

    def _with_step(self, body: list[ast.stmt], number: int) -> list[ast.stmt]:
        """Put the step behind the last statement that moves weights, or else has a gradient."""
        owner = self._owners[-1]
        places = self._finder.updating(body, owner)
        places = places or [k for k, s in enumerate(body) if self._finder.backward_in(s, owner)]
        if not places:
            return body
        last = body[places[-1]]
        inner = self._only_branch(last)
        if inner is not None:
            inner[:] = self._with_step(list(inner), number)
            return body
        behind = places[-1] + 1
        return [*body[:behind], self._leave(self._call("step", number), last), *body[behind:]]

    def _only_branch(self, statement: ast.stmt) -> list[ast.stmt] | None:
        """Return the block in which a statement moves weights, if it is the only one."""
        if isinstance(statement, ast.With | ast.AsyncWith):
            # What the program itself put around its update; not the monitor's own.
            return None if _is_monitor(statement) else statement.body
        if isinstance(statement, ast.If):
            both = any(self._finder.updates_in(s, self._owners[-1]) for s in statement.orelse)
            return None if both else statement.body
        return None

    def _branches(self, node: ast.stmt) -> ast.AST:
        """Instrument the blocks of a compound statement like any other."""
        if self._in_step or not self._trains(node):
            return self.generic_visit(node)
        for name, value in ast.iter_fields(node):
            if name in ("body", "orelse", "finalbody"):
                setattr(node, name, self._block(value))
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
            elif isinstance(value, list):
                setattr(node, name, [self.visit(part) for part in value])
        return node

    visit_If = visit_With = visit_AsyncWith = visit_Try = visit_TryStar = _branches  # noqa: N815

    # Functions and classes.

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Know whose methods come."""
        self._owners.append(node.name)
        self.generic_visit(node)
        self._owners.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Instrument what a function does; the forward pass of a module stays as it is."""
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """Instrument what a function does."""
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._functions.append(node.name)
        node.body = self._block(node.body)
        self._functions.pop()
        return node

    @property
    def _in_forward(self) -> bool:
        return any(name in ("forward", "__call__") for name in self._functions)

    # Losses.

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Mark what is differentiated, and losses that are computed to be looked at."""
        func = node.func
        name = func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")
        named = any(part in name.lower() for part in LOSS_NAMES) or name in self._finder.losses
        is_loss = (named or self._finder.is_written_loss(node)) and not self._learns(node)
        self.generic_visit(node)
        if isinstance(func, ast.Attribute) and func.attr in BACKWARD:
            return self._backward(node, func)
        if self._finder.returns_gradients(node) and node.args:
            node.args[0] = self._call("root", node.args[0])
            return node
        if self._finder.is_transform(node):
            node.args.insert(0, func)
            node.func = self._call("derivative").func
            return node
        if is_loss and not self._in_forward and not _on_training_data(node):
            held_out = _on_held_out_data(node)
            if node in self._with_gradient and not held_out:
                return node
            noted = self._evaluated(node)
            if held_out:
                noted.keywords.append(ast.keyword("held_out", ast.Constant(True)))
            if _is_sum(node) and len(node.args) > 1 and isinstance(node.args[1], ast.Name):
                noted.args.append(node.args[1])
            return noted
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Note a loss that is picked from what a model returns: ``model(x, y)[1]``."""
        is_loss = self._finder.is_returned_loss(node) and not self._learns(node)
        is_loss = is_loss and node not in self._with_gradient
        self.generic_visit(node)
        if is_loss and not self._in_forward and not _on_training_data(node):
            return self._evaluated(node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Note the quotient where a loss that is added up is divided by a number of examples."""
        self.generic_visit(node)
        noted = node.left
        if not (isinstance(node.op, ast.Div) and _is_noted_sum(noted)):
            return node
        assert isinstance(noted, ast.Call)
        node.left = noted.args[1]
        noted.args[1:] = [node]
        return noted

    def _learns(self, node: ast.AST) -> bool:
        """Whether weights are trained in an expression or a statement: its loss is no other one."""
        return self._trains(node) or self._finder.backward_in(node, self._owners[-1])

    def _evaluated(self, loss: ast.expr) -> ast.Call:
        """Note a loss; those that are computed in it are a part of it."""
        call = self._call("evaluated", loss)
        call.args.insert(0, ast.copy_location(self._call("noted"), loss))
        return call

    def _backward(self, node: ast.Call, func: ast.Attribute) -> ast.AST:
        receiver = func.value
        scaled = isinstance(receiver, ast.Call) and getattr(receiver.func, "attr", "") == "scale"
        if isinstance(receiver, ast.Call) and scaled and receiver.args:
            receiver.args[0] = self._call("root", receiver.args[0])
        elif not (isinstance(receiver, ast.Call) and getattr(receiver.func, "id", "") == "super"):
            func.value = self._call("root", receiver)
            if node.args and not isinstance(node.args[0], ast.Starred):
                node.args[0] = self._call("argument", node.args[0])
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        """Note a loss that a model returns: ``logits, loss = model(x, y)``."""
        named = [
            target
            for target in _names(node.targets)
            if any(part in target.id.lower() for part in LOSS_NAMES)
        ]
        trained = bool(named) and (_on_training_data(node) or self._learns(node))
        trained = trained or node in self._with_gradient
        self.generic_visit(node)
        if not named or trained or self._in_forward or not isinstance(node.value, ast.Call):
            return node
        if _has_monitor(node.value):
            return node
        noted: list[ast.stmt] = [
            _at(ast.Expr(self._evaluated(ast.Name(target.id, ast.Load()))), node)
            for target in named
        ]
        return [node, *noted]

    # Pieces of code.

    def _place(self, line: int, outer: bool = False, repeats: bool = True) -> int:
        self._places.append(CodePlace(self._file, self._cell, line, outer, repeats))
        return len(self._places) - 1

    def _call(self, method: str, argument: ast.expr | int | None = None) -> ast.Call:
        monitor = ast.Attribute(ast.Name(MONITOR, ast.Load()), method, ast.Load())
        if isinstance(argument, ast.expr):
            return ast.copy_location(ast.Call(monitor, [argument], []), argument)
        return ast.Call(monitor, [] if argument is None else [ast.Constant(argument)], [])

    def _with(
        self, method: str, number: int, body: list[ast.stmt], at: ast.stmt, inside: bool = False
    ) -> ast.stmt:
        call = self._call(method, number)
        call.args += [ast.Constant(True)] if inside else []
        return _at(ast.With([ast.withitem(call)], body), at)

    def _leave(self, call: ast.Call, at: ast.stmt) -> ast.stmt:
        return _at(ast.If(call, [ast.Break()], []), at)


def _at(made: ast.stmt, at: ast.stmt) -> ast.stmt:
    """Give what was put in the line of what it stands beside, down to its own parts."""
    ast.copy_location(made, at)
    made.end_lineno, made.end_col_offset = at.lineno, at.col_offset
    return made


def _on_training_data(node: ast.AST) -> bool:
    """Whether what a loss is computed of is called training data."""
    names = [n.id.lower() for n in ast.walk(node) if isinstance(n, ast.Name)]
    names += [
        n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and n.attr != "training"
    ]
    names = [name.replace("trainer", "") for name in names]  # it has other data, too
    return any("train" in name or name in ("xtr", "ytr") for name in names)


def _on_held_out_data(node: ast.AST) -> bool:
    """Whether what a loss is computed of is called data for validation: ``y_test``."""
    # Targets called "valid" are those of real pictures, in many an adversarial training.
    targets = {id(argument) for argument in node.args[1:]} if isinstance(node, ast.Call) else ()
    found = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    names = [n.id.lower() for n in found if n.id != "valid" or id(n) not in targets]
    return any(part in HELD_OUT for name in names for part in re.split(r"[_\d]+", name))


def _sets_gradients(node: ast.AST) -> bool:
    """Whether a call switches gradients off or on from there on."""
    name = getattr(node, "attr", getattr(node, "id", ""))
    return bool(name == "set_grad_enabled")


def _is_without_gradient(statement: ast.With) -> bool:
    names = {getattr(n, "attr", getattr(n, "id", "")) for i in statement.items for n in ast.walk(i)}
    return not names.isdisjoint(("no_grad", "inference_mode", "set_grad_enabled"))


def _is_sum(call: ast.Call) -> bool:
    """Whether a loss is added up over a batch."""
    return any(
        k.arg == "reduction" and isinstance(k.value, ast.Constant) and k.value.value == "sum"
        for k in call.keywords
    )


def _is_noted_sum(node: ast.expr) -> bool:
    """Whether it is a loss that is noted, and added up over a batch."""
    noted = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "evaluated"
    loss = node.args[1] if noted and isinstance(node, ast.Call) else None
    return isinstance(loss, ast.Call) and _has_monitor(node) and _is_sum(loss)


def _names(targets: Iterable[ast.expr]) -> list[ast.Name]:
    found: list[ast.Name] = []
    for target in targets:
        if isinstance(target, ast.Name):
            found.append(target)
        elif isinstance(target, ast.Tuple | ast.List):
            found += _names(target.elts)
    return found


def _is_monitor(statement: ast.With | ast.AsyncWith) -> bool:
    return any(_has_monitor(item.context_expr) for item in statement.items)


def _has_monitor(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Name) and n.id == MONITOR for n in ast.walk(node))


def _has_yield(statement: ast.stmt) -> bool:
    return any(
        isinstance(n, ast.Yield | ast.YieldFrom | ast.Await | ast.AsyncFor | ast.AsyncWith)
        for n in ast.walk(statement)
    )
