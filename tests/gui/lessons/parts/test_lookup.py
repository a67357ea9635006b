"""A one-hot vector times the embedding table."""

from dataclasses import replace

import pytest
from PySide6.QtTest import QTest

from core.playgrounds.names.recipe import NamesRecipe
from gui.lessons.parts import lookup
from tests.gui.lessons.parts.hands import (
    LEFT,
    cell,
    learn,
)


def test_a_letter_picks_its_row_and_two_add_theirs(shelf):
    """The numbers are those of the embedding that was trained."""
    recipe = NamesRecipe(model="mlp", embedding=6, hidden=(16,), context=3, steps=20)
    model = learn(shelf, "names", recipe)
    part = shelf.show_part(lookup.Part(shelf.context, {}))
    table = model.embedding.product.weight.detach().numpy()
    board, letters = part.board, model.alphabet.letters
    QTest.mouseClick(board, LEFT, pos=cell(board, "letters", 5, 0))
    assert board.result() == pytest.approx(table[5])
    assert f"One-hot: a 1 at “{letters[5]}”" in part.words.words
    assert "the table's row of index 5." in part.words.words
    QTest.mouseClick(board, LEFT, pos=cell(board, "ones", 2, 0))
    assert board.result() == pytest.approx(table[5] + table[2], abs=1e-6)
    assert "their rows are added" in part.words.words
    learn(shelf, "names", NamesRecipe(model="bigram-count"))
    shelf.until(lambda: "counts bigrams" in part.words.words)
    assert not board.isVisible()


def test_a_table_may_become_narrower(shelf):
    """The number that the mouse is on is one of the new table then."""
    recipe = NamesRecipe(model="mlp", embedding=8, hidden=(16,), context=3, steps=5)
    learn(shelf, "names", recipe)
    part = shelf.show_part(lookup.Part(shelf.context, {}))
    QTest.mouseMove(part.board, cell(part.board, "table", 3, 7))
    assert part.board.current == ("table", 3, 7)
    learn(shelf, "names", replace(recipe, embedding=2))
    shelf.until(lambda: part.board.table.shape[1] == 2)
    assert part.board.current == ("table", 3, 1)
    assert part.board.accessibleDescription().startswith("Dimension 1 of the embedding")
