"""Finds parameters and their names, modules, optimisers and data in the variables near a loop."""

import math
import re
import types
from collections.abc import Container, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader, Dataset

from ...layers import layers_of
from ...telemetry.events import Array

MAX_DEPTH = 3
MAX_OBJECTS = 3000
MAX_ITEMS = 500
SKIPPED = (types.ModuleType, types.FunctionType, types.MethodType, type, str, bytes, int, float)
LEARNING_RATE = ("lr", "learning_rate", "learningrate", "eta", "step_size", "alpha", "rate")
VALIDATION = re.compile(
    r"(x|y|xs|ys)?(val|vali|valid|validate|validation|dev|tests?|testing|eval|evaluate|evaluation"
    r"|held|heldout|holdout|unseen|te|va)"
    r"(x|y|xs|ys|dl|ds|arr|batch|batches|data|dataset|(data)?loader|ids|images|inputs|iter|labels"
    r"|mask|pairs|set|split|src|targets)?"
)
"""A word for validation or test data, alone or joined to what it is of."""
AMBIGUOUS = ("xv", "yv", "x_v", "y_v", "va")
"""Names of validation data that may be those of other data: of positions and velocities."""
MODES = nn.Dropout | nn.modules.batchnorm._BatchNorm


@dataclass
class Variables:
    """What was found.

    Attributes:
        names: of tensors, by id: PyTorch's own for what a module holds, else the variable's.
        layer_names: of the layers whose parameter is not simply called ``weight``, by its id.
        parameters: tensors that require a gradient, by name.
        siblings: ids of tensors that lie in one list or module.
        listed: tensors that lie in a list or dict beside some that require a gradient.
        modules: root modules by name.
        buffers: of the modules.
        optimizers: in the order in which they were found.
        schedules: of learning rates, of torch's own kinds.
        data: other tensors of some size, by name.
        arrays: how many numbers arrays of NumPy and tables have.
        validation_arrays: those of NumPy that by their names are there to validate or test.
        lists: how many parts lists have.
        datasets: those of ``torch.utils.data``, also behind a loader, by name.
        loaders: the size of the batches of a loader, and how many examples it has, by name.
        lr: a number whose name says that it is a learning rate; NaN.
    """

    names: dict[int, str] = field(default_factory=dict)
    layer_names: dict[int, str] = field(default_factory=dict)
    parameters: dict[str, Tensor] = field(default_factory=dict)
    siblings: list[frozenset[int]] = field(default_factory=list)
    listed: list[Tensor] = field(default_factory=list)
    modules: dict[str, nn.Module] = field(default_factory=dict)
    buffers: list[Tensor] = field(default_factory=list)
    optimizers: list[torch.optim.Optimizer] = field(default_factory=list)
    schedules: list[LRScheduler] = field(default_factory=list)
    data: dict[str, Tensor] = field(default_factory=dict)
    arrays: set[int] = field(default_factory=set)
    validation_arrays: dict[str, Array] = field(default_factory=dict)
    lists: set[int] = field(default_factory=set)
    datasets: dict[str, Dataset[Any]] = field(default_factory=dict)
    loaders: dict[str, tuple[int, int]] = field(default_factory=dict)
    lr: float = math.nan

    def name(self, parameter: Tensor) -> str:
        """Return the name of a parameter (``conv.3.weight``); its shape, if it has none."""
        return self.names.get(id(parameter), f"a parameter of shape {tuple(parameter.shape)}")

    def layer_name(self, parameter: Tensor) -> str:
        """Return the name of the layer that a parameter belongs to: ``conv.3``."""
        named = self.layer_names.get(id(parameter))
        return named or self.name(parameter).removesuffix(".weight")

    def validation_data(self) -> dict[str, Tensor]:
        """Return data that by its name is there to validate or test."""
        return {name: tensor for name, tensor in self.data.items() if is_validation(name)}

    def module_parameters(self) -> Iterator[Tensor]:
        """Yield the parameters of all modules, whether they are trained or not."""
        for module in self.modules.values():
            yield from module.parameters()

    def held(self) -> Iterator[Tensor]:
        """Yield what is held as a parameter: by a module, an optimiser or a list of parameters."""
        yield from self.module_parameters()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                yield from group["params"]
        yield from self.listed

    def modules_in_mode(
        self, training: bool, trained: Container[int] | None = None
    ) -> Iterator[str]:
        """Yield the names of dropout and batch norm modules in training (or in eval) mode.

        Args:
            training: which mode.
            trained: ids of parameters; then only of modules that have one of them, since a teacher
                and a frozen backbone are in eval mode deliberately.
        """
        for root in self.modules.values():
            modules = dict(root.named_modules())
            for name, module in modules.items():
                without_effect = isinstance(module, nn.Dropout) and not training and module.p == 0
                if not isinstance(module, MODES) or module.training != training or without_effect:
                    continue
                if trained and not _is_trained(modules, name, trained):
                    continue
                yield name or type(module).__name__


