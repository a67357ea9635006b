"""The decision boundary of a small network: its predictions over the plane, and the data."""

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps as ramps

GRID = 56  # predictions along a side
MARGIN = 0.18  # of the range of the points, around them
SIDE = 184
HELP = (
    "<p>Every point of the plane is a pair of inputs. Its colour is the prediction <b>out</b>: blue"
    " for the higher label, orange for the lower one; the line is the decision boundary. The dots"
    " and squares are the data <b>x</b>, with the colours of their labels <b>y</b>.</p>"
)


class DecisionMap(QWidget):
    """Paints predictions over the plane, the decision boundary and the data."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("expressionMap")
        self.setAccessibleName("Predictions over the plane")
        self.setToolTip(HELP)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._points: Array = np.zeros((0, 2))
        self._high: Array = np.zeros(0, bool)
        self._low, self._span = np.zeros(2), np.ones(2)
        self._middle, self._reach = 0.0, 1.0
        self._predictions: Array | None = None
        self._image: QImage | None = None

    def sizeHint(self) -> QSize:
        """Be square."""
        return QSize(SIDE, SIDE)

    def show_points(self, points: Array, labels: Array) -> None:
        """Take points (n, 2) and their labels (n, ...), which have two values."""
        flat = labels.reshape(-1)
        self._middle = float(flat.min() + flat.max()) / 2
        self._reach = float(flat.max() - flat.min()) / 2 or 1.0
        self._points, self._high = points, flat > self._middle
        low, high = points.min(0), points.max(0)
        spread = float((high - low).max()) or 1.0
        self._low = (low + high) / 2 - spread * (0.5 + MARGIN)
        self._span = np.full(2, spread * (1 + 2 * MARGIN))
        self._predictions = None
        self.update()

    def grid_points(self) -> Array:
        """Return the points of the plane (GRID², 2) whose predictions are painted."""
        side = (np.arange(GRID) + 0.5) / GRID
        x, y = np.meshgrid(side, side[::-1])  # up is up
        return self._low + np.column_stack([x.ravel(), y.ravel()]) * self._span

    def show_predictions(self, predictions: Array) -> None:
        """Show the predictions at the grid points."""
        self._predictions = (predictions.reshape(GRID, GRID) - self._middle) / self._reach
        self._image = None
        self.update()

    @property
    def accuracy(self) -> float:
        """The share of points on the right side of the decision boundary."""
        if self._predictions is None or not len(self._points):
            return 0.0
        where = (self._points - self._low) / self._span
        column = np.clip((where[:, 0] * GRID).astype(int), 0, GRID - 1)
        row = np.clip(((1 - where[:, 1]) * GRID).astype(int), 0, GRID - 1)
        return float(((self._predictions[row, column] > 0) == self._high).mean())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the predictions, the decision boundary, and the data."""
        painter, now = QPainter(self), theme.current()
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        if self._predictions is not None:
            if self._image is None:
                # Paler than the data in front of it.
                pale = 0.45 * np.tanh(self._predictions)
                self._image = ramps.picture(pale, ramps.diverging, -1.0, 1.0)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(frame, self._image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(now.colour("text"), 1.6))
            painter.drawLines(self._line(frame))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_points(painter, frame)
        painter.setPen(QPen(now.colour("border"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(frame)

    def _paint_points(self, painter: QPainter, frame: QRectF) -> None:
        now = theme.current()
        places = (self._points - self._low) / self._span
        side = 5.5 if len(places) < 20 else 3.2
        painter.setPen(QPen(now.colour("surface"), 1))
        for (x, y), high in zip(places.tolist(), self._high.tolist(), strict=True):
            spot = QPointF(frame.left() + x * frame.width(), frame.bottom() - y * frame.height())
            painter.setBrush(now.colour("activation" if high else "gradient"))
            if high:
                painter.drawEllipse(spot, side, side)
            else:
                painter.drawRect(QRectF(spot.x() - side, spot.y() - side, 2 * side, 2 * side))

    def _line(self, frame: QRectF) -> list[QLineF]:
        """Return where the predictions change their sign, cell by cell (marching squares)."""
        assert self._predictions is not None
        a = np.nan_to_num(self._predictions)
        above = np.stack([a[:-1, :-1], a[:-1, 1:], a[1:, :-1], a[1:, 1:]]) > 0
        mixed = above.any(0) & ~above.all(0)
        step = frame.width() / GRID
        lines = []
        for row, column in zip(*np.nonzero(mixed), strict=True):
            ends = _ends(a[row : row + 2, column : column + 2])
            spots = [
                QPointF(
                    frame.left() + (column + x + 0.5) * step, frame.top() + (row + y + 0.5) * step
                )
                for x, y in ends
            ]
            lines += [QLineF(*pair) for pair in zip(spots[::2], spots[1::2], strict=False)]
        return lines

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._image = None


def _ends(square: Array) -> list[tuple[float, float]]:
    """Return where zero crosses the sides of a square of four predictions."""
    (a, b), (d, c) = square.tolist()
    sides = ((a, b, 0, 0, 1, 0), (b, c, 1, 0, 1, 1), (c, d, 1, 1, 0, 1), (d, a, 0, 1, 0, 0))
    found = []
    for one, other, x0, y0, x1, y1 in sides:
        if (one > 0) != (other > 0):
            share = one / (one - other)
            found.append((x0 + share * (x1 - x0), y0 + share * (y1 - y0)))
    return found
