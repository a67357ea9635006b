"""A tape: one step of any training loop, as the list of the calls that torch was given.

A torch function mode records every call of a torch function or of a tensor's method, whether it
comes from an ``nn.Module`` or from bare tensors (``h = (x @ w1 + b1).tanh()``). It changes nothing:
no random number is drawn, no value is touched. Afterwards the step can be repeated with other
inputs or other weights: :func:`replay`.
"""

import math
import sys
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import Parameter
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.overrides import TorchFunctionMode, handle_torch_function

from ...interruption import heed
from .bootstrap import Bootstrap, BootstrapReader, flags_in
from .safe_log import RECORDED, SafeLog
from .variables import is_leaf

Substitutes = Mapping[int, Tensor]
"""What replaces a tensor, by the id of that tensor."""

Line = tuple[str, int]
"""A file, or what a traceback calls a notebook's cell, and the line in it."""
Met = tuple[torch.Size, torch.Size, Line | None]
"""The shapes of outputs and targets, of which each met all of the others, and the line."""
LIBRARIES = (str(Path(torch.__file__).parent), str(Path(__file__).parent.parent))
"""Whose lines are nobody's own: torch's and the doctor's."""

OWN_FILES: set[str] = set()
"""Files of a program that is run to be watched: its own, even beside installed libraries."""

_log = SafeLog()

# Calls by their names, as in Op.name.
NONLINEARITIES = frozenset(
    (
        "tanh sigmoid relu relu6 leaky_relu prelu rrelu elu gelu silu selu mish hardtanh hardswish "
        "hardsigmoid softplus softsign celu"
    ).split()
)
PRODUCTS = frozenset(
    ("matmul rmatmul mm bmm linear addmm baddbmm einsum conv1d conv2d conv3d embedding").split()
)
RECURRENT = frozenset("gru lstm gru_cell lstm_cell rnn_tanh rnn_relu rnn_tanh_cell".split())
FACTORIES = frozenset(
    (
        "arange zeros ones tril triu eye full tensor empty linspace zeros_like ones_like "
        "full_like as_tensor new_zeros new_ones"
    ).split()
)
FORMED_LIKE = frozenset("reshape_as view_as expand_as type_as resize_as to".split())
"""Calls that take the shape or type of further tensors, and none of their numbers."""
OTHERWISE = ("where", "searchsorted")
"""Calls whose first argument is not the input."""
RANDOM = frozenset(
    (
        "randint randn rand randperm bernoulli multinomial normal rand_like randn_like randint_like"
    ).split()
)
LOSSES = frozenset(
    (
        "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy "
        "binary_cross_entropy_with_logits multi_margin_loss kl_div ctc_loss gaussian_nll_loss "
        "poisson_nll_loss multilabel_margin_loss multilabel_soft_margin_loss hinge_embedding_loss"
    ).split()
)
COMPARES = frozenset("sub rsub mse_loss l1_loss smooth_l1_loss huber_loss".split())
"""What compares outputs with targets element by element."""
KEEPS_ELEMENTS = NONLINEARITIES | frozenset("squeeze view reshape flatten".split())
"""What makes of each number one, in their order."""
MANY_EXAMPLES, MANY_OUTPUTS = 3, 64
"""Examples of a batch, from which on a column and a row of as many are no accident."""
UNPICKLING = torch._utils._rebuild_tensor.__code__
"""It sets the storage of an empty tensor, such as a worker's batch, which is no constant."""
APPLY = Function.__dict__["apply"]
"""As torch has it: a recorder takes its place for as long as it records."""
OWN_FUNCTION = "own function"
"""The name of a call of an ``autograd.Function`` of the program's own."""
SAMPLED = ("multinomial", "bernoulli", "normal")
"""Draws from a distribution that has parameters."""
MAX_OPS = 20_000
"""More calls are no single training step."""
MAX_EVAL_INPUTS = 64
IGNORED = ("ignore", None, Warning, None, 0)
"""A filter of warnings, before all others."""


