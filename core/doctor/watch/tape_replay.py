"""Repeats a step from its tape, with other inputs or other weights."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ...interruption import heed
from .tape import Tape, ops_behind, tensors_in

Substitutes = Mapping[int, Tensor]
"""What replaces a tensor, by the id of that tensor."""
IGNORED = ("ignore", None, Warning, None, 0)
"""A filter of warnings, before all others."""
TRAINING_ARGUMENTS: dict[str, tuple[tuple[int, str, bool | float], ...]] = {
    "dropout": ((2, "training", False),),
    "dropout1d": ((2, "training", False),),
    "dropout2d": ((2, "training", False),),
    "alpha_dropout": ((2, "training", False),),
    "batch_norm": ((5, "training", False),),
    "scaled_dot_product_attention": ((4, "dropout_p", 0.0),),
    "multi_head_attention_forward": ((13, "training", False),),
    "gru": ((6, "train", False),),
    "lstm": ((6, "train", False),),
    "rnn_tanh": ((6, "train", False),),
    "rnn_relu": ((6, "train", False),),
}
"""By the name of a call: the arguments in which eval mode differs, and their value there."""


@contextmanager
def isolated() -> Iterator[None]:
    """Restore the random state at the end, and record nothing meanwhile.

    What torch warns of was said when the program did the same.
    """
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch._C.DisableTorchFunction(), torch.random.fork_rng(devices), _silent():
        yield


@contextmanager
def _silent() -> Iterator[None]:
    """Warn of nothing; behind ``catch_warnings`` all would be said again that was said before."""
    filters: list[Any] = warnings.filters  # type: ignore[assignment]
    filters.insert(0, IGNORED)
    try:
        yield
    finally:
        filters.remove(IGNORED)


def _in_eval_mode(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call as they are in eval mode."""
    for place, key, value in TRAINING_ARGUMENTS.get(name, ()):
        if name == "batch_norm" and len(args) > 1 and args[1] is None:
            continue  # it keeps no running statistics
        if len(args) > place:
            args = (*args[:place], value, *args[place + 1 :])
        elif key in kwargs:
            kwargs = {**kwargs, key: value}
    return args, kwargs


def replay(
    tape: Tape,
    wanted: tuple[Tensor, ...],
    substitutes: Substitutes | None = None,
    evaluation: bool = False,
) -> tuple[Tensor, ...]:
    """Repeat the step, and return the new values of some of its tensors.

    Args:
        tape: the step.
        wanted: tensors of the tape.
        substitutes: other tensors in the place of some; what made those is not repeated.
        evaluation: whether dropout and batch norm do what they do in eval mode.

    Returns:
        What ``wanted`` is now, with gradients to the leaves and to the substitutes.

    Raises:
        RuntimeError, ValueError, IndexError, TypeError: the step can't be repeated with those.
        CancelledError: nobody waits for it any more.
    """
    heed()
    now: dict[int, Any] = dict(substitutes or {})
    fixed = frozenset(now)
    for op in ops_behind(tape, wanted, fixed):
        writes = op.in_place or op.name in ("batch_norm", "instance_norm")

        def current(value: Any, writes: bool = writes, op_writes: bool = op.in_place) -> Any:
            if isinstance(value, Tensor):
                if id(value) in now:
                    return now[id(value)]
                # What was there before must stay as it is.
                written = op_writes or (writes and not value.requires_grad)
                return value.clone() if written else value
            if isinstance(value, tuple):
                return tuple(current(part) for part in value)
            if isinstance(value, list):
                return [current(part) for part in value]
            if isinstance(value, dict):
                return {key: current(part) for key, part in value.items()}
            if isinstance(value, slice):
                return slice(current(value.start), current(value.stop), current(value.step))
            if isinstance(value, torch.Generator):
                return tape.generator(value)
            return value

        args, kwargs = current(op.args), current(op.kwargs)
        if evaluation:
            args, kwargs = _in_eval_mode(op.name, args, kwargs)
        with torch.set_grad_enabled(op.grad_enabled and torch.is_grad_enabled()):
            result = op.function(*args, **kwargs)
        fresh = list(tensors_in(result)) or list(tensors_in(args[:1]))
        for old, new in zip(op.outputs, fresh, strict=False):
            if id(old) not in fixed:
                now[id(old)] = new
    return tuple(now.get(id(t), t) for t in wanted)
