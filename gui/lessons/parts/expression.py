"""The expression lab: type an expression, step through both passes, and train it."""

import time
from collections.abc import Mapping

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent, QTextCursor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.code.expression import write_expression
from core.code.script import changed_lines
from core.errors import UserError
from core.expressions.explanations import explain_backward, explain_forward
from core.expressions.graph import Graph, Kind
from core.expressions.lab import Lab
from core.expressions.parser import parse
from core.expressions.presets import PRESETS
from core.expressions.stepper import Stepper
from core.expressions.tokens import ExpressionError
from core.numbers import number
from gui.lessons.context import LessonContext
from gui.lessons.expression_lab.view import ExpressionView
from gui.theme import GAP
from gui.widgets.script_card import ScriptCard

SLOW, FAST = 250, 40  # milliseconds between two drawings
BUSY = 0.012  # seconds of steps between two drawings, when fast
REST = 300  # milliseconds without a change, until gradients are checked
CODE = 420  # pixels of the script's height
ABOUT = "This training from the numbers of the text on, in plain PyTorch, without Glassbox."
MARKED = "Marked: what the last change brought."
NO_GRADIENT = (
    "**There is no gradient**: nothing here is learned or constant data. Assign a number to a"
    " name: w = 2."
)
NO_OPERATION = (
    "**There is nothing to compute**: this is a value as it is. Write 2 * 3, for example."
)
ALL_DONE = (
    "**Both passes are done**: values forward in blue, gradients backward in orange. The gradient"
    " of each leaf is checked against its finite difference, (L(x + h) − L(x − h)) / 2h."
)


