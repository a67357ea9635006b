"""Lesson 3 on the screen: guess, train two networks, read what was measured."""

from types import SimpleNamespace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea, QVBoxLayout, QWidget

from core.lessons.pair_settings import SHOWN
from core.telemetry.events import Progress
from core.training.control import Control
from gui import theme
from gui.background_job import STOPPING, Stage
from gui.lessons.parts.paired_runs import Part
from gui.lessons.parts.question import RIGHT, WRONG
from gui.worker import Worker

FEW = 30  # steps, in place of the shortest length that is offered
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def worker(qtbot):
    """The thread beside the screen, with torch loaded."""
    made = Worker()
    with qtbot.waitSignal(made.ready, timeout=60_000):
        made.start()
    yield made
    made.close()


class Lesson:
    """A part in a scrolled column, and hands for it."""

    def __init__(self, qtbot, worker, experiments, **options):
        self.qtbot = qtbot
        session = SimpleNamespace(data=None)
        context = SimpleNamespace(worker=worker, session=lambda name: session)
        self.part = Part(context, {"experiments": experiments, **options})
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        column = QWidget()
        QVBoxLayout(column).addWidget(self.part)
        self.area.setWidget(column)
        self.area.resize(900, 800)
        qtbot.addWidget(self.area)
        self.area.show()

    def guess(self, number):
        """Click on a choice."""
        self.qtbot.mouseClick(self.part.question.choices[number], LEFT)

    def start(self, steps=0):
        """Click Start, for the shortest of the lengths or another one."""
        self.part.bar.length.setItemData(0, FEW)
        self.part.bar.length.setCurrentIndex(steps)
        self.qtbot.mouseClick(self.part.bar.start, LEFT)

    def until(self, condition):
        """Let the program work until something holds."""
        self.qtbot.waitUntil(condition, timeout=60_000)

    def finish(self):
        """Wait until both are trained."""
        self.until(lambda: self.part.run.stage is Stage.IDLE)


@pytest.fixture
def lesson(qtbot, worker):
    """Make a part: ``lesson("sigmoid depth")``; what runs ends with the test."""
    made = []

    def make(experiments, **options):
        made.append(Lesson(qtbot, worker, experiments, **options))
        return made[-1]

    yield make
    for one in made:
        one.part.abandon()


def test_one_guesses_before_one_sees(lesson):
    """Start waits for a guess, and nothing is seen before it; a click moves nothing."""
    one = lesson("sigmoid depth")
    assert not one.part.bar.start.isEnabled()
    assert "Predict first" in one.part.question.answer.text()
    assert not one.part.results.isVisible()
    place = one.part.bar.y()
    one.guess(1)
    assert one.part.question.guess == 1
    assert one.part.bar.start.isEnabled()
    QApplication.processEvents()
    assert one.part.bar.y() == place  # Start has not moved from under the mouse


def test_a_guess_is_answered_by_the_measurement(lesson):
    """The right choice is signed, the wrong guess too; the sentence has the measured numbers."""
    one, told = lesson("sigmoid"), []
    one.part.played.connect(lambda: told.append(one.part.results.outcome.text()))
    one.guess(2)
    one.start()
    assert not told
    one.finish()
    assert told == [one.part.results.outcome.text()]
    question, results = one.part.question, one.part.results
    assert [choice.mark for choice in question.choices] == [RIGHT, "", WRONG, ""]
    assert question.choices[0].accessibleDescription() == "right"
    first, second = one.part.run.histories
    assert first.gradient_ratio < 1e-3
    assert "1/400,000" in question.answer.text()
    assert f"{second.gradient_ratio:.1f} times" in question.answer.text()
    assert "After 30 steps" in results.outcome.text()
    assert f"{first.loss:.2f} in A" in results.outcome.text()
    assert results.isVisible()
    assert one.part.bar.start.text() == "Run again"


