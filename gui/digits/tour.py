"""The tour of the digits page: draw, train, look inside, read the mistakes."""

import math
from functools import partial

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from gui.digits.page import Page
from gui.session_state import State
from gui.tour import Guide, Point
from gui.widgets.ablation_card import MEASURE
from gui.widgets.source_text import SourceText


def _arc(x: float, y: float, wide: float, high: float, start: float, end: float) -> list[Point]:
    """Part of an ellipse; angles in degrees, 0 to the right, growing downwards."""
    angles = [math.radians(start + (end - start) * i / 24) for i in range(25)]
    return [(x + wide * math.cos(a), y + high * math.sin(a)) for a in angles]


SEVEN: list[list[Point]] = [[(0.28, 0.24), (0.72, 0.24), (0.44, 0.8)]]
THREE: list[list[Point]] = [
    [*_arc(0.47, 0.35, 0.19, 0.15, 200, 450), *_arc(0.47, 0.65, 0.21, 0.16, 270, 520)]
]
FOUR: list[list[Point]] = [
    [(0.42, 0.2), (0.28, 0.55), (0.72, 0.55)],
    [(0.6, 0.3), (0.58, 0.82)],
]
MODERN, EZMNIST = 150, 300  # steps
BARRED_SEVEN: list[list[Point]] = [*SEVEN, [(0.4, 0.52), (0.66, 0.5)]]


def play(guide: Guide) -> None:
    """Play the page's part."""
    page = guide.find(Page, "pageDigits")
    session = page.session
    guide.wait("the starter is loaded", lambda: session.state is State.READY)
    for strokes, digit in ((SEVEN, "7"), (FOUR, "4"), (BARRED_SEVEN, "7"), (THREE, "3")):
        _draw(guide, strokes)
        guide.wait(f"{digit} is predicted", partial(_predicts, guide, digit))
        guide.say(f"a drawn {digit} is predicted as {digit}")
    guide.look("digits")
    _show_code(guide)
    guide.show_block("conv.1")
    guide.turn_to("digitsTabs", "Learning")

    _train(guide, page, "modern", MODERN)
    _draw(guide, FOUR)
    guide.click("pauseButton")
    guide.wait("it pauses", lambda: session.state is State.PAUSED)
    before = session.history.loss.x[-1]
    guide.click("stepButton")
    guide.wait("one step is done", lambda: session.history.loss.x[-1] == before + 1)
    guide.say("a single step is a single step")
    guide.look("digits-training")
    _open_layer(guide, page)
    guide.click("pauseButton")
    guide.finish()
    accuracy = session.history.evaluations["val_accuracy"].y[-1]
    guide.expect(f"validation accuracy {accuracy:.1%} after {MODERN} steps", accuracy > 0.5)

    guide.turn_to("digitsTabs", "Mistakes")
    guide.look("digits-mistakes")
    _representations(guide, page)
    _robustness(guide, page)
    guide.turn_to("digitsTabs", "Learning")

    _train(guide, page, "EZMNIST", EZMNIST)
    guide.finish()
    guide.look("digits-ezmnist")


def _predicts(guide: Guide, digit: str) -> bool:
    return _answer(guide) == digit


def _answer(guide: Guide) -> str:
    return guide.find(QLabel, "digitAnswer").text()


def _draw(guide: Guide, strokes: list[list[Point]]) -> None:
    if guide.find(QWidget, "clearButton").isEnabled():
        guide.click("clearButton")
    guide.wait("the canvas is empty", partial(_predicts, guide, ""))
    for points in strokes:
        guide.stroke("digitCanvas", points)


def _show_code(guide: Guide) -> None:
    """Show the code; change a setting and see the lines that it brings; undo that."""
    code = guide.find(SourceText, "codeSource")
    guide.click("showCode")
    guide.wait("the code is shown", lambda: "nn.Conv2d" in code.toPlainText())
    guide.set_number("setting_dropout", 0.3)
    guide.wait("its lines change", lambda: "nn.Dropout(0.3)" in code.toPlainText())
    words = guide.find(QLabel, "codeCaption").text()
    guide.expect(words, "line" in words and "Dropout" in words)
    guide.look("digits-code")
    guide.click("undoRecipe")
    guide.wait("the lines are gone", lambda: "nn.Dropout" not in code.toPlainText())
    guide.click("hideCode")
    guide.expect("the code is hidden again", not code.isVisible())


def _train(guide: Guide, page: Page, recipe: str, steps: int) -> None:
    guide.train(recipe, steps)
    layers = page.session.history.layers
    guide.wait("the layer table has a snapshot", lambda: len(layers) > 0)
    guide.expect(
        f"{recipe} trains, and {len(layers)} layers are in the layer table",
        page.learning.table.isVisible(),
    )


def _open_layer(guide: Guide, page: Page) -> None:
    guide.open_layer(0)
    panel = page.learning.layer
    words = guide.find(QLabel, "importanceWords")
    guide.wait("the first filters are measured", lambda: words.text() != "")
    if guide.find(QPushButton, "measureImportance").text() == MEASURE:
        guide.click("measureImportance")  # it would take longer than is spent without a click
    guide.wait("importance is measured", lambda: panel.ablation.measured)
    guide.look("digits-layer")
    guide.mute(1, 4)
    guide.look("digits-muted")
    guide.click("resetInterventions")
    guide.expect("nothing is muted any more", not page.session.interventions)
    guide.click("layerBack")
    guide.expect("a layer opens and closes", not panel.isVisible())


def _representations(guide: Guide, page: Page) -> None:
    """Look at the digits in the plane: the pixels, and the last hidden layer by t-SNE."""
    guide.turn_to("digitsTabs", "PCA")
    card = page.representation
    guide.wait("digits are in the plane", lambda: card.scatter.count() == 500)
    guide.click("representationTsne")
    guide.wait("t-SNE is computed", lambda: card.projected)
    QTest.mouseMove(card.scatter, card.scatter.rect_of(77).center().toPoint())
    words = guide.find(QLabel, "representationWords")
    guide.wait("a digit is pointed at", lambda: "True" in words.text())
    guide.look("digits-tsne")


def _robustness(guide: Guide, page: Page) -> None:
    """Measure the network; in the long tour, compare it with the shipped one."""
    guide.turn_to("digitsTabs", "Robustness")
    card = page.robustness
    guide.click("measureRobustness")
    guide.wait("it is measured", lambda: card.measures == 1 and not card.measuring)
    if guide.long:
        guide.choose("compareRobustness", "the shipped network")
        guide.wait("the shipped one is, too", lambda: card.measures == 2 and not card.measuring)
    words = guide.find(QLabel, "robustnessWords").text()
    guide.expect(words, "95 % interval" in words)
    guide.look("digits-robustness")
