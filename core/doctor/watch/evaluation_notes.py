"""Notes what a network is evaluated on within a step, and in which mode."""

import weakref
from collections import deque
from typing import Any

from torch import Tensor
from torch.nn import Parameter

from .program_frames import line_of_program
from .tape import LOSSES, NONLINEARITIES, PRODUCTS, RECURRENT, SAMPLED, Tape, tensors_in
from .variables import is_leaf

COMPARES = frozenset("sub rsub mse_loss l1_loss smooth_l1_loss huber_loss".split())
"""What compares outputs with targets element by element."""
KEEPS_ELEMENTS = NONLINEARITIES | frozenset("squeeze view reshape flatten".split())
"""What makes of each number one, in their order."""
MANY_EXAMPLES, MANY_OUTPUTS = 3, 64
"""Examples of a batch, from which on a column and a row of as many are no accident."""
MAX_EVAL_INPUTS = 64


class EvaluationNotes:
    """What is computed without a gradient, of which a tape keeps a little.

    Args:
        tape: of the step, which gets what is noted.
    """

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._made: dict[int, weakref.ref[Tensor]] = {}
        self._output: Tensor | None = None
        """What the newest layer brought out, outside of the training."""
        self._outputs: deque[weakref.ref[Tensor]] = deque(maxlen=MANY_OUTPUTS)

    def has_any(self, tensors: tuple[Tensor, ...]) -> bool:
        """Whether any of some tensors was computed in an evaluation."""
        known = ((self._made.get(id(t)), t) for t in tensors) if self._made else ()
        return any(ref is not None and ref() is t for ref, t in known)

    def compare(self, name: str, args: tuple[Any, ...], result: Any) -> None:
        """Note where each output meets the targets of all examples."""
        given = tensors_in(args) if name in PRODUCTS else ()
        if any(isinstance(t, Parameter) or (t.requires_grad and is_leaf(t)) for t in given):
            self._see_output(result if isinstance(result, Tensor) else None)
        elif self._output is None or not any(value is self._output for value in args):
            return
        elif name in KEEPS_ELEMENTS:
            self._see_output(result)
        elif name in COMPARES and not self._tape.met:
            outputs = self._output
            targets = next((value for value in args[:2] if value is not outputs), None)
            if not isinstance(targets, Tensor) or any(seen() is targets for seen in self._outputs):
                return  # such as the differences of all outputs, or from those of other inputs
            count = outputs.numel()
            broadcast = {outputs.shape, targets.shape} == {(count, 1), (count,)}
            if count >= MANY_EXAMPLES and broadcast and targets.data_ptr() != outputs.data_ptr():
                self._tape.met = outputs.shape, targets.shape, line_of_program()

    def _see_output(self, output: Tensor | None) -> None:
        self._output = output
        if output is not None:
            self._outputs.append(weakref.ref(output))

    def take(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Note modules in training mode, the first inputs of products, and what comes out."""
        tape = self._tape
        written = {id(t) for t in tensors_in(args)}
        for tensor in tensors_in(result):
            if id(tensor) not in written:
                self._made[id(tensor)] = weakref.ref(tensor)
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
        if name in PRODUCTS | RECURRENT and args and isinstance(args[0], Tensor):
            given = args[0]
            held = tensors_in((args, kwargs)) if name in PRODUCTS else ()
            weights = [id(t) for t in held if isinstance(t, Parameter)]
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


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, key: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(key, False)
