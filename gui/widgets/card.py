"""A card: a quiet frame around what belongs together, under a title that asks a question."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gui.theme import GAP, MARGIN, current


def label(text: str = "", role: str = "", wrap: bool = False) -> QLabel:
    """Return a text in one of the style sheet's roles: title, heading, muted, small, fault."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    return made


def say(where: QLabel, sentence: str, role: str = "muted") -> None:
    """Show a sentence in a role, or hide the label where there is none."""
    if where.text() != sentence:
        where.setText(sentence)
    dress(where, role)
    where.setVisible(bool(sentence))


def dress(where: QLabel, role: str) -> None:
    """Give a label the looks of another role."""
    if where.property("role") != role:
        where.setProperty("role", role)
        where.style().polish(where)


class Elided(QLabel):
    """One line that is shortened where there is no room, and asks for none."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """Be content with a few letters, and as high when empty."""
        return QSize(40, 16)

    def sizeHint(self) -> QSize:
        """Be a line."""
        return QSize(160, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what fits."""
        painter = QPainter(self)
        painter.setPen(current().colour("muted"))
        right = Qt.TextElideMode.ElideRight
        text = painter.fontMetrics().elidedText(self.text(), right, self.width())
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self.rect(), middle, text)


class Card(QFrame):
    """A titled frame; put widgets into ``body``, and small controls beside the title."""

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(MARGIN, MARGIN - 2, MARGIN, MARGIN)
        self.body.setSpacing(GAP)
        self.head = QHBoxLayout()
        self.head.setSpacing(GAP)
        self.title = label(title, "heading")
        if title:
            self.head.addWidget(self.title)
            self.head.addStretch(1)
            self.body.addLayout(self.head)
