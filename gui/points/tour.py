"""The tour of the points page: spirals, a unit, three blobs, a curve, and points drawn by hand."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from gui.points.page import Page
from gui.points.plane import Plane
from gui.points.unit_maps import UnitMaps
from gui.session_state import State
from gui.tour import Guide, Point

SPIRALS, OTHERS = 400, 150  # steps
LEFT: list[Point] = [(0.2, 0.2), (0.35, 0.5), (0.2, 0.8)]
RIGHT: list[Point] = [(0.75, 0.25), (0.6, 0.55), (0.8, 0.75)]


def play(guide: Guide) -> None:
    """Play the page's part."""
    page = guide.find(Page, "pagePoints")
    session, plane = page.session, guide.find(Plane, "pointsPlane")
    guide.wait("the starter is loaded", lambda: session.state is State.READY)
    _point_at(guide, plane, 1.6, -0.4)
    answer = guide.find(QLabel, "planeAnswer")
    guide.wait("the answer under the mouse is written", lambda: "blue" in answer.text())
    guide.say(f"the shipped network's answer: {answer.text()}")

    guide.show_block("hidden.1")
    guide.turn_to("pointsTabs", "Units")
    painted = plane.painted
    guide.train("spirals", SPIRALS)
    guide.finish()
    guide.wait("the boundary has changed", lambda: plane.painted > painted)
    accuracy = session.history.evaluations["val_accuracy"].y[-1]
    guide.expect(f"spirals: accuracy {accuracy:.1%} after {SPIRALS} steps", accuracy > 0.8)
    guide.wait("the last boundary is shown", lambda: page.live.settled)
    guide.look("points")
    _representations(guide, page)
    maps = guide.find(UnitMaps, "unitMaps")
    spot = maps.rect_of(maps.index_of("hidden.1", 3)).center().toPoint()
    QTest.mouseClick(maps, Qt.MouseButton.LeftButton, pos=spot)
    guide.wait("a unit is large", lambda: "activation" in answer.text())
    guide.wait("it is shown", lambda: page.live.settled)
    guide.look("points-unit")
    spot = maps.rect_of(maps.index_of("hidden.0", 0)).center().toPoint()
    QTest.mouseClick(maps, Qt.MouseButton.LeftButton, pos=spot)
    guide.click("muteUnit_maps")
    guide.tell_cost()
    guide.click("showAnswer")
    guide.wait("the boundary without it is shown", lambda: page.live.settled)
    guide.look("points-muted")
    guide.click("resetInterventions")

    for recipe in ("blobs, linear", "curve"):
        guide.train(recipe, OTHERS)
        guide.finish()
        guide.say(f"{recipe}: validation loss {session.history.evaluations['val_loss'].y[-1]:.3f}")
    guide.look("points-curve")
    _draw(guide, page)


def _draw(guide: Guide, page: Page) -> None:
    """Draw two classes, and train on them."""
    guide.click("drawPoints")
    for name, strokes in (("drawOrange", LEFT), ("drawBlue", RIGHT)):
        guide.click(name)
        guide.stroke("pointsPlane", strokes)
    count = len(page.save_state()["drawn"])
    guide.expect(f"{count} points are drawn", count > 20)
    guide.set_number("setting_steps", OTHERS)
    guide.click("trainButton")
    guide.wait("the run begins", lambda: page.session.state.running)
    guide.finish()
    accuracy = page.session.history.evaluations["val_accuracy"].y[-1]
    guide.expect(f"drawn points: accuracy {accuracy:.1%}", accuracy > 0.8)
    guide.wait("the boundary is shown", lambda: page.live.settled)
    guide.look("points-drawn")


def _point_at(guide: Guide, plane: Plane, x: float, y: float) -> None:
    """Move the mouse to a place of the plane."""
    for away in (QPoint(8, 8), QPoint(0, 0)):
        QTest.mouseMove(plane, plane.pixel_of(x, y).toPoint() + away)
    guide.rest(20)


def _representations(guide: Guide, page: Page) -> None:
    """Look at the spirals in the last hidden layer."""
    guide.turn_to("pointsTabs", "PCA")
    card = page.representation
    guide.wait("the points are in the plane", lambda: card.scatter.count() > 0)
    guide.look("points-pca")
    guide.turn_to("pointsTabs", "Units")
