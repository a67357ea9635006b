"""Two networks trained in lock step."""

import dataclasses
import math

import numpy as np
import pytest

from core.lessons.experiment import outcome
from core.lessons.pair_history import NetworkHistory, PairEvent
from core.lessons.pair_settings import LECTURE_STEPS, NetworkSettings
from core.lessons.paired_runs import train_pair
from core.telemetry.events import Finished, Metrics, Paused, Resumed, Snapshot, Stopped
from core.training.control import Control
from tests.core.lessons.pairs import SMALL, losses, trained


def test_two_equal_networks_have_equal_losses_bit_for_bit(names):
    """The same network, seed and batches."""
    first, second = losses(SMALL, SMALL, names)
    assert len(first) == 30
    assert first == second


def test_the_same_seed_gives_the_same_run(names):
    """Network A does not depend on network B."""
    other = SMALL.replace({"activation": "relu", "norm": "layer", "seed": 7})
    alone, _ = losses(SMALL, SMALL, names)
    beside, different = losses(SMALL, other, names)
    assert beside == alone
    assert different != alone


def test_both_are_trained_with_the_batches_of_the_first(names):
    """Seed, batch size and steps of the second side are those of the first."""
    second = SMALL.replace({"seed": 1, "batch_size": 5, "steps": 4})
    assert losses(SMALL, second, names)[0] == losses(SMALL, second, names)[1]


def test_a_network_that_diverges_leaves_the_other_alone(names):
    """Its failure says from which step on; the other goes on."""
    wild = NetworkSettings(activation="none", gain=2.0, depth=10, width=50)
    calm, broken, others = trained(SMALL, wild, names)
    assert "NaN or infinite" in broken.failure
    assert calm.failure == ""
    assert math.isfinite(calm.val_loss)
    assert math.isnan(broken.val_loss)
    assert isinstance(others[-1], Finished)
    assert others[-1].step == 30
    assert outcome(calm, broken).startswith("The loss of B is NaN or infinite")


def test_the_first_and_the_last_step_are_probed(names):
    """Whatever is probed between."""
    steps = [
        event.event.step
        for event in train_pair((SMALL, SMALL), names, Control())
        if isinstance(event, PairEvent) and isinstance(event.event, Snapshot)
    ]
    assert steps[:2] == [1, 1]
    assert steps[-2:] == [30, 30]


def test_a_pause_holds_both_and_changes_nothing(names):
    """They pause at a step boundary, and end as without a pause."""
    control, told = Control(), [[], []]
    seen = []
    for event in train_pair((SMALL, SMALL), names, control):
        if isinstance(event, Paused | Resumed):
            seen.append(type(event))
            control.resume()
        elif isinstance(event, PairEvent) and isinstance(event.event, Metrics):
            told[event.network] += event.event.losses.tolist()
            if event.event.step == 1 and event.network == 1:
                control.pause()
    assert seen == [Paused, Resumed]
    assert told[0] == losses(SMALL, SMALL, names)[0]


def test_a_stop_ends_both_and_evaluates_them(names):
    """The networks are evaluated as they are; the last event is Stopped."""
    control, histories, last = Control(), (NetworkHistory(), NetworkHistory()), None
    for event in train_pair((SMALL.for_steps(LECTURE_STEPS), SMALL), names, control):
        last = event
        if isinstance(event, PairEvent):
            histories[event.network].add(event.event)
            if isinstance(event.event, Metrics):
                control.stop()
    assert isinstance(last, Stopped)
    assert last.step < LECTURE_STEPS
    assert all(math.isfinite(history.val_loss) for history in histories)


def test_an_abandoned_run_ends_without_evaluation(names):
    """A window that closes doesn't wait for a validation."""
    control = Control()
    control.stop(abandon=True)
    first, second, others = trained(SMALL, SMALL, names, control)
    assert [type(event) for event in others] == [Stopped]
    assert math.isnan(first.val_loss)
    assert math.isnan(second.val_loss)


def test_events_are_frozen_and_arrays_read_only(names):
    """What the screen gets can't be changed by it."""
    for event in train_pair((SMALL.for_steps(1), SMALL), names, Control()):
        if isinstance(event, PairEvent):
            with pytest.raises(dataclasses.FrozenInstanceError):
                event.network = 5
            for value in vars(event.event).values():
                assert not isinstance(value, np.ndarray) or not value.flags.writeable
