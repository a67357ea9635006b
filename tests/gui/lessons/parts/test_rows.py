"""A selected output is summed row by row."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.numbers import number
from gui.lessons.parts import layers, rows
from tests.gui.lessons.parts.hands import CNN, LEFT, MLP, cell, learn


def test_a_clicked_output_is_summed_below(shelf):
    """Of a filter, at the place that was clicked on its map; row after row on the slider."""
    learn(shelf, "digits", CNN)
    above = shelf.show_part(layers.Part(shelf.context, {}))
    shelf.until(lambda: bool(above.digit.stages))
    QTest.mouseClick(above.outputs, LEFT, pos=cell(above.outputs, "units", 0, 2))
    QTest.mouseClick(above.outputs, LEFT, pos=cell(above.outputs, "map", 11, 9))
    part = shelf.show_part(rows.Part(shelf.context, {}))
    assert part.title.text() == "conv.0, filter 2, at row 11, column 9"
    said = above.digit.selected.outputs[2, 11, 9]
    assert f"after relu it is **{number(said)}**" in part.words.words
    part.slider.setFocus()
    QTest.keyClick(part.slider, Qt.Key.Key_Home)
    QTest.keyClick(part.slider, Qt.Key.Key_Right)
    assert "The first 1 of 3 rows" in part.words.words
    QTest.mouseClick(part.play, LEFT)
    assert part.slider.value() == 0
    shelf.until(lambda: part.slider.value() == 3)


def test_the_last_layers_outputs_are_logits(shelf):
    """Chosen with the buttons of the layers and the keyboard."""
    learn(shelf, "digits", MLP)
    part = shelf.show_part(layers.Part(shelf.context, {}))
    shelf.until(lambda: bool(part.digit.stages))
    QTest.mouseClick(part.stages.buttons["1"], LEFT)
    assert part.digit.selected is part.digit.stages[-1]
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Return):
        QTest.keyClick(part.outputs, key)
    assert part.digit.unit == 2
    below = shelf.show_part(rows.Part(shelf.context, {}))
    assert below.title.text() == "output: the logit of 2"
