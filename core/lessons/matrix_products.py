"""The matrix products of lesson 1: a small layer, a table look-up, and an unrolled convolution."""

from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from ..layers import layers_of
from ..telemetry.events import Array, frozen

MAX_SIZE = 5
"""Rows or columns of a matrix of the small layer."""
MAX_VALUE = 3
"""The numbers are whole and no larger than this, so that a sum is easily checked."""
EDGE: Array = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
"""Detects vertical edges (Sobel and Feldman 1968): for a network without filters of its own."""
MARGIN = 2  # pixels that a patch is larger than the filter: three positions along each side


@dataclass(frozen=True)
class ProductSizes:
    """The shapes of a small layer: x is (batch, inputs), W is (rows, outputs), b is (outputs)."""

    batch: int = 3
    inputs: int = 4
    rows: int = 4
    outputs: int = 2

    def change(self, which: str, size: int, linked: bool) -> "ProductSizes":
        """Return them with another size; ``linked`` keeps the two inner ones equal."""
        size = min(MAX_SIZE, max(1, size))
        if linked and which in ("inputs", "rows"):
            return replace(self, inputs=size, rows=size)
        return replace(self, **{which: size})

    @property
    def match(self) -> bool:
        """Whether the inner sizes are equal, so that x and W can be multiplied."""
        return self.inputs == self.rows

    def mismatch(self) -> str:
        """Return why x and W can't be multiplied; "" if they can."""
        x = f"A row of x has {_count(self.inputs, 'number')}"
        w = f"a column of W has {_count(self.rows, 'weight')}"
        if self.match:
            return ""
        hatched = "numbers" if self.inputs > self.rows else "weights"
        return (
            f"{x}, but {w}. The hatched {hatched} have nothing to be multiplied with, so there is"
            " no result. The two inner sizes must be equal."
        )


class SmallLayer:
    """The numbers of x, W and b at the largest sizes; smaller matrices are corners of them."""

    def __init__(self) -> None:
        draw = np.random.default_rng(3)
        self.x: Array = draw.integers(-2, MAX_VALUE + 1, (MAX_SIZE, MAX_SIZE))
        self.w: Array = draw.integers(-2, MAX_VALUE + 1, (MAX_SIZE, MAX_SIZE))
        self.b: Array = draw.integers(-2, MAX_VALUE + 1, (1, MAX_SIZE))

    def cut(self, sizes: ProductSizes) -> dict[str, Array]:
        """Return x, w and b, and y if the sizes match."""
        x, w = self.x[: sizes.batch, : sizes.inputs], self.w[: sizes.rows, : sizes.outputs]
        b = self.b[:, : sizes.outputs]
        found = {"x": x, "w": w, "b": b}
        return {**found, "y": x @ w + b} if sizes.match else found

    def increment(self, name: str, row: int, column: int, by: int) -> None:
        """Change a number; beyond the largest comes the smallest."""
        matrix = getattr(self, name)
        span = 2 * MAX_VALUE + 1
        matrix[row, column] = (matrix[row, column] + by + MAX_VALUE) % span - MAX_VALUE


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def embedding_table(model: nn.Module) -> Array | None:
    """Return a network's first embedding (V, E), a row for each symbol; None if it has none."""
    tables = (layer.product for layer in layers_of(model).values())
    first = next((table for table in tables if isinstance(table, nn.Embedding)), None)
    return None if first is None else frozen(first.weight)


def multi_hot(size: int, *where: int) -> Array:
    """Return a vector (size,) of zeros with ones at some indices: one-hot for a single one."""
    vector: Array = np.zeros(size)
    vector[list(where)] = 1.0
    return vector


# A convolution as one matrix product: the filter's weights, shared by all positions (LeCun et al.
# 1989). The picture is a row of S * S numbers, the result one of P * P; the matrix between them
# has a column for each position of the filter.


def positions(side: int, kernel: int) -> int:
    """Return how many positions (P) a filter has along a picture of that side."""
    return side - kernel + 1


def convolve(patch: Array, weights: Array) -> Array:
    """Return the outputs (P, P) of a filter (k, k) at each position of a patch (S, S)."""
    windows = np.lib.stride_tricks.sliding_window_view(patch, weights.shape)
    outputs: Array = np.einsum("ijkl,kl->ij", windows, weights)
    return outputs


def weight_indices(side: int, kernel: int) -> Array:
    """Return the index of the filter's weight in each cell of the matrix, -1 for none.

    (S * S, P * P), the weights counted row by row.
    """
    count = positions(side, kernel)
    found = np.full((side, side, count, count), -1)
    for row in range(count):
        for column in range(count):
            window = found[row : row + kernel, column : column + kernel, row, column]
            window[:] = np.arange(kernel**2).reshape(kernel, kernel)
    return found.reshape(side**2, count**2)


def convolution_matrix(weights: Array, side: int) -> Array:
    """Return the matrix (S * S, P * P) whose product equals the convolution by a filter (k, k)."""
    index = weight_indices(side, len(weights))
    matrix: Array = np.where(index < 0, 0.0, weights.ravel()[index])
    return matrix


def highest_contrast(picture: Array, side: int) -> Array:
    """Return the patch (side, side) of a picture with the largest standard deviation."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, (side, side))
    spread = windows.std((-1, -2))
    patch: Array = windows[np.unravel_index(spread.argmax(), spread.shape)]
    return patch
