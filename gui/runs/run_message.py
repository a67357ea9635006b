"""The line under the table: how many runs there are, what was just done, and its undo."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from gui.widgets.card import label, say


class RunMessage(QWidget):
    """Says one thing; what was done stands there until something else is."""

    undoAsked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.words = label("", "small")
        self.words.setObjectName("runsMessage")
        self.count = label("", "small")
        self.count.setObjectName("runCount")
        self.undo = QPushButton("Undo")
        self.undo.setObjectName("undoDelete")
        self.undo.setProperty("role", "link")
        self.undo.setToolTip("<p>Bring back what was deleted. Ctrl+Z does the same.</p>")
        self.undo.clicked.connect(self.undoAsked)
        self.undo.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(12)
        row.addWidget(self.words)
        row.addWidget(self.undo)
        row.addStretch(1)
        row.addWidget(self.count)
        self.setFixedHeight(26)

    def tell(self, sentence: str, role: str = "muted", undo: bool = False) -> None:
        """Say what was done, or why it was not; with or without a way back."""
        say(self.words, sentence, role)
        self.undo.setVisible(undo)
