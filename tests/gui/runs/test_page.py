"""The page of runs: the list, one run opened at its moments, some of them side by side."""

import json
import shutil
import sys
import time
import zipfile
from itertools import pairwise

import pytest
import torch
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit

from core import paths, playgrounds
from core.doctor.diagnosis import VERDICTS
from core.playgrounds.digits.recipe import DigitsRecipe
from core.playgrounds.points.recipe import RECIPES as POINTS
from core.runs.bundle import pack
from core.runs.folder import ABOUT, LAST, MOMENTS
from core.runs.keyframes import keyframes_of, read_keyframe
from core.runs.library import read_entry
from core.runs.recorder import FileRecorder
from core.runs.run_info import read_run_info
from core.training.control import Control
from core.training.trainer import Run, train
from gui import theme
from gui.runs import page as page_module
from gui.runs.run_cell import SIGN
from gui.runs.run_model import LOSS, NAME, NOTE, STAR, STATE, VERDICT, WHEN
from gui.session_state import State
from gui.widgets.table_cells import PAD
from gui.worker import Worker
from tests.conftest import NAMES
from tests.gui.hands import Hands
from tests.stopping import stop_at

SLOW, FAST, DIGITS = "names-slow", "names-fast", "digits-one"
CLICK = Qt.MouseButton.LeftButton
WATCHED = {
    "format": "glassbox-watch-1",
    "steps": list(range(50)),
    "losses": [2 - 0.01 * step for step in range(50)],
    "validations": [],
    "count": 50,
    "layers": [],
    "diagnosis": None,
}
PICTURES = DigitsRecipe(model="mlp", hidden=(32,), augment="none", batch_size=64, lr=3e-3)


@pytest.fixture(scope="session")
def records(tmp_path_factory, names_run):
    """Three records: two of names that differ in their learning rate, and one of digits."""
    folder = tmp_path_factory.mktemp("records")
    for name, lr in ((SLOW, 1e-4), (FAST, 1e-2)):
        list(train(names_run(folder / name, NAMES.replace({"lr": lr}), steps=150), Control()))
    playground = playgrounds.get("digits")
    run = Run(
        playground,
        PICTURES,
        playground.load(None),
        torch.device("cpu"),
        steps=60,
        recorder=FileRecorder(folder / DIGITS, None),
    )
    list(train(run, Control()))
    return folder


class Runs(Hands):
    """The page of runs, and hands for it; ``window`` is None where it stands alone."""

    def __init__(self, qtbot, page, window=None):
        self.qtbot, self.page, self.window, self.table = qtbot, page, window, page.table

    def shown(self):
        """The names of the runs in the list, from top to bottom."""
        return [self.page.runs.entry(row).path.name for row in range(self.page.runs.rowCount())]

    def place(self, name, column=WHEN):
        index = self.page.runs.index(self.shown().index(name), column)
        return self.table.visualRect(index).center()

    def choose(self, *names):
        """Click on rows, all but the first with Ctrl."""
        for name in names:
            keys = Qt.KeyboardModifier.ControlModifier
            keys = Qt.KeyboardModifier.NoModifier if name == names[0] else keys
            QTest.mouseClick(self.table.viewport(), CLICK, keys, self.place(name))
        self.until(lambda: {e.path.name for e in self.table.entries()} == set(names))
        view = self.page.detail if len(names) == 1 else self.page.compare
        self.until(view.isVisible)
        if len(names) == 1:
            self.until(lambda: self.page.detail.entry.path.name == names[0])
        else:
            self.until(lambda: {e.path.name for e in view.entries} == set(names))

    def message(self):
        return self.find("runsMessage", QLabel).text()


@pytest.fixture
def empty(qtbot, qapp, runs, monkeypatch):
    """The page alone, where nothing was ever trained."""
    monkeypatch.setattr(page_module, "AGAIN", 50)
    worker = Worker()
    page = page_module.Page(worker, None, "cpu")
    qtbot.addWidget(page)
    page.resize(1250, 860)
    page.show()
    worker.start()
    made = Runs(qtbot, page)
    made.until(lambda: page._loaded)
    yield made
    page.hide()
    page.abandon()
    worker.close()


