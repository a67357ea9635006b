"""What else might have been said: the likeliest tokens are shown, told and chosen."""

import math

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from gui import theme
from gui.text import candidate_list
from gui.text.candidate_list import CONTINUE, CandidateList
from tests.gui.hands import ink, middle, point_at

ROWS = [
    (262, b" the", 0.34),
    (257, b" a", 0.21),
    (607, b" his", 0.12),
    (511, b" my", 0.08),
    (198, b"\n", 0.05),
    (340, b" it", 0.04),
    (11, b",", 0.03),
    (900, b" extraordinarily long", 0.02),
    (134, b"\xc3", 0.004),
    (9, b"**", 0.0002),
]


@pytest.fixture
def candidates(qtbot):
    """Ten candidates, of which the second was said."""
    made = CandidateList()
    qtbot.addWidget(made)
    made.resize(380, made.height())
    made.show()
    made.show_candidates("In place of “ a”", ROWS, 257)
    return made


def test_a_click_chooses_a_candidate(candidates, qtbot) -> None:
    """A click on the third row tells its token; the title and the room below tell none."""
    with qtbot.waitSignal(candidates.candidateChosen, timeout=1000) as caught:
        qtbot.mouseClick(candidates, Qt.MouseButton.LeftButton, pos=middle(candidates, 2))
    assert caught.args == [607]
    candidates.show_candidates("Few", ROWS[:3], None)
    with qtbot.assertNotEmitted(candidates.candidateChosen):
        qtbot.mouseClick(candidates, Qt.MouseButton.LeftButton, pos=QPoint(60, 8))
        qtbot.mouseClick(candidates, Qt.MouseButton.LeftButton, pos=QPoint(60, 150))
        qtbot.mouseClick(candidates, Qt.MouseButton.RightButton, pos=middle(candidates, 1))


def test_a_candidate_is_chosen_with_the_keys(candidates, qtbot) -> None:
    """Arrows and Enter choose a row, and each row is told as it is reached."""
    candidates.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(candidates, Qt.Key.Key_Down)
    assert candidates.accessibleDescription() == "·a: 21 %, 1.6 nats, which was said"
    qtbot.keyClick(candidates, Qt.Key.Key_Down)
    with qtbot.waitSignal(candidates.candidateChosen, timeout=1000) as caught:
        qtbot.keyClick(candidates, Qt.Key.Key_Return)
    assert caught.args == [607]


def test_a_row_under_the_mouse_invites(candidates, qtbot) -> None:
    """Over a row the cursor is a hand and the row is tinted; a tooltip says what a click does."""
    row = candidates.rect_of(4).toRect()
    corner = QPoint(row.right() - 12, row.top() + 2)
    before = candidates.grab().toImage().pixelColor(corner)
    qtbot.mouseMove(candidates, middle(candidates, 4))
    assert candidates.cursor().shape() == Qt.CursorShape.PointingHandCursor
    assert candidates.grab().toImage().pixelColor(corner) != before
    assert point_at(candidates, middle(candidates, 4)) == CONTINUE
    qtbot.mouseMove(candidates, QPoint(60, 6))
    assert candidates.cursor().shape() == Qt.CursorShape.ArrowCursor
    qtbot.mouseMove(candidates, middle(candidates, 9))
    candidates.show_candidates("Few", ROWS[:3], None)
    assert candidates.cursor().shape() == Qt.CursorShape.ArrowCursor


def test_a_bar_is_as_long_as_its_probability(candidates) -> None:
    """The picture is blue up to the probability, and only what was said is fully so."""
    picture = candidates.grab().toImage()

    def blue(index: int, share: float) -> int:
        bar = candidates.bar_of(index)
        at = picture.pixelColor(int(bar.left() + share * bar.width()), int(bar.center().y()))
        return at.blue() - at.red()

    assert blue(0, 0.31) > 50 > 30 > blue(0, 0.37)
    assert blue(1, 0.18) > blue(0, 0.18) > 50 > 30 > blue(1, 0.24)


def test_nothing_moves_whatever_it_shows(candidates) -> None:
    """The height is that of ten rows and a title, with twelve rows, with two, and with none."""
    height = candidates.height()
    candidates.show_candidates("Twelve", [*ROWS, (1, b"x", 0.0), (2, b"y", 0.0)], 2)
    assert candidates.count() == 10 and candidates.rect_of(9).bottom() == height
    candidates.resize(200, height)
    for rows in (ROWS[:2], []):
        candidates.show_candidates("Few", rows, None)
        assert candidates.height() == height == candidates.sizeHint().height()
    assert candidates.accessibleDescription() == candidate_list.EMPTY
    assert ink(candidates, candidates.rect())


def test_a_small_screen_shows_the_likeliest(candidates) -> None:
    """Seven whole rows where there is room for no more, and no row below the edge is chosen."""
    candidates.resize(candidates.minimumSizeHint())
    assert candidates.count() == 7 and candidates.rect_of(6).bottom() == candidates.height()
    candidates.show_candidates("Few", ROWS[:3], None)
    assert candidates.count() == 3


def test_what_is_broken_harms_nothing(candidates, qtbot) -> None:
    """NaN has no bar, and the row can still be chosen; an empty list chooses nothing."""
    candidates.show_candidates("Broken", [(3, b"a", math.nan), (4, b"", 0.0)], 9)
    candidates.grab()
    with qtbot.waitSignal(candidates.candidateChosen, timeout=1000) as caught:
        qtbot.mouseClick(candidates, Qt.MouseButton.LeftButton, pos=middle(candidates, 0))
    assert caught.args == [3]
    candidates.show_candidates("", [], None)
    with qtbot.assertNotEmitted(candidates.candidateChosen):
        qtbot.mouseClick(candidates, Qt.MouseButton.LeftButton, pos=QPoint(100, 60))
        qtbot.keyClick(candidates, Qt.Key.Key_Down)
        qtbot.keyClick(candidates, Qt.Key.Key_Return)


def test_candidates_follow_the_theme(candidates, qapp) -> None:
    """What was said has a bar in the theme's colour, before and after a change."""
    bar = candidates.bar_of(1)
    inside = QPoint(int(bar.left() + 0.1 * bar.width()), int(bar.center().y()))
    light = candidates.grab().toImage().pixelColor(inside)
    try:
        theme.apply(qapp, "dark")
        QApplication.processEvents()
        dark = candidates.grab().toImage().pixelColor(inside)
    finally:
        theme.apply(qapp, "light")
    assert light.name() == theme.LIGHT.activation
    assert dark.name() == theme.DARK.activation
