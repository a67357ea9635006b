"""A tape: one step of any training loop, as the list of the calls that torch was given.

:class:`~core.doctor.watch.recorder.TapeRecorder` makes it, and
:func:`~core.doctor.watch.tape_replay.replay` repeats it.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .bootstrap import Bootstrap
from .program_frames import Line
from .variables import is_leaf

Met = tuple[torch.Size, torch.Size, Line | None]
"""The shapes of outputs and targets, of which each met all of the others, and the line."""

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
OWN_FUNCTION = "own function"
"""The name of a call of an ``autograd.Function`` of the program's own."""
SAMPLED = ("multinomial", "bernoulli", "normal")
"""Draws from a distribution that has parameters."""


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
        return is_in_place(self.function)

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
        eval_inputs: shape (without the batch) and values of the first inputs of products, or of
            a recurrence, there.
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


def name_of(function: Any) -> str:
    """Return the plain name of a torch function: ``__rmatmul__`` is rmatmul, ``x.T`` is T."""
    name = str(getattr(function, "__name__", ""))
    if name == "__get__":
        return str(getattr(getattr(function, "__self__", None), "__name__", ""))
    return name.strip("_")


def is_in_place(function: Any) -> bool:
    """Whether a function of torch writes into its first argument."""
    name = str(getattr(function, "__name__", ""))
    if name == "__setitem__":
        return True
    if name.startswith("__i") and name not in ("__index__", "__invert__", "__init__", "__iter__"):
        return True
    return name.endswith("_") and not name.startswith("_")


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
