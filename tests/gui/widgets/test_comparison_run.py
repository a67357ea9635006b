"""The ladder on the names page: rung after rung, and every way in which it may end."""

import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QProgressBar, QWidget

from core.ladder import Rung
from core.playgrounds.names.recipe import NamesRecipe
from core.telemetry.events import Finished
from core.training.checkpoint import load_checkpoint
from gui.session_state import State
from gui.widgets.ladder_run import LadderRun

COUNTED = NamesRecipe(model="bigram-count")


def rung(model):
    """A step of a small ladder, its recipe named as its model."""
    return Rung(model, "an idea", {"tuned": model}, None, "nowhere")


@pytest.fixture
def small(quick, sixty):
    """Make a ladder of two quick rungs, or of those given by name."""

    def make(**recipes):
        recipes = recipes or {"bigram-count": COUNTED, "mlp": sixty}

        def take(name):
            quick.session.recipe = recipes[name]

        ladder = LadderRun(quick.session, [rung(model) for model in recipes], take)
        ladder.told = []
        ladder.progressed.connect(lambda *what: ladder.told.append(what))
        return ladder

    return make


def button(naming, name):
    """Click a button of the page."""
    QTest.mouseClick(naming.page.findChild(QWidget, name), Qt.MouseButton.LeftButton)


def double_click(table, model):
    """Double-click a row of the ladder."""
    place = table.row_rect(table.row_of(model)).center().toPoint()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_rungs_follow_one_another(quick, small):
    """Each is trained in turn, the share of the whole only grows, and ended comes once."""
    ladder, ended, models = small(), [], []
    ladder.ended.connect(lambda: ended.append(True))
    quick.session.started.connect(lambda event: models.append(event.model))
    ladder.start("tuned", 1)
    assert ladder.running
    quick.until(lambda: bool(ended))
    assert models == ["bigram-count", "mlp"] and not ladder.running
    shares = [share for _, share, _ in ladder.told]
    assert shares == sorted(shares) and shares[0] == 0.0 and 0.9 < shares[-1] <= 1.0
    assert ladder.told[-1][2] == "mlp, 2 of 2"
    quick.ready()
    assert len(ended) == 1 and set(quick.page.ladder.table.results) == set(models)


def test_a_rung_that_fails_ends_the_ladder(quick, small, letters_recipe):
    """The sentence of the failure stands on the page; no further rung is begun."""
    wild = letters_recipe.replace({"lr": 10.0, "optimizer": "sgd", "activation": "relu"})
    ladder, models = small(mlp=wild.replace({"gain": 10.0, "init": "normal"}), bigram=COUNTED), []
    quick.session.started.connect(lambda event: models.append(event.model))
    ladder.start("tuned", 20)
    quick.until(lambda: not ladder.running)
    quick.ready()
    assert models == ["mlp"]
    assert "The loss became" in quick.page.findChild(QLabel, "runMessage").text()


def test_the_runs_own_stop_ends_the_ladder_too(quick, small, letters_recipe):
    """A rung may be paused and go on; Stop ends it, no other begins, and it has its result."""
    ladder = small(mlp=letters_recipe, bigram=COUNTED)
    ladder.start("tuned", 60)
    quick.until(lambda: len(quick.session.history.loss.x) > 0)
    button(quick, "pauseButton")
    quick.until(lambda: quick.session.state is State.PAUSED)
    told = len(ladder.told)
    ladder.start("tuned", 60)
    assert ladder.running and len(ladder.told) == told
    button(quick, "pauseButton")
    quick.until(lambda: quick.session.state is State.TRAINING)
    button(quick, "stopButton")
    quick.until(lambda: not ladder.running)
    quick.ready()
    assert set(quick.page.ladder.table.results) == {"mlp"}
    assert "Stopped" in quick.page.findChild(QLabel, "runMessage").text()


def test_a_stop_between_two_rungs_is_heard(quick, small):
    """A rung that has just ended, unheard yet, is followed by no other once Stop was pressed."""
    ladder, models = small(), []
    quick.session.started.connect(lambda event: models.append(event.model))
    ladder.start("tuned", 60)
    mailbox = quick.session._run._task.mailbox
    while not mailbox.closed:  # the thread ends the rung; nothing of it is heard meanwhile
        time.sleep(0.01)
    ladder.stop()
    quick.until(lambda: "bigram-count" in quick.page.ladder.table.results)
    went_on = ladder.running
    if went_on:
        quick.stop()
    assert not went_on and models == ["bigram-count"]


def test_the_ladder_begins_afresh(quick, small):
    """Start from the present network is for one's own run; rungs of other sizes begin anew."""
    quick.page.findChild(QComboBox, "startFrom").setCurrentIndex(1)
    ladder, endings = small(), []
    quick.session.ended.connect(endings.append)
    ladder.start("tuned", 1)
    quick.until(lambda: not ladder.running)
    quick.ready()
    assert [type(event) for event in endings] == [Finished, Finished], endings[0]


def test_a_row_is_played_with_by_a_double_click(quick, small):
    """Its own checkpoint comes back, whichever was trained last; a row without one stays mute."""
    quick.page.tabs.setCurrentIndex(2)
    ladder, table = small(), quick.page.ladder.table
    ladder.start("tuned", 1)
    quick.until(lambda: not ladder.running)
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
    ladder, kept = small(), []
    quick.session.ended.connect(lambda event: kept.append(event.checkpoint))
    ladder.start("tuned", 1)
    quick.until(lambda: not ladder.running)
    quick.ready()
    assert len(set(kept)) == 2 and len(list(runs.glob("*/last.safetensors"))) == 2
    models = [load_checkpoint(Path(path)).recipe.model for path in kept]
    assert models == ["bigram-count", "mlp"]


def test_the_page_shows_where_the_ladder_is(quick):
    """The recipe box and the form follow the rungs; bar and words say how far it is."""
    quick.page.tabs.setCurrentIndex(2)
    find = quick.page.findChild
    find(QWidget, "ladderLength").setValue(30)
    button(quick, "trainLadder")
    assert find(QComboBox, "recipeBox").currentText() == "counted bigram"
    quick.until(lambda: quick.page.ladder.table.running == "bigram")
    assert find(QComboBox, "recipeBox").currentText() == "tuned bigram"
    assert find(QComboBox, "setting_model").currentText() == "bigram"
    bar = find(QProgressBar, "ladderProgress")
    quick.until(lambda: bar.isVisible() and bar.value() > 1000 // 7)
    assert find(QLabel, "ladderWords").text() == "bigram, 2 of 7"
    assert not find(QWidget, "trainLadder").isEnabled()
    button(quick, "stopLadder")
    quick.ready()
    assert not bar.isVisible() and find(QWidget, "trainLadder").isEnabled()
    assert quick.page.ladder.table.running is None


def test_a_result_belongs_to_its_list(quick, small, towns):
    """Losses on two lists can't be compared: another list trained, the table begins anew."""
    ladder = small()
    ladder.start("tuned", 1)
    quick.until(lambda: not ladder.running)
    quick.ready()
    assert len(quick.page.ladder.table.results) == 2
    quick.learn(quick.session.recipe, towns)
    assert set(quick.page.ladder.table.results) == {"mlp"}
