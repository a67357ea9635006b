"""The doctor's page through a real window: examine, read, fix, and break on purpose."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QLabel,
    QListWidget,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.doctor.evidence import Evidence
from core.doctor.faults.gallery import FAULTS
from core.doctor.verdict.causes import CAUSES
from core.doctor.verdict.conclusion import conclude
from core.playgrounds.digits.recipe import RECIPES as DIGITS
from core.playgrounds.names.recipe import RECIPES as NAMES
from core.telemetry.events import Diagnosed, Failed, Finished, Metrics, Progress, Started, Stopped
from core.training.control import Control
from gui.background_job import STOPPING
from gui.charts.evidence import EvidencePicture
from gui.doctor import examination
from gui.doctor.evidence_panel import EvidenceCard
from gui.doctor.examination import Stage
from gui.doctor.page import Page
from gui.session_state import State
from gui.training_page import TRAINS, WAITS, TrainingPage
from gui.widgets.data_card import DataCard
from gui.widgets.glossary import TermLabel
from gui.worker import Worker
from tests.gui.doctor.diagnoses import BROKEN, CONTEXT, DEAD, EARLY, FINE, RATE, RATIO, SMALL
from tests.gui.hands import Hands

STARTED = Started("names", "gru", "cpu", "bundled US names", 156_891, (), 3.296)


class Small(TrainingPage):
    """As much of a page as the doctor has to do with."""

    def __init__(self, name, recipes, worker):
        super().__init__(name, recipes, worker, None, "cpu")
        self.data = DataCard(self.session, f"US {name}, bundled", "All of them", False)
        column = QVBoxLayout(self)
        for widget in (self.recipe, self.data, self.run_bar):
            column.addWidget(widget)


class Shelf(QWidget):
    """As much of the lessons' page: which lesson was opened, and where."""

    opened = ""

    def show_place(self, place):
        self.opened = place


class Two(QStackedWidget):
    """A small window: the doctor's page, and two that it may examine."""

    def __init__(self):
        super().__init__()
        self.worker = Worker(self)
        self.pages = {
            "digits": Small("digits", DIGITS, self.worker),
            "names": Small("names", NAMES, self.worker),
            "doctor": Page(self.worker, None, "cpu"),
            "lessons": Shelf(),
        }
        for page in self.pages.values():
            self.addWidget(page)
        self.pages["doctor"].meet(self.pages, self.show_page)
        self.resize(1280, 800)

    @property
    def page(self):
        return self.currentWidget()

    def show_page(self, name, place=""):
        self.setCurrentWidget(self.pages[name])
        if place:
            self.pages[name].show_place(place)

    def closeEvent(self, event):
        self.pages["doctor"].abandon()
        for name in ("digits", "names"):
            self.pages[name].session.abandon()
        self.worker.close()


class Doctor(Hands):
    """The window at the doctor's page, and an examination that says what a test wants it to."""

    def __init__(self, qtbot, window):
        super().__init__(qtbot, window, "doctor")
        self.names = window.pages["names"]
        self.orders = []
        self.early, self.final, self.ending = EARLY, BROKEN, Finished(900, 20.0)
        self.gate = threading.Event()

    def job(self, order, fault, budget, control, report):
        """Stand in for gui.jobs.diagnose."""
        self.orders.append((order, fault, budget))
        self.control = control
        yield STARTED
        losses = np.linspace(3.3, 2.1, 500)
        yield Metrics(500, losses, float("nan"), 0.005, 10.0, 0.5)
        if self.early:
            yield Diagnosed(500, self.early)
        while not self.gate.wait(0.02) and not control.stopping:
            pass
        if self.final:
            yield Diagnosed(900, self.final, final=True)
        stopped = control.stopping and not self.gate.is_set()
        yield Stopped(500, 10.0) if stopped else self.ending

    def choose(self, name, words):
        """Click a row of a list."""
        rows = self.find(name, QListWidget)
        (item,) = (rows.item(i) for i in range(rows.count()) if words in rows.item(i).text())
        rows.scrollToItem(item)
        place = rows.visualItemRect(item).center()
        QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)

    def begin(self, name="names"):
        """Press Examine for a playground, and wait until its network is trained."""
        self.click(f"doctorPlayground_{name}")
        self.click("examineButton")
        self.until(lambda: self.page.examination.stage is Stage.TRAINING)
        self.until(lambda: len(self.page.examination.history.loss.x) > 0)

    def end(self):
        """Let the examination come to its end."""
        self.gate.set()
        self.until(lambda: self.page.examination.stage is Stage.IDLE)

    @property
    def verdict(self):
        return self.find("verdict").text()

    def shown(self, name):
        """Return the words that are seen in a widget, without the links of its terms."""
        parts = (QLabel, QAbstractButton)
        return " ".join(
            (part.plain if isinstance(part, TermLabel) else part.text())
            for kind in parts
            for part in self.find(name).findChildren(kind)
            if part.isVisible()
        )


