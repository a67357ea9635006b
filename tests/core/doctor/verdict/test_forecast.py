"""The loss, forecast: from small curves that are made up, whose further course is known."""

import numpy as np
import pytest

from core.doctor.evidence import Evidence
from core.doctor.experiments.experiment import Outcome
from core.doctor.experiments.training_copies import LONGER, Longer
from core.doctor.verdict.forecast import Schedule, forecast, forecast_of, means_of

STEPS = np.arange(20, 2000, 20.0)
END = STEPS[-1]


@pytest.mark.parametrize(
    "curve",
    [
        lambda x: 1.5 + 8 * x**-0.5,
        lambda x: 2 + 5 * x**-0.23,
        lambda x: 5 * x**-0.33,
        lambda x: 1.2 + 2 * np.exp(-x / 500),
        lambda x: 4 - 0.25 * np.log(x),
        lambda x: np.where(x < 100, 3 - x / 100, 2.0),
    ],
    ids=["power law", "slow power law", "no floor", "exponential", "logarithm", "settled"],
)
def test_each_family_is_forecast_where_the_curve_is_one(curve):
    """What twice the steps bring is found within four hundredths, and lies in the band."""
    found = forecast(STEPS, curve(STEPS), np.array([2 * END]))
    truth = curve(np.array([2 * END]))[0]
    assert found.now == pytest.approx(curve(np.array([END]))[0], rel=0.01)
    assert found.median[0] == pytest.approx(truth, rel=0.04)
    assert found.low[0] - 0.01 * truth <= truth <= found.high[0] + 0.002 * truth


def test_a_loss_is_not_forecast_below_zero():
    """Of a curve that steepens at its end, as under a rate that falls to zero."""
    found = forecast(STEPS, 0.3 * (1 - STEPS / 2100), np.array([2 * END]))
    assert 0 <= found.low[0] <= found.median[0] < found.now


def test_what_copies_say_is_not_below_zero_either():
    """A loss next to nothing, of which twice the steps leave less, may be nothing, and no less."""
    case = Evidence(np.arange(400), np.geomspace(0.7, 1e-4, 400), [])
    found = Longer(now=1e-4, twice=2e-6, gain=0.98, gap=0.0)
    case.add(LONGER.done(Outcome(True, "measured", found)), found)
    told = forecast_of(case)
    assert told.low == 0 < told.median < told.high


def test_noise_and_a_farther_target_widen_the_band():
    """The less is known, the wider."""
    noise = np.random.default_rng(1).normal(0, 0.1, len(STEPS))
    curve, targets = 1.5 + 8 * STEPS**-0.5, np.array([1.5 * END, 4 * END])
    sure, unsure = (forecast(STEPS, y, targets) for y in (curve, curve + noise))
    wide, wider = (found.high - found.low for found in (sure, unsure))
    assert (wider > wide).all() and wider[1] > wider[0]


def test_the_same_curve_has_the_same_forecast():
    """What is resampled is the same each time, and the scale of the loss does not count."""
    curve = 1.5 + 8 * STEPS**-0.5 + np.random.default_rng(2).normal(0, 0.02, len(STEPS))
    one, again, large = (
        forecast(STEPS, scale * curve, np.array([2 * END])) for scale in (1, 1, 1000)
    )
    assert one.median == again.median and one.low == again.low and one.high == again.high
    assert large.median / 1000 == pytest.approx(one.median, rel=1e-6)


@pytest.mark.parametrize(
    ("losses", "why"),
    [
        (lambda x: 2 + 0.001 * x, "rises"),
        (lambda x: np.full_like(x, 2.0), "does not fall"),
        (lambda x: np.where(x < 1900, 3 - x / 1000, np.nan), "NaN"),
        (lambda x: np.where(x < 1000, 3.0 - x / 1000, np.exp(x / 200)), "rises"),
    ],
    ids=["rises", "flat", "NaN", "diverged"],
)
def test_what_has_no_course_is_not_forecast_and_it_says_why(losses, why):
    """Of a curve that rises, never fell, or is no number, nothing is foretold."""
    assert why in forecast(STEPS, losses(STEPS), np.array([2 * END]))


def test_few_points_are_not_forecast():
    """It says how many there are, and how many it needs."""
    assert "5 points" in forecast(STEPS[:5], 3 - STEPS[:5] / 1000, np.array([2 * END]))


def cosine(steps):
    """A learning rate that falls to a twentieth of its maximum, to step END."""
    return 0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * np.minimum(steps / END, 1)))


def annealed(steps, end):
    """A loss that falls with the sum of rates, and by what the rate itself costs."""
    steps = np.asarray(steps, float)
    grid = np.linspace(0, end, 4000)
    rate = cosine(grid * END / end)
    spent = np.concatenate([[0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(grid))])
    return 1.5 + 8 * np.interp(steps, grid, spent) ** -0.5 + 0.1 * np.interp(steps, grid, rate)


def test_a_schedule_that_has_ended_does_not_go_on():
    """Its last, steep part is the rate's fall: only a schedule twice as long brings more."""
    rates = Schedule(tuple(STEPS), tuple(cosine(STEPS)))
    known = annealed(STEPS, END)
    truth = annealed([2 * END], 2 * END)[0]
    found = forecast(STEPS, known, np.array([2 * END]), rates)
    blind = forecast(STEPS, known, np.array([2 * END]))
    assert found.median[0] == pytest.approx(truth, rel=0.01)
    assert abs(found.median[0] - truth) < 0.5 * abs(blind.median[0] - truth)


def test_a_schedule_ahead_is_known():
    """At half of a cosine, the fall to its end is foreseen."""
    rates = Schedule(tuple(STEPS), tuple(cosine(STEPS)))
    half = STEPS <= END / 2
    known, truth = annealed(STEPS[half], END), annealed([END], END)[0]
    found = forecast(STEPS[half], known, np.array([END]), rates)
    blind = forecast(STEPS[half], known, np.array([END]))
    assert abs(found.median[0] - truth) < 0.7 * abs(blind.median[0] - truth)


def test_losses_of_steps_become_means_at_their_middle():
    """What is NaN is left out; few losses make few means."""
    steps, losses = means_of(np.arange(400), np.where(np.arange(400) == 7, np.nan, 2.0))
    assert len(steps) == 40 and steps[-1] == 396 and (losses == 2).all()
    assert len(means_of(np.arange(12), np.ones(12))[0]) == 4
    assert not len(means_of(np.arange(4), np.full(4, np.nan))[0])


def test_new_data_is_forecast_where_it_is_measured_often_enough():
    """Else the training loss; a run that goes on to the step that is planned, else to twice."""
    steps = np.arange(600)
    training = 0.5 + 4 * (steps + 1.0) ** -0.6
    new = [(step, 1 + 4 * step**-0.3) for step in range(20, 620, 20)]
    found = forecast_of(Evidence(steps, training, [], new))
    assert found.on == "validation" and found.at == 1200
    assert found.median == pytest.approx(1 + 4 * 1200**-0.3, rel=0.03)
    found = forecast_of(Evidence(steps, training, [], new[:3], planned=1300))
    assert found.on == "training" and found.at == 1300
    assert found.picture.series[1].x[-1] == 1300 and found.picture.y_label
    band = found.picture.series[1]
    assert band.low[-1] == found.low <= found.median == band.y[-1] <= found.high == band.high[-1]
    assert "1,300" in found.words
