"""A program of one's own: what is run, its source, its trainings, and where a cause lies."""

import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from core.doctor.diagnosis import Cause, CodeLine, Diagnosis
from core.programs.by_hand import ChangedByHand, nothing_seen
from core.programs.fixes.propose import propose
from core.programs.loss_words import loss_words
from core.programs.place_words import loop_words, place_words
from core.programs.program import Program
from core.telemetry.history import Curve, History
from gui.background_job import STOPPING
from gui.doctor.fix_panel import PICTURE, FixPanel
from gui.doctor.output_view import OutputView
from gui.doctor.program_run import ProgramRequest, layers_of
from gui.doctor.source_view import LineMark, SourceView
from gui.inputs import SpinBox
from gui.rich_text import rich
from gui.theme import GAP
from gui.widgets.buttons import identified, push_button
from gui.widgets.card import Card, label, say
from gui.widgets.curve_card import LiveLoss
from gui.widgets.layer_table import LayerTable
from gui.widgets.page_tabs import PageTabs
from gui.widgets.scroll_column import UNDER_TABS, scrolled
from gui.widgets.status_icon import VERDICT_ROLES
from gui.widgets.title_list import TitleList

FIX, LAYERS = 1, 2  # the tabs of the change and of the layers
ROWS = 64  # pixels of a list of trainings or causes, at least
HALVES = (150, 290)  # pixels of source and tabs, in a window of 720 lines
NO_PROGRAM = "No program is open."
NO_TRAINING = "The trainings of the program appear here while it runs."
ROLES = {"fault": "fault", "warning": "warning"}


class ProgramLayers(LayerTable):
    """The layers of a program's network: to be looked at, not to be opened."""

    opens_layers = False


