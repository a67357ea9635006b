"""The case of actual_words on the doctor's page: played, read chapter by chapter, stopped."""

import random
import threading

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QSpinBox, QTabWidget, QWidget

from core.doctor.verdict.causes import CAUSES
from core.lessons import actual_words
from core.lessons import case_study as story
from core.lessons.actual_words import FIXES
from core.lessons.case_study import Chapter
from core.telemetry.events import Answer, Failed, Finished, Metrics, Progress, Started, Stopped
from core.training.control import Control
from gui.background_job import STOPPING, Stage
from gui.doctor import case_study as case_module
from gui.doctor.chapter_card import ChapterCard
from gui.doctor.evidence_panel import LOSS, EvidenceCard
from gui.widgets.sample_block import LINES, SampleBlock, readable
from tests.gui.doctor.chapters import CHAPTERS
from tests.gui.hands import Hands

NOISE = "\u25a1" * 300


class Case(Hands):
    """The program at its doctor, and a case that tells what a test wants it to."""

    def __init__(self, qtbot, window):
        super().__init__(qtbot, window, "doctor")
        self.study = self.page.case_study.study
        self.orders, self.told = [], threading.Semaphore(0)
        self.ending = Finished(0, 0.0)
        self.chapters = CHAPTERS

    def job(self, data, budget, steps, control, report):
        """Stand in for gui.jobs.case_study: a chapter whenever a test releases one."""
        self.orders.append((data, control, budget, steps))
        for chapter in self.chapters:
            yield Progress(chapter.title, chapter.number / (len(FIXES) + 1))
            yield Started("text", "mlp", "cpu", "Shakespeare", 15_322_502, (), 6.93)
            losses = np.linspace(10.3, 9.0 - chapter.number, 40)
            yield Metrics(40, losses, float("nan"), 0.3, 2.0, 0.5)
            while not self.told.acquire(timeout=0.02):
                if control.stopping:
                    yield Stopped(1, 0.1)
                    return
            yield Answer("case", chapter.number, {"chapter": chapter})
        yield self.ending

    def play(self):
        """Press the button, and wait until the first chapter is trained."""
        self.click("caseButton")
        self.until(lambda: self.study.stage is Stage.TRAINING)
        self.until(lambda: len(self.study.history.loss.x) > 0)

    def tell(self, count):
        """Let so many more chapters be told."""
        cards = len(self.cards) + count
        for _ in range(count):
            self.told.release()
        self.until(lambda: len(self.cards) == cards)

    @property
    def cards(self):
        return [c for c in self.find("caseChapters").findChildren(ChapterCard) if c.isVisible()]

    @property
    def words(self):
        return self.find("caseWords", QLabel).text()


def shown(widget):
    """Return the words that are seen in a widget."""
    labels = (part for part in widget.findChildren(QLabel) if part.isVisible())
    return " ".join(part.text() for part in labels)


@pytest.fixture
def pages():
    """The pages that are used here."""
    return ("text", "doctor")


@pytest.fixture
def case(qtbot, window, monkeypatch):
    """The doctor's page, where the case is made up."""
    made = Case(qtbot, window)
    monkeypatch.setattr(case_module.jobs, "case_study", made.job)
    made.until(lambda: made.find("caseButton").isEnabled())
    made.turn_to("Case study")
    yield made
    made.study.stop()


def test_the_case_is_told_chapter_by_chapter(case):
    """Each fix, its loss, what is named and what it writes; the live curve in between."""
    case.play()
    case.until(lambda: case.find("caseCurve").isVisible())
    assert case.find("caseProgress").isVisible()
    assert case.words.startswith("Chapter 1 of 7: The notebook, as it was")
    assert "step 40" in case.words
    case.tell(1)
    (first,) = case.cards
    assert "The notebook, as it was" in shown(first) and first.bar.number == "4.19"
    case.until(lambda: case.words.startswith("Chapter 2 of 7"))
    case.tell(1)
    second = case.cards[1]
    assert f"Fixed: {FIXES[0].title}" in shown(second)
    case.tell(len(CHAPTERS) - 2)
    case.until(lambda: case.study.stage is Stage.IDLE)
    assert [c.chapter.number for c in case.cards] == list(range(len(CHAPTERS)))
    assert "All 7 chapters are done: from 4.19 to 1.98" in case.words
    places = [card.mapTo(case.page, card.rect().topLeft()).y() for card in case.cards]
    assert places == sorted(places)


