"""A gradient is typed, checked, hinted at, shown; and what was solved comes back."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.lessons.backprop.steps import CLOSED, STEPS
from gui.lessons.backprop.step_panel import MARKS
from gui.lessons.context import LessonContext
from gui.lessons.parts.backprop import START_OVER, SURE, Part
from tests.gui.lessons.parts.hands import LEFT

ENTER = Qt.Key.Key_Return


def part_of(shelf, context=None, exercise="steps"):
    """Return a part whose forward pass is done."""
    made = shelf.show_part(Part(context or shelf.context, {"exercise": exercise}))
    shelf.until(lambda: made.progress.dojo is not None)
    return made


def type_in(part, text):
    """Type a gradient, and press Enter."""
    field = part.panel.input
    field.setFocus()
    field.selectAll()
    for number, line in enumerate(text.split("\n")):
        if number:
            QTest.keyClick(field, ENTER, Qt.KeyboardModifier.ShiftModifier)
        QTest.keyClicks(field, line)
    QTest.keyClick(field, ENTER)


def test_enter_checks_and_then_goes_on(shelf):
    """What is right is marked in the list, and opens the next one; the keys stay in the field."""
    part = part_of(shelf)
    panel = part.panel
    assert panel.step is STEPS[0] and "loss = -logprobs" in panel.lines.text()
    assert "(32×27)" in panel.known.words and not panel.next.isEnabled()
    type_in(part, "d = torch.zeros_like(logprobs)\nd[range(n), Yb] = -1.0/n")
    assert panel.verdict.words.startswith("Exact") and panel.sign.isVisible()
    assert part.count.text() == "1 of 26 solved" and "dprobs" in panel.next.text()
    assert "right letter counts" in panel.solution.words and panel.solution.isVisible()
    QTest.keyClick(panel.input, ENTER)
    assert panel.step is STEPS[1] and part.list.chosen() == "probs"
    shelf.until(panel.input.hasFocus)
    assert not panel.verdict.isVisible() and not panel.solution.isVisible()


def test_a_wrong_one_is_shown_where_it_is_wrong(shelf):
    """The worst element is marked and named; a mistake in the text is underlined."""
    part = part_of(shelf)
    panel = part.panel
    type_in(part, "-F.one_hot(Yb, 27)")
    assert "n times too large" in panel.verdict.words and panel.difference.isVisible()
    row, column = panel.difference._worst
    assert f"most at [{row}, {column}]" in panel.verdict.words
    assert "above autograd's" in panel.difference.describe(row * 27 + column)
    assert "32×27" in panel.below.text()
    type_in(part, "-F.one_hot(Yb, 27).sum(0)")
    assert "must be 32×27" in panel.verdict.words and not panel.difference.isVisible()
    type_in(part, "dprobs * 2")
    assert "“dprobs” is not known here" in panel.verdict.words
    assert panel.input.extraSelections()
    QTest.keyClicks(panel.input, "!")
    assert not panel.verdict.isVisible() and not panel.input.extraSelections()
    assert part.count.text() == "0 of 26 solved"


def test_the_answer_comes_after_three_hints_and_counts_as_seen(shelf):
    """Each hint stands under the last one."""
    part = part_of(shelf)
    panel = part.panel
    assert not panel.answer.isEnabled()
    for number in range(3):
        assert panel.hint.text() == f"Hint {number + 1} of 3"
        QTest.mouseClick(panel.hint, LEFT)
        assert [place.isVisible() for place in panel.hints].count(True) == number + 1
    assert not panel.hint.isEnabled()
    QTest.mouseClick(panel.answer, LEFT)
    assert STEPS[0].answer in panel.solution.words and panel.next.isEnabled()
    assert part.count.text() == "0 of 26 solved, 1 seen"
    QTest.mouseClick(panel.next, LEFT)
    assert panel.step is STEPS[1]


def test_a_locked_gradient_can_not_be_chosen(shelf):
    """It opens when those above it are done."""
    part = part_of(shelf)
    able = Qt.ItemFlag.ItemIsEnabled
    assert [bool(part.list.item(row).flags() & able) for row in range(3)] == [True, False, False]
    part.progress.check(STEPS[0], STEPS[0].answer)
    assert [bool(part.list.item(row).flags() & able) for row in range(3)] == [True, True, False]
    closed = part_of(shelf, exercise="closed")
    assert closed.panel.step is CLOSED[0]
    assert [bool(closed.list.item(row).flags() & able) for row in range(2)] == [True, False]
    type_in(closed, CLOSED[0].answer)
    assert closed.count.text() == "1 of 2 solved" and "Known are only" in closed.panel.known.words


def test_progress_is_kept_and_can_be_forgotten(shelf):
    """What was typed and not checked, too; the start over asks before."""
    part = part_of(shelf)
    type_in(part, STEPS[0].answer)
    QTest.mouseClick(part.panel.next, LEFT)
    QTest.keyClicks(part.panel.input, "dlogprobs * ")
    kept = part.progress._kept
    later = LessonContext(shelf.worker, {}, dict(kept))
    again = part_of(shelf, later)
    assert again.count.text() == "1 of 26 solved" and again.panel.step is STEPS[1]
    assert again.panel.input.toPlainText() == "dlogprobs * "
    QTest.mouseClick(again.start_over, LEFT)
    assert again.start_over.text() == SURE and again.count.text() == "1 of 26 solved"
    QTest.mouseClick(again.start_over, LEFT)
    assert again.count.text() == "0 of 26 solved" and again.start_over.text() == START_OVER
    assert again.panel.step is STEPS[0] and not again.panel.input.toPlainText()


def test_every_outcome_has_its_sign():
    """With words for who can't see it."""
    assert all(icon and role and words for icon, role, words in MARKS.values())
