"""The comparison on the names page: model after model, and every way in which it may end."""

import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QProgressBar, QWidget

from core.model_comparison import ComparedModel
from core.playgrounds.names.recipe import NamesRecipe
from core.telemetry.events import Finished
from core.training.checkpoint import load_checkpoint
from gui.session_state import State
from gui.widgets.model_comparison.run import ComparisonRun

COUNTED = NamesRecipe(model="bigram-count")


@pytest.fixture
def pages():
    """The page that is used here."""
    return ("names",)


def compared(model):
    """A model of a small comparison, its recipe named as its model."""
    return ComparedModel(model, "an idea", {"tuned": model}, None, "nowhere")


@pytest.fixture
def small(quick, sixty):
    """Make a comparison of two quick models, or of those given by name."""

    def make(**recipes):
        recipes = recipes or {"bigram-count": COUNTED, "mlp": sixty}

        def take(name):
            quick.session.recipe = recipes[name]

        comparison = ComparisonRun(quick.session, [compared(model) for model in recipes], take)
        comparison.told = []
        comparison.progressed.connect(lambda *what: comparison.told.append(what))
        return comparison

    return make


def button(naming, name):
    """Click a button of the page."""
    QTest.mouseClick(naming.page.findChild(QWidget, name), Qt.MouseButton.LeftButton)


def double_click(table, model):
    """Double-click a row of the comparison."""
    place = table.row_rect(table.row_of(model)).center().toPoint()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_models_follow_one_another(quick, small):
    """Each is trained in turn, the share of the whole only grows, and ended comes once."""
    comparison, ended, models = small(), [], []
    comparison.ended.connect(lambda: ended.append(True))
    quick.session.started.connect(lambda event: models.append(event.model))
    comparison.start("tuned", 1)
    assert comparison.running
    quick.until(lambda: bool(ended))
    assert models == ["bigram-count", "mlp"] and not comparison.running
    shares = [share for _, share, _ in comparison.told]
    assert shares == sorted(shares) and shares[0] == 0.0 and 0.9 < shares[-1] <= 1.0
    assert comparison.told[-1][2] == "mlp, 2 of 2"
    quick.ready()
    assert len(ended) == 1 and set(quick.page.comparison_panel.table.results) == set(models)


def test_a_model_that_fails_ends_the_comparison(quick, small, letters_recipe):
    """The sentence of the failure stands on the page; no further model is begun."""
    wild = letters_recipe.replace({"lr": 10.0, "optimizer": "sgd", "activation": "relu"})
    comparison, models = (
        small(mlp=wild.replace({"gain": 10.0, "init": "normal"}), bigram=COUNTED),
        [],
    )
    quick.session.started.connect(lambda event: models.append(event.model))
    comparison.start("tuned", 20)
    quick.until(lambda: not comparison.running)
    quick.ready()
    assert models == ["mlp"]
    assert "The loss became" in quick.page.findChild(QLabel, "runMessage").text()


def test_the_runs_own_stop_ends_the_comparison_too(quick, small, letters_recipe):
    """A model may be paused and go on; Stop ends it, no other begins, and it has its result."""
    comparison = small(mlp=letters_recipe, bigram=COUNTED)
    comparison.start("tuned", 60)
    quick.until(lambda: len(quick.session.history.loss.x) > 0)
    button(quick, "pauseButton")
    quick.until(lambda: quick.session.state is State.PAUSED)
    told = len(comparison.told)
    comparison.start("tuned", 60)
    assert comparison.running and len(comparison.told) == told
    button(quick, "pauseButton")
    quick.until(lambda: quick.session.state is State.TRAINING)
    button(quick, "stopButton")
    quick.until(lambda: not comparison.running)
    quick.ready()
    assert set(quick.page.comparison_panel.table.results) == {"mlp"}
    assert "Stopped" in quick.page.findChild(QLabel, "runMessage").text()


