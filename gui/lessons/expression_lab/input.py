"""A field for a few lines of code, whose mistakes are underlined where they stand."""

from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor, QFontDatabase, QSyntaxHighlighter, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QTextEdit

from core.expressions import limits
from core.expressions.tokens import Place
from gui import theme
from gui.widgets.buttons import identified
from gui.widgets.text_box import TextBox


class ExpressionInput(TextBox):
    """A few lines of code, with undo as in any editor; mistakes are underlined.

    Of a huge text just enough is pasted for the message that it is too long.
    """

    def __init__(self, name: str, accessible: str, help: str) -> None:
        super().__init__(most=limits.CHARACTERS + 1)
        identified(self, name, accessible, help)
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPixelSize(13)
        self.setFont(font)
        self._place: Place | None = None
        self._comments = _Comments(self.document())

    def mark(self, place: Place | None) -> None:
        """Underline a place, or nothing."""
        self._place = place
        self.setExtraSelections([] if place is None else [self._underlined(place)])

    def _underlined(self, place: Place) -> QTextEdit.ExtraSelection:
        made = QTextEdit.ExtraSelection()
        block = self.document().findBlockByNumber(place.line - 1)
        long = max(0, block.length() - 1)
        # A mistake at a line's end is underlined at its last character.
        first = max(0, min(place.column, long - 1))
        last = max(first, min(place.column + place.length, long))
        cursor = QTextCursor(block)
        cursor.setPosition(block.position() + first)
        cursor.setPosition(block.position() + last, QTextCursor.MoveMode.KeepAnchor)
        wave = QTextCharFormat()
        wave.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
        wave.setUnderlineColor(theme.current().colour("fault"))
        wave.setBackground(theme.current().colour("fault", 34))
        made.cursor, made.format = cursor, wave
        return made

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.mark(self._place)
            self._comments.rehighlight()


class _Comments(QSyntaxHighlighter):
    """Comments are muted."""

    def highlightBlock(self, text: str) -> None:
        """Colour one line."""
        at = text.find("#")
        if at >= 0:
            self.setFormat(at, len(text) - at, QColor(theme.current().muted))
