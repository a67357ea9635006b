"""The exponential moving average, and its slider."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gui.charts.smoothing import SmoothingSlider, smoothed

STEPS = np.arange(1.0, 1001.0)


def test_none_changes_nothing_and_a_constant_stays():
    """The first values are not pulled towards zero."""
    noise = np.random.default_rng(0).normal(2, 1, 1000)
    assert smoothed(STEPS, noise, 0.0) is noise
    np.testing.assert_allclose(smoothed(STEPS, np.full(1000, 2.5), 0.9), 2.5)
    assert smoothed(STEPS, noise, 0.9)[0] == noise[0]


def test_more_smoothing_is_smoother():
    """The noise falls with the setting, the mean stays."""
    noise = np.random.default_rng(0).normal(2, 1, 1000)
    spreads = [smoothed(STEPS, noise, s)[200:].std() for s in (0, 0.3, 0.6, 0.9, 0.99)]
    assert spreads == sorted(spreads, reverse=True) and spreads[-1] < 0.2
    assert abs(smoothed(STEPS, noise, 0.99)[200:].mean() - 2) < 0.2


def test_a_curve_looks_alike_however_many_points_it_has():
    """Neighbours that are averaged beforehand change little."""
    wave = np.sin(STEPS / 60)
    fine = smoothed(STEPS, wave, 0.9)[1::2]
    coarse = smoothed(STEPS[1::2], wave[1::2], 0.9)
    assert np.abs(fine - coarse)[50:].max() < 0.05


def test_what_is_not_finite_leaves_a_gap_and_no_trace():
    """A single infinite loss does not end the curve."""
    values = np.ones(1000)
    values[[3, 500]] = np.nan, np.inf
    found = smoothed(STEPS, values, 0.9)
    assert np.flatnonzero(~np.isfinite(found)).tolist() == [3, 500]
    np.testing.assert_allclose(found[np.isfinite(found)], 1)


def test_few_points_are_left_alone():
    """There is nothing to average yet."""
    for count in range(3):
        np.testing.assert_array_equal(smoothed(STEPS[:count], STEPS[:count], 0.9), STEPS[:count])


def test_the_slider_works_from_the_keyboard(qtbot):
    """An arrow is a hundredth; at its left end nothing is smoothed."""
    slider = SmoothingSlider("smoothing")
    qtbot.addWidget(slider)
    slider.show()
    before = slider.value()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert slider.value() == before + 1 and slider.toolTip() and slider.accessibleName()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    noise = np.random.default_rng(0).normal(2, 1, 1000)
    assert slider.smooth(STEPS, noise) is noise
