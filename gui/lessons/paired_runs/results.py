"""What was measured of two networks: gradients, losses, the lecture's table, and their layers."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from core.lessons.experiment import ResultRow
from core.lessons.pair_history import LATELY, Account, hidden, reach
from core.lessons.questions import part
from core.numbers import number
from core.telemetry.events import Snapshot
from gui.charts.axes import Scale
from gui.lessons.paired_runs.chart import Line, PairChart
from gui.lessons.paired_runs.layer_table import PairLayerTable
from gui.lessons.paired_runs.lecture_table import LectureTable
from gui.widgets.card import label, say
from gui.widgets.picture_file import PICTURE

REACH = "How much gradient reaches each layer?"
LOSS = "How fast do they learn?"
WALL = "What does each layer see?"
REACH_NOTE = "In the first step, against the last hidden layer, which is 1. Thin lines: now."
POINTS = 240  # of a loss, drawn at most
Accounts = tuple[Account, Account]


class PairResults(QWidget):
    """Hidden until there is something to see."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.setObjectName(f"twinResults_{key}")
        self.reach = PairChart(
            f"twinReach_{key}", REACH, "gradient", "layers back from the last hidden one", part
        )
        self.loss = PairChart(f"twinLoss_{key}", LOSS, "text", "step", _loss)
        self.outcome = label("", "muted", wrap=True)
        self.outcome.setObjectName(f"twinOutcome_{key}")
        self.table, self.wall = LectureTable(key), PairLayerTable(key)
        self.filled = False
        self._reach_card = _titled(REACH, self.reach, REACH_NOTE)
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addWidget(self._reach_card, 1)
        row.addWidget(_titled(LOSS, self.loss, "Every step's loss, smoothed."), 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(16)
        column.addLayout(row)
        column.addWidget(self.outcome)
        column.addWidget(self.table)
        column.addWidget(_titled(WALL, self.wall, ""))

    def clear(self, rows: Sequence[ResultRow]) -> None:
        """Show nothing yet."""
        self.filled = False
        self.table.show_rows(rows)
        say(self.outcome, "")
        self.hide()

    def tell(self, sentence: str) -> None:
        """Say what became of both."""
        say(self.outcome, sentence, "muted")

    def show_accounts(self, accounts: Accounts) -> None:
        """Show what both have told so far."""
        if any(account.first is None for account in accounts):
            return
        self.filled = True
        self._draw_reach(accounts)
        self._draw_loss(accounts)
        self.table.show_accounts(*accounts)
        self.wall.show_accounts(accounts)
        self.show()

    def _draw_reach(self, accounts: Accounts) -> None:
        firsts = [account.first for account in accounts]
        most = max(len(hidden(snapshot)) for snapshot in firsts if snapshot) - 1
        self._reach_card.setVisible(most > 0)  # of one hidden layer there is nothing to compare
        lines = [
            line
            for side, account in enumerate(accounts)
            for snapshot, faint in ((account.latest, True), (account.first, False))
            if snapshot is not None and (line := _reach_line(side, snapshot, faint))
        ]
        values = [y for line in lines for _, y in line.points]
        scale = Scale.over([*values, 0.3, 3.0], log=True)
        self.reach.show_lines(lines, Scale(0, max(1, most)), scale, ("", 1.0))

    def _draw_loss(self, accounts: Accounts) -> None:
        uniform = accounts[0].uniform_loss
        lines, values, last = [], [uniform], 1.0
        for side, account in enumerate(accounts):
            curve = account.history.loss
            x = curve.x
            y = curve.smoothed(min(LATELY, max(1, len(x) // 10)))
            if not len(x):
                continue
            last = max(last, float(x[-1]))
            some = np.unique(np.linspace(0, len(x) - 1, min(POINTS, len(x))).astype(int))
            points = tuple(zip(x[some].tolist(), y[some].tolist(), strict=True))
            lines.append(Line(side, points))
            values += [v for _, v in points if np.isfinite(v) and v < 10 * uniform]
        low, high = min(values), max(values)
        room = 0.08 * (high - low) or 0.1
        self.loss.show_lines(
            lines, Scale(0.0, last), Scale(low - room, high + room), ("an even guess", uniform)
        )


def _loss(value: float) -> str:
    return f"{value:.2f}" if value < 1000 else number(value)


def _reach_line(side: int, snapshot: Snapshot, faint: bool) -> Line:
    """Return the gradient of each hidden layer, the last one first."""
    shares = reversed(reach(snapshot))
    points = tuple((float(back), share) for back, share in enumerate(shares))
    return Line(side, points, dotted=not faint, faint=faint)


def _titled(question: str, widget: QWidget, note: str) -> QWidget:
    made = QWidget()
    made.setProperty(PICTURE, question)
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    column.addWidget(label(question, "heading"))
    column.addWidget(widget)
    if note:
        column.addWidget(label(note, "small", wrap=True))
    column.addStretch(1)
    return made
