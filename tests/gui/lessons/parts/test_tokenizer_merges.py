"""Pairs are merged one by one, with the slider, and from the list."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gui.lessons.parts.tokenizer_merges import Part
from gui.lessons.tokenizer.token_area import WAITING, TokenArea
from gui.widgets.token_view import EMPTY, TokenView
from tests.gui.lessons.parts.hands import LEFT


def merged(shelf, text):
    """Return a part whose text is merged."""
    part = shelf.show_part(Part(shelf.context, {}))
    edit(shelf, part, text)
    return part


def edit(shelf, part, text):
    """Type another text, and wait for its merges."""
    part.state.edit(text)
    raw = text.encode()
    shelf.until(lambda: part._history is not None and part._history.raw == raw)


def test_each_merge_makes_the_text_shorter(shelf):
    """The lecture's example: aa four times, then aaa, then aaab."""
    part = merged(shelf, "aaabdaaabac")
    assert "“a” + “a”" in part.pair.text() and "4 times" in part.pair.text()
    assert "11 tokens for 11 bytes" in part.facts.text() and not part.back.isEnabled()
    QTest.mouseClick(part.step, LEFT)
    assert part.merges == 1 and "9 tokens" in part.facts.text() and "= 257" in part.facts.text()
    assert part.area.view.beneath(0) == "256" and part.chart.mark[0] == 1.0
    assert part.list.chosen() == "1"
    QTest.keyClick(part.slider, Qt.Key.Key_Right)
    QTest.mouseClick(part.step, LEFT)
    assert not part.step.isEnabled() and "No pair stands twice any more" in part.pair.text()
    assert "5 tokens for 11 bytes, 2.20 bytes per token" in part.facts.text()
    QTest.mouseClick(part.back, LEFT)
    assert part.merges == 2
    part.list.choose("1")
    part.list.itemActivated.emit(part.list.currentItem())
    assert part.merges == 1
    assert part.chart.lines[0].y.tolist() == [11, 9, 7, 5]


def test_within_pieces_no_token_reaches_across_words(shelf):
    """The same text, cut first; and a text in which there is nothing to merge."""
    part = merged(shelf, "a b a b a b")
    part.slider.setValue(part.slider.maximum())
    across = [raw for raw, _ in part._history.tokens(part.merges)]
    assert any(b"a b" in raw for raw in across)
    before = part._history
    QTest.mouseClick(part.where.buttons["pieces"], LEFT)
    shelf.until(lambda: part._history is not before)
    tokens = [raw for raw, _ in part._history.tokens(part.slider.maximum())]
    assert tokens == [b"a", b" b", b" a", b" b", b" a", b" b"]
    edit(shelf, part, "xyz")
    assert part.slider.maximum() == 0 and "nothing to merge" in part.pair.text()
    edit(shelf, part, "")
    assert part.facts.text() == "There is no text."


def test_a_token_as_long_as_the_text_is_shortened_where_it_is_told(shelf):
    """Ten thousand equal letters are 12 merges, and the last makes 4,096 of them one token."""
    part = merged(shelf, "a" * 10_000)
    part.slider.setValue(part.slider.maximum() - 1)
    assert "…" in part.pair.text() and len(part.pair.text()) < 400
    part.slider.setValue(part.slider.maximum())
    assert len(part.area.view.describe(0)) < 500
    assert part.list.item(0).text() == "1   a + a → aa   (9,999 times)"


def test_until_a_text_is_cut_it_says_so(qtbot):
    """A text that has no tokens yet is none that has to be typed."""
    area = TokenArea(TokenView())
    qtbot.addWidget(area)
    assert area.view.hint == WAITING
    area.show_tokens([])
    assert area.view.accessibleDescription() == EMPTY