def test_the_pictures_show_what_was_measured(lesson):
    """The gradient's line falls from the last layer to the first; both losses are drawn."""
    one = lesson("sigmoid")
    one.guess(0)
    one.start()
    one.finish()
    results = one.part.results
    lines = {line.name: line for line in results.gradients.lines if line.name}
    falling = lines["A"].y.tolist()
    assert falling[0] == 1.0
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] == one.part.run.histories[0].gradient_ratio
    points = zip(lines["A"].x.tolist(), falling, strict=True)
    heights = [results.gradients.place(*point).y() for point in points]
    assert heights == sorted(heights)
    assert {line.name for line in results.loss.lines} == {"A", "B"}
    assert "A ends at 1/400,000" in results.gradients.accessibleDescription()
    results.gradients.point(0.0)
    assert "last hidden layer 0\nA: 1×\nB: 1×" in results.gradients.hover_text()


def test_the_layer_table_has_a_row_per_layer(lesson):
    """Rows are layers of the deeper one; a tooltip explains the column, and what is wrong."""
    one = lesson("depth")
    one.guess(0)
    one.start()
    one.finish()
    table = one.part.results.layers
    assert table.rows == ["embedding", *(f"hidden.{i}" for i in range(20)), "output"]
    one.until(lambda: table.height() == table.sizeHint().height())
    in_b = table.cell(table._row(1), 1, 2).center()
    assert "The update-to-weight ratio is at most" in table.explain(in_b)
    assert "log10" in table.explain(in_b)
    missing = table.cell(table._row(15), 0, 2).center()  # A has three layers only
    assert "The update-to-weight ratio is at most" not in table.explain(missing)
    assert "matrix product" in table.explain(QPoint(10, 60))


def test_the_lectures_table_fills_with_what_is_measured_here(lesson):
    """The lecture's numbers stand there when it begins, those of here when both have run."""
    one = lesson("first-loss")
    one.guess(2)
    one.start()
    one.finish()
    cells = [cell.text() for cell in one.part.results.table.cells]
    first, second = one.part.run.histories
    assert cells[:2] == [f"{first.first_loss:.2f}", f"{second.first_loss:.2f}"]
    assert cells[3] == f"{second.val_loss:.3f} after 30"
    assert "bundled US names" in one.part.results.table.note.text()
    assert not one.part.results.gradients.isVisible()  # of one hidden layer nothing can be compared


def test_a_question_about_the_end_is_answered_at_the_end(lesson):
    """Which is better is not known after the first step."""
    one = lesson("kaiming")
    one.guess(1)
    one.start()
    one.until(lambda: one.part.run.histories[0].first is not None)
    assert not one.part.question.answered or not one.part.run.stage.running
    one.finish()
    assert one.part.question.answered
    assert "nats per character" in one.part.question.answer.text()


def test_a_pause_and_a_stop(lesson):
    """Both are paused and go on; a stop ends both, which are evaluated as they are."""
    one = lesson("sigmoid")
    one.guess(0)
    one.start(steps=3)
    bar = one.part.bar
    one.until(bar.pause.isEnabled)
    one.qtbot.mouseClick(bar.pause, LEFT)
    one.until(lambda: bar.pause.text() == "Resume")
    one.until(lambda: "paused" in bar.words.text())
    before = one.part.run.step
    assert not bar.start.isEnabled()
    assert not one.part.choice.isEnabled()
    one.qtbot.mouseClick(bar.pause, LEFT)
    one.until(lambda: one.part.run.step > before)
    assert bar.pause.text() == "Pause"
    one.qtbot.mouseClick(bar.stop, LEFT)
    assert bar.words.text() == STOPPING
    one.finish()
    assert one.part.run.step < 200_000
    assert "Validation loss" in one.part.results.outcome.text()


@pytest.fixture
def rival(worker):
    """Something else that is trained for as long as it is not stopped."""

    def job(control, report):
        while not control.stopping:
            yield Progress("on it", 0.5)
            yield from control.stand_still()

    made = worker.do(job, Control(), "something")
    yield made
    made.control.stop()


