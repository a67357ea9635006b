"""The trainer: a generator that does the steps and tells what happens as events.

    run = Run(playground, recipe, data, device, seconds=60)
    for event in train(run, Control()):
        ...

At each event, and at each step edge, it honours what its control was asked: pause, single step,
stop, changed settings, questions about the model.
"""

import logging
import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..layers import size_of
from ..playground import Playground
from ..telemetry.events import (
    Evaluated,
    Event,
    Examples,
    Failed,
    Finished,
    Metrics,
    Noted,
    Paused,
    Resumed,
    Started,
    Stopped,
    Surveyed,
    Weights,
    frozen,
)
from ..telemetry.probes import Probe, describe
from .checkpoint import Checkpoint, save_checkpoint
from .control import Control, Question
from .device import use_threads
from .distributed import ProcessTeam
from .fault_injection import FaultInjection
from .learner import Learner
from .nan_guard import NanGuard
from .pace import Pace
from .recipe import Recipe
from .run_observer import RunObserver, RunRecorder

QUICK_EVAL_EXAMPLES = 1000  # examples that judge on the way
_log = logging.getLogger("glassbox")


@dataclass(frozen=True)
class Run:
    """One training: what, on what, where, and for how long.

    Attributes:
        seconds, steps: its length, one of them; seconds count training alone.
        watched: whether probes look and weights are told, for a screen.
        out: where the checkpoint goes; None for nowhere but the record.
        resume: the checkpoint to go on from.
        weights_only: keep no more than a network to use, a third of the size.
        probe_every: seconds between two looks at the layers, at least.
        keep_every: seconds between two checkpoints on the way; None for one at the end.
        judged: how many examples judge at the end, about; None for all.
        sabotage: what is done wrong on purpose; None for nothing.
        attendant: the doctor beside it; None for nobody.
        team: the processes that do it together, of which this one leads; None for this one alone.
        scribe: who writes its record; None for nobody.
        first: the step that it began at, if it was broken off and goes on; None for here and now.
        spent: the seconds that it had trained when it was broken off.
    """

    playground: Playground
    recipe: Recipe
    data: Any
    device: torch.device
    seconds: float | None = None
    steps: int | None = None
    watched: bool = False
    out: Path | None = None
    resume: Checkpoint | None = None
    weights_only: bool = False
    probe_every: float = 0.1
    keep_every: float | None = None
    judged: int | None = None
    sabotage: FaultInjection | None = None
    attendant: RunObserver | None = None
    team: ProcessTeam | None = None
    scribe: RunRecorder | None = None
    first: int | None = None
    spent: float = 0.0


@dataclass
class _Group:
    """Steps whose losses are still on the device."""

    losses: list[Tensor] = field(default_factory=list)
    correct: list[Tensor] = field(default_factory=list)

    def add(self, loss: Tensor, correct: Tensor | None) -> None:
        """Remember a step's loss, and its share of right answers where there is one."""
        self.losses.append(loss)
        if correct is not None:
            self.correct.append(correct)


