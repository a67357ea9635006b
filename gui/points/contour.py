"""Where numbers on a grid change their sign: the decision boundary as short lines."""

import numpy as np

from core.telemetry.events import Array

CROSSED = 2  # sides of a cell that a line goes through; four in a saddle


def contour(values: Array) -> Array:
    """Return the lines (n, 4) along which values (rows, columns) are zero: x, y, x, y in cells.

    Marching squares (Lorensen and Cline 1987, in the plane): between neighbours of different signs
    the zero stands where a straight line between their values has it.
    """
    a, b = values[:-1, :-1], values[:-1, 1:]
    d, c = values[1:, :-1], values[1:, 1:]
    up = np.stack([a, b, c, d]) > 0
    crossed = up != np.roll(up, -1, 0)  # sides: above, right, below, left
    cells = crossed.any(0)
    rows, columns = np.nonzero(cells)
    if not len(rows):
        return np.empty((0, 4))
    corners = np.stack([a[cells], b[cells], c[cells], d[cells]])  # (4, n)
    following = np.roll(corners, -1, 0)
    gap = corners - following
    share = corners / np.where(gap == 0, 1, gap)
    zero, one = np.zeros_like(share[0]), np.ones_like(share[0])
    x = np.stack([share[0], one, 1 - share[2], zero]) + columns
    y = np.stack([zero, share[1], one, 1 - share[3]]) + rows
    sides = crossed[:, cells]
    order = np.argsort(~sides, axis=0, kind="stable")  # the sides that are crossed first
    x, y = np.take_along_axis(x, order, 0), np.take_along_axis(y, order, 0)
    saddle = sides.sum(0) > CROSSED
    first = np.stack([x[0], y[0], x[1], y[1]], 1)
    second = np.stack([x[2], y[2], x[3], y[3]], 1)[saddle]
    return np.concatenate([first, second])
