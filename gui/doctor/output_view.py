"""What a program wrote, and the figures that it showed, in their order."""

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import (
    QFontDatabase,
    QImageReader,
    QResizeEvent,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextImageFormat,
)
from PySide6.QtWidgets import QTextEdit

from gui.rich_text import rich
from gui.widgets.buttons import identified

BLOCKS = 5000
"""Lines that are shown, the last ones."""
LETTERS = 1000
"""Of a line; a longer one is broken, since one of a million takes seconds to be laid out."""
FIGURES = 50
LARGEST = 1000  # pixels of a figure's longer side, in memory
NATURAL = QTextFormat.Property.UserProperty.value + 1
"""The property of an image that says how large it is unscaled."""


class OutputView(QTextEdit):
    """Shows text as text, whatever it is, and figures scaled to its width."""

    def __init__(self) -> None:
        super().__init__()
        identified(self, "programOutput", "What the program wrote", "What the program writes.")
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setUndoRedoEnabled(False)
        self.document().setMaximumBlockCount(BLOCKS)
        self.setPlaceholderText("What the program writes appears here.")
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._figures = 0
        self._images: list[QTextCursor] = []
        """Each has one of them selected."""

    def forget(self) -> None:
        """Show nothing, as before a run."""
        self.document().clear()
        self._figures, self._images = 0, []

    def write(self, words: str) -> None:
        """Show what the program wrote."""
        follows, cursor = self._end()
        cursor.beginEditBlock()
        for number, line in enumerate(words.split("\n")[-BLOCKS:]):
            if number:
                cursor.insertBlock()
            while line:
                room = LETTERS - cursor.positionInBlock()
                if room <= 0:
                    cursor.insertBlock()
                    continue
                cursor.insertText(line[:room])
                line = line[room:]
        cursor.endEditBlock()
        self._follow(follows)

    def show_figure(self, file: str, place: str) -> None:
        """Show a figure that was kept.

        Args:
            file: a PNG.
            place: where the program showed it, in words.
        """
        self._figures += 1
        if self._figures > FIGURES:
            return
        reader = QImageReader(file)
        size = reader.size()
        if max(size.width(), size.height()) > LARGEST:
            reader.setScaledSize(size.scaled(LARGEST, LARGEST, Qt.AspectRatioMode.KeepAspectRatio))
        image = reader.read()
        if image.isNull():
            return
        follows, cursor = self._end()
        shown = QTextImageFormat()
        shown.setName(f"figure-{self._figures}")
        shown.setToolTip(rich(f"Figure, {place}"))
        shown.setProperty(NATURAL, image.size())
        self._scale(shown)
        url = QUrl(shown.name())
        self.document().addResource(QTextDocument.ResourceType.ImageResource, url, image)
        if cursor.positionInBlock():
            cursor.insertBlock()
        at = cursor.position()
        cursor.insertImage(shown)
        cursor.insertBlock()
        image_cursor = QTextCursor(self.document())
        image_cursor.setPosition(at)
        image_cursor.setPosition(at + 1, image_cursor.MoveMode.KeepAnchor)
        self._images.append(image_cursor)
        self._follow(follows)

    def images(self) -> list[QTextImageFormat]:
        """Return how the figures are shown."""
        return [cursor.charFormat().toImageFormat() for cursor in self._images]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep figures as wide as there is room."""
        super().resizeEvent(event)
        for cursor in self._images:
            if cursor.hasSelection():  # else it was among the first lines, which are gone
                shown = cursor.charFormat().toImageFormat()
                self._scale(shown)
                cursor.setCharFormat(shown)

    def _scale(self, shown: QTextImageFormat) -> None:
        natural: QSize = shown.property(NATURAL)
        room = self.viewport().width() - 2 * self.document().documentMargin()
        factor = min(1.0, room / max(1, natural.width()))
        shown.setWidth(factor * natural.width())
        shown.setHeight(factor * natural.height())

    def _end(self) -> tuple[bool, QTextCursor]:
        """Return whether the reader is at the end, and a cursor there."""
        bar = self.verticalScrollBar()
        cursor = QTextCursor(self.document())
        cursor.movePosition(cursor.MoveOperation.End)
        return bar.value() >= bar.maximum() - 4, cursor

    def _follow(self, follows: bool) -> None:
        if follows:
            bar = self.verticalScrollBar()
            bar.setValue(bar.maximum())
