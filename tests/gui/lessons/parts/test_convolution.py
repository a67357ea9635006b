"""A convolution and its matrix."""

import pytest
from PySide6.QtTest import QTest

from gui.lessons.parts import convolution
from tests.gui.lessons.parts.hands import (
    CNN,
    LEFT,
    MLP,
    cell,
    hover,
    learn,
)


def test_a_filter_of_the_network_slides(shelf):
    """Its first filter, over pixels as the network meets them; its copies are counted."""
    model = learn(shelf, "digits", CNN)
    part = shelf.show_part(convolution.Part(shelf.context, {}))
    weights = model.conv[0].product.weight[0, 0].detach().numpy()
    assert part.board.weights == pytest.approx(weights)
    assert "only **9 weights**: each is shared by 9 entries" in part.words.words
    QTest.mouseClick(part.play, LEFT)
    shelf.until(lambda: part.board.current == ("result", 0, 1))
    hover(part.board, cell(part.board, "filter", 1, 1))
    assert "Weight 4 of the filter" in part.board.describe()


def test_a_network_without_filters_gets_one_by_hand(shelf):
    """And the part says so."""
    learn(shelf, "digits", MLP)
    part = shelf.show_part(convolution.Part(shelf.context, {}))
    assert "no filters" in part.title.text()
