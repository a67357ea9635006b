"""The loss curve, extrapolated."""

import numpy as np
import pytest

from core.doctor.verdict.extrapolation import extrapolate


@pytest.mark.parametrize(
    ("a", "b", "c"), [(1.5, 8, 0.5), (0.5, 3, 0.97), (2, 5, 0.23), (0, 5, 0.33)]
)
def test_a_power_law_is_extrapolated_within_a_hundredth(a, b, c):
    """Of a curve that is one, what twice the steps bring is found."""
    steps = np.arange(20, 2000, 20.0)
    found = extrapolate(steps, a + b * steps**-c)
    assert found.now == pytest.approx(a + b * steps[-1] ** -c, rel=0.01)
    assert found.twice == pytest.approx(a + b * (2 * steps[-1]) ** -c, rel=0.01)


def test_a_loss_is_not_extrapolated_below_zero():
    """A curve that steepens at its end, as under a rate that falls to zero."""
    steps = np.arange(20, 2000, 20.0)
    found = extrapolate(steps, 0.3 * (1 - steps / 2100))
    assert 0 <= found.low <= found.twice < found.now


def test_noise_widens_the_band():
    """With noise the true value still lies near the band, and the band is wider."""
    steps, noise = np.arange(20, 2000, 20.0), np.random.default_rng(1)
    curve = 1.5 + 8 * steps**-0.5
    sure, unsure = (
        extrapolate(steps, curve),
        extrapolate(steps, curve + noise.normal(0, 0.03, len(steps))),
    )
    assert unsure.high - unsure.low > sure.high - sure.low
    assert unsure.twice == pytest.approx(1.5 + 8 * (2 * steps[-1]) ** -0.5, rel=0.05)


@pytest.mark.parametrize(
    "losses",
    [
        lambda x: 2 + 0.01 * x,
        lambda x: np.full_like(x, np.nan),
        lambda x: np.where(x < 100, 3.0, np.inf),
    ],
    ids=["rises", "NaN", "diverged"],
)
def test_rubbish_is_not_extrapolated(losses):
    """A curve that rises, or is no curve, can't be extrapolated."""
    steps = np.arange(20, 2000, 20.0)
    assert extrapolate(steps, losses(steps)) is None
    assert extrapolate(steps[:5], 3 - steps[:5] / 1000) is None
