"""The points page in a real window: it trains, shows its field, its units, and what is drawn."""

import re
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from core.playgrounds.points.recipe import RECIPES
from core.runs.run_info import read_run_info
from core.telemetry.events import Finished, Stopped
from core.training import trainer
from core.training.checkpoint import load_checkpoint
from gui.points.plane import Plane
from gui.points.unit_maps import UnitMaps

MOONS = RECIPES["moons"].replace({"steps": 120, "lr": 0.02})


def answer(points):
    """What the card says of the place that is pointed at."""
    return points.find("planeAnswer", QLabel).text()


def point_at(points, x, y):
    """Move the mouse to a place of the plane, from another: where it is already it moves not."""
    plane = points.find("pointsPlane", Plane)
    QTest.mouseMove(plane, plane.pixel_of(x - 0.5, y - 0.5).toPoint())
    QTest.mouseMove(plane, plane.pixel_of(x, y).toPoint())


def stroke(points, *places):
    """Drag the left button over places of the plane."""
    plane = points.find("pointsPlane", Plane)
    spots = [plane.pixel_of(x, y).toPoint() for x, y in places]
    QTest.mousePress(plane, Qt.MouseButton.LeftButton, pos=spots[0])
    for before, spot in pairwise(spots):
        for share in np.linspace(0, 1, 12)[1:]:
            x, y = (
                np.array(before.toTuple()) + share * np.array((spot - before).toTuple())
            ).tolist()
            QTest.mouseMove(plane, QPoint(round(x), round(y)))
    QTest.mouseRelease(plane, Qt.MouseButton.LeftButton, pos=spots[-1])


def test_the_field_is_live_while_it_trains(points):
    """One picture after another, of later and later steps; under the mouse stands the answer."""
    plane = points.find("pointsPlane", Plane)
    steps = []
    points.page.live.changed.connect(lambda field: steps.append(field.step))
    points.train(RECIPES["moons"].replace({"lr": 0.02}))
    points.until(lambda: plane.painted > 2 and len(set(steps)) > 2)
    assert steps == sorted(steps)
    point_at(points, 1.6, -0.4)
    sure = re.compile(r"x 1\.6.* blue (9|100)")  # a fast machine is at 100 % at once
    points.until(lambda: sure.match(answer(points)) is not None)
    points.stop()
    last = points.session.weights.step
    points.until(lambda: points.page.live.settled and steps[-1] == last)


def test_the_step_that_is_named_is_that_of_the_field(points, monkeypatch):
    """The copy of the weights comes seldom; the field is of the network in training itself."""
    monkeypatch.setattr(trainer, "LIVE", 60.0)
    steps, named = [], points.page.card.network
    points.page.live.changed.connect(lambda field: steps.append(field.step))
    points.train(RECIPES["moons"])
    points.until(lambda: bool(steps) and steps[-1] > points.session.weights.step)
    assert named.text() == f"In training, step {steps[-1]:,}"
    points.stop()
    points.until(lambda: named.text().startswith("Run points-mlp-"))


@pytest.mark.parametrize(
    ("recipe", "words"), [("blobs, linear", "▲ green"), ("surface", "value"), ("curve", "value")]
)
def test_each_kind_of_data_has_its_picture(points, recipe, words):
    """Three classes, values on the plane, values on a line."""
    points.learn(RECIPES[recipe].replace({"steps": 20}))
    point_at(points, 0.5, 0.5)
    points.until(lambda: words in answer(points))
    points.until(lambda: points.page.card.plane.painted > 0)
    assert points.page.learning.second.isHidden() is (RECIPES[recipe].classes == 0)
    assert points.page.card.title.text() == (
        "Decision boundary" if RECIPES[recipe].classes else "Prediction"
    )


def test_a_unit_is_shown_large(points):
    """A click on its map, and back by the button or a second click."""
    points.learn(MOONS)
    maps, card = points.find("unitMaps", UnitMaps), points.page.card
    points.until(lambda: maps.count() == 8 + 8 + 2)
    spot = maps.rect_of(maps.index_of("hidden.1", 3)).center().toPoint()
    QTest.mouseClick(maps, Qt.MouseButton.LeftButton, pos=spot)
    points.until(lambda: card._field.picked is not None)
    assert card.title.text() == "hidden.1, unit 3: activation"
    assert "hidden.1, unit 3" in maps.describe(maps.index_of("hidden.1", 3))
    point_at(points, 0.5, 0.5)
    assert "activation" in answer(points)
    points.click("showAnswer")
    points.until(lambda: card._field.picked is None)
    point_at(points, 0.5, 0.4)
    assert "blue" in answer(points)
    QTest.mouseClick(maps, Qt.MouseButton.LeftButton, pos=spot)
    QTest.mouseClick(maps, Qt.MouseButton.LeftButton, pos=spot)
    assert maps.picked is None


