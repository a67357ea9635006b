"""A program's source, to be read: with its line numbers, and marks where a cause lies."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
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

from core.programs.program import Program
from gui import theme
from gui.rich_text import rich
from gui.theme import GAP

EMPTY = (
    "Open a Python script or a notebook of yours, or drop it here. It is run unedited, its training"
    " loops are watched, and each cause is marked at its line."
)


@dataclass(frozen=True)
class LineMark:
    """A mark at a line: which cause lies there.

    Attributes:
        cell: of a notebook; None of a script.
        line: in that cell, or in the script.
        cause: its number in the report.
        words: what is said of it.
        role: its colour.
    """

    cell: int | None
    line: int
    cause: int
    words: str
    role: str


class SourceView(QPlainTextEdit):
    """Shows the source of a script, or the cells of a notebook below one another."""

    markClicked = Signal(int)
    """The number of the cause whose mark was clicked."""

    def __init__(self) -> None:
        self._marks: dict[int, list[LineMark]] = {}
        super().__init__()
        self.setObjectName("programSource")
        self.setAccessibleName("Source of the program, with marks where a cause lies")
        self.setReadOnly(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setPlaceholderText(EMPTY)
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._numbers: list[tuple[int | None, int]] = []
        """Cell and line of each block; line 0 of a cell's heading."""
        self._gutter = _Gutter(self)
        self.blockCountChanged.connect(lambda count: self._make_room())
        self.updateRequest.connect(self._scroll_gutter)
        self.viewport().setMouseTracking(True)

    def show_program(self, program: Program) -> None:
        """Show what will be run."""
        lines: list[str] = []
        self._numbers, self._marks = [], {}
        for cell in program.cells:
            if cell.number is not None:
                lines.append(f"Cell {cell.number}")
                self._numbers.append((cell.number, 0))
            source = cell.written.split("\n")
            lines += source
            self._numbers += [(cell.number, line) for line in range(1, len(source) + 1)]
        self.setPlainText("\n".join(lines))
        self._make_room()
        self._colour()

    def set_marks(self, marks: Sequence[LineMark]) -> None:
        """Mark these lines; others are marked no more."""
        places = {place: block for block, place in enumerate(self._numbers)}
        self._marks = {}
        for mark in marks:
            block = places.get((mark.cell, mark.line))
            if block is not None:
                self._marks.setdefault(block, []).append(mark)
        self._colour()
        self._gutter.update()

    def show_cause(self, cause: int) -> None:
        """Turn to the first line that is marked with a cause."""
        for block, marks in self._marks.items():
            if any(mark.cause == cause for mark in marks):
                cursor = QTextCursor(self.document().findBlockByNumber(block))
                self.setTextCursor(cursor)
                self.centerCursor()
                return

    def text_of(self, block: int) -> str:
        """Return the number that stands before a line."""
        _, line = self._numbers[block] if block < len(self._numbers) else (None, 0)
        return str(line) if line else ""

    def marks_at(self, block: int) -> list[LineMark]:
        """Return the marks of a line."""
        return self._marks.get(block, [])

    def _colour(self) -> None:
        """Lay a colour under marked lines, and quiet the headings of cells."""
        now, selections = theme.current(), []
        for block, marks in self._marks.items():
            colour = QColor(now.colour(marks[0].role))
            colour.setAlpha(46)
            selections.append(self._line(block, background=colour))
        for block, (_, line) in enumerate(self._numbers):
            if line == 0:
                selections.append(self._line(block, ink=now.colour("muted")))
        self.setExtraSelections(selections)

    def _line(
        self, block: int, background: QColor | None = None, ink: QColor | None = None
    ) -> QTextEdit.ExtraSelection:
        made = QTextEdit.ExtraSelection()
        made.cursor = QTextCursor(self.document().findBlockByNumber(block))
        if background is not None:
            made.format.setBackground(background)
            made.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
        if ink is not None:
            made.cursor.movePosition(
                QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor
            )
            made.format.setForeground(ink)
        return made

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour()

    # The numbers beside the lines.

    def gutter_width(self) -> int:
        """Return how wide the numbers and marks are, in pixels."""
        digits = len(str(max((line for _, line in self._numbers), default=0)))
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
        """Choose the cause whose mark was clicked."""
        super().mouseReleaseEvent(event)
        self.click(event.position().toPoint())

    def click(self, point: QPoint) -> None:
        """Choose the cause that is marked at a point of the viewport, if any."""
        if marks := self.marks_at(self.block_at(point.y())):
            self.markClicked.emit(marks[0].cause)


class _Gutter(QWidget):
    """Line numbers, and a mark before those at which a cause lies."""

    def __init__(self, source: SourceView) -> None:
        super().__init__(source)
        self.setObjectName("programLines")
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
        """A mark is clicked here, too."""
        self._source.click(event.position().toPoint())
