"""The bars of the next letter: what stands where, what it says, and how a letter is chosen."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QRectF, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication

from gui import theme
from gui.charts.label_placement import free_places
from gui.names.letter_bars import BROKEN, EMPTY, MOST, LetterBars, round_top
from tests.gui.hands import tooltip

LATIN = ".abcdefghijklmnopqrstuvwxyz"
HAN = "." + "".join(chr(0x4E00 + i) for i in range(2999))


def shares_of(letters: str, **given: float) -> np.ndarray:
    """Share out what is given, and the rest evenly."""
    shares = np.full(len(letters), (1 - sum(given.values())) / (len(letters) - len(given)))
    for letter, share in given.items():
        shares[letters.index("." if letter == "end" else letter)] = share
    return shares


@pytest.fixture
def bars(qtbot):
    """Bars over the Latin alphabet, after "b"."""
    made = LetterBars()
    qtbot.addWidget(made)
    made.resize(340, 104)
    made.show()
    made.show_letters(LATIN, shares_of(LATIN, r=0.412, a=0.2, end=0.09))
    made.set_prefix("b")
    return made


def middle(bars: LetterBars, index: int) -> QPoint:
    """Return the middle of a column, to be clicked."""
    return bars.rect_of(index).center().toPoint()


def test_a_small_alphabet_stands_in_its_own_order(bars) -> None:
    """All 27 symbols are there, from the end mark to z, and fill the width."""
    assert bars.count() == 27
    assert [column.letter for column in bars.shown()] == list(LATIN)
    assert bars.rect_of(26).right() == pytest.approx(bars.width())


def test_a_bar_is_as_high_as_its_share(bars) -> None:
    """Heights are shares of one round number, and the largest has its number over it."""
    columns = bars.shown()
    r, a = columns[LATIN.index("r")], columns[LATIN.index("a")]
    assert r.height / a.height == pytest.approx(0.412 / 0.2)
    assert r.height == pytest.approx(0.412 / 0.5)
    assert (r.number, r.strong) == ("41 %", True)
    assert columns[LATIN.index("z")].number == ""


@pytest.mark.parametrize(
    ("largest", "top"), [(0.0, 1.0), (0.004, 0.004), (0.0041, 0.005), (0.12, 0.15), (1.0, 1.0)]
)
def test_the_scale_ends_at_a_round_number(largest: float, top: float) -> None:
    """The scale ends just above the largest share, at a number that changes seldom."""
    assert round_top(largest) == pytest.approx(top)


def test_a_column_says_what_it_is(bars) -> None:
    """Pointing at a letter tells its share and after what; the end is called so."""
    point = middle(bars, LATIN.index("r"))
    QApplication.sendEvent(bars, QHelpEvent(QEvent.Type.ToolTip, point, bars.mapToGlobal(point)))
    assert tooltip() == "r: 41.2 % after “b”"
    assert bars.describe(0) == "end: 9.0 % after “b”"
    assert bars.accessibleDescription().startswith("r: 41.2 % after “b”; a: 20.0 %")
    bars.set_prefix("")
    assert bars.describe(LATIN.index("r")) == "r: 41.2 % as the first letter"
    assert bars.accessibleDescription().startswith("r: 41.2 % as the first letter")


def test_a_click_chooses_a_letter_and_the_end(bars, qtbot) -> None:
    """A click tells the symbol, the end mark too."""
    for index, letter in ((LATIN.index("k"), "k"), (0, ".")):
        with qtbot.waitSignal(bars.letterChosen, timeout=1000) as caught:
            qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=middle(bars, index))
        assert caught.args == [letter]


def test_a_letter_is_chosen_with_the_keys(bars, qtbot) -> None:
    """Tab, arrows and Enter choose a letter, and what is pointed at is described."""
    bars.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(bars, Qt.Key.Key_Right)
    qtbot.keyClick(bars, Qt.Key.Key_Right)
    assert bars.accessibleDescription().startswith("b: ")
    with qtbot.waitSignal(bars.letterChosen, timeout=1000) as caught:
        qtbot.keyClick(bars, Qt.Key.Key_Return)
    assert caught.args == ["b"]


def test_a_large_alphabet_shows_its_most_probable(bars, qtbot) -> None:
    """Of 3,000 signs the 40 most probable stand there, the first of them first."""
    shares = np.random.default_rng(3).dirichlet(np.full(len(HAN), 0.02))
    bars.resize(420, 104)
    bars.show_letters(HAN, shares)
    assert bars.count() == MOST
    best = np.argsort(-shares)[:MOST]
    assert [column.letter for column in bars.shown()] == [HAN[i] for i in best]
    with qtbot.waitSignal(bars.letterChosen, timeout=1000) as caught:
        qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=middle(bars, 7))
    assert caught.args == [HAN[best[7]]]


def test_numbers_never_lie_on_one_another() -> None:
    """Of crowded numbers those of the highest bars are shown, and none lies on a bar."""
    heights = [10, 50, 12, 48, 11, 11, 11]
    bars = [QRectF(12 * i + 1, 100 - high, 8, high) for i, high in enumerate(heights)]
    placed = free_places(bars, [26.0] * 6 + [0.0], 12, 84)
    assert 1 in placed and 3 not in placed and 6 not in placed
    assert set(free_places(bars, [20.0] * 6 + [0.0], 12, 84)) == {1, 3, 5}
    places = list(placed.values())
    for index, place in placed.items():
        assert place.left() >= 0 and place.right() <= 84
        assert not any(place.intersects(bar) for bar in bars)
        assert not any(place.intersects(p) for p in places if p is not placed[index])


def test_wide_signs_are_fewer_where_room_is_short(bars) -> None:
    """In a narrow place fewer of a large alphabet's signs are shown, and none overlap."""
    bars.show_letters(HAN, np.full(len(HAN), 1 / len(HAN)))
    bars.resize(200, 104)
    assert bars.count() == 20
    bars.resize(500, 104)
    assert bars.count() == MOST


