"""Changes to a network: its layers, its activations, its first weights."""

import ast
import itertools
import re

from ...doctor.diagnosis import Cause
from ..source import Change, Edit, ProgramSource
from .search import ACTIVATIONS, MODULES, last_name

OUTPUT_GAIN = "0.1"
GAINS = {"tanh": "(5 / 3)", "relu": "2**0.5"}
"""Of the first weights before a nonlinearity (He et al. 2015; makemore, part 3)."""
SQUASHING = ("softmax", "log_softmax", "sigmoid", "tanh", "relu")
SQUASHING_LAYERS = ("Softmax", "LogSoftmax", "Sigmoid", "Tanh", "ReLU")
RANDOM = ("randn", "rand", "zeros", "ones", "full", "normal", "empty")


def without_last_activation(source: ProgramSource, cause: Cause) -> Change | None:
    """Leave out what stands between the last layer and the loss; a margin of pairs stays."""
    if "pulls together" in cause.evidence:
        return None
    wanted = SQUASHING[:3] if cause.id == "double_softmax" else SQUASHING
    layers = [name for name in SQUASHING_LAYERS if name.lower() in wanted or name == "LogSoftmax"]
    takes_logs = any(last_name(call.func) in ("nll_loss", "NLLLoss") for call in source.calls())
    for line in cause.lines:
        for node in reversed(source.at(line)):
            if not isinstance(node, ast.Call):
                continue
            name = last_name(node.func)
            if takes_logs and name in ("softmax", "Softmax"):
                text = source.text(node.func)
                new = text[: -len(name)] + ("LogSoftmax" if name == "Softmax" else "log_softmax")
                return "the logarithm of the softmax", [source.replace(node.func, new)]
            if name in layers and (edit := _without_layer(source, node)):
                return f"no {name} behind the last layer", [edit]
            if name in wanted and (inner := _applied_to(source, node)) is not None:
                return f"no {name} before the loss", [source.replace_by(node, inner)]
    return None


def move_heads(source: ProgramSource, cause: Cause) -> Change | None:
    """Let heads and tokens change places, where heads are split off or joined by a reshape alone.

    Each line has to have one such call, of sizes that stand there one by one. Heads that are folded
    into the batch, in three sizes, are moved otherwise.
    """
    edits = []
    shapes = re.findall(r"\(([\d, ]+)\)", cause.evidence.partition("among the heads")[0])
    moved = sorted(shape.count(",") for shape in shapes) == [2, 3]
    for line in cause.lines if moved else ():
        found = [edit for node in source.at(line) if (edit := _with_transpose(source, node))]
        if len(found) != 1:
            return None
        edits += found
    return ("heads and tokens change places", edits) if edits else None