@pytest.fixture
def doctor(qtbot, qapp, monkeypatch):
    """The doctor's page, where nothing is shipped and examinations are made up."""
    window = Two()
    qtbot.addWidget(window)
    window.show()
    window.worker.start()
    made = Doctor(qtbot, window)
    monkeypatch.setattr(examination.jobs, "diagnose", made.job)
    made.until(lambda: made.find("examineButton").isEnabled())
    yield made
    made.gate.set()
    window.close()


def test_each_part_is_there_once(window):
    """Scripts find the parts of the page by their names, in the whole program."""
    for name in ("pageDoctor", "verdict", "findings", "evidence", "faultGallery"):
        assert len(window.findChildren(QWidget, name)) == 1


def test_before_anything_it_says_what_it_does(doctor):
    """The empty page asks the question, names the six verdicts, and has no findings."""
    assert "too small (underfitting) or not trained enough" in doctor.verdict
    assert "I can't tell" in doctor.shown("reportArea")
    assert not doctor.find("findings").isVisible() and not doctor.find("evidence").isVisible()
    assert not doctor.find("doctorCurve").isVisible()


def test_it_says_whom_it_would_examine(doctor):
    """Recipe and data are those that stand on the other page, whatever happens to them there."""
    doctor.click("doctorPlayground_names")
    assert "tuned gru" in doctor.find("doctorPatient").text()
    doctor.window.show_page("names")
    doctor.names.recipe.choose("tuned mlp")
    doctor.window.show_page("doctor")
    assert "tuned mlp" in doctor.find("doctorPatient").text()
    assert "US names, bundled" in doctor.find("doctorPatient").text()


def test_what_is_examined_is_what_stands_there(doctor):
    """Recipe, data, seconds and budget reach the worker as they were set."""
    doctor.names.session.draft.set("lr", 0.5)
    doctor.find("doctorSeconds", QSpinBox).setValue(7)
    doctor.find("doctorBudget", QSpinBox).setValue(11)
    doctor.begin()
    ((order, fault, budget),) = doctor.orders
    assert order.playground == "names" and order.recipe.lr == 0.5 and order.data is None
    assert (order.seconds, order.steps, budget, fault) == (7, None, 11, "")


def test_from_a_click_to_the_verdict(doctor):
    """While it trains: the curve and a first word; then the verdict, the causes, the evidence."""
    doctor.begin()
    doctor.until(lambda: "So far" in doctor.verdict)
    assert EARLY.sentence in doctor.verdict and doctor.find("doctorCurve").isVisible()
    assert not doctor.find("examineButton").isEnabled()
    assert not doctor.find("doctorSeconds").isEnabled()
    assert "500" in doctor.find("doctorWords", QLabel).text()
    doctor.end()
    assert BROKEN.sentence in doctor.verdict and "So far" not in doctor.verdict
    assert "Something is wrong" in doctor.verdict and "93 %" in doctor.verdict
    assert "tuned gru" in doctor.find("verdictNote", QLabel).text()
    words = doctor.shown("findings")
    places = [words.index(cause.title) for cause in (RATE, DEAD, CONTEXT)]
    assert places == sorted(places)
    assert RATE.evidence in words and RATE.fix in words and DEAD.where in words
    assert doctor.find("examineButton").isEnabled()


def test_evidence_is_in_order(doctor):
    """Pictures of the likeliest cause come first, then what was tried; none is there twice."""
    doctor.begin()
    doctor.end()
    cards = doctor.find("evidence").findChildren(EvidenceCard)
    shown = [card.picture.picture for card in cards if card.isVisible()]
    tried = [trial.picture for trial in BROKEN.experiments if trial.picture]
    assert shown[0] == RATIO and shown[-len(tried) :] == tried
    assert len(set(shown)) == len(shown) == 6


