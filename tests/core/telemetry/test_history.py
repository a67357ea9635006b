"""Curves keep their shape in a bounded number of points."""

import numpy as np

from core.telemetry.history import Curve


def test_a_curve_is_bounded_and_keeps_its_shape():
    """Ten thousand points in a hundred places: ends and mean stay."""
    curve = Curve(limit=100)
    for start in range(0, 10_000, 10):
        steps = np.arange(start, start + 10)
        curve.extend(steps, steps * 2.0)
    assert 40 <= len(curve.x) <= 100 and (np.diff(curve.x) > 0).all()
    assert np.allclose(curve.y[:-1], 2 * curve.x[:-1])
    assert curve.x[0] < 200 and curve.x[-1] == 9_999, "the newest point is always there"


def test_smoothing_follows_the_mean():
    """A noisy curve is smoothed towards what it hovers about, from its first point on."""
    curve, noise = Curve(), np.random.default_rng(0).normal(size=2000)
    curve.extend(np.arange(2000), 3 + noise)
    smooth = curve.smoothed()
    assert len(smooth) == 2000 and abs(smooth[-1] - 3) < 0.5 and smooth[0] == curve.y[0]
