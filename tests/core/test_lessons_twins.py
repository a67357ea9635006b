"""Lesson 3: two networks in lock step, what is measured of them, and how it answers a question."""

import dataclasses
import math

import numpy as np
import pytest

from core import playgrounds
from core.errors import UserError
from core.lessons.experiment import own_experiment
from core.lessons.experiments import EXPERIMENTS
from core.lessons.pair_history import Account, NetworkPair, reach
from core.lessons.pair_settings import LECTURE_STEPS, SHOWN, Side
from core.lessons.paired_runs import twins
from core.lessons.questions import outcome, part
from core.lessons.text import Live, lessons
from core.telemetry.events import Finished, Metrics, Paused, Resumed, Snapshot, Stopped
from core.training.control import Control

SMALL = Side(depth=3, width=24, steps=30)
SIGMOID = Side(activation="sigmoid", gain=1.0, steps=2)


@pytest.fixture(scope="session")
def names():
    """The bundled names."""
    return playgrounds.get("names").load(None)


def trained(first, second, names, control=None):
    """Return an account of each side, and the events that are of both."""
    accounts, others = (Account(), Account()), []
    for told in twins((first, second), names, control or Control()):
        if isinstance(told, NetworkPair):
            accounts[told.side].add(told.event)
        else:
            others.append(told)
    return *accounts, others


def losses(first, second, names):
    """Return the losses of every step, side A's and side B's."""
    told = [[], []]
    for event in twins((first, second), names, Control()):
        if isinstance(event, NetworkPair) and isinstance(event.event, Metrics):
            told[event.side] += event.event.losses.tolist()
    return told


def test_two_sides_that_are_alike_learn_alike_bit_for_bit(names):
    """The same network, seed and batches: every loss is the same to the last bit."""
    first, second = losses(SMALL, SMALL, names)
    assert len(first) == 30
    assert first == second


def test_the_same_seed_gives_the_same_run_again(names):
    """Side A does not depend on what stands beside it."""
    other = SMALL.replace({"activation": "relu", "norm": "layer", "seed": 7})
    alone, _ = losses(SMALL, SMALL, names)
    beside, different = losses(SMALL, other, names)
    assert beside == alone
    assert different != alone


def test_both_are_trained_with_the_first_ones_batches(names):
    """Seed, batch size and steps of the second side are those of the first."""
    second = SMALL.replace({"seed": 1, "batch_size": 5, "steps": 4})
    assert losses(SMALL, second, names)[0] == losses(SMALL, second, names)[1]


def test_networks_of_one_seed_begin_with_the_same_numbers(names):
    """Only their gains differ: the gradient of the last layers is of the same random numbers."""
    first, second, _ = trained(SMALL, SMALL.replace({"depth": 5}), names)
    assert first.info.layers[1].parameters == second.info.layers[1].parameters
    seen = [account.first.layers for account in (first, second)]
    assert seen[0][0].weight_std == seen[1][0].weight_std
    assert seen[0][1].weight_std == seen[1][1].weight_std
    assert seen[0][-1].weight_std == seen[1][-1].weight_std


def test_ten_sigmoids_have_a_vanishing_gradient_and_batch_norm_cures_it(names):
    """By the measured ratio: less than 1/100,000 arrives, with batch norm about as much."""
    plain, normed, _ = trained(SIGMOID, SIGMOID.replace({"norm": "batch"}), names)
    assert plain.reach < 1e-5
    assert 0.5 < normed.reach < 5
    shares = reach(plain.first)
    assert len(shares) == 10
    assert shares[-1] == 1.0
    assert list(shares) == sorted(shares)


def test_a_residual_road_carries_the_gradient_past_small_weights(names):
    """With a gain of 0.5 a 500th arrives, around the layers more than there is at the end."""
    small = Side(gain=0.5, steps=1)
    without, around, _ = trained(small, small.replace({"residual": True}), names)
    assert without.reach < 0.01
    assert around.reach > 1


def test_layer_norm_keeps_a_tanh_alive(names):
    """Layer norm, too, is a layer that is seen and trained."""
    small = Side(gain=0.5, steps=1)
    normed, plain, _ = trained(small.replace({"norm": "layer"}), small, names)
    assert normed.reach > 100 * plain.reach
    assert normed.info.layers[1].parameters == 30 * 100 + 200
    assert plain.info.layers[1].parameters == 30 * 100 + 100


def test_the_lectures_numbers_are_met(names):
    """What the lecture measured at its first step is measured here, within the luck of a draw."""
    met = {
        "first-loss": {"First loss of A": 27.88, "First loss of B": 3.32},
        "spread": {"Spread of layer 5, A": 0.32, "Spread of layer 5, B": 0.66},
        "small-gain": {
            "Gradient of layer 1 ÷ layer 5, A": 0.062,
            "Gradient of layer 1 ÷ layer 5, B": 1.4,
        },
    }
    for id, expected in met.items():
        experiment = EXPERIMENTS[id]
        first, second, _ = trained(experiment.first.for_steps(1), experiment.second, names)
        here = {row.words: row for row in experiment.rows}
        for words, value in expected.items():
            assert here[words].here(first, second) == pytest.approx(value, rel=0.1)
            assert here[words].lecture.startswith(f"{value:g}")


def test_every_experiment_has_an_answer_with_numbers(names):
    """The measurement chooses one of the choices, and its sentence has a number in it."""
    for id, experiment in EXPERIMENTS.items():
        question = experiment.question
        assert len(question.choices) == len(question.bounds) + 1, id
        assert list(question.bounds) == sorted(question.bounds), id
        narrow = {"width": 12, "steps": 2}
        first, second, _ = trained(
            experiment.first.replace(narrow), experiment.second.replace(narrow), names
        )
        assert 0 <= question.right(first, second) < len(question.choices), id
        assert any(c.isdigit() for c in question.answer(first, second)), id
        assert all(row.written(first, second) for row in experiment.rows), id