def test_a_forecast_is_the_first_picture_and_is_read_without_help(doctor):
    """The curve goes on in a band, with a sentence below it; twice the time is in the verdict."""
    steps = np.arange(600)
    new = [(step, 1 + 4 * step**-0.3) for step in range(20, 620, 20)]
    doctor.final = conclude(Evidence(steps, 4 * (steps + 1.0) ** -0.6, [], new), ())
    doctor.begin()
    doctor.end()
    ahead = doctor.final.forecast
    card = doctor.find("evidence").findChildren(EvidenceCard)[0]
    assert card.picture.picture == ahead.picture and card.isVisible()
    assert card.picture.lines[1].name.startswith("forecast") and len(card.picture.lines[1].low)
    assert card.picture.x_title == "step" and card.picture.y_title == "loss on new data"
    assert ahead.caption in doctor.shown("evidence")
    assert f"in twice the time about {ahead.median:.2f}" in doctor.verdict


def test_no_picture_is_squeezed(doctor):
    """Every picture has the height that it asks for, in a wide window and in a narrow one."""
    doctor.begin()
    doctor.end()
    for width in (1280, 1700):
        doctor.window.resize(width, 800)
        cards = doctor.find("evidence").findChildren(EvidenceCard)
        doctor.until(
            lambda cards=cards: all(
                card.picture.height() >= card.picture.sizeHint().height() for card in cards
            )
        )
        right = doctor.find("reportArea").width()
        assert all(card.geometry().right() <= right for card in cards)


def test_checks_are_quiet_where_all_is_well(doctor):
    """What failed is open with both its numbers; what passed opens by a click or by a key."""
    doctor.begin()
    doctor.end()
    words = doctor.shown("checks")
    assert "Swings by 0.9 around 3.3" in words and "with swings below 0.2" in words
    assert "18 in order" in words and "Softmax is applied once" not in words
    doctor.click("checksPassed")
    assert "Softmax is applied once" in doctor.shown("checks")
    QTest.keyClick(doctor.find("checksPassed"), Qt.Key.Key_Space)
    assert "Softmax is applied once" not in doctor.shown("checks")
    doctor.click("checksUnseen")
    assert "There is no attention in this network" in doctor.shown("checks")


def test_why_explains_a_cause(doctor):
    """The sentence of the table of causes opens, and closes again."""
    doctor.begin()
    doctor.end()
    about = CAUSES["lr_too_high"].about
    assert about not in doctor.shown("findings")
    doctor.click("askWhy_lr_too_high")
    assert about in doctor.shown("findings")
    doctor.click("askWhy_lr_too_high")
    assert about not in doctor.shown("findings")


def test_a_cause_has_a_lesson(doctor):
    """Its link turns to the heading under which one can play with it."""
    doctor.begin()
    doctor.end()
    doctor.click("lessonOn_lr_too_high")
    assert doctor.window.pages["lessons"].opened == "3-gradients#the-update-to-weight-ratio"


def test_apply_sets_what_fixes_it(doctor):
    """The setting stands in the recipe of the page and in its form; the button says so."""
    doctor.begin()
    doctor.end()
    doctor.click("applyFix")
    assert doctor.names.session.recipe.lr == 0.0005
    assert doctor.names.findChild(QWidget, "setting_lr").text() == "0.0005"
    assert "Names page" in doctor.shown("findings")
    assert not doctor.find("applyFix").isEnabled()
    assert "learning rate 0.0005" in doctor.shown("doctorControls")


def test_what_was_applied_can_be_undone(doctor):
    """By the button beside it and by Ctrl+Z the recipe is what it was, and Ctrl+Y sets it again."""
    before = doctor.names.session.recipe
    doctor.begin()
    doctor.end()
    assert not doctor.find("undoFix").isVisible()
    doctor.click("applyFix")
    doctor.click("undoFix")
    assert doctor.names.session.recipe == before
    assert "Taken back" in doctor.shown("findings")
    assert doctor.find("applyFix").isEnabled() and not doctor.find("undoFix").isVisible()
    doctor.window.activateWindow()
    apply, control = doctor.find("applyFix"), Qt.KeyboardModifier.ControlModifier
    apply.setFocus()
    doctor.until(apply.hasFocus)
    QTest.keyClick(apply, Qt.Key.Key_Y, control)
    assert doctor.names.session.recipe.lr == 0.0005
    doctor.names.session.draft.set("batch_size", 32)  # what was changed since stays
    QTest.keyClick(doctor.find("undoFix"), Qt.Key.Key_Z, control)
    assert doctor.names.session.recipe == before.replace({"batch_size": 32})


