"""Where numbers on a grid change their sign: the decision boundary as short lines."""

import numpy as np

from core.telemetry.events import Array

X, Y = np.array([0, 1, 1, 0, 0]), np.array([0, 0, 1, 1, 0])
"""Corners of a cell, clockwise, and the first again; side k goes from corner k to corner k + 1."""
RIGHT, DOWN = np.diff(X), np.diff(Y)
"""Where each side goes."""


def _crossed(kind: int) -> list[int]:
    """Return the sides of a cell that a line crosses; bit k says whether corner k is above zero."""
    return [side for side in range(4) if (kind >> side ^ kind >> (side + 1) % 4) & 1]


FIRST = np.array([_crossed(kind)[:2] or (0, 0) for kind in range(16)])
SECOND = np.array([_crossed(kind)[2:] or (0, 0) for kind in range(16)])
"""From which side to which a line goes, by the kind of cell; and the second one of a saddle."""
SADDLE = np.array([len(_crossed(kind)) > 2 for kind in range(16)])


def contour(values: Array) -> Array:
    """Return the lines (n, 4) along which values (rows, columns) are zero: x, y, x, y in cells.

    Marching squares (Lorensen and Cline 1987, in the plane): between neighbours of different signs
    the zero stands where a straight line between their values has it. Beside NaN there is none.
    """
    above, width = (values > 0).view(np.uint8), values.shape[1]
    left, right = above[:-1] | above[1:] << 3, above[:-1] << 1 | above[1:] << 2
    kinds = left[:, :-1] | right[:, 1:]
    cells = np.flatnonzero((kinds > 0) & (kinds < 15))  # this thread has 30 a second to make
    kind = kinds.ravel()[cells]
    saddle = SADDLE[kind]
    sides = np.concatenate([FIRST[kind], SECOND[kind[saddle]]])  # (n, 2)
    y, x = np.divmod(np.concatenate([cells, cells[saddle]])[:, None], width - 1)
    here, there = (
        values.ravel()[(y + Y[corner]) * width + x + X[corner]] for corner in (sides, sides + 1)
    )
    with np.errstate(invalid="ignore"):  # of two infinities
        share = here / (here - there)
    ends = np.stack([x + X[sides] + share * RIGHT[sides], y + Y[sides] + share * DOWN[sides]], 2)
    lines: Array = ends.reshape(-1, 4)
    return lines[np.isfinite(lines).all(1)]
