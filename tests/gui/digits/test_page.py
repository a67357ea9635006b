"""The digits page, used as a person uses it."""

import threading

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QWidget

from core.playgrounds.digits.recipe import RECIPES
from core.training.checkpoint import load_checkpoint
from gui import jobs
from gui.session_state import State
from gui.widgets import recipe_card
from gui.widgets.curve_card import LossCard
from tests.gui.conftest import QUICK

NAMES = (
    "digitCanvas clearButton digitAnswer digitBars trainButton pauseButton stepButton stopButton"
    " lossPlot layerWall pageDigits"
)


def draw(program, *strokes):
    """Draw strokes of points from 0 to 1 with the pressed mouse."""
    canvas = program.page.findChild(QWidget, "digitCanvas")
    for stroke in strokes:
        points = [QPoint(round(x * canvas.width()), round(y * canvas.height())) for x, y in stroke]
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=points[0])
        for point in points[1:]:
            QTest.mouseMove(canvas, point)
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=points[-1])


def answer(program):
    """The digit that stands beside the canvas."""
    return program.page.findChild(QLabel, "digitAnswer").text()


SEVEN = [(0.28, 0.24), (0.5, 0.24), (0.72, 0.24), (0.58, 0.52), (0.44, 0.8)]
ONE = [(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)]


def test_the_names_that_others_rely_on_are_there(program):
    """Each promised objectName belongs to a widget, with words for a screen reader."""
    for name in NAMES.split():
        page = program.page if program.page.objectName() == name else None
        found = page or program.page.findChild(QWidget, name)
        assert found is not None, name
        if name.endswith("Button"):
            assert found.accessibleName() and found.toolTip(), name


def test_a_newcomer_draws_and_is_answered(program):
    """Nothing was trained here, and the shipped starter reads at once; empty is empty."""
    assert answer(program) == ""
    draw(program, SEVEN)
    program.until(lambda: answer(program) == "7")
    QTest.mouseClick(program.page.findChild(QWidget, "clearButton"), Qt.MouseButton.LeftButton)
    program.until(lambda: answer(program) == "")
    draw(program, ONE)
    program.until(lambda: answer(program) == "1")


def test_training_by_a_click_learns_shows_and_is_kept(program, runs):
    """Train, watch, wait: the curve falls, the wall fills, the checkpoint lies there."""
    program.learn(QUICK.replace({"steps": 300}))
    assert len(program.session.history.layers) == 2
    history = program.session.history
    assert history.loss.y[-1] < 0.5 * history.loss.y[0]
    assert history.evaluations["val_accuracy"].y[-1] > 0.75
    words = program.page.findChild(LossCard).title.toolTip()
    assert "The training loss is with label smoothing, the validation loss without" in words
    kept = list(runs.glob("*/last.safetensors"))
    assert len(kept) == 1 and load_checkpoint(kept[0]).about["steps"] == history.loss.x[-1]
    assert kept[0].parent.name in program.page.findChild(QLabel, "runMessage").text()
    program.turn_to("Mistakes")
    mistakes = program.page.evaluation
    assert "validation" in mistakes.findChild(QLabel, "evaluationSentence").text()


def test_pause_step_and_stop(program):
    """Pause stands still, Step does one step, Stop ends: each by its button."""
    find = program.page.findChild
    program.train()
    QTest.mouseClick(find(QWidget, "pauseButton"), Qt.MouseButton.LeftButton)
    program.until(lambda: program.session.state is State.PAUSED)
    stood = program.session.history.loss.x[-1]
    program.qtbot.wait(300)
    assert program.session.history.loss.x[-1] == stood
    for more in (1, 2):
        QTest.mouseClick(find(QWidget, "stepButton"), Qt.MouseButton.LeftButton)
        program.until(lambda more=more: program.session.history.loss.x[-1] == stood + more)
    QTest.mouseClick(find(QWidget, "pauseButton"), Qt.MouseButton.LeftButton)
    program.until(lambda: program.session.history.loss.x[-1] > stood + 5)
    QTest.mouseClick(find(QWidget, "stopButton"), Qt.MouseButton.LeftButton)
    program.ready()
    assert "Stopped at step" in find(QLabel, "runMessage").text()


