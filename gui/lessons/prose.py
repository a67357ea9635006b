"""Body text: a paragraph with emphasis, code and links, in the colours of the theme."""

import html
import re

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLabel

from core.lessons.text import LINK
from gui import theme

MEASURE = 640  # pixels of a line: some 80 letters of 15 pixels
LEADING = 145  # per cent of a line
_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_EMPHASIS = re.compile(r"\*([^*]+)\*")


def rich(words: str) -> str:
    """Return inline Markdown as Qt's rich text, in the current theme."""
    now = theme.current()
    pieces = _CODE.split(html.escape(words, quote=False))
    code = f'<span style="background-color:{now.sunken}">'
    link = rf'<a style="color:{now.activation}; text-decoration:none" href="\2">\1</a>'
    for number, piece in enumerate(pieces):
        if number % 2:
            pieces[number] = f"{code}{piece.replace(' ', '&nbsp;')}</span>"
            continue
        piece = LINK.sub(link, piece)
        piece = _STRONG.sub(r'<span style="font-weight:600">\1</span>', piece)
        pieces[number] = _EMPHASIS.sub(r"<i>\1</i>", piece)
    return "".join(pieces)


class _Measured(QLabel):
    """Wrapped text that computes its height within its maximum width, once while it stands."""

    def __init__(self, words: str = "") -> None:
        super().__init__(words)
        self.heights: dict[tuple[str, int], int] = {}
        """By font and width; whoever changes the text, and not only its colours, clears it."""

    def heightForWidth(self, width: int) -> int:
        """Return the height in the width that it gets."""
        key = (self.font().key(), min(width, self.maximumWidth()))
        if key not in self.heights:
            self.heights[key] = super().heightForWidth(key[1])
        return self.heights[key]


class Prose(_Measured):
    """A paragraph in inline Markdown; a clicked link emits ``linkActivated``."""

    def __init__(self, words: str = "", pixels: int = 15, role: str = "") -> None:
        super().__init__()
        self.words = ""
        self.setProperty("role", role)
        self.setFont(theme.font(pixels))
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse
            | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.say(words)

    def say(self, words: str) -> None:
        """Show this text."""
        if words != self.words:
            self.heights.clear()
        self.words, text = words, rich(words)
        self.setText(f'<p style="line-height:{LEADING}%; margin:0">{text}</p>')
        # Tab goes from link to link, and not through text without links.
        focus = Qt.FocusPolicy.StrongFocus if "<a " in text else Qt.FocusPolicy.NoFocus
        self.setFocusPolicy(focus)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.say(self.words)


def heading(words: str, pixels: int) -> QLabel:
    """Return the title of a section."""
    made = _Measured(words)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setFont(theme.font(pixels, QFont.Weight.DemiBold))
    made.setWordWrap(True)
    return made
