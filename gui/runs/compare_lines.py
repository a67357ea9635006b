"""How runs that are laid over one another are told apart: by letters and strokes, not by colour."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme

LETTERS = "ABCDEF"
STROKES: tuple[tuple[float, ...], ...] = (
    (),
    (6.0, 3.0),
    (1.2, 2.4),
    (),
    (9.0, 3.0, 1.2, 3.0),
    (3.0, 2.0),
)
"""Dashes and gaps of each line, in widths of the pen; () is a whole line."""
STRONG = (255, 255, 255, 120, 160, 160)
"""How much of the colour each line has, of 255."""
THICK = (1.8, 1.8, 1.8, 3.4, 1.8, 1.8)
SAMPLE = 28  # pixels of a line that is a sample


def pen_of(place: int, role: str) -> QPen:
    """Return what the line of a run is drawn with: its place among them, in a colour's role."""
    pen = QPen(theme.current().colour(role, STRONG[place]), THICK[place])
    if STROKES[place]:
        pen.setDashPattern(list(STROKES[place]))
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen


def paint_letter(painter: QPainter, area: QRectF, letter: str) -> None:
    """Paint the letter of a run on a quiet round."""
    now = theme.current()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(now.colour("text"))
    painter.drawEllipse(area)
    painter.setFont(theme.font(10, QFont.Weight.Bold))
    painter.setPen(QColor(now.surface))
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, letter)


class LineSample(QWidget):
    """A run's letter and its stroke, as they are in the plot."""

    def __init__(self, place: int, role: str = "text") -> None:
        super().__init__()
        self._place, self._role = place, role
        self.setAccessibleName(f"Run {LETTERS[place]}")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Be as wide as letter and stroke."""
        return QSize(18 + 6 + SAMPLE, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint both."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_letter(painter, QRectF(1, 1, 16, 16), LETTERS[self._place])
        painter.setPen(pen_of(self._place, self._role))
        painter.drawLine(QPointF(24, 9), QPointF(24 + SAMPLE, 9))
