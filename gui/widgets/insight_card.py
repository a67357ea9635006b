"""A card that answers one question about a layer, and says so while it can't yet."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from core.telemetry.events import LayerInfo
from gui.charts.cells import Cells
from gui.widgets.card import Card, label

PICTURED = 64  # units; as many as core.telemetry.inspection makes pictures of
SOON = "Comes with the next look at the network."


def set_role(words: QLabel, role: str) -> None:
    """Give a text another role of the style sheet."""
    if words.property("role") != role:
        words.setProperty("role", role)
        words.style().unpolish(words)
        words.style().polish(words)


def capped(info: LayerInfo) -> str:
    """Say that not all units are pictured, if so."""
    return f" The first {PICTURED} of {info.units:,} units." if info.units > PICTURED else ""


class InsightCard(Card):
    """A question as title, a quiet sentence how to read the answer, and pictures.

    Add pictures with ``show``; until there are any, the card says what it waits for.
    """

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.title.setMinimumHeight(30)  # as high as a choice beside it: titles stand in a line
        self.note = label("", "small", wrap=True)
        self.waits = label(SOON, "muted", wrap=True)
        self.waits.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.waits.setMinimumHeight(112)
        self.body.addWidget(self.note)
        self.body.addWidget(self.waits, 1)
        self._pictures: list[QWidget] = []

    def add(self, *pictures: QWidget) -> None:
        """Append pictures, hidden until they are shown."""
        for picture in pictures:
            self.body.addWidget(picture, int(isinstance(picture, Cells)))  # takes spare room
            picture.hide()
            self._pictures.append(picture)

    def reveal(self, *pictures: QWidget) -> None:
        """Show these pictures and no others."""
        self.waits.hide()
        self.note.setVisible(bool(self.note.text()))
        for picture in self._pictures:
            picture.setVisible(picture in pictures)

    def wait(self, words: str = SOON) -> None:
        """Show no picture, but say what is missing."""
        self.waits.setText(words)
        self.waits.show()
        self.note.hide()
        for picture in self._pictures:
            picture.hide()
