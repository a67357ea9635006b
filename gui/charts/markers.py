"""The marker of a class: a square, a circle or a triangle, so that no colour is needed."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPolygonF


def paint_marker(painter: QPainter, kind: int, spot: QPointF, size: float) -> None:
    """Paint the marker of a class, with the painter's pen and brush."""
    x, y = spot.x(), spot.y()
    if kind == 0:
        painter.drawRect(QRectF(x - 0.9 * size, y - 0.9 * size, 1.8 * size, 1.8 * size))
    elif kind == 1:
        painter.drawEllipse(spot, size, size)
    else:
        corners = [(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]
        painter.drawPolygon(QPolygonF([QPointF(x + a * size, y + b * size) for a, b in corners]))
