"""A message that lies over what it is about, takes no room, and lets the mouse through."""

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QWidget

from gui import theme

MARGIN = theme.GAP + 2


class Toast(QLabel):
    """A sentence in a role of the style sheet, at a square widget's foot; hidden while empty."""

    def __init__(self, over: QWidget, role: str) -> None:
        super().__init__(over)
        self._over = over
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setWordWrap(True)
        self.setContentsMargins(12, 9, 12, 9)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        over.installEventFilter(self)

    def say(self, sentence: str) -> None:
        """Show a sentence, or go away if it is empty."""
        self.setText(sentence)
        self.setAccessibleName(sentence)
        self._place()
        self.setVisible(bool(sentence))

    def _place(self) -> None:
        # In the largest square, as what it lies over paints itself when room is short.
        over = self._over
        side = min(over.width(), over.height())
        width = side - 2 * MARGIN
        height = self.heightForWidth(width)
        foot = (over.height() + side) // 2 - MARGIN
        self.setGeometry((over.width() - width) // 2, foot - height, width, height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay at the foot of what it lies over."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a quiet ground, so that the sentence can be read over anything."""
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(now.colour("border"), 1))
        painter.setBrush(now.colour("surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.end()
        super().paintEvent(event)
