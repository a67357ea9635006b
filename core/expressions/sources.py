"""Leaves of a graph: the numbers of data sets, and those that are drawn at random."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..telemetry.events import Array
from . import limits
from .graph import Builder, Kind, constant_array
from .tokens import ExpressionError, Place

SEED, NOISE = 7, 0.12


@lru_cache(maxsize=8)
def moons(count: int) -> tuple[Array, Array]:
    """Return the points of two interleaved half circles, the same ones every time.

    Returns:
        The points (count, 2), about 0 and of about unit spread, and +1 or -1 (count, 1).
    """
    random = np.random.default_rng(SEED)
    label = np.where(np.arange(count) % 2 == 0, 1.0, -1.0)
    angle = np.pi * random.random(count)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    points = np.where(label[:, None] > 0, upper, lower) - (0.5, 0.25)
    points = 1.2 * points + NOISE * random.standard_normal((count, 2))
    labels = label[:, None]
    points.flags.writeable = labels.flags.writeable = False
    return points, labels


def source(builder: Builder, name: str, values: Sequence[Any], place: Place) -> int:
    """Append the leaf that one of SOURCES makes of its arguments; return its index.

    Raises:
        ExpressionError: the arguments are of the wrong kind.
    """
    if name == "data":
        if len(values) != 1:
            raise ExpressionError("data takes one number, vector or matrix.", place)
        start = constant_array(values[0], place)
        return builder.leaf("number", Kind.CONSTANT, start.shape, place, start)
    sizes = tuple(_whole(value, name, place) for value in values)
    if name in ("moons", "moons_label"):
        if len(sizes) != 1 or sizes[0] > limits.LENGTH:
            most = f"{limits.LENGTH:,}"
            raise ExpressionError(f"write {name}(100): how many points, up to {most}.", place)
        start = moons(sizes[0])[name == "moons_label"]
        return builder.leaf(name, Kind.CONSTANT, start.shape, place, start)
    if len(sizes) > 2:
        raise ExpressionError(f"write {name}(), {name}(n) or {name}(n, m).", place)
    return builder.leaf(name, Kind.NOISE if name == "noise" else Kind.LEARNED, sizes, place)


def _whole(value: Any, name: str, place: Place) -> int:
    if not isinstance(value, float) or value != int(value) or value < 1:
        raise ExpressionError(f"the sizes in {name}(...) are whole numbers from 1.", place)
    return int(value)