def test_step_from_rest_begins_a_run_with_one_step(program):
    """Before anything runs, Step starts a run that stands after its first step."""
    program.session.recipe = RECIPES["plain mlp"]
    QTest.mouseClick(program.page.findChild(QWidget, "stepButton"), Qt.MouseButton.LeftButton)
    program.until(lambda: program.session.state is State.PAUSED)
    program.until(lambda: len(program.session.history.loss.x) == 1)
    program.stop()


def test_the_learning_rate_is_changed_live(program, monkeypatch):
    """What is typed while it trains is what the next steps use; the run has its memory."""
    recipe = program.session.recipe.replace({"model": "mlp", "schedule": "constant"})
    rates = []
    program.session.metrics_added.connect(lambda m: rates.append(m.learning_rate))
    program.train(recipe)
    monkeypatch.setattr(recipe_card, "free_memory", lambda: 0)
    box = program.page.findChild(QLineEdit, "setting_lr")
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "0.0002")
    QTest.keyClick(box, Qt.Key.Key_Return)
    program.until(lambda: rates[-1] == pytest.approx(0.0002))
    assert not program.page.findChild(QLabel, "recipeProblem").isVisibleTo(program.window)
    assert not program.page.findChild(QWidget, "setting_batch_size").isEnabled()
    program.stop()


def test_an_impossible_setting_is_explained_and_not_taken(program):
    """A sentence says what is possible, moves no field, and goes with the mistake."""
    box = program.page.findChild(QLineEdit, "setting_lr")
    before, place = program.session.recipe, box.mapTo(program.window, box.pos())
    box.setText("fast")
    box.editingFinished.emit()
    problem = program.page.findChild(QLabel, "recipeProblem")
    assert problem.isVisibleTo(program.window) and "lr=fast is not possible" in problem.text()
    assert "“Learning rate” is a number" in problem.text()
    assert program.session.recipe == before
    program.window.grab()  # laid out anew
    assert box.mapTo(program.window, box.pos()) == place
    box.setText("0.002")
    box.editingFinished.emit()
    assert not problem.isVisibleTo(program.window) and program.session.recipe.lr == 0.002


def test_what_would_not_fit_into_memory_is_said_while_it_is_typed(program, monkeypatch):
    """With what to lower; the run itself asks again before it begins."""
    from core.training import memory

    monkeypatch.setattr(recipe_card, "free_memory", lambda: 1_200_000_000)
    monkeypatch.setattr(memory, "free_memory", lambda device: 1_200_000_000)
    problem = program.page.findChild(QLabel, "recipeProblem")
    box = program.page.findChild(QLineEdit, "setting_batch_size")
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "8192")
    assert "lower it to batch_size=" in problem.text() and problem.isVisibleTo(program.window)
    QTest.keyClick(box, Qt.Key.Key_Backspace)
    assert not problem.isVisibleTo(program.window)
    QTest.keyClick(box, Qt.Key.Key_2)
    QTest.keyClick(box, Qt.Key.Key_Return)
    program.page.run_bar.transport.train.click()
    said = program.page.run_bar.message
    program.until(lambda: "would take about" in said.text())
    assert said.text() == problem.text()  # both count the pictures that there are
    program.ready()


def test_a_recipe_is_chosen_by_name_and_changed_by_hand(program):
    """EZMNIST fills the form; one change and it is called changed."""
    box = program.page.findChild(QComboBox, "recipeBox")
    box.setCurrentText("EZMNIST")
    box.textActivated.emit("EZMNIST")
    assert program.session.recipe == RECIPES["EZMNIST"]
    assert program.page.findChild(QLineEdit, "setting_hidden").text() == "100 70"
    line = program.page.findChild(QLineEdit, "setting_hidden")
    line.setText("64")
    line.editingFinished.emit()
    assert program.session.recipe.hidden == (64,) and box.currentText() == "changed"


