"""A digit is drawn and traced through the network."""

import pytest
import torch
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from core.playgrounds.digits.data import prepare
from core.telemetry.events import Weights
from gui.lessons.parts import layers, lookup, rows
from tests.gui.lessons.parts.hands import (
    CNN,
    LEFT,
    MLP,
    learn,
)


def test_without_a_network_the_parts_say_so(shelf):
    """No part is empty or puzzling before the first training."""
    part = shelf.show_part(layers.Part(shelf.context, {}))
    assert part.source.text() == "There is no network yet: train one on the Digits page."
    assert "no output to be summed" in shelf.show_part(rows.Part(shelf.context, {})).title.text()
    other = shelf.show_part(lookup.Part(shelf.context, {}))
    assert other.source.text() == "There is no network yet: train one on the Names page."


@pytest.mark.parametrize("recipe", [CNN, MLP], ids=["cnn", "mlp"])
def test_a_drawn_digit_goes_through_the_network_that_was_trained(shelf, recipe):
    """The logits are the network's own; another network, other layers."""
    part = shelf.show_part(layers.Part(shelf.context, {}))
    model = learn(shelf, "digits", recipe)
    shelf.until(lambda: "after 20 steps" in part.source.text())
    assert len(part.stages.buttons) == len(part.digit.stages)
    QTest.mouseClick(part.findChild(QWidget, "lessonClear"), LEFT)
    shelf.until(lambda: part.digit.picture is None)
    assert part.words.text() == layers.BLANK
    for y in (60, 100, 140, 180):
        QTest.mousePress(part.canvas, LEFT, pos=QPoint(118, y))
        QTest.mouseMove(part.canvas, QPoint(118, y + 30))
        QTest.mouseRelease(part.canvas, LEFT, pos=QPoint(118, y + 30))
    shelf.until(lambda: part.digit.picture is not None)
    with torch.no_grad():
        scores = model(prepare(torch.from_numpy(part.digit.picture)[None]))[0].numpy()
    assert part.digit.logits == pytest.approx(scores, abs=1e-5)


def test_other_weights_of_the_same_step_are_traced_anew(shelf):
    """As those that come once more at a run's end: they are told apart, not compared by number."""
    part = shelf.show_part(layers.Part(shelf.context, {}))
    learn(shelf, "digits", MLP)
    session = shelf.context.session("digits")
    part.digit.refresh()
    traced = part.digit._traced
    again = {name: array.copy() for name, array in session.weights.arrays.items()}
    session._update_replica(Weights(session.weights.step, again))
    part.digit.refresh()
    assert part.digit._traced[1] is session.weights is not traced[1]
