"""The evaluation on the screen: a real network's real mistakes."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QHelpEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from core.playgrounds.digits.models import build
from core.playgrounds.digits.recipe import DigitsRecipe
from core.telemetry.events import Evaluated
from core.training.checkpoint import load_checkpoint
from gui import theme
from gui.digits.evaluation_panel import (
    EMPTY,
    NONE_WRONG,
    EvaluationPanel,
    floor_of,
    sentence_of,
)
from tests.gui.hands import tooltip


@pytest.fixture(scope="session")
def event(trained, bundled):
    """The evaluation of a small network that has learned a little."""
    checkpoint = load_checkpoint(trained)
    numbers, details = checkpoint.playground.validate(
        checkpoint.model(), bundled, checkpoint.recipe
    )
    return Evaluated(150, 1.0, numbers, details)


@pytest.fixture
def panel(qtbot):
    """An empty panel on the screen."""
    made = EvaluationPanel()
    qtbot.addWidget(made)
    made.resize(1000, 1200)
    made.show()
    return made


@pytest.fixture
def shown(panel, event):
    """A panel that shows the evaluation."""
    panel.show_evaluation(event)
    QApplication.processEvents()
    return panel


def centre(grid, index: int) -> QPoint:
    """Return the middle of a cell, to be clicked."""
    return grid.rect_of(index).center().toPoint()


def commonest(event) -> tuple[int, int]:
    """Return the commonest mistake: what it was and what it read."""
    counts = np.array(event.details["confusion"])
    np.fill_diagonal(counts, 0)
    was, read = np.unravel_index(counts.argmax(), counts.shape)
    return int(was), int(read)


def test_before_a_training_it_says_what_comes(panel) -> None:
    """An empty panel shows one sentence and no empty pictures."""
    visible = [w.text() for w in panel.findChildren(QLabel) if w.isVisible()]
    assert visible == [EMPTY]
    assert not panel.confusion.isVisible()


def test_what_is_not_about_digits_is_ignored(panel) -> None:
    """An evaluation of another playground leaves the panel as it is."""
    panel.show_evaluation(Evaluated(1, 1.0, {"val_loss": 2.0}))
    assert not panel.confusion.isVisible()


def test_the_sentence_has_the_networks_numbers(shown, event) -> None:
    """The head says the accuracy, the number of digits, and the pair confused most."""
    words = shown.findChild(QLabel, "evaluationSentence").text()
    counts = event.details["confusion"]
    was, read = commonest(event)
    assert f"{100 * event.metrics['val_accuracy']:.1f} % of 500 validation digits" in words
    assert f"{was} predicted as {read}" in words
    assert sentence_of(counts) == words


def test_sentence_counts_as_people_do() -> None:
    """Once, twice, then times; and all right is said as such."""
    counts = np.eye(10, dtype=int) * 50
    assert sentence_of(counts) == "All 500 validation digits right."
    counts[4, 9] = 5
    assert sentence_of(counts).endswith("the hardest pair is 4 predicted as 9 (5 times).")
    counts[4, 9] = 1
    assert sentence_of(counts).endswith("(once).")


def test_the_matrix_says_each_cell(shown, event) -> None:
    """Pointing at a cell says which digit was predicted as which, and how often."""
    was, read = commonest(event)
    count = int(event.details["confusion"][was, read])
    assert count > 2, "the small network should make some mistakes"
    point = centre(shown.confusion, was * 10 + read)
    QApplication.sendEvent(
        shown.confusion,
        QHelpEvent(QEvent.Type.ToolTip, point, shown.confusion.mapToGlobal(point)),
    )
    assert tooltip() == f"{was} predicted as {read}: {count} times"
    right = int(event.details["confusion"][3, 3])
    assert shown.confusion.describe(33) == f"3 predicted correctly: {right} of 50"


def test_mistakes_are_red_and_rights_blue(panel, event) -> None:
    """A single mistake beside hundreds of right ones is still plainly red."""
    counts = np.eye(10, dtype=int) * 900
    counts[7, 2] = 1
    panel.show_evaluation(Evaluated(1, 1.0, {}, {**event.details, "confusion": counts}))
    QApplication.processEvents()
    picture = panel.confusion.grab().toImage()

    def colour(was: int, read: int) -> QColor:
        corner = panel.confusion.rect_of(was * 10 + read).topLeft()
        return picture.pixelColor(int(corner.x()) + 5, int(corner.y()) + 5)

    mistake, right, none = colour(7, 2), colour(5, 5), colour(2, 7)
    assert mistake.red() - mistake.green() > 60
    assert right.blue() - right.red() > 20
    assert abs(none.red() - none.blue()) < 12


def test_each_digit_has_its_bar(shown, event) -> None:
    """The bars are the accuracies of the digits, on a scale that begins below the worst."""
    counts = event.details["confusion"]
    share, right = np.diag(counts) / counts.sum(axis=1), counts[8, 8]
    assert shown.digits.describe(8) == f"8: {right} of 50 right ({100 * share[8]:.1f} %)"
    assert floor_of(float(share.min())) < share.min()
    tops = {digit: shown.digits.level(share[digit]) for digit in range(10)}
    assert min(tops, key=tops.get) == int(share.argmax())


@pytest.mark.parametrize(
    ("lowest", "floor"), [(0.99, 0.9), (0.95, 0.9), (0.91, 0.8), (0.5, 0.4), (0.01, 0.0)]
)
def test_the_scale_begins_at_a_round_number(lowest: float, floor: float) -> None:
    """The scale begins at a tenth, with a little room under the worst digit."""
    assert floor_of(lowest) == pytest.approx(floor)


def test_mistakes_come_hardest_first(shown, event) -> None:
    """The pictures are the wrong ones in the order of the event, each with its words."""
    grid = shown.findChild(QWidget, "mistakes")
    details = event.details
    assert grid.count() == len(details["wrong_labels"]) > 5
    np.testing.assert_array_equal(grid.picture_at(0), details["wrong_images"][0])
    first = grid.describe(0)
    assert first.startswith(f"True: {details['wrong_labels'][0]}.")
    assert f"Predicted: {details['wrong_answers'][0]}" in first


def test_a_click_hands_the_picture_on(shown, event, qtbot) -> None:
    """A clicked mistake goes to the canvas as ink from 0 to 1."""
    grid = shown.findChild(QWidget, "mistakes")
    with qtbot.waitSignal(shown.pictureChosen, timeout=1000) as caught:
        qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=centre(grid, 4))
    (picture,) = caught.args
    assert picture.shape == (28, 28) and picture.dtype == np.float32
    np.testing.assert_allclose(picture, event.details["wrong_images"][4] / 255.0, atol=1e-6)


def test_a_picture_is_chosen_with_the_keys(shown, event, qtbot) -> None:
    """Arrow and Enter choose a mistake without a mouse."""
    grid = shown.findChild(QWidget, "mistakes")
    grid.setFocus()
    qtbot.keyClick(grid, Qt.Key.Key_Right)
    qtbot.keyClick(grid, Qt.Key.Key_Right)
    with qtbot.waitSignal(shown.pictureChosen, timeout=1000) as caught:
        qtbot.keyClick(grid, Qt.Key.Key_Return)
    np.testing.assert_allclose(caught.args[0], event.details["wrong_images"][2] / 255.0, atol=1e-6)


def test_a_pair_of_the_matrix_filters_the_pictures(shown, event, qtbot) -> None:
    """A click on a red cell shows that pair's pictures; a second click, or the link, all."""
    was, read = commonest(event)
    details, grid = event.details, shown.findChild(QWidget, "mistakes")
    pair = (details["wrong_labels"] == was) & (details["wrong_answers"] == read)
    link = shown.findChild(QPushButton, "allMistakes")
    cell = centre(shown.confusion, was * 10 + read)
    assert not link.isVisible()
    qtbot.mouseClick(shown.confusion, Qt.MouseButton.LeftButton, pos=cell)
    assert grid.count() == pair.sum() < len(pair)
    np.testing.assert_array_equal(grid.picture_at(0), details["wrong_images"][pair][0])
    with qtbot.waitSignal(shown.pictureChosen, timeout=1000) as caught:
        qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=centre(grid, 0))
    np.testing.assert_allclose(caught.args[0] * 255, details["wrong_images"][pair][0], atol=1e-3)
    qtbot.mouseClick(shown.confusion, Qt.MouseButton.LeftButton, pos=cell)
    assert grid.count() == len(pair)
    qtbot.mouseClick(shown.confusion, Qt.MouseButton.LeftButton, pos=cell)
    qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    assert grid.count() == len(pair) and not link.isVisible()


