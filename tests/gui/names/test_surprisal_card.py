"""The surprise card: a real count of letter pairs reads the names that are typed."""

import math

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from core.errors import UserError
from core.playgrounds.names.reports import END, Surprisal
from gui import theme
from gui.names.surprisal_card import BROKEN, HINT, NOBODY, SurprisalCard, sentence_of
from gui.names.surprisal_letters import spans
from tests.conftest import windows

LIST = ["emma", "olivia", "ava", "isabella", "sophia", "mia", "amelia", "ella", "anna", "hanna"]
ALPHABET = ".abcdefghijklmnopqrstuvwxyz"
FAULT = "“7” is not in this network's alphabet: leave it out."
EVEN = math.log(27)


def bigrams() -> np.ndarray:
    """Count letter pairs as the lectures' first network does."""
    counts = np.full((27, 27), 0.1)
    for name in LIST:
        for a, b in zip(END + name, name + END, strict=True):
            counts[ALPHABET.index(a), ALPHABET.index(b)] += 1
    return counts / counts.sum(1, keepdims=True)


TABLE = bigrams()


def read(name: str) -> Surprisal:
    """Read a name by its letter pairs, in small letters."""
    name = name.lower()
    if not set(name) <= set(ALPHABET[1:]):
        raise UserError(FAULT)
    pairs = zip(END + name, name + END, strict=True)
    nats = [-math.log(TABLE[ALPHABET.index(a), ALPHABET.index(b)]) for a, b in pairs]
    return Surprisal(name + END, np.array(nats))


TOTALS = np.array([read(name).total for name in LIST])


@pytest.fixture
def card(qtbot):
    """A card with a reader and a training list, as it stands in the column of the page."""
    column = QWidget()
    qtbot.addWidget(column)
    box = QVBoxLayout(column)
    box.setContentsMargins(0, 0, 0, 0)
    made = SurprisalCard()
    box.addWidget(made)
    box.addStretch(1)
    column.resize(340, 500)
    made.set_reader(read, uniform=EVEN)
    made.set_totals(TOTALS, len(TOTALS))
    column.show()
    yield made


def test_each_key_reads_the_name(card, qtbot) -> None:
    """While one types, each key gives the letters so far, the end, and a sentence."""
    for i, letter in enumerate("emma", 1):
        qtbot.keyClicks(card.input, letter)
        assert card.letters.count() == i + 1
    assert [column.letter for column in card.letters.shown()] == ["e", "m", "m", "a", "."]
    nats = read("emma")
    words = card.sentence.text()
    assert words.startswith(f"emma: {nats.total:.1f} nats, {nats.total / 5:.1f} a letter: ")
    assert card.sentence.property("role") == "small"
    assert card.input.accessibleDescription() == words


def test_a_bar_is_as_long_as_the_surprise(card) -> None:
    """Bars stand in the proportions of the nats, each with its number."""
    card.show_word("hanna")
    nats = read("hanna").nats
    columns = card.letters.shown()
    heights = np.array([column.height for column in columns])
    np.testing.assert_allclose(heights / heights.max(), nats / nats.max())
    assert [column.number for column in columns] == [f"{n:.1f}" for n in nats]
    described = card.letters.describe(1)
    assert described.startswith(f"a: {nats[1]:.1f} nats, a probability of ")
    assert "after “h”" in described and described.endswith(f"a uniform guess: {EVEN:.2f} nats")


def test_more_than_an_even_guess_is_marked(card) -> None:
    """A letter above the line is amber and bold; those below it are neither."""
    card.show_word("emq")
    nats, columns = read("emq").nats, card.letters.shown()
    assert (nats > EVEN).any() and (nats < EVEN).any()
    for value, column in zip(nats, columns, strict=True):
        assert column.strong == (value > EVEN)
        assert column.role == ("warning" if value > EVEN else "activation")
    card.set_reader(read)
    assert not any(column.strong for column in card.letters.shown())


def test_the_line_of_the_even_guess_is_drawn(card) -> None:
    """With the line the picture differs from that without it."""
    card.show_word("emma")
    with_line = card.letters.grab().toImage()
    card.letters.set_uniform(None)
    assert card.letters.grab().toImage() != with_line


