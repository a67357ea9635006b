"""Lesson 6: the order of the switches, pairs of trainings, and the interval of an effect."""

import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from core import registry
from core.lessons import ablation_runs
from core.lessons.ablation import (
    PLAIN,
    Study,
    TrainedSwitch,
    alone,
    effect_of,
    switches_of,
    unit_of,
)
from core.lessons.ablation_runs import Timed, UnderWay, time_steps, train_all
from core.lessons.text import Code, lessons
from core.telemetry.events import Finished, Stopped
from core.training.control import Control
from core.training.learner import Learner

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[3]
OFFERED = [name for name in registry.all_names() if registry.get(name).switches]
TINY = {"width": 12, "embedding": 4, "batch_size": 8}


@pytest.fixture
def tiny(monkeypatch):
    """The names' switches, on a network of a few units that is judged on a few names."""
    monkeypatch.setattr(ablation_runs, "EVALUATED", 50)
    playground = registry.get("names")
    switches = switches_of(playground, mixes=False)
    return [type(s)(s.recipe.replace(TINY), s.settings, s.title) for s in switches]


def done(place, seed, loss, seconds=2.0):
    """Return a training as if it were done."""
    return TrainedSwitch(place, seed, loss, np.array([3.0, loss]), 0.01 * seed, seconds)


@pytest.mark.parametrize("name", OFFERED)
def test_each_switch_stands_on_those_before_it(name):
    """It changes what it says, and nothing else; each has an entry of the glossary and a source."""
    playground = registry.get(name)
    switches = switches_of(playground, mixes=True)
    assert switches[0].title == PLAIN and len(switches) == 1 + len(playground.switches.added)
    for before, switch in pairwise(switches):
        old, new = before.recipe.to_dict(), switch.recipe.to_dict()
        assert {key for key in new if new[key] != old[key]} == set(switch.settings)
        assert switch.source and switch.recipe.describe(switch.settings)


@pytest.mark.parametrize("name", OFFERED)
def test_the_way_from_the_plain_recipe_leads_to_the_default_one(name):
    """It is the last one; for names Muon stands on top of it."""
    playground = registry.get(name)
    last = -2 if name == "names" else -1
    assert switches_of(playground, mixes=True)[last].recipe == playground.recipe_for()


def test_a_switch_is_named_by_what_it_changes():
    """Its term is that of the value that is chosen."""
    muon = next(s for s in switches_of(registry.get("text"), mixes=True) if "muon" in s.title)
    assert muon.title == "Optimiser muon, learning rate 0.006" and muon.term.title == "Muon"
    assert "Jordan et al. 2024" in muon.source


def test_half_precision_is_left_out_where_it_brings_nothing():
    """The next switch stands on the one before it."""
    switches = switches_of(registry.get("text"), mixes=False)
    assert not any("recision" in switch.title for switch in switches)
    assert switches[-1].recipe.precision == "float32"


def test_a_switch_can_be_tried_alone():
    """On the plain recipe, without those before it."""
    switches = switches_of(registry.get("text"), mixes=True)
    place = next(i for i, switch in enumerate(switches) if "muon" in switch.title)
    plain, muon = alone(switches, place)
    assert plain == switches[0] and "muon" in muon.title
    assert muon.recipe == plain.recipe.replace({"optimizer": "muon", "lr": 6e-3})


def test_the_interval_of_known_numbers():
    """Three gains of 1, 2 and 3: a mean of 2, and 4.303 standard errors of 1/sqrt(3) around it."""
    effect = effect_of([1.0, 2.0, 3.0])
    assert effect.mean == 2.0
    assert effect.high - effect.mean == pytest.approx(4.303 / math.sqrt(3))
    assert effect.verdict == "can\u2019t tell from 3 seeds"
    assert effect_of([0.9, 1.0, 1.1]).verdict == "helps"
    assert effect_of([-0.9, -1.0, -1.1]).verdict == "hurts"
    assert effect_of([1.0]).verdict == "can\u2019t tell from 1 seed"
    assert effect_of([1.0]).low == -math.inf
    assert effect_of([]).verdict == ""


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ([math.inf, math.inf], "helps: did not diverge"),
        ([math.inf, 0.1], "helps: did not diverge"),
        ([math.inf, -0.1], "helps: did not diverge"),
        ([math.inf, -math.inf], "hurts: diverged"),
        ([1.0, -math.inf], "hurts: diverged"),
        ([math.nan], "can\u2019t tell: both diverged"),
        ([math.nan, 0.1], "can\u2019t tell from 1 seed"),
        ([math.nan, 1.0, 1.01, 1.02], "helps"),
        ([math.nan, 1.0, 1.01], "can’t tell from 2 seeds"),
    ],
)
def test_a_pair_that_diverged_has_no_difference(gains, verdict):
    """One of which both did says nothing; with one of which one did there is no interval."""
    effect = effect_of(gains)
    assert effect.verdict == verdict
    if any(map(math.isinf, gains)):
        assert effect.low == effect.mean == effect.high and math.isinf(effect.mean)


