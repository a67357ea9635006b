"""Tokens in a card: as high as they need, and scrolled from a height on."""

from collections.abc import Sequence, Set

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea

from gui.widgets.token_view import EMPTY, TokenView

WAITING = "The text is being cut…"
HIGHEST = 228  # pixels
DRAWN = 1500
"""Tokens that are drawn at most."""


class TokenArea(QScrollArea):
    """The first tokens of a text."""

    def __init__(self, view: TokenView) -> None:
        super().__init__()
        self.view = view
        view.hint = WAITING
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the tokens have it
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(view)
        self._fit()

    def show_tokens(
        self, pieces: Sequence[tuple[bytes, int]], marked: Set[int] = frozenset()
    ) -> None:
        """Show tokens, DRAWN at most."""
        self.view.hint = EMPTY
        self.view.show_tokens(pieces[:DRAWN], marked)
        self._fit()

    def bring(self, index: int) -> None:
        """Scroll to a token, if it is drawn."""
        if index < self.view.count():
            self.view.resize(self.viewport().width(), self.view.minimumHeight())
            centre = self.view.rect_of(index).center().toPoint()
            self.ensureVisible(centre.x(), centre.y(), 0, self.height() // 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        need = self.view.heightForWidth(self.viewport().width())
        if (high := max(30, min(HIGHEST, need))) != self.height():
            self.setFixedHeight(high)


def only_first(count: int) -> str:
    """Say that there are more tokens than are drawn; "" if there are not."""
    return f" The first {DRAWN:,} are drawn." if count > DRAWN else ""
