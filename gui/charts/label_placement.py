"""Where numbers can stand over bars without lying on a bar or on one another."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF


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
