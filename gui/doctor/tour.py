"""The tour of the doctor's page: an examination, a fix, a round of the game, and the case."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QListWidget, QWidget

from core.paths import ROOT
from gui.doctor.case_study import count, next_of
from gui.doctor.examination import Stage
from gui.doctor.fault_game import RANDOM
from gui.doctor.page import Page
from gui.doctor.program_panel import LAYERS
from gui.session_state import State
from gui.tour import Guide
from gui.widgets.verdict_card import VerdictCard

TOO_HIGH = 5.0
STEPS, BUDGET = 150, 2
"""Of the networks that are diagnosed, and seconds for experiments: the least that can be set."""
PROVING = (30, 120, 480)
"""Seconds for experiments where a fix is to be proved; the next where a busy machine needs more."""
SEED = 5  # of the hidden fault
NOTEBOOK = ROOT / "resources" / "programs" / "softmax_twice.ipynb"
CHAPTER = 20  # steps of the case study's chapters, where the tour leaves after the first has begun


def play(guide: Guide) -> None:
    """Play the page's part."""
    page = guide.find(Page, "pageDoctor")
    sessions = [other.session for other in page.pages.values()]
    guide.wait("no page is busy", lambda: all(s.state is State.READY for s in sessions))
    _diagnose_wrong(guide, page)
    _guess(guide, page)
    _watch_program(guide, page)
    _case_study(guide, page)


def _diagnose(guide: Guide, page: Page, budget: int = BUDGET) -> None:
    guide.type_number("doctorBudget", budget)
    guide.click("examineButton")
    doctor = page.examination
    guide.wait("it starts", lambda: doctor.stage is not Stage.WAITING)
    shown = "the curve is drawn, or it has ended"  # a fault may end it in its first step
    guide.wait(shown, lambda: len(doctor.history.loss.x) > 0 or doctor.stage is Stage.IDLE)


def _end(guide: Guide, page: Page) -> None:
    guide.wait("the diagnosis is made", lambda: page.examination.stage is Stage.IDLE)


def _diagnose_wrong(guide: Guide, page: Page) -> None:
    """Set a learning rate that is far too high on the Names page, and have it fixed."""
    guide.click("go_names")
    guide.set_number("setting_steps", STEPS)
    guide.set_number("setting_lr", TOO_HIGH)
    guide.click("go_doctor")
    guide.look("doctor-start")
    guide.click("doctorPlayground_names")
    for seconds in PROVING:
        _diagnose(guide, page, seconds)
        guide.look("doctor-watching")
        _end(guide, page)
        if offered := page.findChild(QWidget, "applyFix") is not None:  # what was proved on copies
            break
    verdict = guide.find(VerdictCard, "verdict")
    found = page.report.diagnosis
    guide.expect(verdict.text(), found is not None and found.verdict == "broken")
    guide.expect("the causes are listed", guide.find(QWidget, "findings").isVisible())
    guide.expect("the evidence is shown", guide.find(QWidget, "evidence").isVisible())
    guide.look("doctor")
    guide.expect("a fix is offered", offered)
    guide.click("applyFix")
    lr = page.pages["names"].session.recipe.lr
    guide.expect(f"the learning rate is fixed: {lr:g}", lr < TOO_HIGH)


def _guess(guide: Guide, page: Page) -> None:
    """Have a fault injected, guess which, and ask the doctor."""
    RANDOM.seed(SEED)
    faults = guide.find(QListWidget, "faultBox")
    place = faults.visualItemRect(faults.item(1)).center()
    QTest.mouseClick(faults.viewport(), Qt.MouseButton.LeftButton, pos=place)
    _diagnose(guide, page)
    choices = guide.find(QListWidget, "guessList")
    place = choices.visualItemRect(choices.item(0)).center()
    QTest.mouseClick(choices.viewport(), Qt.MouseButton.LeftButton, pos=place)
    guide.look("doctor-guess")
    guide.click("guessButton")
    _end(guide, page)
    result = guide.find(QLabel, "guessResult").text()
    guide.expect(result, result.startswith(("Right.", "Not quite.")))
    guide.look("doctor-answer")
    guide.click("guessAgain")


def _watch_program(guide: Guide, page: Page) -> None:
    """Drop a notebook with a fault in it, and have it run: the fault is marked at its line."""
    panel, running = page.program, page.programs.running
    page.open.chosen.emit(NOTEBOOK)  # as a drop does
    guide.expect("its source is shown", "Cell 2" in panel.source.toPlainText())
    guide.look("doctor-program-opened")
    page.programs.agree(NOTEBOOK)
    guide.click("runProgram")
    guide.wait("the program has ended", lambda: not running.runs)
    cause = panel.causes.item(0)
    guide.expect("a cause is named at its line", cause is not None and "line" in cause.text())
    guide.look("doctor-program")
    guide.turn_to("programTabs", panel.tabs.tabText(LAYERS))
    guide.look("doctor-program-layers")
    guide.turn_to("programTabs", "Trainings")
    guide.click("programFix")
    guide.expect("a change is proposed", "-    nn.Softmax" in panel.fix.diff.toPlainText())
    guide.click("tryFix")
    trial = page.programs.trial
    guide.wait("the program and its changed copy have ended", lambda: not trial.runs)
    guide.expect(panel.fix.outcome.text(), "The cause is gone" in panel.fix.outcome.text())
    guide.look("doctor-program-fix")
    guide.turn_to("programTabs", "Trainings")


def _case_study(guide: Guide, page: Page) -> None:
    """Begin the case study; a long tour plays it to its end, and looks into its first chapter."""
    study = page.case_study.study
    guide.turn_to("doctorTabs", "Case study")
    if not guide.long:
        guide.type_number("caseSteps", CHAPTER)
    guide.click("caseButton")
    guide.wait("its first chapter is trained", lambda: len(study.history.loss.x) > 0)
    guide.look("doctor-case-watching")
    if guide.long:
        _solve(guide, page)
        guide.click("openChapter_0")
        verdict = guide.find(VerdictCard, "verdict")
        guide.expect(f"the notebook: {verdict.text()}", "Something is wrong" in verdict.text())
        guide.look("doctor-case-report")
    else:
        guide.click("caseStop")
        guide.wait("the case study has ended", lambda: study.stage is Stage.IDLE)
        guide.turn_to("doctorTabs", "Report")


def _solve(guide: Guide, page: Page) -> None:
    """Wait for every chapter; each cause that the doctor named is fixed in the next one."""
    study = page.case_study.study
    guide.wait("all chapters are trained", lambda: len(study.chapters) == count())
    guide.wait("the case study has ended", lambda: study.stage is Stage.IDLE)
    first, last = study.chapters[0], study.chapters[count() - 1]
    for number in range(count() - 1):
        cause, _ = next_of(number)
        named = not cause or cause in study.chapters[number].causes
        guide.expect(f"chapter {number + 1}: {cause or 'nothing more'} is named", named)
    guide.expect(f"nothing is wrong any more: {last.diagnosis.sentence}", not last.causes)
    gained = first.nats - last.nats
    guide.expect(f"it learns {gained:.2f} nats a character better", gained > 0)
    guide.look("doctor-case-solved")
