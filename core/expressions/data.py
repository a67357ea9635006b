"""The points of two moons, the same ones every time."""

from functools import lru_cache

import numpy as np

from ..telemetry.events import Array

SEED, NOISE = 7, 0.12


@lru_cache(maxsize=8)
def moons(count: int) -> tuple[Array, Array]:
    """Return points of two half circles that reach into each other, and which each is of.

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
