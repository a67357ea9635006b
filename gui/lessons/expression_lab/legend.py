"""What the colours and the frames of the boxes stand for."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme

HIGH, SIGN = 20, 14  # pixels
NUMBERS = (("activation", "value"), ("gradient", "gradient"))
FRAMES = (
    ("surface", "update", Qt.PenStyle.SolidLine, "learned"),
    ("sunken", "border", Qt.PenStyle.SolidLine, "given"),
    ("surface", "muted", Qt.PenStyle.DashLine, "drawn anew"),
    ("surface", "text", Qt.PenStyle.SolidLine, "descended on"),
)
CHECK = "nudged both ways, the slope is the same"


class ExpressionLegend(QWidget):
    """A line of signs with their names."""

    def __init__(self) -> None:
        super().__init__()
        names = [name for _, name in NUMBERS] + [CHECK] + [frame[-1] for frame in FRAMES]
        self.setAccessibleName(f"Legend: {', '.join(names)}")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Be a line."""
        return QSize(400, HIGH)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint signs and names from the left."""
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(11))
        x = 2.0
        for role, name in NUMBERS:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(now.colour(role))
            painter.drawEllipse(QPointF(x + 5, HIGH / 2), 4, 4)
            x = self._write(painter, x + SIGN, name)
        painter.setPen(now.colour("update"))
        painter.drawText(QRectF(x, 0, SIGN, HIGH), Qt.AlignmentFlag.AlignVCenter, "✓")
        x = self._write(painter, x + SIGN, CHECK)
        for ground, frame, stroke, name in FRAMES:
            painter.setPen(QPen(now.colour(frame), 1.4, stroke))
            painter.setBrush(now.colour(ground))
            painter.drawRoundedRect(QRectF(x + 0.5, HIGH / 2 - 5.5, 16, 11), 3, 3)
            x = self._write(painter, x + SIGN + 8, name)

    def _write(self, painter: QPainter, x: float, name: str) -> float:
        """Write a name; return where the next sign stands."""
        painter.setPen(theme.current().colour("muted"))
        long = painter.fontMetrics().horizontalAdvance(name)
        painter.drawText(QRectF(x, 0, long + 4, HIGH), Qt.AlignmentFlag.AlignVCenter, name)
        return x + long + 18
