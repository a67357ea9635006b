"""Characters with their bytes; and the text that all parts of lesson 5 share."""

from PySide6.QtTest import QTest

from core.lessons.tokenizer.presets import MOST, PRESETS
from gui.lessons.context import LessonContext
from gui.lessons.parts.tokenizer_bytes import Part
from gui.lessons.tokenizer.text_card import OWN
from gui.lessons.tokenizer.token_area import DRAWN, HIGHEST


def part_of(shelf, context=None):
    """Return a part that shows its text."""
    part = shelf.show_part(Part(context or shelf.context, {}))
    shelf.until(lambda: part.view.count() > 0)
    return part


def test_a_character_says_its_code_point_and_bytes(shelf):
    """An example is chosen; HTML in a text is text."""
    part = part_of(shelf)
    assert part.presets.currentText() == "Macbeth" and "ASCII" in part.facts.text()
    row = part.presets.findText("Japanese")
    part.presets.setCurrentIndex(row)
    part.presets.activated.emit(row)
    shelf.until(lambda: "12 × 3 bytes" in part.facts.text())
    words = part.view.describe(0)
    assert "U+3053, hiragana letter ko" in words and "e3 81 93" in words
    assert part.view.beneath(0) == "e3 81 93"
    part.state.edit("<b>\n")
    shelf.until(lambda: part.view.count() == 4)
    assert part.presets.currentText() == OWN and "line feed" in part.view.describe(3)


def test_the_text_is_shared_bounded_and_kept(shelf):
    """Typed in one box it stands in the others; a long one is cut, and that is said."""
    part, other = part_of(shelf), part_of(shelf)
    QTest.keyClicks(other.box, "hello ")
    assert part.box.toPlainText() == other.box.toPlainText() == "hello " + PRESETS[0].text
    other.box.setPlainText("long " * MOST)
    assert other.limit.isVisible() and f"{MOST:,}" in other.limit.text()
    shelf.until(lambda: other.view.count() == DRAWN)
    assert "are drawn" in other.facts.text() and other.area.height() == HIGHEST
    assert len(part.box.toPlainText()) == MOST
    kept = dict(shelf.context.kept)
    assert len(kept["tokenizer"]["text"]) == MOST
    for odd in (kept, {"tokenizer": {"text": 5}}, {"tokenizer": []}):
        later = part_of(shelf, LessonContext(shelf.worker, {}, odd))
        first = "long" if odd is kept else PRESETS[0].text
        assert later.box.toPlainText().startswith(first)
