"""The lecture's numbers, and beside them those that were measured here."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from core.lessons.experiment import ResultRow
from core.lessons.pair_history import Account
from core.lessons.pair_settings import LECTURE_STEPS
from gui.widgets.card import label, say

RIGHT = Qt.AlignmentFlag.AlignRight
WIDE = 130  # pixels of a column of numbers
SOURCE = "The lecture: makemore, part 3, on its own list of 32,033 names."


class LectureTable(QWidget):
    """A line for each number of the lecture."""

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
        """Show the lecture's numbers; nothing was measured yet."""
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
        for column, words in ((1, "the lecture"), (2, "here")):
            grid.addWidget(label(words, "heading"), 0, column, RIGHT)
            grid.setColumnMinimumWidth(column, WIDE)
        self.cells = [label("\u2013") for _ in rows]
        for number, (row, cell) in enumerate(zip(rows, self.cells, strict=True)):
            lecture = row.lecture + (f" after {LECTURE_STEPS:,}" if row.judged else "")
            grid.addWidget(label(row.words, "muted"), number + 1, 0)
            grid.addWidget(label(lecture), number + 1, 1, RIGHT)
            grid.addWidget(cell, number + 1, 2, RIGHT)
        say(self.note, SOURCE, "small")
        self.setVisible(bool(rows))

    def show_accounts(self, first: Account, second: Account) -> None:
        """Show what was measured so far."""
        for row, cell in zip(self._rows, self.cells, strict=True):
            words = row.written(first, second)
            if words and row.judged:
                words += f" after {int(first.history.loss.x[-1]):,}"
            cell.setText(words or "\u2013")
        if first.info is not None:
            say(self.note, f"{SOURCE} Here: {first.info.dataset}.", "small")
