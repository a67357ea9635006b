"""Texts under several tokenizers, by what is chosen."""

import math

from PySide6.QtTest import QTest

from gui.lessons.parts.tokenizer_costs import Part
from tests.gui.lessons.parts.hands import LEFT


def test_costs_are_compared_by_what_is_chosen(shelf):
    """A row for each example, and one for the text of the lesson."""
    part = shelf.show_part(Part(shelf.context, {}))
    part.state.edit("127")
    shelf.until(lambda: part._shown is not None and part._shown.texts[-1].characters == 3)
    board, table = part.board, part._shown
    last = board.count() - 1
    assert table.tokenizers[-1] == "GPT-2" and table.texts[-1].title == "Your text"
    assert board.value(
        last
    ) == 3.0 and "1 token for 3 characters, 3 bytes, 1 word\n" in board.describe(last)
    assert board.height() >= board.heightForWidth(board.width())
    QTest.mouseClick(part.measure.buttons["tokens"], LEFT)
    assert board.value(last) == 1.0 and board.value(last - 3) == 3.0
    assert "not on this machine" in part.missing.text() and part.missing.isVisible()
    part.state.edit("")
    shelf.until(lambda: part._shown.texts[-1].characters == 0)
    QTest.mouseClick(part.measure.buttons["word"], LEFT)
    assert math.isnan(board.value(last)) and "–" in board.describe(last)
    assert not part.grab().isNull()
