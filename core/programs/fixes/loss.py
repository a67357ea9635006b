"""Changes to a loss: its shapes, its terms, and the mode in which it is measured."""

import ast
import re
from collections.abc import Set

from ...doctor.diagnosis import Cause
from ..source import Change, Edit, ProgramSource
from .search import find_backward, is_loss, last_name, number_of, optimizer_calls, root_name

SHRUNK = 0.01
"""What a penalty that dominates is multiplied with."""
BY_CLASSES = ("CrossEntropyLoss", "cross_entropy", "NLLLoss", "nll_loss")
"""Losses that can leave out a class."""


def less_penalty(source: ProgramSource, cause: Cause) -> Change | None:
    """Make the factor of a penalty smaller, or the weight decay."""
    words = f"the penalty times {SHRUNK:g}"
    for line in cause.lines:
        for node in source.at(line):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
                factor = node.left if number_of(node.left) is not None else node.right
                if number_of(factor) is not None:
                    return words, [source.replace(factor, _times(source, factor))]
    for call in optimizer_calls(source):
        for given in call.keywords:
            if given.arg == "weight_decay":
                return words, [source.replace(given.value, _times(source, given.value))]
    return None


def same_shape(source: ProgramSource, cause: Cause) -> Change | None:
    """Give outputs the shape of the targets where they meet, or the other way round.

    Where outputs of the same network are compared elsewhere, as in an evaluation, there too.
    """
    for line in cause.lines:
        # A loss function before a difference, which may be that of two places in a row.
        for node in sorted(source.at(line), key=lambda n: not isinstance(n, ast.Call)):
            if edit := _reshaped(source, node):
                makers = _makers(source, node)
                others = [
                    _reshaped(source, other, makers)
                    for other in source.walk()
                    if other is not node and makers & _makers(source, other)
                ]
                edits = [edit, *filter(None, others)]
                places = f", in {len(edits)} places" if len(edits) > 1 else ""
                return f"outputs and targets of one shape{places}", edits
    return None


def _reshaped(source: ProgramSource, node: ast.AST, makers: Set[str] = frozenset()) -> Edit | None:
    """Return the edit that gives one of both that are compared the shape of the other one.

    With makers, only where that is what one of them made, as it is, and the other is something
    else: elsewhere outputs may be compared with their mean, or have their shape already.
    """
    for one, other in _compared(node):
        plain = isinstance(one, ast.Name) or (
            isinstance(one, ast.Call) and ast.unparse(one.func) in makers
        )
        if makers and not (plain and _names(one).isdisjoint(_names(other))):
            continue
        # The other one is written twice: nothing may be computed there.
        if not any(isinstance(n, ast.Call) for n in ast.walk(other)):
            text = source.text(one)
            text = text if isinstance(one, ast.Call | ast.Name) else f"({text})"
            return source.replace(one, f"{text}.reshape_as({source.text(other)})")
    return None


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _makers(source: ProgramSource, node: ast.AST) -> set[str]:
    """Return which functions, such as a network, make what is compared, as they are called."""
    found = set[str]()
    for one, _ in _compared(node):
        given = source.assigned(one.id) if isinstance(one, ast.Name) else []
        made = [statement.value for statement in given] or [one]
        names = {ast.unparse(value.func) for value in made if isinstance(value, ast.Call)}
        plain = all(name.removeprefix("self.").isidentifier() for name in names)
        if plain and len(names) == 1 and all(isinstance(value, ast.Call) for value in made):
            found |= names
    return found


def without_padding(source: ProgramSource, cause: Cause) -> Change | None:
    """Leave the class of the padding out of the loss."""
    known = re.search(r"of the targets are (-?\d+),", cause.evidence)
    every = [call for call in source.calls() if last_name(call.func) in BY_CLASSES]
    there = [call for line in cause.lines[:1] for call in source.at(line) if call in every]
    calls = there or every  # one that is made elsewhere, if there is no other
    if not known or len(calls) != 1 or any(k.arg == "ignore_index" for k in calls[0].keywords):
        return None
    (call,) = calls
    given = [source.text(part) for part in (*call.args, *call.keywords)]
    new = f"{source.text(call.func)}({', '.join([*given, f'ignore_index={known[1]}'])})"
    return "the padding left out of the loss", [source.replace(call, new)]


