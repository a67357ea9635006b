"""Changes to the step of a training: its backward pass, its update, its learning rate."""

import ast
import math
from collections.abc import Iterator

from ...doctor.diagnosis import Cause
from ..source import Change, ProgramSource
from .late_layers import last_replacement, optimizer_behind_layers
from .search import (
    called_method,
    find_backward,
    find_bare_update,
    find_step,
    last_name,
    names_of,
    number_of,
    optimizer_calls,
    optimizer_of,
    statements_behind,
)

CLIP = 1.0
"""The largest norm of a gradient that is clipped."""
RATES = {"lr_too_high": 0.1, "oscillation": 1 / 3, "lr_too_low": 10.0}
"""What a learning rate is multiplied by, where no other one was proved to be better."""


def zero_gradients(source: ProgramSource, cause: Cause) -> Change | None:
    """Zero the gradients before the backward pass."""
    backward = find_backward(source)
    if backward is None:
        return None
    if step := find_step(source, backward):
        name = optimizer_of(source, step)
        return f"{name}.zero_grad() before the backward pass", [
            source.before(backward, f"{name}.zero_grad()")
        ]
    update = find_bare_update(source, backward)
    if update is None:
        return None
    target, every = source.text(update.target), source.text(update.iter)
    return "gradients set to None before the backward pass", [
        source.before(backward, f"for {target} in {every}:\n    {target}.grad = None")
    ]


def zero_behind_step(source: ProgramSource, cause: Cause) -> Change | None:
    """Take ``zero_grad`` from each micro-batch to behind the step of the optimiser."""
    zero = source.statement_at(cause.lines[0]) if cause.lines else None
    if zero is None or called_method(zero) != "zero_grad":
        return None
    name = source.text(zero).partition(".zero_grad")[0]
    steps = [source.statement(c) for c in source.calls() if last_name(c.func) == "step"]
    own = [one for one in steps if called_method(one) and optimizer_of(source, one) == name]
    if len(own) != 1 or own[0] in source.block(zero):
        return None
    return f"{name}.zero_grad() behind the step, not in each micro-batch", [
        source.without(zero),
        source.after(own[0], source.text(zero)),
    ]


def copy_weights(source: ProgramSource, cause: Cause) -> Change | None:
    """Keep a copy of the weights."""
    for line in cause.lines[:1]:
        for call in source.at(line):
            if isinstance(call, ast.Call) and last_name(call.func) == "state_dict":
                text = source.text(call)
                copied = f"{{name: value.clone() for name, value in {text}.items()}}"
                return "a copy of the weights", [source.replace(call, copied)]
    return None


def train_all(source: ProgramSource, cause: Cause) -> Change | None:
    """Let gradient and update reach every parameter."""
    if "optimiser" in cause.evidence and (change := optimizer_behind_layers(source)):
        return change
    return (
        _zero_earlier(source) or _module_list(source, cause) or _all_in_list(source, cause)
    ) or _all_in_optimizer(source, cause)


def _zero_earlier(source: ProgramSource) -> Change | None:
    """Take ``zero_grad`` from between the backward pass and the update to before both."""
    backward = find_backward(source)
    if backward is None:
        return None
    for statement in statements_behind(source, backward):
        called = called_method(statement)
        if called == "step":
            return None
        if called == "zero_grad":
            return "gradients zeroed before the backward pass, not behind it", [
                source.without(statement),
                source.before(backward, source.text(statement)),
            ]
    return None


def _module_list(source: ProgramSource, cause: Cause) -> Change | None:
    """Register layers that lie in a plain list."""
    for node in source.walk():
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.List | ast.ListComp):
            continue
        target = node.targets[0]
        inner = node.value.elt if isinstance(node.value, ast.ListComp) else None
        made = [inner] if inner else node.value.elts if isinstance(node.value, ast.List) else []
        layers = [m for m in made if isinstance(m, ast.Call) and last_name(m.func)[:1].isupper()]
        if isinstance(target, ast.Attribute) and layers and len(layers) == len(made):
            prefix = "torch.nn" if "torch.nn." in source.text(layers[0].func) else "nn"
            new = f"{prefix}.ModuleList({source.text(node.value)})"
            return "the layers in a ModuleList, so that their parameters are found", [
                source.replace(node.value, new)
            ]
    return None


def _all_in_list(source: ProgramSource, cause: Cause) -> Change | None:
    """Put tensors into the list of parameters that is updated."""
    backward = find_backward(source)
    update = find_bare_update(source, backward) if backward else None
    if update is None or not isinstance(update.iter, ast.Name):
        return None
    for assignment in source.assigned(update.iter.id):
        if isinstance(assignment.value, ast.List):
            known = {source.text(one) for one in assignment.value.elts}
            missing = [name for name in names_of(cause) if name not in known]
            missing = [name for name in missing if source.assigned(name)]
            if missing:
                every = ", ".join([*map(source.text, assignment.value.elts), *missing])
                return f"{', '.join(missing)} in the parameters", [
                    source.replace(assignment.value, f"[{every}]")
                ]
    return None