def test_a_stop_between_two_models_is_heard(quick, small):
    """A model that has just ended, unheard yet, is followed by no other once Stop was pressed."""
    comparison, models = small(), []
    quick.session.started.connect(lambda event: models.append(event.model))
    comparison.start("tuned", 60)
    mailbox = quick.session._run._task.mailbox
    while not mailbox.closed:  # the thread ends the run; nothing of it is heard meanwhile
        time.sleep(0.01)
    comparison.stop()
    quick.until(lambda: "bigram-count" in quick.page.comparison_panel.table.results)
    went_on = comparison.running
    if went_on:
        quick.stop()
    assert not went_on and models == ["bigram-count"]


def test_the_comparison_begins_afresh(quick, small):
    """Start from the present network is for one's own run; models of other sizes begin anew."""
    quick.page.findChild(QComboBox, "startFrom").setCurrentIndex(1)
    comparison, endings = small(), []
    quick.session.ended.connect(endings.append)
    comparison.start("tuned", 1)
    quick.until(lambda: not comparison.running)
    quick.ready()
    assert [type(event) for event in endings] == [Finished, Finished], endings[0]


def test_a_row_is_played_with_by_a_double_click(quick, small):
    """Its own checkpoint comes back, whichever was trained last; a row without one stays mute."""
    quick.turn_to("Models")
    comparison, table = small(), quick.page.comparison_panel.table
    comparison.start("tuned", 1)
    quick.until(lambda: not comparison.running)
    quick.ready()
    double_click(table, "gru")
    assert quick.session.state is State.READY
    for model in ("bigram-count", "mlp"):
        double_click(table, model)
        quick.until(lambda model=model: quick.session.info.model == model)
        quick.ready()


def test_runs_within_one_second_keep_a_file_each(quick, small, runs, monkeypatch):
    """A counted table is done at once: the next run must not write over it."""
    monkeypatch.setattr(time, "strftime", lambda form: "20260101-000000")
    comparison, kept = small(), []
    quick.session.ended.connect(lambda event: kept.append(event.checkpoint))
    comparison.start("tuned", 1)
    quick.until(lambda: not comparison.running)
    quick.ready()
    assert len(set(kept)) == 2 and len(list(runs.glob("*/last.safetensors"))) == 2
    models = [load_checkpoint(Path(path)).recipe.model for path in kept]
    assert models == ["bigram-count", "mlp"]


def test_the_page_shows_where_the_comparison_is(quick):
    """The recipe box and the form follow the models; bar and words say how far it is."""
    quick.turn_to("Models")
    find = quick.page.findChild
    find(QWidget, "ladderLength").setValue(30)
    button(quick, "trainLadder")
    assert find(QComboBox, "recipeBox").currentText() == "counted bigram"
    quick.until(lambda: quick.page.comparison_panel.table.running == "bigram")
    assert find(QComboBox, "recipeBox").currentText() == "tuned bigram"
    assert find(QComboBox, "setting_model").currentText() == "bigram"
    bar = find(QProgressBar, "ladderProgress")
    quick.until(lambda: bar.isVisible() and bar.value() > 1000 // 7)
    assert find(QLabel, "ladderWords").text() == "bigram, 2 of 7"
    assert not find(QWidget, "trainLadder").isEnabled()
    button(quick, "stopLadder")
    quick.ready()
    assert not bar.isVisible() and find(QWidget, "trainLadder").isEnabled()
    assert quick.page.comparison_panel.table.running is None


def test_a_result_belongs_to_its_list(quick, small, towns):
    """Losses on two lists can't be compared: another list trained, the table begins anew."""
    comparison = small()
    comparison.start("tuned", 1)
    quick.until(lambda: not comparison.running)
    quick.ready()
    assert len(quick.page.comparison_panel.table.results) == 2
    quick.learn(quick.session.recipe, towns)
    assert set(quick.page.comparison_panel.table.results) == {"mlp"}
