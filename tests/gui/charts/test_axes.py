"""Scales, their ticks, and the part of an axis that is seen."""

import math
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import QApplication

from core.numbers import number
from gui.charts.axes import Scale, Window, paint_x_axis, percent_tick, written


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


@pytest.mark.parametrize("end", [1, 7, 95, 350])
def test_a_narrow_axis_of_steps_has_two_numbers(end):
    """Zero alone would not say how long the training was."""
    assert len(Scale(0, end, whole=True).ticks(1)) >= 2


@pytest.mark.parametrize("end", [7, 95, 1000, 12_000, 64_000])
@pytest.mark.parametrize("wide", [120, 160, 220])
def test_a_low_chart_has_two_numbers_beside_the_title(qapp, end, wide):
    """The title stands at the end of their line, where the second one would often be."""
    drawn = []

    class Pen(QPainter):
        def drawText(self, place, flags, words):
            drawn.append((place, words))
            super().drawText(place, flags, words)

    image = QImage(wide + 20, 100, QImage.Format.Format_RGB32)
    painter = Pen(image)
    paint_x_axis(painter, QRectF(10, 10, wide, 72), Scale(0, end, whole=True), "step")
    painter.end()
    assert drawn[0][1] == "step" and len(drawn) >= 3
    numbers = [place for place, _ in drawn[1:]]
    title = 10 + wide - QFontMetrics(QApplication.font()).horizontalAdvance("step")
    assert all(a.right() < b.left() for a, b in pairwise(numbers))
    assert numbers[-1].right() < title + 8


def test_decades_are_named_where_there_are_many():
    """Between few there are 2 and 5."""
    assert Scale(1e-3, 1.0, log=True).ticks(6) == pytest.approx([1e-3, 1e-2, 1e-1, 1.0])
    assert Scale(0.1, 2.0, log=True).ticks(5) == pytest.approx([0.1, 0.2, 0.5, 1.0, 2.0])


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.0, 1.0, ["0", "0.25", "0.5", "0.75", "1"]),
        (2.99, 3.0, ["2.99", "2.9925", "2.995", "2.9975", "3"]),
        (1234.0, 1235.0, ["1,234", "1,234.25", "1,234.5", "1,234.75", "1,235"]),
        (1.0e6, 1.5e6, ["10⁶", "1.2 × 10⁶", "1.4 × 10⁶"]),
        (1.0e6, 2.0e6, ["10⁶", "1.25 × 10⁶", "1.5 × 10⁶", "1.75 × 10⁶", "2 × 10⁶"]),
        (-1e-3, 1e-3, ["−0.001", "−0.0005", "0", "0.0005", "0.001"]),
    ],
)
def test_a_number_at_an_axis_says_what_it_is(low, high, words):
    """With as many figures as tell it from the next one, and no more."""
    scale = Scale(low, high)
    assert written(scale, scale.ticks(), number) == words


def test_percentages_at_an_axis_differ():
    """Close to all of it, too."""
    scale = Scale(0.97, 1.0)
    said = written(scale, scale.ticks(), percent_tick)
    assert said == ["97 %", "98 %", "99 %", "100 %"]
    scale = Scale(0.99, 1.0)
    assert written(scale, scale.ticks(), percent_tick)[:3] == ["99 %", "99.25 %", "99.5 %"]


@pytest.mark.parametrize("end", [1e-6, 3e-3, 0.7, 25, 1e4, 3e7])
@pytest.mark.parametrize("seen", [1.0, 0.5, 0.01, 1 / 400])
def test_no_two_numbers_at_an_axis_read_alike(end, seen):
    """However far somebody has zoomed in, and wherever."""
    for first in (0.0, 0.377, 1.0 - seen):
        scale = Scale(first * end, (first + seen) * end)
        said = written(scale, scale.ticks(), number)
        assert len(said) >= 2 and len(set(said)) == len(said), said


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