def test_a_right_answer_filters_nothing(shown, event, qtbot) -> None:
    """The diagonal has no mistakes to show."""
    grid = shown.findChild(QWidget, "mistakes")
    cell = centre(shown.confusion, 33)
    qtbot.mouseClick(shown.confusion, Qt.MouseButton.LeftButton, pos=cell)
    assert grid.count() == len(event.details["wrong_labels"])


def test_the_chosen_pair_survives_the_next_evaluation(shown, event, bundled, qtbot) -> None:
    """While it trains, the next evaluation keeps the pair that is looked into."""
    was, read = commonest(event)
    cell = centre(shown.confusion, was * 10 + read)
    qtbot.mouseClick(shown.confusion, Qt.MouseButton.LeftButton, pos=cell)
    shown.show_evaluation(event)
    assert shown.confusion.picked == was * 10 + read
    assert shown.findChild(QWidget, "mistakes").count() < len(event.details["wrong_labels"])


def test_without_mistakes_it_says_so(panel, digits, bundled) -> None:
    """A network that is right about everything has a sentence in place of pictures."""
    counts = np.eye(10, dtype=int) * 50
    none = {
        "confusion": counts,
        "wrong_images": np.zeros((0, 28, 28), np.uint8),
        "wrong_labels": np.zeros(0, int),
        "wrong_answers": np.zeros(0, int),
        "wrong_confidences": np.zeros(0),
    }
    panel.show_evaluation(Evaluated(1, 1.0, {}, none))
    QApplication.processEvents()
    assert panel.about.text() == NONE_WRONG
    assert not panel.mistakes.isVisible()


