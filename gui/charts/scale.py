"""The scale of a picture of evidence: where a number stands, and which numbers are written."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

ROOM = 0.06  # of the height, above and below what is drawn


@dataclass(frozen=True)
class Scale:
    """A range of numbers, linear or logarithmic."""

    low: float
    high: float
    log: bool = False

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
        if self.log:
            if not value > 0:
                return math.nan
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int = 4) -> list[float]:
        """Return some round numbers on the scale."""
        if self.log and self.high / self.low > 30:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            every = max(1, math.ceil((last - first + 1) / most))
            return [10.0**n for n in range(first, last + 1, every)]
        span = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(span))
        step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= span * 0.999)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [n * step for n in range(first, last + 1) if n * step > 0 or not self.log]
