"""One of a few: buttons in a common groove, the chosen one raised."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from gui import theme
from gui.rich_text import rich

HIGH = 28
ROOM = 9  # pixels beside the words


class Segment(QAbstractButton):
    """A choice of the groove."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.setText(words)
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Be as wide as the words when chosen, so that choosing moves nothing."""
        return QSize(QFontMetrics(_font(True)).horizontalAdvance(self.text()) + 2 * ROOM, HIGH)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Light up under the mouse."""
        super().enterEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the words, raised where chosen, ringed where the keys go."""
        now, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = self.isChecked() and self.isEnabled()
        if chosen or self.hasFocus():
            painter.setPen(QPen(now.colour("activation" if self.hasFocus() else "border"), 1))
            painter.setBrush(now.colour("surface" if chosen else "sunken"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(2.5, 2.5, -2.5, -2.5), 5, 5)
        strong = chosen or (self.underMouse() and self.isEnabled())
        painter.setFont(_font(chosen))
        painter.setPen(now.colour("text" if strong else "muted" if self.isEnabled() else "faint"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())


class Segments(QWidget):
    """Choices of which exactly one holds; the arrow keys go from one to the next."""

    chosen = Signal(str)
    """Another choice was made: its key."""

    def __init__(self, accessible: str) -> None:
        super().__init__()
        self.setAccessibleName(accessible)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.buttons: dict[str, Segment] = {}
        self._group = QButtonGroup(self)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)

    def add(self, key: str, words: str, name: str, help: str) -> Segment:
        """Append a choice; the first one holds."""
        button = Segment(words)
        button.setObjectName(name)
        button.setAccessibleName(words)
        button.setToolTip(rich(help))
        button.setChecked(not self.buttons)
        button.toggled.connect(lambda on: self.chosen.emit(key) if on else None)
        self.buttons[key] = button
        self._group.addButton(button)
        self._row.addWidget(button)
        return button

    def key(self) -> str:
        """Return the key of the choice that holds."""
        return next(key for key, button in self.buttons.items() if button.isChecked())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the groove."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().colour("sunken"))
        painter.drawRoundedRect(QRectF(self.rect()), 7, 7)


def _font(chosen: bool) -> QFont:
    return theme.font(12, QFont.Weight.DemiBold if chosen else QFont.Weight.Medium)
