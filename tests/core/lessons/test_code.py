"""The code behind the networks of lesson 3: it trains as they do."""

import pytest

from bench.scripts import losses_of_script
from core import playgrounds
from core.lessons.code import write_network
from core.lessons.experiments import EXPERIMENTS
from core.lessons.pair_settings import NetworkSettings
from tests.core.lessons.pairs import losses

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = NetworkSettings(depth=3, width=30, steps=30)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"norm": "batch", "residual": True, "activation": "gelu"},
        {"norm": "layer", "activation": "relu", "gain": 2**0.5, "schedule": "drop"},
        {"activation": "none", "residual": True, "gain": 1.0, "last": 2.0, "lr": 0.05},
        {"activation": "sigmoid", "last": 0.0},
    ],
)
def test_its_losses_are_those_of_the_network(changes, monkeypatch):
    """Whatever is set, from the same seed."""
    monkeypatch.setattr("core.lessons.paired_runs.use_threads", lambda model, device: None)
    settings, data = SMALL.replace(changes), playgrounds.get("names").load(None)
    ours, _ = losses(settings, SMALL, data)
    assert losses_of_script(write_network(settings)) == pytest.approx(ours, abs=2e-4)


def test_every_experiment_has_scripts_that_differ():
    """One for each network, short enough for a lecture."""
    for experiment in EXPERIMENTS.values():
        scripts = [write_network(each) for each in (experiment.first, experiment.second)]
        assert scripts[0] != scripts[1]
        for script in scripts:
            lines = script.splitlines()
            assert len(lines) <= 150 and max(map(len, lines)) <= 100
