"""What network A is and what B is, in a line each; what differs stands out."""

import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from core.lessons.pair_history import NAMES
from core.lessons.pair_settings import Side
from gui.lessons.paired_runs.chart import Sample
from gui.widgets.card import label


class PairHeadings(QWidget):
    """A line for A and a line for B."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("The two networks")
        self.lines = [label() for _ in NAMES]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(2, 1)
        for side, (name, line) in enumerate(zip(NAMES, self.lines, strict=True)):
            line.setTextFormat(Qt.TextFormat.RichText)
            grid.addWidget(label(name, "heading"), side, 0)
            grid.addWidget(Sample(side), side, 1)
            grid.addWidget(line, side, 2)

    def show_sides(self, sides: tuple[Side, Side]) -> None:
        """Say what these two are."""
        differing = sides[0].differs(sides[1])
        for side, line in zip(sides, self.lines, strict=True):
            pieces = [
                f'<span style="font-weight:600">{html.escape(words)}</span>'
                if name in differing
                else html.escape(words)
                for name, words in side.pieces()
            ]
            line.setText(", ".join(pieces))
