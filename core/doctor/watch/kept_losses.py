"""The losses of all steps of a loop, fetched from their device many at once."""

import math
from bisect import bisect_left
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...telemetry.events import Array

FETCHED = 512
"""Losses that are fetched at once."""
MAX_LOSSES = 20_000


class KeptLosses:
    """Losses by the steps that they are of, in order."""

    def __init__(self) -> None:
        self._pending: list[Tensor | float] = []
        self._losses: list[float] = []
        self._steps: list[int] = []

    def keep(self, step: int, loss: Tensor | float) -> None:
        """Keep the loss of a step."""
        self._pending.append(_kept(loss))
        self._steps.append(step)
        if len(self._pending) >= FETCHED:
            self._fetch()

    def arrays(self) -> tuple[Array, Array]:
        """Return steps and losses; of very many, evenly spread ones."""
        with torch._C.DisableTorchFunction():
            self._fetch()
        # An interrupt may have come between a step and its loss.
        count = min(len(self._steps), len(self._losses))
        stride = -(-max(1, count) // MAX_LOSSES)
        steps, losses = self._steps[:count:stride], self._losses[:count:stride]
        return np.array(steps, int), np.array(losses, float)

    def split(self, at: int) -> tuple["KeptLosses", "KeptLosses"]:
        """Return those before a step, and those from it on, which is then number 0."""
        self._fetch()
        before, since = KeptLosses(), KeptLosses()
        place = bisect_left(self._steps, at)
        before._steps, before._losses = self._steps[:place], self._losses[:place]
        since._steps = [step - at for step in self._steps[place:]]
        since._losses = self._losses[place:]
        return before, since

    def _fetch(self) -> None:
        pending, self._pending = self._pending, []
        if pending and all(isinstance(loss, Tensor) and not loss.dim() for loss in pending):
            self._losses += torch.stack(pending).tolist()  # type: ignore[arg-type]
        else:
            self._losses += [loss_of(loss) for loss in pending]


def is_loss(value: Any) -> bool:
    """Whether this is a real number, or a tensor of such."""
    if isinstance(value, Tensor):
        return value.layout == torch.strided and not (value.is_complex() or value.is_meta)
    return isinstance(value, float) or not math.isnan(loss_of(value))


def loss_of(loss: Any) -> float:
    """Return a loss as a number: the mean of many, NaN of what is none."""
    try:
        return float(loss.float().mean()) if isinstance(loss, Tensor) else float(loss)
    except Exception:  # of whatever it is
        return math.nan


def _kept(loss: Tensor | float) -> Tensor | float:
    """Return a loss as it is kept until many are fetched from their device at once.

    On a CPU that is its number: tensors that stay lie in memory between those of later steps, and
    make these slower.
    """
    if type(loss) is Tensor and loss.is_cpu and not loss.dim():
        return float(loss.item())
    return loss.detach() if isinstance(loss, Tensor) else loss