def test_the_sentence_places_the_name(card) -> None:
    """A name stands between the shares of the list that are stranger and plainer."""
    totals = np.array([5.0, 7.0, 9.0, 11.0])

    def said(nats: float) -> str:
        return sentence_of("ada", Surprisal("ada.", np.full(4, nats / 4)), totals, False)

    assert said(6.0) == (
        "ada: 6.0 nats, 1.5 a letter: less surprising than 75 % of the training list."
    )
    assert said(10.0).endswith("more surprising than 75 % of the training list.")
    assert said(1.0).endswith("less surprising than all of the training list.")
    assert said(99.0).endswith("more surprising than all of the training list.")
    assert sentence_of("ada", Surprisal("ada.", np.full(4, 1.0)), np.zeros(0), False).endswith(
        "1.0 a letter (the end counts as one)."
    )


def test_capitals_are_said_to_be_read_as_small_letters(card) -> None:
    """The bars are of the letters that the network was given, and the sentence says which."""
    card.show_word("Emma")
    assert [column.letter for column in card.letters.shown()] == ["e", "m", "m", "a", "."]
    assert card.sentence.text().startswith(f"Read as emma: {read('emma').total:.1f} nats")
    card.show_word("emma")
    assert card.sentence.text().startswith("emma: ")


def test_a_sample_of_the_list_is_called_one(card) -> None:
    """Of ten names out of 24,686 both counts are told; of all ten, that it is all."""
    assert card.sentence.text().startswith("The middle half of all 10 training names take ")
    card.set_totals(TOTALS, 24_686)
    assert card.sentence.text().startswith("The middle half of 10 of 24,686 training names take ")
    card.show_word("emma")
    assert card.sentence.text().endswith(" % of 10 training names.")


def test_the_mark_stands_at_the_name(card) -> None:
    """The plainest name of the list is at the left end of the histogram, the strangest right."""
    low, high = float(TOTALS.min()), float(TOTALS.max())
    histogram = card.histogram
    assert histogram.x_of(low) < histogram.x_of((low + high) / 2) < histogram.x_of(high)
    assert histogram.x_of(-5) == 4 and histogram.x_of(1e9) == histogram.width() - 4
    card.set_totals(TOTALS + 50, len(TOTALS))
    assert histogram.x_of(low) == 4, "the scale is that of the newest totals"
    card.set_totals(TOTALS, len(TOTALS))
    empty = histogram.grab().toImage()
    card.show_word("emma")
    assert histogram.grab().toImage() != empty


def test_a_letter_outside_the_alphabet_is_said(card, qtbot) -> None:
    """A fault stands as a sentence in red, and the next good name is read again."""
    qtbot.keyClicks(card.input, "zo7")
    assert card.sentence.text() == FAULT and card.sentence.property("role") == "fault"
    assert not card.letters.isVisible()
    qtbot.keyClick(card.input, Qt.Key.Key_Backspace)
    assert card.sentence.property("role") == "small" and card.letters.count() == 3
    assert card.letters.isVisible()


def test_the_card_keeps_its_height(card) -> None:
    """Empty, read, faulty or far too long: the card does not jump, and is low enough."""
    card.parentWidget().resize(300, 500)
    heights = set()
    for word in (
        "",
        "emma",
        "Christopher",
        "zoé",
        "maximilianalexanderthegrea",
        "7",
        "x" * 120,
        "",
    ):
        card.show_word(word)
        QApplication.processEvents()
        heights.add(card.height())
    assert len(heights) == 1 and heights.pop() <= 230


def test_before_a_name_a_hint_says_what_comes(card) -> None:
    """An empty input shows what will be seen, and something about the training list."""
    assert card.letters.count() == 0 and card.letters.hint() == HINT
    assert card.sentence.text().startswith("The middle half of all 10 training names")
    card.show_word("   ")
    assert card.letters.count() == 0
    card.set_reader(None)
    assert card.letters.hint() == NOBODY
    card.show_word("emma")
    assert card.letters.hint() == NOBODY and card.letters.count() == 0