class Part(QWidget):
    """An expression, its graph, and its training.

    Options: ``preset``, one of core.expressions.presets; ``begin=empty`` to begin before the
    forward pass.
    """

    def __init__(self, context: LessonContext | None, options: Mapping[str, str]) -> None:
        super().__init__()
        self.lab: Lab | None = None
        self._preset = options.get("preset", "neuron")
        self._empty = options.get("begin") == "empty"
        self._shown_before, self._text = False, ""
        self._stepper: Stepper | None = None
        self.view = ExpressionView()
        self._clock = QTimer(self)
        self._clock.timeout.connect(self._train)
        self._checker = QTimer(self, singleShot=True, interval=REST)
        self._checker.timeout.connect(self._check)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.view)
        self.code = ScriptCard(self.view.show_code)
        self.code.file_name = "expression"
        self.code.setMinimumHeight(CODE)
        self.code.hide()
        column.addWidget(self.code)
        view, controls = self.view, self.view.controls
        view.input.textChanged.connect(self._on_text)
        view.presets.activated.connect(lambda _: self.take(view.presets.currentData()))
        controls.forward.clicked.connect(self._forward)
        controls.back.clicked.connect(self._back)
        controls.run_all.clicked.connect(self._run_all)
        controls.step.clicked.connect(self._step)
        controls.play.clicked.connect(self._play_or_pause)
        controls.startedOver.connect(self._read)
        controls.seedChanged.connect(lambda _: self._read())
        controls.frozen.connect(self._freeze)
        controls.rateChanged.connect(self._write_code)
        self.code.toggled.connect(self._show_code)
        view.graph.numberMoved.connect(self._change_number)
        view.graph.nodePicked.connect(self._explain)

    def showEvent(self, event: QShowEvent) -> None:
        """Begin with the preset, when first shown."""
        super().showEvent(event)
        if not self._shown_before:
            import torch

            torch.set_num_threads(1)  # of this thread: so small products are fastest with one
            self._shown_before = True
            self.take(self._preset)
            self.view.input.document().clearUndoRedoStacks()
            if self._empty and self._stepper is not None:
                self._stepper.clear()
                self._show()

    def hideEvent(self, event: QHideEvent) -> None:
        """Pause while hidden."""
        super().hideEvent(event)
        self.abandon()

    def abandon(self) -> None:
        """Stop the timers: the window closes."""
        self._pause()
        self._checker.stop()

    def take(self, preset: str) -> None:
        """Replace the text by a preset; it can be undone."""
        chosen = PRESETS[preset]
        self.view.controls.begin_with(chosen.rate, chosen.fast)
        cursor = QTextCursor(self.view.input.document())
        cursor.select(QTextCursor.SelectionType.Document)
        self._preset, self._text = preset, ""  # the same preset again starts over
        cursor.insertText(chosen.text.rstrip("\n"))
        self.view.presets.setCurrentIndex(self.view.presets.findData(preset))

    def _on_text(self) -> None:
        """Parse the text if it is another one: Qt signals changes of its colours as well."""
        if self.view.input.toPlainText() != self._text:
            self._read()

    def _read(self) -> None:
        """Parse the text and take its numbers, or show what is wrong."""
        self._pause()
        self._text = text = self.view.input.toPlainText()
        if text != PRESETS[self._preset].text.rstrip("\n"):
            self.view.presets.setCurrentIndex(-1)
        try:
            graph = parse(text)
            self.lab = Lab(graph, self.view.controls.seed, self.view.controls.freezes)
        except ExpressionError as error:
            self.lab = None
            self.view.show_error(error)
            self._checker.stop()
            return
        self._stepper = Stepper(self.lab)
        self.view.show_graph(graph)
        self._show_points()
        self._show()
        self._write_code()

    def _show_code(self, shown: bool) -> None:
        self.code.setVisible(shown)
        self._write_code()

    def _write_code(self) -> None:
        """Write the script again, if it can be seen; one with a mistake leaves the last one."""
        if self.lab is None or not self.code.shown:
            return
        controls, before = self.view.controls, self.code.script
        try:
            script = write_expression(
                self.lab.graph, controls.rate, controls.seed, controls.freezes
            )
        except UserError as error:
            self.code.show_none(str(error))
            return
        if script != before:
            marked = changed_lines(before, script) if before else []
            words = MARKED if marked else ""
            self.code.show_script(script, marked, f"{ABOUT} {words}".strip(), words)

    def _show_points(self) -> None:
        """Show the decision map if the expression has points x, labels y, and predictions out."""
        assert self.lab is not None
        plane, values = _plane(self.lab.graph), self.lab.values
        self.view.map.setVisible(plane is not None)
        if plane is not None:
            self.view.map.show_points(*(values[index] for index in plane))

    def _show(self) -> None:
        """Update graph, map and curve."""
        if self.lab is None or self._stepper is None:
            return
        self.view.graph.show_states(*self._stepper.state())
        self.view.curve.show_lab(self.lab)
        if not self.view.map.isHidden():
            try:
                self.view.map.show_predictions(
                    self.lab.predict("out", "x", self.view.map.grid_points())
                )
            except UserError:
                self.view.map.hide()
        if self.isVisible() and not self._clock.isActive():
            self._checker.start()

    def _check(self) -> None:
        """Compare the gradients with finite differences, now that nothing changes."""
        if self.lab is not None and self._stepper is not None:
            self._stepper.check()
            self.view.graph.show_states(*self._stepper.state())

    def _forward(self) -> None:
        """Compute the next node; after the last one a new pass begins."""
        self._pause()
        if self.lab is None or self._stepper is None:
            return
        try:
            if self._stepper.forward_done:
                self.lab.resample()
        except UserError as error:
            self.view.words.say(f"**{error}**")
            return
        index = self._stepper.forward()
        self.view.words.say(NO_OPERATION if index is None else explain_forward(self.lab, index))
        self._show()

    def _back(self) -> None:
        """Go to the next node of the backward pass; the forward pass is completed before."""
        self._pause()
        if self.lab is None or self._stepper is None:
            return
        index = self._stepper.back()
        self.view.words.say(NO_GRADIENT if index is None else explain_backward(self.lab, index))
        self._show()

    def _run_all(self) -> None:
        self._pause()
        if self.lab is None or self._stepper is None:
            return
        self._stepper.finish()
        words = ALL_DONE if self.lab.graph.backward else NO_GRADIENT
        self.view.words.say(words if self.lab.graph.forward else NO_OPERATION)
        self._show()

    def _step(self) -> None:
        """Make one gradient step, and describe it."""
        self._pause()
        if self.lab is None or self._stepper is None:
            return
        before, rate = self.lab.loss, self.view.controls.rate
        self._stepper.finish()
        if self._gradient_step():
            self.view.words.say(
                f"**Step {self.lab.step:,}.** Every learned number changed by −{number(rate, 4)} ×"
                f" its gradient: the loss went from {number(before, 4)} to"
                f" {number(self.lab.loss, 4)}."
            )
        self._show()

    def _gradient_step(self) -> bool:
        """Make a step; return whether it succeeded, and pause if not."""
        assert self.lab is not None
        try:
            self.lab.gradient_step(self.view.controls.rate)
        except UserError as error:
            self._pause()
            self.view.words.say(f"**{error}**")
            return False
        return True

    def _play_or_pause(self) -> None:
        if self._clock.isActive():
            self._pause()
            self._show()
        elif self._stepper is not None:
            self._stepper.finish()
            self._checker.stop()
            self.view.controls.show_playing(True)
            self._clock.start(FAST if self.view.controls.fast.isChecked() else SLOW)
            self._train()

    def _pause(self) -> None:
        self._clock.stop()
        self.view.controls.show_playing(False)

    def _train(self) -> None:
        """Make a step, or as many as there is time for; then draw."""
        if self.lab is None:
            return
        fast = self.view.controls.fast.isChecked()
        self._clock.setInterval(FAST if fast else SLOW)
        end = time.perf_counter() + (BUSY if fast else 0)
        while self._gradient_step() and time.perf_counter() < end:
            pass
        self._show()
        if self._clock.isActive():
            words = f"**Step {self.lab.step:,}.** The loss is {number(self.lab.loss, 4)}."
            if not self.view.map.isHidden():
                words += f" Accuracy: {100 * self.view.map.accuracy:.0f} %."
            self.view.words.say(words)

    def _freeze(self, frozen: bool) -> None:
        if self.lab is not None:
            self.lab.frozen = frozen
            self._write_code()

    def _change_number(self, leaf: int, which: int, change: float) -> None:
        """Change a number that is dragged; training goes on meanwhile."""
        if self.lab is None or self._stepper is None:
            return
        value = float(self.lab.values[leaf].reshape(-1)[which]) + change
        try:
            self.lab.set_number(leaf, which, value)
        except UserError as error:
            self.view.words.say(f"**{error}**")
            return
        self._stepper.finish()
        self._show_points()
        self._show()

    def _explain(self, index: int) -> None:
        """Explain both passes at a node that was picked."""
        if self.lab is None or self._clock.isActive():
            return
        if index in self.lab.graph.forward:
            words = explain_forward(self.lab, index)
            if index in self.lab.graph.backward:
                words += f" {explain_backward(self.lab, index)}"
            self.view.words.say(words)


def _plane(graph: Graph) -> tuple[int, int] | None:
    """Return which nodes are points and their labels, if these can be drawn."""
    if not {"x", "y", "out"} <= set(graph.names):
        return None
    x, y = (graph.nodes[graph.names[name]] for name in ("x", "y"))
    constant = x.kind is Kind.CONSTANT and y.kind is Kind.CONSTANT
    fits = x.shape[1:] == (2,) and y.count == x.shape[0] > 1
    return (x.index, y.index) if constant and fits else None
