"""Where garbage is collected while there is a window."""

import gc
import threading

import pytest
from PySide6.QtCore import QObject

from gui.garbage import GarbageCollector
from tests.conftest import windows


@pytest.fixture
def pages():
    """The window alone is enough."""
    return ["runs"]


class Ring(QObject):
    """An object that only a collection deletes; it says in which thread."""

    def __init__(self, deleted):
        super().__init__()
        self._ring, self._deleted = self, deleted

    def __del__(self):
        self._deleted.append(threading.current_thread())


def allocate(kept):
    """Make what Python counts before it collects."""
    kept += [[number] for number in range(100_000)]


def test_another_thread_deletes_nothing_of_qt(qtbot, window):
    """Nor does whatever the GUI thread does within an event; between two of them it is done."""
    deleted, kept = [], []
    window.garbage.freeze()  # as when torch is loaded, which may come a moment later
    Ring(deleted)
    thread = threading.Thread(target=allocate, args=(kept,))
    thread.start()
    thread.join()
    allocate(kept)
    assert not deleted
    qtbot.waitUntil(lambda: bool(deleted))
    assert deleted == [threading.main_thread()]


def test_python_collects_by_itself_once_the_window_is_closed(window):
    """A program that goes on without a window is not left with its garbage."""
    assert not gc.isenabled()
    window.close()
    assert gc.isenabled()


def test_what_a_window_has_left_goes_while_the_next_one_is_open(qapp):
    """It is not taken for what was imported."""
    deleted = []
    first = GarbageCollector()
    first.freeze()
    Ring(deleted)
    first.end()
    second = GarbageCollector()
    second.freeze()
    gc.collect()
    assert deleted
    second.end()


def test_python_collects_nothing_while_the_windows_are_listed(qapp):
    """It would delete windows that nobody holds and that Qt has put on the list already."""
    collects = []

    class Application:
        @staticmethod
        def topLevelWidgets():
            collects.append(gc.isenabled())
            return qapp.topLevelWidgets()

    assert len(list(windows(Application))) == len(list(windows(qapp)))
    assert collects == [False] and gc.isenabled()