class ProgramPanel(QWidget):
    """Shows a program, before, while and after it is run."""

    openAsked = Signal()
    runAsked = Signal(object)
    """A :class:`ProgramRequest`."""
    stopAsked = Signal()
    reportAsked = Signal(object, object)
    """A diagnosis, of which the whole report is wanted, and the curves of its training."""

    def __init__(self) -> None:
        super().__init__()
        self.program: Program | None = None
        self._loops: list[dict[str, Any]] = []
        self._histories: list[History] = []
        self._examined: list[float | None] = []
        self._seen: list[dict[str, Any]] = []
        """Curves and layers of the trainings, as the running program told them last."""
        self._layers_of = -1
        """Of which training the layers are shown."""
        self._updates: dict[int, History] = {}
        """Of the layers of each training, as far as they were shown."""
        self._make_controls()
        self._make_training()
        self.source = SourceView()
        self.source.markClicked.connect(self.causes.setCurrentRow)
        self.fix = FixPanel()
        self.layers = ProgramLayers()
        self.layers.setObjectName("programLayers")
        self.output = OutputView()
        self._arrange()
        self._forget()
        self.set_running(False)

    def _make_controls(self) -> None:
        self.open = push_button(
            "openProgram",
            "Open program\u2026",
            "Open a script (.py) or a notebook (.ipynb); nothing is run.",
        )
        self.name = label(NO_PROGRAM, "heading")
        self.name.setObjectName("programName")
        self.arguments = identified(
            QLineEdit(),
            "programArguments",
            "Arguments of the program",
            "What would stand behind the program's name in a terminal.",
        )
        self.arguments.setPlaceholderText("Arguments")
        self.python = identified(
            QLineEdit(),
            "programPython",
            "Python interpreter",
            "Another Python, which has the program's packages; it needs torch and numpy. Empty:"
            " that of Glassbox.",
        )
        self.python.setPlaceholderText("Python interpreter: Glassbox's own")
        self.seconds = SpinBox()
        identified(
            self.seconds,
            "programSeconds",
            "Seconds for each training",
            "End each training after so many seconds, and go on behind it: the program reaches the"
            " code that uses what was trained.",
        )
        self.seconds.setRange(0, 86_400)
        self.seconds.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.seconds.setSuffix(" s")
        self.seconds.setSpecialValueText("to its end")
        self.run = push_button("runProgram", "Run", "Run it, unedited, and watch its trainings.")
        self.run.setProperty("role", "primary")
        self.stop = push_button("stopProgram", "Stop", "Stop the program, and what it started.")
        self.words = label("", "small", wrap=True)
        self.words.setObjectName("programWords")
        self.open.clicked.connect(self.openAsked)
        self.run.clicked.connect(self._ask)
        self.stop.clicked.connect(self.stopAsked)

    def _make_training(self) -> None:
        self.loops = TitleList(
            "programLoops", "Trainings of the program", "The trainings that it does."
        )
        self.causes = TitleList(
            "programCauses",
            "Causes",
            "What is wrong, most likely first; a click turns to its line.",
        )
        self.verdict = label("", "muted", wrap=True)
        self.verdict.setObjectName("programVerdict")
        self.report = push_button(
            "programReport", "Whole report", "Show evidence, experiments and checks.", "link"
        )
        self.show_fix = push_button(
            "programFix", "Show the fix", "Show a change to the source that may fix it.", "link"
        )
        self.curve = LiveLoss("programCurve")
        self.curve.setFixedWidth(PICTURE)
        self.loops.currentRowChanged.connect(lambda row: self._show_loop())
        self.causes.currentRowChanged.connect(self._show_cause)
        self.report.clicked.connect(self._ask_report)
        self.show_fix.clicked.connect(lambda: self.tabs.setCurrentIndex(FIX))

    def _arrange(self) -> None:
        card = Card()
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self.open)
        head.addWidget(self.name, 1)
        head.addWidget(self.run)
        head.addWidget(self.stop)
        settings = QHBoxLayout()
        settings.setSpacing(GAP)
        settings.addWidget(self.arguments, 2)
        settings.addWidget(self.python, 2)
        settings.addWidget(label("Each training", "muted"))
        settings.addWidget(self.seconds)
        for row in (head, settings):
            card.body.addLayout(row)
        card.body.addWidget(self.words)
        training = QWidget()
        found = QVBoxLayout()
        found.addWidget(self.verdict)
        links = QHBoxLayout()
        links.setSpacing(GAP)
        links.addWidget(self.show_fix)
        links.addWidget(self.report)
        links.addStretch(1)
        found.addLayout(links)
        found.addWidget(self.causes, 1)
        for rows in (self.loops, self.causes):  # of what height is left, however long they are
            rows.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
            rows.setMinimumHeight(ROWS)
        columns = QHBoxLayout(training)
        columns.setContentsMargins(0, GAP, 0, 0)
        columns.setSpacing(GAP)
        columns.addWidget(self.loops, 1)
        columns.addLayout(found, 1)
        columns.addWidget(self.curve, 0, Qt.AlignmentFlag.AlignTop)
        self.tabs = PageTabs("programTabs")
        for widget, title in (
            (scrolled(training, fills=True), "Trainings"),
            (scrolled(self.fix, fills=True), "Fix"),
            (scrolled(self.layers), "Layers"),
            (self.output, "Output"),
        ):
            self.tabs.addTab(widget, title)
        self.halves = QSplitter(Qt.Orientation.Vertical)
        self.halves.setObjectName("programHalves")
        self.halves.setChildrenCollapsible(False)
        self.halves.addWidget(self.source)
        self.halves.addWidget(self.tabs)
        self.halves.setSizes(list(HALVES))
        self.halves.setStretchFactor(0, 1)  # the source gains most from a larger window
        column = QVBoxLayout(self)
        column.setContentsMargins(0, UNDER_TABS, 14, 0)
        column.setSpacing(GAP)
        column.addWidget(card)
        column.addWidget(self.halves, 1)

    # What is run.

    def show_program(self, program: Program) -> None:
        """Show a program that was opened; nothing is run yet."""
        self.program = program
        self.name.setText(program.path.name)
        self.name.setToolTip(rich(str(program.path)))
        self.source.show_program(program)
        self.output.forget()
        self._forget()
        self.set_running(False)
        cells = sum(cell.number is not None for cell in program.cells)
        what = f"{cells} cells of code" if program.is_notebook else "A script"
        count = len(program.skipped)
        skipped = f"; {count} line{'s are' if count > 1 else ' is'} not executed" if count else ""
        self.say(f"{what} in {program.path.parent}{skipped}. Nothing is run before you press Run.")

    def _forget(self) -> None:
        """Forget the last run."""
        self._loops, self._histories, self._examined, self._seen = [], [], [], []
        self._updates = {}
        self.loops.clear()
        self.causes.clear()
        self.source.set_marks(())
        self._show_layers()
        self._show_cause(-1)
        self.curve.watch(None)
        say(self.verdict, NO_TRAINING)
        self.report.setEnabled(False)

    def set_running(self, running: bool, trying: bool = False) -> None:
        """Offer what can be done while the program is run, or a change to it is tried."""
        idle = not running and not trying
        self.run.setEnabled(self.program is not None and idle)
        self.stop.setEnabled(running)
        self._stopping = False
        for widget in (self.open, self.arguments, self.python, self.seconds):
            widget.setEnabled(idle)
        self.fix.set_trying(trying, running)

    def show_stopping(self) -> None:
        """Say at once that the program was asked to stop, and nothing else until it has ended."""
        self._stopping = True
        self.stop.setEnabled(False)
        self.say(STOPPING)

    def say(self, sentence: str, role: str = "small") -> None:
        """Say how it is going, or what is wrong."""
        say(self.words, sentence, role)

    def _ask(self) -> None:
        if request := self.request():
            self.runAsked.emit(request)

    def request(self) -> ProgramRequest | None:
        """Return what is to be run; None, and say why, where the arguments can't be read."""
        assert self.program is not None
        try:
            arguments = tuple(shlex.split(self.arguments.text()))
        except ValueError as error:
            self.say(f"The arguments can't be read ({error}); close the quotation.", "fault")
            return None
        return ProgramRequest(
            self.program.path, arguments, self.seconds.value(), self.python.text().strip()
        )

    def begin(self) -> None:
        """Make room for what will be seen."""
        self.output.forget()
        self._forget()
        self.set_running(True)
        self.tabs.setCurrentIndex(0)
        self.say("It starts; torch takes some seconds.")

    # What is seen.

    def show_progress(self, answer: dict[str, Any], seen: dict[str, Any]) -> None:
        """Show what was seen until now."""
        self._loops, self._seen = answer["loops"], seen["seen"]
        self._histories = [_history(one) for one in seen["seen"]]
        self._examined = [one["examined_for"] for one in seen["seen"]]
        for row, loop in enumerate(self._loops):
            words = _in_words(loop, self._examined[row])
            item = self.loops.item(row)
            if item is None:
                self.loops.addItem(words)
                self.loops.setCurrentRow(row)
            elif item.text() != words:
                item.setText(words)
        self._show_loop()
        if self._stopping:
            return
        if self._loops:
            loop = self._loops[-1]
            elsewhere = seen["cell"] not in (None, loop["where"]["cell"])
            words = _in_words(loop, self._examined[-1])
            now = f"Cell {seen['cell']} is run. " if elsewhere else ""
            self.say(f"{now}{words[0].upper()}{words[1:]}.")
        elif seen["cell"]:
            self.say(f"Cell {seen['cell']} is run.")

    def show_end(self, answer: dict[str, Any]) -> None:
        """Say how it ended."""
        self.set_running(False)
        failed = [place_words(one) for one in answer["failed"]]
        if answer["error"]:
            from core.doctor.rules.crash import usual_cause  # brings torch

            where = f" ({', '.join(failed)})" if failed else ""
            cause = usual_cause(answer["error"])
            why = f" Its usual cause: {cause}." if cause else ""
            self.say(f"{answer['error']}{where}.{why}", "fault")
            if not answer["loops"]:
                self.tabs.setCurrentWidget(self.output)
        elif not answer["loops"]:
            moved = [ChangedByHand(**one) for one in answer["by_hand"]]
            self.say(nothing_seen(moved), "warning")
        else:
            self.say(f"It ended with exit status {answer['exit_status']}.")

    @property
    def row(self) -> int:
        """Which training is shown; -1 for none."""
        return self.loops.currentRow()

    def diagnosis(self) -> Diagnosis | None:
        """Return what the doctor says of the training that is shown; None while it goes on."""
        if not 0 <= self.row < len(self._loops):
            return None
        values = self._loops[self.row]["diagnosis"]
        return Diagnosis.from_dict(values) if values else None

    def _show_loop(self) -> None:
        row = self.row
        if not 0 <= row < len(self._loops):
            return
        self._show_layers()
        self.curve.watch(self._histories[row] if row < len(self._histories) else None)
        diagnosis = self.diagnosis()
        self.report.setEnabled(diagnosis is not None)
        if diagnosis is None:
            seconds = self._examined[row]
            watched = "It is watched; the doctor says what it found when it has ended."
            say(self.verdict, watched if seconds is None else f"It {_examined(seconds)}.")
            self._show_causes((), "muted")
            return
        role = VERDICT_ROLES[diagnosis.verdict]
        sentence = f"{diagnosis.headline} {diagnosis.sentence}"
        say(self.verdict, sentence, ROLES.get(role, "muted"))
        self._show_causes(diagnosis.causes, role)

    def _show_causes(self, causes: Sequence[Cause], role: str) -> None:
        words = [_cause_in_words(cause) for cause in causes]
        if words == [self.causes.item(row).text() for row in range(self.causes.count())]:
            return
        self.causes.clear()
        self.causes.addItems(words)
        path = str(self.program.path) if self.program else ""
        self.source.set_marks(
            [
                LineMark(line.cell, line.line, number, _mark_in_words(cause), role)
                for number, cause in enumerate(causes)
                for line in cause.lines[:1]
                if line.file == path
            ]
        )
        if causes:
            self.causes.setCurrentRow(0)  # that of the fix that is offered
        else:
            self._show_cause(-1)

    def _show_cause(self, row: int) -> None:
        """Turn to the line of a cause, and to the change that may fix it."""
        diagnosis = self.diagnosis()
        causes = diagnosis.causes if diagnosis else ()
        cause = causes[row] if 0 <= row < len(causes) else None
        fix = propose(self.program, cause) if self.program and cause else None
        self.show_fix.setEnabled(fix is not None)
        self.fix.show_fix(cause, fix)
        if cause:
            self.source.show_cause(row)

    def _show_layers(self) -> None:
        """Show the layers of the chosen training, in its newest step that was observed."""
        row = self.row
        found = layers_of(self._seen[row]) if 0 <= row < len(self._seen) else None
        shown = self.layers.snapshot if row == self._layers_of else None
        if found is None:
            self._layers_of = -1
            self.layers.set_layers((), History())
            self.tabs.setTabText(LAYERS, "Layers")
            return
        snapshot = found.snapshot
        if shown is not None and shown.step == snapshot.step:
            return
        updates = self._updates.get(row)
        if updates is None or len(updates.layers) != len(snapshot.layers):
            updates = self._updates[row] = History()
        if row != self._layers_of or not updates.layers:
            self._layers_of = row
            self.layers.set_layers(found.layers, updates)
        if not updates.layers or updates.layers[0]["update_to_data"].x[-1] < snapshot.step:
            updates.add(snapshot)
        self.layers.show_snapshot(snapshot)
        self.tabs.setTabText(LAYERS, f"Layers at step {snapshot.step:,}")

    def show_figure(self, figure: dict[str, Any]) -> None:
        """Show a figure that the program has shown."""
        self.output.show_figure(figure["file"], place_words(figure))

    def _ask_report(self) -> None:
        if diagnosis := self.diagnosis():
            self.reportAsked.emit(diagnosis, self._histories[self.row])

    def title(self) -> str:
        """Return what the training that is shown is called."""
        assert self.program is not None
        return f"{self.program.path.name}, {_in_words(self._loops[self.row])}"


