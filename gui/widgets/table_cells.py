"""How tables are painted: a quiet head, and cells of text with their marks."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import (
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from gui import theme

HEAD = 28
PAD = 8
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Look:
    """How a cell looks: the colour and weight of its text, words below it, and a mark."""

    role: str = "text"
    bold: bool = False
    below: str = ""
    star: bool = False
    runs: bool = False


def _title_font() -> QFont:
    return theme.font(11, QFont.Weight.Medium)


class Header(QHeaderView):
    """Small muted titles over a thin line."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setSectionsClickable(False)
        self.setHighlightSections(False)
        self.setMinimumSectionSize(24)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setFixedHeight(HEAD)

    def sizeHint(self) -> QSize:
        """Be a line high, and as wide as the columns; Qt would ask the style about each title."""
        return QSize(self.length(), HEAD)

    @staticmethod
    def width_of(title: str) -> int:
        """Return how wide the column of a title must be at least."""
        return QFontMetrics(_title_font()).horizontalAdvance(title) + 2 * PAD

    def paintSection(
        self,
        painter: QPainter,
        rect: QRect,
        logicalIndex: int,  # noqa: N803, Qt's name
    ) -> None:
        """Paint a title over the line."""
        now = theme.current()
        painter.save()
        painter.fillRect(rect, now.colour("surface"))
        painter.setPen(QPen(now.colour("border"), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        painter.setFont(_title_font())
        painter.setPen(now.colour("muted"))
        self.paint_title(painter, rect, logicalIndex)
        painter.restore()

    def paint_title(self, painter: QPainter, rect: QRect, column: int) -> None:
        """Paint a title; the first begins at the left, those of numbers end at the right."""
        words = str(self.model().headerData(column, self.orientation()) or "")
        room = rect.adjusted(0 if column else PAD, 0, -PAD, 0)
        painter.drawText(room, RIGHT if column else LEFT, words)


def paint_ground(painter: QPainter, option: QStyleOptionViewItem) -> None:
    """Paint what is behind a cell: darker in a chosen row, else over a thin line."""
    now = theme.current()
    chosen = bool(option.state & QStyle.StateFlag.State_Selected)
    painter.fillRect(option.rect, now.colour("sunken" if chosen else "surface"))
    if not chosen:
        painter.setPen(QPen(now.colour("border", 110), 1))
        painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())


class Cell(QStyledItemDelegate):
    """Paints a cell as ``look(row, column)`` says."""

    def __init__(self, look: Callable[[int, int], Look], parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint the text, and what belongs to it."""
        now, look = theme.current(), self._look(index.row(), index.column())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_ground(painter, option)
        first = index.column() == 0
        rect = option.rect.adjusted(PAD if first else 0, 0, -PAD, 0)
        weight = QFont.Weight.DemiBold if look.bold else QFont.Weight.Normal
        font = theme.font(13, QFont.Weight.DemiBold if look.bold else QFont.Weight.Medium)
        painter.setFont(font if first else theme.font(12, weight))
        metrics = painter.fontMetrics()
        text = str(index.data() or "")
        line = rect
        if look.below:
            line = QRect(rect.left(), rect.top() + 3, rect.width(), 17)
        painter.setPen(now.colour(look.role))
        painter.drawText(line, LEFT if first else RIGHT, text)
        wide = metrics.horizontalAdvance(text)
        if look.star:
            star(painter, QPointF(rect.right() - wide - 8, line.center().y() + 0.5))
        if look.runs:
            arrow(painter, QPointF(rect.left() + wide + 8, line.center().y() + 1))
        if look.below:
            painter.setFont(theme.font(11))
            painter.setPen(now.colour("muted"))
            under = QRect(rect.left(), rect.top() + 18, rect.width(), 15)
            short = elided(painter.fontMetrics(), look.below, under.width())
            painter.drawText(under, LEFT, short)
        painter.restore()


def elided(metrics: QFontMetrics, text: str, width: int) -> str:
    """Return a text, shortened to a width."""
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)


def star(painter: QPainter, centre: QPointF, size: float = 4.6) -> None:
    """Paint the mark of the best: a star, so that no font has to have one."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.current().colour("validation"))
    ray = QPolygonF()
    for corner, (x, y) in enumerate(_RAYS):
        reach = size if corner % 2 == 0 else size * 0.45
        ray.append(QPointF(centre.x() + reach * x, centre.y() + reach * y))
    painter.drawPolygon(ray)


_RAYS = (
    (0.0, -1.0),
    (0.588, -0.809),
    (0.951, -0.309),
    (0.951, 0.309),
    (0.588, 0.809),
    (0.0, 1.0),
    (-0.588, 0.809),
    (-0.951, 0.309),
    (-0.951, -0.309),
    (-0.588, -0.809),
)
"""Ten directions, clockwise from the top."""


def arrow(painter: QPainter, centre: QPointF) -> None:
    """Paint the mark of what runs now: a triangle to the right."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.current().colour("text"))
    x, y = centre.x(), centre.y()
    painter.drawPolygon([QPointF(x - 3, y - 4), QPointF(x + 4, y), QPointF(x - 3, y + 4)])


def dot(painter: QPainter, centre: QPointF, role: str, filled: bool, size: float = 4.0) -> None:
    """Paint a dot: filled for what counts, a ring for what is only compared."""
    now = theme.current()
    painter.setPen(QPen(now.colour(role), 1.5))
    painter.setBrush(now.colour(role if filled else "surface"))
    painter.drawEllipse(QRectF(centre.x() - size, centre.y() - size, 2 * size, 2 * size))
