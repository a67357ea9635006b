"""The tour of the doctor's page: an examination, a mend, a round of the game, and the case."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QListWidget, QWidget

from gui.doctor.case_study import count, next_of
from gui.doctor.examination import Stage
from gui.doctor.page import Page
from gui.session_state import State
from gui.tour import Guide
from gui.widgets.verdict_card import VerdictCard

TOO_HIGH = 5.0
WHOLE = 12.0  # seconds: where trainings may last so long, the case is played to its end
STEPS, CHAPTERS = 20, 2  # where they may not
LONGEST = 900.0  # seconds for a chapter or two, whose 30,522 outputs take their time


def play(guide: Guide) -> None:
    """Play the page's part."""
    page = guide.find(Page, "pageDoctor")
    sessions = [other.session for other in page.pages.values()]
    guide.wait("no page is busy", lambda: all(s.state is State.READY for s in sessions))
    guide.look("doctor")
    _examine_wrong(guide, page)
    _guess(guide, page)
    _tell(guide, page)


def _examine(guide: Guide, page: Page, seconds: float, budget: float) -> None:
    guide.type_number("doctorSeconds", max(2, round(seconds)))
    guide.type_number("doctorBudget", max(2, round(budget)))
    guide.click("examineButton")
    doctor = page.examination
    guide.wait("it is trained", lambda: doctor.stage is Stage.TRAINING)
    guide.wait("the curve is drawn", lambda: len(doctor.history.loss.x) >= 3)


def _end(guide: Guide, page: Page) -> None:
    stage = page.examination
    guide.wait("the doctor has ended", lambda: stage.stage is Stage.IDLE, 5 * guide.seconds + 120)


def _examine_wrong(guide: Guide, page: Page) -> None:
    """Set a learning rate that is far too high on the names page, and let it be mended."""
    guide.click("go_names")
    guide.type_text("setting_lr", str(TOO_HIGH))
    QTest.keyClick(guide.find(QWidget, "setting_lr"), Qt.Key.Key_Return)
    guide.click("go_doctor")
    guide.click("doctorPlayground_names")
    _examine(guide, page, guide.seconds / 2, guide.seconds / 2)
    guide.look("doctor-watching")
    _end(guide, page)
    verdict = guide.find(VerdictCard, "verdict")
    found = page.report.diagnosis
    guide.expect(verdict.text(), found is not None and found.verdict == "broken")
    guide.expect("the causes are listed", guide.find(QWidget, "findings").isVisible())
    guide.expect("the evidence is shown", guide.find(QWidget, "evidence").isVisible())
    guide.look("doctor-verdict")
    names = page.pages["names"]
    if page.findChild(QWidget, "applyFix") is not None:
        guide.click("applyFix")
        lr = names.session.recipe.lr
        guide.expect(f"the learning rate is mended: {lr:g}", lr < TOO_HIGH)


def _guess(guide: Guide, page: Page) -> None:
    """Let something be broken, guess, and ask the doctor."""
    faults = guide.find(QListWidget, "faultBox")
    place = faults.visualItemRect(faults.item(1)).center()
    QTest.mouseClick(faults.viewport(), Qt.MouseButton.LeftButton, pos=place)
    _examine(guide, page, guide.seconds / 2, guide.seconds / 4)
    choices = guide.find(QListWidget, "guessList")
    place = choices.visualItemRect(choices.item(0)).center()
    QTest.mouseClick(choices.viewport(), Qt.MouseButton.LeftButton, pos=place)
    guide.look("doctor-guess")
    guide.click("guessButton")
    _end(guide, page)
    guide.expect(guide.find(QLabel, "guessResult").text(), True)
    guide.look("doctor-answer")
    guide.click("guessAgain")


def _tell(guide: Guide, page: Page) -> None:
    """Play the case, and look into its first chapter."""
    telling, whole = page.book.telling, guide.seconds >= WHOLE
    guide.turn_to("doctorTabs", "The case")
    if not whole:
        guide.type_number("caseSteps", STEPS)
    guide.click("caseButton")
    guide.wait("a chapter is trained", lambda: len(telling.history.loss.x) >= 2, LONGEST)
    guide.look("doctor-case-watching")
    told = "two chapters are told"
    guide.wait(told, lambda: len(telling.chapters) >= CHAPTERS or _idle(page), LONGEST)
    guide.expect(told, len(page.case.cards) >= CHAPTERS)
    guide.look("doctor-case")
    if whole:
        _solve(guide, page)
    elif telling.stage.running:
        guide.click("caseStop")
    guide.wait("the case has ended", lambda: _idle(page), LONGEST)
    guide.click("openChapter_0")
    verdict = guide.find(VerdictCard, "verdict")
    guide.expect(f"the notebook: {verdict.text()}", "Something is wrong" in verdict.text())
    guide.look("doctor-case-report")


def _solve(guide: Guide, page: Page) -> None:
    """Let every chapter be told; each mend that the doctor asked for is gone in the next one."""
    telling = page.book.telling
    guide.wait("all chapters are told", lambda: len(telling.chapters) == count(), 2 * LONGEST)
    first, last = telling.chapters[0], telling.chapters[count() - 1]
    for number in range(count() - 1):
        cause, _ = next_of(number)
        named = not cause or cause in telling.chapters[number].causes
        guide.expect(f"chapter {number + 1}: {cause or 'nothing more'} is named", named)
    guide.expect(f"nothing is wrong any more: {last.diagnosis.sentence}", not last.causes)
    gained = first.nats - last.nats
    guide.expect(f"it learns {gained:.2f} nats a character better", gained > 0)
    guide.look("doctor-case-solved")


def _idle(page: Page) -> bool:
    return page.book.telling.stage is Stage.IDLE
