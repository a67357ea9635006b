"""Where points of the plane stand on the screen: a frame that keeps still, and room for each."""

import numpy as np

from core.telemetry.events import Array

ROOM = 1.2  # how much larger a new frame is than the points in it
SHRUNK = 0.55  # of the frame: points that fill less of it get a closer one
TURNS = 24  # of pushing apart
PUSH = 0.35  # of an overlap, from each side
FAR = 1.4  # sizes: as far as a letter may be pushed from its point


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


def apart(spots: Array, size: float) -> Array:
    """Return spots (n, 2) pushed apart until they hardly overlap, none of them far.

    It begins at the true spots each time, so that the same points give the same picture. Costs
    TURNS comparisons of all with all: 2 ms for 120 letters.
    """
    count = len(spots)
    # What lies on one spot has no direction to go: give each its own.
    turn = 2.4 * np.arange(count)
    moved = spots + 0.01 * np.column_stack([np.cos(turn), np.sin(turn)])
    for _ in range(TURNS):
        x, y = moved.T
        squares = np.subtract.outer(x, x) ** 2 + np.subtract.outer(y, y) ** 2
        one, other = np.nonzero(np.triu(squares < size * size, 1))
        if not len(one):
            break
        gaps = moved[one] - moved[other]
        distance = np.maximum(1e-9, np.sqrt(squares[one, other]))
        push = PUSH * gaps * (size / distance - 1)[:, None]
        for axis in (0, 1):
            moved[:, axis] += np.bincount(one, push[:, axis], count)
            moved[:, axis] -= np.bincount(other, push[:, axis], count)
        drift = moved - spots
        length = np.maximum(1e-9, np.sqrt((drift**2).sum(1)))
        moved = spots + drift * np.minimum(1, FAR * size / length)[:, None]
    return moved


def nearest(points: Array, index: int, count: int) -> tuple[Array, Array]:
    """Return the points next to one, the nearest first, and how far they are."""
    gaps = points - points[index]
    distance = np.hypot(gaps[:, 0], gaps[:, 1])
    others = np.argsort(distance, kind="stable")
    others = others[others != index][:count]
    return others, distance[others]
