"""Where a typed gradient differs from autograd's: a heat map with its worst element marked."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPen

from core.numbers import number
from core.telemetry.events import Array
from gui import theme
from gui.charts.colormaps import diverging
from gui.charts.heatmap import MatrixView

HIGH, ROW = 132, 22  # pixels: of a matrix, and of a single row


class DifferenceMap(MatrixView):
    """The difference (rows, columns); what is equal has the colour of the ground."""

    def __init__(self, name: str) -> None:
        super().__init__(
            name,
            "Difference of your gradient from autograd's",
            "Your gradient minus autograd's, element by element: blue is too large, orange too"
            " small, and the frame marks the largest difference. Point at an element to read it.",
            height=HIGH,
        )
        self._worst = (0, 0)

    def show_difference(self, difference: Array, worst: tuple[int, int]) -> None:
        """Show a difference; ``worst`` is the row and column of the largest."""
        self._worst = worst
        limit = float(abs(difference[worst])) or 1.0
        self._height = HIGH if len(difference) > 1 else ROW + 8
        self.show_matrix(
            difference,
            diverging,
            (-limit, limit),
            lambda row, column: (
                f"row {row}, column {column}: yours is"
                f" {number(float(difference[row, column]))} above autograd's"
            ),
        )
        self.setFixedHeight(self._height)

    def paint(self, painter: QPainter) -> None:
        """Paint the cells, and a frame around the worst."""
        super().paint(painter)
        if not self.count():
            return
        row, column = self._worst
        cell = self.rect_of(row * self.across() + column).adjusted(-3, -3, 3, 3)
        cell &= self.rect().toRectF().adjusted(1, 1, -1, -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for role, wide in (("surface", 4.0), ("fault", 2.0)):
            painter.setPen(QPen(theme.current().colour(role), wide))
            painter.drawRoundedRect(cell, 3, 3)
