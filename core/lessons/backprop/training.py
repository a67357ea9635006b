"""The network trained by typed gradients, and beside it the same one by autograd's.

Both begin with the same parameters and take the same batches; no optimiser but plain gradient
descent is used, as in the lecture.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import UserError
from ...expressions.tensor_program import TensorProgram
from ...telemetry.events import Array, Finished, Stopped
from ...training.control import Control
from .network import SEED, batch, examples, forward, initial_parameters
from .steps import PARAMETERS

STEPS_OF_TRAINING, RATE = 1000, 0.1
REPORT = 20  # steps between two reports
DIVERGED = (
    "The loss is NaN or infinite: a gradient is right for the first batch, and not for all. Look"
    " for numbers that are written where a tensor should stand."
)
Programs = tuple[tuple[str, TensorProgram], ...]


@dataclass(frozen=True)
class GradientLosses:
    """The losses of some steps (k,) of both networks.

    Attributes:
        step: after the last of them.
        typed: of the network that is trained by typed gradients, nats per character.
        autograd: of the other.
        apart: the largest difference between two parameters of them after this step.
    """

    step: int
    typed: Array
    autograd: Array
    apart: float


def typed_gradients(programs: Programs, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the gradients that the programs make of a forward pass, by name."""
    known = dict(tensors)
    with torch.no_grad():
        for name, program in programs:
            known[name] = program.compute(known)
    return known


def train(
    programs: Programs, control: Control, steps: int = STEPS_OF_TRAINING
) -> Iterator[GradientLosses | Finished | Stopped]:
    """Train both networks side by side.

    Raises:
        UserError: a typed gradient is right for one batch only: the network it trains diverges.
    """
    torch.set_num_threads(1)  # of this thread: waking others costs more than they bring
    begin, random = time.perf_counter(), torch.Generator().manual_seed(SEED)
    own = initial_parameters(examples().letters)
    other = {name: value.clone().requires_grad_() for name, value in own.items()}
    losses: list[tuple[float, float]] = []
    step = 0
    while step < steps and not control.stopping:
        given = batch(random)
        with torch.no_grad():
            tensors = forward(own | given)
        gradients = typed_gradients(programs, tensors)
        loss = forward(other | given)["loss"]
        found = torch.autograd.grad(loss, [other[name] for name in PARAMETERS])
        with torch.no_grad():
            for name, gradient in zip(PARAMETERS, found, strict=True):
                own[name] = own[name] - RATE * gradients[f"d{name}"]
                other[name] -= RATE * gradient
        losses.append((tensors["loss"].item(), loss.item()))
        step += 1
        if not np.isfinite(losses[-1]).all():
            raise UserError(DIVERGED)
        if step % REPORT == 0 or step == steps:
            yield _report(step, losses, own, other)
            losses.clear()
    if losses:
        yield _report(step, losses, own, other)
    ending = Stopped if control.stopping else Finished
    yield ending(step, time.perf_counter() - begin)


def _report(
    step: int,
    losses: list[tuple[float, float]],
    own: Mapping[str, Tensor],
    other: Mapping[str, Tensor],
) -> GradientLosses:
    table = np.array(losses)
    table.flags.writeable = False
    apart = max(float((own[name] - other[name]).detach().abs().max()) for name in PARAMETERS)
    return GradientLosses(step, table[:, 0], table[:, 1], apart)
