"""Three lines around anybody's training loop, and the doctor looks at it.

    from core import watch

    with watch() as seen:
        for step in range(1000):
            ...                     # a batch, forward, backward, update: as they were
            seen.step(loss)

It needs no model and no optimiser: on the steps it looks at it hears what torch is asked to do, and
it knows the names of the variables around the loop. It draws no random number and touches no value,
so that a run under it is the same run, bit for bit; and it takes a few per cent of the time.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from torch import Tensor

from ...runs.loop_record import place_for, write_record
from ...training.pace import Pace
from ..diagnose import diagnose_loop
from ..diagnosis import Diagnosis
from .tape import aside
from .watcher import LoopWatcher

_log = logging.getLogger("glassbox")


class watch:  # noqa: N801, read as a verb: ``with watch() as seen``
    """Watch a training loop, and say at its end what is wrong with it, if anything is.

    Args:
        things: models, optimisers, parameters or lists of them, where they are not in variables
            near the loop.
        name: of the record; the script's name if nothing is said.
        quiet: print nothing at the end.
        record: where the record goes; None for ``checkpoints/runs/``, False for nowhere.
        budget: seconds that may be spent at the end on trying things out on copies.
        share: of the loop's time, how much looking may take.

    Attributes:
        diagnosis: what the doctor says, after the ``with`` block.
    """

    def __init__(
        self,
        *things: Any,
        name: str = "",
        quiet: bool = False,
        record: Path | str | bool | None = None,
        budget: float = 15.0,
        share: float = 0.008,
    ) -> None:
        self._watching = LoopWatcher(things, share)
        self._name = name
        self._quiet = quiet
        self._path = record
        self._file: Path | None = None
        self._budget = budget
        self._writing = Pace(5.0, 0.01)
        self.diagnosis = Diagnosis("unknown", "Nothing was seen yet.", 0.0)

    def __enter__(self) -> Self:
        """Begin with the first step."""
        frame = sys._getframe(1)
        self._file = place_for(self._path, self._name or _script(frame))
        self._frame = frame
        self._watching.begin(frame)
        return self

    def step(self, loss: Tensor | float) -> None:
        """Say that a step is done, with its loss, after the update."""
        watching = self._watching
        watching.step(loss, sys._getframe(1))
        if watching.count % 64 == 0 and self._file and self._writing.due():
            with self._writing.spending():
                self._write()

    def validate(self, loss: Tensor | float, accuracy: Tensor | float | None = None) -> None:
        """Say the loss on other data, where it is measured anyway.

        Args:
            loss: the mean over that data.
            accuracy: the share of right answers there, 0 to 1 or in per cent, if it is counted.
        """
        self._watching.validate(loss, accuracy)

    @contextmanager
    def using(self) -> Iterator[None]:
        """``with seen.using():`` around the use of the network: sampling, answering."""
        frame = sys._getframe(2)
        with self._watching.using(frame):
            yield

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say what was found; an error goes on its way afterwards."""
        tape = self._watching.end()
        self._watching.lasted = self._watching.seconds
        if kind is not None and not issubclass(kind, Exception | KeyboardInterrupt):
            return
        crash = f"{kind.__name__}: {error}" if kind is not None and error is not None else ""
        if kind is KeyboardInterrupt:
            crash = ""
        with aside():
            watching = self._watching
            try:
                if crash and tape is not None:
                    watching.crashed(tape, self._frame)
                self.diagnosis = diagnose_loop(watching, self._budget, crash)
            except Exception as fault:  # of ours: it must not end a stranger's script
                _log.exception("no diagnosis was made")
                self.diagnosis = Diagnosis(
                    "unknown", f"The doctor itself failed ({fault}); please report it.", 0.0
                )
        self._write(final=True)
        if not self._quiet:
            print(self.diagnosis.text())  # noqa: T201, this is what it is for
            if self._file:
                print(f"\nThe record is in {self._file}")  # noqa: T201

    def _write(self, final: bool = False) -> None:

        if self._file:
            write_record(self._file, self._watching, self.diagnosis if final else None)


def _script(frame: FrameType) -> str:
    name = Path(frame.f_globals.get("__file__", "notebook")).stem
    return name or "notebook"
