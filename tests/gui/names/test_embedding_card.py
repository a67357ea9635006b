"""The map of letters: where the network puts them, told in pictures and in words."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from gui import theme
from gui.charts.still_frame import StillFrame
from gui.names.embedding_card import EmbeddingCard
from gui.names.embedding_map import FAR, apart
from gui.names.letter_symbols import is_vowel

LETTERS = ".abeiz"
POINTS = np.array([[0, -1.0], [0, 1], [3, 0], [0.3, 1], [0, 1.5], [3, 0.9]])
WORDS = "2 of 10 dimensions; they hold 46 % of the spread"


@pytest.fixture
def card(qtbot):
    """A card with six letters on the screen."""
    made = EmbeddingCard()
    qtbot.addWidget(made)
    made.resize(460, 460)
    made.show()
    made.show_embedding(LETTERS, POINTS, WORDS)
    QApplication.processEvents()
    return made


def centres(card):
    """Return where the letters are drawn (n, 2)."""
    rects = [card.map.rect_of(i) for i in range(card.map.count())]
    return np.array([[r.center().x(), r.center().y()] for r in rects])


def test_letters_stand_at_their_points(card) -> None:
    """Right is right, up is up, one scale holds both ways, and all letters are inside."""
    at = centres(card)
    assert at[2, 0] > at[1, 0] and at[1, 1] < at[0, 1]
    across, up = (at[2, 0] - at[0, 0]) / 3, (at[0, 1] - at[1, 1]) / 2
    assert across == pytest.approx(up, rel=0.15)
    for index in range(card.map.count()):
        assert card.map.rect().contains(card.map.rect_of(index).toAlignedRect())


def test_a_letter_names_its_nearest(card) -> None:
    """The nearest come first, with the distance of the first and of the last named."""
    assert card.map.describe(1) == "a: nearest are e, i, end (distance 0.3 to 2)"


def test_the_mouse_reads_a_letter(card, qtbot) -> None:
    """Under the mouse a letter tells its nearest below the map; beside it the words return."""
    assert card.words.text() == WORDS
    qtbot.mouseMove(card.map, card.map.rect_of(1).center().toPoint())
    qtbot.waitUntil(lambda: card.words.text().startswith("a: nearest are e, i"))
    qtbot.mouseMove(card.map, card.map.rect().topLeft() + card.map.rect().center() / 20)
    qtbot.waitUntil(lambda: card.words.text() == WORDS)


def test_the_keys_reach_every_letter(card, qtbot) -> None:
    """The arrow keys go through the alphabet and tell each letter."""
    card.map.setFocus(Qt.FocusReason.TabFocusReason)
    told = [card.words.text()]
    for _ in LETTERS[1:]:
        qtbot.keyClick(card.map, Qt.Key.Key_Right)
        told.append(card.map.accessibleDescription())
        assert card.words.text() == told[-1]
    assert [words.split(":")[0] for words in told[1:]] == list(LETTERS[1:])
    qtbot.keyClick(card.map, Qt.Key.Key_Left)
    assert card.map.accessibleDescription().startswith("i:")


def test_small_steps_leave_the_frame_still(card) -> None:
    """A letter that moves takes no other with it, until one would leave the frame."""
    before = centres(card)
    moved = POINTS.copy()
    moved[4] += 0.1
    card.show_embedding(LETTERS, moved, WORDS)
    after = centres(card)
    np.testing.assert_allclose(after[[0, 1, 2, 3, 5]], before[[0, 1, 2, 3, 5]], atol=1)
    assert np.abs(after[4] - before[4]).max() > 2
    moved[4] = 9, 9
    card.show_embedding(LETTERS, moved, WORDS)
    assert card.map.rect().contains(card.map.rect_of(4).toAlignedRect())
    assert np.abs(centres(card)[2] - before[2]).max() > 20


def test_the_frame_comes_closer_when_points_shrink() -> None:
    """Points that shrink a little keep the frame; much smaller ones get a closer one."""
    frame = StillFrame()
    frame.follow(POINTS)
    wide = frame.half.max()
    frame.follow(0.8 * POINTS)
    assert frame.half.max() == wide
    frame.follow(0.2 * POINTS)
    assert frame.half.max() == pytest.approx(0.2 * wide)


def test_letters_on_one_spot_are_pushed_apart() -> None:
    """Letters that would hide one another are told apart, and none goes far from its point."""
    spots = np.zeros((6, 2)) + 50
    drawn = apart(spots, 20)
    gaps = np.hypot(*(drawn[:, None] - drawn[None]).T)[~np.eye(6, dtype=bool)]
    assert gaps.min() > 14
    assert np.hypot(*(drawn - spots).T).max() <= FAR * 20 + 1e-6
    lonely = np.array([[0, 0.0], [90, 0]])
    np.testing.assert_allclose(apart(lonely, 20), lonely, atol=0.1)


@pytest.mark.parametrize("letter", list("aeiouyéåöøæ") + list("аеёиоуыэюяії") + list("αεηιουωάΑ"))
def test_vowels_are_known(letter: str) -> None:
    """Latin, Cyrillic and Greek vowels, with accents and as capitals."""
    assert is_vowel(letter)


@pytest.mark.parametrize("letter", list("bzñçйўжßθ.王 "))
def test_others_are_no_vowels(letter: str) -> None:
    """Neither consonants, nor the end mark, nor what is no alphabet."""
    assert not is_vowel(letter)


def test_vowels_are_discs_and_others_rings(card) -> None:
    """A vowel's disc is blue inside, a consonant's ring is not."""
    picture = card.map.grab().toImage()

    def inside(index: int) -> QColor:
        rect = card.map.rect_of(index)
        return picture.pixelColor(int(rect.center().x()), int(rect.top()) + 4)

    vowel, other = inside(4), inside(2)
    assert vowel.blue() - vowel.red() > 80
    assert abs(other.blue() - other.red()) < 60
    assert "vowel" in card.legend.text() and card.legend.isVisible()


def test_without_vowels_there_is_no_legend(card) -> None:
    """A script without known vowels needs no legend for them."""
    card.show_embedding(".王李", np.eye(3)[:, :2], WORDS)
    assert not card.legend.isVisible()


def test_a_model_without_embedding_says_so(card) -> None:
    """The sentence is all there is, also to those who hear it; letters come back later."""
    sentence = "This model has no embedding: it is a table of counts."
    card.show_none(sentence)
    assert card.map.count() == 0
    assert card.map.accessibleDescription() == sentence
    assert not card.legend.isVisible() and not card.words.isVisible()
    assert not card.grab().isNull()
    card.show_embedding(LETTERS, POINTS, WORDS)
    assert card.map.count() == 6 and card.words.text() == WORDS


@pytest.mark.parametrize("points", [np.full((6, 2), np.nan), np.full((6, 2), 3.0)])
def test_odd_points_do_no_harm(card, points) -> None:
    """A blown-up embedding is said in words; one whose letters all lie on a spot is shown."""
    card.show_embedding(LETTERS, points, WORDS)
    assert not card.map.grab().isNull()
    assert (card.map.count() == 0) == bool(np.isnan(points).all())


def test_a_hidden_card_places_nothing(card) -> None:
    """What comes while it is hidden is shown with the next look, the latest alone."""
    card.hide()
    card.show_embedding(".ab", POINTS[:3], "old")
    card.show_embedding(".abe", POINTS[:4], "new")
    assert card.map.count() == 6
    card.show()
    assert card.map.count() == 4 and card.words.text() == "new"


def test_the_theme_reaches_the_map(card, qapp) -> None:
    """After a change of theme the ground is painted in the new colours."""
    light = card.map.grab().toImage().pixelColor(12, 12)
    try:
        theme.apply(qapp, "dark")
        QApplication.processEvents()
        dark = card.map.grab().toImage().pixelColor(12, 12)
    finally:
        theme.apply(qapp, "light")
    assert light.lightness() > 200 > 60 > dark.lightness()
