"""The trainings of lesson 6, one after another, each by the loop of the paired runs."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..interruption import heeding
from ..playground import Playground
from ..telemetry.events import Evaluated, Event, Failed, Finished, Metrics, Stopped
from ..training.control import Control
from ..training.device import use_threads
from ..training.evaluation import interruptible
from ..training.learner import Learner
from .ablation import Switch, TrainedSwitch, Training
from .pair_history import PairEvent
from .paired_runs import Network, train_together

EVALUATED = 2000
"""About how many validation examples judge a network, the same ones each."""
TIMED = 3  # steps, of which the quickest counts: others may want the cores for a moment


@dataclass(frozen=True)
class Timed:
    """How long a step takes here, and the rest of a training: seconds, of two recipes the longer.

    The rest: making the network, its first step, its evaluation.
    """

    step: float
    rest: float


@dataclass(frozen=True)
class UnderWay:
    """A training is under way: the place of its switch, its seed, and the steps that are done."""

    place: int
    seed: int
    step: int


def time_steps(
    playground: Playground,
    switches: Sequence[Switch],
    data: Any,
    device: torch.device,
    control: Control,
) -> Iterator[Event | Timed]:
    """Do a few steps of the plain recipe and of the last one, and an evaluation.

    Raises:
        CancelledError: it was asked to stop.
    """
    steps, rests = [], []
    for switch in (switches[0], switches[-1]):
        begin = time.perf_counter()
        learner = Learner(playground, switch.recipe, data, device)
        use_threads(learner.model, device)
        with heeding(lambda: control.stopping), interruptible(learner.model):
            learner.evaluate(EVALUATED)
            float(learner.learn(*learner.take(), 0.0)[0])  # the first step takes longer
            rests.append(time.perf_counter() - begin)
            steps.append(min(_step_seconds(learner) for _ in range(TIMED)))
        yield from control.stand_still()
    yield Timed(max(steps), max(rests))


def _step_seconds(learner: Learner) -> float:
    begin = time.perf_counter()
    float(learner.learn(*learner.take(), 0.5)[0])  # by then a GPU has done it, too
    return time.perf_counter() - begin


def train_all(
    playground: Playground,
    switches: Sequence[Switch],
    trainings: Sequence[Training],
    steps: int,
    data: Any,
    device: torch.device,
    control: Control,
) -> Iterator[Event | UnderWay | TrainedSwitch]:
    """Do trainings one after another; one that is stopped on its way leaves nothing.

    Each is what ``train --steps N --seed S`` does by its recipe, without looking at it meanwhile.

    Args:
        playground: of all of them.
        switches: the plain recipe, and those with one switch after another.
        trainings: which.
        steps: of each.
        data: what the playground loaded.
        device: where.
        control: may stop or hold it.

    Yields:
        UnderWay on the way, and TrainedSwitch for each that is done. The last event is Finished or
        Stopped.
    """
    begin, done = time.perf_counter(), 0
    for place, seed in trainings:
        if control.stopping:
            break
        recipe = switches[place].recipe.replace({"seed": seed, "steps": steps})
        yield UnderWay(place, seed, 0)
        for event in _train(playground, recipe, data, device, control):
            if isinstance(event, Metrics):
                yield UnderWay(place, seed, event.step)
            elif isinstance(event, TrainedSwitch):
                done += 1
                yield replace(event, place=place, seed=seed)
            else:
                yield event
    ending = Stopped if control.stopping else Finished
    yield ending(done * steps, time.perf_counter() - begin)


def _train(
    playground: Playground, recipe: Any, data: Any, device: torch.device, control: Control
) -> Iterator[Event | TrainedSwitch]:
    """Train once; TrainedSwitch comes last, unless it was stopped."""
    begin = time.perf_counter()
    network = Network(0, "the network", Learner(playground, recipe, data, device))
    told: list[Metrics] = []
    loss, whole = math.inf, False
    for event in train_together([network], recipe.steps, control, limit=EVALUATED):
        inner = event.event if isinstance(event, PairEvent) else event
        if isinstance(inner, Metrics):
            told.append(inner)
            yield inner
        elif isinstance(inner, Evaluated):
            loss = _judged(inner)
        elif isinstance(inner, Finished):
            whole = True
        elif not isinstance(inner, Failed | Stopped):  # one that diverged has an infinite loss
            yield inner
    if not whole:
        return
    losses = np.concatenate([metrics.losses for metrics in told])
    losses.flags.writeable = False
    first, last = told[0], told[-1]
    step_seconds = (last.seconds - first.seconds) / max(1, last.step - first.step)
    yield TrainedSwitch(0, 0, loss, losses, step_seconds, time.perf_counter() - begin)


def _judged(event: Evaluated) -> float:
    """Return the validation loss: of a text for each character, not for each token."""
    loss = event.metrics.get("val_nats_per_char", event.metrics["val_loss"])
    return loss if math.isfinite(loss) else math.inf
