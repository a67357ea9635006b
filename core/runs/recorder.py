"""Writes a run's record beside it, as it goes.

What it costs is spread over the run: each kind of writing has a pace of its own, and none takes
more than some thousandths of the time.
"""

import contextlib
import dataclasses
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import UserError
from core.layers import size_of
from core.runs.about import About, environment, read_about, write_about
from core.runs.curves import read_curves, write_curves
from core.runs.folder import ABOUT, BEST, LAST, drop_drafts
from core.runs.memory import Memory
from core.runs.moments import forget_after
from core.telemetry.events import (
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
from core.telemetry.history import History
from core.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from core.training.learner import Learner
from core.training.pace import Pace

if TYPE_CHECKING:
    from core.training.trainer import Run

SHARE = 0.003  # of the time, for each kind of writing
ENDINGS = {Finished: "finished", Stopped: "stopped", Failed: "failed"}


class Recorder:
    """The scribe of one run.

    Args:
        folder: where its record lies, or will lie.
        source: where its data lies; None for what is bundled.
    """

    def __init__(self, folder: Path, source: Path | None) -> None:
        self.folder = folder
        self._source = str(source.resolve()) if source else ""
        self._history = History()
        self._tell = Pace(1.0, SHARE)
        self._save = Pace(5.0, SHARE)
        self._look = Pace(0.5, SHARE)
        self._better = Pace(1.0, SHARE)
        self._best = math.inf
        self._recipe: dict[str, Any] = {}
        self._good: Checkpoint | None = None
        """The best weights, while they are not written."""
        self._about: About
        self._memory: Memory
        self._learner: Learner

    def begun(self, run: "Run", learner: Learner) -> None:
        """A run begins, or goes on where its record ends."""
        self._learner, self._run = learner, run
        self._make_folder()
        self._recipe = learner.recipe.to_dict()
        if (self.folder / ABOUT).is_file():
            self._go_on(learner.step)
        self._memory = Memory(self.folder, learner, SHARE)

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"{self.folder} can't be made ({reason}); make room there.") from None

    def _go_on(self, step: int) -> None:
        """Take up the record at a step; what it tells beyond will be done again."""
        drop_drafts(self.folder)
        self._about = read_about(self.folder)
        self._history = read_curves(self.folder)
        self._history.cut(step)
        forget_after(self.folder, step)
        if (self.folder / BEST).is_file():
            self._best = _judged(load_checkpoint(self.folder / BEST))

    def hear(self, event: Event) -> str:
        """Write down an event; returns in a sentence why it can't be written, or ""."""
        self._history.add(event)
        try:
            if isinstance(event, Started):
                self._begin(event)
            elif isinstance(event, Metrics):
                self._go_along(event)
            elif isinstance(event, Evaluated):
                self._judge(event)
            elif isinstance(event, Snapshot):
                self._memory.see(event)
            elif isinstance(event, Diagnosed):
                self._about = self._about.told_now(diagnosis=event.diagnosis.to_dict())
            elif isinstance(event, Finished | Stopped | Failed):
                self._end(event)
        except UserError as error:
            return str(error)
        return ""

    def wants_look(self) -> bool:
        """Whether it is time to look at the layers, though no screen does."""
        return self._look.due()

    def waiting(self) -> None:
        """Say that the run stands still, and is alive."""
        if self._tell.due():
            # What can't be written now is complained of with the next event.
            with contextlib.suppress(UserError):
                write_about(self.folder, self._about.told_now())

    def keep(self, about: dict[str, Any]) -> str:
        """Write the checkpoint, and say where."""
        write_curves(self.folder, self._history)  # first: a checkpoint is never ahead of them
        save_checkpoint(self.folder / LAST, self._learner.checkpoint(about))
        return str(self.folder / LAST)

    def _begin(self, event: Started) -> None:
        run, learner = self._run, self._learner
        if (self.folder / ABOUT).is_file():
            self._about = self._about.told_now(state="running", step=learner.step, sentence="")
        else:
            self._about = About(
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
        write_about(self.folder, self._about)
        if not (self.folder / LAST).is_file():
            self.keep(self._standing())
            self._memory.keep()

    def _standing(self) -> dict[str, Any]:
        about = self._about
        return {
            "dataset": about.dataset,
            "steps": self._learner.step,
            "seconds": about.spent,
            "metrics": dict(about.metrics),
        }

    def _go_along(self, event: Metrics) -> None:
        changed = self._learner.recipe.to_dict()
        changes = [(event.step, k, v) for k, v in changed.items() if self._recipe[k] != v]
        self._recipe = changed
        loss = float(event.losses[-20:].mean())
        self._about = dataclasses.replace(
            self._about,
            step=event.step,
            spent=event.seconds,
            changes=(*self._about.changes, *changes),
            metrics={**self._about.metrics, "train_loss": loss},
        )
        if not math.isfinite(loss):
            return  # the last good weights come back first
        if self._save.due():
            with self._save.spending():
                self.keep(self._standing())
        if self._good and self._better.due():
            with self._better.spending():
                self._keep_best()
        if self._tell.due():
            with self._tell.spending():
                write_curves(self.folder, self._history)
                self._about = self._about.told_now()
                write_about(self.folder, self._about)

    def _judge(self, event: Evaluated) -> None:
        metrics = {**self._about.metrics, **event.metrics}
        self._about = dataclasses.replace(self._about, metrics=metrics)
        if event.metrics["val_loss"] < self._best and event.step > self._about.first:
            self._best = event.metrics["val_loss"]
            best = self._learner.checkpoint(self._standing())
            # A copy: it is written when it is time, and the network goes on.
            weights = {name: t.detach().to("cpu", copy=True) for name, t in best.weights.items()}
            self._good = dataclasses.replace(best, weights=weights, resume={})

    def _keep_best(self) -> None:
        """Write the best weights, if there are better ones than those that are written."""
        if self._good:
            save_checkpoint(self.folder / BEST, self._good)
            self._good = None

    def _end(self, event: Finished | Stopped | Failed) -> None:
        sentence = event.sentence if isinstance(event, Failed) else ""
        write_curves(self.folder, self._history)
        self._keep_best()
        self._memory.keep(last=True)
        state, step = ENDINGS[type(event)], self._learner.step
        self._about = self._about.told_now(state=state, step=step, sentence=sentence)
        write_about(self.folder, self._about)


def _judged(checkpoint: Checkpoint) -> float:
    """Return how a checkpoint was judged; infinity where its file does not say."""
    metrics = checkpoint.about.get("metrics")
    loss = metrics.get("val_loss") if isinstance(metrics, dict) else None
    return float(loss) if isinstance(loss, int | float) else math.inf