def _is_trained(modules: dict[str, nn.Module], name: str, trained: Container[int]) -> bool:
    """Whether the nearest module around one that has parameters has any that is trained."""
    while True:
        parameters = list(modules[name].parameters())
        if parameters or not name:
            return any(id(p) in trained for p in parameters)
        name = name.rpartition(".")[0]


def is_validation(name: str) -> bool:
    """Whether a variable of that name is there to validate or test."""
    name = name.lower()
    found = re.findall("[a-z]+", name.replace("hold_out", "holdout"))
    words = [word for word in found if len(word) > 1 and word != "self"]
    if any(word.startswith("train") for word in words):
        return False  # such as a part of training data that is evaluated, too
    ends = (words[0], words[-1]) if words else ()
    return name in AMBIGUOUS or any(map(VALIDATION.fullmatch, ends))


def find_variables(
    namespaces: Iterable[Mapping[str, Any]], objects: Iterable[Any] = ()
) -> Variables:
    """Search variables.

    Args:
        namespaces: variables by name; the nearest first.
        objects: what the caller of ``watch`` passed.
    """
    found = Variables()
    visited: set[int] = set()
    for value in objects:
        _visit(found, visited, "", value, 0)
    nearer = set[str]()  # hides what has its name farther away
    for namespace in namespaces:
        seen = [(name, value) for name, value in list(namespace.items()) if name not in nearer]
        nearer |= namespace.keys()
        for name, value in seen:
            if math.isnan(found.lr) and name.lower() in LEARNING_RATE and type(value) is float:
                found.lr = value
            if not name.startswith("__"):
                _visit(found, visited, name, value, 0)
    _name_modules(found)
    return found


def _visit(found: Variables, visited: set[int], name: str, value: Any, depth: int) -> None:
    if isinstance(value, SKIPPED) or value is None or len(visited) > MAX_OBJECTS:
        return
    if isinstance(value, Tensor):
        _add_tensor(found, name, value)
        return
    if id(value) in visited:
        return
    visited.add(id(value))
    if isinstance(value, np.ndarray) and is_validation(name) and value.ndim > 1:
        found.validation_arrays[name] = value
    if _module(value).partition(".")[0] in ("numpy", "pandas"):
        size = getattr(value, "size", 0)  # of groups it is a method
        found.arrays |= {size} if isinstance(size, int) else set()
    if isinstance(value, nn.Module):
        inner = any(value is m for root in found.modules.values() for m in root.modules())
        if not inner:
            kind = type(value).__name__
            alike = sum(key.partition(" ")[0] == kind for key in found.modules)
            found.modules[name or (f"{kind} {alike + 1}" if alike else kind)] = value
    elif isinstance(value, torch.optim.Optimizer):
        found.optimizers.append(value)
    elif isinstance(value, LRScheduler):
        found.schedules.append(value)
    elif isinstance(value, DataLoader):
        found.datasets[name] = value.dataset
        if isinstance(value.dataset, Sized) and value.batch_size:
            found.loaders[name] = value.batch_size, len(value.dataset)
        if "torch.utils" not in _module(value.dataset):  # one of the program's own
            _visit(found, visited, name, value.dataset, depth + 1)
    elif isinstance(value, Dataset) and "torch.utils" in _module(value):
        found.datasets[name] = value
    elif depth >= MAX_DEPTH:
        return
    elif isinstance(value, list | tuple):
        found.lists.add(len(value))
        if len(value) > MAX_ITEMS:
            return
        before = set(found.names)
        for place, part in enumerate(value):
            _visit(found, visited, f"{name}[{place}]", part, depth + 1)
        tensors = [part for part in value if isinstance(part, Tensor)]
        _add_listed(found, tensors)
        if len(tensors) == len(value) > 1 and all(t.is_floating_point() for t in tensors):
            found.siblings.append(frozenset(id(t) for t in tensors))
        elif new := set(found.names) - before:
            found.siblings.append(frozenset(new))
    elif isinstance(value, dict):
        if len(value) > MAX_ITEMS:
            return
        _add_listed(found, [part for part in value.values() if isinstance(part, Tensor)])
        for key, part in list(value.items()):
            if isinstance(key, str):
                _visit(found, visited, f"{name}.{key}", part, depth + 1)
    else:
        module = _module(value)
        foreign = module in ("builtins", "numpy", "torch") or "torch.utils" in module
        if not foreign and hasattr(value, "__dict__"):
            for key, part in list(vars(value).items()):
                _visit(found, visited, f"{name}.{key}" if name != "self" else key, part, depth + 1)


