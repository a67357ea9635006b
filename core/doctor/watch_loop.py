"""Three lines around any training loop, and the doctor watches it.

    from glassbox import watch

    with watch() as seen:
        for step in range(1000):
            ...                     # a batch, forward, backward, update: as they were
            seen.step(loss)

It needs no model and no optimiser: in the steps that it observes it records what torch computes,
and it finds the names of the variables around the loop. It draws no random number and touches no
value, so that a run under it is the same run, bit for bit; and it takes a few per cent of the time.
"""

import dataclasses
import sys
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from torch import Tensor

from ..errors import UserError
from ..runs.loop_record import LoopRecord, place_for, write_record
from ..training.pace import Pace
from .diagnosis import Diagnosis, Picture, Series
from .evidence import Evidence
from .html_report import report
from .rules.crash import usual_cause
from .watch.inferred_settings import batch_size, inferred_settings
from .watch.program_frames import Line
from .watch.rollouts import rolled_out
from .watch.safe_log import SafeLog
from .watch.state_dicts import LoadedItself, StateDicts
from .watch.tape import Tape
from .watch.tape_replay import isolated
from .watch.watcher import LoopWatcher

LAYER_KEYS = {"nonlinearity": "bend", "symmetric": "same", "is_output": "last"}
"""What values of a layer are called in a record."""

MESSAGE = 200
"""Letters of an error's message."""
OTHER_THREAD = "the loop does not run in the thread that began to watch it"

_log = SafeLog()
T = TypeVar("T")


