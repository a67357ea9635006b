"""The trainer: a generator that does the steps and tells what happens as events.

    run = Run(playground, recipe, data, device, seconds=60)
    for event in train(run, Control()):
        ...

At each event, and at each step edge, it honours what its control was asked: pause, single step,
stop, changed settings, questions about the model. It
knows nothing of records, faults or the doctor: observers are told, a recorder is handed the events,
and whoever wants a learner with a fault brings it along.
"""

import logging
import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..interruption import CancelledError, heeding
from ..playground import Playground
from ..problems import problem_of
from ..telemetry.events import (
    DataDescribed,
    Evaluated,
    Event,
    Examples,
    Failed,
    Finished,
    Idle,
    Metrics,
    Noted,
    Paused,
    Resumed,
    Started,
    Stopped,
    Weights,
    frozen,
)
from ..telemetry.probes import Probe
from .checkpoint import Checkpoint, save_checkpoint
from .control import Control, Question
from .device import use_threads
from .distributed import ProcessGroup
from .evaluation import interruptible
from .learner import Learner
from .memory import check_memory
from .nan_guard import NanGuard
from .opening import describe_run
from .pace import Pace
from .recipe import Recipe
from .run_observer import RunObserver, RunRecorder

QUICK_EVAL_EXAMPLES = 1000  # of an evaluation on the way
LIVE = 5.0  # seconds between two looks at the layers for a screen, at most
_log = logging.getLogger("glassbox")


@dataclass(frozen=True)
class Run:
    """One training: what, on what, where, and for how long.

    Attributes:
        seconds, steps: its length, one of them; seconds count training alone.
        watched: whether snapshots, weights and examples are yielded, for a screen.
        out: where the checkpoint goes; None for nowhere but the record.
        resume: the checkpoint to go on from.
        weights_only: keep no more than a network to use, a third of the size.
        probe_every: seconds between two looks at the layers, at least.
        save_every: seconds between two checkpoints on the way; None for one at the end.
        eval_examples: how many examples the last evaluation takes, about; None for all.
        make_learner: makes the learner: :class:`Learner`, or something that behaves like it.
        observers: are told of every step.
        recorder: writes its record; None for none.
        group: the processes that do it together, of which this one leads; None for this one alone.
        first_step: the step that it started at, if it was interrupted; None for here and now.
        elapsed: the seconds that it had trained when it was interrupted.
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
    save_every: float | None = None
    eval_examples: int | None = None
    make_learner: Callable[..., Learner] = Learner
    observers: tuple[RunObserver, ...] = ()
    recorder: RunRecorder | None = None
    group: ProcessGroup | None = None
    first_step: int | None = None
    elapsed: float = 0.0

    @property
    def starts_from_checkpoint(self) -> bool:
        """Whether it is a new run from a checkpoint, and not the rest of an interrupted one."""
        return self.resume is not None and self.first_step is None


@dataclass
class _Group:
    """Steps whose losses are not told of yet: still on a device, or the numbers of a CPU.

    There tensors that stay would lie in memory between those of later steps, and make these slower.
    """

    losses: list[Tensor | float] = field(default_factory=list)
    correct: list[Tensor | float] = field(default_factory=list)

    def add(self, loss: Tensor, correct: Tensor | None) -> None:
        """Remember a step's loss, and its share of right answers where there is one."""
        self.losses.append(loss.item() if loss.is_cpu else loss)
        if correct is not None:
            self.correct.append(correct.item() if correct.is_cpu else correct)

    def tensor(self) -> Tensor:
        """Return all losses, then all shares of right answers, in float32."""
        numbers: list[Any] = [*self.losses, *self.correct]
        if isinstance(numbers[0], float):
            return torch.tensor(numbers, dtype=torch.float32)
        return torch.stack(numbers).float()