class _Loop:
    """The state of a run between two steps."""

    def __init__(self, run: Run, control: Control) -> None:
        self.run = run
        self.control = control
        self.learner = Learner(
            run.playground, run.recipe, run.data, run.device, run.resume, run.sabotage, run.team
        )
        use_threads(self.learner.model, run.device)
        # What counts has no steps to look at.
        self.attendant = None if self.learner.counts else run.attendant
        if self.attendant:
            self.attendant.begun(self.learner, run.steps or 0)
        self.first = self.learner.step if run.first is None else run.first
        self.group = _Group()
        self.clock = run.spent
        self.lifeline = NanGuard(self.learner)
        self.look = Pace(run.probe_every, 0.02) if run.watched else Pace(0.5, 0.002)
        self.tell = Pace(0.1)
        self.judge = Pace(1.0, share=0.01)
        self.save = Pace(run.keep_every or math.inf)
        self.loss = math.nan
        self.accuracy = math.nan
        self.usual = 0.0  # seconds that an unwatched step takes, lately
        self.standing = False  # was told to be paused, and not yet to have gone on
        self.failed = False
        self.glance = min(QUICK_EVAL_EXAMPLES, run.judged or QUICK_EVAL_EXAMPLES)
        self.progress = 0.0
        """How much of the run is done, 0 to 1."""
        self._spend(0.0)
        if run.scribe:
            run.scribe.begun(run, self.learner)

    def _spend(self, seconds: float) -> None:
        """Let the run's clock go on, and see how far it is."""
        self.clock += seconds
        if self.learner.counts:
            done = float(self.learner.step)
        elif self.run.steps is not None:
            done = (self.learner.step - self.first) / max(1, self.run.steps)
        else:
            done = self.clock / max(1e-9, self.run.seconds or 0.0)
        self.progress = min(1.0, done)

    def started(self) -> Started:
        run, learner = self.run, self.learner
        return Started(
            playground=run.playground.name,
            model=str(run.recipe.to_dict()["model"]),
            device=str(run.device),
            dataset=run.playground.dataset(run.data),
            parameters=size_of(learner.model),
            layers=describe(learner.model),
            uniform_loss=run.playground.uniform_loss(run.recipe, learner.vocabulary),
            vocabulary=learner.vocabulary,
            step=learner.step,
            note=learner.note,
        )

    def step(self) -> None:
        """Do one step; the bare minimum, since small networks do thousands in a second."""
        begin = time.perf_counter()
        if self.attendant is None:
            self.group.add(*self.learner.learn(*self.learner.take(), self.progress))
        else:
            self.attendant.before()
            loss, correct = self.learner.learn(*self.learner.take(), self.progress)
            self.attendant.after(loss)
            self.group.add(loss, correct)
        spent = time.perf_counter() - begin
        self.usual += 0.1 * (spent - self.usual)
        self._spend(spent)

    def watched_step(self) -> Iterator[Event]:
        """Do one step, and look at it."""
        begin = time.perf_counter()
        share = self.learner.rate(self.progress) / self.learner.recipe.lr
        if self.attendant:
            self.attendant.before()
        batch = self.learner.take()
        with Probe(self.learner.model) as probe:
            loss, correct = self.learner.learn(*batch, self.progress, probe)
        self.group.add(loss, correct)
        if self.attendant:
            self.attendant.after(loss)
        self._spend(time.perf_counter() - begin)
        yield probe.snapshot(self.learner.step, share)
        if self.run.watched:
            yield self.weights()
            yield Examples(frozen(batch[0][:16]), frozen(batch[1][:16]))
        # The probes cost what such a step takes longer than one that nobody watches.
        self.look.charge(time.perf_counter() - begin - self.usual)

    def looks(self, alone: bool) -> bool:
        """Whether to look at the next step."""
        if self.learner.counts:
            return False  # it has no gradients to look at
        return (self.run.watched or self.run.scribe is not None) and (alone or self.look.due())

    def weights(self) -> Weights:
        state = self.learner.model.state_dict()
        return Weights(self.learner.step, {name: frozen(t) for name, t in state.items()})

    def metrics(self) -> Metrics:
        """Bring the group's losses over, in one transfer."""
        begin = time.perf_counter()
        group, self.group = self.group, _Group()
        numbers = frozen(torch.stack([*group.losses, *group.correct]).float())
        losses, correct = np.split(numbers, [len(group.losses)])
        self.loss = float(losses[-20:].mean())
        self.accuracy = float(correct.mean()) if len(correct) else math.nan
        self._spend(time.perf_counter() - begin)
        return Metrics(
            step=self.learner.step,
            losses=losses,
            accuracy=self.accuracy,
            learning_rate=self.learner.rate(self.progress),
            seconds=self.clock,
            progress=self.progress,
        )

    def evaluated(self, limit: int | None = None) -> Evaluated:
        run, model = self.run, self.learner.model
        with self.judge.spending():
            numbers, details = run.playground.validate(model, run.data, run.recipe, limit)
        if run.sabotage:
            numbers = run.sabotage.judged(numbers, details)
        event = Evaluated(self.learner.step, self.clock, numbers, details)
        if self.attendant:
            self.attendant.judged(event)
        return event

    def keep(self, metrics: dict[str, float]) -> str:
        """Write the checkpoint, and say where."""
        about = {
            "dataset": self.run.playground.dataset(self.run.data),
            "steps": self.learner.step,
            "seconds": round(self.clock, 3),
            "metrics": metrics,
        }
        run = self.run
        if run.out is not None:
            checkpoint = self.learner.checkpoint(about)
            save_checkpoint(
                run.out, replace(checkpoint, resume={}) if run.weights_only else checkpoint
            )
        try:
            kept = run.scribe.keep(about) if run.scribe else ""
        except UserError:
            if run.out is None:
                raise
            kept = ""  # the network is kept elsewhere, and the record says by itself what it lacks
        return str(run.out or kept)


def train(run: Run, control: Control) -> Iterator[Event]:
    """Train, and yield what happens; the last event is Finished, Stopped or Failed.

    Raises:
        UserError: the run can't begin: its checkpoint does not fit, or its data is too small.
    """
    loop = _Loop(run, control)
    if run.scribe is None:
        yield from _events(loop)
    else:
        yield from _written(_events(loop), run.scribe)


def follow(run: Run) -> None:
    """Do the steps that the leader of the run's team does, until it has done its last.

    Raises:
        UserError: as :func:`train`.
    """
    assert run.team is not None
    learner = Learner(run.playground, run.recipe, run.data, run.device, run.resume, team=run.team)
    use_threads(learner.model, run.device)
    while (progress := run.team.follow()) is not None:
        learner.learn(*learner.take(), progress)
        learner.trail.clear()


