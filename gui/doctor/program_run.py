"""A program of a person's own while it runs: started, asked how far it is, and stopped."""

import codecs
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import UserError
from core.files import structured
from core.programs.launch import PATIENCE, ProgramRun
from core.telemetry.events import LayersSeen

EVERY = 400  # milliseconds between two looks
AT_FIRST = 100  # until a loop was seen: its first picture is waited for
MOST = 100_000  # bytes of its output that are shown of one look
LARGEST = 32 << 20  # bytes of its output that are kept on disk


@dataclass(frozen=True)
class ProgramRequest:
    """What is to be run.

    Attributes:
        path: a script or a notebook.
        arguments: its own.
        seconds: how long each training may take; 0 without a limit.
        interpreter: another Python; "" for this one.
        budget: seconds for experiments on each training.
        record: whether its trainings leave records among the runs.
        copy: a changed copy that is run in its place; None for itself.
        seed: of all random numbers that it does not seed itself; None for none.
    """

    path: Path
    arguments: tuple[str, ...] = ()
    seconds: float = 0.0
    interpreter: str = ""
    budget: float = 15.0
    record: bool = True
    copy: Path | None = None
    seed: int | None = None


class RunningProgram(QObject):
    """Runs a program in a process of its own; the window stays free meanwhile."""

    progressed = Signal(object, object)
    """What was seen until now: the answer of the command line, and curves and layers besides."""
    printed = Signal(str)
    """What the program wrote since the last time."""
    showed = Signal(object)
    """A figure that it has shown, where it comes in what it wrote: its cell, line and file."""
    ended = Signal(object)
    """The answer at its end."""
    failed = Signal(str)
    """It could not be run; why, in a sentence."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._run: ProgramRun | None = None
        self._output: IO[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._end)

    @property
    def runs(self) -> bool:
        """Whether a program is run."""
        return self._run is not None

    def start(self, request: ProgramRequest) -> None:
        """Run a program, if none is run."""
        if self.runs:
            return
        folder = tempfile.TemporaryDirectory(prefix="glassbox-")
        place = Path(folder.name) / "output"
        # It is appended to, so that it can be cut when it grows too large; and read by a handle of
        # its own, whose place in the file no write moves.
        written = place.open("ab", buffering=0)
        try:
            self._run = ProgramRun(
                request.path,
                request.arguments,
                request.seconds,
                request.budget,
                interpreter=request.interpreter or None,
                record=request.record,
                output=written,
                copy=request.copy,
                seed=request.seed,
                figures=Path(folder.name) / "figures",
            )
        except UserError as error:
            written.close()
            folder.cleanup()
            self.failed.emit(str(error))
            return
        written.close()
        self._output = place.open("r+b", buffering=0)
        self._folder, self._read, self._waiting, self._figures = folder, 0, 0, 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._timer.start(AT_FIRST)

    def stop(self) -> None:
        """Interrupt the program; it is ended if it runs on all the same."""
        if self._run is not None:
            self._run.signal(signal.SIGINT)
            self._patience.start(round(1000 * PATIENCE))

    def abandon(self) -> None:
        """End it at once, and whatever it started: the window closes."""
        self._close()

    def _end(self) -> None:
        if self._run is not None:
            self._run.signal(signal.SIGKILL)

    def _look(self) -> None:
        run = self._run
        assert run is not None
        runs = run.runs  # what is read now is all there is, if it does not
        seen = run.seen()
        self._hand_on_output(seen["figures"], not runs)
        try:
            answer = run.answer(seen)
        except UserError as error:
            self._close()
            self.failed.emit(str(error))
            return
        self.progressed.emit(answer, seen)
        if seen["loops"] and self._timer.interval() != EVERY:
            self._timer.setInterval(EVERY)
        if not runs:
            self._close()
            self.ended.emit(answer)

    def _hand_on_output(self, figures: list[dict[str, Any]], is_over: bool) -> None:
        """Hand on what was written and shown since the last time; of very much text, the end."""
        assert self._output is not None
        now = self._output.seek(0, 2)
        for figure in figures[self._figures :]:
            self._hand_on_text(min(now, figure["at"] or now), False)
            self.showed.emit(figure)
        self._figures = len(figures)
        # The newest words wait for the next look: a figure before them may not be told yet.
        self._hand_on_text(now if is_over else self._waiting, is_over)
        self._waiting = now
        if now > LARGEST and not is_over:
            # What is written between the last look and the cut would be lost: at once, then.
            words = self._written(self._output.seek(0, 2))
            self._output.truncate(0)
            self._read = self._waiting = 0
            self._print(words)

    def _hand_on_text(self, end: int, is_over: bool) -> None:
        self._print(self._written(end), is_over)

    def _written(self, end: int) -> bytes:
        """Return what was written since the last time, up to a place; of very much, the end."""
        assert self._output is not None
        begin = max(self._read, end - MOST)
        self._output.seek(begin)
        self._read = max(self._read, end)
        return self._output.read(max(0, end - begin))

    def _print(self, written: bytes, is_over: bool = False) -> None:
        if words := self._decoder.decode(written, is_over):
            self.printed.emit(words)

    def _close(self) -> None:
        self._timer.stop()
        self._patience.stop()
        if self._run is not None:
            self._run.__exit__()
        if self._output is not None:
            self._output.close()
        if self._folder is not None:
            self._folder.cleanup()
        self._run = self._output = self._folder = None


def layers_of(seen: dict[str, Any]) -> LayersSeen | None:
    """Return the layers of a training, of what :meth:`ProgramRun.seen` says of it."""
    return structured(seen["layers"], LayersSeen) if seen["layers"] else None
