"""Softmax with a temperature."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gui.lessons.parts import softmax
from tests.gui.lessons.parts.hands import (
    MLP,
    cell,
    hover,
    learn,
)


def test_a_temperature_makes_probabilities_more_uniform_and_keeps_their_order(shelf):
    """Those at 1 are the same as on the Digits page."""
    learn(shelf, "digits", MLP)
    part = shelf.show_part(softmax.Part(shelf.context, {}))
    part.digit.refresh()
    replica = part.session.replica
    right = replica.playground.read(replica.model, replica.recipe, part.digit.picture)
    probabilities = part.board.columns[3]
    assert part.number.text() == "1.00" and probabilities == pytest.approx(right, abs=1e-5)
    part.slider.setFocus()
    QTest.keyClick(part.slider, Qt.Key.Key_End)
    hot = part.board.columns[3]
    assert part.temperature == 10.0 and hot.max() < probabilities.max()
    assert (hot.argsort() == probabilities.argsort()).all()
    hover(part.board, cell(part.board, "÷ sum", 4, 0))
    assert part.board.describe().endswith("the probability of 4.")
