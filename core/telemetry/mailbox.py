"""Between the thread that trains and whoever listens: nobody waits for the other."""

import threading
from collections import deque

from .events import (
    ENDINGS,
    Answer,
    Diagnosed,
    Event,
    Examples,
    LayerView,
    Progress,
    Snapshot,
    Swept,
    Weights,
)

LATEST = (Snapshot, Weights, Examples, LayerView, Answer, Swept, Progress, Diagnosed)


class Mailbox:
    """Events in order; of pictures (snapshots, weights, examples, views) only the newest.

    The first weights are kept, too: they are what a network began with.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: deque[Event] = deque()
        self._latest: dict[type, Event] = {}
        self._began = False
        self.closed = False

    def put(self, event: Event) -> None:
        """Leave an event; never blocks for long."""
        with self._lock:
            first = isinstance(event, Weights) and not self._began
            self._began |= first
            if isinstance(event, LATEST) and not first:
                self._latest[type(event)] = event
            else:
                self._ordered.append(event)

    def close(self) -> None:
        """Say that nothing more will come."""
        self.closed = True

    def drain(self) -> list[Event]:
        """Take everything: first what came in order, then the newest pictures."""
        with self._lock:
            events = [*self._ordered, *self._latest.values()]
            self._ordered.clear()
            self._latest.clear()
        # An ending must be the last thing that is heard of a run; the sort keeps the rest in order.
        return sorted(events, key=lambda event: isinstance(event, ENDINGS))
