"""Cards in two columns where there is room for them, in one where there is not."""

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from gui.theme import MARGIN

ROOM = 680  # pixels from which two columns are readable


class CardColumns(QWidget):
    """Lays out cards in the order given; a wide one has a row of its own.

    Cards side by side are of one height, so that their edges line up.
    """

    def __init__(self) -> None:
        super().__init__()
        self._cards: list[tuple[QWidget, bool]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(MARGIN)
        self._columns = 0

    def add(self, card: QWidget, wide: bool = False) -> None:
        """Append a card."""
        self._cards.append((card, wide))
        self._columns = 0
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Change between one column and two."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        columns = 2 if self.width() >= ROOM else 1
        if columns == self._columns:
            return
        self._columns = columns
        # Never takeAt: the item it leaves alive keeps Qt from forgetting the card's old height.
        for card, _ in self._cards:
            self._grid.removeWidget(card)
        row, column = 0, 0
        for card, wide in self._cards:
            if wide and column:
                row, column = row + 1, 0
            self._grid.addWidget(card, row, column, 1, columns if wide else 1)
            column = 0 if wide else (column + 1) % columns
            row += column == 0
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, int(columns == 2))
        self._grid.setHorizontalSpacing(MARGIN if columns == 2 else 0)