def _written(events: Iterator[Event], scribe: RunRecorder) -> Iterator[Event]:
    """Have events written down before they are told; if that fails, say so, and train on."""
    told = ""
    try:
        for event in events:
            problem = scribe.hear(event)
            if problem and problem != told:
                told = problem
                yield Noted(f"The record of this run is not complete: {problem}")
            yield event
    except Exception as error:
        ours = "" if isinstance(error, UserError) else "Something went wrong inside Glassbox: "
        scribe.hear(Failed(0, f"{ours}{error}"))
        raise


def _events(loop: _Loop) -> Iterator[Event]:
    """Do the steps, from the beginning to an ending."""
    run, control = loop.run, loop.control
    yield loop.started()
    if run.watched:
        yield Surveyed(run.playground.survey(run.data, loop.learner.vocabulary))
        yield loop.weights()
        yield loop.evaluated(loop.glance)
    while loop.progress < 1.0 and not control.stopping:
        alone = False
        if control.wanted:
            if loop.group.losses:
                yield from _tell(loop)  # first, so that a change or a pause finds all well
                if loop.failed:
                    return
            alone = yield from _honour(loop)
            if control.stopping:
                break
        if loop.looks(alone):
            yield from loop.watched_step()
        else:
            loop.step()
        if alone or loop.tell.due() or loop.progress >= 1.0:
            yield from _tell(loop)
            if loop.failed:
                return
            if loop.judge.due():
                yield loop.evaluated(loop.glance)
            if loop.attendant:
                yield from loop.attendant.say(loop.progress)
            if loop.run.keep_every and loop.save.due():
                try:
                    loop.keep({"train_loss": loop.loss})
                except UserError as error:  # there may be room again when it ends
                    yield Noted(str(error))
    yield from _end(loop)


def _tell(loop: _Loop) -> Iterator[Event]:
    """Tell the losses since the last time; if one is no number, end the run as failed."""
    yield (metrics := loop.metrics())
    if np.isfinite(metrics.losses).all():
        loop.lifeline.renew()
    else:
        loop.failed = True
        yield from _fail(loop, metrics)


def _honour(loop: _Loop) -> Generator[Event, None, bool]:
    """Do what was asked at this step edge; returns whether a single step was granted."""
    control, learner = loop.control, loop.learner
    while True:
        wishes = control.take()
        for key, value in wishes.changes.items():
            learner.change(key, value)
        if wishes.question:
            yield from _answer(loop, wishes.question)
        if control.stopping:
            return False
        if control.take_step():
            return True
        if not control.paused:
            if loop.standing:
                loop.standing = False
                yield Resumed(learner.step)
            return False
        if not loop.standing:
            loop.standing = True
            yield Paused(learner.step)
        if loop.run.scribe:
            loop.run.scribe.waiting()
        control.wait()


def _answer(loop: _Loop, question: Question) -> Iterator[Event]:
    """Let the model be looked at; a look that fails must not cost the training."""
    try:
        yield question(loop.learner.model, loop.learner.step)
    except Exception:
        _log.exception("a question about the model failed")


def _end(loop: _Loop) -> Iterator[Event]:
    """Judge the network, keep it, and say how it ended."""
    if loop.group.losses:
        yield from _tell(loop)
        if loop.failed:
            return
    loop.learner.leave_team()
    numbers: dict[str, float] = {"train_loss": loop.loss, "train_accuracy": loop.accuracy}
    if not loop.control.abandoned:
        if loop.run.watched:
            yield loop.weights()
        yield (judged := loop.evaluated(loop.run.judged))
        numbers |= judged.metrics
    numbers = {name: value for name, value in numbers.items() if math.isfinite(value)}
    ending = Stopped if loop.control.stopping else Finished
    try:
        kept = loop.keep(numbers)
    except UserError as error:
        yield Failed(loop.learner.step, str(error))
        return
    yield ending(loop.learner.step, loop.clock, kept)


def _fail(loop: _Loop, metrics: Metrics) -> Iterator[Event]:
    """Find where the loss stopped being a number, go back to the last good weights, keep them."""
    loop.learner.leave_team()
    finding = loop.lifeline.find(metrics)
    sentence = (
        f"The loss became {finding.what} at step {finding.step:,}"
        + (f"; it began in layer {finding.layer} ({finding.where})" if finding.layer else "")
        + f". The weights of step {loop.learner.step:,}, the last good ones, are back;"
        " try a lower learning rate."
    )
    try:
        kept = loop.keep({})
    except UserError as error:
        kept, sentence = "", f"{sentence} {error}"
    if loop.run.watched:
        yield loop.weights()
    yield Failed(finding.step, sentence, finding.layer, kept)
