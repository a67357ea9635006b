"""The record of a watched loop; one that is being written is read whenever it has changed."""

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from core.doctor.diagnosis import Diagnosis, read_diagnosis
from core.errors import UserError
from core.runs.loop_record import LoopRecord

AGAIN = 2000  # milliseconds between two readings while the loop goes on


class LoopRecordReader(QObject):
    """Reads a record, and follows it while its loop runs."""

    opened = Signal()
    """A file was read that will be shown next."""
    read = Signal(object, object, object)
    """A path, its record, and its diagnosis; None while the loop goes on."""
    failed = Signal(str)
    """The file can't be read, or is none; why, in a sentence."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        """The file that is followed; None where there is none, or it is read to its end."""
        self._stamp = (0, 0)
        self._timer = QTimer(self)
        self._timer.setInterval(AGAIN)
        self._timer.timeout.connect(self._reread)

    def open(self, path: Path) -> None:
        """Read a file, and follow it while its loop goes on; a bad one leaves all as it was."""
        stamp, found = _stamp(path), self._look(path)
        if found is not None:
            self.opened.emit()
            self._stamp = stamp
            self._follow(path, *found)

    def leave(self) -> None:
        """Follow nothing any more."""
        self._timer.stop()
        self.path = None

    def _look(self, path: Path) -> tuple[LoopRecord, Diagnosis | None] | None:
        try:
            return read_diagnosis(path)
        except UserError as error:
            self.failed.emit(str(error))
            return None

    def _follow(self, path: Path, record: LoopRecord, diagnosis: Diagnosis | None) -> None:
        if diagnosis is None:
            self.path = path
            self._timer.start()
        else:
            self.leave()
        self.read.emit(path, record, diagnosis)

    def _reread(self) -> None:
        path = self.path
        if path is None or (stamp := _stamp(path)) == self._stamp:
            return
        self.leave()
        found = self._look(path)
        if found is not None:
            self._stamp = stamp
            self._follow(path, *found)


def _stamp(path: Path) -> tuple[int, int]:
    """Return what tells whether a file was written anew; a new file is another one."""
    try:
        found = path.stat()
    except OSError:
        return (-1, -1)
    return (found.st_mtime_ns, found.st_ino)
