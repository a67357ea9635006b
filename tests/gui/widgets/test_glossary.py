"""The glossary on the screen: searched by typing, walked by links, opened by F1 and by words."""

import html
import re

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.glossary import find, terms
from gui import theme
from gui.widgets.card import Card, label
from gui.widgets.glossary import (
    TERM,
    GlossaryDialog,
    GlossaryHelp,
    TermLabel,
    follow_term,
    link_terms,
    open_term,
    term_of,
)


@pytest.fixture
def window(qtbot):
    """A window with a card of a few widgets, and help by F1."""
    made = QMainWindow()
    qtbot.addWidget(made)
    body = QWidget()
    made.setCentralWidget(body)
    column = QVBoxLayout(body)
    made.card = Card("Confusion matrix")
    column.addWidget(made.card)
    made.rate = QLineEdit()
    made.rate.setAccessibleName("Learning rate")
    made.save = QPushButton("Save…")
    made.decay = QCheckBox("Use &weight decay")
    for widget in (made.rate, made.save, made.decay):
        made.card.body.addWidget(widget)
    made.help = GlossaryHelp(made)
    made.resize(500, 300)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    yield made
    made.close()


@pytest.fixture
def glossary(qtbot):
    """The glossary by itself."""
    dialog = GlossaryDialog()
    qtbot.addWidget(dialog)
    dialog.open_at()
    qtbot.waitExposed(dialog)
    yield dialog
    dialog.close()


def press(widget, key, *modifiers):
    """Press a key of the keyboard."""
    QTest.keyClick(widget, key, *modifiers)


def press_f1(widget):
    """Give a widget the focus, press F1, and return the glossary of its window."""
    widget.setFocus()
    press(widget, Qt.Key.Key_F1)
    dialog = widget.window().findChild(GlossaryDialog)
    assert dialog is not None and dialog.isVisible()
    return dialog


def text_of(dialog, name):
    """Return the text of a label of the entry, without marks; "" where it is hidden."""
    found = dialog.findChild(QLabel, name)
    plain = html.unescape(re.sub(r"<[^>]+>", " ", found.text())).replace("\u00a0", " ")
    return plain.strip() if found.isVisible() else ""


def test_typing_searches_and_shows_the_best_entry(glossary):
    """At each letter."""
    QTest.keyClicks(glossary.words, "perplex")
    assert glossary.list.count() < len(terms())
    assert glossary.shown == "Perplexity"
    assert text_of(glossary, "glossaryTitle") == "Perplexity"
    assert text_of(glossary, "glossaryMeaning").startswith("The exponential of the loss")
    assert text_of(glossary, "glossaryFormula") == "exp(loss in nats)"
    assert "Cross-entropy" in text_of(glossary, "glossarySee").replace("‑", "-")


def test_the_entry_names_the_lecture_in_full_and_the_pytorch_name(glossary):
    """Both can be typed into a search engine."""
    glossary.open_at("batch norm")
    assert "BatchNorm" in text_of(glossary, "glossaryLecture")
    assert "Ioffe and Szegedy 2015" in text_of(glossary, "glossaryLecture")
    assert "torch.nn.BatchNorm1d" in text_of(glossary, "glossaryPyTorch")


def test_lines_that_an_entry_does_not_have_are_hidden(glossary):
    """An entry without a formula or a PyTorch name shows neither."""
    glossary.open_at("Verdict")
    assert text_of(glossary, "glossaryFormula") == ""
    assert text_of(glossary, "glossaryPyTorch") == ""
    assert text_of(glossary, "glossaryLecture") == ""


def test_nothing_found_is_said(glossary):
    """And the clear button brings all terms back."""
    QTest.keyClicks(glossary.words, "xyzzy")
    assert glossary.list.count() == 0
    assert "No term matches “xyzzy”" in text_of(glossary, "glossaryMeaning")
    clear = glossary.words.findChild(QToolButton, "clearGlossarySearch")
    QTest.mouseClick(clear, Qt.MouseButton.LeftButton)
    assert glossary.list.count() == len(terms())


