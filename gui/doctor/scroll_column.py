"""A column of cards that scrolls; the scroll bar, where there is one, stands beside them."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

ASIDE = 12  # pixels at the right that a scroll bar may take
UNDER_TABS = 10  # pixels between tabs and what is under them


class CardColumn(QScrollArea):
    """Cards below one another, all of one width; put them into ``column``."""

    def __init__(self, name: str, space: int) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        self.column = QVBoxLayout(inner)
        self.column.setSpacing(space)
        self.column.addStretch(1)
        self.setWidget(inner)
        self.verticalScrollBar().rangeChanged.connect(self._keep_aside)
        self._keep_aside(0, 0)

    def add(self, widget: QWidget) -> None:
        """Put a card under those that are there."""
        self.column.insertWidget(self.column.count() - 1, widget)

    def _keep_aside(self, first: int, last: int) -> None:
        bar = self.verticalScrollBar().sizeHint().width() if last > first else 0
        self.column.setContentsMargins(0, 0, ASIDE - bar, 0)
