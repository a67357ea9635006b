"""The edges of x and W that are dragged to change their sizes."""

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from core.lessons.product import MOST
from gui import theme
from gui.lessons.boards.matrix import Grid

GRIP = 10.0  # pixels around an edge that can be dragged
LONG, THICK = 22.0, 4.0


def edges(x: Grid, w: Grid) -> Mapping[str, QRectF]:
    """Return the outer edges by the size that each changes: the inner corner stands still."""
    first, second, half = x.area, w.area, GRIP / 2
    return {
        "batch": QRectF(first.left(), first.bottom() - half + 3, first.width(), GRIP),
        "inputs": QRectF(first.left() - GRIP + 2, first.top(), GRIP, first.height()),
        "rows": QRectF(second.left(), second.top() - GRIP + 3, second.width(), GRIP),
        "outputs": QRectF(second.right() - 2, second.top(), GRIP, second.height()),
    }


def dragged_size(which: str, point: QPointF, x: Grid, w: Grid) -> int:
    """Return how large a size is when its edge is dragged to a point."""
    sizes = {
        "batch": (point.y() - x.area.top()) / x.high,
        "inputs": (x.area.right() - point.x()) / x.wide,
        "rows": (w.area.bottom() - point.y()) / w.high,
        "outputs": (point.x() - w.area.left()) / w.wide,
    }
    return min(MOST, max(1, round(sizes[which])))


def paint_grips(painter: QPainter, grips: Mapping[str, QRectF], held: str) -> None:
    """Paint a pill at each edge, the one that is held in colour."""
    painter.setPen(Qt.PenStyle.NoPen)
    for name, edge in grips.items():
        painter.setBrush(theme.current().colour("activation" if name == held else "faint"))
        flat = edge.width() > edge.height()
        pill = QRectF(0, 0, *((LONG, THICK) if flat else (THICK, LONG)))
        pill.moveCenter(edge.center())
        painter.drawRoundedRect(pill, 2, 2)
