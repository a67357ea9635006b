"""Two to six runs over one another: what differs first, then their curves and their layers."""

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from core.errors import UserError
from core.runs.comparison import Compared, compared, tokens_differ
from core.runs.library import Entry
from core.telemetry.history import Curve, History
from gui.charts.axes import with_unit
from gui.charts.lines import Line
from gui.charts.smoothing import SmoothingSlider
from gui.runs.compare_card import CompareCard
from gui.runs.compare_layers import CompareLayers
from gui.runs.compare_plot import ComparePlot, run_line
from gui.runs.run_text import loss_unit
from gui.widgets.card import Card
from gui.widgets.export_file import offer_files
from gui.widgets.page_tabs import PageTabs
from gui.widgets.segmented_control import Segments

SIDE, BROAD = 300, 490  # pixels of what differs, of a few runs and of many
FEW = 3
AXES = {
    "steps": ("Step", "x-axis: step, the number of updates."),
    "seconds": ("Time", "x-axis: training time in seconds; what a step costs counts, too."),
    "examples": ("Examples", "x-axis: examples seen; batches of different sizes compare."),
}
X_TITLES = {"steps": "step", "seconds": "training time (s)", "examples": "examples"}
LOSSES = {
    "train": ("Training", "The loss on training data, smoothed."),
    "val": ("Validation", "The loss on validation data: what counts in the end."),
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
        self.axis, self.loss = Segments("x-axis"), Segments("Which loss")
        for key, (words, help) in AXES.items():
            self.axis.add(key, words, f"axis_{key}", help)
        for key, (words, help) in LOSSES.items():
            self.loss.add(key, words, f"loss_{key}", help)
        self.smoothing = SmoothingSlider("compareSmoothing")
        self.tabs = PageTabs("compareTabs")
        self._arrange()
        self.axis.chosen.connect(lambda key: self._draw())
        self.loss.chosen.connect(lambda key: self._draw())
        self.smoothing.valueChanged.connect(lambda value: self._draw())

    def _arrange(self) -> None:
        curves = Card("Loss")
        curves.head.addWidget(self.loss)
        curves.head.addWidget(self.axis)
        curves.head.addWidget(self.smoothing)
        curves.body.addWidget(self.plot, 1)
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

    def offer_exports(self, tell: Callable[[str, str], None]) -> None:
        """Offer the curves as a file, in their context menu and behind a button."""
        menu = QMenu(self.card.export)
        menu.addActions(offer_files(self.plot, "compared", tell))
        self.card.export.setMenu(menu)

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
        self.plot.x_title, self.plot.whole_x = X_TITLES[axis], axis != "seconds"
        units = {"nats per character" if self._tokens else loss_unit(e) for e in self.entries}
        unit = units.pop() if len(units) == 1 else ""  # different ones share no axis title
        self.plot.y_title = with_unit(f"{LOSSES[loss][0].lower()} loss", unit)
        lines = [self._line(place, run, axis, loss) for place, run in enumerate(self._runs)]
        self.plot.set_lines(lines)
        measured = any(len(line.x) for line in lines)
        self.plot.set_hint("" if measured else "Nothing was measured yet")

    def _line(self, place: int, run: Compared, axis: str, loss: str) -> Line:
        curve = self._curve(run.history, loss)
        if curve is None or not len(curve.x):
            return run_line(place, ROLES[loss], np.empty(0), np.empty(0))
        x, y = run.along(axis, curve), curve.y
        if curve is run.history.loss:
            y = self.smoothing.smooth(x, y)
        return run_line(place, ROLES[loss], x, y)

    def _curve(self, history: History, loss: str) -> Curve | None:
        if self._tokens:
            return history.evaluations.get(PER_CHARACTER[loss])
        return history.loss if loss == "train" else history.evaluations.get("val_loss")
