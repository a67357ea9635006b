"""Starts a program in a process of its own, watched, and brings what was seen of it."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import IO, Any, NoReturn, Self

from ..errors import UserError
from ..paths import ROOT, expanded
from ..signals import ending_signals, ignore_signals
from .by_hand import changed_by_hand
from .program import Program, read_program
from .run_program import Order

LOOK = 0.3
"""Seconds between two looks at a program, whoever waits for its end."""
PATIENCE = 5.0
"""Seconds that a program is given to end by itself once it was stopped."""
UNSEEN: dict[str, Any] = {
    "error": None,
    "failed": [],
    "loops": [],
    "seen": [],
    "cell": None,
    "figures": [],
}


class ProgramRun:
    """A program that runs; with its ``with`` block it ends, and whatever it started.

    Args:
        path: a script or a notebook; it runs in its own folder.
        arguments: its own.
        seconds: how long each of its trainings may take; 0 without a limit.
        budget: seconds for experiments on each.
        interpreter: another Python, which has torch and numpy; None for this one.
        record: whether trainings leave records in the folder of runs.
        output: where what it prints goes; None for where this process prints.
        copy: a changed copy of it, which is run in its place, in its folder.
        seed: of all random numbers that it does not seed itself; None for none.
        figures: the folder in which figures that it shows are kept; None for nowhere.

    Attributes:
        program: what is run.
        stopped_by: the number of the signal that ended it, besides Ctrl+C; 0 for none.

    Raises:
        UserError: the program or the interpreter can't be started.
    """

    def __init__(
        self,
        path: Path,
        arguments: tuple[str, ...] = (),
        seconds: float = 0.0,
        budget: float = 15.0,
        interpreter: str | None = None,
        record: bool = True,
        output: IO[Any] | None = None,
        copy: Path | None = None,
        seed: int | None = None,
        figures: Path | None = None,
    ) -> None:
        if sys.platform == "win32":  # whose processes have no groups and no inherited pipes
            raise UserError(
                "A program can't be run from here on Windows; put the three lines of"
                " glassbox.watch around its loop."
            )
        self.stopped_by = 0
        path = expanded(path).absolute()
        self.program: Program = read_program(path, copy)
        self._python = _interpreter(interpreter)
        self._figures = _made(figures)
        self._folder = tempfile.TemporaryDirectory(prefix="glassbox-")
        self._report = Path(self._folder.name) / "report.json"
        # The program ends when this pipe does: with this process, however that ends.
        awaited, self._parent_pipe = os.pipe()
        order = Order(
            str(path),
            arguments,
            str(self._report),
            awaited,
            record,
            seconds,
            budget,
            str(copy or ""),
            seed,
            self._figures,
        )
        environment = dict(os.environ)
        if runs := environment.get("GLASSBOX_RUNS"):  # it runs in another folder than this one
            environment["GLASSBOX_RUNS"] = str(expanded(runs).absolute())
        if seed is not None:
            environment["PYTHONHASHSEED"] = str(seed)  # the order of sets
        # Installed, core lies in the package glassbox, and that beside other packages.
        place = ROOT.parent if ROOT.name == "glassbox" else ROOT
        boot = (
            f"import sys; sys.path[0] = {str(place)!r};"
            " from glassbox.core.programs.run_program import main;"
            " del sys.path[0]; main()"
        )
        try:
            self._process = subprocess.Popen(  # noqa: S603, what its owner asked to run
                [self._python, "-u", "-c", boot, json.dumps(asdict(order))],
                cwd=path.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
                pass_fds=(awaited,),
            )
        except OSError as error:
            os.close(self._parent_pipe)
            self._folder.cleanup()
            raise UserError(f"{self._python} can't be started ({error.strerror}).") from None
        finally:
            os.close(awaited)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
            self._process.wait()
        os.close(self._parent_pipe)
        self._folder.cleanup()

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def wait(self, look: Callable[[], None] | None = None) -> None:
        """Wait for its end; Ctrl+C stops it.

        Args:
            look: called now and then meanwhile.
        """
        try:
            while look is not None and self.runs:
                look()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(LOOK)
            self._process.wait()
        except KeyboardInterrupt:
            self.stop()

    def stop(self) -> None:
        """Interrupt it, as Ctrl+C does, and end it if it runs on all the same."""
        self.signal(signal.SIGINT)
        try:
            self._process.wait(PATIENCE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self.signal(signal.SIGKILL)
            self._process.wait()

    def seen(self) -> dict[str, Any]:
        """Return what is known now, with curves and layers, and the cell that is run."""
        seen: dict[str, Any] = UNSEEN
        if self._report.is_file():
            seen = json.loads(self._report.read_text())
        return seen

    def answer(self, seen: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what was seen until now, as the command line prints it.

        Args:
            seen: what :meth:`seen` has returned; None for what is known now.

        Raises:
            UserError: it has ended, and nothing could be seen.
        """
        status = self._process.poll()
        if not self._report.is_file() and status is not None:
            raise UserError(
                f"{self._python} could not run {self.program.path.name}: it has to be Python"
                " 3.11 or newer with torch and numpy; name another one with --python."
            )
        seen, status = seen or self.seen(), status or 0
        ended_by = f"ended by {signal.Signals(-status).name}" if status < 0 else None
        answer = {
            "file": str(self.program.path),
            "exit_status": status,
            "error": seen["error"] or ended_by,
            "failed": seen["failed"],
            "skipped": [asdict(line) for line in self.program.skipped],
            "loops": seen["loops"],
            "by_hand": [] if seen["loops"] else self._by_hand(),
        }
        if self._figures:
            kept = [{key: f[key] for key in ("cell", "line", "file")} for f in seen["figures"]]
            answer["figures"] = kept
        return answer

    def _by_hand(self) -> list[dict[str, Any]]:
        """Return what learns where no training was seen."""
        return [asdict(one) for one in changed_by_hand(self.program.cells)]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and to all that it started."""
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return


def watch_to_end(
    run: ProgramRun, examined: Callable[[dict[str, Any], float], None]
) -> dict[str, Any]:
    """Wait for a program's end, and return what was seen; a signal to end is as Ctrl+C.

    Once it has ended, signals are ignored: the answer is printed, and not lost.

    Args:
        run: the program.
        examined: told of each training that it is examined now, and for how many seconds at most.
    """
    told = set[int]()

    def look() -> None:
        seen = run.seen()
        for number, (loop, more) in enumerate(zip(seen["loops"], seen["seen"], strict=True)):
            if more["examined_for"] is not None and number not in told:
                told.add(number)
                examined(loop, more["examined_for"])

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        run.stopped_by = number
        raise KeyboardInterrupt

    for number in ending_signals():
        signal.signal(number, interrupt)
    with run:
        run.wait(look)
        ignore_signals()  # what is left is to say what was seen
        return run.answer()


def _made(folder: Path | None) -> str:
    """Return the path of a folder, which is made; "" of none."""
    if folder is None:
        return ""
    folder = expanded(folder).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder {folder} can't be made ({error.strerror}); name another one."
        ) from None
    return str(folder)


def _interpreter(name: str | None) -> str:
    found = shutil.which(expanded(name)) if name else sys.executable
    if not found:
        raise UserError(f"--python {name} is no program; name a Python interpreter.")
    return str(found)
