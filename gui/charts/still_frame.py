"""A part of a plane that stands still while points move in it."""

import numpy as np

from core.telemetry.events import Array

ROOM = 1.2  # how much larger a new frame is than the points in it
SHRUNK = 0.55  # of the frame: points that fill less of it get a closer one


class StillFrame:
    """A part of the plane that changes only when points leave it or shrink much within it.

    One scale for both directions, so that distances on the screen are distances in the plane.
    """

    def __init__(self) -> None:
        self.centre: Array = np.zeros(2)
        self.half: Array = np.zeros(2)

    def follow(self, points: Array) -> None:
        """Take in points (n, 2), if they need it."""
        low, high = points.min(0), points.max(0)
        spread = (high - low) / 2
        inside = (np.abs(points - self.centre) <= self.half).all()
        if inside and self.half.any() and spread.max() >= SHRUNK * self.half.max() / ROOM:
            return
        self.centre = (low + high) / 2
        # Not too flat, or letters on a line would leave it with every step.
        self.half = ROOM * np.maximum(spread, 0.3 * spread.max()) + (spread.max() == 0)

    def place(self, points: Array, size: tuple[float, float], margin: float) -> Array:
        """Return where points (n, 2) stand on a screen of some size, in pixels; up is up."""
        room = np.maximum(1.0, np.array(size) - 2 * margin)
        scale = float((room / (2 * self.half)).min())
        placed: Array = (points - self.centre) * (scale, -scale) + np.array(size) / 2
        return placed
