"""Hands on the network, on each page: a click on a unit, and all that the screen says changes."""

import json

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from safetensors.torch import save_file

from core.interventions import Intervention, Part
from core.layers import layers_of
from core.playgrounds.points.recipe import RECIPES
from core.playgrounds.text import inside
from core.telemetry.events import LayerView
from core.training import ablation
from core.training.checkpoint import load_checkpoint
from gui.points import page as points_page
from gui.session_state import State
from gui.widgets import ablation_asker
from gui.widgets.ablation_card import rise_in_words
from gui.widgets.intervention_strip import apart
from tests.core.playgrounds.text.foreign.reference import random_weights
from tests.gui.conftest import Program

LEFT = Qt.MouseButton.LeftButton
MOONS = RECIPES["moons"].replace({"steps": 150, "lr": 0.02})


@pytest.fixture
def pages(request):
    """The page that is tested, by the module's fixtures."""
    return request.param


def only(*names):
    """Build these pages alone."""
    return pytest.mark.parametrize("pages", [names], indirect=True)


def open_layer(program, name):
    """Open a layer, wait for its first view, and return its card."""
    learning = program.page.learning
    program.page.tabs.setCurrentWidget(learning)
    learning.open_layer(name)
    program.until(lambda: learning.layer.step.text() != "")
    return learning.layer.ablation


def click_unit(program, card, unit):
    """Click the bar of a unit."""
    program.until(lambda: not card.bars.rect_of_unit(unit).isEmpty())
    QTest.mouseClick(card.bars, LEFT, pos=card.bars.rect_of_unit(unit).center().toPoint())


def strip(program, name="interventionWords"):
    """What the strip says."""
    return program.find(name, QLabel).text()


@only("names")
def test_a_muted_unit_changes_letters_names_and_loss_and_comes_back(quick):
    """As hand-zeroed weights would have it; by a second click all is as it was."""
    session, panel = quick.session, quick.page.names
    quick.until(lambda: panel.names.count() > 0)
    player = quick.page._player(session.copy_replica())
    shares = player.next_letters("")
    names = [panel.names.item(row).text() for row in range(panel.names.count())]
    card = open_layer(quick, "hidden.0")
    assert not quick.page.strip.isVisible()
    for unit in (3, 5, 8):
        click_unit(quick, card, unit)
    layers_of(player.model)["output"].product.weight.data[:, [3, 5, 8]] = 0.0
    now = quick.page._player(session.replica).next_letters("")
    np.testing.assert_allclose(now, player.next_letters(""), atol=1e-6)
    assert abs(now - shares).max() > 1e-3
    quick.until(lambda: [panel.names.item(r).text() for r in range(panel.names.count())] != names)
    assert quick.page.strip.isVisible()
    assert strip(quick) == "3 interventions: hidden.0 units 3, 5, 8 muted"
    quick.until(lambda: "→" in strip(quick, "interventionCost"))
    assert strip(quick, "interventionCost").startswith("loss ")
    assert "nats on 500 validation examples" in strip(quick, "interventionCost")
    for unit in (3, 5):
        click_unit(quick, card, unit)
    assert strip(quick) == "1 intervention: hidden.0 unit 8 muted"
    quick.click("resetInterventions")
    assert session.interventions == () and not quick.page.strip.isVisible()
    assert (quick.page._player(session.replica).next_letters("") == shares).all()
    quick.until(lambda: [panel.names.item(r).text() for r in range(panel.names.count())] == names)


@only("names")
def test_a_unit_is_scaled_and_set_by_its_controls(quick):
    """By the slider, by a number, to its mean and to its value for what is typed."""
    session, page = quick.session, quick.page
    views = []
    session.layer_viewed.connect(views.append)
    card = open_layer(quick, "hidden.0")
    view: LayerView = views[-1]
    controls = card.controls
    controls.unit.setFocus()
    QTest.keyClick(controls.unit, Qt.Key.Key_Up)
    QTest.keyClick(controls.unit, Qt.Key.Key_Up)
    controls.factor.setValue(40)
    part = Part("hidden.0", 2)
    assert session.interventions == (Intervention(part, 2.0),)
    assert controls.times.text() == "× 2.00"
    quick.click("setUnitMean")
    assert session.interventions == (Intervention(part, 0.0, float(view.means[2])),)
    quick.click("setUnitShown")
    assert session.interventions == (Intervention(part, 0.0, float(view.shown[2])),)
    assert strip(quick).startswith("1 intervention: hidden.0 unit 2 set to ")
    controls.value.setValue(0.25)
    assert session.interventions == (Intervention(part, 0.0, 0.25),)
    quick.click("muteUnit")
    assert session.interventions == (Intervention(part),) and controls.mute.isChecked()
    quick.click("muteUnit")
    assert session.interventions == () and controls.times.text() == "× 1.00"
    QTest.keyClick(card.bars, Qt.Key.Key_Right)
    QTest.keyClick(card.bars, Qt.Key.Key_Space)
    assert len(session.interventions) == 1 and page.strip.isVisible()