class WatchedLoop:
    """A training loop that is watched; each call says from which frame of the program it comes.

    Args:
        objects: models, optimisers, parameters or lists of them, where they are not in variables
            near the loop.
        name: of the record.
        record: where it goes; None for the folder of runs, False for nowhere.
        budget: seconds that experiments on copies may take at the end.
        share: of the loop's time, how much the observations may take.
        unedited: whether it is a program's that is watched as it is.

    Attributes:
        watcher: what was observed.
        file: the record; None where none is written.
        unwritten: why the record could not be written, the last time; "".
        budget: seconds that experiments may take at the end.
        cut_short: whether the person stopped them.
        left_by: an exception of the program's own that ended it; "".
        trained_before: names of parameters that were there to be trained in an earlier loop.
        empty_passes: how often it was begun again without a step, after the first time.
        diagnosis: what the doctor says, after the end.
    """

    def __init__(
        self,
        objects: tuple[Any, ...] = (),
        name: str = "notebook",
        record: Path | str | bool | None = None,
        budget: float = 15.0,
        share: float = 0.02,
        unedited: bool = False,
    ) -> None:
        self.watcher = LoopWatcher(objects, share)
        self._unedited = unedited
        self.file = place_for(record, name)
        self.unwritten = ""
        self.diagnosis = Diagnosis("unknown", "Nothing was observed yet.", 0.0)
        self._evidence: Evidence | None = None
        self.budget = budget
        self.cut_short = False
        self.left_by = ""
        self.trained_before: frozenset[str] = frozenset()
        self.empty_passes = 0
        self._writing = Pace(5.0, 0.01)
        self._thread = threading.get_ident()
        self._given_up = False

    def _safely(self, act: Callable[..., T], *given: Any) -> T | None:
        """Do what is ours: a fault of it is said once, and the loop continues without us."""
        if self._given_up:
            return None
        try:
            if threading.get_ident() != self._thread:
                raise RuntimeError(OTHER_THREAD)
            return act(*given)
        except Exception as fault:
            self._give_up(fault)
            return None

    def _give_up(self, fault: Exception) -> None:
        """Say a fault of ours once, where it is handled, and watch no more."""
        self._given_up = True
        _log.exception("the loop goes on, and is not watched any more")
        self.diagnosis = Diagnosis("unknown", f"It was not watched to its end: {fault}.", 0.0)
        self._stop()

    def _stop(self) -> None:
        """Record no more, in the thread in which that began."""
        if threading.get_ident() == self._thread:
            with suppress(Exception):
                self.watcher.stop_recording()

    @property
    def ended(self) -> bool:
        """Whether the loop has ended and was examined."""
        return self._evidence is not None

    def begin(self, frame: FrameType, observe: bool = True) -> None:
        """Begin with the next step, and observe it."""
        self._frame = frame
        self._thread = threading.get_ident()
        if observe:
            self._safely(self.watcher.start_recording, frame)

    def step(self, loss: Tensor | float, frame: FrameType) -> None:
        """Take the loss of a step that is done, its update included."""
        # As in _safely, without its calls: this is done in every step of a fast loop.
        if self._given_up:
            return
        try:
            if threading.get_ident() != self._thread:
                raise RuntimeError(OTHER_THREAD)
            watcher = self.watcher
            watcher.step(loss, frame)
            if watcher.count % 64 == 0 and self.file and self._writing.due():
                with self._writing.spending():
                    self.write()
        except Exception as fault:
            self._give_up(fault)

    @contextmanager
    def using(self, frame: FrameType) -> Iterator[None]:
        """Compare an inference with the training; after the loop it is examined again."""
        used = self.watcher.watch_inference(frame)
        self._safely(used.__enter__)
        try:
            yield
        except BaseException:
            self._safely(used.__exit__, *sys.exc_info())
            raise
        self._safely(used.__exit__, None, None, None)
        self._safely(self._examine_again)

    def take_use(self, tape: Tape, frame: FrameType, by_copy: bool = False) -> bool:
        """Take what may have been an inference, of a copy, too; return whether it was one."""
        found = bool(self._safely(self.watcher.take_use, tape, frame, by_copy))
        if found:
            self._safely(self._examine_again)
        return found

    def rolled_out(self, tape: Tape) -> list[Tensor]:
        """Return what is made by giving the network its own outputs far more often than a step."""
        graph = self.watcher.graph
        return [] if graph is None else self._safely(rolled_out, graph, tape) or []

    def validate(self, loss: Tensor | float, accuracy: Tensor | float | None = None) -> None:
        """Take the loss on other data, and the accuracy there; after the end, too."""
        self._safely(self.watcher.validate, loss, accuracy)
        self._safely(self._examine_again)

    def loaded_itself(self, found: LoadedItself) -> bool:
        """Take that weights were loaded that are no copy; return whether they are trained here."""
        mine = self.watcher.trains(found.parameters)
        if mine:
            self.watcher.loaded_itself = found
            self._safely(self._examine_again)
        return mine

    def trained_later(self, names: frozenset[str], later: "WatchedLoop") -> None:
        """Take which parameters a later loop trains: what is left for it is not forgotten here.

        Nor is it a fault that the network was used on what that loop learns from.
        """
        causes = {cause.id for cause in self.diagnosis.causes}
        again = bool(self._safely(self.watcher.takes_up, later.watcher))
        if self._evidence is not None and causes & {"parameter_not_trained", "frozen_layer"}:
            self._evidence.trained_later |= names
            again = True
        if again:
            self._safely(self._examine_again)

    def _examine_again(self) -> None:
        """Judge again what is known, as after a notebook's later cell."""
        if self._evidence is not None:
            found = self.watcher.loaded_itself
            self._evidence.loaded_itself = found.words if found else ""
            self._evidence.met = self.watcher.met
            self._evidence.inference = self.watcher.inference
            self._evidence.validations = list(self.watcher.validations)
            self._evidence.metrics = list(self.watcher.metrics)
            self._diagnose()
            self.write()

    def abandon(self) -> None:
        """Watch it no more, and say nothing of it."""
        self._given_up = True
        self._stop()

    def end(self, error: BaseException | None = None) -> None:
        """Diagnose the loop.

        Args:
            error: what ended it; None, or KeyboardInterrupt, of a loop that was left as usual.
        """
        self._safely(self._end, error)
        self._stop()

    def _end(self, error: BaseException | None) -> None:
        tape = self.watcher.stop_recording()
        if error is None:
            self.watcher = self.watcher.judged()
        watcher = self.watcher
        watcher.duration = watcher.seconds
        crash = ""
        if error is not None and not isinstance(error, KeyboardInterrupt):
            file = self._frame.f_code.co_filename
            crash, watcher.tells_error, watcher.crashed_at = _in_words(error, file)
            watcher.error = crash
        self._diagnose(tape, crash)
        self.write()

    def _diagnose(self, tape: Tape | None = None, crash: str = "") -> None:
        """Say what is known now; a fault of ours must not end another's script."""
        # Experiments and rules are loaded where they are needed: the first step waits for none.
        from .diagnose import diagnose_loop

        with isolated():
            try:
                if self._evidence is None:
                    if crash:
                        self.watcher.observe_crash(tape or Tape(), self._frame)
                    self._evidence = self._examined(self.budget, crash)
                self.diagnosis = diagnose_loop(self.watcher, self._evidence)
            except KeyboardInterrupt:
                # The experiments are given up, and what was observed is judged and kept.
                self.cut_short = True
                self._evidence = self._examined(0.0, crash)
                self.diagnosis = diagnose_loop(self.watcher, self._evidence)
                self.write()
                raise
            except Exception as fault:
                _log.exception("no diagnosis was made")
                self.diagnosis = Diagnosis(
                    "unknown", f"The doctor itself failed ({fault}); please report it.", 0.0
                )

    def _examined(self, budget: float, crash: str) -> "Evidence":
        from .diagnose import examine_loop

        evidence = examine_loop(self.watcher, budget, crash)
        evidence.is_unedited, evidence.cut_short = self._unedited, self.cut_short
        evidence.empty_passes, evidence.trained_before = self.empty_passes, self.trained_before
        evidence.left_by = self.left_by
        return evidence

    def write(self) -> None:
        """Write the record as it is now; a full disk must not end another's script."""
        if self.file:
            diagnosis = self.diagnosis if self.ended else None
            try:
                write_record(self.file, record_of(self.watcher, diagnosis))
                self.unwritten = ""
            except UserError as error:
                self.unwritten = str(error)
            except Exception as fault:  # of ours
                _log.exception("the record of a loop was not written")
                self.unwritten = f"{type(fault).__name__}: {fault}"
        if self.ended and self.unwritten:
            _log.warning("There is no whole record of this loop: %s", self.unwritten)

    def html(self, heading: str) -> str:
        """Return what the doctor says as a notebook shows it, with the curves of the loop."""
        return report(heading, self.diagnosis, [self._curves()])

    def _curves(self) -> Picture:
        """Return the losses as a chart."""
        watcher = self.watcher
        steps, losses = watcher.losses()
        series = [Series("training", tuple(steps.tolist()), tuple(losses.tolist()))]
        if watcher.validations:
            series.append(Series("validation", *zip(*watcher.validations, strict=True)))
        values = losses[np.isfinite(losses)]
        log = bool(len(values)) and 0 < 30 * values.min() < values.max()
        return Picture("Loss", "lines", tuple(series), y_label="loss", log=log)