def test_nothing_is_said_before_it_was_measured():
    """A table is empty and a question open, until both networks have done a step."""
    nothing = (Account(), Account())
    assert EXPERIMENTS["sigmoid"].question.right(*nothing) == -1
    assert [row.written(*nothing) for row in EXPERIMENTS["spread"].rows] == [""] * 5


def test_a_side_that_breaks_leaves_the_other_alone(names):
    """Its loss is NaN: it says from which step on, and the other goes on."""
    wild = Side(activation="none", gain=2.0, depth=10, width=50)
    calm, broken, others = trained(SMALL, wild, names)
    assert "no number any more" in broken.broken
    assert calm.broken == ""
    assert math.isfinite(calm.val_loss)
    assert math.isnan(broken.val_loss)
    assert isinstance(others[-1], Finished)
    assert others[-1].step == 30
    assert outcome(calm, broken).startswith("The loss of B is NaN")


def test_both_first_and_last_step_are_looked_at(names):
    """Whatever is seen between, the first and the last step are."""
    steps = [
        told.event.step
        for told in twins((SMALL, SMALL), names, Control())
        if isinstance(told, NetworkPair) and isinstance(told.event, Snapshot)
    ]
    assert steps[:2] == [1, 1]
    assert steps[-2:] == [30, 30]


def test_a_pause_holds_both_and_changes_nothing(names):
    """They stand still at a step edge, go on when told to, and end where they would have."""
    control, told = Control(), [[], []]
    seen = []
    for event in twins((SMALL, SMALL), names, control):
        if isinstance(event, Paused | Resumed):
            seen.append(type(event))
            control.resume()
        elif isinstance(event, NetworkPair) and isinstance(event.event, Metrics):
            told[event.side] += event.event.losses.tolist()
            if event.event.step == 1 and event.side == 1:
                control.pause()
    assert seen == [Paused, Resumed]
    assert told[0] == losses(SMALL, SMALL, names)[0]


def test_a_stop_ends_both_and_judges_them(names):
    """The networks are judged as they are; the last event says Stopped."""
    control, accounts, last = Control(), (Account(), Account()), None
    for told in twins((SMALL.for_steps(LECTURE_STEPS), SMALL), names, control):
        last = told
        if isinstance(told, NetworkPair):
            accounts[told.side].add(told.event)
            if isinstance(told.event, Metrics):
                control.stop()
    assert isinstance(last, Stopped)
    assert last.step < LECTURE_STEPS
    assert all(math.isfinite(account.val_loss) for account in accounts)


def test_an_abandoned_run_ends_without_judging(names):
    """A window that closes waits for no validation."""
    control = Control()
    control.stop(abandon=True)
    first, second, others = trained(SMALL, SMALL, names, control)
    assert [type(event) for event in others] == [Stopped]
    assert math.isnan(first.val_loss)
    assert math.isnan(second.val_loss)


def test_the_lectures_length_has_the_lectures_schedule():
    """200,000 steps come with a tenth of the rate in their second half; shorter runs with none."""
    assert SMALL.for_steps(LECTURE_STEPS).schedule == "drop"
    assert SMALL.for_steps(1000).schedule == "constant"


def test_settings_are_checked_with_a_sentence():
    """What can't be says what is allowed."""
    with pytest.raises(UserError, match="choose relu, tanh, sigmoid, gelu, none"):
        SMALL.replace({"activation": "softmax"})
    with pytest.raises(UserError, match="from 1 to 30"):
        SMALL.replace({"depth": 0})
    assert all(Side.settings()[name].help for name in SHOWN)


def test_ones_own_experiment_asks_about_what_differs():
    """Two networks of a person's own are asked about by comparing them; two alike as such."""
    other = SMALL.replace({"gain": 1.0})
    assert SMALL.differs(other) == ("gain",)
    assert "In which" in own_experiment(SMALL, other).question.words
    assert "the same network" in own_experiment(SMALL, SMALL).question.words


def test_parts_are_written_to_be_read():
    """Two figures, and never a power of ten."""
    said = [part(x) for x in (2.17, 600.4, 1.0, 0.43, 0.05, 2.47e-6, 1.3e-12, math.nan, 0.0)]
    assert said == "2.2×|600×|1.0×|0.43|1/20|1/400,000|1/770 billion|no number|nothing".split("|")


def test_the_lesson_names_experiments_that_there_are():
    """Each live part of the text finds its experiments, and each experiment has its place."""
    lesson = lessons()["3-gradients"]
    named = [
        id
        for block in lesson.blocks
        if isinstance(block, Live) and block.name == "twins"
        for id in block.options["experiments"].split()
    ]
    assert sorted(named) == sorted(EXPERIMENTS)
    anchors = {section.anchor for section in lesson.sections}
    asked = "saturation the-first-loss initialisation batch-norm residual-connections"
    assert {*asked.split(), "the-update-line", "see-it-in-your-own-run"} <= anchors


def test_events_are_frozen_and_arrays_read_only(names):
    """What the screen gets of the twins can't be changed by it."""
    for told in twins((SMALL.for_steps(1), SMALL), names, Control()):
        if isinstance(told, NetworkPair):
            with pytest.raises(dataclasses.FrozenInstanceError):
                told.side = 5
            for value in vars(told.event).values():
                assert not isinstance(value, np.ndarray) or not value.flags.writeable
