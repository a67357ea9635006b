"""The network trained by one's own gradients, its curve beside autograd's."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout

from core.code.script import changed_lines
from core.errors import UserError
from core.lessons.backprop.dojo import StepState
from core.lessons.backprop.steps import CLOSED, STEPS
from core.lessons.backprop.training import STEPS_OF_TRAINING, GradientLosses
from core.lessons.code.backprop import write_backprop
from core.numbers import number
from core.telemetry.events import Failed, Finished, Stopped
from gui import jobs
from gui.background_job import STOPPING, BackgroundJob, Stage
from gui.charts.lines import Line, PaintedChart
from gui.charts.navigation import NAVIGATION
from gui.charts.smoothing import smoothed
from gui.lessons.backprop.progress import DojoProgress
from gui.lessons.context import LessonContext
from gui.rich_text import rich
from gui.theme import GAP
from gui.widgets.buttons import progress_bar, push_button
from gui.widgets.card import Card, label, say
from gui.widgets.object_names import qualify
from gui.widgets.run_now import offer_run_now, run_now_button
from gui.widgets.script_card import SHOW, ScriptCard

HIGH = 250  # pixels of the chart
CODE = 420  # pixels of the script's height
CODE_HELP = "This training as a plain PyTorch script, with the gradients that you have typed."
ABOUT = "All of this training in plain PyTorch, without Glassbox."
ALL_TYPED = "Its backward pass is yours, and held against autograd's in the first step."
SOME_TYPED = "of its gradients are yours; the others are autograd's, until you have solved them."
CHANGED = "This line has changed with the gradients that you have solved."
SMOOTHING = 0.9
TYPED, AUTOGRAD = "your gradients", "autograd"
START_HELP = f"Train both networks for {STEPS_OF_TRAINING:,} steps of 32 examples."
EQUAL = 1e-9
"""Parameters that are apart by less differ by rounding alone."""


class Part(Card):
    """Start and stop, both curves, and how far they are apart."""

    played = Signal()
    """Both networks are trained."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__("Your gradients in training")
        self.setObjectName("backpropTraining")
        self.progress = context.shared(DojoProgress)
        self.job = BackgroundJob(context.worker, self, "the training of lesson 4")
        self.start = push_button("typedStart", "Start", START_HELP, "primary")
        self.stop = push_button("typedStop", "Stop", "End here, with the curves up to this step.")
        self.run_now = run_now_button("typedNow")
        self.bar = progress_bar("typedProgress", "Progress of both networks")
        self.words = label("", "muted", wrap=True)
        self.words.setObjectName("typedWords")
        self.chart = PaintedChart(
            "typedChart",
            "Loss by typed gradients and by autograd's",
            "loss (nats per character), smoothed",
            "step",
            lambda value: number(value, 4),
        )
        self.chart.setToolTip(
            rich("Both losses: the wide band is autograd's, the line on it yours.", NAVIGATION)
        )
        self.chart.setFixedHeight(HIGH)
        self.chart.x_holds = (0.0, float(STEPS_OF_TRAINING))
        self.apart = label("", "", wrap=True)
        self.apart.setObjectName("typedApart")
        self.code = ScriptCard(push_button("typedCode", SHOW, CODE_HELP, "link"))
        qualify(self.code, "backprop")
        self.code.file_name = "backpropagation"
        self.code.setMinimumHeight(CODE)
        self.code.hide()
        self._events: list[GradientLosses] = []
        self._arrange()
        self.start.clicked.connect(self._start)
        self.stop.clicked.connect(lambda: self.job.stop())
        self.progress.changed.connect(self._refresh)
        self.code.toggled.connect(self._show_code)
        self.job.stage_changed.connect(lambda stage: self._refresh())
        self.job.received.connect(self._on_event)
        self.job.frame.connect(self._show)
        self.job.ended.connect(self._on_ended)
        self.job.waiting_changed.connect(lambda words: self._refresh())
        offer_run_now(self.run_now, self.job)
        self._show()
        self._refresh()

    def _arrange(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(GAP)
        for widget in (self.start, self.stop, self.run_now):
            row.addWidget(widget)
        row.addWidget(self.bar, 20)
        row.addStretch(1)
        self.body.addWidget(self.words)
        self.body.addLayout(row)
        self.body.addWidget(self.code.button, 0, Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self.code)
        self.body.addWidget(self.chart)
        self.body.addWidget(self.apart)

    def _refresh(self) -> None:
        """Say whose gradients are used, and enable what is possible now."""
        dojo, running = self.progress.dojo, self.job.stage.running
        ready = dojo is not None and dojo.ready
        self.start.setEnabled(ready and not running)
        self.stop.setEnabled(running and self.job.stage is not Stage.STOPPING)
        self.bar.setVisible(running)
        if self.job.stage is Stage.STOPPING:
            say(self.words, STOPPING)
        elif self.job.waits_for:
            say(self.words, self.job.waits_for)
        elif dojo is None:
            say(self.words, "The forward pass is computed\u2026")
        elif not ready:
            left = len(STEPS) - dojo.count(StepState.SOLVED) - dojo.count(StepState.SEEN)
            gradients = "1 gradient is" if left == 1 else f"{left} gradients are"
            say(self.words, f"{gradients} still missing: do exercise 1 to its end first.")
        else:
            say(self.words, self._whose())
        self.code.button.setEnabled(dojo is not None)
        self._write_code()

    def _show_code(self, shown: bool) -> None:
        self.code.setVisible(shown)
        self._write_code()

    def _write_code(self) -> None:
        """Write the script again, if it is shown; marked is what the last gradient has changed."""
        dojo, before = self.progress.dojo, self.code.script
        if dojo is None or not self.code.shown:
            return
        programs = dojo.known_programs()
        script = write_backprop(programs)
        if script == before:
            return
        lines = changed_lines(before, script) if before else []
        whose = ALL_TYPED if dojo.ready else f"{len(programs)} {SOME_TYPED}"
        self.code.show_script(script, lines, f"{ABOUT} {whose}", CHANGED)

    def _whose(self) -> str:
        """Say which of the gradients are the learner's own."""
        dojo = self.progress.dojo
        assert dojo is not None
        used = dojo.programs()
        closed = all(dojo.state(step).done for step in CLOSED)
        replaced = {step.tensor for step in CLOSED} if closed else set()
        steps = [*STEPS, *CLOSED] if closed else STEPS
        names = {name for name, _ in used}
        own = [
            s for s in steps if s.gradient in names and (s in CLOSED or s.tensor not in replaced)
        ]
        solved = sum(dojo.state(step) is StepState.SOLVED for step in own)
        form = ", with both closed forms" if closed else ""
        return f"{len(used)} gradients are used{form}; {solved} of them you have solved yourself."

    def _start(self) -> None:
        dojo = self.progress.dojo
        if dojo is None:
            return
        try:
            programs = dojo.programs()
        except UserError as error:
            say(self.apart, str(error), "fault")
            return
        self._events.clear()
        say(self.apart, "")
        self.job.start(partial(jobs.typed_training, programs))
        self._show()

    @property
    def step(self) -> int:
        """How many steps both networks were trained."""
        return self._events[-1].step if self._events else 0

    def _on_event(self, event: object) -> None:
        if isinstance(event, GradientLosses):
            if self.job.stage is Stage.WAITING:
                self.job.enter(Stage.TRAINING)
            self._events.append(event)

    def _show(self) -> None:
        """Draw both curves as far as they are known."""
        self.bar.setValue(round(1000 * self.step / STEPS_OF_TRAINING))
        typed, autograd = (
            np.concatenate([getattr(e, name) for e in self._events] or [np.empty(0)])
            for name in ("typed", "autograd")
        )
        x = np.arange(1.0, len(typed) + 1)
        self.chart.set_lines(
            [
                Line(AUTOGRAD, "gradient", 6.0, 90, x=x, y=smoothed(x, autograd, SMOOTHING)),
                Line(TYPED, "text", 1.6, x=x, y=smoothed(x, typed, SMOOTHING)),
            ]
        )
        self.chart.set_hint("" if self._events else "Both curves appear here.")

    def _on_ended(self, event: Finished | Stopped | Failed) -> None:
        self._refresh()
        self._show()
        if isinstance(event, Failed):
            say(self.apart, event.sentence, "fault")
        elif self._events:
            say(self.apart, self._difference(), "")
            self.played.emit()

    def _difference(self) -> str:
        """Say how far the two networks are apart."""
        last = self._events[-1]
        loss = max(float(np.abs(e.typed - e.autograd).max()) for e in self._events)
        after = f"After {last.step:,} steps"
        if last.apart <= EQUAL:
            return (
                f"{after} the curves lie on each other: the losses differ by {number(loss)} at"
                f" most, and no two weights by more than {number(last.apart)}, which is rounding."
            )
        return (
            f"{after} the losses differ by up to {number(loss)}, and the weights by up to"
            f" {number(last.apart)}: one of your gradients is right for the first batch, and not"
            f" for"
            " all. Look for numbers that are written where a tensor should stand."
        )

    def abandon(self) -> None:
        """End the training: the window closes."""
        self.job.abandon()