@pytest.fixture
def three(records, runs, request):
    """The page alone, with three runs."""
    shutil.copytree(records, runs)
    made = request.getfixturevalue("empty")
    made.until(lambda: made.page.detail.isVisible())
    return made


@pytest.fixture
def among(qtbot, records, runs, monkeypatch, request):
    """The same page among the others, where nothing is shipped."""
    shutil.copytree(records, runs)
    monkeypatch.setattr(page_module, "AGAIN", 50)
    window = request.getfixturevalue("window")
    window.show_page("runs")
    made = Runs(qtbot, window.pages["runs"], window)
    made.until(lambda: made.page.detail.isVisible())
    made.until(lambda: all(s.state is State.READY for s in made.page.links.sessions.values()))
    return made


def change(folder, **values):
    """Rewrite what a record says of itself, whole, as a recorder does."""
    said = json.loads((folder / ABOUT).read_text()) | values
    draft = folder / ".draft"
    draft.write_text(json.dumps(said))
    draft.replace(folder / ABOUT)


def card_of(name):
    """What a person has said of a run, as it is kept."""
    return read_entry(paths.RUNS / name).card


# The list.


def test_nothing_yet_says_what_to_do(empty):
    """A folder without runs is no mistake: the table says how to get one."""
    assert not empty.page.runs.rowCount() and not empty.page._stack.isVisible()
    picture = empty.table.grab()
    assert not picture.isNull()


def test_the_newest_run_is_opened_first(three):
    """Whoever turns to the page sees the run that was begun last."""
    assert three.shown() == [DIGITS, FAST, SLOW]
    assert three.page.detail.entry.path.name == DIGITS
    assert three.find("runCount", QLabel).text() == "3 runs"


