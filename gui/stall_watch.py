"""Finds what makes the window stand still: a thread beside it looks at what the GUI thread does."""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer

BEAT = 50  # milliseconds between two signs of life
LONGEST = 0.5  # seconds without one that nobody minds


@dataclass(frozen=True)
class Stall:
    """A time in which the event loop did not come back.

    Attributes:
        seconds: how long, by the clock.
        busy: how long the GUI thread itself computed meanwhile; the rest it waited, for a lock or
            for other programs.
        stack: what it did when it was late, innermost last.
    """

    seconds: float
    busy: float
    stack: str


class StallWatch(QObject):
    """Reports every stall that is longer than ``longest`` seconds, once it is over.

    Args:
        report: is told, on the GUI thread.
        longest: seconds.
        parent: who holds this.
    """

    def __init__(
        self,
        report: Callable[[Stall], None],
        longest: float = LONGEST,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._report, self._longest = report, longest
        self._gui = threading.get_ident()
        self._beat_at, self._busy_at = time.monotonic(), time.thread_time()
        self._stack = ""
        self._over = threading.Event()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._beat)
        self._timer.start(BEAT)
        self._thread = threading.Thread(target=self._look, name="stall watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._timer.stop()
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        now, busy = time.monotonic(), time.thread_time()
        seconds, spent, stack = now - self._beat_at, busy - self._busy_at, self._stack
        self._beat_at, self._busy_at, self._stack = now, busy, ""
        if seconds > self._longest:
            self._report(Stall(seconds, spent, stack))

    def _look(self) -> None:
        """Note what the GUI thread does as soon as it is late; in the thread beside it."""
        while not self._over.wait(BEAT / 1000):
            if time.monotonic() - self._beat_at > self._longest and not self._stack:
                self._stack = "".join(traceback.format_list(_places(self._gui)))


def _places(thread: int) -> list[traceback.FrameSummary]:
    """Return where a thread is, outermost first; its frames, and what is in them, are let go of."""
    frame, found = sys._current_frames().get(thread), []
    while frame is not None:  # a painter that outlives its paint event makes Qt complain
        found.append((frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    return [traceback.FrameSummary(*place) for place in reversed(found)]
