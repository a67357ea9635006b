"""Source to be read: with its line numbers, and marks at some lines."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontDatabase,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextBlock,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from gui import theme
from gui.rich_text import rich
from gui.theme import GAP

Stretch = tuple[int, int, int]
"""A piece of a line: which, counted from 0, and its first letter and the one behind its last."""


class SourceMark(NamedTuple):
    """What stands at a line: what is said of it, and its colour."""

    words: str
    role: str


class SourceText(QPlainTextEdit):
    """Shows lines of source with a number before each.

    Args:
        name: of the widget, as an object.
    """

    pressed = Signal(int)
    """The mouse was released over a line, or pressed over its number; which, counted from 0."""

    def __init__(self, name: str) -> None:
        self._marks: dict[int, list[SourceMark]] = {}
        super().__init__()
        self.setObjectName(name)
        self.setReadOnly(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._numbers: list[int] = []
        self._quiet: list[Stretch] = []
        self._gutter = _Gutter(self)
        self.blockCountChanged.connect(lambda count: self._make_room())
        self.updateRequest.connect(self._scroll_gutter)
        self.viewport().setMouseTracking(True)

    def show_lines(
        self, lines: Sequence[str], numbers: Sequence[int], quiet: Iterable[Stretch] = ()
    ) -> None:
        """Show other source, without marks.

        Args:
            lines: of it.
            numbers: of each line; 0 for a line that has none.
            quiet: what matters less.
        """
        self._numbers, self._quiet, self._marks = list(numbers), list(quiet), {}
        self.setPlainText("\n".join(lines))
        self._make_room()
        self._colour()

    def mark_lines(self, marks: Mapping[int, list[SourceMark]]) -> None:
        """Mark these lines, counted from 0; others are marked no more."""
        self._marks = dict(marks)
        self._colour()
        self._gutter.update()

    def bring_into_view(self, blocks: Sequence[int]) -> None:
        """Turn to the first of these lines, where none of them is seen."""
        if blocks and not {block for block, _ in self.visible_blocks()} & set(blocks):
            self.turn_to(blocks[0])

    def turn_to(self, block: int) -> None:
        """Show a line in the middle."""
        self.setTextCursor(QTextCursor(self.document().findBlockByNumber(block)))
        self.centerCursor()

    def text_of(self, block: int) -> str:
        """Return the number that stands before a line."""
        number = self._numbers[block] if block < len(self._numbers) else 0
        return str(number or "")

    def marks_at(self, block: int) -> list[SourceMark]:
        """Return the marks of a line."""
        return self._marks.get(block, [])

    def marked_lines(self) -> list[int]:
        """Return the lines that are marked, counted from 0."""
        return sorted(self._marks)

    def _colour(self) -> None:
        """Lay a colour under marked lines, and quiet what matters less."""
        now, selections = theme.current(), []
        for block, marks in self._marks.items():
            line = QTextEdit.ExtraSelection()
            line.cursor = QTextCursor(self.document().findBlockByNumber(block))
            line.format.setBackground(now.colour(marks[0].role, 46))
            line.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
            selections.append(line)
        for block, begin, end in self._quiet:
            piece = QTextEdit.ExtraSelection()
            start = self.document().findBlockByNumber(block).position()
            piece.cursor = QTextCursor(self.document())
            piece.cursor.setPosition(start + begin)
            piece.cursor.setPosition(start + end, QTextCursor.MoveMode.KeepAnchor)
            piece.format.setForeground(QColor(now.muted))
            selections.append(piece)
        self.setExtraSelections(selections)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour()

    # The numbers beside the lines.

    def gutter_width(self) -> int:
        """Return how wide the numbers and marks are, in pixels."""
        digits = len(str(max(self._numbers, default=0)))
        return 22 + self.fontMetrics().horizontalAdvance("9") * max(2, digits)

    def _make_room(self) -> None:
        self.setViewportMargins(self.gutter_width() + GAP, 0, 0, 0)

    def _scroll_gutter(self, rect: QRect, by: int) -> None:
        if by:
            self._gutter.scroll(0, by)
        else:
            self._gutter.update(0, rect.y(), self._gutter.width(), rect.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the numbers as high as the text."""
        super().resizeEvent(event)
        inner = self.contentsRect()
        self._gutter.setGeometry(inner.left(), inner.top(), self.gutter_width(), inner.height())

    def visible_blocks(self) -> list[tuple[int, QRect]]:
        """Return the lines that are seen: their numbers, and where they are."""
        block: QTextBlock = self.firstVisibleBlock()
        found = []
        while block.isValid():
            rect = self.blockBoundingGeometry(block).translated(self.contentOffset()).toRect()
            if rect.top() > self.viewport().height():
                break
            found.append((block.blockNumber(), rect))
            block = block.next()
        return found

    def block_at(self, y: int) -> int:
        """Return the line at a height of the viewport; -1 for none."""
        return next(
            (n for n, rect in self.visible_blocks() if rect.top() <= y <= rect.bottom()), -1
        )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is marked at the line under the mouse."""
        super().mouseMoveEvent(event)
        marks = self.marks_at(self.block_at(event.position().toPoint().y()))
        self.viewport().setToolTip(rich(*(mark.words for mark in marks)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell of a click on a line."""
        super().mouseReleaseEvent(event)
        self.pressed.emit(self.block_at(event.position().toPoint().y()))


class _Gutter(QWidget):
    """Line numbers, and a mark before the lines that are marked."""

    def __init__(self, source: SourceText) -> None:
        super().__init__(source)
        self.setObjectName(f"{source.objectName()}Lines")
        self._source = source

    def sizeHint(self) -> QSize:
        """Be as wide as the numbers."""
        return QSize(self._source.gutter_width(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the numbers of the lines that are seen."""
        now, source = theme.current(), self._source
        painter = QPainter(self)
        painter.setFont(source.font())
        for block, rect in source.visible_blocks():
            marks = source.marks_at(block)
            if marks:
                colour = now.colour(marks[0].role)
                painter.fillRect(QRect(2, rect.top() + 2, 4, rect.height() - 4), colour)
            painter.setPen(now.colour(marks[0].role if marks else "muted"))
            place = QRect(8, rect.top(), self.width() - 14, rect.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignRight, source.text_of(block))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A line is clicked here, too."""
        source = self._source
        source.pressed.emit(source.block_at(event.position().toPoint().y()))
