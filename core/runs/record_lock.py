"""Who writes a record: a lock of the operating system's, which ends with the process that has it.

A process number says less: it may be taken again, and no two programs agree by it on who resumes
a run.
"""

import os
import socket
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from ..errors import UserError
from ..files import check_is_file
from .run_info import SILENT, RunInfo

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK = ".lock"
LONG = 3600.0
"""Seconds without a word, after which nobody writes who is known by a process number alone."""
TRIES, BETWEEN = 20, 0.01
"""Who looks whether a record is locked may have it for a moment."""


class RecordLock:
    """Keeps a record for this process, until it is released, forgotten, or the process ends.

    Where files can't be locked, as on some network drives, it does nothing.

    Raises:
        UserError: another one has it.
    """

    def __init__(self, folder: Path) -> None:
        self._release: Callable[[], object] = lambda: None
        try:
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:  # what can't be written there is said by whoever writes
            return
        self._release = weakref.finalize(self, os.close, descriptor)
        for _ in range(TRIES):
            if _lock(descriptor) is not False:
                return
            time.sleep(BETWEEN)
        self.release()
        raise being_written(folder)

    def release(self) -> None:
        """Let others write it."""
        self._release()


def being_written(folder: Path) -> UserError:
    """Return the sentence that a record is another one's."""
    return UserError(f"{folder.name} is being trained at this moment; stop it there first.")


def is_written(folder: Path, about: RunInfo) -> bool:
    """Whether somebody still writes a record."""
    if about.state != "running":
        return False
    locked = _is_locked(folder)
    machine, number = about.process
    silence = abs(time.time() - about.told)
    if locked or machine != socket.gethostname():  # whose locks may not be seen here
        return locked or silence < SILENT
    if locked is None and os.name == "posix":
        return silence < LONG and _is_there(number)
    return locked is None and silence < SILENT


def _is_locked(folder: Path) -> bool | None:
    """Whether somebody has a record's lock; None where that can't be known."""
    try:
        check_is_file(folder / LOCK)  # one that came from elsewhere may be a pipe
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return None
    try:
        taken = _lock(descriptor, shared=True)
        return None if taken is None else not taken
    finally:
        os.close(descriptor)


def _lock(descriptor: int, shared: bool = False) -> bool | None:
    """Lock a file at once; False where another one has it, None where that is not possible."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            way = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(descriptor, way | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


def _is_there(number: int) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(number, 0)
    except PermissionError:
        return True  # it is somebody else's
    except (ProcessLookupError, OverflowError):
        return False
    return number > 0