def test_the_arrow_keys_choose_while_one_types(glossary):
    """The keys stay in the search."""
    first = glossary.shown
    press(glossary.words, Qt.Key.Key_Down)
    assert glossary.shown != first
    assert text_of(glossary, "glossaryTitle") == glossary.shown
    press(glossary.words, Qt.Key.Key_Up)
    assert glossary.shown == first
    assert glossary.words.hasFocus()


def test_a_click_in_the_list_shows_its_entry(glossary):
    """And typing there searches again."""
    item = glossary.list.item(3)
    place = glossary.list.visualItemRect(item).center()
    QTest.mouseClick(glossary.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert glossary.shown == item.text() == text_of(glossary, "glossaryTitle")
    glossary.list.setFocus()
    QTest.keyClicks(glossary.list, "m")
    QTest.keyClicks(glossary.words, "omentum")
    assert glossary.words.text() == "momentum"
    assert glossary.shown == "Momentum"


def test_enter_goes_to_the_links_and_follows_one(glossary, qtbot):
    """Alt+Left returns, when the button has been seen to go down."""
    QTest.keyClicks(glossary.words, "adamw")
    press(glossary.words, Qt.Key.Key_Return)
    see = glossary.entry.followed
    assert see.hasFocus()
    press(see, Qt.Key.Key_Return)
    assert glossary.shown == find("AdamW").see[0]
    assert glossary.words.text() == ""
    assert glossary.back.isEnabled()
    press(glossary, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: glossary.shown == "AdamW")
    assert not glossary.back.isEnabled()


def test_a_link_is_followed_by_a_click(glossary, qtbot):
    """Where its first letters are."""
    glossary.open_at("Adam")
    see = glossary.entry.followed
    qtbot.waitUntil(lambda: see.width() > 100)
    QTest.mouseClick(see, Qt.MouseButton.LeftButton, pos=QPoint(8, see.height() // 2))
    assert glossary.shown == find("Adam").see[0]
    QTest.mouseClick(glossary.back, Qt.MouseButton.LeftButton)
    assert glossary.shown == "Adam"


def test_escape_closes(glossary):
    """From wherever the keys are."""
    QTest.keyClicks(glossary.words, "loss")
    press(glossary.words, Qt.Key.Key_Escape)
    assert not glossary.isVisible()


def test_every_widget_has_a_name_and_teaches(glossary):
    """For the keyboard, for tests, and for those who can't see it."""
    widgets = [glossary.words, glossary.list, glossary.back, glossary.entry.followed]
    widgets += glossary.words.findChildren(QToolButton)
    for widget in widgets:
        assert widget.objectName() and widget.accessibleName() and widget.toolTip()


def test_the_links_have_the_colour_of_the_theme(glossary, qapp):
    """When it changes, too."""
    glossary.open_at("Adam")
    assert theme.LIGHT.activation in glossary.entry.followed.text()
    theme.apply(qapp, "dark")
    try:
        assert theme.DARK.activation in glossary.entry.followed.text()
    finally:
        theme.apply(qapp, "light")


def test_no_entry_is_clipped(glossary, qapp):
    """Each fits the dialog's width, and no label is lower than its words."""
    for row in range(len(terms())):
        glossary.list.setCurrentRow(row)
        qapp.processEvents()
        for part in glossary.entry.findChildren(QLabel):
            if part.isVisible():
                assert part.height() >= part.heightForWidth(part.width()), glossary.shown
                assert part.mapTo(glossary, part.rect().topRight()).x() < glossary.width()


def test_f1_opens_the_term_of_the_focused_widget(window):
    """By its accessible name; the next one by its text, without the mark of its shortcut."""
    dialog = press_f1(window.rate)
    assert dialog.shown == "Learning rate"
    dialog.close()
    assert press_f1(window.decay).shown == "Weight decay"


def test_f1_takes_the_title_of_the_card_where_a_widget_says_nothing(window):
    """A button to save is about what it saves."""
    assert press_f1(window.save).shown == "Confusion matrix"


def test_a_property_decides(window):
    """On the widget, or on what it stands in; an empty one leads to the list."""
    window.card.setProperty(TERM, "accuracy")
    assert press_f1(window.rate).shown == "Accuracy"
    window.rate.setProperty(TERM, "lr")
    assert term_of(window.rate).title == "Learning rate"
    window.rate.setProperty(TERM, "")
    assert term_of(window.rate) is None


def test_a_tooltip_is_asked_last(window):
    """Rich text is read without its marks."""
    window.card.title.setText("")
    window.save.setToolTip("<p>Save it as <b>tem</b>p, at a temperature of 1.</p>")
    assert term_of(window.save).title == "Temperature"


def test_a_rare_term_goes_before_a_common_one(window):
    """Unless the common one is all that the widget says."""
    window.rate.setAccessibleName("Step at which the loss was lowest")
    assert term_of(window.rate).title == "Loss"
    window.rate.setAccessibleName("Steps")
    assert term_of(window.rate).title == "Step"
    assert "<a " not in link_terms("Each step changes a layer.")


def test_the_chosen_row_of_a_list_counts(window):
    """And not the list's own name."""
    rows = QListWidget()
    rows.setAccessibleName("Causes of a high loss")
    rows.addItems(["Target leakage: sure", "Dead units"])
    window.card.body.addWidget(rows)
    rows.setCurrentRow(1)
    assert term_of(rows).title == "Dead unit"


def test_without_a_focus_the_mouse_counts(window, monkeypatch):
    """What is under it is explained."""
    monkeypatch.setattr(QApplication, "focusWidget", lambda: None)
    monkeypatch.setattr(QApplication, "widgetAt", lambda place: window.decay)
    monkeypatch.setattr(QCursor, "pos", lambda: QPoint())
    press(window, Qt.Key.Key_F1)
    assert window.findChild(GlossaryDialog).shown == "Weight decay"


def test_where_nothing_tells_the_list_opens(window, qtbot):
    """With all terms and the keys in the search."""
    window.card.title.setText("")
    dialog = press_f1(window.save)
    assert dialog.list.count() == len(terms())
    qtbot.waitUntil(dialog.words.hasFocus)


def test_there_is_one_glossary_for_a_window(window):
    """Opened again, also from within, it turns to the new word."""
    first = open_term(window.rate, "SGD")
    assert first.shown == "Stochastic gradient descent"
    assert open_term(window.card, "adam") is first
    assert open_term(first.words, "gelu") is first
    assert first.shown == "GELU"


def test_an_unknown_word_is_searched(window):
    """So that what is near it is seen."""
    dialog = open_term(window, "hesitates")
    assert dialog.words.text() == "hesitates"
    assert dialog.shown == "Perplexity"


def test_terms_in_a_sentence_become_links():
    """Each once, the rest escaped."""
    linked = link_terms("Loss < 1: the loss of <b>dead units</b>.")
    assert linked.count("<a ") == 2
    assert 'href="term:Loss">Loss</a> &lt; 1: the loss of &lt;b&gt;' in linked
    assert 'href="term:Dead unit">dead units</a>' in linked
    assert link_terms("Nothing here & there.") == "Nothing here &amp; there."


def test_a_label_opens_the_glossary_at_its_term(window):
    """By a click on the link, or by Tab and Enter; without a link it is only read."""
    words = TermLabel("Perplexity is one.", "muted")
    window.card.body.addWidget(words)
    QApplication.processEvents()
    QTest.mouseClick(words, Qt.MouseButton.LeftButton, pos=QPoint(8, words.height() // 2))
    assert window.findChild(GlossaryDialog).shown == "Perplexity"
    words.say("Nothing here.")
    assert words.focusPolicy() == Qt.FocusPolicy.NoFocus
    assert words.plain == "Nothing here."


def test_other_links_are_left_to_others(window):
    """To lessons and pages."""
    words = label()
    assert not follow_term(words, "lesson:1-products")
    assert follow_term(window.rate, "term:Nats")
    assert window.findChild(GlossaryDialog).shown == "Nats"


def test_a_text_that_is_pasted_is_no_search(glossary):
    """Its beginning is searched for: all of a long line would stall the window at every key."""
    QApplication.clipboard().setText("x" * 200_000)
    glossary.words.clear()
    glossary.words.paste()
    assert 0 < len(glossary.words.text()) < 1_000