@dataclass(eq=False)
class Op:
    """One call.

    Attributes:
        function: what was called.
        name: its name without underscores: ``matmul``, ``add``, ``tanh``, ``cross_entropy``, ...
        args, kwargs: its arguments; they hold the tensors, so that an id stays that tensor's.
        inputs, outputs: the tensors whose numbers go in and come out, in order.
        result: what it returned.
        grad_enabled: whether gradients were recorded (no ``no_grad`` around it).
        line: of the program that called it; None if that is not known.
        forms: tensors among the arguments of which the shape or type alone counts.
    """

    function: Callable[..., Any]
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    result: Any
    grad_enabled: bool
    line: Line | None = None
    forms: tuple[Tensor, ...] = ()

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
class Backward:
    """A backward pass of a step.

    Attributes:
        root: what was differentiated.
        place: how many calls the tape had by then.
        parameters: leaves of ``root`` that require a gradient, with no detach() in between; of
            those, what ``torch.autograd.grad`` is asked for.
        updated: ids of the parameters that an optimiser moved after it, before the next pass.
        through_grad: whether it was done by ``torch.autograd.grad``.
        line: of the program that asked for it; None.
    """

    root: Tensor
    place: int
    parameters: tuple[Tensor, ...]
    updated: set[int] = field(default_factory=set)
    through_grad: bool = False
    line: Line | None = None