def test_drawing_while_it_trains_asks_the_newest_weights(program):
    """The answer changes under the same drawing as the network learns."""
    draw(program, SEVEN)
    program.train()
    seen = set()

    def learned():
        seen.add(tuple(np.round(program.page.draw.bars._shares, 4)))
        return len(seen) > 3

    program.until(learned)
    program.until(lambda: answer(program) == "7")
    program.stop()


def test_a_layer_opens_from_the_wall_and_shows_the_drawing(program):
    """A click on a row opens it, with weights, what its units look for, and maps of the ink."""
    draw(program, SEVEN)
    program.train()
    wall = program.page.learning.table
    QTest.mouseClick(wall, Qt.MouseButton.LeftButton, pos=wall.row_rect(0).center())
    views = []
    program.session.layer_viewed.connect(views.append)
    program.until(lambda: any(len(view.maps) for view in views))
    view = next(view for view in views if len(view.maps))
    assert view.weights.shape == (32, 784) and view.seeks.shape == (32, 28, 28)
    assert program.page.learning.layer.isVisible()
    QTest.mouseClick(program.page.findChild(QWidget, "layerBack"), Qt.MouseButton.LeftButton)
    assert wall.isVisible()
    program.stop()


def test_a_mistake_goes_to_the_canvas(program):
    """Clicking a wrong one puts its picture on the canvas, to be read and changed."""
    picture = np.zeros((28, 28), np.float32)
    picture[4:24, 13:15] = 1.0
    program.page.evaluation.pictureChosen.emit(picture)
    program.until(lambda: answer(program) == "1")


def test_a_run_that_fails_says_why(program):
    """A loss that blows up ends in a sentence on the page, and one can go on playing."""
    recipe = RECIPES["EZMNIST"].replace({"lr": 100, "activation": "relu", "output": "linear"})
    program.session.recipe = recipe
    program.page.run_bar.transport.train.click()
    message = program.page.findChild(QLabel, "runMessage")
    program.until(lambda: "The loss became" in message.text())
    assert message.property("role") == "fault" and program.session.state is State.READY


def test_a_foreign_checkpoint_is_refused_and_the_old_network_stays(program, tmp_path):
    """A file that is none gives a sentence; the canvas is read as before."""
    bad = tmp_path / "bad.safetensors"
    bad.write_text("no")
    program.session.open_checkpoint(bad)
    message = program.page.findChild(QLabel, "runMessage")
    program.until(lambda: "damaged or no checkpoint" in message.text())
    draw(program, SEVEN)
    program.until(lambda: answer(program) == "7")


def test_going_on_from_the_present_network(program):
    """Start from the present network: the next run begins where the last one ended."""
    program.learn(QUICK.replace({"steps": 20}))
    last = program.session.history.loss.x[-1]
    program.page.findChild(QComboBox, "startFrom").setCurrentText("The present network")
    program.train()
    assert program.session.history.loss.x[0] == last + 1
    program.stop()


def test_late_news_of_the_opened_network_is_not_of_the_run_that_has_begun(program, monkeypatch):
    """What an opened checkpoint has still to tell is dropped as soon as a run begins."""
    opened, released = jobs.open_checkpoint, threading.Event()

    def slow(*args):
        events = opened(*args)
        yield next(events)
        released.wait(60)
        yield from events

    monkeypatch.setattr(jobs, "open_checkpoint", slow)
    program.session.open_starter()
    program.ready()
    mailbox = program.session._file._timer
    mailbox.stop()  # as behind a picture that takes long
    released.set()
    program.learn(QUICK.replace({"steps": 20}))
    mailbox.start(0)
    program.train()
    assert len(program.session.history.layers) == len(program.session.info.layers) == 2
    program.stop()


def test_the_weights_of_the_network_before_are_not_of_a_run_that_has_begun(program):
    """Until its first ones come there are none, of which a question could be asked."""
    before, begun = program.session.weights, []
    program.session.started.connect(lambda event: begun.append(program.session.weights))
    program.train()
    assert before is not None and begun == [None]
    program.until(lambda: program.session.weights is not None)
    program.stop()


