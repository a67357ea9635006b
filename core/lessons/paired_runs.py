"""Paired runs: two networks trained in lock step, on the same batches from the same seed.

for event in train_pair((first, second), names, Control()):
    ...

An event of one network comes as a ``PairEvent``; an event of both (paused, resumed, and the end)
as it is.
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
from .pair_history import NAMES, PairEvent
from .pair_settings import NetworkSettings, Pair

CPU = torch.device("cpu")  # such small steps are slower anywhere else
PLAYGROUND = DeepNames()
PROBE_SHARE = 0.1  # of the time at most is spent on probes
Batch = tuple[Tensor, Tensor]


class _Network:
    """One of the two: its learner, and the losses that were not reported yet."""

    def __init__(self, number: int, settings: NetworkSettings, data: Any) -> None:
        self.number, self.settings, self.data = number, settings, data
        self.learner = Learner(PLAYGROUND, settings, data, CPU)
        self.losses: list[Tensor] = []
        self.failed = False
        """Whether its loss is NaN or infinite."""

    def started(self) -> PairEvent:
        learner = self.learner
        return self._event(
            Started(
                playground=PLAYGROUND.name,
                model="deep",
                device=str(CPU),
                dataset=PLAYGROUND.dataset(self.data, self.settings),
                parameters=size_of(learner.model),
                layers=describe(learner.model),
                uniform_loss=PLAYGROUND.uniform_loss(self.settings, learner.vocabulary),
                vocabulary=learner.vocabulary,
            )
        )

    def learn(self, batch: Batch, progress: float, probed: bool) -> Iterator[PairEvent]:
        """Do a step, with probes if they are due."""
        learner = self.learner
        if not probed:
            self.losses.append(learner.learn(*batch, progress)[0])
            return
        with Probe(learner.model) as probe:
            self.losses.append(learner.learn(*batch, progress, probe)[0])
        share = learner.rate(progress) / self.settings.lr if self.settings.lr else 0.0
        yield self._event(probe.snapshot(learner.step, share))

    def report(self, seconds: float, progress: float) -> Iterator[PairEvent]:
        """Report the losses since the last time; after a NaN the network isn't trained further."""
        if not self.losses:
            return
        losses = frozen(torch.stack(self.losses))
        self.losses.clear()
        step, rate = self.learner.step, self.learner.rate(progress)
        yield self._event(Metrics(step, losses, math.nan, rate, seconds, progress))
        if not np.isfinite(losses).all():
            self.failed = True
            first = step - len(losses) + 1 + int(np.argmin(np.isfinite(losses)))
            sentence = (
                f"The loss of {NAMES[self.number]} is NaN or infinite from step {first:,} on."
            )
            yield self._event(Failed(first, sentence))

    def evaluated(self, seconds: float) -> PairEvent:
        model = self.learner.model
        assert isinstance(model, LetterModel)
        metrics = {"val_loss": loss_of(model, self.data.dev)}
        return self._event(Evaluated(self.learner.step, seconds, metrics))

    def _event(self, event: Event) -> PairEvent:
        return PairEvent(self.number, event)


def train_pair(pair: Pair, data: Any, control: Control) -> Iterator[Event | PairEvent]:
    """Train both networks for the first one's steps, with its seed and its batches.

    Args:
        pair: the settings of both.
        data: names.
        control: pauses and stops both.

    Yields:
        For each network Started, a Snapshot of the first step, of the last and of some between,
        Metrics, Evaluated, and Failed if its loss became NaN, while the other goes on. The last
        event is Finished or Stopped.
    """
    first = pair[0]
    both = [_Network(i, settings.trained_like(first), data) for i, settings in enumerate(pair)]
    yield from (network.started() for network in both)
    use_threads(both[0].learner.model, CPU)
    probes, reports, clock, step = Pace(0.1, PROBE_SHARE), Pace(0.1), 0.0, 0
    while step < first.steps and not control.stopping and not all(n.failed for n in both):
        yield from control.stand_still(step)
        if control.stopping:
            break
        begin = time.perf_counter()
        batch, progress = both[0].learner.take(), step / first.steps
        step += 1
        probed = probes.due() or step in (1, first.steps)
        for network in both:
            if not network.failed:
                yield from network.learn(batch, progress, probed)
        elapsed = time.perf_counter() - begin
        clock += elapsed
        if probed:
            probes.charge(elapsed)
        if reports.due() or step in (1, first.steps):
            for network in both:
                yield from network.report(clock, step / first.steps)
    for network in both:
        yield from network.report(clock, step / first.steps)
    if not control.abandoned:
        yield from (network.evaluated(clock) for network in both if not network.failed)
    ending = Stopped if control.stopping else Finished
    yield ending(max(network.learner.step for network in both), clock)