class _Loop:
    """The state of a run between two steps."""

    def __init__(self, run: Run, control: Control) -> None:
        self.run = run
        self.control = control
        self.learner = run.make_learner(
            run.playground, run.recipe, run.data, run.device, run.resume, run.group
        )
        use_threads(self.learner.model, run.device)
        # A model that counts has no steps to observe.
        self.observers = () if self.learner.fits_by_counting else run.observers
        for observer in self.observers:
            observer.on_start(self.learner, run.steps or 0)
        self.begun_at = self.learner.step
        self.first_step = self.begun_at if run.first_step is None else run.first_step
        self.group = _Group()
        self.clock = run.elapsed
        self.nan_guard = NanGuard(self.learner)
        self.probing = Pace(run.probe_every, 0.02, LIVE) if run.watched else Pace(0.5, 0.002)
        self.reporting = Pace(0.1)
        self.evaluating = Pace(1.0, share=0.01)
        self.saving = Pace(run.save_every or math.inf)
        self.loss = math.nan
        self.accuracy = math.nan
        self.typical_step_seconds = 0.0  # of the latest steps without probes
        self.probed_at = -1  # the step of the last snapshot
        self.paused = False  # Paused was yielded, and Resumed not yet
        self.failed = False
        self.quick = min(QUICK_EVAL_EXAMPLES, run.eval_examples or QUICK_EVAL_EXAMPLES)
        self.progress = 0.0
        """How much of the run is done, 0 to 1."""
        self._advance(0.0)
        if run.recorder:
            run.recorder.on_start(run, self.learner)

    def _advance(self, seconds: float) -> None:
        """Advance the run's clock and its progress."""
        self.clock += seconds
        if self.learner.fits_by_counting:
            done = float(self.learner.step)
        elif self.run.steps is not None:
            done = (self.learner.step - self.first_step) / max(1, self.run.steps)
        else:
            done = self.clock / max(1e-9, self.run.seconds or 0.0)
        self.progress = min(1.0, done)

    def started(self) -> Started:
        run, learner = self.run, self.learner
        return describe_run(
            run.playground,
            run.recipe,
            learner.model,
            learner.vocabulary,
            device=str(run.device),
            dataset=run.playground.dataset(run.data, run.recipe),
            step=learner.step,
            note=learner.note,
        )

    def step(self) -> None:
        """Do one step; the bare minimum, since small networks do thousands in a second."""
        begin = time.perf_counter()
        for observer in self.observers:
            observer.before_step()
        loss, correct = self.learner.learn(*self.learner.take(), self.progress)
        self._tell_observers(loss)
        self.group.add(loss, correct)
        seconds = time.perf_counter() - begin
        self.typical_step_seconds += 0.1 * (seconds - self.typical_step_seconds)
        self._advance(seconds)

    def probed_step(self) -> Iterator[Event]:
        """Do one step under probes."""
        begin, typical = time.perf_counter(), self.typical_step_seconds
        share = self.learner.rate(self.progress) / self.learner.recipe.lr
        for observer in self.observers:
            observer.before_step()
        batch = self.learner.take()
        with Probe(self.learner.model) as probe:
            loss, correct = self.learner.learn(*batch, self.progress, probe)
        self.group.add(loss, correct)
        self._tell_observers(loss)
        self._advance(time.perf_counter() - begin)
        self.probed_at = self.learner.step
        yield probe.snapshot(self.learner.step, share)
        if self.run.watched:
            yield self.weights()
            yield Examples(frozen(batch[0][:16]), frozen(batch[1][:16]))
        if typical:  # of the first step most is torch's own beginning
            # The probes cost what such a step takes longer than one without them.
            self.probing.charge(time.perf_counter() - begin - typical)

    def _tell_observers(self, loss: Tensor) -> None:
        """Tell of a step that is done; what is made of it is given up with the run."""
        if not self.observers:
            return
        with suppress(CancelledError), heeding(lambda: self.control.abandoned):
            for observer in self.observers:
                observer.after_step(loss)

    def last_snapshot(self) -> Iterator[Event]:
        """Measure the layers of a run that has ended, unless its last step was measured.

        The step that would come next is done under probes, and taken back.
        """
        learner = self.learner
        if not self.run.watched or learner.fits_by_counting or self.probed_at == learner.step:
            return
        step, done = learner.step, len(learner.trail)
        weights = {name: t.detach().clone() for name, t in learner.model.state_dict().items()}
        state = {name: t.detach().clone() for name, t in learner.state().items()}
        with Probe(learner.model) as probe:
            learner.learn(*learner.take(), self.progress, probe)
        learner.model.load_state_dict(weights)
        learner.restore(state)
        del learner.trail[done:]
        self.probed_at = step
        yield probe.snapshot(step, learner.rate(self.progress) / learner.recipe.lr)

    def probes(self, alone: bool) -> bool:
        """Whether the next step is done under probes; a single step always is."""
        if self.learner.fits_by_counting:
            return False  # it has no gradients
        wanted = self.run.watched or self.run.recorder is not None
        return wanted and (alone or self.probing.due())

    def weights(self) -> Weights:
        state = self.learner.model.state_dict()
        return Weights(self.learner.step, {name: frozen(t) for name, t in state.items()})

    def metrics(self) -> Metrics:
        """Bring the group's losses over, in one transfer."""
        begin = time.perf_counter()
        group, self.group = self.group, _Group()
        numbers = frozen(group.tensor())
        losses, correct = np.split(numbers, [len(group.losses)])
        self.accuracy = float(correct.mean()) if len(correct) else math.nan
        self._advance(time.perf_counter() - begin)
        metrics = Metrics(
            step=self.learner.step,
            losses=losses,
            accuracy=self.accuracy,
            learning_rate=self.learner.rate(self.progress),
            seconds=self.clock,
            progress=self.progress,
        )
        self.loss = metrics.recent_loss
        return metrics

    def evaluated(self, limit: int | None = None) -> Iterator[Evaluated]:
        """Evaluate the network, unless the run is abandoned meanwhile; on the way, stopped."""
        control, last = self.control, self.progress >= 1.0 or self.control.stopping

        def cancelled() -> bool:
            return control.abandoned or (control.stopping and not last)

        try:
            model = self.learner.model
            with self.evaluating.spending(), heeding(cancelled), interruptible(model):
                numbers, details = self.learner.evaluate(limit)
        except CancelledError:
            return
        event = Evaluated(self.learner.step, self.clock, numbers, details)
        for observer in self.observers:
            observer.on_evaluation(event)
        yield event

    def save(self, metrics: dict[str, float]) -> str:
        """Write the checkpoint, and return where."""
        about = {
            "dataset": self.run.playground.dataset(self.run.data, self.run.recipe),
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
            saved = run.recorder.save(about) if run.recorder else ""
        except UserError:
            if run.out is None:
                raise
            saved = ""  # it is saved elsewhere, and the record says what it lacks
        return str(run.out or saved)


def train(run: Run, control: Control) -> Iterator[Event]:
    """Train, and yield what happens; the last event is Finished, Stopped or Failed.

    Raises:
        UserError: the run can't begin: its checkpoint does not fit, its data is too small, or it
            takes more memory than is free.
    """
    if control.stopping and run.group is None:
        yield Stopped(0, 0.0)
        return
    check_memory(run)
    loop = _Loop(run, control)
    if run.recorder is None:
        yield from _events(loop)
    else:
        yield from _recorded(_events(loop), run.recorder)


def follow(run: Run) -> None:
    """Do the steps that the leading process does, until it has done its last.

    Raises:
        UserError: as :func:`train`.
    """
    assert run.group is not None
    learner = Learner(run.playground, run.recipe, run.data, run.device, run.resume, run.group)
    use_threads(learner.model, run.device)
    while (progress := run.group.follow()) is not None:
        learner.learn(*learner.take(), progress)
        learner.trail.clear()


def _recorded(events: Iterator[Event], recorder: RunRecorder) -> Iterator[Event]:
    """Have events recorded before they are yielded; if that fails, say so, and train on."""
    reported = set()
    try:
        for event in events:
            problem = recorder.record(event)
            if problem and problem not in reported:
                reported.add(problem)
                yield Noted(f"The record of this run is not complete: {problem}")
            yield event
    except Exception as error:
        known = problem_of(error)
        recorder.record(Failed(0, known or f"Something went wrong inside Glassbox: {error}"))
        raise


def _events(loop: _Loop) -> Iterator[Event]:
    """Do the steps, from the start to an ending."""
    run, control = loop.run, loop.control
    yield loop.started()
    if run.watched:
        about = run.playground.describe_data(run.data, loop.learner.vocabulary, run.recipe)
        yield DataDescribed(about)
        yield loop.weights()
        yield from loop.evaluated(loop.quick)
    elif run.starts_from_checkpoint and not control.stopping:  # to be compared with the end
        yield from loop.evaluated(run.eval_examples)
    while loop.progress < 1.0 and not control.stopping:
        alone = False
        if control.wanted:
            alone = yield from _obey(loop)
            if loop.failed:
                return
            if control.stopping:
                break
        if loop.probes(alone):
            yield from loop.probed_step()
        else:
            loop.step()
        if alone or loop.reporting.due() or loop.progress >= 1.0:
            yield from _report(loop)
            if loop.failed:
                return
            if loop.evaluating.due():
                yield from loop.evaluated(loop.quick)
            for observer in loop.observers:
                yield from observer.poll(loop.progress)
            if loop.run.save_every and loop.saving.due():
                try:
                    loop.save({"train_loss": loop.loss})
                except UserError as error:  # there may be room again when it ends
                    yield Noted(str(error))
    yield from _end(loop)


def _report(loop: _Loop) -> Iterator[Event]:
    """Report the losses since the last time; if one is NaN or infinite, end the run as failed."""
    yield (metrics := loop.metrics())
    if np.isfinite(metrics.losses).all():
        loop.nan_guard.renew()
    else:
        loop.failed = True
        yield from _fail(loop, metrics)


def _obey(loop: _Loop) -> Generator[Event, None, bool]:
    """Do what was asked at this step edge; returns whether a single step was granted."""
    control, learner = loop.control, loop.learner
    while True:
        requests = control.take()
        # First, so that a change or a pause finds all well. A question alone needs no report: a
        # screen that asks thirty times a second would have as many.
        if loop.group.losses and (requests.changes or control.wanted):
            yield from _report(loop)
            if loop.failed:
                return False
        for key, value in requests.changes.items():
            learner.change(key, value)
        for question in requests.questions.values():
            yield from _answer(loop, question)
        if control.stopping:
            return False
        if control.take_step():
            return True
        if control.paused is not loop.paused:
            loop.paused = control.paused
            yield Paused(learner.step) if loop.paused else Resumed(learner.step)
            continue  # more may have been asked meanwhile
        if not (control.paused or control.held):
            return False
        if loop.run.recorder:
            loop.run.recorder.heartbeat()
        yield Idle()
        control.wait()


def _answer(loop: _Loop, question: Question) -> Iterator[Event]:
    """Answer a question about the model; one that fails must not cost the training."""
    try:
        yield question(loop.learner.model, loop.learner.step)
    except Exception:
        _log.exception("a question about the model failed")
        yield Noted("A question about the network could not be answered; the log has the reason.")


def _end(loop: _Loop) -> Iterator[Event]:
    """Evaluate the network, save it, and yield how it ended; without a step nothing is kept."""
    run = loop.run
    if loop.learner.step == loop.begun_at and run.first_step is None and loop.control.stopping:
        loop.learner.leave_group()
        if run.recorder:
            run.recorder.discard()
        yield Stopped(loop.learner.step, loop.clock)
        return
    if loop.group.losses:
        yield from _report(loop)
        if loop.failed:
            return
    loop.learner.leave_group()
    numbers: dict[str, float] = {"train_loss": loop.loss, "train_accuracy": loop.accuracy}
    if not loop.control.abandoned:
        if loop.run.watched:
            yield loop.weights()
        for evaluated in loop.evaluated(loop.run.eval_examples):
            yield evaluated
            numbers |= evaluated.metrics
        for observer in loop.observers:
            yield from observer.on_end(loop.progress)
    numbers = {name: value for name, value in numbers.items() if math.isfinite(value)}
    note = run.recorder.closing_note() if run.recorder else ""
    ending = Stopped if loop.control.stopping else Finished
    try:
        saved = loop.save(numbers)
    except UserError as error:
        yield Failed(loop.learner.step, str(error))
        return
    if not loop.control.abandoned:
        yield from loop.last_snapshot()
    yield ending(loop.learner.step, loop.clock, saved, note)


def _fail(loop: _Loop, metrics: Metrics) -> Iterator[Event]:
    """Find where the loss became NaN or infinite, restore the last good weights, save them."""
    loop.learner.leave_group()
    finding = loop.nan_guard.find(metrics)
    sentence = (
        f"The loss became {finding.what} at step {finding.step:,}"
        + (f"; it started in layer {finding.layer} ({finding.where})" if finding.layer else "")
        + f". The weights of step {loop.learner.step:,}, the last good ones, are restored;"
        " try a lower learning rate."
    )
    try:
        saved = loop.save({})
    except UserError as error:
        saved, sentence = "", f"{sentence} {error}"
    if loop.run.watched:
        yield from loop.last_snapshot()
        yield loop.weights()
    yield Failed(finding.step, sentence, finding.layer, saved)
