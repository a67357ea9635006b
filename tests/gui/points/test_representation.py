"""The points as a layer has them: PCA follows the training, t-SNE comes when it is asked for."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QTabWidget

from core.playgrounds.points.recipe import RECIPES
from gui import background_job
from gui.inputs import ComboBox
from gui.widgets import representation_card

MOONS = RECIPES["moons"].replace({"lr": 0.02, "points": 60})


@pytest.fixture(autouse=True)
def look_often(monkeypatch):
    """Ask and draw at once, so that nothing is waited for."""
    monkeypatch.setattr(representation_card, "EVERY", 50)
    monkeypatch.setattr(representation_card, "REST", 0)
    monkeypatch.setattr(background_job, "SHARE", 1.0)


def look(points):
    """Turn to the tab."""
    points.turn_to("PCA")
    return points.page.representation


def words(points):
    """What stands below the plot."""
    return points.find("representationWords", QLabel).text()


def test_pca_follows_the_training(points):
    """The last hidden layer first, at later and later steps; hidden, nothing is asked."""
    card = look(points)
    points.train(MOONS)
    points.until(lambda: card.scatter.count() == 60)
    place = points.find("representationPlace", ComboBox)
    titles = [place.itemText(i) for i in range(place.count())]
    assert titles[0] == "input coordinates" and place.currentText() == titles[-2]
    assert "last hidden layer" in titles[-2] and "of the variance" in words(points)
    first = card._answer.step
    points.until(lambda: card._answer.step > first)
    points.find("pointsTabs", QTabWidget).setCurrentIndex(0)
    points.until(lambda: not card._waits)
    points.session.weights_changed.emit()
    assert not card._soon.isActive() and not card._waits
    points.stop()
    look(points)
    points.until(lambda: card._answer.step == points.session.weights.step)
    place.setCurrentIndex(0)
    points.until(lambda: "2 dimensions: they explain 100 %" in words(points))


def test_tsne_is_computed_when_it_is_asked_for(points):
    """At the choice, again at the button; it says what it can't say, and when it is old."""
    points.learn(MOONS.replace({"steps": 30}))
    card = look(points)
    points.until(lambda: card.scatter.count() == 60)
    points.click("representationTsne")
    points.until(lambda: not card.projecting and card._projected is not None)
    assert card.projected and "mean nothing" in words(points)
    assert "perplexity 19.7, the most for 60." in words(points)
    points.train(MOONS)
    points.until(lambda: not card.projecting and "has learned on since" in words(points))
    points.stop()
    before = card._projected
    points.click("representationCompute")
    points.until(lambda: card._projected is not before and card._projected is not None)
    points.until(lambda: not card.projecting)
    assert "since" not in words(points) and card._of == points.session.weights.step


def test_tsne_is_cancelled(points):
    """By the button, and by looking elsewhere."""
    points.learn(MOONS.replace({"steps": 5, "points": 1000}))
    card = look(points)
    points.until(lambda: card.scatter.count() == 1000)
    points.click("representationTsne")
    points.until(lambda: card.projecting and card._projected is not None)
    points.click("representationCompute")
    points.until(lambda: not card.projecting)
    assert not card._projected.done and "Cancelled at iteration" in words(points)
    points.click("representationCompute")
    points.until(lambda: card.projecting)
    points.find("pointsTabs", QTabWidget).setCurrentIndex(0)
    points.until(lambda: not card.projecting)


def test_a_point_says_what_it_is(points):
    """Under the mouse, and by the keys."""
    points.learn(MOONS.replace({"steps": 5}))
    card = look(points)
    points.until(lambda: card.scatter.count() == 60)
    QTest.mouseMove(card.scatter, card.scatter.rect_of(7).center().toPoint())
    points.until(lambda: words(points).startswith("The point at x "))
    QTest.mouseMove(card.scatter, card.scatter.rect().topLeft())
    points.until(lambda: "of the variance" in words(points))
    points.window.activateWindow()
    card.scatter.setFocus(Qt.FocusReason.TabFocusReason)
    points.until(card.scatter.hasFocus)
    QTest.keyClick(card.scatter, Qt.Key.Key_Right)
    assert words(points) == card.scatter.describe(1) == card.scatter.csv_rows()[2][2]


def test_a_diverged_network_says_so(points):
    """NaN has no place in a plane."""
    points.learn(MOONS.replace({"steps": 5}))
    weights = points.session.weights
    arrays = {name: np.full_like(array, np.nan) for name, array in weights.arrays.items()}
    points.session._update_replica(type(weights)(6, arrays))
    card = look(points)
    points.until(lambda: "NaN" in card.scatter.accessibleDescription())
    points.click("representationTsne")
    points.until(lambda: not card.projecting and "NaN" in card.scatter.accessibleDescription())