@dataclass(eq=False)
class Tape:
    """What was computed in a step, up to its backward pass.

    Attributes:
        ops: the calls before the backward pass, in order.
        root: the tensor that was differentiated; None without a backward pass.
        passes: all backward passes of the step, in order.
        parameters: the leaves of ``root`` that require a gradient.
        parameter_gradients: of each, as its update finds them, by the parameter's id.
        activation_gradients: of the outputs of layers and nonlinearities, by id.
        stale_gradients: ids of parameters that are updated by a gradient to which that of an
            earlier step was added.
        training_mode_in_eval: dropout and batch norm that ran in training mode under ``no_grad``.
        eval_inputs: shape (without the batch) and values of the first inputs of products there.
        fed_by_eval: ids of the calls that used what was computed under ``no_grad``.
        evaluated_weights: ids of the parameters of products there.
        eval_sizes: the mean size of what each of them was given there first, by its id.
        evaluated_losses: what loss functions of torch returned there, if it is a number.
        met: where a column of outputs met a row of targets outside of the training; None.
        drew_actions: whether something was drawn from a distribution without a gradient, as a
            policy draws its actions.
        zeroed_before_step: whether gradients were there after the backward pass, and none when the
            optimiser moved the parameters.
        update_line: of the program, where an optimiser or a call in place moved them; None.
        derivatives: what ``torch.autograd.grad`` returned without a graph of its own, each with
            what it was differentiated by.
        begun_with: a sum over the parameters of the first backward pass, before any update; NaN.
        clipped: the norm of the gradient as the optimiser found it, over that behind the backward
            pass; NaN where that is not known.
        discarded: backward passes of the same line whose gradients were zeroed before the next
            one, and nothing had used them.
        added: whether a pass added to gradients that nothing had used.
        bootstraps: targets made of rewards and discounted values, with a gradient or without.
    """

    ops: list[Op] = field(default_factory=list)
    root: Tensor | None = None
    passes: list[Backward] = field(default_factory=list)
    parameters: tuple[Tensor, ...] = ()
    parameter_gradients: dict[int, Tensor] = field(default_factory=dict)
    activation_gradients: dict[int, Tensor] = field(default_factory=dict)
    stale_gradients: set[int] = field(default_factory=set)
    training_mode_in_eval: set[str] = field(default_factory=set)
    eval_inputs: list[tuple[tuple[int, ...], Tensor]] = field(default_factory=list)
    fed_by_eval: set[int] = field(default_factory=set)
    evaluated_weights: set[int] = field(default_factory=set)
    eval_sizes: dict[int, float] = field(default_factory=dict)
    evaluated_losses: list[Tensor] = field(default_factory=list)
    met: Met | None = None
    drew_actions: bool = False
    zeroed_before_step: bool = False
    update_line: Line | None = None
    derivatives: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    begun_with: float = math.nan
    clipped: float = math.nan
    discarded: int = 0
    added: bool = False
    bootstraps: list[Bootstrap] = field(default_factory=list)
    _generators: dict[int, torch.Generator] = field(default_factory=dict)

    def generator(self, original: torch.Generator) -> torch.Generator:
        """Return the copy from which a replay draws in the place of a generator of the loop."""
        return self._generators.setdefault(id(original), original.clone_state())

    def choose_pass(self, loss: Tensor | float) -> None:
        """Keep what belongs to one backward pass: that of the loss which the loop reports.

        Args:
            loss: as reported; a step with several losses may report one, or their sum.
        """
        if not self.passes:
            return
        found = self._pass_of(loss)
        self.root, self.parameters = found.root, found.parameters
        del self.ops[found.place :]

    def _pass_of(self, loss: Tensor | float) -> Backward:
        passes = [p for p in self.passes if not p.through_grad] or self.passes
        if len(passes) == 1:
            return passes[0]
        if isinstance(loss, Tensor):
            for found in passes:
                made = {id(t) for op in ops_behind(self, [found.root]) for t in op.outputs}
                if id(loss) in made | {id(found.root)}:
                    return found
        value = float(loss.detach()) if isinstance(loss, Tensor) else float(loss)
        for found in passes:
            if found.root.numel() == 1 and abs(float(found.root.detach()) - value) <= 1e-6:
                return found
        return passes[0]


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
        self._evaluated: dict[int, weakref.ref[Tensor]] = {}
        self._output: Tensor | None = None
        self._outputs: deque[weakref.ref[Tensor]] = deque(maxlen=MANY_OUTPUTS)
        """What the newest layer brought out, outside of the training."""
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
        call = _calling_from(sys._getframe(1))
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
            isinstance(result, Tensor | tuple | list) or _is_in_place(function)
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
        if self._training and tape.passes and not tape.update_line and _is_in_place(function):
            tape.update_line = line_of_program()
        if not self._training or not torch.is_grad_enabled():
            self._note_comparison(name, args, result)
        if self._training and not torch.is_grad_enabled():
            # An evaluation is no part of the step; its activations would fill the memory.
            self._note_evaluation(name, args, kwargs, result)
            return
        if len(tape.ops) >= MAX_OPS:
            return
        # The caller of torch's function, behind __torch_function__ and _try_to_record.
        if name == "empty" and sys._getframe(3).f_code is UNPICKLING:
            return
        outputs = tuple(tensors_in(result))
        if not outputs and _is_in_place(function):
            outputs = tuple(tensors_in(args[:1]))
        if not outputs:
            return
        inputs = (*tensors_in(args), *tensors_in(kwargs))
        forms: tuple[Tensor, ...] = ()
        if name in FORMED_LIKE:
            inputs, forms = inputs[:1], inputs[1:]
        known = ((self._evaluated.get(id(t)), t) for t in inputs) if self._evaluated else ()
        fed = any(ref is not None and ref() is t for ref, t in known)
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

    def _note_comparison(self, name: str, args: tuple[Any, ...], result: Any) -> None:
        """Note where each output meets the targets of all examples."""
        given = tensors_in(args) if name in PRODUCTS else ()
        if any(isinstance(t, Parameter) or (t.requires_grad and is_leaf(t)) for t in given):
            self._see_output(result if isinstance(result, Tensor) else None)
        elif self._output is None or not any(value is self._output for value in args):
            return
        elif name in KEEPS_ELEMENTS:
            self._see_output(result)
        elif name in COMPARES and not self.tape.met:
            outputs = self._output
            targets = next((value for value in args[:2] if value is not outputs), None)
            if not isinstance(targets, Tensor) or any(seen() is targets for seen in self._outputs):
                return  # such as the differences of all outputs, or from those of other inputs
            count = outputs.numel()
            broadcast = {outputs.shape, targets.shape} == {(count, 1), (count,)}
            if count >= MANY_EXAMPLES and broadcast and targets.data_ptr() != outputs.data_ptr():
                self.tape.met = outputs.shape, targets.shape, line_of_program()

    def _see_output(self, output: Tensor | None) -> None:
        self._output = output
        if output is not None:
            self._outputs.append(weakref.ref(output))

    def _note_evaluation(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
    ) -> None:
        """Note modules in training mode, the first inputs of products, and what comes out."""
        tape = self.tape
        written = {id(t) for t in tensors_in(args)}
        for tensor in tensors_in(result):
            if id(tensor) not in written:
                self._evaluated[id(tensor)] = weakref.ref(tensor)
        inputs = (*tensors_in(args), *tensors_in(kwargs))
        by_weights = name in PRODUCTS and any(isinstance(t, Parameter) for t in inputs)
        self._read_bootstrap(name, args, inputs, tuple(tensors_in(result)), by_weights)
        tape.drew_actions |= name in SAMPLED
        if name in LOSSES and isinstance(result, Tensor) and result.numel() == 1:
            tape.evaluated_losses.append(result.detach())
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
            weights = [id(t) for t in tensors_in((args, kwargs)) if isinstance(t, Parameter)]
            tape.evaluated_weights |= set(weights)
            if weights and weights[0] not in tape.eval_sizes and given.is_floating_point():
                tape.eval_sizes[weights[0]] = float(given.detach().abs().mean())
            shape = tape.eval_inputs[0][0] if tape.eval_inputs else tuple(given.shape[1:])
            alike = tuple(given.shape[1:]) == shape and given.dim() > 0
            known = given.is_floating_point() or name == "embedding"
            if known and alike and len(tape.eval_inputs) < MAX_EVAL_INPUTS:
                values = given.detach()
                kept = values.float() if given.is_floating_point() else values
                tape.eval_inputs.append((tuple(given.shape[1:]), kept))

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


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, key: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(key, False)


