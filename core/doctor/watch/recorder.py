"""Records the calls of torch in a training step.

A torch function mode records every call of a torch function or of a tensor's method, whether it
comes from an ``nn.Module`` or from bare tensors (``h = (x @ w1 + b1).tanh()``). It changes nothing:
no random number is drawn, no value is touched.
"""

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import Parameter
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.overrides import TorchFunctionMode

from .bootstrap import Bootstrap, BootstrapReader, flags_in
from .evaluation_notes import EvaluationNotes
from .program_frames import LIBRARIES, calling_from, frame_of_program, line_of_program
from .safe_log import SafeLog
from .tape import (
    NONLINEARITIES,
    OWN_FUNCTION,
    PRODUCTS,
    Backward,
    Op,
    Tape,
    is_in_place,
    leaves,
    name_of,
    tensors_in,
)

FORMED_LIKE = frozenset("reshape_as view_as expand_as type_as resize_as to".split())
"""Calls that take the shape or type of further tensors, and none of their numbers."""
OTHERWISE = ("where", "searchsorted")
"""Calls whose first argument is not the input."""
UNPICKLING = torch._utils._rebuild_tensor.__code__
"""It sets the storage of an empty tensor, such as a worker's batch, which is no constant."""
APPLY = Function.__dict__["apply"]
"""As torch has it: a recorder takes its place for as long as it records."""
MAX_OPS = 20_000
"""More calls are no single training step."""

_log = SafeLog()