def test_it_waits_its_turn_and_says_so(lesson, rival):
    """While another network is trained, a sentence says why nothing happens; Stop gives up."""
    one = lesson("sigmoid")
    one.guess(0)
    one.start()
    one.until(lambda: one.part.bar.words.text() == "Waits for something.")
    assert not one.part.bar.pause.isEnabled()
    one.qtbot.mouseClick(one.part.bar.stop, LEFT)
    assert one.part.run.stage is Stage.IDLE
    assert one.part.bar.start.isEnabled() and one.part.bar.run_now.isHidden()
    assert one.part.bar.words.text() == ""


def test_it_may_go_first(lesson, rival):
    """Run now trains both networks; the other one goes on afterwards."""
    one = lesson("sigmoid")
    one.guess(0)
    one.start()
    one.until(one.part.bar.run_now.isVisible)
    one.qtbot.mouseClick(one.part.bar.run_now, LEFT)
    one.finish()
    assert one.part.run.step == FEW and one.part.bar.run_now.isHidden()
    one.until(lambda: not rival.still)


def test_settings_that_differ_are_marked(lesson):
    """The rows in which A and B are not alike are marked with a sign, not with colour alone."""
    one = lesson("sigmoid depth", settings="shown")
    settings = one.part.settings
    assert settings.isVisible()
    marked = [name for name in SHOWN if "≠" in settings._labels[name].text()]
    assert marked == ["activation", "gain"]
    one.qtbot.mouseClick(one.part.choice.buttons["depth"], LEFT)
    assert "≠" in settings._labels["depth"].text()
    assert settings.fields["depth", 1].value() == 20
    assert "20 hidden layers" in one.part.heads.lines[1].text()


def test_two_networks_of_ones_own(lesson):
    """A changed setting makes an experiment of one's own, with its own question and answer."""
    one = lesson("sigmoid", settings="shown")
    one.guess(0)
    fields = one.part.settings.fields
    combo = fields["norm", 0]
    combo.setFocus()
    for _ in range(2):
        QTest.keyClick(combo, Qt.Key.Key_Down)
    assert one.part.choice.key() == "own"
    assert one.part.pair[0].norm == "layer"
    assert one.part.question.guess == -1
    fields["depth", 0].setValue(4)
    fields["residual", 1].click()
    assert one.part.pair[0].depth == 4
    assert one.part.pair[1].residual
    one.guess(2)
    one.start()
    one.finish()
    assert one.part.question.answered
    assert "layer 4" in one.part.question.answer.text()


def test_own_networks_begin_with_those_that_stand_there(lesson):
    """Where settings are hidden, Your own shows them, as they are in the experiment."""
    one = lesson("residual")
    assert not one.part.settings.isVisible()
    one.qtbot.mouseClick(one.part.choice.buttons["own"], LEFT)
    assert one.part.settings.isVisible()
    assert one.part.settings.fields["gain", 0].value() == 0.5
    assert one.part.settings.fields["residual", 1].isChecked()


def test_again_gives_the_same_numbers(lesson):
    """The same seed and the same batches: a second run measures what the first has measured."""
    one = lesson("sigmoid")
    one.guess(0)
    one.start()
    one.finish()
    told = [(a.gradient_ratio, a.loss, a.val_loss) for a in one.part.run.histories]
    one.start()
    assert not one.part.question.answered
    one.finish()
    assert [(a.gradient_ratio, a.loss, a.val_loss) for a in one.part.run.histories] == told


def test_another_experiment_forgets_the_last_one(lesson):
    """Its question is open, nothing is seen of the networks before."""
    one = lesson("sigmoid explode")
    one.guess(0)
    one.start()
    one.finish()
    one.qtbot.mouseClick(one.part.choice.buttons["explode"], LEFT)
    assert not one.part.question.answered
    assert not one.part.results.isVisible()
    one.guess(3)
    one.start()
    one.finish()
    assert one.part.question.choices[3].mark == RIGHT
    assert "The loss of B is NaN or infinite" in one.part.results.outcome.text()