def test_only_what_was_proved_is_offered(doctor):
    """A cause says whether its fix was proved, with both curves; one that was not has no Apply."""
    doctor.begin()
    doctor.end()
    said = doctor.shown("findings")
    assert "Proved: learning rate 0.0005" in said and "Not proved: context 8" in said
    assert "80 % interval: 0.85 to 0.95" in said
    cards = doctor.page.report.findings.cards
    offered = [card.findChild(QWidget, "applyFix") is not None for card in cards]
    assert offered == [True, False, False]
    (curves,) = doctor.find("proof").findChildren(EvidencePicture)
    assert "without the fix" in curves.in_words()
    tried = replace(RATE, proof=replace(RATE.proof, proved=False))
    doctor.page.report.show_diagnosis(replace(BROKEN, causes=(tried,)), True, "")
    (card,) = doctor.page.report.findings.cards
    assert card.findChild(QWidget, "applyFix") is None


def test_apply_of_what_can_not_be_says_why(doctor):
    """A setting that the recipe refuses changes nothing, and the reason is told."""
    wrong = replace(RATE, settings=(("lr", -1.0),))
    doctor.final = replace(BROKEN, causes=(wrong,))
    doctor.begin()
    doctor.end()
    before = doctor.names.session.recipe
    doctor.click("applyFix")
    assert doctor.names.session.recipe == before
    assert "lr=-1.0 is not possible" in doctor.shown("findings")


def test_a_verdict_that_is_no_fault_can_be_applied(doctor):
    """Too small: no cause is named, and the larger size is a click away."""
    doctor.final = SMALL
    doctor.begin()
    doctor.end()
    assert "The model is too small" in doctor.verdict
    assert not doctor.find("findings").isVisible()
    assert "0.13 lower" in doctor.find("verdictProof", QLabel).text()
    before = doctor.names.session.recipe
    doctor.click("applyVerdict")
    assert doctor.names.session.recipe.width == 416
    doctor.click("undoVerdict")
    assert doctor.names.session.recipe == before
    doctor.page.report.show_diagnosis(replace(SMALL, proof=None), True, "")
    assert not doctor.find("applyVerdict").isVisible()


def test_stop_ends_it_with_what_is_known(doctor):
    """The control is told, the verdict so far stays, and one can begin again."""
    doctor.final = None
    doctor.begin()
    doctor.until(lambda: EARLY.sentence in doctor.verdict)
    doctor.click("stopExamineButton")
    doctor.page.examination.progressed.emit("Training and measuring: step 9", 0.3)
    assert doctor.find("doctorWords", QLabel).text() == STOPPING
    doctor.until(lambda: doctor.page.examination.stage is Stage.IDLE)
    assert doctor.control.stopping
    assert EARLY.sentence in doctor.verdict and doctor.find("examineButton").isEnabled()


def test_a_failure_is_a_sentence(doctor):
    """Why nothing could be examined stands where the verdict would."""
    doctor.early = doctor.final = None
    doctor.ending = Failed(0, "There is no such list; choose another.")
    doctor.begin()
    doctor.end()
    assert "There is no such list" in doctor.verdict
    assert doctor.find("examineButton").isEnabled()


def test_a_run_that_fails_is_diagnosed(doctor):
    """The verdict on a run that ended in NaN stays; the reason stands below the buttons."""
    doctor.ending = Failed(12, "The loss became nan at step 12.")
    doctor.begin()
    doctor.end()
    assert BROKEN.sentence in doctor.verdict
    assert "nan at step 12" in doctor.find("doctorWords", QLabel).text()


def queued(worker):
    """Have the worker do something for as long as it is not stopped; return its task."""

    def job(control, report):
        while not control.stopping:
            yield Progress("on it", 0.5)
            yield from control.stand_still()

    return worker.do(job, Control(), "something")


def test_a_wrong_setting_is_said_before_anything_is_trained(doctor):
    """A recipe that stands half-typed on its page is not examined."""
    doctor.click("doctorPlayground_names")
    doctor.names.session.draft.set("lr", "x")
    doctor.click("examineButton")
    assert "lr=x is not possible" in doctor.find("doctorWords", QLabel).text()
    assert not doctor.orders


