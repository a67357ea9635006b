"""A tape: one step of any loop, as the list of what torch was asked to do.

A torch function mode hears every call of a torch function or of a tensor's method, whether it comes
from an ``nn.Module`` or from bare tensors (``h = (x @ w1 + b1).tanh()``). It changes nothing: no
random number is drawn, no value is touched. Afterwards the step can be done again, with other
inputs or other weights: :func:`replay`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

Substitutes = Mapping[int, Tensor]
"""What stands for a tensor, by the id of that tensor."""
FEW_JUDGED = 6
MOST = 20_000  # operations: what goes on for longer is no step


@dataclass(eq=False)
class Op:
    """One call.

    Attributes:
        function: what was called.
        name: its name without underscores: ``matmul``, ``add``, ``tanh``, ``cross_entropy``, ...
        args, kwargs: what it was given; tensors are held, so that their ids stay theirs.
        inputs, outputs: the tensors in both, in order.
        learns: whether gradients were to be kept (no ``no_grad`` around it).
    """

    function: Callable[..., Any]
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    result: Any
    learns: bool

    @property
    def changes(self) -> bool:
        """Whether it writes into its first argument."""
        return _changes(self.function)

    def operand(self, place: int) -> Any:
        """Return the first or second thing that is multiplied, however it was handed over."""
        if len(self.args) > place:
            return self.args[place]
        keys = (("input", "self"), ("weight", "other", "mat2", "vec2"))[place]
        return next((self.kwargs[key] for key in keys if key in self.kwargs), None)

    def argument(self, place: int, key: str, default: Any = None) -> Any:
        """Return what was given for an argument, by place or by name."""
        return self.args[place] if len(self.args) > place else self.kwargs.get(key, default)


@dataclass(eq=False)
class Tape:
    """What was done in a step, up to the gradient.

    Attributes:
        ops: the calls before the backward pass, in order.
        root: what was differentiated; None if nothing was.
        backwards: how often something was differentiated in this step.
        later: the calls after it.
        gradients: of tensors on the way, by id, where they were asked for.
        leftover: names are not known here: ids of tensors that had a gradient before the first
            backward pass, so that it was added to.
    """

    ops: list[Op] = field(default_factory=list)
    root: Tensor | None = None
    backwards: int = 0
    later: list[Op] = field(default_factory=list)
    gradients: dict[int, Tensor] = field(default_factory=dict)
    leftover: set[int] = field(default_factory=set)
    learned: dict[int, Tensor] = field(default_factory=dict)
    """The gradient of each parameter right behind the backward pass, by the parameter's id."""
    rooted: tuple[Tensor, ...] = ()
    """The parameters of ``learned``."""
    judged_in_training: set[str] = field(default_factory=set)
    """Dropout and batch norm that worked in training mode where no gradient was kept."""
    judged_inputs: list[tuple[tuple[int, ...], Tensor]] = field(default_factory=list)
    """Shape (without the batch) and values of what products were given there, the first few."""
    spare: dict[int, torch.Generator] = field(default_factory=dict)
    """What draws in the place of the person's own generators, when the step is done again."""


BENDS = frozenset(
    ("tanh sigmoid relu relu6 leaky_relu elu gelu silu selu mish hardtanh softplus celu").split()
)
"""Activations, by the name of the call."""
PRODUCTS = frozenset(
    ("matmul rmatmul mm bmm linear addmm baddbmm einsum conv1d conv2d conv3d embedding").split()
)