def test_a_click_on_a_title_sorts(three):
    """By loss the best stands first, a second click turns it round; what is chosen stays chosen."""
    three.choose(SLOW)
    head = three.table.horizontalHeader()
    at = QPoint(head.sectionViewportPosition(LOSS) + 10, head.height() // 2)
    QTest.mouseClick(head.viewport(), CLICK, pos=at)
    losses = [three.page.runs.entry(row).loss for row in range(3)]
    assert losses == sorted(losses)
    QTest.mouseClick(head.viewport(), CLICK, pos=at)
    losses = [three.page.runs.entry(row).loss for row in range(3)]
    assert losses == sorted(losses, reverse=True)
    assert [entry.path.name for entry in three.table.entries()] == [SLOW]


def test_the_loss_column_says_where_it_is_none_on_validation_data(three, runs):
    """Its title is the validation loss; a training loss says so, and stands behind them."""
    change(runs / FAST, metrics={"train_loss": 0.001})
    shown = three.page.runs
    three.until(lambda: "training" in shown.index(three.shown().index(FAST), LOSS).data())
    title = shown.headerData(LOSS, Qt.Orientation.Horizontal)
    assert title == "Validation loss"
    shown.sort(LOSS)
    said = [shown.index(row, LOSS).data() for row in range(3)]
    assert said[2] == "0.0010 training" and "training" not in said[0] + said[1]
    for width in (1250, 700):  # the words are whole
        three.page.resize(width, 860)
        room = three.table.columnWidth(LOSS)
        assert room >= max(three.table.horizontalHeader().width_of(w) for w in (title, said[2]))


@pytest.mark.parametrize(
    ("words", "shown"),
    [("fast", [FAST]), ("names mlp", [FAST, SLOW]), ("FINISHED digits", [DIGITS]), ("xyz", [])],
)
def test_words_filter(three, words, shown):
    """Every word has to be somewhere in a run; capitals don't matter."""
    QTest.keyClicks(three.find("runFilter"), words)
    assert three.shown() == shown
    count = three.find("runCount", QLabel).text()
    assert count.startswith(f"{len(shown)} of 3 runs")


def test_one_playground_and_the_starred(three):
    """The choice of a playground and the stars narrow the list together."""
    box = three.find("runPlayground")
    box.setCurrentIndex(box.findData("names"))
    assert three.shown() == [FAST, SLOW]
    QTest.mouseClick(three.table.viewport(), CLICK, pos=three.place(SLOW, STAR))
    three.find("runStarred").click()
    assert three.shown() == [SLOW]
    assert card_of(SLOW).star


def test_s_stars_a_run(three):
    """The star can be set and taken away by key."""
    three.choose(FAST)
    for starred in (True, False):
        QTest.keyClick(three.table, Qt.Key.Key_S)
        row = three.page.model.row_of(paths.RUNS / FAST)
        assert three.page.model.entries[row].card.star is starred


@pytest.mark.parametrize(("column", "field"), [(NAME, "name"), (NOTE, "note")])
def test_names_and_notes_are_written_in_place(three, column, field):
    """F2 opens a line in the cell, Enter keeps it; what is kept is in the run's folder."""
    three.choose(FAST)
    three.table.setCurrentIndex(three.page.runs.index(three.shown().index(FAST), column))
    QTest.keyClick(three.table, Qt.Key.Key_F2)
    line = three.table.findChild(QLineEdit)
    line.selectAll()
    QTest.keyClicks(line, "wider, warmer")
    QTest.keyClick(line, Qt.Key.Key_Return)
    three.until(lambda: getattr(card_of(FAST), field) == "wider, warmer")
    three.until(lambda: three.page.detail.card.note.toPlainText() == card_of(FAST).note)


def test_what_is_typed_stays_while_a_run_goes_on(three):
    """A running run's row changes every second; the line that is being typed does not."""
    change(paths.RUNS / FAST, state="running", told=time.time(), process=["far", 1], step=10)
    three.choose(FAST)
    three.table.setCurrentIndex(three.page.runs.index(three.shown().index(FAST), NAME))
    QTest.keyClick(three.table, Qt.Key.Key_F2)
    line = three.table.findChild(QLineEdit)
    line.selectAll()
    QTest.keyClicks(line, "half")
    change(paths.RUNS / FAST, state="running", told=time.time(), process=["far", 1], step=90)
    three.until(lambda: three.page.model.entries[1].step == 90)
    QTest.keyClicks(line, " done")
    QTest.keyClick(line, Qt.Key.Key_Return)
    three.until(lambda: card_of(FAST).name == "half done")


def test_the_note_of_the_card_is_kept_when_one_turns_elsewhere(three):
    """A longer note is written beside the curves; choosing another run keeps it."""
    three.choose(FAST)
    note = three.find("runNoteEdit")
    note.setFocus()
    QTest.keyClicks(note, "It forgets vowels.")
    three.table.setFocus()
    three.choose(SLOW)
    assert note.toPlainText() == ""
    three.choose(FAST)
    assert note.toPlainText() == "It forgets vowels."


def test_delete_and_undo(three):
    """The Delete key puts the chosen runs away, the next one is opened; Undo brings them back."""
    three.choose(DIGITS, FAST)
    three.table.setFocus()
    QTest.keyClick(three.table, Qt.Key.Key_Delete)
    assert three.shown() == [SLOW] and not (paths.RUNS / FAST).exists()
    assert "2 runs" in three.message()
    three.until(lambda: three.page.detail.isVisible())
    three.click("undoDelete")
    assert three.shown() == [DIGITS, FAST, SLOW]
    assert len(keyframes_of(paths.RUNS / FAST)) > 1
    assert not three.find("undoDelete").isVisible()


def test_deletions_are_undone_and_redone_one_after_another(three):
    """Ctrl+Z goes back deletion by deletion, Ctrl+Shift+Z forward."""
    control = Qt.KeyboardModifier.ControlModifier
    for name in (FAST, SLOW):
        three.choose(name)
        three.click("deleteRun")
    assert three.shown() == [DIGITS]
    three.table.setFocus()
    QTest.keyClick(three.table, Qt.Key.Key_Z, control)
    assert SLOW in three.shown() and FAST not in three.shown()
    QTest.keyClick(three.table, Qt.Key.Key_Z, control)
    assert three.shown() == [DIGITS, FAST, SLOW] and not three.find("undoDelete").isVisible()
    QTest.keyClick(three.table, Qt.Key.Key_Z, control | Qt.KeyboardModifier.ShiftModifier)
    assert three.shown() == [DIGITS, SLOW] and not (paths.RUNS / FAST).exists()
    QTest.keyClick(three.table, Qt.Key.Key_Z, control)
    assert (paths.RUNS / FAST).is_dir()


def test_a_run_that_goes_on_can_not_be_deleted(three):
    """It says so, and nothing is lost."""
    change(paths.RUNS / FAST, state="running", told=time.time(), process=["elsewhere", 1])
    three.until(lambda: three.page.model.entries[1].state == "running")
    three.choose(FAST)
    three.table.setFocus()
    QTest.keyClick(three.table, Qt.Key.Key_Delete)
    assert FAST in three.shown() and "stop it first" in three.message()


# Runs of other programs.


def test_runs_of_other_programs_appear_move_and_go(three, records):
    """What a terminal writes into the folder is seen as it goes, the chosen run stays chosen."""
    three.choose(SLOW)
    shutil.copytree(records / FAST, paths.RUNS / ".coming")
    change(
        paths.RUNS / ".coming",
        begun=4e9,
        state="running",
        told=time.time(),
        process=["far", 1],
        step=30,
    )
    (paths.RUNS / ".coming").rename(paths.RUNS / "live")
    three.until(lambda: three.shown()[0] == "live")
    change(paths.RUNS / "live", step=75)
    three.until(lambda: three.page.runs.entry(0).step == 75)
    assert [entry.path.name for entry in three.table.entries()] == [SLOW]
    shutil.rmtree(paths.RUNS / "live")
    three.until(lambda: "live" not in three.shown())


def test_the_slider_of_a_running_run_grows(three, records):
    """Whoever looks at its last moment goes on to the new last one."""
    live = paths.RUNS / FAST
    later = sorted((live / MOMENTS).iterdir())[-1]
    kept = later.read_bytes()
    later.unlink()
    change(live, state="running", told=time.time(), process=["far", 1], step=100)
    three.until(lambda: three.page.model.entries[1].state == "running")
    three.choose(FAST)
    slider = three.page.detail.slider
    before = list(slider.steps)
    assert slider.step == before[-1]
    later.write_bytes(kept)
    change(live, step=150)
    three.until(lambda: len(slider.steps) == len(before) + 1)
    assert slider.step == slider.steps[-1] == 150
    assert "150" in three.find("momentPlay").title.text()


def test_nothing_is_read_while_nobody_looks(three):
    """On another page the folder is left alone."""
    three.page.hide()
    assert not three.page._timer.isActive()
    three.page.show()
    assert three.page._timer.isActive()


# One run.


def test_a_run_in_words(three):
    """What it is, how it ended, how it was judged, and which recipe it is most like."""
    three.choose(FAST)
    card = three.page.detail.card
    about = read_run_info(paths.RUNS / FAST)
    assert card.name.text() == FAST
    assert card.state.text().startswith("Finished after 150 steps")
    assert f"{about.metrics['val_loss']:.4f}" in card.result.text()
    assert f"{about.parameters:,} parameters" in card.what.text()
    told = [label.text() for label in card.findChildren(QLabel)]
    assert "Learning rate" in told and "0.01" in told


def test_the_slider_goes_through_what_it_was(three):
    """Each moment has its own layers and its own samples, and a mark on the curve."""
    three.choose(FAST)
    detail, slider = three.page.detail, three.find("historySlider")
    steps = keyframes_of(paths.RUNS / FAST)
    assert detail.slider.steps == steps and steps[0] == 0
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    assert not detail.wall.isVisible()
    assert "Nothing was measured" in three.find("momentRemark", QLabel).text()
    samples = three.find("momentSamples")
    three.until(lambda: samples.toPlainText() != "")
    first = samples.toPlainText()
    QTest.keyClick(slider, Qt.Key.Key_End)
    assert detail.wall.isVisible()
    moment = read_keyframe(paths.RUNS / FAST, steps[-1])
    assert detail.wall.snapshot.step == moment.snapshot.step
    said = samples.toPlainText()
    assert said.split("\n") == list(moment.samples) and said != first
    assert detail.curves.loss.plot.mark[0] == 150


def test_an_interrupted_run_shows_no_moment_later_than_its_record(three):
    """What came after the last word of a run that was killed is done again."""
    three.choose(SLOW)
    last = three.page.detail.slider.steps[-1]
    change(paths.RUNS / SLOW, state="running", step=last - 1, process=["elsewhere", 1], told=0.0)
    three.until(lambda: three.page.detail.entry.state == "interrupted")
    three.until(lambda: three.page.detail.slider.steps[-1] < last)


def record_of(name, recipe, folder):
    """Leave the record of a short run."""
    playground = playgrounds.get(name)
    recorder = FileRecorder(folder, None)
    data, device = playground.load(None), torch.device("cpu")
    list(train(Run(playground, recipe, data, device, steps=20, recorder=recorder), Control()))


def test_what_neither_reads_nor_writes_has_nothing_to_play_with(three, runs):
    """A run of points leaves no empty card, after one of names, either."""
    record_of("points", POINTS["moons"], runs / "points-one")
    three.until(lambda: "points-one" in three.shown())
    three.choose(FAST)
    assert three.page.detail.play.isVisible()
    three.choose("points-one")
    assert three.page.detail.slider.steps and not three.page.detail.play.isVisible()


def test_nats_are_of_a_cross_entropy_alone(three, runs):
    """A squared error has no unit, alone and among others, nor has a program's own loss."""
    record_of("digits", PICTURES.replace({"loss": "squared-error"}), runs / "digits-square")
    three.until(lambda: "digits-square" in three.shown())
    curves, compared = three.page.detail.curves.loss.plot, three.page.compare.plot
    for names, title in (
        ([DIGITS], "loss (nats)"),
        (["digits-square"], "loss"),
        ([DIGITS, FAST], "training loss (nats)"),
        ([DIGITS, "digits-square"], "training loss"),
    ):
        three.choose(*names)
        plot = curves if len(names) == 1 else compared
        three.until(lambda plot=plot, title=title: plot.y_title == title)


def test_its_weights_write_again(three):
    """Other random numbers write other names; the same moment, the same network."""
    three.choose(FAST)
    before = three.find("momentSamples").toPlainText()
    three.click("writeAgain")
    after = three.find("momentSamples").toPlainText()
    assert after and after != before
    QTest.keyClick(three.find("historySlider"), Qt.Key.Key_Left)
    three.until(lambda: three.find("momentSamples").toPlainText() != after)


def test_a_digit_is_read_with_the_weights_of_a_moment(three):
    """The canvas answers as the network of that step would: unsure at first, surer later."""
    three.choose(DIGITS)
    detail, slider = three.page.detail, three.find("historySlider")
    assert three.find("momentCanvas").isVisible()
    sure = []
    for key in (Qt.Key.Key_Home, Qt.Key.Key_End):
        QTest.keyClick(slider, key)
        assert detail.play.words.text() == ""
        sure.append(detail.play.bars._shares.max())
    assert sure[1] > sure[0] + 0.1
    three.click("clearMomentCanvas")
    assert detail.play.bars._shares is None


def test_open_on_its_page(among):
    """The best weights are played with there, and the recipe is taken for the next run."""
    among.choose(FAST)
    among.click("openRun")
    names = among.window.pages["names"]
    assert among.window.page is names
    among.until(lambda: names.session.weights is not None)
    among.until(lambda: names.session.state is State.READY)
    assert names.session.recipe.lr == 1e-2 and names.session.recipe.hidden == NAMES.hidden


def test_a_busy_page_is_left_alone(among, monkeypatch):
    """While its page trains, a run can't be opened there; it says what to do."""
    among.choose(FAST)
    among.window.pages["names"].session.state = State.TRAINING
    among.click("openRun")
    among.window.pages["names"].session.state = State.READY
    assert among.window.page is among.page and "stop it there" in among.message()


def test_going_on_with_a_stopped_run(among, names_run):
    """Go on turns to its page, does the steps that are left, and the record is finished."""
    folder = paths.RUNS / "stopped"
    stop_at(names_run(folder, steps=300), 40)
    assert read_run_info(folder).state == "stopped"
    among.until(lambda: "stopped" in among.shown())
    among.choose("stopped")
    among.click("goOnRun")
    assert among.window.page is among.window.pages["names"]
    among.until(lambda: read_run_info(folder).state == "finished")
    among.until(lambda: among.window.page.session.state is State.READY)
    assert read_run_info(folder).step == 300


def test_a_verdict_is_whole_where_no_note_needs_the_room(three):
    """In a wide table; as soon as there is a note, it has its part of the room."""
    three.page.resize(1500, 860)
    (entry,) = [e for e in three.page.model.entries if e.path.name == FAST]
    widest = max(QFontMetrics(theme.font(12)).horizontalAdvance(v) for v in VERDICTS.values())
    alone = three.table.columnWidth(VERDICT), three.table.columnWidth(NOTE)
    assert alone[0] > widest + SIGN + 2 * PAD
    three.page.model.library.describe(entry, note="my own words")
    three.until(lambda: three.table.columnWidth(NOTE) > alone[1])
    assert three.table.columnWidth(VERDICT) < alone[0]


def test_what_is_done_with_a_run_is_seen_on_a_small_screen(three, names_run):
    """Resume, too, without scrolling at 1280 x 720: there the page has this size."""
    three.page.resize(1120, 720)
    stop_at(names_run(paths.RUNS / "stopped", steps=300), 40)
    three.until(lambda: "stopped" in three.shown())
    three.choose("stopped")
    for name in ("openRun", "goOnRun", "exportRun", "deleteRun"):
        button = three.find(name)
        three.until(lambda button=button: button.visibleRegion().boundingRect() == button.rect())


def test_finished_runs_offer_no_going_on(three):
    """There is nothing left to do."""
    three.choose(FAST)
    assert not three.find("goOnRun").isVisible()


def test_a_watched_loop_opens_on_the_doctors_page(among, runs):
    """A record of core.watch stands in the list; opened, the doctor shows it."""
    (runs / "mine.watch.json").write_text(json.dumps(WATCHED))
    among.until(lambda: "mine.watch.json" in among.shown())
    among.choose("mine.watch.json")
    assert not among.page.detail.play.isVisible()
    among.table.setFocus()
    QTest.keyClick(among.table, Qt.Key.Key_Return)
    doctor = among.window.pages["doctor"]
    assert among.window.page is doctor and doctor.recording.path == runs / "mine.watch.json"


def test_loops_are_laid_over_one_another(among, runs):
    """What differs of what was seen, both curves, no layers; a record of old tells less."""
    settings = {"Optimiser": "Adam"}
    for name, rate in (("one", "0.01"), ("two", "0.1")):
        told = {"batch_size": 32, "settings": {**settings, "Learning rate": rate}}
        (runs / f"{name}.watch.json").write_text(json.dumps({**WATCHED, **told}))
    among.until(lambda: {"one.watch.json", "two.watch.json"} <= set(among.shown()))
    among.choose("one.watch.json")
    card = among.page.detail.card
    assert "could be seen" in card.recipe.text() and "Adam" in [
        words.text() for words in card.findChildren(QLabel)
    ]
    actions = {action.objectName(): action for action in card.buttons.menu.actions()}
    assert actions["export_csv"].isVisible() and not actions["export_zip"].isVisible()
    among.choose("one.watch.json", "two.watch.json")
    assert among.find("compareSentence", QLabel).text().startswith("Learning rate differs")
    view = among.page.compare
    assert [len(line.x) for line in view.plot.lines] == [50, 50]
    view.tabs.setCurrentIndex(1)
    assert "no layers" in view.walls.words.text()


def test_a_damaged_moment_says_so(three):
    """The slider goes on; the step that can't be read is said to be damaged."""
    bad = sorted((paths.RUNS / FAST / MOMENTS).iterdir())[1]
    bad.write_bytes(b"nothing")
    three.choose(FAST)
    three.find("historySlider").setValue(1)
    assert "damaged" in three.find("momentRemark", QLabel).text()
    three.find("historySlider").setValue(2)
    assert three.page.detail.wall.isVisible()


def test_a_run_without_its_checkpoint_still_shows_its_curves(three):
    """What can't be played with is not offered, and it is said why."""
    (paths.RUNS / FAST / LAST).unlink()
    three.choose(FAST)
    assert not three.page.detail.play.isVisible() and LAST in three.message()
    assert three.page.detail.wall.isVisible()


# Out and in.


def test_a_run_leaves_and_comes_back_as_a_zip(three, tmp_path, monkeypatch):
    """Export writes one file; brought in again, it is another run, and it is chosen."""
    out = tmp_path / "out.zip"
    monkeypatch.setattr(page_module, "ask_where", lambda parent, name, way: out)
    three.choose(FAST)
    three.find("export_zip", QAction).trigger()
    three.until(out.exists)
    three.until(lambda: str(out) in three.message())
    assert zipfile.ZipFile(out).testzip() is None
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(out), ""))
    three.click("importRun")
    three.until(lambda: "out" in three.shown())
    three.until(lambda: [entry.path.name for entry in three.table.entries()] == ["out"])
    assert keyframes_of(paths.RUNS / "out") == keyframes_of(paths.RUNS / FAST)