def test_new_weights_are_asked_again(card) -> None:
    """After a step of training the same name has the new network's nats."""
    card.show_word("emma")
    halved = []

    def better(name: str) -> Surprisal:
        halved.append(name)
        return Surprisal(name + END, read(name).nats / 2)

    card.set_reader(better, uniform=EVEN)
    card.refresh()
    assert halved == ["emma", "emma"]
    assert f"{read('emma').total / 2:.1f} nats" in card.sentence.text()


def test_hidden_it_reads_nothing(card) -> None:
    """A hidden card asks nobody; shown again, it asks once."""
    asked = []
    card.hide()
    card.set_reader(lambda name: asked.append(name) or read(name), uniform=EVEN)
    card.show_word("emma")
    card.refresh()
    assert not asked
    card.show()
    assert asked == ["emma"] and card.letters.count() == 5


def test_25_letters_fit_by_narrowing(card) -> None:
    """At 300 px all of a long name is there, within the card."""
    card.parentWidget().resize(300, 500)
    card.show_word("m" * 25)
    QApplication.processEvents()
    assert card.letters.count() == 26
    assert card.letters.rect_of(25).right() <= card.letters.width() + 0.01


def test_the_middle_of_a_longer_name_is_one_column(card) -> None:
    """A name without end keeps its begin and its end; what is between is summed up."""
    card.parentWidget().resize(300, 500)
    word = "ab" * 40
    card.show_word(word)
    QApplication.processEvents()
    columns = card.letters.shown()
    gap = [column.letter for column in columns].index("…")
    assert [column.letter for column in columns[gap + 1 :]] == ["b", "a", "b", "."][-3:]
    hidden = len(word) + 1 - (len(columns) - 1)
    letters, nats = card.letters.describe(gap).split(": ")
    assert len(letters) == hidden
    total = read(word).nats[gap : gap + hidden].sum()
    assert nats == f"{total:.1f} nats together"


@pytest.mark.parametrize(("letters", "columns"), [(5, 5), (6, 5), (100, 28), (9, 3)])
def test_spans_leave_no_letter_out(letters: int, columns: int) -> None:
    """The columns together are the whole name, in order, and no more than there is room for."""
    made = spans(letters, columns)
    assert [i for first, last in made for i in range(first, last)] == list(range(letters))
    assert len(made) <= columns


def test_what_is_impossible_or_broken_is_said(card) -> None:
    """A letter of probability 0 is endless surprise; NaN is called a network come apart."""
    card.set_reader(lambda name: Surprisal(name + END, np.array([1.0, np.inf, 2.0])), EVEN)
    card.show_word("ab")
    assert "probability of 0" in card.sentence.text()
    assert card.letters.shown()[1].number == "∞" and not card.grab().isNull()
    card.set_reader(lambda name: Surprisal(name + END, np.full(3, np.nan)), EVEN)
    assert card.sentence.text() == BROKEN and card.sentence.property("role") == "fault"


def test_totals_may_hold_what_is_no_number(card) -> None:
    """Infinite totals are left out of the histogram; without any, it is empty."""
    card.set_totals(np.array([5.0, np.inf, np.nan]), 3)
    card.show_word("emma")
    assert not card.histogram.grab().isNull()
    card.set_totals(np.zeros(0), 0)
    assert "the end counts as one" in card.sentence.text()
    assert not card.histogram.grab().isNull()


def test_the_letters_speak_to_the_keyboard(card, qtbot) -> None:
    """The arrow keys go from letter to letter, and each says its surprise."""
    card.show_word("emma")
    card.letters.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(card.letters, Qt.Key.Key_Right)
    assert card.letters.accessibleDescription().startswith("m: ")
    for window in windows(QApplication):
        if window.objectName() == "qtooltip_label":
            window.close()


def test_it_follows_the_theme(card, qapp) -> None:
    """After a change of theme the amber of a surprising letter is the new one."""
    card.show_word("q")
    QApplication.processEvents()
    cell = card.letters.rect_of(0).center().toPoint()
    cell.setY(int(card.letters.level(0.08)))
    light = card.letters.grab().toImage().pixelColor(cell)
    try:
        theme.apply(qapp, "dark")
        QApplication.processEvents()
        dark = card.letters.grab().toImage().pixelColor(cell)
    finally:
        theme.apply(qapp, "light")
    assert (light.name(), dark.name()) == (theme.LIGHT.warning, theme.DARK.warning)