def test_pairs_are_of_one_seed(tiny):
    """A seed that only one of two switches has is no pair; the order is seed after seed."""
    study = Study(tiny[:3], 2)
    assert study.missing(2) == [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2)]
    for trained in (done(0, 1, 2.0), done(1, 1, 1.5), done(0, 2, 2.2), done(1, 2, 1.6)):
        study.add(trained)
    assert study.effect(1).gains == pytest.approx((0.5, 0.6))
    assert study.effect(2).gains == study.effect(0).gains == ()
    assert study.missing(2) == [(2, 1), (2, 2)]
    assert study.missing(3) == [(2, 1), (2, 2), (0, 3), (1, 3), (2, 3)]
    assert study.loss(0) == pytest.approx(2.1)
    assert study.curve(1).tolist() == pytest.approx([3.0, 1.55])
    assert math.isnan(study.loss(2)) and not len(study.curve(2))
    assert study.seconds_left(2, guess=10.0) == 20.0
    assert study.seconds_left(3, guess=10.0) == 34.0


def test_trainings_are_those_of_their_recipes_whatever_else_is_trained(names, tiny):
    """One seed gives one loss, also after a stop; a training that is stopped is dropped."""
    playground = registry.get("names")

    def events(trainings, control):
        return train_all(playground, tiny, trainings, 4, names, CPU, control)

    study, control = Study(tiny, 4), Control()
    whole = [(0, 1), (4, 1), (5, 1)]
    for event in events(whole, control):
        if isinstance(event, TrainedSwitch):
            study.add(event)
        elif isinstance(event, UnderWay) and event.place == 4 and event.step == 1:
            control.stop(abandon=True)
    assert isinstance(event, Stopped)
    assert [t.place for place in range(6) for t in study.of(place)] == [0]
    told = list(events(whole[1:], Control()))
    assert isinstance(told[-1], Finished)
    again = [event for event in told if isinstance(event, TrainedSwitch)]
    alone = [e for e in events(whole[2:], Control()) if isinstance(e, TrainedSwitch)]
    assert [t.place for t in again] == [4, 5]
    assert again[1].loss == alone[0].loss and again[1].losses.tolist() == alone[0].losses.tolist()
    assert all(len(t.losses) == 4 and 0 < t.loss < 5 and t.step_seconds > 0 for t in again)


def test_a_training_that_diverges_has_an_infinite_loss(names, tiny, monkeypatch):
    """It ends early, and the others go on."""
    learn, wild = Learner.learn, tiny[1].recipe.lr
    assert wild != tiny[0].recipe.lr

    def diverging(learner, *batch):
        loss, right = learn(learner, *batch)
        return (loss * math.inf if learner.recipe.lr == wild else loss), right

    monkeypatch.setattr(Learner, "learn", diverging)
    told = train_all(registry.get("names"), tiny, [(1, 1), (0, 1)], 60, names, CPU, Control())
    first, second = (event for event in told if isinstance(event, TrainedSwitch))
    assert first.place == 1 and first.loss == math.inf and len(first.losses) < 60
    assert second.place == 0 and math.isfinite(second.loss) and len(second.losses) == 60


def test_a_stop_does_not_wait_for_the_evaluation(names, tiny, monkeypatch):
    """It is given up before the next layer, and the training is dropped."""
    control, evaluate = Control(), Learner.evaluate
    seen = []

    def slow(learner, limit):
        control.stop(abandon=True)
        seen.append(limit)
        evaluate(learner, limit)
        raise AssertionError("it was evaluated to the end")

    monkeypatch.setattr(Learner, "evaluate", slow)
    told = list(train_all(registry.get("names"), tiny, [(0, 1)], 2, names, CPU, control))
    assert seen == [50] and isinstance(told[-1], Stopped)
    assert not any(isinstance(event, TrainedSwitch) for event in told)


def test_how_long_a_step_takes_is_measured_before(names, tiny):
    """Of the plain recipe and the last one."""
    (timed,) = time_steps(registry.get("names"), tiny, names, CPU, Control())
    assert isinstance(timed, Timed) and timed.step > 0 and timed.rest > 0


def test_a_loss_of_tokens_is_counted_per_character():
    """Of pictures it is what their loss is measured in."""
    units = {n: unit_of(registry.get(n), registry.get(n).recipe_for()) for n in OFFERED}
    assert units == {"digits": "nats", "names": "nats per character", "text": "nats per character"}


def test_the_record_in_the_lesson_is_the_one_that_was_measured():
    """Loss and milliseconds of each row, as docs/measurements.md has them."""
    page = (ROOT / "docs" / "measurements.md").read_text(encoding="utf-8")
    table = page.partition("After 1,200 steps")[2].partition("After 100 s")[0]
    measured = re.findall(r"\| \**(\d\.\d+)\** \| (\d+) \|", table)
    blocks = [b for b in lessons()["6-switches"].blocks if isinstance(b, Code)]
    block = next(b for b in blocks if "AdamW" in b.lines)
    assert [tuple(line.split()[-2:]) for line in block.lines.splitlines()[1:]] == measured