def test_the_curves_leave_as_a_table(three, tmp_path, monkeypatch):
    """The menu has CSV; what was asked for lies where it was asked for."""
    out = tmp_path / "curves.csv"
    monkeypatch.setattr(page_module, "ask_where", lambda parent, name, way: out)
    three.choose(FAST)
    three.find("export_csv", QAction).trigger()
    three.until(out.exists)
    assert out.read_bytes().startswith(b"step,seconds,train_loss")


def test_what_is_not_installed_is_said(three, tmp_path, monkeypatch):
    """Without TensorBoard's package nothing is written, and the sentence says what to install."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    monkeypatch.setattr(page_module, "ask_where", lambda parent, name, way: tmp_path / "events")
    three.choose(FAST)
    three.find("export_tensorboard", QAction).trigger()
    three.until(lambda: "pip install" in three.message())
    assert not (tmp_path / "events").exists()


@pytest.mark.parametrize("picture", ["loss", "layers", "compared"])
def test_plots_leave_as_pictures(three, tmp_path, monkeypatch, picture):
    """Curves and layers of a run, and the curves of several, can be saved from a menu."""
    monkeypatch.setattr(QFileDialog, "exec", lambda self: 1)
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda self: [str(tmp_path / "it.svg")])
    three.choose(*((SLOW, FAST) if picture == "compared" else (FAST,)))
    three.find(f"save_svg_{picture}", QAction).trigger()
    assert (tmp_path / "it.svg").stat().st_size > 1000
    assert "it.svg" in three.message()


def test_what_is_no_run_is_refused_in_a_sentence(three, tmp_path):
    """A dropped zip with other things in it is refused, and nothing of it is kept."""
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as file:
        file.writestr("../evil.py", "print()")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(bad))])
    place, copy = QPointF(400, 300), Qt.DropAction.CopyAction
    none = Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(place.toPoint(), copy, mime, CLICK, none)
    QApplication.sendEvent(three.page, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(three.page, QDropEvent(place, copy, mime, CLICK, none))
    three.until(lambda: "no run of Glassbox" in three.message())
    assert three.shown() == [DIGITS, FAST, SLOW]


def test_a_zip_of_another_machine_opens(three, records, tmp_path):
    """A packed run is brought in by dropping it; one that is there already is told as such."""
    pack(records / SLOW, tmp_path / "theirs.zip")
    three.page.bring(tmp_path / "theirs.zip")
    three.until(lambda: "theirs" in three.shown())
    three.until(lambda: "theirs is here. You have it already" in three.message())
    three.choose("theirs")
    assert three.page.detail.play.isVisible()


# Some runs side by side.


def test_what_differs_is_said_first(three):
    """Two runs that differ in a learning rate: a sentence, a table, and two lines."""
    three.choose(SLOW, FAST)
    sentence = three.find("compareSentence", QLabel).text()
    assert sentence == "Learning rate differs; all else is the same."
    told = [label.text() for label in three.page.compare.card.findChildren(QLabel)]
    assert "0.0001" in told and "0.01" in told
    lines = three.page.compare.plot.lines
    assert len(lines) == 2 and all(len(line.x) == 150 for line in lines)
    assert not three.find("compareWarning").isVisible()


def test_other_axes_and_the_validation_loss(three):
    """Steps, seconds or examples; each run's place on the axis is its own."""
    three.choose(SLOW, FAST)
    plot = three.page.compare.plot
    three.click("axis_examples")
    assert plot.lines[0].x[-1] == 150 * NAMES.batch_size
    three.click("axis_seconds")
    about = three.page.compare.entries[0].about
    assert plot.lines[0].x[-1] == pytest.approx(about.spent, rel=0.2)
    three.click("loss_val")
    assert len(plot.lines[0].x) < 20