def _module(value: Any) -> str:
    """Return the module of an object's class; a class may have been given anything for it."""
    return str(type(value).__module__)


def _add_listed(found: Variables, tensors: list[Tensor]) -> None:
    if any(t.requires_grad and is_leaf(t) for t in tensors):
        found.listed += [t for t in tensors if is_leaf(t)]


def is_leaf(tensor: Tensor) -> bool:
    """Whether it is a leaf; a view whose base was updated in place may not even be asked."""
    try:
        return tensor.is_leaf
    except RuntimeError:
        return False


def _add_tensor(found: Variables, name: str, tensor: Tensor) -> None:
    if tensor.is_meta:
        return
    known = found.names.get(id(tensor))
    if known is not None:
        if "[" not in known or "[" in name:
            return
        # A plain name is better than a place in a list.
        found.parameters.pop(known, None)
        found.data.pop(known, None)
    found.names[id(tensor)] = name
    if tensor.requires_grad and is_leaf(tensor):
        found.parameters[name] = tensor
    elif tensor.numel() > 32 and not tensor.requires_grad:
        found.data[name] = tensor


def _unregistered(root: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield parameters that a module holds where torch does not find them: in plain lists."""
    known = {id(p) for p in root.parameters()}
    for prefix, module in root.named_modules():
        for attribute, value in vars(module).items():
            parts = value if isinstance(value, list | tuple) else [value]
            if isinstance(value, dict) and not attribute.startswith("_"):
                parts = list(value.values())
            for place, part in enumerate(parts[:MAX_ITEMS]):
                where = attribute if part is value else f"{attribute}[{place}]"
                name = f"{prefix}.{where}" if prefix else where
                inside: list[tuple[str, Tensor]] = []
                if isinstance(part, nn.Module):
                    inside = [(f"{name}.{n}", p) for n, p in part.named_parameters()]
                elif isinstance(part, Tensor) and part.is_leaf:
                    inside = [(name, part)]
                yield from ((n, p) for n, p in inside if p.requires_grad and id(p) not in known)


def _name_modules(found: Variables) -> None:
    """Name what modules hold as PyTorch does; with the variable's name where there are several."""
    inner = {id(m) for root in found.modules.values() for m in root.modules() if m is not root}
    found.modules = {
        n: m  # one without values is called with those of others: torch.func.functional_call
        for n, m in found.modules.items()
        if id(m) not in inner and not any(p.is_meta for p in m.parameters())
    }
    alone = sum(1 for m in found.modules.values() if any(True for _ in m.parameters())) == 1
    for variable, root in found.modules.items():
        prefix = "" if alone else f"{variable}."
        for name, parameter in root.named_parameters():
            found.names[id(parameter)] = prefix + name
            if parameter.requires_grad:
                found.parameters[prefix + name] = parameter
        for name, tensor in _unregistered(root):
            found.names.setdefault(id(tensor), prefix + name)
            found.parameters.setdefault(prefix + name, tensor)
        found.siblings.append(frozenset(id(parameter) for parameter in root.parameters()))
        found.buffers += list(root.buffers())
        for name, layer in layers_of(root).items():
            found.layer_names.setdefault(id(layer.product.weight), prefix + name)
