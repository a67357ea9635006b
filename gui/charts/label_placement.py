"""Where words can stand in a chart without lying on a bar, a curve or one another."""

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize

from core.telemetry.events import Array

MOST_HIDDEN = 0.7
"""Of the part of a curve behind a name."""


def free_places(
    bars: Sequence[QRectF], widths: Sequence[float], height: float, right: float
) -> dict[int, QRectF]:
    """Return the places of the numbers that have room; the highest bars choose first.

    Args:
        bars: what is in the way, one rectangle a number, from left to right.
        widths: of the numbers in pixels; 0 where there is none.
        height: of a number.
        right: the end of the room, which begins at 0.
    """
    placed: dict[int, QRectF] = {}
    for index in sorted(range(len(bars)), key=lambda i: bars[i].top()):
        wide, bar = widths[index], bars[index]
        if not wide:
            continue
        left = min(max(0.0, bar.center().x() - wide / 2), right - wide)
        place = QRectF(left, bar.top() - height - 1, wide, height)
        others = (other for i, other in enumerate(bars) if i != index)
        if not any(place.intersects(other) for other in (*others, *placed.values())):
            placed[index] = place
    return placed


def quietest(
    frame: QRectF,
    y: float,
    size: QSize,
    curves: Sequence[tuple[Array, Array]],
    taken: Sequence[QRectF] = (),
) -> QRectF | None:
    """Return where the name of a level at y stands: above or below it, where it covers least.

    None where it would lie on another name, or on most of a curve.

    Args:
        frame: the room there is.
        y: the level's height in pixels.
        size: of the name.
        curves: x and y of each curve in pixels, (n,) each; y may be NaN.
        taken: where other names stand.
    """
    wide, high = size.width(), size.height()
    ends = frame.left() + 2, max(frame.left() + 2, frame.right() - wide)
    places = [
        QRectF(left, top, wide, high)
        for top in (y - high - 1, y + 2)
        for left in np.linspace(ends[1], ends[0], 9).tolist()
        if top >= frame.top() - high / 2 and top + high <= frame.bottom() + 2
    ] or [QRectF(ends[1], y - high - 1, wide, high)]

    free = [place for place in places if not any(place.intersects(other) for other in taken)]
    if not free:
        return None
    # All places at once: this is done at each painting, while a training wants the interpreter.
    left, right = [place.left() for place in free], [place.right() for place in free]
    columns = np.linspace(left, right, max(2, math.ceil(wide / 3)), axis=1)
    top = np.array([[place.top()] for place in free])
    bottom = np.array([[place.bottom()] for place in free])
    hidden = np.zeros(len(free))
    for curve in curves:
        heights = np.interp(columns, *curve, left=np.nan, right=np.nan)
        hidden += np.mean((heights > top) & (heights < bottom), axis=1)
    best = int(hidden.argmin())
    return free[best] if hidden[best] <= MOST_HIDDEN else None


def spread(places: Sequence[float], step: float, low: float, high: float) -> list[float]:
    """Return places moved apart by at least a step, downwards first, between two ends."""
    found = list(places)
    order = sorted(range(len(found)), key=lambda i: found[i])
    for before, index in zip([-1, *order], order, strict=False):
        found[index] = max(found[index], low if before < 0 else found[before] + step)
    for after, index in zip([-1, *order[::-1]], order[::-1], strict=False):
        found[index] = min(found[index], high if after < 0 else found[after] - step)
    return found
