"""Parameters that a class of the program makes as constants: ``Parameter(x, requires_grad=False)``.

A layer is frozen behind its back, once it is there; what is made so is meant to stay.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from types import CodeType

from torch import nn

from .source import called_name, is_true, syntax_tree


def made_constant(roots: Iterable[nn.Module]) -> set[int]:
    """Return the ids of the parameters of some modules that were made to need no gradient."""
    found = set[int]()
    for module in (inner for root in roots for inner in root.modules()):
        still = {name: p for name, p in module._parameters.items() if p is not None}
        still = {name: p for name, p in still.items() if not p.requires_grad}
        if still and not type(module).__module__.startswith("torch."):
            constants = set(_constants_of(type(module)))
            found |= {id(p) for name, p in still.items() if name in constants}
    return found


def _constants_of(kind: type) -> Iterator[str]:
    """Yield the attributes of a class, and of those that it comes from, that it makes so."""
    for one in kind.__mro__:
        code = getattr(vars(one).get("__init__"), "__code__", None)
        if code is not None and not one.__module__.startswith("torch."):
            yield from _made_in(code)


@lru_cache(maxsize=256)
def _made_in(code: CodeType) -> frozenset[str]:
    """Return the attributes that a function makes so, by its source."""
    tree = syntax_tree(code.co_filename)
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)) if tree else ()
    own = (one for one in functions if _begins(one) == code.co_firstlineno)
    return frozenset(name for one in own for name in _attributes(one))


def _begins(function: ast.FunctionDef) -> int:
    return min([function.lineno, *(node.lineno for node in function.decorator_list)])


def _attributes(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and _is_constant(node.value):
            yield from (t.attr for t in node.targets if isinstance(t, ast.Attribute))
        elif isinstance(node, ast.AnnAssign) and node.value and _is_constant(node.value):
            yield from [node.target.attr] if isinstance(node.target, ast.Attribute) else []
        elif isinstance(node, ast.Call) and called_name(node) == "register_parameter":
            named = node.args[0] if len(node.args) == 2 and _is_constant(node.args[1]) else None
            yield from [str(named.value)] if isinstance(named, ast.Constant) else []


def _is_constant(value: ast.expr) -> bool:
    """Whether an expression makes a parameter, and says itself that it may need no gradient."""
    if not isinstance(value, ast.Call):
        return False
    told = [*value.args, *(k.value for k in value.keywords if k.arg == "requires_grad")]
    if called_name(value) == "requires_grad_" and isinstance(value.func, ast.Attribute):
        made = value.func.value
    else:
        made, told = value, told[1:]  # the first one is its numbers
    is_parameter = isinstance(made, ast.Call) and called_name(made) == "Parameter"
    return is_parameter and bool(told) and not is_true(told[0])
