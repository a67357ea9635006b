"""Attention of a typed prompt."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gui.lessons.parts import attention
from tests.gui.lessons.parts.hands import (
    cell,
    hover,
    opened,
)


def test_without_attention_there_is_an_example(shelf):
    """The part says so, and its fields wait."""
    part = shelf.show_part(attention.Part(shelf.context, {}))
    assert not part.prompt.isEnabled() and "hand-made" in part.words.words
    hover(part.board, cell(part.board, "weights", 3, 2))
    assert "“it” attends to “cat” with" in part.board.describe()
    hover(part.board, cell(part.board, "scores", 0, 3))
    assert "causal mask" in part.board.describe()


def test_a_typed_prompt_is_attended_to(qtbot, all_starters, runs):
    """By the head that is chosen of the shipped network; an empty one is a line's end."""
    for window in opened(qtbot, "text"):
        part = window.show_part(attention.Part(window.context, {}))
        window.until(lambda part=part: part.prompt.isEnabled())
        assert part.head_box.count() == 4 and "after 5,000 steps" in part.source.text()
        before = part.board.head.scores
        part.prompt.setFocus()
        QTest.keyClick(part.prompt, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(part.prompt, "Good night")
        assert len(part.board.words) < len(before) and part.board.words[0] == "Good"
        scores = part.board.head.scores
        part.head_box.setFocus()
        QTest.keyClick(part.head_box, Qt.Key.Key_Up)
        assert (part.board.head.scores != scores).any()
        part.prompt.clear()
        assert part.board.words == ["↵"]