class TapeRecorder(TorchFunctionMode):
    """Hears what torch is asked to do, from ``start`` to ``stop``.

    Args:
        sensitive: whether gradients of activations are kept, too.
    """

    def __init__(self, sensitive: bool = True) -> None:
        super().__init__()
        self.tape = Tape()
        self._sensitive = sensitive

    def __torch_function__(
        self,
        function: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = name_of(function)
        if name in ("backward", "grad") and function.__name__ != "__get__":
            return self._backward(function, name, args, kwargs)
        result = function(*args, **kwargs)
        # To set .grad or .data is no computation.
        if function.__name__ != "__set__" and (
            isinstance(result, Tensor | tuple | list) or _changes(function)
        ):
            self._keep(function, name, args, kwargs, result)
        return result

    def _keep(
        self,
        function: Any,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
    ) -> None:
        tape = self.tape
        ops = tape.later if tape.backwards else tape.ops
        if self._sensitive and not torch.is_grad_enabled():
            # What is judged is no part of the step; held, its activations would fill the memory.
            dropout = name == "dropout" and _given(args, kwargs, 1, "p")
            place = {"dropout": 2, "batch_norm": 5}.get(name, 0)
            if (dropout or name == "batch_norm") and _given(args, kwargs, place, "training"):
                tape.judged_in_training.add(name.replace("_", " "))
            if name in PRODUCTS and args and isinstance(args[0], Tensor):
                given = args[0]
                if given.is_floating_point() and len(tape.judged_inputs) < FEW_JUDGED:
                    tape.judged_inputs.append((tuple(given.shape[1:]), given.detach().float()))
            return
        if len(ops) >= MOST:
            return
        outputs = tuple(tensors_in(result))
        if not outputs and _changes(function):
            outputs = tuple(tensors_in(args[:1]))
        if not outputs:
            return
        inputs = (*tensors_in(args), *tensors_in(kwargs))
        op = Op(function, name, args, kwargs, inputs, outputs, result, torch.is_grad_enabled())
        ops.append(op)
        if self._sensitive and not tape.backwards and name in BENDS | PRODUCTS:
            for output in outputs:
                if output.requires_grad:
                    output.register_hook(self._listener(id(output)))  # type: ignore[no-untyped-call]

    def _listener(self, key: int) -> Callable[[Tensor], None]:
        gradients = self.tape.gradients

        def hear(gradient: Tensor) -> None:
            gradients.setdefault(key, gradient.detach())

        return hear

    def _backward(
        self, function: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        tape = self.tape
        root = next(iter(tensors_in(args)), None)
        tape.backwards += 1
        if tape.backwards > 1 or root is None:
            return function(*args, **kwargs)
        tape.root = root
        leaves = tuple(roots(tape))
        tape.rooted = tuple(leaf for leaf in leaves if leaf.is_leaf and leaf.requires_grad)
        with torch._C.DisableTorchFunction():
            for leaf in tape.rooted:
                if leaf.grad is not None and bool((leaf.grad != 0).any()):
                    tape.leftover.add(id(leaf))
        result = function(*args, **kwargs)
        with torch._C.DisableTorchFunction(), torch.no_grad():
            found: Iterable[Tensor | None] = (leaf.grad for leaf in tape.rooted)
            if name == "grad":
                asked = {id(t): g for t, g in zip(tensors_in(args[1:2]), result, strict=False)}
                found = (asked.get(id(leaf)) for leaf in tape.rooted)
            for leaf, gradient in zip(tape.rooted, found, strict=True):
                if gradient is not None:
                    tape.learned[id(leaf)] = gradient.detach().clone()
        return result


def _given(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, key: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(key, False)


def name_of(function: Any) -> str:
    """Return the plain name of a torch function: ``__rmatmul__`` is rmatmul, ``x.T`` is T."""
    name = str(getattr(function, "__name__", ""))
    if name == "__get__":
        return str(getattr(getattr(function, "__self__", None), "__name__", ""))
    return name.strip("_")


def _changes(function: Any) -> bool:
    name = str(getattr(function, "__name__", ""))
    if name == "__setitem__":
        return True
    if name.startswith("__i") and name not in ("__index__", "__invert__", "__init__", "__iter__"):
        return True
    return name.endswith("_") and not name.startswith("_")


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in a tensor, list, tuple, dict or slice, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, slice):
        yield from tensors_in((value.start, value.stop, value.step))


def needed(tape: Tape, wanted: Iterable[Tensor], given: Iterable[int] = ()) -> list[Op]:
    """Return the calls that some tensors were made by, in order; not those behind what is given."""
    ids, stop = {id(t) for t in wanted}, set(given)
    kept = []
    for op in reversed(tape.ops):
        made = {id(t) for t in op.outputs}
        if made & ids and not made & stop:
            kept.append(op)
            ids |= {id(t) for t in op.inputs}
    return kept[::-1]


def roots(tape: Tape) -> list[Tensor]:
    """Return the tensors that the root was made of and that were there before the step."""
    if tape.root is None:
        return []
    made: set[int] = set()
    found: dict[int, Tensor] = {}
    for op in needed(tape, [tape.root]):
        for tensor in op.inputs:
            if id(tensor) not in made:
                found.setdefault(id(tensor), tensor)
        made |= {id(t) for t in op.outputs} - set(found)
    return list(found.values())


@contextmanager
def aside() -> Iterator[None]:
    """Leave the random numbers as they are, whatever is drawn inside; hear nothing."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch._C.DisableTorchFunction(), torch.random.fork_rng(devices):
        yield


def replay(
    tape: Tape, wanted: tuple[Tensor, ...], instead: Substitutes | None = None
) -> tuple[Tensor, ...]:
    """Do the step again, and return what stands for some of its tensors then.

    Args:
        tape: the step.
        wanted: tensors of the tape.
        instead: other tensors in the place of some; what made them is not done again.

    Returns:
        What stands for ``wanted``, with gradients to the leaves and to what was put instead.

    Raises:
        RuntimeError, ValueError, IndexError, TypeError: the step can't be done with those.
    """
    now: dict[int, Any] = dict(instead or {})
    fixed = frozenset(now)
    for op in needed(tape, wanted, fixed):
        writes = op.changes or op.name in ("batch_norm", "instance_norm")

        def at(value: Any, writes: bool = writes) -> Any:
            if isinstance(value, Tensor):
                if id(value) in now:
                    return now[id(value)]
                # What was there before must stay what it is.
                return value.clone() if writes and not value.requires_grad else value
            if isinstance(value, tuple):
                return tuple(at(part) for part in value)
            if isinstance(value, list):
                return [at(part) for part in value]
            if isinstance(value, dict):
                return {key: at(part) for key, part in value.items()}
            if isinstance(value, slice):
                return slice(at(value.start), at(value.stop), at(value.step))
            if isinstance(value, torch.Generator):
                return tape.spare.setdefault(id(value), value.clone_state())
            return value

        args, kwargs = at(op.args), at(op.kwargs)
        with torch.set_grad_enabled(op.learns and torch.is_grad_enabled()):
            result = op.function(*args, **kwargs)
        fresh = list(tensors_in(result)) or list(tensors_in(args[:1]))
        for old, new in zip(op.outputs, fresh, strict=False):
            if id(old) not in fixed:
                now[id(old)] = new
    return tuple(now.get(id(t), t) for t in wanted)