def test_stopped_while_it_waits_nothing_comes_later(doctor):
    """Behind another job of the worker, Stop is at once; the job finds nothing to do."""
    held = threading.Event()
    doctor.window.worker.do(lambda *rest: [held.wait(20)], Control())
    doctor.click("examineButton")
    assert doctor.page.examination.stage is Stage.WAITING
    doctor.click("stopExamineButton")
    assert doctor.page.examination.stage is Stage.IDLE
    held.set()
    done = doctor.window.worker.do(lambda *rest: [], Control())
    doctor.until(lambda: done.mailbox.closed)
    assert doctor.page.examination.info is None and "So far" not in doctor.verdict


def test_an_examination_that_waits_may_go_first(doctor):
    """It says what it waits for; Run now holds the other one, which goes on when it has ended."""
    job = queued(doctor.window.worker)
    doctor.until(lambda: job.begun)
    doctor.click("examineButton")
    words, button = doctor.find("doctorWords", QLabel), doctor.find("examineNow")
    doctor.until(lambda: "Waits for something" in words.text())
    assert button.isVisible() and doctor.page.marks() == [WAITS]
    doctor.click("examineNow")
    doctor.until(lambda: bool(doctor.orders) and job.control.held)
    doctor.until(lambda: doctor.page.examination.stage is Stage.TRAINING)
    assert button.isHidden() and doctor.page.marks() == [TRAINS]
    doctor.end()
    doctor.until(lambda: not job.control.held)
    job.control.stop()


def test_the_budget_that_is_left_is_told(doctor):
    """What is tried, and how many seconds there are yet."""
    doctor.begin()
    doctor.page.examination._on_progress(Progress("Twice as wide", 0.5))
    words = doctor.find("doctorWords", QLabel).text()
    assert "Twice as wide" in words and "30 s left" in words
    assert doctor.page.examination.stage is Stage.TRYING


def test_what_comes_while_it_is_hidden_is_there_when_it_is_seen(doctor):
    """Nothing is drawn for nobody; turning to the page shows the newest."""
    doctor.begin()
    doctor.window.show_page("names")
    doctor.end()
    assert not doctor.find("evidence").findChildren(EvidenceCard)
    doctor.window.show_page("doctor")
    assert BROKEN.sentence in doctor.verdict
    assert doctor.find("evidence").findChildren(EvidenceCard)


def test_every_control_has_names_and_teaches(doctor):
    """With a diagnosis on the screen: each button has names and a tooltip."""
    doctor.begin()
    doctor.end()
    buttons = doctor.page.findChildren(QAbstractButton)
    for button in [*buttons, *doctor.page.findChildren(QListWidget)]:
        if not button.objectName().startswith("qt_"):
            assert button.objectName() and button.toolTip() and button.accessibleName()


def test_a_fault_is_planted_in_a_copy(doctor):
    """A chosen fault reaches the worker; nothing is to be applied, and the page hears nothing."""
    heard = []
    doctor.names.session.diagnosed.connect(heard.append)
    doctor.click("doctorPlayground_names")
    doctor.choose("faultBox", FAULTS["rate_high"].title.rstrip("."))
    assert doctor.find("examineButton").text() == "Inject and diagnose"
    doctor.begin()
    assert doctor.orders[0][1] == "rate_high"
    doctor.end()
    assert BROKEN.sentence in doctor.verdict and "injected fault" in doctor.shown("verdict")
    assert doctor.page.findChild(QWidget, "applyFix") is None
    assert "The doctor found it" in doctor.find("guessResult", QLabel).text()
    assert not heard


def test_only_faults_that_fit_are_offered(doctor):
    """A bigram has no hidden layer to break."""
    doctor.click("doctorPlayground_names")
    rows = doctor.find("faultBox", QListWidget)
    before = rows.count()
    doctor.names.recipe.choose("tuned bigram")
    doctor.window.show_page("names")
    doctor.window.show_page("doctor")
    assert 2 < rows.count() < before


def surprised(doctor):
    """Begin a round with a hidden fault; return it."""
    doctor.click("doctorPlayground_names")
    doctor.choose("faultBox", "Surprise me")
    doctor.begin()
    fault = FAULTS[doctor.orders[-1][1]]
    cause = replace(RATE, id=fault.cause, title=CAUSES[fault.cause].title)
    doctor.final = replace(BROKEN, causes=(cause,))
    return fault