_open: list["watch"] = []
"""Those whose block is open, outer ones first; they share the budget of the outermost one."""


class watch:  # noqa: N801, read as a verb: ``with watch() as seen``
    """Watch a training loop, and say at its end what is wrong with it, if anything is.

    Args:
        objects: models, optimisers, parameters or lists of them, where they are not in variables
            near the loop.
        name: of the record; by default the script's name.
        quiet: print nothing at the end.
        record: where the record goes; None for the folder of runs, False for nowhere.
        budget: seconds that experiments on copies may take at the end.
        share: of the loop's time, how much the observations may take; the steps that are observed
            are the same ones otherwise, whatever the machine does besides.
    """

    def __init__(
        self,
        *objects: Any,
        name: str = "",
        quiet: bool = False,
        record: Path | str | bool | None = None,
        budget: float = 15.0,
        share: float = 0.02,
    ) -> None:
        script = Path(sys._getframe(1).f_globals.get("__file__") or "notebook").stem
        self._loop = WatchedLoop(objects, name or script, record, budget, share)
        self._state_dicts = StateDicts(lambda: self._loop.watcher.total, self._loop.loaded_itself)
        self._quiet = quiet

    @property
    def diagnosis(self) -> Diagnosis:
        """What the doctor says, after the ``with`` block."""
        return self._loop.diagnosis

    def __enter__(self) -> Self:
        """Begin with the first step."""
        _open.append(self)
        self._left = self._loop.budget
        self._loop.begin(sys._getframe(1))
        self._state_dicts.open()
        return self

    def step(self, loss: Tensor | float) -> None:
        """Report that a step is done, with its loss, after the update."""
        self._loop.step(loss, sys._getframe(1))

    def validate(self, loss: Tensor | float, accuracy: Tensor | float | None = None) -> None:
        """Report the loss on other data, where it is measured anyway.

        Args:
            loss: the mean over that data.
            accuracy: on that data, 0 to 1 or in per cent, if it is known.
        """
        self._loop.validate(loss, accuracy)

    @contextmanager
    def using(self) -> Iterator[None]:
        """``with seen.using():`` around an inference: sampling, predicting.

        After the loop it examines again, and prints and records what it says then.
        """
        with self._loop.using(sys._getframe(2)):
            yield
        if self._loop.ended:
            self._tell("Examined again, with the inference:\n")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Diagnose the loop; an error goes its way afterwards."""
        if self in _open:
            _open.remove(self)
        self._state_dicts.close()
        if kind is not None and not issubclass(kind, Exception | KeyboardInterrupt):
            self._loop.abandon()
            return
        outermost = _open[0] if _open else self
        self._loop.budget = min(self._loop.budget, outermost._left)
        begin = time.perf_counter()
        self._loop.end(error)
        outermost._left = max(0.0, outermost._left - (time.perf_counter() - begin))
        self._tell()

    def _tell(self, before: str = "") -> None:
        """Print the diagnosis, if that is wanted."""
        if not self._quiet:
            if before:
                _print(before)
            self._show()
            if self._loop.file and not self._loop.unwritten:
                _print(f"\nThe record is in {self._loop.file}")

    def __repr__(self) -> str:
        """Return what the doctor says, as plain text."""
        return self.diagnosis.text()

    def _repr_html_(self) -> str:
        """Return what the doctor says as a notebook shows it, with the curves of the loop."""
        return self._loop.html(self.diagnosis.headline)

    def _show(self) -> None:
        """Show what the doctor says: as HTML in a notebook, as text elsewhere."""
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if shell is not None and hasattr(shell, "kernel"):
            sys.modules["IPython.display"].display(self)
        else:
            _print(self.diagnosis.text())


def _print(words: str) -> None:
    """Print what can be printed there: a narrow encoding or a closed pipe ends no script."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with suppress(OSError, ValueError):
        print(words.encode(encoding, "replace").decode(encoding))  # noqa: T201, what it is for


