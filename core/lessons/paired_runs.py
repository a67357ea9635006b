"""Paired runs: two networks trained in lock step, on the same batches from the same seed.

for event in train_pair((first, second), names, Control()):
    ...

An event of one network comes as a ``PairEvent``; an event of both (paused, resumed, and the end)
as it is. The loop behind it, :func:`train_together`, takes any number of networks of any
playground: lesson 6 has it train one after another.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..interruption import CancelledError, heeding
from ..telemetry.events import (
    Array,
    Evaluated,
    Event,
    Failed,
    Finished,
    Metrics,
    Stopped,
    frozen,
)
from ..telemetry.probes import Probe
from ..training.control import Control
from ..training.device import use_threads
from ..training.evaluation import interruptible
from ..training.learner import Learner
from ..training.opening import describe_run
from ..training.pace import Pace
from .deep_network import DeepNames
from .pair_history import NAMES, PairEvent
from .pair_settings import Pair

CPU = torch.device("cpu")  # such small steps are slower anywhere else
PLAYGROUND = DeepNames()
PROBE_SHARE = 0.1  # of the time at most is spent on probes
NONE: Array = np.empty(0, np.float32)
Batch = tuple[Tensor, Tensor]


class Network:
    """One of the networks: its learner, and the losses that were not reported yet.

    Args:
        number: in its events.
        name: what a sentence calls it.
        learner: its model, optimiser and batches.
    """

    def __init__(self, number: int, name: str, learner: Learner) -> None:
        self.number, self.name, self.learner = number, name, learner
        self.losses: list[Tensor] = []
        self._fetched = NONE
        self.failed = False
        """Whether its loss is NaN or infinite."""

    def started(self) -> PairEvent:
        """Describe it, before its first step."""
        learner = self.learner
        playground, recipe, data = learner.playground, learner.recipe, learner.data
        return self._event(
            describe_run(
                playground,
                recipe,
                learner.model,
                learner.vocabulary,
                device=str(learner.device),
                dataset=playground.dataset(data, recipe),
                step=0,
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
        rate = learner.recipe.lr
        share = learner.rate(progress) / rate if rate else 0.0
        yield self._event(probe.snapshot(learner.step, share))

    def fetch(self) -> None:
        """Bring the losses since the last time over; a GPU is awaited for that."""
        if self.losses:
            self._fetched = frozen(torch.stack(self.losses))
            self.losses.clear()

    def report(self, seconds: float, progress: float) -> Iterator[PairEvent]:
        """Report the losses since the last time; after a NaN the network isn't trained further."""
        self.fetch()
        losses = self._fetched
        if not len(losses):
            return
        self._fetched = NONE
        step, rate = self.learner.step, self.learner.rate(progress)
        yield self._event(Metrics(step, losses, math.nan, rate, seconds, progress))
        if not np.isfinite(losses).all():
            self.failed = True
            first = step - len(losses) + 1 + int(np.argmin(np.isfinite(losses)))
            sentence = f"The loss of {self.name} is NaN or infinite from step {first:,} on."
            yield self._event(Failed(first, sentence))

    def evaluated(
        self, seconds: float, limit: int | None, cancelled: Callable[[], bool]
    ) -> Iterator[PairEvent]:
        """Evaluate it on about so many validation examples, None for all, unless cancelled."""
        try:
            with heeding(cancelled), interruptible(self.learner.model):
                metrics, _ = self.learner.evaluate(limit)
        except CancelledError:
            return
        yield self._event(Evaluated(self.learner.step, seconds, metrics))

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
    both = []
    for number, settings in enumerate(pair):
        learner = Learner(PLAYGROUND, settings.trained_like(first), data, CPU)
        both.append(Network(number, NAMES[number], learner))
    yield from (network.started() for network in both)
    yield from train_together(both, first.steps, control, Pace(0.1, PROBE_SHARE))


def train_together(
    networks: Sequence[Network],
    steps: int,
    control: Control,
    probes: Pace | None = None,
    limit: int | None = None,
) -> Iterator[Event | PairEvent]:
    """Train networks in lock step, on the batches of the first.

    Args:
        networks: fresh ones, on one device.
        steps: how many.
        control: pauses and stops all of them.
        probes: when layers are measured, besides the first step and the last; None for never.
        limit: how many validation examples the evaluation at the end takes, about; None for all.

    Yields:
        For each network Metrics, Snapshots of its probes, Evaluated at the end, and Failed if its
        loss became NaN, while the others go on. The last event is Finished or Stopped.
    """
    use_threads(networks[0].learner.model, networks[0].learner.device)
    reports, clock, step = Pace(0.1), 0.0, 0
    while step < steps and not control.stopping and not all(n.failed for n in networks):
        yield from control.stand_still(step)
        if control.stopping:
            break
        begin = time.perf_counter()
        batch, progress = networks[0].learner.take(), step / steps
        step += 1
        at_end = step in (1, steps)
        probed = probes is not None and (probes.due() or at_end)
        reported = reports.due() or at_end
        events: list[PairEvent] = []
        for network in networks:
            if not network.failed:
                events += network.learn(batch, progress, probed)
            if reported:
                network.fetch()
        elapsed = time.perf_counter() - begin
        clock += elapsed
        if probes is not None and probed:
            probes.charge(elapsed)
        yield from events
        if reported:
            for network in networks:
                yield from network.report(clock, step / steps)
    for network in networks:
        yield from network.report(clock, step / steps)
    for network in networks:
        if not network.failed and not control.abandoned:
            yield from network.evaluated(clock, limit, lambda: control.abandoned)
    ending = Stopped if control.stopping else Finished
    yield ending(max(network.learner.step for network in networks), clock)