def _history(seen: dict[str, Any]) -> History:
    history = History()
    if seen["steps"]:
        losses = [np.nan if loss is None else loss for loss in seen["losses"]]
        history.loss.extend(np.array(seen["steps"]), np.array(losses, float))
    if seen["validations"]:
        points = [(step, loss) for step, loss in seen["validations"] if loss is not None]
        history.evaluations["val_loss"] = Curve()
        if points:
            history.evaluations["val_loss"].extend(*np.array(points, float).T)
    return history


def _in_words(loop: dict[str, Any], examined_for: float | None = None) -> str:
    """Say of a training where it is, how far, its loss, and whether it is examined."""
    words = f"{loop_words(loop)}: {loop['steps']:,} steps"
    if loss := loss_words(loop):
        words += f", {loss}"
    return words if examined_for is None else f"{words}; {_examined(examined_for)}"


def _examined(seconds: float) -> str:
    return f"is examined, up to {seconds:.0f} s"


def _cause_in_words(cause: Cause) -> str:
    place: CodeLine | None = cause.lines[0] if cause.lines else None
    return f"{cause.title} \u00b7 {place.place}" if place else cause.title


def _mark_in_words(cause: Cause) -> str:
    return f"{cause.title}: {cause.evidence}. {cause.fix}"
