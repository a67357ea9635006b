"""The expression lab: type something differentiable, look into it, and let it roll downhill."""

import time
from collections.abc import Mapping

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent, QTextCursor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.errors import UserError
from core.expressions.graph import Graph, Kind
from core.expressions.lab import Lab
from core.expressions.parser import parse
from core.expressions.presets import PRESETS
from core.expressions.tokens import ExpressionError
from core.expressions.words import backward_words, forward_words
from core.numbers import number
from gui.lessons.context import LessonContext
from gui.lessons.expression_lab.pass_view import Pass
from gui.lessons.expression_lab.view import ExpressionView

SLOW, FAST = 250, 40  # milliseconds between two drawings
BUSY = 0.012  # seconds of steps between two drawings, when fast
REST = 300  # milliseconds without a change, until gradients are checked
NO_WAY_BACK = "**No gradient leads back**: nothing here is learned or given. Name a number: w = 2."
ALL_DONE = (
    "**Everything is computed**: values forward in blue, gradients backward in orange. Each leaf is"
    " held against its finite difference: nudge it a little both ways, and see what the last line"
    " does."
)


class Part(QWidget):
    """An expression, its graph, and the descent.

    Options: ``preset``, one of core.expressions.presets; ``begin=empty`` to let the values be
    found out first.
    """

    def __init__(self, room: LessonContext | None, options: Mapping[str, str]) -> None:
        super().__init__()
        self.lab: Lab | None = None
        self._preset = options.get("preset", "neuron")
        self._empty = options.get("begin") == "empty"
        self._begun, self._text = False, ""
        self._pass: Pass | None = None
        self.view = ExpressionView()
        self._clock = QTimer(self)
        self._clock.timeout.connect(self._go_on)
        self._checker = QTimer(self, singleShot=True, interval=REST)
        self._checker.timeout.connect(self._check)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view)
        self._connect()

    def _connect(self) -> None:
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
        view.graph.numberMoved.connect(self._move)
        view.graph.nodePicked.connect(self._tell)

    def showEvent(self, event: QShowEvent) -> None:
        """Begin with the preset, when first seen."""
        super().showEvent(event)
        if not self._begun:
            import torch

            torch.set_num_threads(1)  # of this thread: so small products are quickest alone
            self._begun = True
            self.take(self._preset)
            self.view.input.document().clearUndoRedoStacks()
            if self._empty and self._pass is not None:
                self._pass.clear()
                self._show()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stand still where nobody looks."""
        super().hideEvent(event)
        self.abandon()

    def abandon(self) -> None:
        """Stand still: the window closes."""
        self._pause()
        self._checker.stop()

    def take(self, preset: str) -> None:
        """Put a preset's text in place of what is there; it can be undone."""
        chosen = PRESETS[preset]
        self.view.controls.begin_with(chosen.rate, chosen.fast)
        cursor = QTextCursor(self.view.input.document())
        cursor.select(QTextCursor.SelectionType.Document)
        self._preset, self._text = preset, ""  # the same preset again starts over
        cursor.insertText(chosen.text.rstrip("\n"))
        self.view.presets.setCurrentIndex(self.view.presets.findData(preset))

    def _on_text(self) -> None:
        """Read the text where it is another one: Qt tells of its colours as well."""
        if self.view.input.toPlainText() != self._text:
            self._read()

    def _read(self) -> None:
        """Understand the text, or say why not; its numbers are those to begin with."""
        self._pause()
        self._text = text = self.view.input.toPlainText()
        if text != PRESETS[self._preset].text.rstrip("\n"):
            self.view.presets.setCurrentIndex(-1)
        try:
            graph = parse(text)
            lab = Lab(graph, self.view.controls.seed, self.view.controls.freezes)
        except ExpressionError as error:
            self._complain(error)
            return
        self.lab, self._pass = lab, Pass(lab)
        self.view.show_graph(graph)
        self._show_plane()
        self._show()

    def _complain(self, error: ExpressionError) -> None:
        self.lab = None
        self.view.complain(error)
        self._checker.stop()

    def _show_plane(self) -> None:
        """Show the map where there are points x, their labels y, and answers out."""
        assert self.lab is not None
        plane, values = _plane(self.lab.graph), self.lab.values
        self.view.map.setVisible(plane is not None)
        if plane is not None:
            self.view.map.show_points(*(values[index] for index in plane))

    def _show(self) -> None:
        """Bring graph, map and curve up to date."""
        if self.lab is None or self._pass is None:
            return
        self.view.graph.show_seen(*self._pass.seen())
        self.view.curve.show_lab(self.lab)
        if not self.view.map.isHidden():
            try:
                self.view.map.show_answers(self.lab.answer("out", "x", self.view.map.places()))
            except UserError:
                self.view.map.hide()
        if self.isVisible() and not self._clock.isActive():
            self._checker.start()

    def _check(self) -> None:
        """Hold the gradients against finite differences, now that nothing moves."""
        if self.lab is not None and self._pass is not None:
            self._pass.check()
            self.view.graph.show_seen(*self._pass.seen())

    def _forward(self) -> None:
        """Let the next node have its value; after the last one a new pass begins."""
        self._pause()
        if self.lab is None or self._pass is None:
            return
        try:
            if self._pass.through:
                self.lab.draw_noise()
        except UserError as error:
            self.view.words.say(f"**{error}**")
            return
        self.view.words.say(forward_words(self.lab, self._pass.forward()))
        self._show()

    def _back(self) -> None:
        """Let the next node hand its gradient on; a forward pass that is not done is done first."""
        self._pause()
        if self.lab is None or self._pass is None:
            return
        index = self._pass.back()
        self.view.words.say(NO_WAY_BACK if index is None else backward_words(self.lab, index))
        self._show()

    def _run_all(self) -> None:
        self._pause()
        if self._pass is not None:
            self._pass.finish()
            self.view.words.say(ALL_DONE)
            self._show()

    def _step(self) -> None:
        """Go one step downhill, and say how far down it led."""
        self._pause()
        if self.lab is None or self._pass is None:
            return
        before, rate = self.lab.loss, self.view.controls.rate
        self._pass.finish()
        if self._descend():
            self.view.words.say(
                f"**Step {self.lab.step:,}.** Every learned number moved by −{number(rate, 4)} ×"
                f" its gradient: the last line went from {number(before, 4)} to"
                f" {number(self.lab.loss, 4)}."
            )
        self._show()

    def _descend(self) -> bool:
        """Make a step; return whether it could be made, and stand still if not."""
        assert self.lab is not None
        try:
            self.lab.descend(self.view.controls.rate)
        except UserError as error:
            self._pause()
            self.view.words.say(f"**{error}**")
            return False
        return True

    def _play_or_pause(self) -> None:
        if self._clock.isActive():
            self._pause()
            self._show()
        elif self._pass is not None:
            self._pass.finish()
            self._checker.stop()
            self.view.controls.show_playing(True)
            self._clock.start(FAST if self.view.controls.fast.isChecked() else SLOW)
            self._go_on()

    def _pause(self) -> None:
        self._clock.stop()
        self.view.controls.show_playing(False)

    def _go_on(self) -> None:
        """Make a step, or as many as there is time for; then draw."""
        if self.lab is None:
            return
        fast = self.view.controls.fast.isChecked()
        self._clock.setInterval(FAST if fast else SLOW)
        end = time.perf_counter() + (BUSY if fast else 0)
        while self._descend() and time.perf_counter() < end:
            pass
        self._show()
        if self._clock.isActive():
            self.view.words.say(self._progress())

    def _progress(self) -> str:
        assert self.lab is not None
        words = f"**Step {self.lab.step:,}.** The last line is {number(self.lab.loss, 4)}."
        if not self.view.map.isHidden():
            words += (
                f" {100 * self.view.map.parted:.0f} % of the points are on their side of the line."
            )
        return words

    def _freeze(self, frozen: bool) -> None:
        if self.lab is not None:
            self.lab.frozen = frozen

    def _move(self, leaf: int, which: int, way: float) -> None:
        """Move a number that is dragged; the descent goes on meanwhile."""
        if self.lab is None or self._pass is None:
            return
        value = float(self.lab.values[leaf].reshape(-1)[which]) + way
        try:
            self.lab.set_number(leaf, which, value)
        except UserError as error:
            self.view.words.say(f"**{error}**")
            return
        self._pass.finish()
        self._show_plane()
        self._show()

    def _tell(self, index: int) -> None:
        """Tell about a node that was picked: what it makes, and what it hands on."""
        if self.lab is None or self._clock.isActive():
            return
        if index in self.lab.graph.forward:
            words = forward_words(self.lab, index)
            if index in self.lab.graph.backward:
                words += f" {backward_words(self.lab, index)}"
            self.view.words.say(words)


def _plane(graph: Graph) -> tuple[int, int] | None:
    """Return which nodes are points and their labels, if these can be drawn."""
    if not {"x", "y", "out"} <= set(graph.names):
        return None
    x, y = (graph.nodes[graph.names[name]] for name in ("x", "y"))
    given = x.kind is Kind.GIVEN and y.kind is Kind.GIVEN
    fits = x.shape[1:] == (2,) and y.count == x.shape[0] > 1
    return (x.index, y.index) if given and fits else None
