"""When something that takes time is due again: a schedule in seconds, not in steps."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """Due every ``every`` seconds, or less often, so that it takes at most a share of the time."""

    def __init__(self, every: float, share: float = 1.0) -> None:
        self._every = every
        self._share = share
        self._next = 0.0

    def due(self) -> bool:
        """Whether it is time; if so, the next time is set."""
        now = time.perf_counter()
        if now < self._next:
            return False
        self._next = now + self._every
        return True

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Measure how long it takes, and postpone the next time accordingly."""
        begin = time.perf_counter()
        yield
        self.charge(time.perf_counter() - begin)

    def charge(self, seconds: float) -> None:
        """Postpone the next time for the seconds that this one took."""
        self._next = max(self._next, time.perf_counter() + seconds * (1 / self._share - 1))
