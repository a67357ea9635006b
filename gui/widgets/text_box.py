"""A field of several lines, into which text can be pasted and dropped."""

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QPlainTextEdit


class TextBox(QPlainTextEdit):
    """Some lines to write in; a file that is dropped on it goes to the page, which opens it.

    Where text is dropped amid other text, Qt scrolls to it before the lines are laid out, and reads
    one that is not there: that ends the program. Here it scrolls when the drop is over.

    Args:
        most: characters that are pasted or dropped at once; None without a limit.
    """

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self._most = most
        self._dropping = False

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Take text, also a link, and no files."""
        return source.hasText() and not any(url.isLocalFile() for url in source.urls())

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Insert plain text."""
        self.insertPlainText(source.text()[: self._most])
        if not self._dropping:
            self.ensureCursorVisible()

    def dropEvent(self, event: QDropEvent) -> None:
        """Insert what is dropped, then scroll to it."""
        self._dropping = True
        try:
            super().dropEvent(event)
        finally:
            self._dropping = False
        self.ensureCursorVisible()
