"""Robustness on the digits page: measured, pointed at, compared; and digits as points."""

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton

from core.playgrounds.digits import robustness
from gui.digits.robustness_card import AXES
from gui.inputs import ComboBox
from tests.gui.conftest import QUICK, Program

SHORT = QUICK.replace({"steps": 30})


@pytest.fixture
def digits_page(qtbot, window):
    """The page with a small network, and no starter."""
    made = Program(qtbot, window, "digits")
    made.ready()
    made.learn(SHORT)
    return made


def measured(program):
    """Measure, and wait for all curves."""
    card = program.page.robustness
    program.click("measureRobustness")
    program.until(lambda: card._job.stage.running)
    program.until(lambda: not card._job.stage.running)
    return card


def test_curves_are_measured_and_compared(digits_page):
    """Three curves with their bands; then beside those of the network before."""
    program = digits_page
    program.turn_to("Robustness")
    card = measured(program)
    for key, chart in card.charts.items():
        (line,) = chart.lines
        assert len(line.x) == len(line.low) == len(card._measured[card._shown][key].amounts)
    words = program.find("robustnessWords", QLabel)
    assert "rotated by 40°" in words.text() and "95 % interval" in words.text()
    chart = card.charts["shift"]
    QTest.mouseMove(chart, chart.place(5, 0.5).toPoint())
    program.until(lambda: "shifted by 5 pixels" in words.text())
    assert card.pictures.count() == 10
    first = card._shown
    program.learn(SHORT.replace({"augment": "affine", "seed": 3}))
    assert card._shown == first  # the curves stay, and say whose they are
    program.turn_to("Robustness")
    measured(program)
    assert (
        card._shown != first and program.find("compareRobustness", ComboBox).currentData() == first
    )
    assert [len(chart.lines) for chart in card.charts.values()] == [2] * len(AXES)
    assert first in words.text()


def test_a_measurement_is_cancelled(digits_page, monkeypatch):
    """What was measured of it is dropped, and one can begin again."""
    program = digits_page
    slow = robustness.Distortion("rotation", tuple(float(n) for n in range(3000)))
    monkeypatch.setattr(robustness, "DISTORTIONS", (slow,))
    program.turn_to("Robustness")
    card, start = program.page.robustness, program.find("measureRobustness", QPushButton)
    program.click("measureRobustness")
    program.until(lambda: card.bar.value() > 0)
    assert start.text() == "Cancel" and card.bar.isVisible()
    program.click("measureRobustness")
    program.until(lambda: not card._job.stage.running)
    assert start.text() == "Measure" and not card._measured and not card.bar.isVisible()
    assert "stands here" in card.charts["noise"].hint


def test_a_digit_of_the_scatter_plot_goes_to_the_canvas(digits_page):
    """As the mistakes do; the wrong ones are ringed."""
    program = digits_page
    program.turn_to("PCA")
    card = program.page.representation
    program.until(lambda: card.scatter.count() == 500)
    answers, labels = card._answer.values["answers"], card._answer.values["labels"]
    assert (card._marks.wrong == (answers != labels)).all() and card._marks.wrong.any()
    assert not card.scatter.grab().isNull()
    card.scatter.chosen.emit(3)
    assert f"True: {labels[3]}" in card.scatter.describe(3)
    program.until(lambda: bool(program.find("digitAnswer", QLabel).text()))
