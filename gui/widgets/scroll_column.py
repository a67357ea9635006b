"""A column of cards that scrolls; the scroll bar, where there is one, stands beside them."""

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QVBoxLayout, QWidget

from gui.widgets.layout_widgets import widgets_of

ASIDE = 12  # pixels at the right that a scroll bar may take
UNDER_TABS = 10  # pixels between tabs and what is under them


class CardColumn(QScrollArea):
    """Cards below one another, all of one width; put them into ``column``.

    Args:
        name: of the widget, as an object.
        space: between two cards, in pixels.
        squeeze: whether cards give way to their least height before anything is scrolled.
    """

    def __init__(self, name: str, space: int, squeeze: bool = False) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        if squeeze:  # of a page: the keys go to what stands in it
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.column: QVBoxLayout = _Squeezed() if squeeze else QVBoxLayout()
        inner = QWidget()
        inner.setLayout(self.column)
        self.column.setSpacing(space)
        self.column.addStretch()
        self.setWidget(inner)
        self.verticalScrollBar().rangeChanged.connect(self._keep_aside)
        self._keep_aside(0, 0)

    def add(self, widget: QWidget, share: int = 0) -> None:
        """Put a card under those that are there; with a share, it takes what height is left."""
        self.column.removeWidget(widget)
        self.column.insertWidget(self.column.count() - 1, widget, share)

    def _keep_aside(self, first: int, last: int) -> None:
        bar = self.verticalScrollBar().sizeHint().width() if last > first else 0
        self.column.setContentsMargins(0, 0, ASIDE - bar, 0)


def scrolled(content: QWidget, above: int = 0, fills: bool = False) -> QScrollArea:
    """Return a quiet area in which content scrolls up and down.

    Args:
        content: what scrolls.
        above: pixels over it.
        fills: whether it takes all height; else it stays at the top.
    """
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    inside = QWidget()
    column = QVBoxLayout(inside)
    column.setContentsMargins(0, above, 0 if fills else 6, 0)
    column.addWidget(content, int(fills))
    if not fills:
        column.addStretch(1)
    area.setWidget(inside)
    return area


class _Squeezed(QVBoxLayout):
    """Gives each card its least height, then what it would like, then shares what is left.

    Qt's own layout gives all cards of wrapped texts their full height before one may scroll.
    """

    def hasHeightForWidth(self) -> bool:
        """Say no: a scroll area would give it the height that it would like."""
        return False

    def minimumSize(self) -> QSize:
        """The sum of the least heights in the width of the column."""
        inner = self.parentWidget()
        seen = inner.parentWidget() if inner is not None else None
        margins = self.contentsMargins()
        width = (seen.width() if seen is not None else 0) - margins.left() - margins.right()
        heights = [_least_height(card, width) for card in self._cards()]
        spaces = self.spacing() * max(0, len(heights) - 1)
        return QSize(super().minimumSize().width(), sum(heights) + spaces)

    def setGeometry(self, rect: QRect) -> None:
        """Put the cards below one another."""
        QLayout.setGeometry(self, rect)
        cards, inner = self._cards(), rect.marginsRemoved(self.contentsMargins())
        heights = [_least_height(card, inner.width()) for card in cards]
        spare = inner.height() - sum(heights) - self.spacing() * (len(cards) - 1)
        shares = [self.stretch(self.indexOf(card)) for card in cards]
        for index, card in enumerate(cards):
            if not shares[index]:
                more = max(0, min(spare, _preferred_height(card, inner.width()) - heights[index]))
                heights[index] += more
                spare -= more
        top = inner.top()
        for card, height, share in zip(cards, heights, shares, strict=True):
            height += max(0, spare) * share // max(1, sum(shares))
            card.setGeometry(inner.left(), top, inner.width(), height)
            top += height + self.spacing()

    def _cards(self) -> list[QWidget]:
        return [widget for widget in widgets_of(self) if not widget.isHidden()]


def _least_height(card: QWidget, width: int) -> int:
    layout = card.layout()
    if layout is None or not layout.hasHeightForWidth():
        return max(card.minimumHeight(), card.minimumSizeHint().height())
    return max(card.minimumHeight(), layout.totalMinimumHeightForWidth(width))


def _preferred_height(card: QWidget, width: int) -> int:
    wanted = card.heightForWidth(width) if card.hasHeightForWidth() else card.sizeHint().height()
    return min(wanted, card.maximumHeight())
