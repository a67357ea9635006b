"""Layer tables of several runs side by side, each at its moment nearest to a common step."""

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from core.errors import UserError
from core.runs.library import Entry
from core.telemetry.history import History
from gui.rich_text import rich
from gui.runs.compare_plot import LETTERS
from gui.runs.history_slider import HistorySlider
from gui.runs.keyframe_layers import KeyframeLayers
from gui.theme import GAP, MARGIN
from gui.widgets.card import Card, label, say

SLIDER = "Go through the runs together: each shows its layers at its moment nearest to that step."
NARROWEST = 500  # pixels of a wall; where they don't fit, they are scrolled
TWO_LINES = 34  # pixels of a remark, always: the walls beside one another stay in line
NO_COMMON = "These runs have no moment in common yet."
LOOPS = "A loop that glassbox.watch saw keeps its curves, and no layers to go through."


class _Side(QWidget):
    """One run's wall under its letter and step."""

    def __init__(self, place: int, entry: Entry, history: History) -> None:
        super().__init__()
        self.entry, self._history, self._letter = entry, history, LETTERS[place]
        self.steps: list[int] = []
        self.head = label("", "heading")
        self.words = label("", "small", wrap=True)
        self.words.setFixedHeight(TWO_LINES)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.wall = KeyframeLayers()
        self.wall.setObjectName(f"compareWall_{self._letter}")
        self.setMinimumWidth(NARROWEST)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        for widget in (self.head, self.words, self.wall):
            column.addWidget(widget)
        column.addStretch(1)

    def show_step(self, step: int) -> None:
        """Show the moment nearest to a step."""
        from core.runs.keyframes import read_keyframe

        nearest = min(self.steps, key=lambda at: abs(math.log((at + 1) / (step + 1))))
        self.head.setText(f"{self._letter} at step {nearest:,}")
        about = self.entry.about
        assert about is not None
        try:
            snapshot = read_keyframe(self.entry.path, nearest).snapshot
        except UserError as error:
            self.wall.hide()
            self._say(str(error), "fault")
            return
        seen = self.wall.show_moment(about, self._history, snapshot)
        self.wall.setVisible(seen)
        self._say(*(self.wall.summary() if seen else ("Nothing was measured yet.", "small")))

    def _say(self, sentence: str, role: str) -> None:
        say(self.words, sentence, role)
        self.words.setToolTip(rich(sentence))


class CompareLayers(Card):
    """A slider, and under it the walls; they are read when they are seen."""

    def __init__(self) -> None:
        super().__init__()
        self.slider = HistorySlider("compareSlider", SLIDER)
        self.words = label("", "small")
        self.sides: list[_Side] = []
        self._stale = False
        inner = QWidget()
        self._row = QHBoxLayout(inner)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(MARGIN)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        self.body.addWidget(self.slider)
        self.body.addWidget(self.words)
        self.body.addWidget(area, 1)
        self.slider.moved.connect(self._look)

    def show_runs(self, entries: Sequence[Entry], histories: Sequence[History]) -> None:
        """Show these runs, from now on."""
        while item := self._row.takeAt(0):
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        self.sides = [
            _Side(place, entry, history)
            for place, (entry, history) in enumerate(zip(entries, histories, strict=True))
        ]
        for side in self.sides:
            self._row.addWidget(side, 1, Qt.AlignmentFlag.AlignTop)
        self._stale = True
        if self.isVisible():
            self._catch_up()

    def showEvent(self, event: QShowEvent) -> None:
        """Read what was chosen while this was hidden."""
        super().showEvent(event)
        self._catch_up()

    def _catch_up(self) -> None:
        if not self._stale:
            return
        from core.runs.keyframes import keyframes_of

        self._stale = False
        loops = any(side.entry.about is None for side in self.sides)
        for side in self.sides:
            side.steps = keyframes_of(side.entry.path)
            side.setHidden(loops)
        shown = all(side.steps for side in self.sides)
        say(self.words, "" if shown else LOOPS if loops else NO_COMMON, "small")
        self.slider.begin(self._common() if shown else [])

    def _common(self) -> list[int]:
        """Return the steps of the run with the fewest, up to where the shortest run ends."""
        end = min(side.steps[-1] for side in self.sides)
        fewest = min((side.steps for side in self.sides), key=len)
        return [step for step in fewest if step <= end] or [end]

    def _look(self, step: int) -> None:
        for side in self.sides:
            side.show_step(step)
