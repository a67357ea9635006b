"""The learning-rate range test."""

import numpy as np
import pytest
import torch

from core import playgrounds
from core.playgrounds.names.recipe import RECIPES
from core.telemetry.events import Finished, LRRangeTest, Metrics, Stopped
from core.training import lr_range_test
from core.training.control import Control
from core.training.lr_range_test import judge, range_test, smooth
from core.training.trainer import Run, train


@pytest.fixture(scope="module")
def names():
    """The bundled names."""
    playground = playgrounds.get("names")
    return playground, playground.load(None)


def rates_tried(names, recipe, control=None):
    """Test over 400 steps."""
    playground, data = names
    run = Run(playground, recipe, data, torch.device("cpu"), steps=400)
    return list(range_test(run, control or Control()))


def test_the_lectures_rate_is_found(names):
    """The valley of the lecture's MLP is where the lecture found it, around 0.1."""
    events = rates_tried(names, RECIPES["lecture mlp"])
    assert isinstance(events[-1], Finished)
    *going, last = [event for event in events if isinstance(event, LRRangeTest)]
    assert 0.02 <= last.valley <= 0.5 and "take" in last.words
    assert all(event.valley == 0 for event in going)
    lengths = [len(event.losses) for event in going]
    assert lengths == sorted(lengths) and np.all(np.diff(last.rates) > 0)


def test_it_takes_as_many_threads_as_a_training(names):
    """It says how fast a training will be, and leaves no other's number behind."""
    playground, data = names
    run = Run(playground, RECIPES["lecture mlp"], data, torch.device("cpu"), steps=50)
    alone = []
    for steps in (train(run, Control()), range_test(run, Control())):
        torch.set_num_threads(2)
        next(event for event in steps if isinstance(event, Metrics | LRRangeTest))
        alone.append(torch.get_num_threads())
    assert alone == [1, 1]


def test_slow_steps_are_told_of_in_between(names, monkeypatch):
    """Others are not kept waiting for a whole group of them."""
    monkeypatch.setattr(lr_range_test, "LONGEST", 0.0)
    events = rates_tried(names, RECIPES["lecture mlp"].replace({"hidden": (8,)}))
    lengths = [len(event.losses) for event in events if isinstance(event, LRRangeTest)]
    assert lengths[:3] == [1, 2, 3]


def test_what_learns_at_no_rate_is_said():
    """Where the loss never falls there is no valley, and the sentence says where to look."""
    rates = np.geomspace(1e-3, 10, 400)
    valley, words = judge(rates, np.full(400, 3.3))
    assert valley == 0 and "initialisation" in words


def test_it_can_be_stopped(names):
    """A range test that is stopped at once ends as stopped and claims nothing."""
    control = Control()
    control.stop()
    events = rates_tried(names, RECIPES["lecture mlp"], control)
    assert isinstance(events[-1], Stopped) and events[-2].valley == 0


def test_numbers_that_are_none_do_not_spoil_the_picture():
    """NaN and infinity count as high; the lowest point stays where it is."""
    losses = np.concatenate([np.linspace(3, 2, 200), np.linspace(2, 9, 50), [np.inf, np.nan] * 5])
    rates = np.geomspace(1e-3, 10, len(losses))
    assert np.isfinite(smooth(losses)).all()
    valley, words = judge(rates, losses)
    assert valley == pytest.approx(rates[199] / 3, rel=0.3) and "diverges" in words
