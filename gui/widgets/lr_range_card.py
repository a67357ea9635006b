"""The learning-rate range test of makemore part 2: which rate is right for this network."""

import math

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout

from core.numbers import number
from core.telemetry.events import Array, LRRangeTest
from gui.charts.lines import Line, PlotChart
from gui.charts.navigation import NAVIGATION
from gui.session import Session
from gui.session_state import State
from gui.theme import GAP
from gui.widgets.buttons import push_button, retitle
from gui.widgets.card import Card, label

TOP = 1.5  # the scale ends at this many times the first loss; beyond, it has diverged
HINT = (
    "Trains a fresh network while the learning rate rises a little with every step;"
    " a third of that at which the loss is lowest is a rate to take."
)
HELP = (
    "<p><b>Learning-rate range test</b> (Smith 2015), to choose a learning rate. Each step has a"
    " learning rate of its own, from small to large. Far left the rate is too small to learn"
    f" anything, far right the loss diverges and leaves the scale.</p><p>{NAVIGATION}</p>"
)


class LRRangeCard(Card):
    """Asks for a range test, shows its losses, and hands the rate on.

    Args:
        loss: what the losses are, for the axis.
    """

    testAsked = Signal()
    rateTaken = Signal(float)
    """Train with this learning rate from now on."""

    def __init__(self, loss: str) -> None:
        super().__init__("Learning-rate range test")
        self.setObjectName("sweepCard")
        self.setAccessibleName("Learning-rate range test")
        self._ready, self._running = True, False
        self._valley: float | None = None
        self.plot = PlotChart("sweepPlot", "Loss over learning rate", loss, "learning rate")
        self.plot.setToolTip(HELP)
        self.plot.log_x, self.plot.x_holds = True, (1e-3, 1.0)
        self.plot.setMinimumSize(180, 200)
        self.plot.set_lines([Line("each step", "faint", 1.0, 150), Line("smoothed", "text")])
        self.plot.set_hint(HINT)
        self.sentence = label("", "small", wrap=True)
        self.sentence.setObjectName("sweepSentence")
        self.sentence.setMinimumHeight(32)  # two lines, always: nothing below moves
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.start = push_button("sweepButton", "Start range test", HINT)
        self.start.clicked.connect(self.testAsked)
        self.use = push_button("useRate", "Use this rate", "Write the marked rate into the recipe.")
        self.use.clicked.connect(lambda: self.rateTaken.emit(self._valley))
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.start)
        row.addWidget(self.use)
        row.addStretch(1)
        self.body.addLayout(row)  # first: seen on a small screen, too
        self.body.addWidget(self.plot, 1)
        self.body.addWidget(self.sentence)
        self._refresh()

    def follow(self, session: Session, steps: int) -> None:
        """Test the recipe of a session, over so many steps, and write the rate into it."""
        session.range_tested.connect(self.show_test)
        session.state_changed.connect(self._on_state)
        self.testAsked.connect(lambda: session.range_test(steps))
        self.rateTaken.connect(lambda rate: session.draft.set("lr", rate))

    def _on_state(self, state: State) -> None:
        self.set_ready(state is State.READY)
        self.set_running(state is State.RANGE_TEST)

    def show_test(self, test: LRRangeTest) -> None:
        """Show the losses so far; may be called again and again while the test runs.

        Costs a few milliseconds where it is seen, and next to nothing where it is hidden.
        """
        self._valley = test.valley if test.valley > 0 else None
        self.plot.set_curve("each step", test.rates, test.losses)
        self.plot.set_curve("smoothed", test.rates, test.smoothed)
        self.plot.limits = limits(test.losses)
        self.plot.set_mark(self._valley, number(self._valley or 0.0, 2), "update")
        self.plot.set_hint("" if len(test.rates) else HINT)
        self.plot.changed()
        self.sentence.setText(test.words)
        self._refresh()

    def set_running(self, running: bool) -> None:
        """Set whether a test runs."""
        self._running = running
        self._refresh()

    def set_ready(self, ready: bool) -> None:
        """Set whether a test may be started now."""
        self._ready = ready
        self._refresh()

    def _refresh(self) -> None:
        self.start.setEnabled(self._ready and not self._running)
        retitle(self.start, "Testing…" if self._running else "Start range test")
        self.use.setEnabled(self._valley is not None and not self._running)


def limits(losses: Array) -> tuple[float, float]:
    """Return the ends of the scale of losses (n,): below the lowest, and above the first.

    In tenths of the first loss, so that the scale moves seldom while the test runs.
    """
    finite = losses[np.isfinite(losses)]
    if not finite.size:
        return 0.0, 1.0
    first = float(np.median(finite[:10]))  # a single one may be high by chance
    tenth = max(first, 1e-3) / 10
    low = math.floor(float(np.minimum(finite, first).min()) / tenth - 0.5) * tenth
    top = math.ceil(float(np.maximum(finite, first).max()) / tenth + 0.5) * tenth
    return max(0.0, low), min(top, TOP * 10 * tenth)
