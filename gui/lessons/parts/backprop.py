"""The gradients of one exercise: a list of them, and beside it the one that is typed.

``{{backprop exercise=steps}}`` or ``exercise=closed``.
"""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout

from core.lessons.backprop.dojo import StepState
from core.lessons.backprop.steps import ALL_STEPS, CLOSED, STEPS
from gui.lessons.backprop.progress import DojoProgress
from gui.lessons.backprop.step_list import StepList
from gui.lessons.backprop.step_panel import StepPanel
from gui.lessons.context import LessonContext
from gui.widgets.buttons import push_button, retitle
from gui.widgets.card import Card, label, say

TITLES = {"steps": "Step by step", "closed": "In one expression"}
COMING = "The forward pass is computed\u2026"
START_OVER, SURE = "Start over", "Forget all that is solved?"
START_OVER_HELP = "Forget everything in this lesson that was typed, solved or seen. Click twice."


class Part(Card):
    """An exercise."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        exercise = options.get("exercise", "steps")
        super().__init__(TITLES[exercise])
        self.setObjectName(f"backprop_{exercise}")
        self.steps = CLOSED if exercise == "closed" else STEPS
        self.progress = context.shared(DojoProgress)
        self.count = label("", "muted")
        self.count.setObjectName(f"gradientCount_{exercise}")
        self.start_over = push_button(
            f"gradientsStartOver_{exercise}", START_OVER, START_OVER_HELP, "link"
        )
        self.list = StepList(f"gradientList_{exercise}", self.steps)
        self.panel = StepPanel(exercise, self.progress)
        self.problem = label(COMING, "muted", wrap=True)
        self.head.addWidget(self.count)
        self.head.addWidget(self.start_over)
        row = QHBoxLayout()
        row.setSpacing(18)
        row.addWidget(self.list, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.panel, 1)
        self.body.addWidget(self.problem)
        self.body.addLayout(row)
        self.list.currentRowChanged.connect(lambda row: self.show_step(self.list.chosen()))
        self.panel.next_wanted.connect(self._go_on)
        self.start_over.clicked.connect(self._start_over)
        self.progress.ready.connect(self._on_ready)
        self.progress.changed.connect(self._refresh)
        self.progress.failed.connect(lambda words: say(self.problem, words, "fault"))
        self.panel.setEnabled(False)
        if self.progress.dojo is not None:
            self._on_ready()
        elif self.progress.problem:
            say(self.problem, self.progress.problem, "fault")

    def _on_ready(self) -> None:
        """Show the first gradient that is still open."""
        dojo = self.progress.dojo
        assert dojo is not None
        say(self.problem, "")
        self.panel.setEnabled(True)
        self._refresh()
        unsolved = (step for step in self.steps if dojo.state(step) is StepState.OPEN)
        self.show_step(next(unsolved, self.steps[0]).key)

    def show_step(self, key: str) -> None:
        """Show one of the gradients."""
        if self.progress.dojo is None or not key:
            return
        retitle(self.start_over, START_OVER)
        self.list.blockSignals(True)
        self.list.choose(key)
        self.list.blockSignals(False)
        step = ALL_STEPS[key]
        self.panel.show_step(step, self.steps.index(step) + 1, len(self.steps))

    def _go_on(self) -> None:
        """Go to the next gradient, with the keys in its field."""
        dojo = self.progress.dojo
        if dojo is None or self.panel.step is None:
            return
        if following := dojo.next_open(self.panel.step):
            self.show_step(following.key)
            self.panel.input.setFocus()

    def _refresh(self) -> None:
        dojo = self.progress.dojo
        if dojo is None:
            return
        self.list.show_states(dojo)
        solved, seen = (dojo.count(s, self.steps) for s in (StepState.SOLVED, StepState.SEEN))
        words = f"{solved} of {len(self.steps)} solved"
        self.count.setText(f"{words}, {seen} seen" if seen else words)
        self.panel.refresh()

    def _start_over(self) -> None:
        """Ask with the first click, and forget with the second."""
        if self.start_over.text() == START_OVER:
            retitle(self.start_over, SURE)
            return
        self.progress.start_over()

    def abandon(self) -> None:
        """The window closes."""
        self.progress.abandon()
