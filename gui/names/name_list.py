"""A list of names that a network made: how probable each was, and whether it is new."""

from collections.abc import Sequence
from html import escape
from typing import Any

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFrame,
    QListWidget,
    QListWidgetItem,
)

from core.playgrounds.names.reports import Name
from gui import theme
from gui.names.name_row import NamePainter
from gui.widgets.probability_text import odds, sentence

HELP = (
    "<p>Names that the network made, one letter at a time. Each says how probable it was, and "
    "whether it is new or a copy from the training list. Click one to look closer; Ctrl+C copies "
    "the selected names, or all.</p>"
)
EMPTY = "The names that the network makes will stand here."


class NameItem(QListWidgetItem):
    """A row; it makes its words when they are asked for, since most are never read."""

    def __init__(self) -> None:
        super().__init__()
        self.name = Name("", 0.0, False)
        self.prefix = ""

    def data(self, role: int) -> Any:
        """Say what the row is, to the tooltip and to those who hear it."""
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"<p>{escape(sentence(self.name, self.prefix))}</p>"
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            mark = "copy" if self.name.known else "new"
            return f"{mark}, {odds(self.name.probability)}"
        return super().data(role)


class NameList(QListWidget):
    """Names in rows; an update rewrites the rows that are there."""

    nameChosen = Signal(str)
    """A name was clicked, or Enter pressed on it."""

    def __init__(self, name: str = "nameList") -> None:
        """Make it empty; ``name`` is its object name."""
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName("Names that the network made")
        self.setToolTip(HELP)
        self._hint = EMPTY
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setItemDelegate(NamePainter(self))
        self.itemClicked.connect(self._clicked)

    def show_names(self, names: Sequence[Name], prefix: str) -> None:
        """Show these names in place of those before.

        Rows that stay as they are cost nothing; the selection goes when a name changes.

        Args:
            names: from top to bottom, their prefix included.
            prefix: what they were asked to begin with.
        """
        changed = self.count() != len(names)
        while self.count() > len(names):
            self.takeItem(self.count() - 1)
        while self.count() < len(names):
            self.addItem(NameItem())
        for row, name in enumerate(names):
            item = self.item(row)
            item.name, item.prefix = name, prefix
            if item.text() != name.text:
                item.setText(name.text)
                changed = True
        if changed:
            self.clearSelection()
        self.viewport().update()

    def set_hint(self, words: str) -> None:
        """Say what will be seen, in the middle of an empty list."""
        self._hint = words
        self.setAccessibleDescription(words)
        self.viewport().update()

    def copy_names(self) -> None:
        """Put the selected names on the clipboard, one a line; all, if none is selected."""
        rows = sorted(index.row() for index in self.selectedIndexes()) or range(self.count())
        if rows:
            QApplication.clipboard().setText("\n".join(self.item(row).text() for row in rows))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose with Enter, copy with Ctrl+C; the rest as in any list."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_names()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentItem():
            self.nameChosen.emit(self.currentItem().text())
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Begin at the first row, so that the focus can be seen."""
        super().focusInEvent(event)
        if self.count() and not self.currentItem():
            none = self.selectionModel().SelectionFlag.NoUpdate
            self.selectionModel().setCurrentIndex(self.model().index(0, 0), none)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows, or the hint in place of them."""
        super().paintEvent(event)
        if self.count():
            return
        painter, now = QPainter(self.viewport()), theme.current()
        inside = QRectF(self.viewport().rect()).adjusted(1, 1, -1, -1)
        painter.setPen(now.colour("muted"))
        middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(inside.adjusted(11, 7, -11, -7), middle, self._hint)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(now.colour("activation"), 2))
            painter.drawRoundedRect(inside, 5, 5)

    def _clicked(self, item: QListWidgetItem) -> None:
        # With Ctrl or Shift a click selects more, to be copied.
        if QApplication.keyboardModifiers() == Qt.KeyboardModifier.NoModifier:
            self.nameChosen.emit(item.text())
