"""The numbers of a small layer that is played with: ``y = x @ W + b``, and what does not fit."""

from dataclasses import dataclass, replace

import numpy as np

from ..telemetry.events import Array

MOST = 5
"""Rows or columns of a matrix; more are no longer read at a glance."""
LARGEST = 3
"""The numbers are whole and no larger than this, so that a sum is done in the head."""


@dataclass(frozen=True)
class Sizes:
    """How large the matrices are: x is (batch, inputs), W is (rows, outputs), b is (outputs)."""

    batch: int = 3
    inputs: int = 4
    rows: int = 4
    outputs: int = 2

    def change(self, which: str, size: int, together: bool) -> "Sizes":
        """Return them with another size; ``together`` keeps the two inner ones the same."""
        size = min(MOST, max(1, size))
        if together and which in ("inputs", "rows"):
            return replace(self, inputs=size, rows=size)
        return replace(self, **{which: size})

    @property
    def fits(self) -> bool:
        """Whether x and W can be multiplied."""
        return self.inputs == self.rows

    def misfit(self) -> str:
        """Say why they can't be multiplied; "" if they can."""
        x = f"A row of x has {_count(self.inputs, 'number')}"
        w = f"a column of W has {_count(self.rows, 'weight')}"
        if self.inputs > self.rows:
            left = "The hatched numbers have no weight that they could be multiplied with"
        elif self.inputs < self.rows:
            left = "The hatched weights have no number that they could be multiplied with"
        else:
            return ""
        return f"{x}, but {w}. {left}: no sum, no result. The two inner sizes have to be the same."


class Layer:
    """The numbers of x, W and b, for the largest sizes; smaller matrices are corners of them."""

    def __init__(self) -> None:
        draw = np.random.default_rng(3)
        self.x: Array = draw.integers(-2, LARGEST + 1, (MOST, MOST))
        self.w: Array = draw.integers(-2, LARGEST + 1, (MOST, MOST))
        self.b: Array = draw.integers(-2, LARGEST + 1, (1, MOST))

    def cut(self, sizes: Sizes) -> dict[str, Array]:
        """Return x, w and b, and y where there is one."""
        x, w = self.x[: sizes.batch, : sizes.inputs], self.w[: sizes.rows, : sizes.outputs]
        b = self.b[:, : sizes.outputs]
        found = {"x": x, "w": w, "b": b}
        return {**found, "y": x @ w + b} if sizes.fits else found

    def turn(self, name: str, row: int, column: int, by: int) -> None:
        """Make a number larger or smaller; beyond the largest comes the smallest."""
        matrix = getattr(self, name)
        span = 2 * LARGEST + 1
        matrix[row, column] = (matrix[row, column] + by + LARGEST) % span - LARGEST


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
