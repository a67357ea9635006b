"""Axes: where a number stands, which round numbers are written, and which part is seen."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen

from core.numbers import number, raised
from core.telemetry.events import Array
from gui import theme

ROOM = 0.06  # of the height, above and below what is drawn
FINER = 6  # more numbers than usual that are tried below a chart
TICK, TITLE = 16, 14  # pixels for the numbers below a chart, and for the axis title below them
CLOSEST = 1 / 400  # of an axis: the smallest part to zoom in on
FIGURES = 3  # significant ones of a number at an axis, where these tell it from the next one
TickWriter = Callable[[float, int], str]
"""Writes a number at an axis, with so many significant figures."""
_MIDDLE, _RIGHT = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight


def with_unit(what: str, unit: str) -> str:
    """Return an axis's title; what has no unit, such as a squared error, says none."""
    return f"{what} ({unit})" if unit else what


@dataclass(frozen=True)
class Scale:
    """A range of numbers, linear or logarithmic; steps and epochs are whole numbers."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @classmethod
    def over(cls, values: Iterable[float], log: bool = False, zero: bool = False) -> "Scale":
        """Return a scale that holds all these values (and zero), with a little room."""
        good = [v for v in values if math.isfinite(v) and (v > 0 or not log)]
        if zero and not log:
            good.append(0.0)
        if not good:
            return cls(*((0.1, 1.0) if log else (0.0, 1.0)), log)
        low, high = min(good), max(good)
        if log:
            room = max(1.15, (high / low) ** ROOM)
            return cls(low / room, high * room, True)
        room = ROOM * (high - low) or 0.1 * abs(high) or 1.0
        return cls(low if zero and low == 0 else low - room, high + room)

    def share(self, value: float) -> float:
        """Return where a value stands, 0 to 1; NaN if it has no place on the scale."""
        return float(self.shares(np.array([value], float))[0])

    def shares(self, values: Array) -> Array:
        """Return where values (n,) stand: 0 at the low end, 1 at the high end, NaN without a place.

        Both are (n,).
        """
        low, high = self.low, self.high
        if self.log:
            values = np.log(np.where(values > 0, values, np.nan))
            low, high = math.log(low), math.log(high)
        shares: Array = (values - low) / (high - low)
        return shares

    def at(self, share: float) -> float:
        """Return the value at a place, 0 to 1."""
        if self.log:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + share * (self.high - self.low)

    def ticks(self, most: int = 4) -> list[float]:
        """Return some round numbers on the scale."""
        if self.log and self.high / self.low > 8:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            every = max(1, math.ceil((last - first) / max(1, most)))
            parts = (1, 2, 5) if 3 * math.log10(self.high / self.low) <= most else (1,)
            found = [m * 10.0**n for n in range(first, last + 1) if n % every == 0 for m in parts]
            return [value for value in found if self.low <= value <= self.high]
        span = (self.high - self.low) / max(1, most)
        power = 10.0 ** math.floor(math.log10(span))
        step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= span * 0.999)
        if self.whole:
            step = max(1.0, 5.0 * power if step == 2.5 * power and power < 10 else step)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        found = [n * step for n in range(first, last + 1) if n * step > 0 or not self.log]
        alone = len(found) < 2 and most < 8
        return self.ticks(most + 2) if alone else found  # one number says nothing of the scale


class Window:
    """The part of an axis that is seen; the whole of it, until somebody zooms in.

    Positions are shares of the whole axis, so that a logarithmic axis zooms alike.
    """

    def __init__(self) -> None:
        self.whole = Scale(0.0, 1.0)
        self.seen = self.whole

    @property
    def zoomed(self) -> bool:
        """Whether only a part is seen."""
        return self.seen != self.whole

    def extend(self, whole: Scale) -> None:
        """Take another whole axis; a part stays where it is, unless the axis begins anew."""
        stays = self.zoomed and whole.high >= self.whole.high and whole.log == self.whole.log
        self.whole, self.seen = whole, self.seen if stays else whole

    def zoom(self, at: float, factor: float) -> None:
        """Show a part ``factor`` times as long, in which the value ``at`` stays in its place."""
        first, last = self._ends()
        middle = self.whole.share(at)
        length = max(CLOSEST, factor * (last - first))
        first = middle - (middle - first) * length / (last - first)
        self._show(first, length)

    def pan(self, share: float) -> None:
        """Move by a share of what is seen, to the right if it is positive."""
        first, last = self._ends()
        self._show(first + share * (last - first), last - first)

    def reset(self) -> None:
        """Show the whole axis again."""
        self.seen = self.whole

    def _ends(self) -> tuple[float, float]:
        return self.whole.share(self.seen.low), self.whole.share(self.seen.high)

    def _show(self, first: float, length: float) -> None:
        if length >= 1:
            self.reset()
            return
        first = min(1 - length, max(0.0, first))
        low, high = self.whole.at(first), self.whole.at(first + length)
        self.seen = Scale(low, high, self.whole.log, self.whole.whole)


def written(scale: Scale, ticks: Sequence[float], write: TickWriter) -> list[str]:
    """Return ticks in words, with figures enough that each is what it says, and none is as another.

    All are powers of ten where a logarithmic scale goes far from 1.
    """
    if scale.log and (scale.low < 1e-4 or scale.high > 1e5):
        powers = [(value, round(math.log10(value))) for value in ticks]
        return [f"10{raised(n)}" if math.isclose(value, 10.0**n) else "" for value, n in powers]
    figures, apart = FIGURES, min((b - a for a, b in pairwise(ticks)), default=0.0)
    if apart > 0:
        largest = max(abs(value) for value in ticks)
        decades = math.floor(math.log10(largest)) - math.floor(math.log10(apart))
        figures = max(FIGURES, decades + 3)  # 2.5 has two, and beside a power of ten is one less
    return [write(value, figures) for value in ticks]


def percent_tick(share: float, figures: int) -> str:
    """Write a share at an axis as a percentage."""
    return f"{number(100 * share, figures)} %"


def y_ticks(scale: Scale, height: float) -> list[float]:
    """Return the numbers of a y-axis of so many pixels."""
    return scale.ticks(max(2, min(6, int(height / 27))))


def paint_y_axis(painter: QPainter, frame: QRectF, scale: Scale, write: TickWriter) -> None:
    """Paint lines across a frame, each with its number at the left."""
    now, ticks = theme.current(), y_ticks(scale, frame.height())
    for value, words in zip(ticks, written(scale, ticks, write), strict=True):
        y = round(frame.bottom() - frame.height() * scale.share(value)) + 0.5
        painter.setPen(QPen(now.colour("border"), 1))
        painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
        painter.setPen(now.colour("muted"))
        painter.drawText(QRectF(0, y - 8, frame.left() - 7, 16), _RIGHT | _MIDDLE, words)


def paint_x_axis(painter: QPainter, frame: QRectF, scale: Scale, title: str) -> None:
    """Paint the numbers below a frame, and the axis title below them.

    Where there is one line only below the frame, the title stands at its end.
    """
    now, metrics = theme.current(), painter.fontMetrics()
    bottom = float(painter.device().height())
    beside = bottom - frame.bottom() < TICK + TITLE
    foot = QRectF(frame.left(), frame.bottom() + 3, frame.width(), TICK - 2)
    end = frame.right() + 12
    painter.setPen(now.colour("muted"))
    if title and beside:
        end = frame.right() - metrics.horizontalAdvance(title)
        painter.drawText(foot, _RIGHT | _MIDDLE, title)
    elif title:
        below = foot.translated(0, TICK - 2)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter | _MIDDLE, title)
    few = max(1, min(8, int(frame.width() / 56)))
    # One number says nothing of the scale: of finer ones more end before the title.
    tried = [_placed(metrics, frame, scale, few + more, end) for more in range(FINER)]
    for left, words in next((found for found in tried if len(found) > 1), tried[0]):
        wide = metrics.horizontalAdvance(words)
        painter.drawText(QRectF(left - 1, foot.top(), wide + 2, foot.height()), _MIDDLE, words)


def _placed(
    metrics: QFontMetrics, frame: QRectF, scale: Scale, most: int, end: float
) -> list[tuple[float, str]]:
    """Return the numbers below a frame that don't touch one another, and their left ends."""
    found, free, ticks = [], 0.0, scale.ticks(most)
    for value, words in zip(ticks, written(scale, ticks, number), strict=True):
        wide = metrics.horizontalAdvance(words)
        left = frame.left() + frame.width() * scale.share(value) - wide / 2
        if left >= free and left + wide + 8 <= end:
            found.append((left, words))
            free = left + wide + 10
    return found
