"""Two networks trained in lock step, on the same batches from the same seed.

for told in twins((first, second), names, Control()):
    ...

What one of them has to tell comes as a ``Twin``, the side and the event; what happens to both
(paused, resumed, and the end) as the event alone.
"""

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..layers import size_of
from ..playgrounds.names.evaluation import loss_of
from ..playgrounds.names.models import LetterModel
from ..telemetry.events import (
    Evaluated,
    Event,
    Failed,
    Finished,
    Metrics,
    Paused,
    Resumed,
    Started,
    Stopped,
    frozen,
)
from ..telemetry.probes import Probe, describe
from ..training.control import Control
from ..training.device import use_threads
from ..training.learner import Learner
from ..training.pace import Pace
from .deep_network import DeepNames
from .pair_history import NAMES, NetworkPair
from .pair_settings import Side

CPU = torch.device("cpu")  # such small steps are slower anywhere else
DEEP = DeepNames()
LOOK_SHARE = 0.1  # of the time at most goes into looking: here it is what the run is for
Batch = tuple[Tensor, Tensor]


class _One:
    """One of the two: its learner, and the losses that were not told yet."""

    def __init__(self, number: int, side: Side, data: Any) -> None:
        self.number, self.side, self.data = number, side, data
        self.learner = Learner(DEEP, side, data, CPU)
        self.losses: list[Tensor] = []
        self.well = True
        """Whether its losses are numbers still."""

    def started(self) -> NetworkPair:
        learner = self.learner
        return self._twin(
            Started(
                playground=DEEP.name,
                model="deep",
                device=str(CPU),
                dataset=DEEP.dataset(self.data),
                parameters=size_of(learner.model),
                layers=describe(learner.model),
                uniform_loss=DEEP.uniform_loss(self.side, learner.vocabulary),
                vocabulary=learner.vocabulary,
            )
        )

    def learn(self, batch: Batch, progress: float, looked: bool) -> Iterator[NetworkPair]:
        """Do a step, and look at it if it is time."""
        learner = self.learner
        if not looked:
            self.losses.append(learner.learn(*batch, progress)[0])
            return
        with Probe(learner.model) as probe:
            self.losses.append(learner.learn(*batch, progress, probe)[0])
        share = learner.rate(progress) / self.side.lr if self.side.lr else 0.0
        yield self._twin(probe.snapshot(learner.step, share))

    def tell(self, seconds: float, progress: float) -> Iterator[NetworkPair]:
        """Tell the losses since the last time; if one is no number, it can't go on."""
        if not self.losses:
            return
        losses = frozen(torch.stack(self.losses))
        self.losses.clear()
        step, rate = self.learner.step, self.learner.rate(progress)
        yield self._twin(Metrics(step, losses, math.nan, rate, seconds, progress))
        if not np.isfinite(losses).all():
            self.well = False
            broke = step - len(losses) + 1 + int(np.argmin(np.isfinite(losses)))
            sentence = (
                f"The loss of {NAMES[self.number]} is no number any more from step {broke:,} on."
            )
            yield self._twin(Failed(broke, sentence))

    def judged(self, seconds: float) -> NetworkPair:
        model = self.learner.model
        assert isinstance(model, LetterModel)
        numbers = {"val_loss": loss_of(model, self.data.dev)}
        return self._twin(Evaluated(self.learner.step, seconds, numbers))

    def _twin(self, event: Event) -> NetworkPair:
        return NetworkPair(self.number, event)


def train_pair(
    sides: tuple[Side, Side], data: Any, control: Control
) -> Iterator[Event | NetworkPair]:
    """Train both sides for the first one's steps, with its seed and its batches.

    Args:
        sides: the two networks.
        data: names.
        control: pauses and stops both.

    Yields:
        Twins: Started, a Snapshot of the first step, of the last and of some between, Metrics,
        Evaluated, and Failed for a side whose loss became no number while the other goes on. The
        last event is Finished or Stopped.
    """
    first = sides[0]
    both = [_One(i, side.trained_as(first), data) for i, side in enumerate(sides)]
    yield from (one.started() for one in both)
    use_threads(both[0].learner.model, CPU)
    look, tell, clock, step = Pace(0.1, LOOK_SHARE), Pace(0.1), 0.0, 0
    while step < first.steps and not control.stopping and any(one.well for one in both):
        if control.wanted:
            yield from _honour(control, step)
            if control.stopping:
                break
        begin = time.perf_counter()
        batch, progress = both[0].learner.take(), step / first.steps
        step += 1
        looked = look.due() or step in (1, first.steps)
        for one in both:
            if one.well:
                yield from one.learn(batch, progress, looked)
        clock += (spent := time.perf_counter() - begin)
        if looked:
            look.charge(spent)
        if tell.due() or step in (1, first.steps):
            for one in both:
                yield from one.tell(clock, step / first.steps)
    yield from _end(both, step / first.steps, clock, control)


def _end(
    both: list[_One], progress: float, clock: float, control: Control
) -> Iterator[Event | NetworkPair]:
    """Tell what is left, judge both, and say how it ended."""
    for one in both:
        yield from one.tell(clock, progress)
    if not control.abandoned:
        yield from (one.judged(clock) for one in both if one.well)
    ending = Stopped if control.stopping else Finished
    yield ending(max(one.learner.step for one in both), clock)


def _honour(control: Control, step: int) -> Iterator[Event]:
    """Stand still at this step edge for as long as it is wanted."""
    control.take()
    if not control.paused or control.stopping:
        return
    yield Paused(step)
    while control.paused and not control.stopping:
        control.wait()
    control.take()
    if not control.stopping:
        yield Resumed(step)
