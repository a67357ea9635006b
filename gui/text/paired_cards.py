"""Two cards of a panel: side by side, or one below the other where the panel is narrow."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

NARROWEST = 330  # pixels of a panel, one card below the other
GAP = 12  # pixels between the cards


class PairedCards(QWidget):
    """A panel whose second card stands beside the first one where there is room for both."""

    def pair(self, first: QWidget, second: QWidget, shares: tuple[int, int], wide: int = 0) -> None:
        """Lay the cards out.

        Args:
            first: on the left, or above.
            second: on the right, or below.
            shares: of the width, where they stand side by side.
            wide: pixels from which they do; 0 for the least widths of both together.
        """
        self._pair, self._wide = (first, second), wide
        self._both = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._both.setContentsMargins(0, 10, 0, 0)
        self._both.setSpacing(GAP)
        for card, share in zip(self._pair, shares, strict=True):
            self._both.addWidget(card, share)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the second card below the first, where it has no room beside it."""
        super().resizeEvent(event)
        self.turn()

    def turn(self) -> None:
        """See anew whether there is room: a card's least width may have changed."""
        way = QBoxLayout.Direction
        wide = self._wide or GAP + sum(card.minimumSizeHint().width() for card in self._pair)
        self._both.setDirection(way.LeftToRight if self.width() >= wide else way.TopToBottom)

    def minimumSizeHint(self) -> QSize:
        """Be content with the width of one card."""
        return QSize(NARROWEST, super().minimumSizeHint().height())
