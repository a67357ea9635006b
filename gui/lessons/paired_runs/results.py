"""What was measured of two networks: gradients, losses, the lecture's table, and their layers."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from core.lessons.experiment import ResultRow
from core.lessons.pair_history import Account, hidden, reach
from core.lessons.questions import part
from core.numbers import number
from core.telemetry.events import Snapshot
from gui.charts.lines import Line
from gui.charts.smoothing import USUAL, smoothed
from gui.lessons.paired_runs.chart import PairChart, side_line
from gui.lessons.paired_runs.layer_table import PairLayerTable
from gui.lessons.paired_runs.lecture_table import LectureTable
from gui.widgets.card import label, say
from gui.widgets.picture_file import PICTURE

REACH = "Gradient in each layer"
LOSS = "Loss"
WALL = "Layers: activations, gradients, updates"
REACH_NOTE = "In the first step, against the last hidden layer, which is 1. Thin lines: now."
Accounts = tuple[Account, Account]


class PairResults(QWidget):
    """Hidden until there is something to see."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.setObjectName(f"twinResults_{key}")
        self.reach = PairChart(
            f"twinReach_{key}",
            REACH,
            "relative gradient",
            "layers back from the last hidden one",
            part,
            number,
        )
        self.reach.log_y, self.reach.y_holds = True, (0.3, 3.0)
        self.reach.set_line("same", 1.0, "")
        self.loss = PairChart(f"twinLoss_{key}", LOSS, "loss (nats)", "step", _loss, number)
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
        self.reach.set_lines(lines)

    def _draw_loss(self, accounts: Accounts) -> None:
        uniform = accounts[0].uniform_loss
        lines = []
        for side, account in enumerate(accounts):
            x, y = account.history.loss.x, account.history.loss.y
            y = np.minimum(smoothed(x, y, USUAL / 100), 10 * uniform)  # what diverges ends above
            lines.append(side_line(side, "text", x.copy(), y))
        self.loss.set_lines(lines)
        self.loss.set_line("uniform", uniform, f"uniform guess {uniform:.2f}")


def _loss(value: float) -> str:
    return f"{value:.2f}" if value < 1000 else number(value)


def _reach_line(side: int, snapshot: Snapshot, faint: bool) -> Line:
    """Return the gradient of each hidden layer, the last one first."""
    shares = np.array(reach(snapshot), float)[::-1]
    back = np.arange(float(len(shares)))
    return side_line(side, "gradient", back, shares, dotted=not faint, faint=faint)


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