def test_a_network_that_knows_nothing_is_shown_too(panel, digits, bundled) -> None:
    """Untrained weights of zero say one digit to everything; the panel shows it unmoved."""
    recipe = DigitsRecipe(model="mlp", hidden=(), init="zeros", batch_norm=False)
    model = build(recipe)
    with torch.no_grad():
        numbers, details = digits.validate(model, bundled, recipe)
    panel.show_evaluation(Evaluated(0, 0.0, numbers, details))
    QApplication.processEvents()
    assert panel.sentence.text().startswith("10.0 % of 500")
    assert panel.confusion.describe(10) == "1 predicted as 0: 50 times"
    assert not panel.grab().isNull()


def test_the_theme_reaches_the_matrix(shown, qapp) -> None:
    """After a change of theme the matrix is painted in the new colours."""
    inside = shown.confusion.rect_of(33).topLeft().toPoint() + QPoint(5, 5)
    light = shown.grab().toImage().pixelColor(shown.confusion.mapTo(shown, inside))
    try:
        theme.apply(qapp, "dark")
        QApplication.processEvents()
        dark = shown.grab().toImage().pixelColor(shown.confusion.mapTo(shown, inside))
    finally:
        theme.apply(qapp, "light")
    assert light.lightness() > 180 > 110 > dark.lightness()
