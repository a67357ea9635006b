"""Special tokens as text, and as one token."""

from PySide6.QtTest import QTest

from gui.lessons.parts.tokenizer_special import ALLOWED, SPELLED, Part
from tests.gui.lessons.parts.hands import LEFT


def test_the_same_characters_are_text_or_one_token(shelf):
    """Appended, they are seven tokens, or the one that ends a text."""
    part = shelf.show_part(Part(shelf.context, {}))
    part.state.edit("The end")
    shelf.until(lambda: "both ways are the same" in part.words[ALLOWED].text())
    QTest.mouseClick(part.append, LEFT)
    shelf.until(lambda: "Token 50,256 stands in it once" in part.words[ALLOWED].text())
    assert part.words[SPELLED].text().startswith(f"{SPELLED}: 9 tokens.")
    view = part.areas[ALLOWED].view
    assert view._marked == {2} and view.beneath(2) == "50256" and view.count() == 3
    assert not part.areas[SPELLED].view._marked
