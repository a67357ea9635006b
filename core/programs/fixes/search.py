"""What changes look for in a source: its backward pass, its update, its optimisers."""

import ast
import re

from ...doctor.diagnosis import Cause
from ..source import ProgramSource

OPTIMIZERS = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "Adadelta")
ACTIVATIONS = ("softmax", "log_softmax", "sigmoid", "tanh", "relu", "gelu", "elu", "leaky_relu")
MODULES = ("torch", "nn", "F", "np", "numpy", "functional")
"""What stands before a function's name, and is no tensor."""


def find_backward(source: ProgramSource) -> ast.stmt | None:
    """Return the statement of the first backward pass in a loop, or else of any."""
    calls = [c for c in source.calls() if last_name(c.func) == "backward"]
    looped = [c for c in calls if any(isinstance(a, ast.For | ast.While) for a in source.around(c))]
    found = looped or calls
    return source.statement(found[0]) if found else None


def statements_behind(source: ProgramSource, statement: ast.stmt) -> list[ast.stmt]:
    """Return what follows a statement in its block."""
    block = source.block(statement)
    return block[block.index(statement) + 1 :]


def called_method(statement: ast.stmt) -> str:
    """Return the name of the method that a statement calls."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return last_name(value.func) if isinstance(value, ast.Call) else ""


def find_step(source: ProgramSource, backward: ast.stmt) -> ast.stmt | None:
    """Return the statement of the update behind a backward pass."""
    for statement in statements_behind(source, backward):
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and last_name(node.func) == "step":
                if "sched" in source.text(node.func).lower():
                    continue
                return statement
    return None


def optimizer_of(source: ProgramSource, step: ast.stmt) -> str:
    """Return the optimiser that does a step, also one that is handed to a scaler of gradients."""
    for node in ast.walk(step):
        if isinstance(node, ast.Call) and last_name(node.func) == "step":
            assert isinstance(node.func, ast.Attribute)
            return source.text(node.args[0] if node.args else node.func.value)
    raise AssertionError("a statement of an update without one")


def find_bare_update(source: ProgramSource, backward: ast.stmt) -> ast.For | None:
    """Return the loop in which parameters are updated by hand."""
    for statement in statements_behind(source, backward):
        for node in ast.walk(statement):
            if isinstance(node, ast.For) and ".grad" in source.text(node):
                return node
    return None


def optimizer_calls(source: ProgramSource) -> list[ast.Call]:
    """Return the calls that make optimisers."""
    found = []
    for call in source.calls():
        name = last_name(call.func)
        if name in OPTIMIZERS or ("optim" in source.text(call.func) and name[:1].isupper()):
            found.append(call)
    return found


def names_of(cause: Cause) -> list[str]:
    """Return the variables that a cause names."""
    return list(dict.fromkeys(re.findall(r"[A-Za-z_]\w*", cause.where)))


def is_loss(call: ast.Call) -> bool:
    """Whether a call is one of a loss function, by its name."""
    called = call.func.func if isinstance(call.func, ast.Call) else call.func  # nn.MSELoss()(...)
    name = last_name(called).lower()
    return any(part in name for part in ("loss", "criterion", "cross_entropy", "crit"))


def last_name(node: ast.AST) -> str:
    """Return the last part of a dotted name; the doctor has the same, but loads torch."""
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def root_name(node: ast.AST) -> str:
    """Return the variable that an expression is a part or a view of; "" if it is computed."""
    while True:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Attribute):
                return ""
            node = node.func.value
            if isinstance(node, ast.Name) and node.id in MODULES:
                return ""
        elif isinstance(node, ast.Subscript | ast.Attribute):
            node = node.value
        else:
            return ""


def target_names(target: ast.expr) -> list[str]:
    """Return the names of the variables that a target has, in order."""
    if isinstance(target, ast.Tuple | ast.List):
        return [name for part in target.elts for name in target_names(part)]
    return [last_name(target)]


def number_of(node: ast.expr) -> float | None:
    """Return the number that an expression is, if it is one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    return None