def _with_transpose(source: ProgramSource, node: ast.AST) -> Edit | None:
    """Transpose behind ``x.view(B, h, L, d)``, or before ``x.view(B, L, C)``."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    given, name = node.func.value, node.func.attr
    packed = any(isinstance(size, ast.Starred | ast.Tuple | ast.List) for size in node.args)
    if name not in ("view", "reshape") or last_name(given) in MODULES or packed:
        return None
    sizes = [source.text(size) for size in node.args]
    before = source.text(node.func).removesuffix(name)  # with its brackets, and the dot
    if len(sizes) == 4:
        moved = ", ".join((sizes[0], sizes[2], sizes[1], sizes[3]))
        return source.replace(node, f"{before}{name}({moved}).transpose(1, 2)")
    if len(sizes) == 3:
        joined = ", ".join(sizes)
        return source.replace(node, f"{before}transpose(1, 2).reshape({joined})")
    return None


def _without_layer(source: ProgramSource, layer: ast.Call) -> Edit | None:
    parent = source.parents[layer]
    if isinstance(parent, ast.Call) and layer in parent.args:
        # An activation between two layers stays; the last one goes.
        return source.without_argument(parent, layer) if parent.args[-1] is layer else None
    prefix = source.text(layer.func)[: -len(last_name(layer.func))]
    return source.replace(layer, f"{prefix}Identity()") if prefix else None


def _applied_to(source: ProgramSource, call: ast.Call) -> ast.expr | None:
    """Return what a function such as ``F.softmax(x)`` or ``x.softmax()`` is applied to."""
    func = call.func
    if isinstance(func, ast.Attribute) and last_name(func.value) not in MODULES:
        return func.value
    return call.args[0] if call.args else None


def no_sigmoid(source: ProgramSource, cause: Cause) -> Change | None:
    """Put relu in the place of sigmoid between layers."""
    edits = []
    for line in cause.lines:
        for node in source.at(line):
            if isinstance(node, ast.Call) and last_name(node.func) == "sigmoid":
                func = source.text(node.func).removesuffix("sigmoid")
                edits.append(source.replace(node.func, f"{func}relu"))
    layers = [
        c for c in source.calls() if last_name(c.func) == "Sigmoid" and not _is_last(source, c)
    ]
    if not edits:
        for layer in layers:
            func = source.text(layer.func).removesuffix("Sigmoid")
            edits.append(source.replace(layer.func, f"{func}ReLU"))
    return ("relu in place of sigmoid", edits) if edits else None


def _is_last(source: ProgramSource, layer: ast.Call) -> bool:
    parent = source.parents[layer]
    return isinstance(parent, ast.Call) and parent.args[-1:] == [layer]


def activate(source: ProgramSource, cause: Cause) -> Change | None:
    """Put a nonlinearity between two layers."""
    for call in source.calls():
        if last_name(call.func) != "Sequential":
            continue
        for one, other in itertools.pairwise(call.args):
            if _is_linear(one) and _is_linear(other):
                assert isinstance(one, ast.Call)
                prefix = source.text(one.func).removesuffix("Linear")
                new = f"{source.text(one)}, {prefix}ReLU()"
                return "a nonlinearity between the two layers", [source.replace(one, new)]
    for line in cause.lines[:1]:
        statement = source.statement_at(line)
        if isinstance(statement, ast.Assign):
            new = f"torch.relu({source.text(statement.value)})"
            return "a nonlinearity behind the first of the two layers", [
                source.replace(statement.value, new)
            ]
    return None


def _is_linear(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and last_name(node.func) == "Linear"


def one_for_each(source: ProgramSource, cause: Cause) -> Change | None:
    """Make a layer of its own for each place of a list."""
    for node in source.walk():
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Mult)
            and isinstance(node.left, ast.List)
            and len(node.left.elts) == 1
            and isinstance(node.left.elts[0], ast.Call)
        ):
            new = f"[{source.text(node.left.elts[0])} for _ in range({source.text(node.right)})]"
            return "a layer of its own for each place", [source.replace(node, new)]
    return None


def initialise(source: ProgramSource, cause: Cause) -> Change | None:
    """Scale first weights by gain / sqrt(fan in): those that are named, and others without."""
    named = [source.statement_at(line) for line in cause.lines]
    edits = []
    for statement in source.walk():
        if isinstance(statement, ast.Assign) and (
            statement in named or _is_unscaled(source, statement)
        ):
            edits += _scaled(source, statement)
    if not edits:
        edits = _scaled_in_place(source)
    return ("first weights of gain / sqrt(fan in)", edits) if edits else None


def _is_unscaled(source: ProgramSource, statement: ast.Assign) -> bool:
    """Whether it makes a matrix of a product ``x @ W`` that is divided by nothing."""
    name = last_name(statement.targets[0])
    is_matrix = any(
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.MatMult)
        and last_name(node.right) == name
        for node in source.walk()
    )
    return is_matrix and "/" not in source.text(statement.value)


def _scaled(source: ProgramSource, statement: ast.Assign) -> list[Edit]:
    name = last_name(statement.targets[0])
    for call in ast.walk(statement.value):
        if not isinstance(call, ast.Call) or last_name(call.func) not in RANDOM:
            continue
        first = call.args[0] if call.args else None
        sizes = first.elts if isinstance(first, ast.Tuple | ast.List) else call.args
        if len(sizes) != 2:
            return []
        turned = any(
            isinstance(n, ast.Call) and last_name(n.func) == "linear" and name in source.text(n)
            for n in source.walk()
        ) or any(
            isinstance(n, ast.Attribute) and source.text(n) == f"{name}.T" for n in source.walk()
        )
        fan = source.text(sizes[1 if turned else 0])
        fan = fan if re.fullmatch(r"[\w.]+", fan) else f"({fan})"
        whole: ast.AST = call
        for around in source.around(call):  # what it is scaled with now
            if not (isinstance(around, ast.BinOp) and isinstance(around.op, ast.Mult | ast.Div)):
                break
            whole = around
        prefix = source.text(call.func)[: -len(last_name(call.func))]
        shape = source.text(call)[len(source.text(call.func)) :]
        new = f"{prefix}randn{shape} * {_gain(source, name)} / {fan}**0.5"
        inside = isinstance(source.parents[whole], ast.Attribute)  # (...).requires_grad_()
        new = f"({new})" if inside and not isinstance(whole, ast.BinOp) else new
        return [source.replace(whole, new)]
    return []


def _gain(source: ProgramSource, name: str) -> str:
    """Return the gain of a weight's layer, by what follows it; small for the last one."""
    for product in source.walk():
        if not (isinstance(product, ast.BinOp) and isinstance(product.op, ast.MatMult)):
            continue
        if last_name(product.right) != name:
            continue
        names = [last_name(n.func) for n in source.around(product) if isinstance(n, ast.Call)]
        statement = source.statement(product)
        if isinstance(statement, ast.Assign):
            result = last_name(statement.targets[0])
            names += [
                last_name(call.func)
                for call in source.calls()
                if result
                in {last_name(part) for part in (*call.args, getattr(call.func, "value", call))}
            ]
        found = [one for one in names if one in ACTIVATIONS and "softmax" not in one]
        return GAINS.get(found[0], GAINS["relu"]) if found else OUTPUT_GAIN
    return GAINS["tanh"]


def _scaled_in_place(source: ProgramSource) -> list[Edit]:
    """Replace first weights that are set in place: ``nn.init.constant_(layer.weight, 0)``."""
    edits = []
    for call in source.calls():
        func, name = source.text(call.func), last_name(call.func)
        if "init." in func and name.endswith("_") and call.args:
            weight = source.text(call.args[0])
        elif name in ("normal_", "uniform_", "fill_", "zero_") and isinstance(
            call.func, ast.Attribute
        ):
            weight = source.text(call.func.value).removesuffix(".data")
        else:
            continue
        if weight.endswith("weight"):
            prefix = func[: func.index("init.")] if "init." in func else "torch.nn."
            edits.append(source.replace(call, f"{prefix}init.kaiming_normal_({weight})"))
    return edits


def full_precision(source: ProgramSource, cause: Cause) -> Change | None:
    """Leave weights and data in float32."""
    edits = [
        source.replace(call, source.text(call.func.value))
        for call in source.calls()
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("bfloat16", "half")
    ]
    return ("weights and data in float32", edits) if edits else None
