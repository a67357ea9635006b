"""Follows the weights that a program keeps by ``state_dict()`` and loads again.

What ``state_dict()`` returns are the weights themselves, no copy: kept until later, they are
trained on, and to load them changes nothing. Loaded into a module that is made anew, as from a
file, they are those of the network that they were taken of.
"""

import functools
import math
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .program_frames import Line, line_of_program
from .safe_log import SafeLog

MOST_STATES = 200
"""Whose sums are known, the newest; where many are taken, one in so many of the steps so far."""

_log = SafeLog()


@dataclass(frozen=True)
class LoadedItself:
    """A module was given its own weights to load, which were kept without a copy.

    Attributes:
        parameters: ids of those of the module.
        steps: that were done since they were kept.
        kept, loaded: lines of the program; None.
    """

    parameters: frozenset[int]
    steps: int
    kept: Line | None
    loaded: Line | None

    @property
    def words(self) -> str:
        """What happened, in a sentence's part."""
        return (
            f"load_state_dict() was given the weights that the network has: they were kept"
            f" {self.steps:,} steps before, and are no copy"
        )


@dataclass(frozen=True)
class _Weight:
    """A parameter, as it was at a time.

    Attributes:
        parameter: itself.
        sums: of its numbers and of their squares then.
    """

    parameter: weakref.ref[Tensor]
    sums: tuple[float, float]

    def has(self, values: Tensor, sums: tuple[float, float]) -> bool:
        """Whether other values, with these sums, are those."""
        own = self.parameter()
        return own is not None and own.shape == values.shape and all(map(_close, sums, self.sums))


_open: list["StateDicts"] = []
"""Those that are told of state dicts; meanwhile methods of ``nn.Module`` are replaced."""


class StateDicts:
    """Notes which state dicts are taken while it is open, and tells of those loaded in vain.

    There is no hook for all modules: while any is open, two methods of ``nn.Module`` are replaced
    by such as call them.

    Args:
        steps: returns how many steps were done by now.
        tell: is told where a module was given its own weights, after further steps.
    """

    def __init__(self, steps: Callable[[], int], tell: Callable[[LoadedItself], object]) -> None:
        self._steps, self._tell = steps, tell
        self._taken: dict[int, tuple[weakref.ref[Tensor], int, Line | None]] = {}
        """Of each state dict its first tensor, when it was taken and in which line."""
        self._states: list[dict[str, _Weight]] = []
        """What networks were when a state dict was taken of them, by the names of parameters."""
        self._summed_at = weakref.WeakKeyDictionary[nn.Module, int]()
        self._loaded: dict[int, tuple[weakref.ref[Tensor], _Weight, Line | None]] = {}
        """Of parameters that were loaded, which ones' values they have, and where; by id."""

    def open(self) -> None:
        """Follow from here on."""
        if self not in _open:
            _open.append(self)
        if nn.Module.state_dict is _take:
            nn.Module.state_dict = _state_dict  # type: ignore[method-assign, assignment]
        if nn.Module.load_state_dict is _load:
            nn.Module.load_state_dict = _load_state_dict  # type: ignore[method-assign, assignment]

    def close(self) -> None:
        """Follow no more."""
        if self in _open:
            _open.remove(self)
        self._taken.clear()
        self._states.clear()
        self._loaded.clear()
        if _open:
            return
        # What somebody else has put in their place stays there.
        if nn.Module.state_dict is _state_dict:
            nn.Module.state_dict = _take  # type: ignore[method-assign]
        if nn.Module.load_state_dict is _load_state_dict:
            nn.Module.load_state_dict = _load  # type: ignore[method-assign]

    def note(self, module: nn.Module, taken: Mapping[str, Any]) -> None:
        """Note a state dict that was taken of a module."""
        self._sum_up(module)
        first = next((v for v in taken.values() if isinstance(v, Tensor)), None)
        if first is None:
            return
        for key in [key for key, (held, *_) in self._taken.items() if held() is None]:
            del self._taken[key]
        self._taken[id(first)] = weakref.ref(first), self._steps(), line_of_program()

    def _sum_up(self, module: nn.Module) -> None:
        """Keep what the parameters of a module are now, unless that was done right before."""
        steps = self._steps()
        before = self._summed_at.get(module)
        if before is not None and steps - before < steps / MOST_STATES:
            return
        own = _parameters(module)
        if own:
            self._summed_at[module] = steps
            self._states.append({n: _Weight(weakref.ref(p), _sums(p)) for n, p in own.items()})
            del self._states[:-MOST_STATES]

    def note_loaded(self, module: nn.Module, given: Any) -> None:
        """Note whose weights a module is given, if they are those of another one."""
        own = _parameters(module)
        for parameter in own.values():
            self._loaded.pop(id(parameter), None)
        if not own or not isinstance(given, Mapping):
            return
        states = [state for state in reversed(self._states) if own.keys() == state.keys()]
        # Its own weights from before, as a program may load them in each step, are no copy.
        states = [s for s in states if any(w.parameter() is not own[n] for n, w in s.items())]
        values = {n: v for n in own if isinstance(v := given.get(n), Tensor) and not v.is_meta}
        if not states or values.keys() != own.keys():
            return
        sums = {name: _sums(tensor) for name, tensor in values.items()}
        for state in states:
            if all(known.has(values[name], sums[name]) for name, known in state.items()):
                line = line_of_program()
                for name, known in state.items():
                    if known.parameter() is not own[name]:
                        self._loaded[id(own[name])] = weakref.ref(own[name]), known, line
                return

    def original(self, parameter: Tensor) -> tuple[Tensor | None, Line | None]:
        """Return the parameter whose values another was given, and has still, and where."""
        held, known, line = self._loaded.get(id(parameter), (None, None, None))
        if held is None or known is None or held() is not parameter:
            return None, None
        if not known.has(parameter, _sums(parameter)):
            return None, None
        return known.parameter(), line

    def compare(self, module: nn.Module, given: Any) -> None:
        """Tell of a state dict that a module is given, if it is its own from before."""
        self.note_loaded(module, given)
        if not isinstance(given, Mapping):
            return
        tensors = [value for value in given.values() if isinstance(value, Tensor)]
        noted = (self._taken.get(id(tensor)) for tensor in tensors)
        kept = [
            (at, line) for one in noted if one and one[0]() is not None for _, at, line in [one]
        ]
        if not kept or not self._steps() > kept[0][0]:
            return
        (at, line), own = kept[0], dict(module.named_parameters())
        if own and all(_is_same(given.get(name), p) for name, p in own.items()):
            ids = frozenset(map(id, own.values()))
            self._tell(LoadedItself(ids, self._steps() - at, line, line_of_program()))


