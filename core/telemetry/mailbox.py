"""Between the thread that trains and whoever listens: neither waits for the other."""

import threading
from collections import deque
from typing import Any

from .events import (
    ENDINGS,
    Diagnosed,
    Examples,
    LayerView,
    LRRangeTest,
    Progress,
    Snapshot,
    Weights,
)

LATEST = (Snapshot, Weights, Examples, LayerView, LRRangeTest, Progress, Diagnosed)


class Mailbox:
    """Events in order; of states (snapshots, weights, examples, views) only the newest.

    The first weights are kept, too: they are the initialisation of a network. Answers are kept
    all, in order: each belongs to a question.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: deque[Any] = deque()
        self._latest: dict[type, Any] = {}
        self._initialised = False
        self.closed = False

    def put(self, event: object) -> None:
        """Leave an event; never blocks for long."""
        with self._lock:
            first = isinstance(event, Weights) and not self._initialised
            self._initialised |= first
            if isinstance(event, LATEST) and not first:
                self._latest[type(event)] = event
            else:
                self._ordered.append(event)

    def close(self) -> None:
        """Mark that nothing more will come."""
        self.closed = True

    def drain(self) -> list[Any]:
        """Take everything: first what came in order, then the newest states, an ending last."""
        with self._lock:
            events = [*self._ordered, *self._latest.values()]
            self._ordered.clear()
            self._latest.clear()
        return sorted(events, key=lambda event: isinstance(event, ENDINGS))  # the sort is stable
