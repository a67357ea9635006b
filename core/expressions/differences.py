"""Gradients without calculus: nudge a number both ways, and see what the last line does."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..telemetry.events import Array
from .evaluation import forward
from .graph import Graph

NUDGE = 1e-5
TOLERANCE = 1e-5
CORNER = 1e-3
"""Of the steeper side: by so much the slopes of two sides differ at a corner."""
CLOSER = 4
"""A nudge so many times smaller tells more: a bend fades with it, a corner stays."""


@dataclass(frozen=True)
class GradientCheck:
    """The gradient of a leaf beside its finite difference, number by number.

    Attributes:
        gradient: by autograd, of the leaf's shape.
        difference: (L(x + h) − L(x − h)) / 2h.
        doubt: what is not known of the difference: its rounding, and what a smaller nudge makes
            of it.
        error: how far they are apart beyond this doubt, relative to the larger one.
        corner: whether the slope has two sides here, as relu has at 0.
    """

    gradient: Array
    difference: Array
    doubt: Array
    error: Array
    corner: Array

    @property
    def agrees(self) -> bool:
        """Whether all numbers that have one slope have this one."""
        return bool((self.corner | (self.error <= TOLERANCE)).all())


def check(graph: Graph, leaves: Mapping[int, Tensor], leaf: int, gradient: Tensor) -> GradientCheck:
    """Hold the gradient of a leaf against the central finite difference.

    Noise stays as it was drawn: it is one of the leaves.
    """
    wanted = graph.before(graph.root)
    numbers = leaves[leaf].detach().reshape(-1)

    def loss(number: int, nudge: float) -> float:
        moved = numbers.clone()
        moved[number] += nudge
        held = {**leaves, leaf: moved.reshape(leaves[leaf].shape)}
        return float(forward(graph, held, wanted)[graph.root])

    def sides(number: int, nudge: float) -> tuple[float, float, float]:
        """Return the slope below and above, and what a double can't tell of them."""
        above, below = loss(number, nudge), loss(number, -nudge)
        rounding = 8 * float(np.finfo(float).eps) * max(abs(above), abs(below), 1.0) / nudge
        return (here - below) / nudge, (above - here) / nudge, rounding

    slopes, doubts, corners = [], [], []
    with torch.no_grad():
        here = loss(0, 0.0)
        for number, value in enumerate(numbers.tolist()):
            nudge = NUDGE * max(1.0, abs(value))
            below, above, rounding = sides(number, nudge)
            nearer_below, nearer_above, _ = sides(number, nudge / CLOSER)
            bend, least = abs(above - below), CORNER * max(abs(above), abs(below)) + 2 * rounding
            corners.append(bend > least and abs(nearer_above - nearer_below) > bend / 2)
            slopes.append((above + below) / 2)
            doubts.append(rounding + abs(slopes[-1] - (nearer_above + nearer_below) / 2))
    known, slope = gradient.detach().numpy().reshape(-1), np.array(slopes)
    doubt = np.array(doubts)
    gap = np.maximum(np.abs(known - slope) - doubt, 0.0)
    error = gap / np.maximum(np.maximum(np.abs(known), np.abs(slope)), 1e-300)
    shape = tuple(leaves[leaf].shape)
    return GradientCheck(
        *(np.reshape(part, shape) for part in (known, slope, doubt, error, corners))
    )
