"""Python's cyclic garbage, collected between two events of the GUI thread and at no other time.

Python collects wherever it happens to allocate: in the middle of a painting, or in the thread that
trains. What it deletes there may be a widget that Qt has on a list just now, or that may be deleted
by the GUI thread alone; either ends the whole program, now and then.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, QTimer

EVERY = 100  # milliseconds


@contextmanager
def collecting_nothing() -> Iterator[None]:
    """Keep Python from collecting garbage while Qt goes through all widgets, or lists them.

    Qt takes a list of them and tells one after another, some of them in Python. A collection in
    between would delete widgets that nobody holds any more but that stand on Qt's list still.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


class GarbageCollector(QObject):
    """Collects instead of Python, by Python's own thresholds, until :meth:`end`."""

    _froze = False

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._collect)
        self._timer.start(EVERY)

    def freeze(self) -> None:
        """Look no more at what is there now: what was imported stays, and is most of all.

        Once in a process: for a second window that would keep all that the first one has left.
        """
        if not GarbageCollector._froze:  # to ask Python takes as long as to go through all of it
            gc.freeze()
            GarbageCollector._froze = True

    def end(self) -> None:
        """Let Python collect by itself again."""
        self._timer.stop()
        gc.enable()

    def _collect(self) -> None:
        pairs = enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True))
        due = [generation for generation, (count, most) in pairs if count > most]
        if due:
            gc.collect(due[-1])
