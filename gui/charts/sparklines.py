"""Small pictures painted straight into a table: a line, a warning sign."""

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from core.telemetry.history import Curve
from gui import theme


def draw_line(
    painter: QPainter,
    rect: QRect,
    curve: Curve,
    role: str,
    span: tuple[float, float],
    reference: float,
) -> None:
    """Draw a curve's values over its steps between fixed limits, against a reference line."""
    colours, (low, high) = theme.current(), span

    def height(value: float) -> float:
        share = (min(high, max(low, value)) - low) / (high - low)
        return rect.bottom() - share * (rect.height() - 1)

    painter.setPen(QPen(colours.colour("faint"), 1, Qt.PenStyle.DashLine))
    level = height(reference)
    painter.drawLine(QPointF(rect.left(), level), QPointF(rect.right(), level))
    steps, values = curve.x, curve.y
    above = len(values) and values[-1] < reference  # where the curve is not
    painter.setFont(theme.font(10))
    corner = QRectF(rect.left(), level - 14 if above else level + 1, rect.width(), 13)
    painter.drawText(corner, Qt.AlignmentFlag.AlignRight, f"{reference:g}")
    if not len(steps):
        return
    every = max(1, len(steps) // max(1, rect.width() // 2))
    end = max(1.0, float(steps[-1]))
    points = [
        QPointF(rect.left() + step / end * rect.width(), height(value))
        for step, value in zip(steps[::every].tolist(), values[::every].tolist(), strict=True)
        if value == value
    ]
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colours.colour(role), 1.6))
    painter.drawPolyline(points)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def draw_warning(painter: QPainter, rect: QRect, role: str) -> None:
    """Draw a triangle with a mark in it: a warning must be readable without its colour."""
    colours = theme.current()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.colour(role))
    middle = rect.left() + rect.width() / 2
    corners = [QPointF(middle, rect.top()), QPointF(rect.right() + 1, rect.bottom() + 1)]
    painter.drawPolygon(QPolygonF([*corners, QPointF(rect.left(), rect.bottom() + 1)]))
    painter.setPen(QPen(colours.colour("surface"), 1.5))
    painter.drawLine(QPointF(middle, rect.top() + 4.5), QPointF(middle, rect.top() + 7.5))
    painter.drawPoint(QPointF(middle, rect.top() + 9.8))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
