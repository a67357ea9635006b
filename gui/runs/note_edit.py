"""A person's own words on something, kept when they turn elsewhere."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent

from gui.widgets.text_box import TextBox

HIGH = 58  # pixels: two lines


class NoteEdit(TextBox):
    """Some lines to write in."""

    written = Signal(str)
    """The words are others now, and the person has turned elsewhere."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._kept = ""
        self.setObjectName(name)
        self.setAccessibleName("Note on the run")
        self.setPlaceholderText("Your note: what did you try, what did you see?")
        self.setToolTip("<p>Your own words; kept in the run's folder when you turn elsewhere.</p>")
        self.setTabChangesFocus(True)
        self.setFixedHeight(HIGH)

    def show_note(self, note: str) -> None:
        """Show what is kept, unless it is being written in."""
        if not self.hasFocus() and note != self.toPlainText():
            self.setPlainText(note)
        self._kept = note

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell what was written."""
        super().focusOutEvent(event)
        if self.toPlainText() != self._kept:
            self._kept = self.toPlainText()
            self.written.emit(self._kept)