def _all_in_optimizer(source: ProgramSource, cause: Cause) -> Change | None:
    """Hand the whole model to the optimiser in place of a part of it."""
    for call in optimizer_calls(source):
        given = call.args[0] if call.args else None
        if (
            isinstance(given, ast.Call)
            and isinstance(given.func, ast.Attribute)
            and given.func.attr == "parameters"
            and isinstance(given.func.value, ast.Attribute)
            # It would not hold what is made afterwards.
            and last_replacement(source, source.statement(call)) is None
        ):
            whole = source.text(given.func.value.value)
            return f"all parameters of {whole} in the optimiser", [
                source.replace(given, f"{whole}.parameters()")
            ]
    return None


def descend(source: ProgramSource, cause: Cause) -> Change | None:
    """Turn the sign of the update, or of the loss."""
    words = "the update against the gradient"
    for call in optimizer_calls(source):
        for given in call.keywords:
            if given.arg == "maximize":
                return words, [source.replace(given, "maximize=False")]
    for node in source.walk():
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            step = source.text(node.value)
            if "grad" in step and not step.startswith("-"):
                new = f"{source.text(node.target)} -= {step}"
                return words, [source.replace(node, new)]
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Add)
            and ".grad" in source.text(node.right)
            and ".grad" not in source.text(node.left)
        ):
            new = f"{source.text(node.left)} - {source.text(node.right)}"
            return words, [source.replace(node, new)]
        if isinstance(node, ast.Call) and last_name(node.func) in ("add_", "add"):
            for given in node.keywords:
                if given.arg == "alpha" and node.args and "grad" in source.text(node.args[0]):
                    return words, [source.replace(given.value, f"-({source.text(given.value)})")]
    backward = find_backward(source)
    for node in ast.walk(backward) if backward else ():
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return "the loss minimised, not its negative", [source.replace_by(node, node.operand)]
    return None


def clip(source: ProgramSource, cause: Cause) -> Change | None:
    """Clip the gradients before the update."""
    backward = find_backward(source)
    step = find_step(source, backward) if backward else None
    given = next((call.args[0] for call in optimizer_calls(source) if call.args), None)
    if step is None or given is None or not isinstance(given, ast.Name | ast.Call):
        return None
    code = f"torch.nn.utils.clip_grad_norm_({source.text(given)}, {CLIP:g})"
    return f"gradients clipped at a norm of {CLIP:g}", [source.before(step, code)]


def unscale(source: ProgramSource, cause: Cause) -> Change | None:
    """Unscale the gradients of a scaled loss before they are clipped."""
    clips = [call for call in source.calls() if last_name(call.func).startswith("clip_grad")]
    steps = [c for c in source.calls() if last_name(c.func) == "step" and len(c.args) == 1]
    if "unscale_" not in cause.evidence or len(clips) != 1 or len(steps) != 1:
        return None
    step = steps[0]
    assert isinstance(step.func, ast.Attribute)
    code = f"{source.text(step.func.value)}.unscale_({source.text(step.args[0])})"
    return "gradients unscaled before they are clipped", [
        source.before(source.statement(clips[0]), code)
    ]


def other_rate(source: ProgramSource, cause: Cause) -> Change | None:
    """Change the learning rate where it has its value."""
    proof = cause.proof
    known = proof is not None and proof.proved and math.isfinite(proof.factor)
    factor = proof.factor if proof is not None and known else RATES[cause.id]
    for value in _rates(source):
        number = number_of(value)
        if number is not None:
            new = f"{float(f'{number * factor:.2g}'):g}"
            return f"learning rate {new} in place of {source.text(value)}", [
                source.replace(value, new)
            ]
        new = f"{factor:.3g} * ({source.text(value)})"
        return f"learning rate times {factor:.3g}", [source.replace(value, new)]
    return None


def _rates(source: ProgramSource) -> Iterator[ast.expr]:
    """Yield where a learning rate gets its value."""
    for call in optimizer_calls(source):
        by_name = [given.value for given in call.keywords if given.arg == "lr"]
        for value in by_name or call.args[1:2]:
            yield _origin(source, value)
    backward = find_backward(source)
    update = find_bare_update(source, backward) if backward else None
    for node in ast.walk(update) if update else ():
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)):
            continue
        if "grad" in source.text(node.right) and "grad" not in source.text(node.left):
            left = node.left.operand if isinstance(node.left, ast.UnaryOp) else node.left
            yield _origin(source, left)


def _origin(source: ProgramSource, value: ast.expr) -> ast.expr:
    """Return the number that a name, an attribute or a key stands for; else the value itself."""
    if isinstance(value, ast.Name):
        given = source.assigned(value.id)
        return given[-1].value if given else value
    name = ""
    if isinstance(value, ast.Attribute):
        name = value.attr
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant):
        name = str(value.slice.value)
    for node in source.walk() if name else ():
        if isinstance(node, ast.Call):
            named = [g.value for g in node.keywords if g.arg == name]
            option = [a for a in node.args if isinstance(a, ast.Constant) and _is_option(a, name)]
            if option:
                named = [g.value for g in node.keywords if g.arg == "default"]
            if named and number_of(named[0]) is not None:
                return named[0]
        if isinstance(node, ast.Dict):
            for key, one in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == name:
                    return one
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if last_name(target) == name and number_of(node.value) is not None:
                return node.value
    return value


def _is_option(constant: ast.Constant, name: str) -> bool:
    return str(constant.value).lstrip("-").replace("-", "_") == name