def test_another_data_set_is_shown_at_once(points):
    """Its points, without the answer of a network that knows others."""
    points.learn(MOONS)
    points.until(lambda: points.page.card._field is not None)
    points.page.recipe.choose("spirals")
    assert points.page.card._field is None and len(points.page.card.plane._points.train) == 420
    points.page.recipe.choose("moons")
    points.until(lambda: points.page.card._field is not None)


def test_points_are_drawn_erased_and_learned(points, drawings, runs):
    """Strokes of two colours; a run learns from them, keeps them, and its checkpoint has them."""
    points.click("drawPoints")
    assert points.session.recipe.dataset == "drawn" and points.session.data is None
    stroke(points, (-2, 1), (-1, -1))
    assert "some of each class" in points.find("drawnMessage", QLabel).text()
    points.click("drawBlue")
    stroke(points, (1, 1), (2, -1))
    rows = points.page._rows
    assert len(rows) >= 20 and {row[2] for row in rows} == {0.0, 1.0}
    assert list(drawings.iterdir()) == [points.session.data]
    points.click("erasePoints")
    stroke(points, (2, -1), (2, -1))
    assert 0 < len(points.page._rows) < len(rows)
    assert list(drawings.iterdir()) == [points.session.data]  # the one before was never used
    points.learn(points.session.recipe.replace({"steps": 40}), points.session.data)
    drawn = points.page._rows
    points.until(lambda: points.page.live.settled and points.page.card._field is not None)
    assert points.page.card._field.step == 40 and not points.find("drawnMessage", QLabel).text()
    assert load_checkpoint(points.session.file).vocabulary["drawn"] == drawn
    assert read_run_info(points.session.record).source == str(points.session.data)
    kept = points.session.data
    points.click("clearPoints")
    assert points.session.data is None and kept.is_file() and not points.page._rows
    points.session.open_checkpoint(points.session.file)
    points.until(lambda: points.page._rows == drawn)


def test_points_are_drawn_with_the_keyboard(points, drawings):
    """The arrow keys move a crosshair, Space sets a point."""
    points.click("drawPoints")
    plane = points.find("pointsPlane", Plane)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Space):
        QTest.keyClick(plane, key)
    assert points.page._rows == [[0.1, 0.1, 0.0]]


def test_without_points_no_run_begins(points, drawings):
    """A sentence says what to do."""
    ended = []
    points.session.ended.connect(ended.append)
    points.click("drawPoints")
    points.click("trainButton")
    points.until(lambda: bool(ended))
    assert "draw some of both classes" in ended[-1].sentence
    assert not isinstance(ended[-1], Finished | Stopped)


def test_what_was_drawn_comes_back(points, drawings):
    """At the next start, also where its file is gone; and no more than points."""
    page = points.page
    points.click("drawPoints")
    stroke(points, (-2, 1), (-1, -1))
    points.click("drawBlue")
    stroke(points, (1, 1), (2, -1))
    state, rows = page.save_state(), page._rows
    points.click("clearPoints")
    assert not list(drawings.iterdir())
    page.restore_state(state)
    assert page._rows == rows and points.session.data.is_file()
    problems = page.restore_state({**state, "drawn": [["x", 1, 2]]})
    assert any("last drawing" in problem for problem in problems) and not page._rows


def test_the_script_follows_the_data_set(points):
    """The code of the page is that of its settings."""
    points.click("showCode")
    source = points.find("codeSource")
    points.until(lambda: "angle, flip = math.pi" in source.toPlainText())
    points.page.recipe.choose("curve")
    points.until(lambda: "np.sin(2 * points)" in source.toPlainText())


@pytest.mark.parametrize(("recipe", "title"), [("moons", "loss (nats)"), ("curve", "loss")])
def test_the_loss_has_the_unit_of_the_recipe(points, recipe, title):
    """Nats where classes are learned; a squared error has none."""
    points.learn(RECIPES[recipe].replace({"steps": 20}))
    assert points.page.learning.loss.plot.y_title == title
