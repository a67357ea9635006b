"""A list of names that a network made: how probable each was, and whether it is new."""

import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QTextCharFormat,
    QTextLayout,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from core.numbers import large, number, odds
from core.playgrounds.names.reports import Name
from gui import theme
from gui.rich_text import rich

HELP = (
    "<p>Names that the network made, one letter at a time. Each says how probable it was, and "
    "whether it is new or a copy from the training list. Click one to look closer; Ctrl+C copies "
    "the selected names, or all.</p>"
)
EMPTY = "The names that the network makes will stand here."
ROW = 25
LEAST = 5 * ROW  # pixels: fewer names show nothing of what a network has learned
SIDE = 8  # pixels beside the words
MARK, ODDS = 38, 92
LEAST_NAME = 110  # pixels of a name that is cut so that its probability is seen
NOTHING = "(no letter)"
"""Stands for a name that ended before its first letter."""
WIDEST = 460  # the eye loses its line if name and number are farther apart
Index = QModelIndex | QPersistentModelIndex


class NameItem(QListWidgetItem):
    """A row; it makes its words when they are asked for, since most are never read."""

    def __init__(self) -> None:
        super().__init__()
        self.name = Name("", 0.0, False)
        self.prefix = ""

    def data(self, role: int) -> Any:
        """Say what the row is, to the tooltip and to those who hear it."""
        if role == Qt.ItemDataRole.ToolTipRole:
            return rich(sentence(self.name, self.prefix))
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
        self.setMinimumHeight(LEAST)
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
            assert isinstance(item, NameItem)
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
        theme.paint_hint(painter, inside.adjusted(11, 7, -11, -7), self._hint)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(now.colour("activation"), 2))
            painter.drawRoundedRect(inside, 5, 5)

    def _clicked(self, item: QListWidgetItem) -> None:
        # With Ctrl or Shift a click selects more, to be copied.
        if QApplication.keyboardModifiers() == Qt.KeyboardModifier.NoModifier:
            self.nameChosen.emit(item.text())


class NamePainter(QStyledItemDelegate):
    """Paints a row. A long name is cut; in a narrow list its probability goes first, then its mark.

    What is cut is whole in the tooltip.
    """

    def __init__(self, rows: QListWidget) -> None:
        super().__init__(rows)
        self._rows = rows

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are of one height."""
        return QSize(MARK, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the ground, then the words."""
        item, now = self._rows.item(index.row()), theme.current()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QRectF(option.rect).adjusted(1, 1, -1, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(now.colour("activation", 46))
            painter.drawRoundedRect(ground, 5, 5)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(now.colour("sunken"))
            painter.drawRoundedRect(ground, 5, 5)
        if self._rows.hasFocus() and item is self._rows.currentItem():
            painter.setPen(QPen(now.colour("activation"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(ground, 5, 5)
        line = QRectF(option.rect).adjusted(SIDE, 0, -SIDE, 0)
        line.setWidth(min(line.width(), WIDEST))
        assert isinstance(item, NameItem)
        _words(painter, line, item.name, item.prefix)
        painter.restore()


def _words(painter: QPainter, line: QRectF, name: Name, prefix: str) -> None:
    now, font = theme.current(), theme.font(13, QFont.Weight.Medium)
    metrics = QFontMetricsF(font)
    text = name.text or NOTHING
    painter.setFont(theme.font(12))
    chance = odds(name.probability)
    wide = painter.fontMetrics().horizontalAdvance(chance) + SIDE
    room = line.width() - MARK - wide - SIDE
    if metrics.horizontalAdvance(text) > room:
        room = room if room >= LEAST_NAME else line.width()
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
    needed = metrics.horizontalAdvance(text) + SIDE
    free = line.width() - needed - MARK
    # The marks stand under one another; a long name pushes its own to the right.
    aside = ODDS if free >= ODDS else wide if free >= wide else 0
    if aside:
        painter.setPen(now.colour("muted"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(line, right, chance)
    if free >= 0:
        _mark(painter, QRectF(line.right() - aside - MARK, line.top(), MARK, ROW), name.known)
    quiet = prefix if name.text else NOTHING
    given = len(quiet) if text.startswith(quiet) else 0
    # A text layout, not two texts side by side: letters of many scripts join their neighbours.
    layout = QTextLayout(text, font)
    layout.setFormats([_format(0, given, "muted"), _format(given, len(text) - given, "text")])
    layout.beginLayout()
    made = layout.createLine()
    layout.endLayout()
    if made.isValid():
        layout.draw(painter, QPointF(line.left(), line.center().y() - made.height() / 2))


def _format(start: int, length: int, role: str) -> QTextLayout.FormatRange:
    made, look = QTextLayout.FormatRange(), QTextCharFormat()
    look.setForeground(theme.current().colour(role))
    look.setFontWeight(QFont.Weight.Normal if role == "muted" else QFont.Weight.Medium)
    made.start, made.length, made.format = start, length, look
    return made


def _mark(painter: QPainter, where: QRectF, known: bool) -> None:
    """Say "copy" in a frame or "new" without one: told apart by word and shape."""
    now = theme.current()
    painter.setFont(theme.font(11))
    if known:
        painter.setPen(QPen(now.colour("faint"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        frame = QRectF(0, 0, MARK - 2, 17)
        frame.moveCenter(where.center())
        painter.drawRoundedRect(frame, 4, 4)
    painter.setPen(now.colour("muted"))
    painter.drawText(where, Qt.AlignmentFlag.AlignCenter, "copy" if known else "new")


def sentence(name: Name, prefix: str) -> str:
    """Say whether a name is new, and how probable it was."""
    kind = "a copy, it stands in" if name.known else "new, not in"
    begun = prefix and name.text.startswith(prefix)
    what = f"After “{prefix}”, this ending has" if begun else "As a whole it has"
    chance = _probability(name.probability)
    return f"{name.text or NOTHING}: {kind} the training list. {what} a {chance}."


def _probability(probability: float) -> str:
    if math.isnan(probability):
        return "probability of NaN: the training has diverged"
    if probability <= 0:
        return "probability too small for this computer's numbers"
    about = f"about one in {large(1 / probability)}"
    if probability < 1e-6:
        return f"probability of {about}"
    words = f"probability of {number(100 * probability, 2)} %"
    return words if probability > 0.4 else f"{words}: {about}"