def test_what_plays_it_stands_where_it_is_told(case):
    """Beside what ends it, in sight when one turns to it."""
    play, stop = case.find("caseButton"), case.find("caseStop")
    assert play.parent() is stop.parent() and play.isVisible()
    assert not play.visibleRegion().isEmpty()


def test_chapters_compare(case):
    """All bars are on one scale, whose whole is the worst chapter's loss."""
    case.play()
    case.tell(3)
    assert {card.bar.most for card in case.cards} == {CHAPTERS[0].nats}


def test_what_is_fixed_next_is_marked(case):
    """The cause that the next chapter fixes; in words where the doctor did not name it."""
    case.play()
    case.tell(3)
    first, second, third = (shown(card) for card in case.cards)
    assert CAUSES["train_eval_mismatch"].title in first and "fixed next" in first
    assert CAUSES["vocabulary_unused"].title in second
    assert f"Fixed next: {FIXES[2].title}" in third


def test_a_chapter_opens_in_the_report(case):
    """By a click anywhere on it, or by its button; nothing can be applied; the loss is shown."""
    case.play()
    case.tell(2)
    QTest.mouseClick(case.cards[0].sample, Qt.MouseButton.LeftButton)
    tabs = case.find("doctorTabs", QTabWidget)
    assert tabs.currentWidget() is case.page.report
    assert CHAPTERS[0].diagnosis.sentence in case.find("verdict").text()
    assert "chapter 1 of 7" in case.find("verdictNote", QLabel).text()
    assert case.page.findChild(QWidget, "applyFix") is None
    cards = case.find("evidence").findChildren(EvidenceCard)
    assert cards[0].picture.picture.question == LOSS
    tabs.setCurrentWidget(case.page.case)
    case.click("openChapter_1")
    assert "chapter 2 of 7" in case.find("verdictNote", QLabel).text()
    tabs.setCurrentWidget(case.page.case)
    QTest.keyClick(case.find("openChapter_0"), Qt.Key.Key_Space)
    assert "chapter 1 of 7" in case.find("verdictNote", QLabel).text()


def test_nothing_else_is_examined_meanwhile(case):
    """While it is told nothing else can be begun; afterwards it can."""
    case.play()
    for name in ("examineButton", "caseButton", "openRecord", "caseSteps", "faultBox"):
        assert not case.find(name).isEnabled(), name
    case.click("caseStop")
    case.until(lambda: case.study.stage is Stage.IDLE)
    for name in ("examineButton", "caseButton", "openRecord", "caseSteps", "faultBox"):
        assert case.find(name).isEnabled(), name


def test_stop_keeps_what_was_told(case):
    """The control is told to judge nothing more; the chapters stay, and it can be played again."""
    case.play()
    case.tell(2)
    case.until(lambda: case.words.startswith("Chapter 3 of 7"))
    said = []

    def report(stage):
        if stage is Stage.STOPPING:
            case.study.progressed.emit("Chapter 3 of 7, step 9", 0.3)
            said.append(case.words)

    case.study.stage_changed.connect(report)
    QTest.keyClick(case.page, Qt.Key.Key_F8)
    case.until(lambda: case.study.stage is Stage.IDLE)
    assert case.orders[0][1].stopping and case.orders[0][1].abandoned
    assert len(said) == 1 and said[0].startswith(STOPPING)
    assert "Stopped; 2 of 7 chapters are done." in case.words and len(case.cards) == 2
    case.play()
    case.until(lambda: not case.cards)


def test_stopped_while_it_waits_nothing_comes_later(case):
    """Behind another job of the worker, Stop is at once; the job finds nothing to do."""
    held = threading.Event()
    case.window.worker.do(lambda *rest: [held.wait(20)], Control())
    case.click("caseButton")
    case.click("caseStop")
    assert case.study.stage is Stage.IDLE
    held.set()
    done = case.window.worker.do(lambda *rest: [], Control())
    case.until(lambda: done.mailbox.closed)
    assert not case.cards and case.study.info is None


