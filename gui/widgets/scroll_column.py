"""A column of cards that scrolls; the scroll bar, where there is one, stands beside them."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

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
        inner = _Least() if squeeze else QWidget()
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


class _Squeezed(QVBoxLayout):
    """Keeps quiet about the height that it would like: a scroll area would give it all of it."""

    def hasHeightForWidth(self) -> bool:
        """Say no, though wrapped texts have one."""
        return False


class _Least(QWidget):
    """At least as high as its cards must be in its width."""

    def event(self, event: QEvent) -> bool:
        """Update the least height when something in it has changed."""
        done = super().event(event)
        layout = self.layout()
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize) and layout is not None:
            self.setMinimumHeight(layout.minimumHeightForWidth(self.width()))
        return done