@only("names")
def test_importance_is_shown_and_sorted(quick, monkeypatch):
    """What is short is measured without a click, also in slices; the button measures again."""
    monkeypatch.setattr(ablation, "SLICE", 0.0)  # a unit a question
    card = open_layer(quick, "hidden.0")
    assert card.controls.geometry().bottom() < card.bars.geometry().top()
    quick.until(lambda: len(card._rises) == 24)
    rises = dict(card._rises)
    assert card.measure.text() == "Measure again"
    quick.click("measureImportance")
    quick.until(lambda: card.measure.text() == "Stop")
    quick.until(lambda: card.measure.text() == "Measure again")
    assert card._rises == rises
    assert card._axis == "rise of the validation loss (nats)"
    assert "validation examples, at step 600" in card.words.text()
    card.order.setCurrentIndex(1)
    shown = [card.bars.unit_of(index) for index in range(card.bars.count())]
    assert [rises[unit] for unit in shown] == sorted(rises.values(), reverse=True)
    QTest.mouseClick(card.bars, LEFT, pos=card.bars.rect_of(0).center().toPoint())
    assert strip(quick) == f"1 intervention: hidden.0 unit {shown[0]} muted"


@only("names")
def test_what_takes_long_is_measured_by_a_click(quick, monkeypatch):
    """The first units show how long; the rest is measured by the button, which then stops it."""
    monkeypatch.setattr(ablation, "SLICE", 0.0)
    monkeypatch.setattr(ablation_asker, "SHORT", -1.0)
    card = open_layer(quick, "hidden.0")
    quick.until(lambda: "1 of 24 units; the rest takes" in card.words.text())
    assert card.measure.text() == "Measure all"
    quick.click("measureImportance")
    assert card.measure.text() == "Stop"
    quick.until(lambda: len(card._rises) == 24)
    assert card.measure.text() == "Measure again"


@only("names")
def test_pictures_select_units_and_show_which_are_muted(quick):
    """A click on a row of weights or a column of the dead-unit map."""
    card = open_layer(quick, "hidden.0")
    layer = quick.page.learning.layer
    for picture, unit in ((layer.weights.matrix, 6), (layer.alive.map, 9)):
        quick.until(lambda picture=picture: picture.count() > 0)
        middle = picture.rect_of_unit(unit).center().toPoint()
        QTest.mouseClick(picture, LEFT, pos=middle)
        assert card.unit == unit and quick.session.interventions == ()
    before = layer.weights.matrix.grab().toImage()
    click_unit(quick, card, 6)
    assert layer.weights.matrix.grab().toImage() != before


@only("names")
def test_they_stay_while_it_learns_and_go_with_the_network(quick, sixty, runs):
    """What is kept on disk is the network without them."""
    quick.train(sixty.replace({"steps": 0}))
    card = open_layer(quick, "hidden.0")
    assert quick.session.interventions == ()  # the run's network began without
    click_unit(quick, card, 0)
    step = quick.session.weights.step
    quick.until(lambda: quick.session.weights.step > step)
    quick.stop()
    assert quick.session.interventions == (Intervention(Part("hidden.0", 0)),)
    kept = load_checkpoint(quick.session.file).weights
    for name, array in quick.session.weights.arrays.items():
        np.testing.assert_array_equal(kept[name].numpy(), array)
    quick.session.open_starter()
    quick.until(lambda: quick.session.interventions == ())
    assert not quick.page.strip.isVisible()
    quick.ready()


@only("digits")
def test_the_prediction_of_a_drawing_changes(program):
    """And so do the activations that a later layer has for it."""
    page = program.page
    picture = np.zeros((28, 28), np.float32)
    picture[4:24, 13:16] = 1.0
    page.draw.show_picture(picture)
    answer = program.find("digitAnswer", QLabel)
    program.until(lambda: answer.text() != "")
    card = open_layer(program, "output")
    program.until(lambda: page.learning.layer.maps.bars.count() == 10)
    assert page.learning.layer.maps.isVisible()
    said = answer.text()
    click_unit(program, card, int(said))
    card.controls.value.setValue(-50.0)
    program.until(lambda: answer.text() != said)
    program.click("resetInterventions")
    program.until(lambda: answer.text() == said)


