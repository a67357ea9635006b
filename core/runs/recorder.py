"""Writes a run's record beside it, as it goes.

What it costs is spread over the run: each kind of writing has a pace of its own, and none takes
more than some thousandths of the time.
"""

import contextlib
import dataclasses
import math
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..environment import environment
from ..errors import UserError
from ..layers import size_of
from ..telemetry.events import (
    Diagnosed,
    Evaluated,
    Event,
    Failed,
    Finished,
    Metrics,
    Snapshot,
    Started,
    Stopped,
)
from ..telemetry.history import History
from ..training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ..training.learner import Learner
from ..training.pace import Pace
from .curves import read_curves, write_curves
from .folder import BEST, CURVES, LAST, drop_drafts
from .keyframe_schedule import KeyframeSchedule
from .keyframes import forget_after
from .record_lock import RecordLock
from .run_info import RunInfo, read_run_info, write_run_info

if TYPE_CHECKING:
    from ..training.trainer import Run

SHARE = 0.002  # of the time, for each kind of writing
BETTER = 0.05  # of the last validation loss: on the way fewer examples judge, and chance is larger
ENDINGS = {Finished: "finished", Stopped: "stopped", Failed: "failed"}


class FileRecorder:
    """Writes the record of one run.

    Args:
        folder: where its record lies, or will lie; another place beside it, if that is taken.
        source: where its data lies; None for what is bundled.
        lock: of the record that it continues where that ends; None to start one.
    """

    def __init__(self, folder: Path, source: Path | None, lock: RecordLock | None = None) -> None:
        self.folder, self._lock, self._resumes = folder, lock, lock is not None
        self._source = str(source.resolve()) if source else ""
        self._history = History()
        # However long a writing took, once and on a busy machine: a kill is to cost little.
        self._progress = Pace(1.0, SHARE, 2.0)
        self._saving = Pace(5.0, SHARE, 30.0)
        self._saving_best = Pace(1.0, SHARE)
        self._best, self._best_step = math.inf, 0
        self._recipe: dict[str, Any] = {}
        self._discarded = False
        self._problem = ""
        """What could not be written or read, and was not told yet."""
        self._good: Checkpoint | None = None
        """The best weights, while they are not written."""
        self._about: RunInfo
        self._keyframes: KeyframeSchedule
        self._learner: Learner

    def on_start(self, run: "Run", learner: Learner) -> None:
        """A run starts, or is resumed where its record ends."""
        self._learner, self._run = learner, run
        self._recipe = learner.recipe.to_dict()
        if self._resumes:
            self._resume(learner.step)
        else:
            self._claim()
        self._keyframes = KeyframeSchedule(self.folder, learner, SHARE)

    def _claim(self) -> None:
        """Make a folder that is new: two runs may start in one second."""
        wanted, number = self.folder, 1
        while True:
            try:
                self.folder.mkdir(parents=True)
                self._lock = RecordLock(self.folder)
                return
            except FileExistsError:
                number += 1
                self.folder = wanted.with_name(f"{wanted.name}-{number}")
            except OSError as error:
                raise UserError(
                    f"{self.folder} can't be made ({error.strerror or error}); make room there, or"
                    " let the variable GLASSBOX_RUNS name another folder."
                ) from None

    def _resume(self, step: int) -> None:
        """Continue the record at a step; what it has beyond will be done again."""
        self._about = read_run_info(self.folder)
        drop_drafts(self.folder)
        write_run_info(self.folder, self._about.told_now(state="running"))
        done = tuple(change for change in self._about.changes if change[0] <= step)
        self._about = dataclasses.replace(self._about, changes=done)
        self._recipe = {**self._about.recipe, **self._about.changed}
        with self._put_aside(CURVES):  # they begin anew here
            self._history = read_curves(self.folder, len(self._about.layers))
        self._history.cut(step)
        forget_after(self.folder, step)
        with self._put_aside(BEST):  # the next good ones take their place
            if (self.folder / BEST).is_file():
                kept = load_checkpoint(self.folder / BEST)
                self._best, self._best_step = _validation_loss(kept), int(kept.about["steps"])

    @contextlib.contextmanager
    def _put_aside(self, name: str) -> Iterator[None]:
        """Keep a part that can't be read under another name; the run does without it."""
        with self._telling():
            try:
                yield
            except UserError:
                part = self.folder / name
                with contextlib.suppress(OSError):
                    part.replace(part.with_stem(f"{part.stem}-damaged"))
                raise

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Go on where a part can't be written or read: the others are not lost with it."""
        try:
            yield
        except (UserError, OSError) as error:
            self._problem = self._problem or str(error)

    def record(self, event: Event) -> str:
        """Record an event; returns in a sentence why it can't be written, or ""."""
        if self._discarded:
            return ""
        self._history.add(event)
        with self._telling():
            if isinstance(event, Started):
                self._begin(event)
            elif isinstance(event, Metrics):
                self._record_metrics(event)
            elif isinstance(event, Evaluated):
                self._record_evaluation(event)
            elif isinstance(event, Snapshot):
                self._keyframes.see(event)
            elif isinstance(event, Diagnosed):
                self._about = self._about.told_now(diagnosis=event.diagnosis.to_dict())
            elif isinstance(event, Finished | Stopped | Failed):
                self._end(event)
        problem, self._problem = self._problem, ""
        return problem

    def heartbeat(self) -> None:
        """Note that the run is paused, and alive."""
        if self._progress.due():
            # What can't be written now is reported with the next event.
            with contextlib.suppress(UserError):
                write_run_info(self.folder, self._about.told_now())

    def closing_note(self) -> str:
        """Return where better weights than the last ones are; "" where there are none."""
        last = self._about.metrics.get("val_loss", math.nan)
        if not last - self._best > BETTER * abs(last):
            return ""
        return (
            f"The validation loss was lowest at step {self._best_step:,} ({self._best:.4f}): the"
            f" weights of that step are kept, too, in {self.folder.name}/{BEST}."
        )

    def discard(self) -> None:
        """Leave no record of a run that was stopped before its first step."""
        self._discarded = True
        self._let_go()
        shutil.rmtree(self.folder, ignore_errors=True)  # what is left opens as an interrupted run

    def _let_go(self) -> None:
        if self._lock:
            self._lock.release()

    def save(self, about: dict[str, Any]) -> str:
        """Write the checkpoint, and return where."""
        with self._telling():  # first: a checkpoint is never ahead of curves that can be written
            write_curves(self.folder, self._history)
        save_checkpoint(self.folder / LAST, self._learner.checkpoint(about))
        return str(self.folder / LAST)

    def _begin(self, event: Started) -> None:
        run, learner = self._run, self._learner
        if self._resumes:
            self._about = self._about.told_now(state="running", step=learner.step, sentence="")
        else:
            self._about = RunInfo(
                playground=event.playground,
                model=event.model,
                recipe=self._recipe,
                dataset=event.dataset,
                source=self._source,
                device=event.device,
                parameters=size_of(learner.model),
                layers=event.layers,
                uniform_loss=event.uniform_loss,
                environment=environment(event.device),
                first=learner.step,
                steps=run.steps,
                seconds=run.seconds,
                begun=time.time(),
                step=learner.step,
            ).told_now()
        with self._telling():
            write_run_info(self.folder, self._about)
        if not (self.folder / LAST).is_file():
            self.save(self._state())
            self._keyframes.keep()
        for pace in (self._progress, self._saving):
            pace.due()  # it is written by now, and again when its time has passed

    def _state(self) -> dict[str, Any]:
        about = self._about
        return {
            "dataset": about.dataset,
            "steps": self._learner.step,
            "seconds": about.spent,
            "metrics": dict(about.metrics),
        }

    def _record_metrics(self, event: Metrics) -> None:
        self._note_changes()
        loss = event.recent_loss
        self._about = dataclasses.replace(
            self._about,
            step=event.step,
            spent=event.seconds,
            metrics={**self._about.metrics, "train_loss": loss},
        )
        if not math.isfinite(loss):
            return  # the last good weights are restored first
        if self._saving.due():
            with self._saving.spending(), self._telling():
                self.save(self._state())
        if self._good and self._saving_best.due():
            with self._saving_best.spending(), self._telling():
                self._save_best()
        if self._progress.due():
            with self._progress.spending():
                with self._telling():
                    write_curves(self.folder, self._history)
                write_run_info(self.folder, self._about.told_now())

    def _note_changes(self) -> None:
        """Record which settings were changed since the last event."""
        step, now = self._learner.step, self._learner.recipe.to_dict()
        changes = [(step, key, value) for key, value in now.items() if self._recipe[key] != value]
        self._recipe = now
        self._about = dataclasses.replace(self._about, changes=(*self._about.changes, *changes))

    def _record_evaluation(self, event: Evaluated) -> None:
        if event.step == self._about.first:
            return  # it says nothing about this training yet
        metrics = {**self._about.metrics, **event.metrics}
        self._about = dataclasses.replace(self._about, metrics=metrics, judged=event.step)
        if event.metrics["val_loss"] < self._best:
            self._best, self._best_step = event.metrics["val_loss"], event.step
            best = self._learner.checkpoint(self._state())
            # A copy: it is written when it is time, and the network goes on.
            weights = {name: t.detach().to("cpu", copy=True) for name, t in best.weights.items()}
            self._good = dataclasses.replace(best, weights=weights, resume={})

    def _save_best(self) -> None:
        """Write the best weights, if there are better ones than those that are written."""
        if self._good:
            save_checkpoint(self.folder / BEST, self._good)
            self._good = None

    def _end(self, event: Finished | Stopped | Failed) -> None:
        sentence = event.sentence if isinstance(event, Failed) else ""
        self._note_changes()
        for write in (
            partial(write_curves, self.folder, self._history),
            self._save_best,
            partial(self._keyframes.keep, last=True),
        ):
            with self._telling():
                write()
        state, step = ENDINGS[type(event)], self._learner.step
        self._about = self._about.told_now(state=state, step=step, sentence=sentence)
        with self._telling():
            write_run_info(self.folder, self._about)
        self._let_go()


def _validation_loss(checkpoint: Checkpoint) -> float:
    """Return how a checkpoint was judged; infinity where its file does not say."""
    metrics = checkpoint.about.get("metrics")
    loss = metrics.get("val_loss") if isinstance(metrics, dict) else None
    return float(loss) if isinstance(loss, int | float) else math.inf