def _in_words(error: BaseException, file: str) -> tuple[str, bool, Line | None]:
    """Return an error's message with its line, whether torch raised it, and where that line is."""
    frames = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in frames if frame.filename == file] or list(frames[:1])
    lines = str(error).strip().splitlines()
    said = lines[0].rstrip(".") if lines else ""
    words = f"{type(error).__name__}: {textwrap.shorten(said, MESSAGE, placeholder=' ...')}"
    if mine and mine[-1].line:
        words += f", in line {mine[-1].lineno}: {mine[-1].line}"
    by_torch = isinstance(error, RuntimeError) or any("torch" in f.filename for f in frames)
    at = (mine[-1].filename, mine[-1].lineno) if mine and mine[-1].lineno else None
    return words, by_torch or bool(usual_cause(words)), at


def record_of(watcher: LoopWatcher, diagnosis: Diagnosis | None) -> LoopRecord:
    """Return what is kept of a watched loop, as plain values."""
    steps, losses = watcher.losses()
    observations = watcher.observations
    last = observations[-1] if observations else None
    return LoopRecord(
        steps=steps,
        losses=losses,
        validations=watcher.validations,
        accuracies=[(step, accuracy) for step, _, accuracy in watcher.metrics],
        seconds=[
            *((seen.step, round(seen.seconds, 3)) for seen in observations),
            (watcher.count, round(watcher.duration or watcher.seconds, 3)),
        ],
        rates=[(seen.step, seen.lr) for seen in observations],
        count=watcher.count,
        batch_size=batch_size(observations),
        settings=inferred_settings(observations),
        device=last.device if last else "cpu",
        layers=[
            {LAYER_KEYS.get(key, key): value for key, value in dataclasses.asdict(layer).items()}
            for layer in (last.layers if last else ())
        ],
        diagnosis=diagnosis.to_dict() if diagnosis else None,
        error=watcher.error,
    )
