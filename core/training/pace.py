"""When something that takes time is due again: a schedule in seconds, not in steps."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """Due every ``every`` seconds, or less often, so that it takes at most a share of the time.

    Args:
        every: seconds between two times, at least.
        share: of the time, at most.
        longest: seconds between two times at most, whatever share that is: one time that took
            long, on a busy machine or at the first step, must not be the last.

    Attributes:
        next: from when on it is due, in seconds of ``time.perf_counter``.
    """

    def __init__(self, every: float, share: float = 1.0, longest: float = math.inf) -> None:
        self._every = every
        self._share = share
        self._longest = longest
        self.next = 0.0

    def due(self) -> bool:
        """Whether it is time; if so, the next time is set."""
        now = time.perf_counter()
        if now < self.next:
            return False
        self.next = now + self._every
        return True

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Measure how long it takes, and postpone the next time accordingly."""
        begin = time.perf_counter()
        yield
        self.charge(time.perf_counter() - begin)

    def charge(self, seconds: float) -> None:
        """Postpone the next time for the seconds that this one took."""
        wait = min(self._longest, seconds * (1 / self._share - 1))
        self.next = max(self.next, time.perf_counter() + wait)
