"""Gradient check: the gradient of a leaf against central finite differences."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..telemetry.events import Array
from .evaluation import forward
from .graph import Graph

STEP = 1e-5
TOLERANCE = 1e-5
KINK = 1e-3
"""Of the steeper side: one-sided derivatives that differ by more than this make a kink."""
FINER = 4
"""A step so many times smaller tells curvature from a kink: curvature fades with it."""


@dataclass(frozen=True)
class GradientCheck:
    """The gradient of a leaf beside its finite difference, number by number.

    Attributes:
        gradient: by autograd, of the leaf's shape.
        difference: (L(x + h) − L(x − h)) / 2h.
        uncertainty: of the difference: rounding, and what changes with a smaller step.
        error: how far they differ beyond the uncertainty, relative to the larger one.
        kink: whether the one-sided derivatives differ, as those of relu do at 0.
    """

    gradient: Array
    difference: Array
    uncertainty: Array
    error: Array
    kink: Array

    @property
    def agrees(self) -> bool:
        """Whether all numbers without a kink agree within the tolerance."""
        return bool((self.kink | (self.error <= TOLERANCE)).all())


def check(graph: Graph, leaves: Mapping[int, Tensor], leaf: int, gradient: Tensor) -> GradientCheck:
    """Compare the gradient of a leaf with the central finite difference.

    Noise keeps its last sample: it is one of the leaves.
    """
    wanted = graph.ancestors(graph.root)
    numbers = leaves[leaf].detach().reshape(-1)

    def loss(number: int, change: float) -> float:
        moved = numbers.clone()
        moved[number] += change
        held = {**leaves, leaf: moved.reshape(leaves[leaf].shape)}
        return float(forward(graph, held, wanted)[graph.root])

    def one_sided(number: int, step: float) -> tuple[float, float, float]:
        """Return the derivative from below and from above, and the rounding error of both."""
        above, below = loss(number, step), loss(number, -step)
        rounding = 8 * float(np.finfo(float).eps) * max(abs(above), abs(below), 1.0) / step
        return (here - below) / step, (above - here) / step, rounding

    slopes, uncertainties, kinks = [], [], []
    with torch.no_grad():
        here = loss(0, 0.0)
        for number, value in enumerate(numbers.tolist()):
            step = STEP * max(1.0, abs(value))
            below, above, rounding = one_sided(number, step)
            finer_below, finer_above, _ = one_sided(number, step / FINER)
            jump, least = abs(above - below), KINK * max(abs(above), abs(below)) + 2 * rounding
            kinks.append(jump > least and abs(finer_above - finer_below) > jump / 2)
            slopes.append((above + below) / 2)
            uncertainties.append(rounding + abs(slopes[-1] - (finer_above + finer_below) / 2))
    known, slope = gradient.detach().numpy().reshape(-1), np.array(slopes)
    uncertainty = np.array(uncertainties)
    gap = np.maximum(np.abs(known - slope) - uncertainty, 0.0)
    error = gap / np.maximum(np.maximum(np.abs(known), np.abs(slope)), 1e-300)
    shape = tuple(leaves[leaf].shape)
    return GradientCheck(
        *(np.reshape(part, shape) for part in (known, slope, uncertainty, error, kinks))
    )
