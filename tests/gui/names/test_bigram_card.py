"""The map of pairs: which letter follows which, in the list and in the network's names."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QHelpEvent
from PySide6.QtWidgets import QAbstractButton, QApplication

from gui import theme
from gui.names.bigram_card import WAITING, BigramCard
from gui.names.bigram_views import MOST, choose
from tests.gui.hands import tooltip

LETTERS = ".abr"
COUNTS = np.array([[0, 60, 40, 0], [50, 10, 0, 40], [10, 20, 0, 90], [40, 10, 80, 1]])
MADE = np.array([[0, 5, 5, 0], [4, 2, 0, 0], [2, 1, 0, 3], [0, 0, 0, 0]])
WORDS = "10 names of the network, at step 200."


@pytest.fixture
def card(qtbot):
    """A card with four symbols on the screen."""
    made = BigramCard()
    qtbot.addWidget(made)
    made.resize(460, 500)
    made.show()
    made.show_data(LETTERS, COUNTS)
    QApplication.processEvents()
    return made


def press(card, qtbot, name: str) -> None:
    """Click a choice of the card."""
    button = card.findChild(QAbstractButton, name)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.isChecked()


def colour(card, row: int, column: int) -> QColor:
    """Return the ground of a cell, beside its words."""
    corner = card.map.rect_of(row * card.map.across() + column).topLeft()
    return card.map.grab().toImage().pixelColor(int(corner.x()) + 5, int(corner.y()) + 5)


def blueness(shade: QColor) -> int:
    """Return how blue a colour is: 0 for greys, below for orange."""
    return shade.blue() - shade.red()


def test_the_commoner_the_bluer(card) -> None:
    """Frequent pairs are blue, rare ones can still be told from those that never occur."""
    card.show_data(LETTERS, np.where(COUNTS == 90, 40_000, COUNTS))
    often, seldom, never = colour(card, 2, 3), colour(card, 3, 3), colour(card, 2, 2)
    assert blueness(often) > blueness(seldom) + 60
    assert blueness(seldom) > blueness(never) + 5
    assert abs(blueness(never)) < 3


def test_cells_are_square_and_inside(card) -> None:
    """In a high and in a wide card the cells are squares within the widget."""
    for size in ((420, 420), (420, 900), (900, 620)):
        card.resize(*size)
        QApplication.processEvents()
        for index in range(card.map.count()):
            rect = card.map.rect_of(index)
            assert rect.width() == pytest.approx(rect.height())
            assert card.map.rect().contains(rect.toRect())
            assert card.map.index_at(rect.center()) == index


def test_a_narrow_card_keeps_its_choices_inside(card, qtbot) -> None:
    """In a column of 332 pixels every choice and its words have room; they keep their names."""
    for width in (332, 460):
        card.resize(width, 480)
        qtbot.wait(50)  # the layouts hear of one another's change
        for button in card.findChildren(QAbstractButton):
            right = button.mapTo(card, button.rect().bottomRight()).x()
            assert right < width - 10 and button.width() == button.sizeHint().width()
        title = card.title.mapTo(card, card.title.rect().bottomRight()).x()
        assert title < card.unit.mapTo(card, QPoint(0, 0)).x()
    shares = card.findChild(QAbstractButton, "mapUnitShares")
    assert shares.accessibleName() == shares.text() == "Probabilities"


def test_a_cell_says_what_it_counts(card) -> None:
    """A cell tells its pair, how often it occurs, and its share of the row."""
    assert card.map.describe(2 * 4 + 3) == "b → r: 90 times, 75 % of what follows b."
    assert card.map.describe(1) == "beginning → a: 60 times, 60 % of what begins a name."
    assert card.map.describe(3 * 4 + 3) == "r → r: once, 1 % of what follows r."
    assert card.map.describe(4) == "a → end: 50 times, 50 % of what follows a."
    assert card.map.describe(2 * 4 + 2) == "b → b: never, 0 % of what follows b."


def test_it_tells_the_network_beside_it(card) -> None:
    """With the network's pairs a cell tells both, and says what it has not written yet."""
    card.show_network(MADE, WORDS)
    told = card.map.describe(2 * 4 + 3)
    assert told == "b → r: 90 times, 75 % of what follows b. The network: 50 %."
    assert card.map.describe(3 * 4).endswith("The network has not written it yet.")


def test_the_tooltip_is_the_sentence(card) -> None:
    """Pointing at a cell shows its sentence as a tooltip."""
    point = card.map.rect_of(11).center().toPoint()
    QApplication.sendEvent(
        card.map, QHelpEvent(QEvent.Type.ToolTip, point, card.map.mapToGlobal(point))
    )
    assert tooltip() == card.map.describe(11)


def test_the_mouse_and_the_keys_read_cells(card, qtbot) -> None:
    """What is pointed at stands under the map; the arrow keys go from cell to cell."""
    assert card.readout.text().startswith("From 100 names.")
    qtbot.mouseMove(card.map, card.map.rect_of(11).center().toPoint())
    qtbot.waitUntil(lambda: card.readout.text() == card.map.describe(11))
    qtbot.mouseMove(card.map, QPoint(1, 1))
    qtbot.waitUntil(lambda: card.readout.text().startswith("From"))
    card.map.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(card.map, Qt.Key.Key_Down)
    qtbot.keyClick(card.map, Qt.Key.Key_Right)
    assert card.readout.text() == card.map.describe(5) == card.map.accessibleDescription()


