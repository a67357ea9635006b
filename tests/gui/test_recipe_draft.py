"""The recipe's one owner: form, doctor and charts edit it, and every change can be undone."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from core.playgrounds.digits.recipe import DigitsRecipe
from gui.recipe_draft import RecipeDraft
from tests.gui.conftest import QUICK


@pytest.fixture
def pages():
    """The page that is used here."""
    return ("digits",)


def type_into(field, text):
    """Replace a field's text, and confirm it."""
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_changes_are_undone_and_redone_in_order():
    """Also those of a whole recipe; a new change forgets what was undone."""
    draft, first = RecipeDraft(DigitsRecipe()), DigitsRecipe()
    draft.set("lr", 0.5)
    draft.take(DigitsRecipe(model="mlp"))
    draft.undo()
    assert draft.recipe.lr == 0.5 and draft.can_redo
    draft.undo()
    assert draft.recipe == first and not draft.can_undo
    draft.redo()
    assert draft.recipe.lr == 0.5
    draft.set("batch_size", 7)
    assert not draft.can_redo
    draft.undo()
    draft.undo()
    assert draft.recipe == first


def test_a_drag_is_undone_at_once():
    """All values that a slider passes are one change; the next drag is another."""
    draft = RecipeDraft(DigitsRecipe())
    for value in (0.01, 0.02, 0.03):
        draft.set("lr", value, drag=True)
    draft.end_drag()
    for value in (0.04, 0.05):
        draft.set("lr", value, drag=True)
    draft.undo()
    assert draft.recipe.lr == 0.03
    draft.undo()
    assert draft.recipe == DigitsRecipe() and not draft.can_undo


def test_an_impossible_value_is_kept_as_typed_and_explained(qtbot):
    """The recipe keeps the last possible one; the next good value ends the complaint."""
    draft, said = RecipeDraft(DigitsRecipe()), []
    draft.complained.connect(said.append)
    draft.set("lr", "fast")
    assert draft.typed == {"lr": "fast"} and "lr=fast" in draft.problem
    assert draft.recipe == DigitsRecipe() and not draft.can_undo
    draft.set("lr", "0.25")
    assert draft.recipe.lr == 0.25 and draft.typed == {} and said[-1] == ""


def test_the_form_shows_what_another_hand_has_set(program):
    """The doctor's fix arrives in the form, and one click takes it back."""
    field = program.find("setting_lr", QLineEdit)
    before = field.text()
    program.session.draft.set("lr", 0.125)
    assert field.text() == "0.125"
    program.click("undoRecipe")
    assert field.text() == before and program.session.recipe.lr == float(before)
    program.click("redoRecipe")
    assert program.session.recipe.lr == 0.125


def test_a_wrong_entry_is_outlined_and_nothing_is_trained(program):
    """What was typed stays, to be corrected."""
    field = program.find("setting_lr", QLineEdit)
    type_into(field, "fast")
    assert field.text() == "fast" and field.property("wrong")
    ended = []
    program.session.ended.connect(ended.append)
    program.click("trainButton")
    assert "Not started" in ended[-1].sentence
    type_into(field, "0.01")
    assert not field.property("wrong") and program.session.recipe.lr == 0.01


def test_keys_undo_in_the_card(program):
    """Ctrl+Z and Ctrl+Shift+Z, where the settings have the focus."""
    program.session.draft.set("batch_size", 32)
    program.window.activateWindow()
    box = program.find("recipeBox")
    box.setFocus()
    program.until(box.hasFocus)
    QTest.keyClick(box, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert program.session.recipe.batch_size != 32
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(box, Qt.Key.Key_Z, both)
    assert program.session.recipe.batch_size == 32


def test_keys_undo_in_a_field(program):
    """In a field the keys undo its typing, and where nothing was typed, the recipe."""
    control = Qt.KeyboardModifier.ControlModifier
    field = program.find("setting_lr", QLineEdit)
    before = program.session.recipe.lr
    type_into(field, "0.125")
    program.window.activateWindow()
    field.setFocus()
    program.until(field.hasFocus)
    QTest.keyClicks(field, "9")
    QTest.keyClick(field, Qt.Key.Key_Z, control)
    assert field.text() == "0.125" and program.session.recipe.lr == 0.125
    program.session.draft.take(program.session.recipe)  # the field is as it was shown
    QTest.keyClick(field, Qt.Key.Key_Z, control)
    assert program.session.recipe.lr == before
    QTest.keyClick(field, Qt.Key.Key_Y, control)
    assert program.session.recipe.lr == 0.125


def test_a_live_setting_reaches_the_run_from_every_hand(program):
    """Whoever changes it: the run that goes on learns at the rate that the form shows."""
    rates = []
    program.session.metrics_added.connect(lambda event: rates.append(event.learning_rate))
    program.train(QUICK.replace({"schedule": "constant"}))
    program.session.draft.take(program.session.recipe.replace({"lr": 0.002}))
    program.until(lambda: rates[-1] == 0.002)
    program.session.draft.undo()
    program.until(lambda: rates[-1] == QUICK.lr)
    program.stop()
