"""Bars of units: their names stand under them, and leave the numbers of the axis free."""

import pytest
from PySide6.QtCore import QRect

from gui.charts.unit_bars import LEFT, NAMES, UnitBars
from tests.gui.hands import ink


def test_units_that_are_not_shown_are_marked_nowhere(qtbot):
    """Of a large layer some are not."""
    bars = UnitBars("bars", "Bars", "")
    qtbot.addWidget(bars)
    bars.show_units(range(8), {}, "loss", str)
    before = bars.grab().toImage()
    bars.mark_units(frozenset({20}), frozenset({21}), 22)
    assert bars.grab().toImage() == before


@pytest.mark.parametrize("count", [3, 256])
def test_names_stand_beside_the_axis(qtbot, count):
    """Also the first one, where columns are narrower than their names; those are still painted."""
    bars = UnitBars("bars", "Bars", "")
    qtbot.addWidget(bars)
    units = range(1000, 1000 + count)
    bars.resize(400, bars.heightForWidth(400))
    bars.show_units(units, dict.fromkeys(units, 0.1), "loss", str)
    foot = bars.rect_of_unit(1000).bottom()
    below = round(foot) - NAMES + 5  # the lowest number of the axis ends above
    assert not ink(bars, QRect(0, below, LEFT - 1, NAMES - 6))
    assert ink(bars, QRect(LEFT, below, 30, NAMES - 6))