def test_hovering_shows_values(three):
    """Each run's value at a step; the arrow keys go along."""
    three.choose(SLOW, FAST)
    view = three.page.compare
    letter = "AB"[[entry.path.name for entry in view.entries].index(FAST)]
    QTest.mouseMove(view.plot, view.plot.frame().center().toPoint())
    QApplication.processEvents()
    said = view.plot.hover_text()
    assert said.startswith("step ") and f"\n{letter}: " in said
    view.plot.setFocus()
    QTest.keyClick(view.plot, Qt.Key.Key_Right)
    assert view.plot.hover_text() != said
    QApplication.sendEvent(view.plot, QEvent(QEvent.Type.Leave))
    assert view.plot.hover_text() == ""


def test_lines_are_told_apart_without_colour(three):
    """Each line has a stroke of its own, and a letter at its end; no letter hides another."""
    three.choose(SLOW, FAST)
    plot = three.page.compare.plot
    pens = [item.opts["pen"] for item in plot._items]
    assert pens[0].dashPattern() != pens[1].dashPattern()
    (first, one), (second, other) = plot.ends()
    assert {first, second} == {"A", "B"} and abs(one.y() - other.y()) >= 16


def test_walls_of_the_same_step(three):
    """The layers of both, side by side; the slider moves both."""
    three.choose(SLOW, FAST)
    three.page.compare.tabs.setCurrentIndex(1)
    slider, walls = three.find("compareSlider"), three.page.compare.walls
    assert [side.wall.isVisible() for side in walls.sides] == [True, True]
    assert {side.wall.snapshot.step for side in walls.sides} == {150}
    slider.setValue(1)
    steps = [side.wall.snapshot.step for side in walls.sides]
    assert all(step < 150 for step in steps)
    assert walls.sides[0].head.text() == f"A at step {steps[0]:,}"