def name_of(function: Any) -> str:
    """Return the plain name of a torch function: ``__rmatmul__`` is rmatmul, ``x.T`` is T."""
    name = str(getattr(function, "__name__", ""))
    if name == "__get__":
        return str(getattr(getattr(function, "__self__", None), "__name__", ""))
    return name.strip("_")


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


def _is_in_place(function: Any) -> bool:
    name = str(getattr(function, "__name__", ""))
    if name == "__setitem__":
        return True
    if name.startswith("__i") and name not in ("__index__", "__invert__", "__init__", "__iter__"):
        return True
    return name.endswith("_") and not name.startswith("_")


def line_of_program(around_forward: bool = False) -> Line | None:
    """Return the line of the program that is being executed; None if there is none.

    Args:
        around_forward: whether it is the one that calls the network, not one in its ``forward``.
    """
    frame = frame_of_program(around_forward)
    return (frame.f_code.co_filename, frame.f_lineno) if frame else None


def frame_of_program(around_forward: bool = False) -> FrameType | None:
    """Return the frame of that line."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        passed = around_forward and frame.f_code.co_name in ("forward", "__call__")
        if not passed and _is_own(frame.f_code.co_filename):
            return frame
        frame = frame.f_back
    return None


def _calling_from(frame: FrameType | None) -> Callable[..., Any]:
    """Return what calls a function as if that line of the program did.

    A warning is told of the line that calls torch, and once for each line: with a recorder in
    between, all would be told of a line of ours.
    """
    if frame is not None and frame.f_code is handle_torch_function.__code__:
        # A function of torch in Python has handed itself on, and is called again.
        frame = frame.f_back and frame.f_back.f_back
    if frame is None:
        return _call
    return FunctionType(_call_at(frame.f_code.co_filename, frame.f_lineno), frame.f_globals)


@cache
def _call_at(file: str, line: int | None) -> CodeType:
    return _call.__code__.replace(co_filename=file, co_firstlineno=line or 1, co_name=RECORDED)


_call = lambda function, args, kwargs: function(*args, **kwargs)  # noqa: E731, in one line


@cache
def _is_own(file: str) -> bool:
    """Whether a file is a program's own, and no library's."""
    parts = Path(file).parts
    return file in OWN_FILES or not (
        file.startswith((*LIBRARIES, "<frozen"))
        or "site-packages" in parts
        or "dist-packages" in parts
    )


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Return the tensors in a tensor, list, tuple, dict or slice, in order."""
    found: list[Tensor] = []
    _collect((value,), found)
    return iter(found)


def _collect(parts: Iterable[Any], found: list[Tensor]) -> None:
    """Append tensors in some values; a list, since this is done for each call of a step."""
    for part in parts:
        if isinstance(part, Tensor):
            found.append(part)
        elif isinstance(part, tuple | list):
            _collect(part, found)
        elif isinstance(part, dict):
            _collect(part.values(), found)
        elif isinstance(part, slice):
            _collect((part.start, part.stop, part.step), found)


def ops_behind(tape: Tape, wanted: Iterable[Tensor], given: Iterable[int] = ()) -> list[Op]:
    """Return the calls that make some tensors, in order, without those behind what is given."""
    ids, stop = {id(t) for t in wanted}, set(given)
    kept = []
    for op in reversed(tape.ops):
        made = {id(t) for t in op.outputs}
        if made & ids and not made & stop:
            kept.append(op)
            ids |= {id(t) for t in (*op.inputs, *op.forms)}
    return kept[::-1]


def leaves(tape: Tape, root: Tensor) -> list[Tensor]:
    """Return the tensors that a root's gradient reaches and that were there before the step."""
    ids, made = {id(root)}, set[int]()
    found: dict[int, Tensor] = {}
    for op in reversed(tape.ops):
        # A leaf was asked for its gradient only after it was made, as in an attack.
        if any(id(t) in ids and t.requires_grad and not is_leaf(t) for t in op.outputs):
            # What was written into in place came before, and comes from before.
            made |= {id(t) for t in op.outputs} - {id(t) for t in op.inputs}
            for tensor in op.inputs:
                if tensor.requires_grad:
                    ids.add(id(tensor))
                    found.setdefault(id(tensor), tensor)
    return [t for t in reversed(found.values()) if id(t) not in made]


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
