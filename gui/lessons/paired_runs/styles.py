"""How side A and side B are told apart, without colour: solid and dashed, full and hollow."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme

STROKES = (Qt.PenStyle.SolidLine, Qt.PenStyle.CustomDashLine)
DOTS = (3.0, 4.6)  # pixels from the middle of a dot to its edge: a full one fits a hollow one


def pen_of(side: int, role: str, width: float = 1.8, alpha: int = 255) -> QPen:
    """Return what a side's line is drawn with."""
    pen = QPen(theme.current().colour(role, alpha), width, STROKES[side])
    if side:
        pen.setDashPattern([3.2, 2.4])
    return pen


def draw_dot(painter: QPainter, place: QPointF, side: int, role: str) -> None:
    """Draw a point of a side's line: full for A, hollow for B."""
    now = theme.current()
    painter.setPen(QPen(now.colour(role), 1.6))
    painter.setBrush(now.colour("surface" if side else role))
    painter.drawEllipse(place, DOTS[side], DOTS[side])
    painter.setBrush(Qt.BrushStyle.NoBrush)


class Sample(QWidget):
    """A piece of a side's line, beside its name."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self._side = side
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As long as its pattern takes."""
        return QSize(46, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the line and a dot in its middle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QRectF(self.rect()).center()
        painter.setPen(pen_of(self._side, "text"))
        painter.drawLine(QPointF(1, middle.y()), QPointF(self.width() - 1, middle.y()))
        draw_dot(painter, middle, self._side, "text")