def test_different_playgrounds_are_not_comparable(three):
    """Their losses count different answers, and it is said so."""
    three.choose(DIGITS, FAST)
    assert "can't be compared" in three.find("compareWarning", QLabel).text()


def test_seven_are_too_many(three, records):
    """More than six lines can't be told apart."""
    for number in range(5):
        shutil.copytree(records / FAST, paths.RUNS / f"more-{number}")
    three.until(lambda: three.page.runs.rowCount() == 8)
    three.table.selectAll()
    three.until(lambda: "choose fewer" in three.page._hint.text())
    assert not three.page.compare.isVisible()


def test_the_state_column_tells_progress(three):
    """A running run's row and a broken-off one's say where they stand."""
    change(paths.RUNS / FAST, state="running", told=0, process=["elsewhere", 1], step=75)
    three.until(lambda: three.page.model.entries[1].state == "interrupted")
    index = three.page.runs.index(three.shown().index(FAST), STATE)
    assert index.data() == "interrupted"
    assert "can go on" in index.data(Qt.ItemDataRole.ToolTipRole)
    three.choose(FAST)
    assert three.find("goOnRun").isVisible()


def test_six_equal_lines_have_six_letters(three, records):
    """Where all lines end in one place, their letters still stand apart, inside the plot."""
    for number in range(5):
        shutil.copytree(records / FAST, paths.RUNS / f"more-{number}")
    three.until(lambda: three.page.runs.rowCount() == 8)
    three.choose(FAST, *(f"more-{number}" for number in range(5)))
    plot = three.page.compare.plot
    ends = plot.ends()
    places = sorted(at.y() for _, at in ends)
    assert sorted(letter for letter, _ in ends) == list("ABCDEF")
    assert all(below - above >= 16 for above, below in pairwise(places))
    assert places[0] >= 0 and places[-1] <= plot.height()