def test_the_source_tells_the_owner(card, qtbot) -> None:
    """Only a look at the network's pairs asks for them; until they come it says so."""
    assert not card.wants_network
    with qtbot.waitSignal(card.sourceChanged, timeout=1000) as caught:
        press(card, qtbot, "mapSourceNetwork")
    assert caught.args == ["network"] and card.wants_network
    assert card.map.count() == 0 and card.map.accessibleDescription() == WAITING
    assert not card.legend.isVisible()
    card.show_network(MADE, WORDS)
    assert card.map.count() == 16 and WORDS in card.readout.text()
    assert card.map.describe(11).startswith("b → r: 3 times, 50 % of what follows b.")
    with qtbot.waitSignal(card.sourceChanged, timeout=1000) as caught:
        press(card, qtbot, "mapSourceData")
    assert caught.args == ["data"] and not card.wants_network


def test_the_choices_work_with_keys(card, qtbot) -> None:
    """The arrow keys go from choice to choice."""
    first = card.findChild(QAbstractButton, "mapSourceData")
    first.setFocus()
    with qtbot.waitSignal(card.sourceChanged, timeout=1000) as caught:
        qtbot.keyClick(first, Qt.Key.Key_Right)
    assert caught.args == ["network"] and not first.isChecked()


def test_probabilities_are_of_the_row(card, qtbot) -> None:
    """A row of small counts is as blue in probabilities as one of large counts."""
    counts = COUNTS.copy()
    counts[1] = [5, 1, 0, 4]
    card.show_data(LETTERS, counts)
    pale = blueness(colour(card, 1, 0))
    press(card, qtbot, "mapUnitShares")
    assert blueness(colour(card, 1, 0)) > pale + 40
    assert card.legend.accessibleName() == "Colours run from 0 to 75 %, square root scale"


def test_the_difference_is_signed(card, qtbot) -> None:
    """Too often is blue, too seldom orange, and a letter never written differs in nothing."""
    card.show_network(MADE, WORDS)
    press(card, qtbot, "mapSourceDifference")
    assert card.wants_network
    assert blueness(colour(card, 2, 0)) > 60  # 33 % for 8 %
    assert blueness(colour(card, 2, 3)) < -60  # 50 % for 75 %
    assert abs(blueness(colour(card, 3, 2))) < 3
    told = card.map.describe(11)
    assert "50 % of what follows b in the network's names" in told
    assert told.endswith("75 % in the training list, 25 points less.")
    assert "has not written r yet" in card.map.describe(3 * 4 + 2)
    assert not card.findChild(QAbstractButton, "mapUnitCounts").isEnabled()


def test_small_cells_are_colour_alone(card, qapp) -> None:
    """A cell of 26 pixels and more holds its letters and number; a smaller one only colour."""
    letters, rng = "." + "".join(map(chr, range(97, 121))), np.random.default_rng(0)
    counts = rng.integers(1, 9, (25, 25))
    card.show_data(letters, counts)

    def shades() -> int:
        QApplication.processEvents()
        rect, picture = card.map.rect_of(7 * 25 + 7).toRect(), card.map.grab().toImage()
        inside = rect.adjusted(3, 3, -3, -3)
        return len(
            {
                picture.pixel(x, y)
                for x in range(inside.left(), inside.right())
                for y in range(inside.top(), inside.bottom())
            }
        )

    card.resize(500, 540)
    assert shades() == 1
    card.resize(900, 960)
    assert shades() > 4


def test_of_many_letters_the_most_frequent_are_shown(card) -> None:
    """Of 812 symbols the end mark and the 40 most frequent letters; shares stay those of all."""
    size = 812
    counts = np.zeros((size, size), int)
    counts[0, 1:] = 1
    counts[np.arange(1, size), 0] = np.arange(1, size)
    counts[811, 5] = 811
    letters = "." + "".join(chr(0x4E00 + i) for i in range(size - 1))
    card.show_data(letters, counts)
    assert card.map.across() == MOST + 1
    assert list(choose(counts)) == [0, *range(size - MOST, size)]
    assert "The 40 most frequent of 811 letters." in card.readout.text()
    assert card.map.describe(
        40 * 41
    ) == f"{letters[811]} → end: 811 times, 50 % of what follows" + (f" {letters[811]}.")
    assert list(choose(np.ones((45, 45)))) == list(range(45))


def test_another_alphabet_forgets_the_networks_pairs(card, qtbot) -> None:
    """A new list with other letters does not meet pairs of the old ones."""
    card.show_network(MADE, WORDS)
    press(card, qtbot, "mapSourceNetwork")
    card.show_data(".xy", np.ones((3, 3), int))
    assert card.map.count() == 0
    card.show_network(np.ones((3, 3), int), WORDS)
    assert card.map.count() == 9


def test_a_hidden_card_paints_nothing(card) -> None:
    """What comes while it is hidden is shown with the next look."""
    card.hide()
    card.show_data(".xy", np.ones((3, 3), int))
    assert card.map.count() == 16
    card.show()
    assert card.map.count() == 9


def test_the_cells_are_painted_once(card, monkeypatch) -> None:
    """The mouse moves a frame over the picture; only new numbers paint it anew."""
    made = []
    from gui.names import bigram_map

    real = bigram_map.picture
    monkeypatch.setattr(bigram_map, "picture", lambda *a: made.append(1) or real(*a))
    card.map.grab()
    card.map.grab()
    assert len(made) == 0
    card.show_data(LETTERS, COUNTS + 1)
    card.map.grab()
    card.map.grab()
    assert len(made) == 1


def test_the_theme_reaches_the_cells(card, qapp) -> None:
    """After a change of theme an empty cell is painted in the new colours."""
    light = colour(card, 2, 2)
    try:
        theme.apply(qapp, "dark")
        QApplication.processEvents()
        dark = colour(card, 2, 2)
    finally:
        theme.apply(qapp, "light")
    assert light.lightness() > 200 > 60 > dark.lightness()
