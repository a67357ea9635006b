"""A run on names by its buttons, a range test by its button, and files that are opened."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QWidget

from core.playgrounds.names.recipe import NamesRecipe
from core.training.checkpoint import load_checkpoint
from gui.session_state import State


def click(naming, name):
    """Click a button of the page."""
    QTest.mouseClick(naming.page.findChild(QWidget, name), Qt.MouseButton.LeftButton)


def test_pause_step_and_stop(quick, letters_recipe):
    """Pause stands still, Step does one step and the bars follow it, Stop keeps the network."""
    quick.train(letters_recipe)
    click(quick, "pauseButton")
    quick.until(lambda: quick.session.state is State.PAUSED)
    pause = quick.find("pauseButton", QPushButton)
    assert pause.text() == pause.accessibleName() == "Resume" and pause.shortcut() == "F6"
    stood, bars = quick.session.history.loss.x[-1], quick.page.names.bars
    before = bars._shares.copy()
    click(quick, "stepButton")
    quick.until(lambda: quick.session.history.loss.x[-1] == stood + 1)
    quick.until(lambda: (bars._shares != before).any())
    click(quick, "stopButton")
    quick.ready()
    kept = Path(quick.page.comparison.files["mlp"])
    assert load_checkpoint(kept).about["steps"] == stood + 1
    assert load_checkpoint(kept).vocabulary == quick.session.info.vocabulary


def test_a_copy_keeps_its_weights(quick, letters_recipe):
    """What is put on the shelf stays as it was while the present network learns on."""
    import torch

    quick.train(letters_recipe)
    copy = quick.session.copy_replica()
    before = {key: value.clone() for key, value in copy.model.state_dict().items()}
    step = quick.session.weights.step
    quick.until(lambda: quick.session.weights.step > step + 50)
    now = quick.session.replica.model.state_dict()
    after = copy.model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert any(not torch.equal(now[key], after[key]) for key in before)
    quick.stop()


def test_a_range_test_leaves_the_network_alone(quick, letters_recipe):
    """Names, network and curve stay while rates are tried; points are there before it ends."""
    names, player = quick.page.names.names, quick.session.replica
    quick.until(lambda: names.count() == 20)
    before = [names.item(row).text() for row in range(20)]
    quick.session.recipe = letters_recipe
    quick.turn_to("LR test")
    seen = []
    quick.session.range_tested.connect(lambda event: seen.append(len(event.rates)))
    click(quick, "sweepButton")
    assert quick.session.state is State.RANGE_TEST
    assert not quick.page.findChild(QWidget, "sweepButton").isEnabled()
    assert not quick.page.findChild(QWidget, "trainButton").isEnabled()
    quick.ready()
    assert seen == sorted(seen) and seen[-1] > 100
    assert quick.session.replica is player and quick.session.info.model == "mlp"
    assert [names.item(row).text() for row in range(20)] == before
    assert "take" in quick.page.findChild(QLabel, "sweepSentence").text()


def test_a_range_test_of_what_has_no_rate(quick, towns):
    """Counting has no learning rate; a range test of it ends with a word, and nothing to take."""
    quick.session.recipe, quick.session.data = NamesRecipe(model="bigram-count"), towns
    quick.turn_to("LR test")
    click(quick, "sweepButton")
    assert quick.session.state is State.RANGE_TEST
    quick.ready()
    words = quick.page.findChild(QLabel, "sweepSentence").text()
    assert words.strip() or quick.page.findChild(QLabel, "runMessage").text().strip()
    assert not quick.page.findChild(QWidget, "useRate").isEnabled()


def test_a_range_test_of_an_impossible_recipe_says_why(quick):
    """A button that does nothing is a riddle: the sentence of the recipe is told."""
    line = quick.page.findChild(QLineEdit, "setting_lr")
    line.setText("fast")
    line.editingFinished.emit()
    quick.turn_to("LR test")
    click(quick, "sweepButton")
    assert quick.session.state is State.READY
    message = quick.page.findChild(QLabel, "runMessage")
    assert "lr=fast" in message.text()
    line.setText("0.01")
    line.editingFinished.emit()
    assert not message.text().strip(), "a complaint goes with what it is about"


def test_a_range_test_can_be_stopped(quick, letters_recipe):
    """Stop ends a range test too: a large network would keep a person waiting for minutes."""
    quick.session.recipe = letters_recipe
    quick.session.range_test(100_000)
    stop = quick.page.findChild(QWidget, "stopButton")
    enabled = stop.isEnabled()
    QTest.mouseClick(stop, Qt.MouseButton.LeftButton)
    if not enabled:
        quick.session.stop()
    quick.ready()
    assert enabled


@pytest.mark.parametrize("when", ["paused", "judging"])
def test_the_window_closes_during_a_run(quick, letters_recipe, when, runs):
    """Whatever it is at, the thread ends and the network is kept."""
    quick.train(letters_recipe)
    if when == "paused":
        click(quick, "pauseButton")
        quick.until(lambda: quick.session.state is State.PAUSED)
    elif when == "judging":
        click(quick, "stopButton")
    quick.window.close()
    assert not quick.window.worker.isRunning()
    assert len(list(runs.glob("*/last.safetensors"))) == 1
