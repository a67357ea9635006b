"""What a network wrote: each token in the colour of its probability, to be pointed at."""

import math
from bisect import bisect_right
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit

from gui import theme

if TYPE_CHECKING:
    from core.playgrounds.text.writer import Said

EMPTY = "What the network writes appears here."
MOST = 6.0  # nats: the colour is full from here on (a probability of 1 in 400)
DEEPEST = 120  # of 255: the ink stays readable on it


class TextOutput(QTextEdit):
    """The prompt, quiet, and behind it what was said; the less likely, the more colour."""

    tokenPointed = Signal(int)
    """A token that was said is under the mouse, or was clicked: its place; -1 for none."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("textOutput")
        self.setAccessibleName("What the network wrote")
        self.setReadOnly(True)
        self.setPlaceholderText(EMPTY)
        self.setToolTip("")
        self.viewport().setMouseTracking(True)
        self._said: list[Said] = []
        self._begins: list[int] = []
        """Where each token's text begins in the document."""
        self._prompt = ""
        self._pinned = -1

    def begin(self, prompt: str, said: "list[Said]") -> None:
        """Show a prompt, and what was said behind it."""
        self.clear()
        self._prompt, self._said, self._begins, self._pinned = prompt, [], [], -1
        cursor = self.textCursor()
        form = QTextCharFormat()
        form.setForeground(theme.current().colour("muted"))
        cursor.insertText(prompt, form)
        self.add(said)

    def add(self, said: "list[Said]") -> None:
        """Show more tokens; the view follows unless the reader has scrolled away."""
        bar = self.verticalScrollBar()
        follows = bar.value() >= bar.maximum() - 4
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        for token in said:
            self._begins.append(cursor.position())
            cursor.insertText(token.text, self._form(token))
        cursor.endEditBlock()
        self._said += said
        if follows:
            bar.setValue(bar.maximum())

    def pin(self, place: int) -> None:
        """Mark a token as the one that is spoken of; -1 for none."""
        self._pinned = place
        marks = []
        if 0 <= place < len(self._begins):
            mark = QTextEdit.ExtraSelection()
            mark.cursor = QTextCursor(self.document())
            mark.cursor.setPosition(self._begins[place])
            mark.cursor.setPosition(self._end(place), QTextCursor.MoveMode.KeepAnchor)
            mark.format.setFontUnderline(True)
            mark.format.setUnderlineColor(theme.current().colour("activation"))
            mark.format.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
            mark.format.setFontWeight(QFont.Weight.DemiBold)
            marks.append(mark)
        self.setExtraSelections(marks)

    def place_at(self, position: int) -> int:
        """Return which token a place of the document belongs to; -1 for the prompt."""
        return bisect_right(self._begins, position) - 1

    def _end(self, place: int) -> int:
        return (
            self._begins[place + 1]
            if place + 1 < len(self._begins)
            else self.document().characterCount() - 1
        )

    def _form(self, said: "Said") -> QTextCharFormat:
        form = QTextCharFormat()
        form.setForeground(theme.current().colour("text"))
        form.setBackground(surprise_colour(said.probability))
        return form

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which token is under the mouse."""
        super().mouseMoveEvent(event)
        if not event.buttons():
            self._point(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Say which token was clicked, for whoever has no hovering mouse."""
        super().mouseReleaseEvent(event)
        self._point(event)

    def _point(self, event: QMouseEvent) -> None:
        layout = self.document().documentLayout()
        point = event.position()
        point.setY(point.y() + self.verticalScrollBar().value())
        position = layout.hitTest(point, Qt.HitTestAccuracy.ExactHit)
        place = self.place_at(position) if position >= 0 else -1
        if place >= 0 and place != self._pinned:
            self.tokenPointed.emit(place)

    def changeEvent(self, event: QEvent) -> None:
        """Colour everything anew when the theme changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._said:
            place = self._pinned
            self.begin(self._prompt, self._said)
            self.pin(place)


def surprise_colour(probability: float) -> QColor:
    """Return the ground of a token: none if it was certain, deeper the less likely it was."""
    nats = -math.log(max(probability, 1e-12))
    return theme.current().colour("gradient", round(DEEPEST * min(1.0, nats / MOST)))
