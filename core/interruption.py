"""Long work that is given up at its next piece, once nobody waits for it any more.

Whoever begins it says by :func:`heeding` how that is known; however deep in it a piece is done,
:func:`heed` asks before the next one.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class CancelledError(Exception):
    """The person changed their mind."""


class _Asked(threading.local):
    cancelled: Callable[[], bool] | None = None


_asked = _Asked()


@contextmanager
def heeding(cancelled: Callable[[], bool]) -> Iterator[None]:
    """Have :func:`heed` ask this within it; in this thread.

    Raises:
        CancelledError: ``cancelled`` said so.
    """
    before, _asked.cancelled = _asked.cancelled, cancelled
    try:
        yield
    finally:
        _asked.cancelled = before


def heeded(pieces: Iterator[T], cancelled: Callable[[], bool]) -> Iterator[T]:
    """Yield pieces of work that is done under :func:`heeding`, and not what is done between them.

    Raises:
        CancelledError: ``cancelled`` said so.
    """
    while True:
        with heeding(cancelled):
            try:
                piece = next(pieces)
            except StopIteration:
                return
        yield piece


def heed() -> None:
    """Give up, if nobody waits for this work any more.

    Raises:
        CancelledError: whoever began it said so.
    """
    if _asked.cancelled is not None and _asked.cancelled():
        raise CancelledError
