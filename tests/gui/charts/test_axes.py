"""Scales, their ticks, and the part of an axis that is seen."""

import math

import numpy as np
import pytest

from gui.charts.axes import Scale, Window


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([0.0, 1.0], False),
        ([-3.0, 70.0], False),
        ([1e-5, 10.0], True),
        ([0.01, 40.0], True),
        ([2.0, 3.0], True),
        ([], True),
    ],
)
def test_a_scale_holds_its_values_and_has_round_ticks(values, log):
    """All values stand on the scale, and two to six numbers are written beside it."""
    scale = Scale.over(values, log)
    assert all(0 <= scale.share(v) <= 1 for v in values if v > 0 or not log)
    ticks = scale.ticks()
    assert 2 <= len(ticks) <= 6 and all(0 <= scale.share(v) <= 1 for v in ticks)


@pytest.mark.parametrize("end", [1, 2, 3, 7, 30, 1234, 5e6])
def test_steps_are_whole_numbers(end):
    """A short run has no step 0.5."""
    ticks = Scale(0, end, whole=True).ticks(6)
    assert ticks and all(tick == round(tick) for tick in ticks)
    assert len(ticks) <= 8


def test_decades_are_named_where_there_are_many():
    """Between few there are 2 and 5."""
    assert Scale(1e-3, 1.0, log=True).ticks(6) == pytest.approx([1e-3, 1e-2, 1e-1, 1.0])
    assert Scale(0.1, 2.0, log=True).ticks(5) == pytest.approx([0.1, 0.2, 0.5, 1.0, 2.0])


def test_zero_has_no_place_on_a_logarithm():
    """It is left out, rather than painted anywhere."""
    scale = Scale.over([1.0, 10.0], log=True)
    assert math.isnan(scale.share(0.0))
    np.testing.assert_allclose(scale.shares(np.array([scale.low, scale.high])), [0, 1])


@pytest.mark.parametrize("log", [False, True])
def test_a_value_and_its_place_are_inverse(log):
    """Whatever the scale."""
    scale = Scale(0.1, 50.0, log)
    assert [scale.share(scale.at(share)) for share in (0, 0.3, 1)] == pytest.approx([0, 0.3, 1])


def test_a_window_keeps_within_the_axis():
    """Zooming at an end shows that end; panning stops there; zooming out far shows all."""
    window = Window()
    window.extend(Scale(0, 1000, whole=True))
    window.zoom(1000, 0.5)
    assert (window.seen.low, window.seen.high) == pytest.approx((500, 1000))
    window.pan(5)
    assert window.seen.high == pytest.approx(1000)
    window.pan(-0.5)
    assert (window.seen.low, window.seen.high) == pytest.approx((250, 750))
    for _ in range(100):
        window.zoom(500, 0.5)
    assert window.seen.high - window.seen.low == pytest.approx(2.5)
    window.zoom(500, 1000)
    assert not window.zoomed and window.seen.whole
