"""The network is trained by typed gradients, and its curve lies on autograd's."""

import numpy as np
from PySide6.QtTest import QTest

from core.lessons.backprop.steps import CLOSED, STEPS
from gui.background_job import Stage
from gui.lessons.parts import backprop_training
from gui.lessons.parts.backprop_training import Part
from tests.gui.lessons.parts.hands import LEFT


def test_it_waits_for_all_gradients_then_trains(shelf, monkeypatch):
    """Whose gradients are used is said; so is how far the curves are apart."""
    monkeypatch.setattr(backprop_training.jobs, "typed_training", _short)
    part = shelf.show_part(Part(shelf.context, {}))
    shelf.until(lambda: part.progress.dojo is not None)
    assert not part.start.isEnabled() and "26 gradients are still missing" in part.words.text()
    for step in (*STEPS[:-1], *CLOSED):
        part.progress.check(step, step.answer)
    assert "1 gradient is still missing" in part.words.text()
    for _ in range(3):
        part.progress.take_hint(STEPS[-1])
    part.progress.show_answer(STEPS[-1])
    assert part.words.text() == (
        "13 gradients are used, with both closed forms; 12 of them you have solved yourself."
    )
    QTest.mouseClick(part.start, LEFT)
    shelf.until(lambda: part.job.stage is Stage.IDLE and bool(part.apart.text()))
    assert "After 40 steps the curves lie on each other" in part.apart.text()
    typed, autograd = (
        next(line for line in part.chart.lines if line.name == name)
        for name in (backprop_training.TYPED, backprop_training.AUTOGRAD)
    )
    np.testing.assert_allclose(typed.y, autograd.y, rtol=1e-9)
    assert len(typed.x) == 40 and part.start.isEnabled()


def test_the_code_has_what_is_typed(shelf):
    """From the first gradient on: what is missing is autograd's, what is new is marked."""
    part = shelf.show_part(Part(shelf.context, {}))
    shelf.until(lambda: part.progress.dojo is not None)
    QTest.mouseClick(part.code.button, LEFT)
    assert part.code.isVisible() and "0 of its gradients are yours" in part.code.caption.text()
    assert "# The backward pass, by hand" not in part.code.script
    part.progress.check(STEPS[0], STEPS[0].answer)
    assert f"dlogprobs = {STEPS[0].answer}" in part.code.script
    marked = [part.code.script.splitlines()[row] for row in part.code.source.marked_lines()]
    assert f"        dlogprobs = {STEPS[0].answer}" in marked
    for step in STEPS[1:]:
        part.progress.check(step, step.answer)
    assert "Its backward pass is yours" in part.code.caption.text()
    assert "Not solved yet" not in part.code.script
    QTest.mouseClick(part.code.button, LEFT)
    assert not part.code.isVisible()


def _short(programs, control, report):
    from core.lessons.backprop.training import train

    return train(programs, control, 40)
