"""What a person's own variables hold: parameters and their names, modules, optimisers, data."""

import math
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

DEEPEST = 3
RATES = ("lr", "learning_rate", "learningrate", "eta", "step_size", "alpha", "rate")
MOST = 3000  # objects that are looked at
SKIPPED = (types.ModuleType, types.FunctionType, types.MethodType, type, str, bytes, int, float)
JUDGING = ("val", "dev", "test", "te", "valid", "validation", "eval", "held")


@dataclass
class Variables:
    """What was found.

    Attributes:
        names: of tensors, by id.
        parameters: tensors that ask for a gradient, by name.
        siblings: ids of tensors that lie in one list or module with each such tensor.
        modules: root modules by name.
        buffers: of the modules.
        optimizers: in the order in which they were met.
        data: other tensors of some size, by name.
        rate: a number whose name says that it is a learning rate; NaN.
    """

    names: dict[int, str] = field(default_factory=dict)
    parameters: dict[str, Tensor] = field(default_factory=dict)
    siblings: list[frozenset[int]] = field(default_factory=list)
    modules: dict[str, nn.Module] = field(default_factory=dict)
    buffers: list[Tensor] = field(default_factory=list)
    optimizers: list[torch.optim.Optimizer] = field(default_factory=list)
    data: dict[str, Tensor] = field(default_factory=dict)
    rate: float = math.nan

    def judging(self) -> dict[str, Tensor]:
        """Return data that, by its name, is there to judge and not to learn from."""
        return {
            name: tensor
            for name, tensor in self.data.items()
            if any(name.lower().strip("_xyims.").startswith(word) for word in JUDGING)
            or any(
                name.lower().endswith(("_" + word, word)) for word in JUDGING[:5] if word != "te"
            )
            or name.lower() in ("xte", "yte")
        }

    def known(self) -> Iterator[Tensor]:
        """Yield the parameters of all modules, whether they learn or not."""
        for module in self.modules.values():
            yield from module.parameters()


def scan(spaces: Iterable[Mapping[str, Any]], things: Iterable[Any] = ()) -> Variables:
    """Look through variables.

    Args:
        spaces: variables by name; the nearest first.
        things: what the person named outright.
    """
    found = Variables()
    seen: set[int] = set()
    for thing in things:
        _take(found, seen, "", thing, 0)
    for space in spaces:
        for name, value in list(space.items()):
            if math.isnan(found.rate) and name.lower() in RATES and type(value) is float:
                found.rate = value
            if not name.startswith("__"):
                _take(found, seen, name, value, 0)
    _name_modules(found)
    return found


def _take(found: Variables, seen: set[int], name: str, value: Any, depth: int) -> None:
    if isinstance(value, SKIPPED) or value is None or len(seen) > MOST:
        return
    if isinstance(value, Tensor):
        _take_tensor(found, name, value)
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, nn.Module):
        inner = any(value is m for root in found.modules.values() for m in root.modules())
        if not inner:
            found.modules[name or type(value).__name__] = value
        return
    if isinstance(value, torch.optim.Optimizer):
        found.optimizers.append(value)
        return
    if depth >= DEEPEST:
        return
    if isinstance(value, list | tuple):
        if len(value) > 500:
            return
        before = set(found.names)
        for place, part in enumerate(value):
            _take(found, seen, f"{name}[{place}]", part, depth + 1)
        tensors = [part for part in value if isinstance(part, Tensor)]
        if len(tensors) == len(value) > 1 and all(t.is_floating_point() for t in tensors):
            found.siblings.append(frozenset(id(t) for t in tensors))
        elif new := set(found.names) - before:
            found.siblings.append(frozenset(new))
    elif isinstance(value, dict):
        if len(value) > 500:
            return
        for key, part in list(value.items()):
            if isinstance(key, str):
                _take(found, seen, f"{name}.{key}", part, depth + 1)
    elif type(value).__module__ not in ("builtins", "numpy", "torch") and hasattr(
        value, "__dict__"
    ):
        if "torch.utils" in type(value).__module__:
            return
        for key, part in list(vars(value).items()):
            _take(found, seen, f"{name}.{key}" if name != "self" else key, part, depth + 1)


def _take_tensor(found: Variables, name: str, tensor: Tensor) -> None:
    known = found.names.get(id(tensor))
    # A plain name is better than a place in a list.
    if known is None or ("[" in known and "[" not in name):
        found.names[id(tensor)] = name
        if known is not None:
            found.parameters.pop(known, None)
            found.data.pop(known, None)
    else:
        return
    if tensor.requires_grad and tensor.is_leaf:
        found.parameters[name] = tensor
    elif tensor.numel() > 32 and tensor.grad_fn is None:
        found.data[name] = tensor


def _name_modules(found: Variables) -> None:
    """Name what modules hold: as they do where there is one module, else with its name before."""
    inner = {id(m) for root in found.modules.values() for m in root.modules() if m is not root}
    found.modules = {n: m for n, m in found.modules.items() if id(m) not in inner}
    alone = sum(1 for m in found.modules.values() if any(True for _ in m.parameters())) == 1
    for prefix, module in found.modules.items():
        before = "" if alone else f"{prefix}."
        ids = []
        for name, parameter in module.named_parameters():
            found.names[id(parameter)] = before + name
            ids.append(id(parameter))
            if parameter.requires_grad:
                found.parameters[before + name] = parameter
        found.siblings.append(frozenset(ids))
        found.buffers += list(module.buffers())
