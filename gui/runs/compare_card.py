"""What differs between the runs that are compared: first in a sentence, then in a table."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.runs.comparison import MOST, Compared, Difference, differences, sentence
from core.runs.library import Entry
from gui import theme
from gui.rich_text import rich
from gui.runs.compare_plot import LETTERS, LineSample
from gui.theme import GAP
from gui.widgets.card import Card, Elided, label, say

APART = (
    "These are different playgrounds: their losses count different answers and can't be compared."
    " Compare the shapes of the curves, and the layers."
)
TOKENS = "Their tokenizers differ, and a loss per token with them: what is drawn is per character."


class CompareCard(Card):
    """The runs with their letters, what differs, and a warning where losses don't compare."""

    deleteAsked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("compareCard")
        self.sentence = label("", "cause", wrap=True)
        self.sentence.setObjectName("compareSentence")
        self.warning = label("", "warning", wrap=True)
        self.warning.setObjectName("compareWarning")
        self.export = QPushButton("Export…")
        self.export.setObjectName("exportCompared")
        self.export.setToolTip("<p>Save the curves as PNG, SVG or CSV.</p>")
        self.delete = QPushButton("Delete all of these")
        self.delete.setObjectName("deleteCompared")
        self.delete.setToolTip("<p>Put them away. The Delete key does the same; undo is there.</p>")
        self.delete.clicked.connect(self.deleteAsked)
        self._names, self._table = QVBoxLayout(), QGridLayout()
        self._names.setSpacing(4)
        self._table.setHorizontalSpacing(GAP)
        self._table.setVerticalSpacing(5)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(GAP + 4)
        for widget in (self.sentence, self.warning):
            column.addWidget(widget)
        column.addLayout(self._names)
        column.addLayout(self._table)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        self.body.addWidget(area, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        buttons.addWidget(self.export)
        buttons.addWidget(self.delete)
        buttons.addStretch(1)
        self.body.addLayout(buttons)

    def show_runs(self, entries: Sequence[Entry], runs: Sequence[Compared], tokens: bool) -> None:
        """Show what differs.

        Args:
            entries: the runs.
            runs: what is compared of them, in the same order.
            tokens: whether their losses per token can't be compared.
        """
        say(self.sentence, sentence(runs), "cause")
        apart = len({run.playground for run in runs}) > 1
        say(self.warning, APART if apart else TOKENS if tokens else "", "warning")
        self._show_names(entries)
        self._show_table(differences(runs), len(runs))

    def _show_names(self, entries: Sequence[Entry]) -> None:
        _empty(self._names)
        for place, entry in enumerate(entries):
            row = QWidget()
            line = QHBoxLayout(row)
            line.setContentsMargins(0, 0, 0, 0)
            line.setSpacing(GAP)
            name = Elided()
            name.setFont(theme.font(12))
            name.setText(entry.title)
            name.setToolTip(rich(entry.path.name))
            line.addWidget(LineSample(place))
            line.addWidget(name, 1)
            self._names.addWidget(row)

    def _show_table(self, found: Sequence[Difference], count: int) -> None:
        _empty(self._table)
        if not found:
            return
        for place in range(count):
            self._table.addWidget(label(LETTERS[place], "heading"), 0, place + 1)
        for row, difference in enumerate(found, 1):
            self._table.addWidget(label(difference.label, "small"), row, 0)
            for place, value in enumerate(difference.values):
                cell = Elided()
                cell.setFont(theme.font(12))
                cell.setText(value)
                cell.setToolTip(rich(f"{difference.label} of {LETTERS[place]}: {value}"))
                self._table.addWidget(cell, row, place + 1)
        for column in range(1, MOST + 1):
            self._table.setColumnStretch(column, int(column <= count))


def _empty(layout: QVBoxLayout | QGridLayout) -> None:
    while item := layout.takeAt(0):
        if widget := item.widget():
            widget.deleteLater()
