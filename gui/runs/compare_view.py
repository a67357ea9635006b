"""Two to six runs over one another: what differs first, then their curves and their layers."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QTabWidget, QVBoxLayout, QWidget

from core.errors import UserError
from core.runs.comparison import Compared, compared, tokens_differ
from core.runs.library import Entry
from core.telemetry.history import Curve, History
from gui.runs.compare_card import CompareCard
from gui.runs.compare_layers import CompareLayers
from gui.runs.compare_lines import LETTERS
from gui.runs.compare_plot import ComparePlot, Line
from gui.widgets.card import Card, label
from gui.widgets.picture_file import offer_pictures
from gui.widgets.segmented_control import Segments

SIDE, BROAD = 300, 490  # pixels of what differs, of a few runs and of many
FEW = 3
AXES = {
    "steps": ("Steps", "How many updates were done."),
    "seconds": ("Seconds", "How long it had trained: what a step costs counts, too."),
    "examples": ("Examples", "How many examples were seen: batches of different sizes compare."),
}
LOSSES = {
    "train": ("Training", "The loss on what it learns from, smoothed."),
    "val": ("Validation", "The loss on what it does not learn from: what counts in the end."),
}
ROLES = {"train": "text", "val": "validation"}
PER_CHARACTER = {"train": "train_nats_per_char", "val": "val_nats_per_char"}


class CompareView(QWidget):
    """Shows what differs, the curves, and the walls; works on the runs that are chosen."""

    failed = Signal(str)
    """Something of the runs can't be read, and why."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("compareView")
        self.entries: list[Entry] = []
        self._runs: list[Compared] = []
        self._tokens = False
        """Whether a loss per token can't be compared."""
        self.card, self.plot, self.walls = CompareCard(), ComparePlot(), CompareLayers()
        self.axis, self.loss = Segments("Along what"), Segments("Which loss")
        for key, (words, help) in AXES.items():
            self.axis.add(key, words, f"axis_{key}", help)
        for key, (words, help) in LOSSES.items():
            self.loss.add(key, words, f"loss_{key}", help)
        self.told = label("", "small")
        self.told.setObjectName("compareValues")
        self.tabs = QTabWidget()
        self.tabs.setObjectName("compareTabs")
        self._arrange()
        self.axis.chosen.connect(lambda key: self._draw())
        self.loss.chosen.connect(lambda key: self._draw())
        self.plot.pointed.connect(self._tell)

    def _arrange(self) -> None:
        curves = Card("How wrong is it?")
        curves.head.addWidget(self.loss)
        curves.head.addWidget(self.axis)
        curves.body.addWidget(self.plot, 1)
        curves.body.addWidget(self.told)
        for panel, title in ((curves, "Curves"), (self.walls, "Layers")):
            inner = QWidget()
            column = QVBoxLayout(inner)
            column.setContentsMargins(0, 10, 0, 0)
            column.addWidget(panel)
            self.tabs.addTab(inner, title)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.card)
        row.addWidget(self.tabs, 1)

    def offer_pictures(self, tell: Callable[[str, str], None]) -> None:
        """Offer the curves as a picture, in their context menu and behind a button."""
        menu = QMenu(self.card.picture)
        menu.addActions(offer_pictures(self.plot, "compared", tell))
        self.card.picture.setMenu(menu)

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Compare these runs, two to six; or show what is new of them."""
        if list(entries) == self.entries:
            return
        others = [entry.path for entry in entries] != [entry.path for entry in self.entries]
        try:
            runs = [compared(entry) for entry in entries]
        except UserError as error:
            self.failed.emit(str(error))
            return
        tokens = tokens_differ(runs)
        self.card.setFixedWidth(SIDE if len(entries) <= FEW else BROAD)
        self.entries, self._runs, self._tokens = list(entries), runs, tokens
        if others:
            self.card.show_runs(entries, runs, tokens)
            self.walls.show_runs(entries, [run.history for run in runs])
        self._draw()

    def _draw(self) -> None:
        """Draw the chosen losses along the chosen axis."""
        if not self.entries:
            return
        axis, loss = self.axis.key(), self.loss.key()
        lines = [self._line(place, run, axis, loss) for place, run in enumerate(self._runs)]
        self.plot.show_lines(lines, ROLES[loss])

    def _line(self, place: int, run: Compared, axis: str, loss: str) -> Line:
        curve = self._curve(run.history, loss)
        if curve is None or not len(curve.x):
            return Line(place, np.empty(0), np.empty(0))
        values = curve.smoothed() if curve is run.history.loss else curve.y
        return Line(place, run.along(axis, curve), values)

    def _curve(self, history: History, loss: str) -> Curve | None:
        if self._tokens:
            return history.evaluations.get(PER_CHARACTER[loss])
        return history.loss if loss == "train" else history.evaluations.get("val_loss")

    def _tell(self, x: float | None) -> None:
        """Tell each run's value at a place, the best first."""
        axis = self.axis.key()
        if x is None:
            words = f"Along: {AXES[axis][0].lower()}. Point at a place to read the values there."
        else:
            found = [(line.at(x), LETTERS[line.place]) for line in self.plot.lines]
            known = sorted(pair for pair in found if math.isfinite(pair[0]))
            values = "    ".join(f"{letter} {value:.4f}" for value, letter in known)
            unit = {"steps": "step ", "seconds": "second ", "examples": "example "}[axis]
            words = f"At {unit}{x:,.1f}: " if axis == "seconds" else f"At {unit}{x:,.0f}: "
            words += values or "none has a value here"
        self.told.setText(words)