def test_it_may_go_first(case):
    """Behind another training it says so; Run now holds that one."""

    def job(control, report):
        while not control.stopping:
            yield Progress("on it", 0.5)
            yield from control.stand_still()

    rival = case.window.worker.do(job, Control(), "something")
    case.click("caseButton")
    case.until(lambda: "Waits for something" in case.words)
    case.click("caseNow")
    case.until(lambda: case.study.stage is Stage.TRAINING)
    assert rival.control.held and case.find("caseNow").isHidden()
    case.click("caseStop")
    case.until(lambda: case.study.stage is Stage.IDLE)
    rival.control.stop()


def test_steps_and_data_reach_the_worker(case, tmp_path):
    """The steps of the box, and the text of the text page."""
    case.window.pages["text"].session.data = tmp_path
    case.find("doctorTabs", QTabWidget).setCurrentWidget(case.page.case)
    case.find("caseSteps", QSpinBox).setValue(30)
    case.play()
    data, _, budget, steps = case.orders[0]
    assert (data, budget, steps) == (tmp_path, 4.0, 30)


def test_a_failure_is_a_sentence(case):
    """It stands where the progress was; what was told stays."""
    case.chapters, case.ending = CHAPTERS[:1], Failed(0, "The network has diverged.")
    case.play()
    case.tell(1)
    case.until(lambda: case.study.stage is Stage.IDLE)
    assert "The network has diverged." in case.words and len(case.cards) == 1


def test_chapters_that_come_while_it_is_hidden_are_there(case):
    """Several at once: of answers, none replaces another."""
    case.play()
    case.window.show_page("text")
    for _ in range(3):
        case.told.release()
    case.until(lambda: len(case.study.chapters) == 3)
    case.window.show_page("doctor")
    assert [card.chapter.number for card in case.cards] == [0, 1, 2]


def test_every_control_has_names_and_teaches(case):
    """With chapters on the screen: each button and box has names and a tooltip."""
    case.play()
    case.tell(2)
    for part in [
        *case.page.case.findChildren(QAbstractButton),
        case.find("caseButton"),
        case.find("caseSteps"),
    ]:
        if not part.objectName().startswith("qt_"):
            assert part.objectName() and part.toolTip() and part.accessibleName()


def test_a_sample_is_a_few_readable_lines(qtbot):
    """Squares break anywhere; empty lines and letters that can't be seen don't stand there."""
    assert readable("\n\nWhat\x1f say\n\n you?") == "What\u00b7 say\nyou?"
    block = SampleBlock(NOISE)
    qtbot.addWidget(block)
    lines = block.lines(300)
    assert len(lines) == LINES and lines[-1].endswith("\u2026")
    short = SampleBlock("To be")
    qtbot.addWidget(short)
    assert short.lines(300) == ["To be"]


def test_a_chapter_with_a_loss_that_is_no_number(qtbot):
    """It has no bar, and no other one suffers from it."""
    chapter = Chapter(1, "x", float("nan"), "?", ("unknown_id",), CHAPTERS[-1].diagnosis)
    card = ChapterCard(chapter, {}, "", "")
    qtbot.addWidget(card)
    card.grab()
    assert card.bar.number == "no number"


@pytest.fixture
def short_text(tmp_path):
    """A text of one's own, of words enough for 1,024 tokens."""
    path, draw = tmp_path / "text.txt", random.Random(1)
    parts = [c + v for c in "bcdfghlmnprst" for v in "aeiou"]
    words = ["".join(draw.choices(parts, k=draw.randint(1, 4))) for _ in range(3000)]
    lines = (" ".join(draw.choices(words, k=9)) for _ in range(1000))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_case_itself(qtbot, window, short_text, monkeypatch):
    """The worker trains the notebook for three steps; chapters are done until it is stopped."""
    for module in (actual_words, story):  # 30,522 outputs take minutes where two cores are busy
        monkeypatch.setattr(module, "OUTPUTS", 1100)
    monkeypatch.setattr(case_module, "BUDGET", 1.0)
    case = Case(qtbot, window)
    case.until(lambda: case.find("caseButton").isEnabled())
    window.pages["text"].session.data = short_text
    case.turn_to("Case study")
    case.find("caseSteps", QSpinBox).setValue(3)
    case.click("caseButton")
    case.until(lambda: len(case.cards) >= 2, 120)
    assert "The notebook, as it was" in shown(case.cards[0])
    assert f"Fixed: {FIXES[0].title}" in shown(case.cards[1])
    QTest.keyClick(case.page, Qt.Key.Key_F8)
    case.until(lambda: case.study.stage is Stage.IDLE, 120)
    assert "Stopped" in case.words
