"""A tape: one step of any training loop, as the list of the calls that torch was given.

A torch function mode records every call of a torch function or of a tensor's method, whether it
comes from an ``nn.Module`` or from bare tensors (``h = (x @ w1 + b1).tanh()``). It changes nothing:
no random number is drawn, no value is touched. Afterwards the step can be repeated with other
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
"""What replaces a tensor, by the id of that tensor."""

# Calls by their names, as in Op.name.
NONLINEARITIES = frozenset(
    ("tanh sigmoid relu relu6 leaky_relu elu gelu silu selu mish hardtanh softplus celu").split()
)
PRODUCTS = frozenset(
    ("matmul rmatmul mm bmm linear addmm baddbmm einsum conv1d conv2d conv3d embedding").split()
)
FACTORIES = frozenset(
    (
        "arange zeros ones tril triu eye full tensor empty linspace zeros_like ones_like "
        "full_like as_tensor new_zeros new_ones"
    ).split()
)
RANDOM = frozenset(
    (
        "randint randn rand randperm bernoulli multinomial normal rand_like randn_like randint_like"
    ).split()
)
MAX_OPS = 20_000
"""More calls are no single training step."""
MAX_EVAL_INPUTS = 6


@dataclass(eq=False)
class Op:
    """One call.

    Attributes:
        function: what was called.
        name: its name without underscores: ``matmul``, ``add``, ``tanh``, ``cross_entropy``, ...
        args, kwargs: its arguments; they hold the tensors, so that an id stays that tensor's.
        inputs, outputs: the tensors in both, in order.
        result: what it returned.
        grad_enabled: whether gradients were recorded (no ``no_grad`` around it).
    """

    function: Callable[..., Any]
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    result: Any
    grad_enabled: bool

    @property
    def in_place(self) -> bool:
        """Whether it writes into its first argument."""
        return _is_in_place(self.function)

    def operand(self, place: int) -> Any:
        """Return the first or second factor of a product, given by position or by name."""
        if len(self.args) > place:
            return self.args[place]
        keys = (("input", "self"), ("weight", "other", "mat2", "vec2"))[place]
        return next((self.kwargs[key] for key in keys if key in self.kwargs), None)

    def argument(self, place: int, key: str, default: Any = None) -> Any:
        """Return an argument, given by position or by name."""
        return self.args[place] if len(self.args) > place else self.kwargs.get(key, default)


@dataclass(eq=False)
class Tape:
    """What was computed in a step, up to its backward pass.

    Attributes:
        ops: the calls before the backward pass, in order.
        root: the tensor that was differentiated; None without a backward pass.
        backward_calls: how many backward passes the step had.
        parameters: the leaves of ``root`` that require a gradient.
        parameter_gradients: of each, right after the backward pass, by the parameter's id.
        activation_gradients: of the outputs of layers and nonlinearities, by id.
        stale_gradients: ids of parameters that had a gradient before the backward pass, so that the
            new one was added to it.
        training_mode_in_eval: dropout and batch norm that ran in training mode under ``no_grad``.
        eval_inputs: shape (without the batch) and values of the first inputs of products there.
    """

    ops: list[Op] = field(default_factory=list)
    root: Tensor | None = None
    backward_calls: int = 0
    parameters: tuple[Tensor, ...] = ()
    parameter_gradients: dict[int, Tensor] = field(default_factory=dict)
    activation_gradients: dict[int, Tensor] = field(default_factory=dict)
    stale_gradients: set[int] = field(default_factory=set)
    training_mode_in_eval: set[str] = field(default_factory=set)
    eval_inputs: list[tuple[tuple[int, ...], Tensor]] = field(default_factory=list)
    _generators: dict[int, torch.Generator] = field(default_factory=dict)

    def generator(self, original: torch.Generator) -> torch.Generator:
        """Return the copy from which a replay draws in the place of a generator of the loop."""
        return self._generators.setdefault(id(original), original.clone_state())


class TapeRecorder(TorchFunctionMode):
    """A context in which calls of torch are recorded.

    Args:
        training: whether a training step is recorded: calls under ``no_grad`` are then no part of
            it, and gradients of activations are kept.
    """

    def __init__(self, training: bool = True) -> None:
        super().__init__()
        self.tape = Tape()
        self._training = training

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
            isinstance(result, Tensor | tuple | list) or _is_in_place(function)
        ):
            self._record(function, name, args, kwargs, result)
        return result

    def _record(
        self,
        function: Any,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
    ) -> None:
        tape = self.tape
        if self._training and not torch.is_grad_enabled():
            # An evaluation is no part of the step; its activations would fill the memory.
            self._note_evaluation(name, args, kwargs)
            return
        if tape.backward_calls or len(tape.ops) >= MAX_OPS:
            return
        outputs = tuple(tensors_in(result))
        if not outputs and _is_in_place(function):
            outputs = tuple(tensors_in(args[:1]))
        if not outputs:
            return
        inputs = (*tensors_in(args), *tensors_in(kwargs))
        grad_enabled = torch.is_grad_enabled()
        tape.ops.append(Op(function, name, args, kwargs, inputs, outputs, result, grad_enabled))
        if self._training and name in NONLINEARITIES | PRODUCTS:
            for output in outputs:
                if output.requires_grad:
                    output.register_hook(self._gradient_hook(id(output)))  # type: ignore[no-untyped-call]

    def _note_evaluation(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Note modules in training mode, and the first inputs of products."""
        tape = self.tape
        if name == "batch_norm":
            training = _argument(args, kwargs, 5, "training")
        else:
            training = name == "dropout" and (
                _argument(args, kwargs, 1, "p") and _argument(args, kwargs, 2, "training")
            )
        if training:
            tape.training_mode_in_eval.add(name.replace("_", " "))
        if name in PRODUCTS and args and isinstance(args[0], Tensor):
            given = args[0]
            if given.is_floating_point() and len(tape.eval_inputs) < MAX_EVAL_INPUTS:
                tape.eval_inputs.append((tuple(given.shape[1:]), given.detach().float()))

    def _gradient_hook(self, key: int) -> Callable[[Tensor], None]:
        gradients = self.tape.activation_gradients

        def keep(gradient: Tensor) -> None:
            gradients.setdefault(key, gradient.detach())

        return keep

    def _backward(
        self, function: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        tape = self.tape
        root = next(iter(tensors_in(args)), None)
        tape.backward_calls += 1
        if tape.backward_calls > 1 or root is None:
            return function(*args, **kwargs)
        tape.root = root
        tape.parameters = tuple(t for t in leaves(tape) if t.is_leaf and t.requires_grad)
        with torch._C.DisableTorchFunction():
            for parameter in tape.parameters:
                if parameter.grad is not None and bool((parameter.grad != 0).any()):
                    tape.stale_gradients.add(id(parameter))
        result = function(*args, **kwargs)
        with torch._C.DisableTorchFunction(), torch.no_grad():
            found: Iterable[Tensor | None] = (p.grad for p in tape.parameters)
            if name == "grad":
                asked = {id(t): g for t, g in zip(tensors_in(args[1:2]), result, strict=False)}
                found = (asked.get(id(p)) for p in tape.parameters)
            for parameter, gradient in zip(tape.parameters, found, strict=True):
                if gradient is not None:
                    tape.parameter_gradients[id(parameter)] = gradient.detach().clone()
        return result


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, key: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(key, False)


def name_of(function: Any) -> str:
    """Return the plain name of a torch function: ``__rmatmul__`` is rmatmul, ``x.T`` is T."""
    name = str(getattr(function, "__name__", ""))
    if name == "__get__":
        return str(getattr(getattr(function, "__self__", None), "__name__", ""))
    return name.strip("_")


def _is_in_place(function: Any) -> bool:
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


def ops_behind(tape: Tape, wanted: Iterable[Tensor], given: Iterable[int] = ()) -> list[Op]:
    """Return the calls that make some tensors, in order, without those behind what is given."""
    ids, stop = {id(t) for t in wanted}, set(given)
    kept = []
    for op in reversed(tape.ops):
        made = {id(t) for t in op.outputs}
        if made & ids and not made & stop:
            kept.append(op)
            ids |= {id(t) for t in op.inputs}
    return kept[::-1]


def leaves(tape: Tape) -> list[Tensor]:
    """Return the tensors that the root is made of and that were there before the step."""
    if tape.root is None:
        return []
    made: set[int] = set()
    found: dict[int, Tensor] = {}
    for op in ops_behind(tape, [tape.root]):
        for tensor in op.inputs:
            if id(tensor) not in made:
                found.setdefault(id(tensor), tensor)
        made |= {id(t) for t in op.outputs} - set(found)
    return list(found.values())


@contextmanager
def isolated() -> Iterator[None]:
    """Restore the random state at the end, and record nothing meanwhile."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch._C.DisableTorchFunction(), torch.random.fork_rng(devices):
        yield


def replay(
    tape: Tape, wanted: tuple[Tensor, ...], substitutes: Substitutes | None = None
) -> tuple[Tensor, ...]:
    """Repeat the step, and return the new values of some of its tensors.

    Args:
        tape: the step.
        wanted: tensors of the tape.
        substitutes: other tensors in the place of some; what made those is not repeated.

    Returns:
        What ``wanted`` is now, with gradients to the leaves and to the substitutes.

    Raises:
        RuntimeError, ValueError, IndexError, TypeError: the step can't be repeated with those.
    """
    now: dict[int, Any] = dict(substitutes or {})
    fixed = frozenset(now)
    for op in ops_behind(tape, wanted, fixed):
        writes = op.in_place or op.name in ("batch_norm", "instance_norm")

        def current(value: Any, writes: bool = writes) -> Any:
            if isinstance(value, Tensor):
                if id(value) in now:
                    return now[id(value)]
                # What was there before must stay as it is.
                return value.clone() if writes and not value.requires_grad else value
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
        with torch.set_grad_enabled(op.grad_enabled and torch.is_grad_enabled()):
            result = op.function(*args, **kwargs)
        fresh = list(tensors_in(result)) or list(tensors_in(args[:1]))
        for old, new in zip(op.outputs, fresh, strict=False):
            if id(old) not in fixed:
                now[id(old)] = new
    return tuple(now.get(id(t), t) for t in wanted)
