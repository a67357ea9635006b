"""A card: a quiet frame around what belongs together, under a title that asks a question."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.theme import GAP, MARGIN


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
    if where.property("role") != role:
        where.setProperty("role", role)
        where.style().polish(where)
    where.setVisible(bool(sentence))


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