def test_a_hidden_fault_is_guessed(doctor):
    """The doctor's words are covered until the guess; a right one counts for both."""
    fault = surprised(doctor)
    assert EARLY.sentence not in doctor.verdict and "What is wrong?" in doctor.verdict
    doctor.end()
    assert BROKEN.sentence not in doctor.verdict and not doctor.find("findings").isVisible()
    assert not doctor.find("guessButton").isEnabled()
    doctor.choose("guessList", CAUSES[fault.cause].title)
    doctor.click("guessButton")
    assert "Right." in doctor.find("guessResult", QLabel).text()
    assert fault.title in doctor.find("guessResult", QLabel).text()
    assert BROKEN.sentence in doctor.verdict and doctor.find("findings").isVisible()
    assert "You 1 · doctor 1 of 1" in doctor.find("gameScore", QLabel).text()
    doctor.click("guessAgain")
    assert doctor.find("faultBox").isVisible()


def test_an_error_does_not_give_a_hidden_fault_away(doctor):
    """Its words wait for the guess, and do not stay for the next network."""
    doctor.early = None
    surprised(doctor)
    doctor.final = None
    doctor.ending = Failed(3, "Labels are out of range, in batch 3.")
    doctor.end()
    said = doctor.verdict + doctor.shown("doctorControls")
    assert "out of range" not in said and "ended with an error" in said
    doctor.click("doctorPlayground_digits")
    assert "ended with an error" not in doctor.shown("doctorControls")


def test_a_wrong_guess_is_told_what_it_was(doctor):
    """Early guesses open the doctor's words as they come; the score waits for its last one."""
    fault = surprised(doctor)
    doctor.until(lambda: doctor.page._newest is not None)
    rows = doctor.find("guessList", QListWidget)
    titles = [rows.item(i).text() for i in range(rows.count())]
    right = CAUSES[fault.cause].title
    assert right in titles and len(titles) == len(set(titles)) == 6
    doctor.choose("guessList", next(title for title in titles if title != right))
    doctor.click("guessButton")
    assert "Not quite." in doctor.find("guessResult", QLabel).text()
    assert EARLY.sentence in doctor.verdict
    assert doctor.find("gameScore", QLabel).text() == ""
    doctor.end()
    assert "You 0 · doctor 1 of 1" in doctor.find("gameScore", QLabel).text()


def test_what_a_round_is_played_with_is_seen_on_a_small_screen(doctor):
    """The links below the choices, too, at 1280 x 720."""
    doctor.window.resize(1120, 720)
    surprised(doctor)
    for name in ("guessHint", "askDoctor"):
        link = doctor.find(name)
        doctor.until(lambda link=link: link.visibleRegion().boundingRect() == link.rect())


def test_a_hint_and_giving_up(doctor):
    """A hint says what to watch for; asking the doctor ends the guessing, and doesn't count."""
    fault = surprised(doctor)
    doctor.click("guessHint")
    assert fault.hint in doctor.shown("guessBox")
    doctor.click("askDoctor")
    assert fault.title in doctor.find("guessResult", QLabel).text()
    doctor.end()
    assert "You 0 · doctor 1 of 1" in doctor.find("gameScore", QLabel).text()


def badge(doctor):
    """Return the badge of the names page."""
    return doctor.names.findChild(QWidget, "findingBadge")


def test_a_finding_is_a_badge_on_its_page(doctor):
    """It names the first cause, leads to the doctor, and goes with what was found."""
    doctor.window.show_page("names")
    assert not badge(doctor).isVisible()
    doctor.names.session.diagnosed.emit(Diagnosed(500, BROKEN))
    assert badge(doctor).isVisible()
    opened = doctor.names.findChild(QAbstractButton, "openFinding")
    assert RATE.title in opened.text()
    assert (
        not doctor.window.pages["digits"]
        .findChild(QWidget, "findingBadge")
        .isVisibleTo(doctor.window.pages["digits"])
    )
    QTest.mouseClick(opened, Qt.MouseButton.LeftButton)
    assert doctor.window.page is doctor.page
    assert BROKEN.sentence in doctor.verdict
    assert "Names" in doctor.find("verdictNote", QLabel).text()
    doctor.names.session.diagnosed.emit(Diagnosed(600, FINE))
    assert FINE.sentence in doctor.verdict
    assert not badge(doctor).isVisibleTo(doctor.names)


