"""The results of paired runs: gradients, losses, the lecture's numbers, and the layer table."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from core.lessons.experiment import ResultRow, ratio_in_words
from core.lessons.pair_history import NetworkHistory, gradient_ratios, hidden_layers
from core.lessons.pair_settings import LECTURE_STEPS
from core.numbers import number
from core.telemetry.events import Snapshot
from gui.charts.lines import Line
from gui.charts.smoothing import USUAL, smoothed
from gui.lessons.paired_runs.chart import PairChart, network_line
from gui.lessons.paired_runs.layer_table import PairLayerTable
from gui.widgets.card import label, say
from gui.widgets.export_file import PICTURE

GRADIENT = "Gradient of each layer"
LOSS = "Training loss"
LAYERS = "Layers: activations, gradients, updates"
GRADIENT_NOTE = "In the first step, relative to the last hidden layer, which is 1. Thin lines: now."
RIGHT = Qt.AlignmentFlag.AlignRight
WIDE = 130  # pixels of a column of numbers
SOURCE = "Lecture: makemore, part 3, on its own list of 32,033 names."
Histories = tuple[NetworkHistory, NetworkHistory]


class PairResults(QWidget):
    """Charts and tables of both networks, hidden until there are results."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.setObjectName(f"twinResults_{key}")
        self.gradients = PairChart(
            f"twinReach_{key}",
            GRADIENT,
            "relative gradient",
            "layers back from the last hidden layer",
            ratio_in_words,
        )
        self.gradients.log_y, self.gradients.y_holds = True, (0.3, 3.0)
        self.gradients.set_line("same", 1.0, "")
        title = "loss (nats per character)"
        self.loss = PairChart(f"twinLoss_{key}", LOSS, title, "step", _loss)
        self.outcome = label("", "muted", wrap=True)
        self.outcome.setObjectName(f"twinOutcome_{key}")
        self.table, self.layers = LectureTable(key), PairLayerTable(key)
        self.filled = False
        self._gradient_card = _titled(GRADIENT, self.gradients, GRADIENT_NOTE)
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addWidget(self._gradient_card, 1)
        row.addWidget(_titled(LOSS, self.loss, "Smoothed."), 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(16)
        column.addLayout(row)
        column.addWidget(self.outcome)
        column.addWidget(self.table)
        column.addWidget(_titled(LAYERS, self.layers, ""))

    def clear(self, rows: Sequence[ResultRow]) -> None:
        """Hide the results of the last run."""
        self.filled = False
        self.table.show_rows(rows)
        say(self.outcome, "")
        self.hide()

    def show_histories(self, histories: Histories) -> None:
        """Show the results so far."""
        if any(history.first is None for history in histories):
            return
        self.filled = True
        self._draw_gradients(histories)
        self._draw_loss(histories)
        self.table.show_histories(*histories)
        self.layers.show_histories(histories)
        self.show()

    def _draw_gradients(self, histories: Histories) -> None:
        firsts = [history.first for history in histories]
        most = max(len(hidden_layers(snapshot)) for snapshot in firsts if snapshot) - 1
        self._gradient_card.setVisible(most > 0)  # one hidden layer has none to be compared with
        lines = [
            _gradient_line(network, snapshot, faint)
            for network, history in enumerate(histories)
            for snapshot, faint in ((history.latest, True), (history.first, False))
            if snapshot is not None
        ]
        self.gradients.set_lines(lines)

    def _draw_loss(self, histories: Histories) -> None:
        uniform = histories[0].uniform_loss
        lines = []
        for network, history in enumerate(histories):
            x, y = history.history.loss.x, history.history.loss.y
            y = np.minimum(smoothed(x, y, USUAL / 100), 10 * uniform)  # what diverges ends above
            lines.append(network_line(network, "text", x.copy(), y))
        self.loss.set_lines(lines)
        self.loss.set_line("uniform", uniform, f"uniform guess {uniform:.2f}")


def _loss(value: float) -> str:
    return f"{value:.2f}" if value < 1000 else number(value)


def _gradient_line(network: int, snapshot: Snapshot, faint: bool) -> Line:
    """Return the relative gradient of each hidden layer, the last one first."""
    ratios = np.array(gradient_ratios(snapshot), float)[::-1]
    back = np.arange(float(len(ratios)))
    return network_line(network, "gradient", back, ratios, dotted=not faint, faint=faint)


def _titled(title: str, widget: QWidget, note: str) -> QWidget:
    made = QWidget()
    made.setProperty(PICTURE, title)
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    column.addWidget(label(title, "heading"))
    column.addWidget(widget)
    if note:
        column.addWidget(label(note, "small", wrap=True))
    column.addStretch(1)
    return made


class LectureTable(QWidget):
    """The lecture's numbers, and beside them those that were measured here."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.setObjectName(f"twinTable_{key}")
        self.setAccessibleName("The lecture's numbers and those measured here")
        self._rows: Sequence[ResultRow] = ()
        self.note = label("", "small", wrap=True)
        self._body = QWidget()
        self._whole = QVBoxLayout(self)
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._whole.setSpacing(6)
        self._whole.addWidget(self._body)
        self._whole.addWidget(self.note)

    def show_rows(self, rows: Sequence[ResultRow]) -> None:
        """Show the lecture's numbers, without measured ones yet."""
        self._rows = rows
        old, self._body = self._body, QWidget()
        self._whole.replaceWidget(old, self._body)
        old.hide()
        old.deleteLater()
        grid = QGridLayout(self._body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(3, 1)
        for column, words in ((1, "lecture"), (2, "measured here")):
            grid.addWidget(label(words, "heading"), 0, column, RIGHT)
            grid.setColumnMinimumWidth(column, WIDE)
        self.cells = [label("\u2013") for _ in rows]
        for line, (row, cell) in enumerate(zip(rows, self.cells, strict=True), 1):
            lecture = row.lecture + (f" after {LECTURE_STEPS:,}" if row.at_end else "")
            grid.addWidget(label(row.words, "muted"), line, 0)
            grid.addWidget(label(lecture), line, 1, RIGHT)
            grid.addWidget(cell, line, 2, RIGHT)
        say(self.note, SOURCE, "small")
        self.setVisible(bool(rows))

    def show_histories(self, a: NetworkHistory, b: NetworkHistory) -> None:
        """Show what was measured so far."""
        for row, cell in zip(self._rows, self.cells, strict=True):
            words = row.written(a, b)
            if words and row.at_end:
                words += f" after {int(a.history.loss.x[-1]):,}"
            cell.setText(words or "\u2013")
        if a.info is not None:
            say(self.note, f"{SOURCE} Here: {a.info.dataset}.", "small")
