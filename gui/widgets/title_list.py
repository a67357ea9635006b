"""A list of titles to choose from, each on as many lines as it needs."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QHelpEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from gui import theme
from gui.rich_text import rich

ASIDE, ABOVE = 10, 6
KEY, MARK, HINT = (Qt.ItemDataRole(Qt.ItemDataRole.UserRole + number) for number in range(3))
"""The data of an item: its key, the sign before its title, and what stands at its right."""
RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
FLOW = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
MARKS = {"✓": "update", "✗": "fault"}
"""Signs before a title, and their colours."""
Index = QModelIndex | QPersistentModelIndex


class TitleDelegate(QStyledItemDelegate):
    """Paints a title, quietly marked where it is chosen or pointed at."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Be as high as the lines of the title, when it is chosen as well."""
        area = self.parent()
        wide = area.viewport().width() if isinstance(area, QListWidget) else 200
        room = QRectF(0, 0, wide - 2 * ASIDE - _hint_width(index), 1000).toRect()
        words = QFontMetrics(_font(True)).boundingRect(room, FLOW, _words(index))
        return QSize(wide, words.height() + 2 * ABOVE)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the ground, the ring where the keys go, and the words."""
        now, state = theme.current(), option.state
        area = QRectF(option.rect).adjusted(0.5, 1.5, -0.5, -1.5)
        mark = index.data(MARK)
        enabled = bool(state & QStyle.StateFlag.State_Enabled)
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        pointed = bool(state & QStyle.StateFlag.State_MouseOver) and enabled
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ring = chosen and bool(state & QStyle.StateFlag.State_HasFocus)
        painter.setPen(QPen(now.colour("activation"), 1) if ring else Qt.PenStyle.NoPen)
        painter.setBrush(now.colour("sunken", 255 if chosen else 140 if pointed else 0))
        painter.drawRoundedRect(area, 6, 6)
        painter.setFont(_font(chosen or bool(mark)))
        role = MARKS[mark] if mark else "text" if enabled else "faint"
        painter.setPen(now.colour(role))
        place = QRectF(option.rect).adjusted(ASIDE, 0, -ASIDE, 0)
        painter.drawText(place.adjusted(0, 0, -_hint_width(index), 0), FLOW, _words(index))
        if hint := index.data(HINT):
            painter.setFont(_font(False))
            painter.setPen(now.colour("muted" if enabled else "faint"))
            painter.drawText(place, RIGHT, hint)
        painter.restore()


class TitleList(QListWidget):
    """Titles with keys; the arrow keys go from one to the next."""

    def __init__(self, name: str, accessible: str, help: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setToolTip(rich(help))
        self.setProperty("role", "titles")
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(self.ScrollMode.ScrollPerPixel)
        self.setItemDelegate(TitleDelegate(self))

    def show_titles(self, titles: Sequence[tuple[str, str]], chosen: str | None = None) -> None:
        """Show keys and titles.

        Args:
            titles: in their order.
            chosen: the key of the chosen one, or else the first; None for none.
        """
        self.blockSignals(True)
        self.clear()
        for key, title in titles:
            item = QListWidgetItem(title)
            item.setData(KEY, key)
            self.addItem(item)
            if chosen is not None and (key == chosen or self.currentItem() is None):
                self.setCurrentItem(item)
        self.blockSignals(False)

    def chosen(self) -> str:
        """Return the key of the chosen one; "" for none."""
        item = self.currentItem()
        return str(item.data(KEY)) if item else ""

    def key_at(self, row: int) -> str:
        """Return the key of the title in a row."""
        return str(self.item(row).data(KEY))

    def choose(self, key: str) -> None:
        """Choose the title of that key, or none."""
        keys = [self.key_at(row) for row in range(self.count())]
        self.setCurrentRow(keys.index(key) if key in keys else -1)

    def mark(self, marks: dict[str, str]) -> None:
        """Set a sign before the titles of these keys."""
        for row in range(self.count()):
            item = self.item(row)
            item.setData(MARK, marks.get(item.data(KEY), ""))

    def viewportEvent(self, event: QEvent) -> bool:
        """Cover no titles with the help that is the same for all of them."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self.indexAt(event.pos())
            if index.isValid() and not index.data(Qt.ItemDataRole.ToolTipRole):
                return True
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the lines of the titles anew."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()


def _words(index: Index) -> str:
    mark = index.data(MARK)
    return f"{mark} {index.data()}" if mark else str(index.data())


def _hint_width(index: Index) -> int:
    """Return the pixels that are taken by what stands at the right, and by the gap before it."""
    hint = index.data(HINT)
    return QFontMetrics(_font(False)).horizontalAdvance(hint) + 2 * ASIDE if hint else 0


def _font(strong: bool) -> QFont:
    return theme.font(13, QFont.Weight.DemiBold if strong else QFont.Weight.Normal)