class TapeRecorder(TorchFunctionMode):
    """A context in which calls of torch are recorded; what is compiled runs uncompiled in it.

    Args:
        training: whether a training step is recorded: calls under ``no_grad`` are then no part of
            it, and gradients of activations are kept.
        unused: the last pass of the step before, if nothing has used its gradients.

    Attributes:
        tape: what is recorded.
        unused: the last pass, if its gradients are finite and nothing has used them.
    """

    def __init__(self, training: bool = True, unused: Backward | None = None) -> None:
        super().__init__()
        self.unused = unused
        self.tape = Tape()
        self._training = training
        # Where the gradients of a parameter came from: its sum after the last pass, and whether it
        # holds that of an earlier step.
        self._after_pass: dict[int, Tensor] = {}
        self._carried: dict[int, bool] = {}
        self._moved: set[int] = set()
        self._notes = EvaluationNotes(self.tape)
        self._reader = BootstrapReader()
        self._in_own_function = False
        self._in_update = False
        self._steps = False
        """Whether an optimiser does a step: what a closure differentiates in it, it uses."""
        self._stance: AbstractContextManager[None] | None = None
        self.failed = False

    def __enter__(self) -> "TapeRecorder":
        """Record from here on."""
        self._hooks = (
            register_optimizer_step_pre_hook(self._before_optimizer),
            register_optimizer_step_post_hook(self._after_optimizer),
        )
        if "torch._dynamo" in sys.modules:  # which would compile what records, too
            self._stance = torch.compiler.set_stance("force_eager")
        own = classmethod(lambda cls, *args, **kwargs: self._apply_own(cls, *args, **kwargs))
        Function.apply = own
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        """Stop recording."""
        for hook in self._hooks:
            hook.remove()
        Function.apply = APPLY
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        if self._stance is not None:
            self._stance.__exit__(*error)

    def _apply_own(self, cls: type[Function], *args: Any, **kwargs: Any) -> Any:
        """Record an ``autograd.Function``: torch's modes see only what is called in it."""
        nested = self._in_own_function or cls.__module__.partition(".")[0] == "torch"
        self._in_own_function = self._in_own_function or not nested
        try:
            result = APPLY.__get__(None, cls)(*args, **kwargs)
        finally:
            self._in_own_function = self._in_own_function and nested
        if not nested:
            self._try_to_record(APPLY.__get__(None, cls), OWN_FUNCTION, args, kwargs, result)
        return result

    def _before_optimizer(
        self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Record none of an optimiser's own calls, unless a closure does the step in it."""
        self._in_update = not args[1:] and not kwargs  # the first one is the optimiser
        self._steps, self.unused = True, None

    def _after_optimizer(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        self._in_update = self._steps = False
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self._moved |= {id(p) for p in parameters}
        if not self.tape.passes:
            return
        self.tape.update_line = line_of_program()
        self.tape.passes[-1].updated |= {id(p) for p in parameters}
        with torch._C.DisableTorchFunction(), torch.no_grad():
            reached = [p for p in parameters if id(p) in self._after_pass]
            left = any(_is_nonzero(p.grad) for p in reached)
            had = any(_is_nonzero(self.tape.parameter_gradients[id(p)]) for p in reached)
            self.tape.zeroed_before_step = had and not left
            self.tape.clipped = _norm_ratio(
                [p.grad for p in reached], [self.tape.parameter_gradients[id(p)] for p in reached]
            )

    def __torch_function__(
        self,
        function: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        call = calling_from(sys._getframe(1))
        if self._in_own_function or self._in_update:
            return call(function, args, kwargs)
        if function is Tensor.backward and _is_replaced(function):
            function = backward  # the program's own is what has come here
        name = name_of(function)
        if name in ("backward", "grad") and function.__name__ != "__get__":
            asked = args[1:2] or kwargs.get("inputs")
            # Of anything but leaves, or to be differentiated again, it is a part of the forward
            # pass: a derivative in the loss.
            if name == "backward" or (
                not kwargs.get("create_graph") and all(t.is_leaf for t in tensors_in(asked))
            ):
                return self._backward(function, name, args, kwargs)
        result = call(function, args, kwargs)
        if name == "grad" and result is not None and not _is_called_by_torch(sys._getframe(1)):
            self.unused = None  # the program itself makes something of a gradient
        # To set .grad or .data is no computation.
        if function.__name__ != "__set__" and (
            isinstance(result, Tensor | tuple | list) or is_in_place(function)
        ):
            self._try_to_record(function, name, args, kwargs, result)
        return result

    def _try_to_record(self, *call: Any) -> None:
        try:
            self._record(*call)
        except Exception:  # of ours, on something not thought of: the program goes on
            if not self.failed:
                _log.exception("an operation was not understood")
            self.failed = True

    def _record(
        self,
        function: Any,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
    ) -> None:
        tape = self.tape
        if self.failed or torch._C._functorch.peek_interpreter_stack() is not None:
            return  # inside of vmap or torch.func.grad there are no plain tensors
        if kwargs and len(args) < 2 and name not in OTHERWISE:
            args, kwargs = _by_position(args, kwargs)
        if self._training and tape.passes and not tape.update_line and is_in_place(function):
            tape.update_line = line_of_program()
        if not self._training or not torch.is_grad_enabled():
            self._notes.compare(name, args, result)
        if self._training and not torch.is_grad_enabled():
            # An evaluation is no part of the step; its activations would fill the memory.
            self._notes.take(name, args, kwargs, result)
            inputs = (*tensors_in(args), *tensors_in(kwargs))
            by_weights = name in PRODUCTS and any(isinstance(t, Parameter) for t in inputs)
            self._read_bootstrap(name, args, inputs, tuple(tensors_in(result)), by_weights)
            return
        if len(tape.ops) >= MAX_OPS:
            return
        # The caller of torch's function, behind __torch_function__ and _try_to_record.
        if name == "empty" and sys._getframe(3).f_code is UNPICKLING:
            return
        outputs = tuple(tensors_in(result))
        if not outputs and is_in_place(function):
            outputs = tuple(tensors_in(args[:1]))
        if not outputs:
            return
        inputs = (*tensors_in(args), *tensors_in(kwargs))
        forms: tuple[Tensor, ...] = ()
        if name in FORMED_LIKE:
            inputs, forms = inputs[:1], inputs[1:]
        fed = self._notes.has_any(inputs)
        grad_enabled = torch.is_grad_enabled()
        tape.ops.append(
            Op(
                function,
                name,
                args,
                kwargs,
                inputs,
                outputs,
                result,
                grad_enabled,
                line_of_program(around_forward=not self._training),
                forms,
            )
        )
        if fed:
            tape.fed_by_eval.add(id(tape.ops[-1]))
        if self._training:
            self._read_bootstrap(name, args, inputs, outputs)
        looks_up = name in ("getitem", "index_select") and any(
            t.is_leaf and t.requires_grad for t in inputs[:1]
        )
        if self._training and (name in NONLINEARITIES | PRODUCTS or looks_up):
            for output in outputs:
                if output.requires_grad:
                    output.register_hook(self._gradient_hook(id(output)))  # type: ignore[no-untyped-call]

    def _read_bootstrap(
        self,
        name: str,
        args: tuple[Any, ...],
        inputs: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        by_weights: bool = False,
    ) -> None:
        """Note a target that bootstraps, and the flags that are at hand where it is made."""
        target = self._reader.read(name, args, inputs, outputs, by_weights)
        frame = frame_of_program() if target is not None else None
        if target is not None and frame is not None:
            with torch._C.DisableTorchFunction(), torch.no_grad():
                values = target.detach().flatten().clone()
                flags = flags_in(frame.f_locals, len(values))
            line = frame.f_code.co_filename, frame.f_lineno
            self.tape.bootstraps.append(Bootstrap(values, line, flags))

    def _gradient_hook(self, key: int) -> Callable[[Tensor], None]:
        gradients = self.tape.activation_gradients

        def keep(gradient: Tensor) -> None:
            gradients.setdefault(key, gradient.detach())

        return keep

    def _backward(
        self, function: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        tape = self.tape
        root = next(tensors_in((args, kwargs)), None)
        if root is None:
            return function(*args, **kwargs)
        reached = tuple(t for t in leaves(tape, root) if t.is_leaf and t.requires_grad)
        wanted = {id(t) for t in tensors_in(args[1:2] or kwargs.get("inputs"))}
        if name == "grad" and wanted:  # of what else it depends on, it has no gradient
            reached = tuple(t for t in reached if id(t) in wanted)
        found = Backward(
            root, len(tape.ops), reached, through_grad=name == "grad", line=line_of_program()
        )
        with torch._C.DisableTorchFunction(), torch.no_grad():
            held = [self._note_carried(p, adds=name == "backward") for p in reached]
            self._compare_with_unused(found, any(held))
            if not tape.passes:
                tape.begun_with = weights_sum(reached)
        result = function(*args, **kwargs)
        tape.passes.append(found)
        if tape.root is None:
            tape.root, tape.parameters = root, reached
        with torch._C.DisableTorchFunction(), torch.no_grad():
            gradients: Iterable[Tensor | None] = (p.grad for p in reached)
            if name == "grad":
                asked = list(tensors_in(args[1:2] or kwargs.get("inputs")))
                by_id = {id(t): g for t, g in zip(asked, result, strict=False)}
                tape.derivatives += [
                    (t, g) for t, g in zip(asked, result, strict=False) if g is not None
                ]
                gradients = (by_id.get(id(p)) for p in reached)
            for parameter, gradient in zip(reached, gradients, strict=True):
                key = id(parameter)
                if gradient is None:
                    continue
                if key in self._moved and key in tape.parameter_gradients:
                    continue  # its update is done: the rest only passes through it
                tape.parameter_gradients[key] = gradient.detach().clone()
                self._after_pass[key] = gradient.detach().sum()
            self.unused = None if self._steps or self._is_handed_on(found) else found
        return result

    def _is_handed_on(self, found: Backward) -> bool:
        """Whether gradients of a pass went elsewhere, too, by hooks, or are NaN or infinite."""
        if found.through_grad or any(
            p._backward_hooks or p._post_accumulate_grad_hooks for p in found.parameters
        ):
            return True
        known = (self._after_pass.get(id(p)) for p in found.parameters)
        sums = [one.float().cpu() for one in known if one is not None]
        return not sums or not bool(torch.stack(sums).isfinite().all())

    def _compare_with_unused(self, found: Backward, holds: bool) -> None:
        """Note what became of the gradients of the pass before, if nothing has used them.

        Args:
            found: a pass that begins.
            holds: whether any of the parameters that it reaches has a gradient.
        """
        before = self.unused
        if before is None or found.through_grad or self._steps:
            return
        self.tape.added |= holds
        same = {id(p) for p in before.parameters} == {id(p) for p in found.parameters}
        if same and not holds and before.line == found.line:
            self.tape.discarded += 1

    def _note_carried(self, parameter: Tensor, adds: bool) -> bool:
        """Note whether a pass adds to the gradient of an earlier step; autograd.grad adds to none.

        Args:
            parameter: that the pass reaches.
            adds: whether it is a pass that adds to ``.grad``.

        Returns:
            Whether it adds to any gradient.
        """
        key, gradient = id(parameter), parameter.grad
        there = adds and _is_nonzero(gradient)
        holds = there
        if holds and key in self._carried:
            assert gradient is not None
            before = self._after_pass.get(key)
            holds = self._carried[key] and before is not None and bool(gradient.sum() == before)
        self._carried[key] = holds
        if holds:
            self.tape.stale_gradients.add(key)
        else:
            self.tape.stale_gradients.discard(key)
        return there


def _is_called_by_torch(frame: FrameType) -> bool:
    """Whether it is torch's own code that is in a frame, such as that of ``zero_grad``."""
    return frame.f_code.co_filename.startswith(LIBRARIES[0])


def _is_replaced(function: Any) -> bool:
    """Whether a function of torch is another one of the program's."""
    code = getattr(function, "__code__", None)
    return code is not None and not code.co_filename.startswith(LIBRARIES[0])


def backward(
    tensor: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Do what ``Tensor.backward`` does, whatever a program has put in its place."""
    torch.autograd.backward(tensor, gradient, retain_graph, create_graph, inputs=inputs)


def weights_sum(parameters: Sequence[Tensor]) -> float:
    """Return a sum by which the weights of two moments are told apart; NaN where it is not exact.

    In seven digits a small update may be lost.
    """
    if any(not p.is_floating_point() or p.device.type == "mps" for p in parameters):
        return math.nan
    with torch._C.DisableTorchFunction(), torch.no_grad():
        return sum(n * float(p.double().sum()) for n, p in enumerate(parameters, 1))


def _is_nonzero(gradient: Tensor | None) -> bool:
    """Whether there is a gradient, dense or sparse, that is not zero throughout."""
    if gradient is None:
        return False
    values = gradient.coalesce().values() if gradient.is_sparse else gradient
    return bool((values != 0).any())


def _norm_ratio(now: list[Tensor | None], before: list[Tensor]) -> float:
    """Return the norm of some gradients over what it was; NaN where they are not all dense."""
    kept = [(a, b) for a, b in zip(now, before, strict=True) if a is not None]
    if not kept or any(a.is_sparse or b.is_sparse for a, b in kept):
        return math.nan
    new, old = (
        math.sqrt(sum(float(pair[k].float().square().sum()) for pair in kept)) for k in (0, 1)
    )
    return new / old if old > 0 else math.nan


def _by_position(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return a call with its first operands by position, where they were given by name."""
    named = dict(kwargs)
    first = next((key for key in ("input", "self", "tensor") if key in named), "")
    if not args and first:
        args = (named.pop(first),)
    for keys in (("other",), ("dim", "index")):  # as of a product, and of what picks rows
        if len(args) == 1 and all(key in named for key in keys):
            args = (*args, *(named.pop(key) for key in keys))
    return args, named