def test_a_second_network_is_a_line_across(bars) -> None:
    """The other network's shares are told, and the scale has room for them."""
    bars.show_letters(LATIN, shares_of(LATIN, r=0.412), shares_of(LATIN, r=0.1, m=0.7))
    m = bars.shown()[LATIN.index("m")]
    assert m.tick == pytest.approx(0.7 / 0.8)
    assert bars.describe(LATIN.index("r")).endswith("; the other network: 10.0 %")
    bars.show_letters(LATIN, shares_of(LATIN, r=0.412))
    assert bars.shown()[LATIN.index("m")].tick is None


def test_the_highest_bar_reaches_highest(bars) -> None:
    """In the picture the bar of r is blue up to where that of a has ended."""
    picture = bars.grab().toImage()
    y = int((bars.level(0.412 / 0.5) + bars.level(0.2 / 0.5)) / 2)

    def blue(letter: str) -> int:
        colour = picture.pixelColor(middle(bars, LATIN.index(letter)).x(), y)
        return colour.blue() - colour.red()

    assert blue("r") > 60 > 20 > abs(blue("a"))


def test_without_numbers_it_says_so(bars, qtbot) -> None:
    """Before the first network there is a hint; a network come apart is called that."""
    bars.show_letters(LATIN, np.full(27, np.nan))
    assert bars.count() == 0 and bars.accessibleDescription() == BROKEN
    qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=QPoint(100, 50))
    fresh = LetterBars()
    qtbot.addWidget(fresh)
    fresh.show()
    assert fresh.accessibleDescription() == EMPTY
    assert not fresh.grab().isNull()


def test_a_single_nan_is_told_and_harms_no_other(bars) -> None:
    """One broken share has no bar and says what it is; the others stand."""
    shares = shares_of(LATIN, r=0.412)
    shares[3] = np.nan
    bars.show_letters(LATIN, shares)
    assert bars.shown()[3].height == 0
    assert bars.describe(3) == "c: NaN after “b”"


def test_hidden_it_computes_nothing(bars, monkeypatch) -> None:
    """A hidden widget makes no columns; shown again, it has the newest."""
    bars.hide()
    made = []
    original = bars.columns
    monkeypatch.setattr(bars, "columns", lambda: made.append(1) or original())
    for _ in range(5):
        bars.show_letters(LATIN, shares_of(LATIN, q=0.9))
    assert not made
    bars.show()
    assert made and bars.accessibleDescription().startswith("q: 90.0 %")


def test_it_follows_the_theme(bars, qapp) -> None:
    """After a change of theme the bars are painted in the new colours."""
    inside = QPoint(middle(bars, LATIN.index("r")).x(), int(bars.level(0.1)))
    light = bars.grab().toImage().pixelColor(inside)
    try:
        theme.apply(qapp, "dark")
        QApplication.processEvents()
        dark = bars.grab().toImage().pixelColor(inside)
    finally:
        theme.apply(qapp, "light")
    assert light.name() == theme.LIGHT.activation
    assert dark.name() == theme.DARK.activation