@only("points")
def test_the_boundary_and_the_maps_change(qtbot, window, tmp_path, monkeypatch):
    """A unit is muted where its map is, idle and while it is trained."""
    monkeypatch.setattr(points_page, "DRAWINGS", tmp_path / "points")
    points = Program(qtbot, window, "points")
    points.ready()
    points.learn(MOONS)
    fields = []
    page, maps = points.page, points.find("unitMaps")
    page.live.changed.connect(fields.append)
    points.until(lambda: maps.count() > 0 and page.live.settled)
    page.live.refresh()
    points.until(lambda: bool(fields))
    before = fields[-1].answers
    QTest.mouseClick(maps, LEFT, pos=maps.rect_of(0).center().toPoint())
    points.click("muteUnit_maps")
    points.until(lambda: not np.array_equal(fields[-1].answers, before))
    points.until(lambda: not fields[-1].units["hidden.0"][0].any())
    assert strip(points) == "1 intervention: hidden.0 unit 0 muted"
    points.until(lambda: "accuracy" in strip(points, "interventionCost"))
    points.click("resetInterventions")
    points.until(lambda: np.array_equal(fields[-1].answers, before))
    points.train(MOONS.replace({"steps": 0}))
    QTest.mouseClick(maps, LEFT, pos=maps.rect_of(1).center().toPoint())
    points.click("muteUnit_maps")
    count = len(fields)
    points.until(lambda: len(fields) > count + 3 and not fields[-1].units["hidden.0"][1].any())
    assert fields[-1].units["hidden.0"][0].any()
    points.stop()
    open_layer(points, "hidden.1")
    points.until(lambda: not points.page.learning.layer.maps.isVisible())  # nothing can be drawn


@pytest.fixture
def gpt2(qtbot, window, tmp_path, monkeypatch):
    """The text page with a tiny GPT-2 as Hugging Face has it."""
    monkeypatch.setattr(inside, "BUSY", 64)  # its vocabulary is as large as the real one's
    save_file(random_weights(), tmp_path / "model.safetensors")
    config = {"model_type": "gpt2", "n_head": 4, "n_layer": 2}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "lesson.txt").write_text("The cat sat on the mat, the dog on the log.\n" * 40)
    made = Program(qtbot, window, "text")
    made.ready()
    made.session.data = tmp_path / "lesson.txt"
    made.session.open_checkpoint(tmp_path / "model.safetensors")
    made.until(lambda: "val_loss" in made.session.history.evaluations)
    made.ready()
    return made


@only("text")
def test_an_opened_gpt2_writes_on_without_a_unit(gpt2):
    """The text is written anew from the same seed, and is the old one again at the end."""
    write = gpt2.page.write
    write.settings.length.setValue(12)
    gpt2.find("generateButton", QPushButton).click()
    gpt2.until(lambda: not write.writing.running)
    first = [(said.token, said.probability) for said in write.writing.said]
    card = open_layer(gpt2, "embedding")
    for unit in (0, 3, 7):
        click_unit(gpt2, card, unit)
    gpt2.until(lambda: not write.writing.running)
    changed = [(said.token, said.probability) for said in write.writing.said]
    assert len(changed) == 12 and changed != first
    gpt2.until(lambda: "→" in strip(gpt2, "interventionCost"))
    gpt2.click("resetInterventions")
    gpt2.until(lambda: not write.writing.running)
    assert [(said.token, said.probability) for said in write.writing.said] == first
    QTest.keyClicks(write.prompt, " and")
    write.prompt.setPlainText("the cat")
    gpt2.find("surprisalButton").click()
    gpt2.until(lambda: not write.writing.running)
    read = [said.probability for said in write.writing.said]
    click_unit(gpt2, card, 2)
    gpt2.until(lambda: not write.writing.running)
    assert [said.probability for said in write.writing.said] != read
    assert write.output.toPlainText() == "the cat"
    assert gpt2.session.state is State.READY and gpt2.find("interventionStrip", QWidget).isVisible()


@pytest.mark.parametrize(("rise", "words"), [(0.0213, "rises by 0.0213"), (-0.5, "falls by 0.5")])
def test_a_loss_that_is_lower_without_a_unit_falls(rise, words):
    """No rise below zero."""
    assert rise_in_words(rise) == f"without it the loss {words}"


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ((3.29, 3.291), ("3.290", "3.291")),
        ((0.121, 0.148), ("0.121", "0.148")),
        ((2.0, 2.0), ("2", "2")),
        ((2e-5, 12.5), ("2 × 10⁻⁵", "12.5")),
    ],
)
def test_two_losses_have_equally_many_places(losses, words):
    """As many as tell them apart."""
    assert apart(*losses) == words
