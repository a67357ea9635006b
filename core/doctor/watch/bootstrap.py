"""Recognises targets that bootstrap: rewards, and discounted values of the states that follow.

They are mostly computed under ``no_grad``, so that they stand on no tape.
"""

import math
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

DISCOUNTS = (0.5, 1.0)
"""What values of later states are multiplied by."""
MULTIPLIES = ("mul", "rmul", "imul")
ADDS = ("add", "radd", "iadd")
KEEPS = frozenset("view reshape squeeze unsqueeze flatten float double to detach clone".split())
"""Calls that leave values as they are."""
VALUES, DISCOUNTED, ENDED = "values", "discounted", "ended"
"""What a network says of states; that times a discount; that without what is behind an end."""
ENDS = ("done", "term", "end", "fin", "over", "dead")
"""With these begin words in names of flags for the end of an episode."""
UNNAMED = ("_", "d", "f", "flag", "flags", "mask", "masks")
"""Names of flags that say nothing, or little, of what they are for."""
BEFORE_END = 3
"""Parts of a batch before a flag: a state, a reward and the next state, if no action."""
MANY_PARTS = 16
"""More are no batch."""
TIME_LIMITS = ("trunc", "time", "limit")
"""In the name of a flag for an episode that was cut off: there, values go on."""

Flag = tuple[str, str | int | None]
"""A variable, and which part of it; None for the whole."""


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """A target that bootstraps.

    Attributes:
        target: its values, (n,).
        line: of the program; None.
        flags: variables there that hold zeros and ones, one for each value, and both of them.
    """

    target: Tensor
    line: tuple[str, int] | None
    flags: tuple[Flag, ...]


class BootstrapReader:
    """Follows values of a network until rewards are added to them."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Tensor], str]] = {}
        """What is known of values, by id: that they are discounted, ended, or values at all."""

    def read(
        self,
        name: str,
        args: tuple[Any, ...],
        inputs: tuple[Tensor, ...],
        outputs: Iterable[Tensor],
        by_weights: bool = False,
    ) -> Tensor | None:
        """Read a call; return what it makes, if that is rewards and discounted values.

        Args:
            name: of the call.
            args: its arguments by position.
            inputs: the tensors among all its arguments.
            outputs: what it returns.
            by_weights: whether it makes values without a gradient, by the weights of a network.
        """
        made = [t for t in outputs if t.is_floating_point()]
        kinds = [self._kind(t) for t in inputs]
        if not made or not (by_weights or any(kinds)):
            return None
        if not all(map(_is_plain, (*inputs, *made))):
            return None
        others = [t for t, kind in zip(inputs, kinds, strict=True) if not kind]
        if name in ADDS and DISCOUNTED in kinds and len(others) == 1 and _is_column(made[0]):
            return made[0] if others[0].is_floating_point() else None
        kind = VALUES
        if not by_weights and (ENDED in kinds or any(_masks(t) for t in others)):
            kind = ENDED
        elif name in KEEPS:
            kind = kinds[0]
        elif name in MULTIPLIES and DISCOUNTS[0] <= _factor(args, others) <= DISCOUNTS[1]:
            kind = DISCOUNTED
        for tensor in made:
            self._known[id(tensor)] = weakref.ref(tensor), kind
        return None

    def _kind(self, tensor: Tensor) -> str:
        """Return what is known of a tensor; "" if it is no values."""
        found = self._known.get(id(tensor))
        if found is not None and found[0]() is tensor:
            return found[1]
        return VALUES if tensor.requires_grad and not isinstance(tensor, Parameter) else ""


def _is_plain(tensor: Tensor) -> bool:
    """Whether it is numbers in rows and columns, and not sparse, nested, complex or without any."""
    strided = tensor.layout == torch.strided and not tensor.is_nested
    return strided and not (tensor.is_meta or tensor.is_complex())


def _is_column(tensor: Tensor) -> bool:
    """Whether it has one value for each example, of several."""
    return tensor.dim() > 0 and tensor.numel() == max(tensor.shape) > 1


def _factor(args: tuple[Any, ...], others: list[Tensor]) -> float:
    """Return the number that something is multiplied by; NaN if it is no single one."""
    numbers = [float(one) for one in args if type(one) in (int, float)]
    numbers += [float(t) for t in others if t.numel() == 1]
    return numbers[0] if len(numbers) == 1 else math.nan


def _masks(tensor: Tensor) -> bool:
    """Whether it is zeros and ones, one for each example."""
    if tensor.dtype == torch.bool:
        return True
    return tensor.is_floating_point() and _is_column(tensor) and is_flag(tensor, tensor.numel())


def flags_in(variables: Mapping[str, Any], count: int) -> tuple[Flag, ...]:
    """Return which variables, or parts of them, hold flags for so many examples.

    What its name says to be something else, such as that an action was drawn at random, is none.
    """
    found: list[Flag] = []
    for name, value in list(variables.items()):
        if not name.startswith("__"):
            with suppress(Exception):  # a class of the program's own may raise what it likes
                found += _flags_of(name, value, count)
    kept = [f for f in found if not any(word in f"{f[0]} {f[1]}".lower() for word in TIME_LIMITS)]
    return tuple(sorted(kept, key=lambda f: not _names_end(f[0] if f[1] is None else str(f[1]))))


def _flags_of(name: str, value: Any, count: int) -> list[Flag]:
    """Return the flags that a variable holds, as a whole or in its parts."""
    if is_flag(value, count, name):
        return [(name, None)] if _may_be_end(name) else []
    if not isinstance(value, dict | list | tuple) or len(value) > MANY_PARTS:
        return []
    flags = (key for key, part in _parts(value) if is_flag(part, count, str(key)))
    return [(name, key) for key in flags if _may_be_end(key)]


def _parts(value: dict[Any, Any] | list[Any] | tuple[Any, ...]) -> list[tuple[str | int, Any]]:
    """Return the parts of a batch by what they are called."""
    if isinstance(value, dict):
        return [(key, part) for key, part in value.items() if isinstance(key, str)]
    return list(zip(getattr(value, "_fields", range(len(value))), value, strict=True))


def _names_end(name: str) -> bool:
    return name == "d" or any(word.startswith(ENDS) for word in name.lower().split("_"))


def _may_be_end(name: str | int) -> bool:
    """Whether a name is that of an end, or of nothing else; or a place behind what comes first."""
    if isinstance(name, str):
        return name.lower() in UNNAMED or _names_end(name)
    return name >= BEFORE_END


def is_flag(value: Any, count: int, name: str = "done") -> bool:
    """Whether it is so many zeros and ones, and has both; whole numbers may be actions."""
    if isinstance(value, Tensor):
        if not _is_plain(value) or value.numel() != count or value.requires_grad:
            return False
        whole = not value.is_floating_point() and value.dtype != torch.bool
    else:
        if isinstance(value, list | tuple) and len(value) == count:
            plain = all(isinstance(one, int | float | np.generic) for one in value)
            value = np.array(value) if plain else None
        if not isinstance(value, np.ndarray) or value.size != count:
            return False
        whole = value.dtype.kind not in "bf"
    if whole and not _names_end(name):
        return False
    ones = value == 1
    return bool((ones | (value == 0)).all()) and 0 < int(ones.sum()) < count