def test_a_run_that_fails_says_why(lesson, monkeypatch):
    """A list of names that can't be read is told in a sentence."""
    from core.errors import UserError
    from gui import jobs

    def fail(name, source, control):
        raise UserError("names.txt is not there; choose the list again.")

    monkeypatch.setattr(jobs, "_load", fail)
    one = lesson("sigmoid")
    one.guess(0)
    one.start()
    one.finish()
    assert "is not there" in one.part.question.answer.text()
    assert one.part.question.answer.property("role") == "fault"


def test_what_is_hidden_draws_nothing_and_catches_up(lesson):
    """A part out of sight goes on; when it is seen again it shows what it has measured."""
    one = lesson("sigmoid")
    one.guess(0)
    one.start(steps=3)
    one.until(lambda: one.part.run.step > 0)
    one.area.hide()
    drawn = one.part.results.loss.lines
    seen = one.part.run.step
    one.until(lambda: one.part.run.step > seen + 20)
    assert one.part.results.loss.lines is drawn
    one.area.show()
    assert one.part.results.loss.lines is not drawn
    one.part.run.stop()
    one.finish()


def test_everything_has_a_name_and_a_tip(lesson):
    """Each thing to click or type in has an object name, an accessible name and a tooltip."""
    one = lesson("sigmoid depth", settings="shown")
    part = one.part
    used = [*part.settings.fields.values(), *part.question.choices, *part.choice.buttons.values()]
    used += [part.bar.start, part.bar.pause, part.bar.stop, part.bar.length]
    for widget in used:
        assert widget.objectName(), widget
        assert widget.accessibleName(), widget.objectName()
        assert widget.toolTip(), widget.objectName()
    names = [widget.objectName() for widget in used]
    assert len(names) == len(set(names))


def test_the_keyboard_is_enough(lesson):
    """Space guesses and starts."""
    one = lesson("sigmoid")
    for widget in (one.part.question.choices[0], one.part.bar.start):
        widget.setFocus()
        QTest.keyClick(widget, Qt.Key.Key_Space)
    assert one.part.run.stage.running
    one.part.run.stop()
    one.finish()


def test_both_themes_are_painted(lesson, qapp):
    """Charts and tables take the colours of the current theme."""
    one = lesson("sigmoid")
    one.guess(0)
    one.start()
    one.finish()
    light = one.part.grab().toImage()
    try:
        theme.apply(qapp, "dark")
        dark = one.part.grab().toImage()
    finally:
        theme.apply(qapp, "light")
    place = one.part.results.layers.mapTo(one.part, QPoint(2, 2))
    assert light.pixelColor(place) != dark.pixelColor(place)


def test_the_code_of_network_b_is_shown_with_what_differs_from_a(lesson, qtbot):
    """Of each experiment, of networks of one's own, and for the chosen number of steps."""
    one = lesson("sigmoid norm")
    code, source = one.part.code, one.part.code.source
    qtbot.mouseClick(code.button, LEFT)
    assert source.isVisible() and "class DeepMLP" in source.toPlainText()
    lines = source.toPlainText().split("\n")
    marked = [line for row, line in enumerate(lines) if source.marks_at(row)]
    assert marked and "A has not" in code.caption.text()
    one.part.bar.length.setCurrentIndex(0)
    assert f"steps = {one.part.bar.steps}\n" in source.toPlainText()
    qtbot.mouseClick(one.part.choice.buttons["norm"], LEFT)
    assert "BatchNorm1d" in source.toPlainText()
    qtbot.mouseClick(code.hide_button, LEFT)
    assert not source.isVisible() and code.button.text() == "Show the code"
