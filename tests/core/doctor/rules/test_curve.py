"""Rules on the loss curves, from small made-up ones."""

import math

import numpy as np
import pytest

from core.doctor.evidence import DataStats
from core.doctor.rules.curve import metric_disagrees, nan, oscillation, overfitting, plateau
from tests.core.doctor.rules.helpers import (
    UNIFORM,
    evidence,
    falling,
    inputs,
    loss,
    step,
    steps,
    weight,
)


def test_nan():
    """In the loss, with the step and the place; in the inputs; surer if nothing rose before."""
    assert nan.check(evidence()).passed
    losses = falling()
    losses[50:] = math.nan
    found = nan.check(evidence([*steps(), step(50, first_nan="log, a result")], losses))
    assert found.passed is False and "from step 50" in found.measured
    assert found.where == "log, a result" and found.confidence == 0.9
    losses[40:50] = 100.0
    assert nan.check(evidence(losses=losses)).confidence == 0.55
    bad = nan.check(evidence(steps(inputs=(inputs(finite=False),))))
    assert bad.passed is False and bad.where == "the inputs"
    assert nan.check(evidence(losses=[])).passed is None


@pytest.mark.parametrize(
    ("change", "passed"),
    [
        (lambda t: 0.0, True),
        (lambda t: 0.3 * (-1.0) ** t, False),
        (lambda t: 2.0 * np.maximum(0, np.sin(t / 40)), False),
    ],
    ids=["falls", "alternates", "waves"],
)
def test_oscillation(change, passed):
    """From step to step, or in waves."""
    losses = falling(count=1000)
    assert oscillation.check(evidence(losses=losses + change(np.arange(1000)))).passed is passed


@pytest.mark.parametrize(
    ("momentum", "cosines", "passed"),
    [
        (0.995, (-0.3, 0.4), False),
        (0.9, (-0.3, 0.4), True),
        (0.995, (-0.3, -0.1), True),
    ],
)
def test_a_momentum_of_nearly_one_that_leads_uphill(momentum, cosines, passed):
    """It remembers so many steps that it goes on where the gradient has turned."""
    seen = [
        step(10 * n, momentum=momentum, parameters=(weight(cosine=cosines[n % 2]),))
        for n in range(12)
    ]
    assert oscillation.check(evidence(seen)).passed is passed


@pytest.mark.parametrize(("lowest", "passed"), [(1e-4, True), (0.05, False)])
def test_a_rate_that_is_raised_again_lets_the_loss_rise(lowest, passed):
    """A cosine that begins again, four times: warm restarts; or one that hardly falls."""
    place = np.arange(1000) / 200 % 1
    rates = lowest + (0.1 - lowest) * (1 + np.cos(np.pi * place)) / 2
    seen = evidence(losses=falling(count=1000) * (1.5 - place))
    seen.rates = list(enumerate(rates))
    assert oscillation.check(seen).passed is passed


@pytest.mark.parametrize(("late", "passed"), [(9, None), (4, False)])
def test_sequences_that_become_longer_let_the_loss_rise(late, passed):
    """A curriculum makes the task harder, time and again."""
    losses = falling(count=1000) + 2.0 * np.maximum(0, np.sin(np.arange(1000) / 40))
    lengths = [(n, 4 if n < 500 else late) for n in (0, 1, 2, 3, 5, 8, 600, 700, 800, 900)]
    seen = [step(n, inputs=(inputs(is_tokens=True, shape=(48, long)),)) for n, long in lengths]
    assert oscillation.check(evidence(seen, losses=losses)).passed is passed


def test_oscillation_needs_every_step():
    """Of few, or of thinned ones, nothing is said."""
    assert oscillation.check(evidence(losses=falling(count=50))).passed is None
    thinned = evidence()
    thinned.steps = thinned.steps * 10
    assert oscillation.check(thinned).passed is None


@pytest.mark.parametrize(
    ("losses", "entropy", "passed"),
    [
        (falling(), 3.2, True),
        ([3.2] * 200, 3.2, False),
        (falling(start=6, end=3.2), 3.2, True),
        ([UNIFORM] * 200, math.nan, False),
        ([3.2] * 50, 3.2, None),
    ],
    ids=["learns", "stays", "still falls", "stays at a uniform guess", "few steps"],
)
def test_plateau(losses, entropy, passed):
    """The loss stays at that of a guess."""
    assert plateau.check(evidence(losses=losses, data=DataStats(entropy=entropy))).passed is passed


def test_a_plateau_at_the_mean_of_the_targets():
    """Squared error is compared with the variance of all targets, not with that of a batch."""
    squared = steps(criterion=loss(kind="mse_loss", uniform=0.0), training_kind="regression")
    flat = np.full(STEPS, 0.25)
    found = plateau.check(evidence(squared, flat, data=DataStats(target_variance=0.25)))
    assert found.passed is False and "mean of the targets" in found.measured
    assert plateau.check(evidence(squared, flat)).passed is None
    assert plateau.check(evidence(steps(training_kind="adversarial"), flat)).passed is None


