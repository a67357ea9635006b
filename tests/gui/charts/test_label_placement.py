"""Names of levels and ends stand where they cover nothing."""

import numpy as np
import pytest
from PySide6.QtCore import QRectF, QSize

from gui.charts.label_placement import quietest, spread

FRAME = QRectF(40, 20, 300, 150)
SIZE = QSize(90, 14)


def covers(place, x, y):
    """Whether a place lies over a curve."""
    inside = (x > place.left()) & (x < place.right())
    return bool(((y > place.top()) & (y < place.bottom()) & inside).any())


def test_it_stands_above_at_the_right_where_that_is_free():
    """As one expects it."""
    place = quietest(FRAME, 100, SIZE, [])
    assert place.right() == FRAME.right() and place.bottom() <= 100


@pytest.mark.parametrize("turn", [1, -1])
def test_it_keeps_away_from_a_curve(turn):
    """A curve that ends, or begins, at the level leaves it another end."""
    x = np.linspace(FRAME.left(), FRAME.right(), 300)
    y = 95 + turn * np.linspace(-70, 0, 300)
    place = quietest(FRAME, 100, SIZE, [(x, y)])
    assert not covers(place, x, y) and FRAME.contains(place.center())


def test_few_points_are_joined_by_lines():
    """A curve of two points lies between them too."""
    curve = np.array([FRAME.left(), FRAME.right()]), np.array([92.0, 92.0])
    place = quietest(FRAME, 100, SIZE, [curve])
    assert place.top() >= 100


def test_it_stays_within_the_frame_and_beside_other_names():
    """At the upper edge it stands below its line."""
    assert quietest(FRAME, FRAME.top(), SIZE, []).top() >= FRAME.top()
    first = quietest(FRAME, 100, SIZE, [])
    assert not quietest(FRAME, 104, SIZE, [], [first]).intersects(first)


def test_without_room_there_is_no_name():
    """Rather none than one on another, or on the curve that is to be seen."""
    narrow = QRectF(40, 20, 100, 30)
    assert quietest(narrow, 30, SIZE, [], [narrow]) is None
    x = np.linspace(narrow.left(), narrow.right(), 100)
    assert quietest(narrow, 34, SIZE, [(x, np.full(100, 25.0)), (x, np.full(100, 40.0))]) is None
    assert quietest(narrow, 34, SIZE, [(x, np.full(100, 25.0))]) is not None


def test_ends_are_moved_apart_within_the_frame():
    """Whatever lies together is a step apart, in its order."""
    found = spread([50, 52, 20, 149, 150], 17, 20, 150)
    assert sorted(found) == [found[2], found[0], found[1], found[3], found[4]]
    assert np.diff(sorted(found)).min() >= 17 and min(found) >= 20 and max(found) <= 150
    assert spread([30, 90], 17, 20, 150) == [30, 90]