def test_a_badge_with_room_for_its_title_says_all_of_it(doctor):
    """Not a pixel too little for any of the causes."""
    opened = doctor.names.findChild(QAbstractButton, "openFinding")
    for about in CAUSES.values():
        opened.set_title(about.title, 1)
        opened.resize(opened.sizeHint())
        assert opened.shown() == f"{about.title} +1"


def test_a_badge_is_put_away_once_for_each_cause(doctor):
    """Dismissed, the next cause is named; the same one comes back only with another recipe."""
    doctor.window.show_page("names")
    session = doctor.names.session
    session.diagnosed.emit(Diagnosed(500, BROKEN))
    opened = doctor.names.findChild(QAbstractButton, "openFinding")
    away = doctor.names.findChild(QAbstractButton, "dismissFinding")
    QTest.mouseClick(away, Qt.MouseButton.LeftButton)
    assert DEAD.title in opened.text()
    for _ in range(2):
        QTest.mouseClick(away, Qt.MouseButton.LeftButton)
    assert not badge(doctor).isVisible()
    session.diagnosed.emit(Diagnosed(700, BROKEN))
    assert not badge(doctor).isVisible()
    doctor.names.session.draft.set("batch_size", 32)
    assert badge(doctor).isVisible()


def test_a_long_title_in_a_badge_widens_nothing(doctor):
    """It is shortened where there is no room, so that no card beside it is covered."""
    bar, session = doctor.names.run_bar, doctor.names.session
    widths = []
    for title in ("Short", "A title as long as that of some of its causes, or longer still"):
        session.diagnosed.emit(
            Diagnosed(500, replace(BROKEN, causes=(replace(RATE, title=title),)))
        )
        widths.append(bar.minimumSizeHint().width())
        assert title in badge(doctor).open.text()
    assert widths[1] - widths[0] < 90


def test_a_badge_goes_when_it_is_fixed_or_a_run_begins(doctor):
    """Setting the fix is enough; so is a new run, which will be looked at anew."""
    doctor.window.show_page("names")
    session = doctor.names.session
    only = replace(BROKEN, causes=(RATE,))
    session.diagnosed.emit(Diagnosed(500, only))
    assert badge(doctor).isVisible()
    doctor.names.session.draft.set("lr", 0.0005)
    assert not badge(doctor).isVisible()
    session.diagnosed.emit(Diagnosed(500, replace(BROKEN, causes=(DEAD,))))
    assert badge(doctor).isVisible()
    session.started.emit(replace(STARTED, layers=()))
    assert not badge(doctor).isVisible()


def test_a_badge_leads_to_the_page(window):
    """In the program itself: a click on any page's badge turns to the doctor."""
    window.show_page("digits")
    digits = window.pages["digits"]
    digits.session.diagnosed.emit(Diagnosed(500, BROKEN))
    opened = digits.findChild(QAbstractButton, "openFinding")
    QTest.mouseClick(opened, Qt.MouseButton.LeftButton)
    assert window.page is window.pages["doctor"]
    assert BROKEN.sentence in window.findChild(QWidget, "verdict").text()


def test_what_was_examined_is_a_badge_as_well(doctor):
    """An honest examination's causes stand on the page whose network it was."""
    doctor.begin()
    doctor.end()
    doctor.window.show_page("names")
    assert badge(doctor).isVisible()


def test_a_real_examination(qtbot, window, letters_recipe):
    """The worker trains a network uphill, and the doctor says that something is wrong with it."""
    made = Doctor(qtbot, window)
    made.until(lambda: made.find("examineButton").isEnabled())
    made.names.session.recipe = letters_recipe
    made.find("doctorSeconds", QSpinBox).setValue(2)
    made.find("doctorBudget", QSpinBox).setValue(2)
    made.click("doctorPlayground_names")
    made.choose("faultBox", FAULTS["uphill"].title.rstrip("."))
    made.click("examineButton")
    made.until(lambda: made.page.examination.stage is Stage.TRAINING)
    made.until(lambda: made.page.examination.stage is Stage.IDLE, 60)
    assert made.page.report.diagnosis.verdict == "broken"
    assert made.find("findings").isVisible() and made.find("evidence").isVisible()
    assert made.names.session.state is State.READY and made.names.session.info is None