_take, _load = nn.Module.state_dict, nn.Module.load_state_dict


@functools.wraps(_take)
def _state_dict(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    taken = _take(module, *args, **kwargs)
    if not args and "destination" not in kwargs:  # else it is a part of another one
        _tell_all(StateDicts.note, module, taken)
    return taken


@functools.wraps(_load)
def _load_state_dict(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    _tell_all(StateDicts.compare, module, args[0] if args else kwargs.get("state_dict"))
    return _load(module, *args, **kwargs)


def original_of(parameter: Tensor) -> tuple[Tensor | None, Line | None]:
    """Return the parameter whose earlier values another one has loaded, and has still, and where.

    As that of a network whose best weights were kept, and are loaded into one that is made anew.
    """
    found = (one.original(parameter) for one in _open)
    return next((one for one in found if one[0] is not None), (None, None))


def _parameters(module: nn.Module) -> dict[str, Tensor]:
    """Return the parameters of a module that have numbers to add up, by name."""
    named = module.named_parameters()
    return {n: p for n, p in named if p.is_floating_point() and not p.is_meta}


def _sums(values: Tensor) -> tuple[float, float]:
    """Return the sums of numbers and of their squares, which tell those of two moments apart.

    By the first alone they are not: the gradients of a softmax's weights add up to zero. In seven
    digits a small update may be lost: where there are no more, it is NaN.
    """
    if values.device.type == "mps":
        return math.nan, math.nan
    exact = values.detach().double()
    return float(exact.sum()), float(exact.square().sum())


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def _tell_all(act: Callable[..., None], *given: Any) -> None:
    for one in list(_open):
        try:
            with torch._C.DisableTorchFunction():
                act(one, *given)
        except Exception:  # of ours: the program goes on
            _log.exception("a state dict was not understood")


def _is_same(value: Any, parameter: Tensor) -> bool:
    """Whether a value lies where a parameter does."""
    return (
        isinstance(value, Tensor)
        and value.shape == parameter.shape
        and value.device == parameter.device
        and value.data_ptr() == parameter.data_ptr()
    )