def test_a_loss_that_is_not_understood_has_no_plateau():
    """What a guess costs is not known."""
    assert plateau.check(evidence(steps(criterion=loss(kind="")))).passed is None


def validated(curve, **changes):
    """A training with a validation loss every ten steps."""
    return evidence(validations=[(t, float(curve(t))) for t in range(0, STEPS, 10)], **changes)


STEPS = 200


@pytest.mark.parametrize(
    ("curve", "train", "passed"),
    [
        (lambda t: 2.4 + 1 / (1 + t / 20), 2.2, True),
        (lambda t: 2.4 + (t / 200 - 0.3) ** 2 * 3, 1.0, False),
        (lambda t: 2.4 + (t / 200 - 0.3) ** 2 * 3, 4.0, True),
        (lambda t: 1.0 + 0.001 * t, 0.9, True),
        (lambda t: 2.4, 0.5, False),
        (lambda t: 1.0, 0.01, False),
        (lambda t: 0.6, 0.01, True),
    ],
    ids=[
        "falls",
        "rises",
        "both rise",
        "rises a little",
        "far above training",
        "learned by heart",
        "known",
    ],
)
def test_overfitting(curve, train, passed):
    """The validation loss rises while the training loss falls, or is far above it."""
    found = overfitting.check(validated(curve, train_loss=train))
    assert found.passed is passed
    assert overfitting.check(evidence(validations=[(0, 2.0), (10, 2.1)])).passed is None


@pytest.mark.parametrize(("train", "new", "passed"), [(1e-5, 0.2, False), (0.01, 0.2, True)])
def test_quantities_that_are_known_to_the_last_digit(train, new, passed):
    """Of new ones a fifth of the variance is left open."""
    squared = steps(criterion=loss(kind="mse_loss", uniform=1.0))
    found = validated(lambda t: new, train_loss=train, observations=squared)
    assert overfitting.check(found).passed is passed


def test_a_loss_on_new_data_that_is_a_sum_is_not_far_above_a_mean():
    """It was as many times the training loss when that had hardly begun to fall."""
    fallen = np.linspace(8.0, 2.0, STEPS)
    sums = [(t, 700 * float(fallen[t])) for t in range(10, STEPS, 10)]
    found = evidence(losses=fallen, steps=np.arange(STEPS), validations=sums, train_loss=2.0)
    check = overfitting.check(found)
    assert check.passed and "on another scale" in check.measured


def test_what_was_memorised_before_the_first_validation_is_on_the_same_scale():
    """From then on both fall alike; but the network began far above that training loss."""
    x = np.arange(4000)
    fallen = 2.3 * np.exp(-x / 60) + 0.02 * (1 + np.exp(-x / 2000))
    new = [(t, 1.43 + 0.77 * math.exp(-(t - 400) / 2000)) for t in range(400, 4000, 400)]
    found = evidence(losses=fallen, steps=x, validations=new, train_loss=fallen[-1])
    assert not found.validates_on_other_scale
    assert overfitting.check(found).passed is False


def test_the_loss_on_both_kinds_of_data_shows_overfitting():
    """Measured at the end, without a curve."""
    assert overfitting.check(evidence(training_loss=0.5, new_loss=2.5)).passed is False
    assert overfitting.check(evidence(training_loss=2.2, new_loss=2.4)).passed is None


@pytest.mark.parametrize(("now", "words"), [(0.5, "now 50.0%"), (0.7, "overconfident")])
def test_what_the_accuracy_did_meanwhile_is_said(now, words):
    """It fell, too; or only the confidence grew."""
    rises = validated(lambda t: 2.4 + (t / 200 - 0.3) ** 2 * 3, train_loss=1.0)
    rises.metrics = [(10, 2.4, 0.7), (190, 3.0, now)]
    assert words in overfitting.check(rises).measured


@pytest.mark.parametrize(
    ("value", "accuracy", "kind", "passed"),
    [
        (0.3, 0.9, "cross_entropy", True),
        (0.3, 0.1, "cross_entropy", False),
        (2.0, 0.1, "cross_entropy", True),
        (0.3, 0.1, "mse_loss", None),
        (0.3, math.nan, "cross_entropy", None),
    ],
)
def test_metric_disagrees(value, accuracy, kind, passed):
    """A loss of 0.3 nats leaves at most 43 % of the labels wrong."""
    metrics = [(t, value, accuracy) for t in range(0, 100, 10)]
    found = evidence(steps(criterion=loss(kind=kind)), metrics=metrics)
    assert metric_disagrees.check(found).passed is passed