def _compared(node: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    """Return what a difference or a loss function compares, in both orders."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        pair = node.left, node.right
    elif isinstance(node, ast.Call) and len(node.args) == 2 and is_loss(node):
        pair = node.args[0], node.args[1]
    else:
        return []
    if any(isinstance(side, ast.Constant | ast.Starred) for side in pair):
        return []
    return [pair, pair[::-1]]


def _times(source: ProgramSource, value: ast.expr) -> str:
    number = number_of(value)
    return f"{SHRUNK:g} * {source.text(value)}" if number is None else f"{number * SHRUNK:.3g}"


def add_up_from_the_end(source: ProgramSource, cause: Cause) -> Change | None:
    """Add up rewards from the last to the first, and keep the sums in the order of the steps."""
    found = source.statement_at(cause.lines[0]) if cause.lines else None
    if not isinstance(found, ast.For | ast.Expr):
        return None
    kept = [
        call
        for call in ast.walk(found)
        if isinstance(call, ast.Call) and last_name(call.func) == "append" and len(call.args) == 1
    ]
    if len(kept) != 1 or not isinstance(kept[0].func, ast.Attribute):
        return None
    place = f"{source.text(kept[0].func.value)}.insert(0, {source.text(kept[0].args[0])})"
    edits = [source.replace(kept[0], place)]
    if isinstance(found, ast.Expr):
        return "the sums in the order of the actions", edits
    turned = source.replace(found.iter, f"reversed({source.text(found.iter)})")
    return "rewards added up from the last one on", [turned, *edits]


def attach(source: ProgramSource, cause: Cause) -> Change | None:
    """Leave out what cuts a term of the loss, or a state, from its gradient."""
    edits = []
    for line in cause.lines[:1]:
        for node in source.at(line):
            cut = node.func if isinstance(node, ast.Call) else node
            if not isinstance(cut, ast.Attribute):
                continue
            if cut.attr == "data" or (cut is not node and cut.attr in ("detach", "item")):
                edits.append(source.replace_by(node, cut.value))
    what = "state" if cause.id == "state_detached" else "term"
    return (f"the {what} with its gradient", edits) if edits else None


def evaluate(source: ProgramSource, cause: Cause) -> Change | None:
    """Call ``eval()`` before the network is used, and ``train()`` where it learns on."""
    if "dropout stays on" in cause.evidence:
        return _dropout_by_mode(source)
    if "in training mode" not in cause.evidence:
        return None
    if (loaded := _evaluated_as_loaded(source, cause)) is not None:
        return loaded
    backward = find_backward(source)
    loops = (
        [n for n in source.around(backward) if isinstance(n, ast.For | ast.While)]
        if backward
        else []
    )
    names = {root_name(c.args[0]) for c in optimizer_calls(source) if c.args} - {""}
    for call in source.calls():
        if not (isinstance(call.func, ast.Name) and call.func.id in names):
            continue
        around = list(source.around(call))
        statement = source.statement(call)
        without_gradient = [
            n for n in around if isinstance(n, ast.With) and "no_grad" in source.text(n)[:40]
        ]
        place = without_gradient[0] if without_gradient else statement
        in_step = bool(loops) and loops[0] in around
        if (in_step and not without_gradient) or f"{call.func.id}.eval()" in "".join(
            source.text(s) for s in source.block(place)
        ):
            continue
        edits = [source.before(place, f"{call.func.id}.eval()")]
        if any(loop in around for loop in loops):
            edits.append(source.after(place, f"{call.func.id}.train()"))
        return f"{call.func.id}.eval() before it is used", edits
    return None


def _evaluated_as_loaded(source: ProgramSource, cause: Cause) -> Change | None:
    """Call ``eval()`` behind the line in which the network that is used has loaded its weights."""
    for node in source.at(cause.lines[0]) if cause.lines else ():
        func = node.func if isinstance(node, ast.Call) else None
        if isinstance(func, ast.Attribute) and func.attr == "load_state_dict":
            name = source.text(func.value)
            edit = source.after(source.statement(node), f"{name}.eval()")
            return f"{name}.eval() before it is used", [edit]
    return None


def _dropout_by_mode(source: ProgramSource) -> Change | None:
    """Leave units out in training mode alone: functions do not know the mode by themselves."""
    edits = []
    for call in source.calls():
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        if not _is_in_method(source, call) or None in named:
            continue
        if source.text(call.func).removeprefix("torch.") in ("F.dropout", "nn.functional.dropout"):
            if len(call.args) < 3 and "training" not in named:
                given = source.text(call)[:-1].rstrip().rstrip(",")
                edits.append(source.replace(call, f"{given}, training=self.training)"))
        elif last_name(call.func) == "scaled_dot_product_attention" and "dropout_p" in named:
            part = source.text(named["dropout_p"])
            if "training" not in part:
                value = f"{part} if self.training else 0.0"
                edits.append(source.replace(named["dropout_p"], value))
    return ("dropout in training mode alone", edits) if edits else None


def _is_in_method(source: ProgramSource, call: ast.Call) -> bool:
    """Whether a call stands in a function that is given ``self``."""
    functions = [n for n in source.around(call) if isinstance(n, ast.FunctionDef)]
    return bool(functions) and any(a.arg == "self" for a in functions[0].args.args)
