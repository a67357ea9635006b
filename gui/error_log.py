"""Unexpected errors: kept in a small log, told once each, and known after a crash.

An error of a slot, a thread or a job ends nothing that can go on: it is logged and reported. What
ends the whole process at once, such as a fault in a library, is seen at the next start by the lock
that nobody has taken off.
"""

import faulthandler
import logging
import sys
import threading
import traceback
from collections import Counter
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TextIO

from PySide6.QtCore import (
    QLockFile,
    QMessageLogContext,
    QObject,
    QtMsgType,
    Signal,
    qInstallMessageHandler,
)

from core.problems import problem_of

LARGEST, KEPT = 1 << 18, 1  # bytes of the log, and how many older ones are kept beside it
DISTINCT = 100  # errors and warnings that are logged in one run; more would say nothing new
_log = logging.getLogger("glassbox")
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class ErrorLog(QObject):
    """Catches what nobody else does, from :meth:`install` to :meth:`remove`.

    Args:
        file: the log; what else is needed lies beside it.
    """

    caught = Signal()
    """An error that is new in this run is in :attr:`reports`; emitted by the thread that had it."""

    refused = Signal(str)
    """What the machine refused a slot or a thread, in a sentence; emitted where it happened."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.problem = ""
        """Why there is no log, in a sentence; "" where there is one."""
        self.reports: list[str] = []
        """The tracebacks of this run, each once."""
        self.crashed_at: float | None = None
        """When the last run began if it did not end by itself, in seconds since 1970."""
        self._seen: Counter[tuple[object, ...]] = Counter()
        self._lock = QLockFile(str(file.with_suffix(".lock")))
        self._lock.setStaleLockTime(0)  # only the process that took it can say that it is alive
        self._fault_file = file.with_suffix(".fault")
        self._faults: TextIO | None = None
        self._handlers: list[logging.Handler] = []

    def install(self, look_back: bool = True) -> None:
        """Catch errors from now on.

        Args:
            look_back: whether the last run ended by itself, and let the next look at this one.
        """
        self._handlers = [logging.StreamHandler(), _Catcher(self)]
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            file = RotatingFileHandler(
                self.file, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8"
            )
            file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
            self._handlers.append(file)
        except OSError as error:
            self.problem = f"{self.file} can't be written ({error.strerror}); errors are not kept."
        _log.addFilter(self._is_new)
        for handler in self._handlers:
            _log.addHandler(handler)
        self._hooks = sys.excepthook, threading.excepthook
        sys.excepthook = self._on_exception
        threading.excepthook = lambda args: self._on_exception(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        self._qt_handler = qInstallMessageHandler(_on_qt_message)
        if look_back and not self.problem:
            try:
                self._look_back()
            except OSError as error:
                self.problem = (
                    f"{error.filename} can't be used ({error.strerror});"
                    " the next start does not know whether this one ended by itself."
                )

    def _look_back(self) -> None:
        """Take the lock; where a process that is gone had it, say when it began and how it ended.

        A second window beside this one can't take it, and is not watched for crashes.
        """
        lock = self.file.with_suffix(".lock")
        left = lock.stat().st_mtime if lock.exists() else None
        if not self._lock.tryLock(0):
            return
        if left is not None:
            self.crashed_at = left
            trace = self._fault_file
            fault = trace.read_text("utf-8", "replace") if trace.exists() else ""
            _log.warning("The last run ended unexpectedly.\n%s", fault)
        self._faults = self._fault_file.open("w", encoding="utf-8")
        faulthandler.enable(self._faults)

    def add(self, error: Exception) -> None:
        """Log an error that somebody has caught."""
        _log.error("unexpected error", exc_info=error)

    def remove(self) -> None:
        """Catch no more: the program ends by itself."""
        sys.excepthook, threading.excepthook = self._hooks
        qInstallMessageHandler(self._qt_handler)
        _log.removeFilter(self._is_new)
        for handler in self._handlers:
            _log.removeHandler(handler)
            handler.close()
        if self._faults is not None:
            faulthandler.disable()
            self._faults.close()
            self._fault_file.unlink(missing_ok=True)
        self._lock.unlock()

    def times(self) -> int:
        """Return how many errors there were in this run, repeated ones counted."""
        return sum(count for (kind, *_), count in self._seen.items() if kind != "message")

    def _on_exception(
        self,
        kind: type[BaseException],
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if error is None or not issubclass(kind, Exception):  # somebody wants it to end
            self._hooks[0](kind, error or kind(), where)
            return
        if problem := problem_of(error):
            _log.warning("%s", problem, exc_info=(kind, error, where))
            self.refused.emit(problem)
            return
        _log.error("unexpected error", exc_info=(kind, error, where))

    def _is_new(self, record: logging.LogRecord) -> bool:
        """Let each error pass once: one of a painting would come sixty times a second."""
        key: tuple[object, ...] = ("message", record.getMessage())
        if record.exc_info and record.exc_info[0]:
            frames = traceback.extract_tb(record.exc_info[2])
            key = (
                record.exc_info[0],
                *((frames[-1].filename, frames[-1].lineno) if frames else ()),
            )
        if key not in self._seen and len(self._seen) >= DISTINCT:
            return False
        self._seen[key] += 1
        return self._seen[key] == 1


class _Catcher(logging.Handler):
    """Collects the tracebacks that are logged."""

    def __init__(self, log: ErrorLog) -> None:
        super().__init__(logging.ERROR)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Take an error's traceback; a message without one is for the log only."""
        if record.exc_info and record.exc_info[0]:
            self._log.reports.append("".join(traceback.format_exception(*record.exc_info)))
            self._log.caught.emit()


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    _log.log(_LEVELS[kind], "Qt: %s", message)