def test_closing_in_mid_training_ends_the_thread_and_keeps_the_network(program, runs):
    """Nothing runs on behind a closed window, and the weights are not lost."""
    program.train()
    program.until(lambda: len(program.session.history.loss.x) > 3)
    program.window.close()
    assert not program.window.worker.isRunning()
    assert len(list(runs.glob("*/last.safetensors"))) == 1


def test_what_is_hidden_draws_nothing(program, monkeypatch):
    """While another tab is shown, neither curves nor wall are drawn."""
    program.train()
    program.turn_to("Mistakes")
    drawn = []
    monkeypatch.setattr(program.page.learning.loss, "draw", drawn.append)
    program.until(lambda: len(program.session.history.loss.x) > 20)
    assert not drawn
    program.page.tabs.setCurrentIndex(0)
    assert drawn
    program.stop()


def test_no_network_says_so_and_keeps_the_bundled_data(program, monkeypatch):
    """Choosing the full set without a network ends in a sentence, the bundled data chosen."""
    import torchvision

    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    box = program.page.findChild(QComboBox, "dataBox")
    box.setCurrentIndex(1)
    box.activated.emit(1)
    words = program.page.findChild(QLabel, "dataMessage")
    program.until(lambda: "can't be downloaded" in words.text())
    assert box.currentIndex() == 0 and program.session.data is None
    assert program.session.state is State.READY


def test_metrics_are_heard_in_order_and_completely(program):
    """However fast it trains, no step is lost between the threads."""
    heard = []
    program.session.metrics_added.connect(
        lambda m: heard.extend(range(m.step - len(m.losses) + 1, m.step + 1))
    )
    program.learn(QUICK.replace({"steps": 500}))
    assert heard == list(range(1, 501)) and isinstance(heard[-1], int)


def test_the_range_test_finds_a_rate_and_the_recipe_takes_it(program):
    """A click raises the rate on a fresh network; another writes what it found into the recipe."""
    recipe = QUICK.replace({"lr": 1e-4})
    program.session.recipe = recipe
    weights = program.session.weights
    program.turn_to("LR test")
    program.click("sweepButton")
    program.until(lambda: program.find("useRate").isEnabled())
    assert program.session.weights is weights, "the network that answers is another one"
    program.click("useRate")
    taken = program.session.recipe.lr
    assert 1e-4 < taken < 1 and f"take {taken:g}" in program.find("sweepSentence").text()
    assert program.session.recipe == recipe.replace({"lr": taken})


def test_the_model_comparison_trains_each_model_and_plays_with_one(program):
    """Four models in turn; each has its row with errors, the best a star; a row opens again."""
    page = program.page
    program.turn_to("Models")
    assert program.find("ladderTable").isVisible()
    assert not program.find("ladderRecipes").isVisible(), "there is one kind of recipes"
    program.find("ladderLength").setValue(1)
    program.click("trainLadder")
    table = page.comparison_panel.table
    program.until(lambda: len(table.results) == 4 and not page.comparison.run.running, 120)
    program.ready()
    assert list(table.results) == ["linear", "EZMNIST", "mlp", "cnn"]
    errors = {model: result.judged for model, result in table.results.items()}
    assert all(0 < error < 95 for error in errors.values()) and table.results["linear"].train < 40
    assert table.best == min(errors, key=errors.get)
    assert table.results["linear"].parameters == 7850
    assert "LeCun's values are for all of MNIST" in program.find("ladderNote").text()
    table.setFocus()
    table.selectRow(table.row_of("linear"))
    QTest.keyClick(table, Qt.Key.Key_Return)
    program.until(lambda: program.session.info.parameters == 7850)
    program.ready()
    assert program.session.trained.hidden == () and program.session.trained.model == "mlp"


def test_a_run_of_another_recipe_is_in_no_row(program):
    """What is compared are the comparison's recipes: a smaller network is none of them."""
    program.learn(QUICK.replace({"steps": 20}))
    assert program.page.comparison_panel.table.results == {}
    program.learn(RECIPES["linear"].replace({"steps": 30}))
    assert list(program.page.comparison_panel.table.results) == ["linear"]
