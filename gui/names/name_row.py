"""How a row of the name list looks: the name, whether it is new, and how probable it was."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import QListWidget, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from core.playgrounds.names.reports import Name
from gui import theme
from gui.widgets.probability_text import odds

ROW = 25
SIDE = 8  # pixels beside the words
MARK, ODDS = 38, 92
WIDEST = 460  # the eye loses its line if name and number are farther apart
Index = QModelIndex | QPersistentModelIndex


class NamePainter(QStyledItemDelegate):
    """Paints a row. Where room is short, the probability goes first, then the mark."""

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
        _words(painter, line, item.name, item.prefix)
        painter.restore()


def _words(painter: QPainter, line: QRectF, name: Name, prefix: str) -> None:
    now, font = theme.current(), theme.font(13, QFont.Weight.Medium)
    metrics = QFontMetricsF(font)
    needed = metrics.horizontalAdvance(name.text) + SIDE
    free = line.width() - needed - MARK
    painter.setFont(theme.font(12))
    chance = odds(name.probability)
    wide = painter.fontMetrics().horizontalAdvance(chance) + SIDE
    # The marks stand under one another; a long name pushes its own to the right.
    aside = ODDS if free >= ODDS else wide if free >= wide else 0
    if aside:
        painter.setPen(now.colour("muted"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(line, right, chance)
    if free >= 0:
        _mark(painter, QRectF(line.right() - aside - MARK, line.top(), MARK, ROW), name.known)
    text = name.text
    if needed - SIDE > line.width():
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, line.width())
    given = len(prefix) if text.startswith(prefix) else 0
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
