"""A convolution as one matrix product: a filter's weights, written again at every place.

(LeCun et al. 1989, "shared weights".) The picture is a row of S * S numbers, the result one of
P * P; the matrix between them has a column for each place of the filter.
"""

import numpy as np

from ..telemetry.events import Array

EDGE: Array = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
"""Finds upright edges (Sobel and Feldman 1968): for a network that has no filters of its own."""
BEYOND = 2  # pixels that a patch is larger than the filter: three places either way


def places(side: int, kernel: int) -> int:
    """Return how many places (P) a filter has along a picture of that side."""
    return side - kernel + 1


def slide(patch: Array, weights: Array) -> Array:
    """Return what a filter (k, k) says at each place of a patch (S, S): (P, P)."""
    windows = np.lib.stride_tricks.sliding_window_view(patch, weights.shape)
    said: Array = np.einsum("ijkl,kl->ij", windows, weights)
    return said


def origins(side: int, kernel: int) -> Array:
    """Return which of the filter's weights stands in each cell of the matrix, -1 for none.

    (S * S, P * P), the weights counted row by row.
    """
    count = places(side, kernel)
    found = np.full((side, side, count, count), -1)
    for row in range(count):
        for column in range(count):
            window = found[row : row + kernel, column : column + kernel, row, column]
            window[:] = np.arange(kernel**2).reshape(kernel, kernel)
    return found.reshape(side**2, count**2)


def unroll(weights: Array, side: int) -> Array:
    """Return the matrix (S * S, P * P) that does what a filter (k, k) does by sliding."""
    index = origins(side, len(weights))
    matrix: Array = np.where(index < 0, 0.0, weights.ravel()[index])
    return matrix


def liveliest(picture: Array, side: int) -> Array:
    """Return the patch (side, side) of a picture in which ink and paper differ most."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, (side, side))
    spread = windows.std((-1, -2))
    patch: Array = windows[np.unravel_index(spread.argmax(), spread.shape)]
    return patch
