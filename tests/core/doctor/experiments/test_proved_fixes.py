"""Proved fixes: two copies, one with the fix, and what their losses on new data allow to say."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from core import playgrounds
from core.doctor.evidence import Evidence
from core.doctor.examine import examine
from core.doctor.experiments import proved_fixes
from core.doctor.experiments.proved_fixes import (
    proof_of,
    prove_fixes,
    steps_for,
    train_pair,
    weigh,
)
from core.doctor.faults.fault_injection import FaultyLearner
from core.doctor.faults.gallery import FAULTS
from core.doctor.run_doctor import advise
from core.doctor.watch.recorder import TapeRecorder
from core.doctor.watch.work import clock
from core.telemetry.events import Diagnosed
from core.training.control import Control
from core.training.learner import Learner
from core.training.trainer import Run

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
SMALL = {"hidden": (16,), "embedding": 8, "context": 3, "batch_size": 32, "steps": 0}
LATER = clock() + 1e6


class Falls:
    """An arm whose loss falls to a level, and is noisy from batch to batch."""

    def __init__(self, level, breaks=math.inf):
        self.level, self.breaks, self.count = level, breaks, 0

    def step(self, progress):
        self.count += 1
        return torch.tensor(math.nan if self.count >= self.breaks else 1.0)

    def losses(self):
        return [self.level + 2 / (1 + self.count) + noise for noise in (-0.3, -0.1, 0.1, 0.3)]


def proved(unfixed, fixed, **rest):
    """What two arms prove."""
    return proof_of(train_pair(unfixed, fixed, 60, LATER), "a fix", {"lr": 0.1}, **rest)


def test_what_is_lower_on_new_data_is_proved():
    """It says by how much, how sure, and has both curves; examples are compared one by one."""
    found = proved(Falls(2.0), Falls(1.5))
    assert found.proved and found.settings == (("lr", 0.1),) and found.steps == 60
    assert found.gain == pytest.approx(0.5) and 0.4 < found.low < 0.5 < found.high < 0.6
    assert "0.5 lower" in found.measured and "80 % interval" in found.measured
    unfixed, fixed = found.picture.series
    assert unfixed.x == fixed.x and len(fixed.x) == 7 and unfixed.y[-1] > fixed.y[-1]


@pytest.mark.parametrize("level", [1.999, 2.0, 2.4], ids=["hardly", "nothing", "worse"])
def test_what_brings_next_to_nothing_is_not(level):
    """Less than two equal trainings differ by is no gain, however often it is measured."""
    found = proved(Falls(2.0), Falls(level))
    assert found.proved is False and found.refuted


def test_what_diverges_is_worse_than_what_does_not():
    """NaN without the fix proves it; NaN with it never does."""
    found = proved(Falls(2.0, breaks=20), Falls(2.0))
    assert (
        found.proved and math.isinf(found.unfixed) and "ends as NaN or infinity" in found.measured
    )
    assert proved(Falls(2.0), Falls(1.0, breaks=20)).proved is False
    assert proved(Falls(2.0, breaks=9), Falls(1.0, breaks=20)).proved is False


def test_both_are_trained_for_the_same_steps_however_slow_the_machine(monkeypatch):
    """The clock ends both at once; too early, and nothing is said."""
    assert train_pair(Falls(2.0), Falls(1.0), 60, clock() - 1) is None
    arms = Falls(2.0), Falls(1.0)
    monkeypatch.setattr(proved_fixes, "clock", lambda: LATER + arms[0].count - 39)
    train_pair(*arms, 60, LATER)
    assert arms[0].count == arms[1].count == 40


def test_how_many_steps_is_decided_by_the_work():
    """A larger product gets fewer steps, within limits; the clock is not asked."""

    def steps(*sizes):
        with TapeRecorder() as recorder:
            torch.randn(64, sizes[0]) @ torch.randn(*sizes)
        return steps_for(recorder.tape.ops)

    assert steps(8, 8) == 300 > steps(900, 900) > steps(1100, 1100) > steps(9000, 900) == 40
    with TapeRecorder() as recorder:
        torch.nn.Conv2d(64, 64, 3)(torch.randn(64, 64, 24, 24))
    assert steps_for(recorder.tape.ops) < 300


def test_other_data_is_compared_as_a_whole():
    """Where there are not as many batches on both sides, none belongs to another."""
    gain, low, high = weigh([2.0, 2.2, 1.8], [1.0, 1.2, 0.8])
    other = weigh([2.0, 2.2, 1.8], [1.0, 1.2, 0.8, 1.0])
    assert gain == pytest.approx(1.0) == other[0] and other[2] - other[1] > high - low
    assert weigh([2.0], [1.0])[1] == -math.inf  # of one batch nothing is certain


@pytest.fixture(scope="module")
def names():
    """The playground of names, and its data."""
    return playgrounds.get("names"), playgrounds.get("names").load(None)


def trained(names, changes, steps=60):
    """A learner that has done some steps."""
    playground, data = names
    recipe = playground.recipes["tuned mlp"].replace({**SMALL, **changes})
    learner = Learner(playground, recipe, data, CPU)
    for step in range(steps):
        learner.learn(*learner.take(), step / steps)
    return learner


def evidence():
    """Nothing but some losses."""
    return Evidence(np.arange(60), np.full(60, 3.0), [])


def test_a_rate_that_is_far_too_high_is_fixed_by_one_that_is_not(names):
    """The first that is tried is still too high; the one that is offered works."""
    learner, case = trained(names, {"lr": 30.0}), evidence()
    advice = {"lr_too_high": {"lr": 3.0}, "plateau": {"lr": 1.0}}
    told = list(prove_fixes(case, learner, ["lr_too_high"], advice, 60.0))
    assert told == [("Trying the fix: learning rate 3", 0.0)]
    found = case.proofs["lr_too_high"]
    assert found.proved and dict(found.settings)["lr"] <= 0.3 and found.fixed < found.unfixed


def test_a_loss_of_another_scale_is_judged_by_wrong_answers():
    """Squared error and cross-entropy are no numbers to be compared."""
    playground = playgrounds.get("digits")
    recipe = playground.recipes["plain mlp"].replace(
        {"hidden": (8,), "steps": 0, "loss": "squared-error", "batch_size": 32}
    )
    learner, case = Learner(playground, recipe, playground.load(None), CPU), evidence()
    learner.step = 50
    advice = {"wrong_loss": {"loss": "cross-entropy"}}
    list(prove_fixes(case, learner, ["wrong_loss"], advice, 60.0))
    found = case.proofs["wrong_loss"]
    assert "share of wrong answers" in found.measured and 0 <= found.fixed <= 1


def test_what_a_recipe_refuses_could_not_be_tried(names):
    """The reason stands there, and nothing is offered."""
    case = evidence()
    list(prove_fixes(case, trained(names, {}, 2), ["x"], {"x": {"lr": -1.0}}, 9.0))
    assert case.proofs["x"].proved is None and "lr=-1.0" in case.proofs["x"].measured


def test_more_steps_are_advised_only_of_a_run_that_did_all_it_was_to(names):
    """A look of some hundred steps at a run of 20,000 does not make it 1,362."""
    learner, case = trained(names, {}, 8), evidence()
    assert advise(learner, case, 8)["undertrained"] == {"steps": 16}
    assert "undertrained" not in advise(learner, case, 0)
    assert "undertrained" not in advise(learner, case, 20)
    learner.recipe = learner.recipe.replace({"steps": 20_000})
    assert "undertrained" not in advise(learner, case, 8)


def test_more_steps_are_tried_before_they_are_offered(names):
    """A copy trains for twice as long, and is compared with the run as it ended."""
    learner, case = trained(names, {"lr": 3e-3}, 40), evidence()
    advice = {"undertrained": {"steps": 80}}
    list(prove_fixes(case, learner, ["undertrained"], advice, 60.0))
    found = case.proofs["undertrained"]
    assert found.proved and found.settings == (("steps", 80),)
    assert found.fix == "80 steps in place of 40"
    assert [series.name for series in found.picture.series] == ["as it was", "80 steps"]
    late = evidence()
    list(prove_fixes(late, learner, ["undertrained"], advice, -1.0))
    assert late.proofs["undertrained"].proved is None


def test_a_planted_fault_is_proved_end_to_end(names):
    """From the training to the diagnosis: the cause's settings are those that were proved."""
    playground, data = names
    recipe = playground.recipes["tuned mlp"].replace({**SMALL, "embedding": 4})
    fault = partial(FaultyLearner, FAULTS["rate_high"].make())
    run = Run(playground, recipe, data, CPU, steps=60, watched=True, make_learner=fault)
    said = [e for e in examine(run, Control(), 60.0) if isinstance(e, Diagnosed)]
    (cause, *_) = said[-1].diagnosis.causes
    assert cause.id == "lr_too_high" and cause.proof.proved and cause.settings
    assert "Proved (learning rate" in said[-1].diagnosis.text()
    assert all(not early.diagnosis.causes[0].settings for early in said[:-1])
