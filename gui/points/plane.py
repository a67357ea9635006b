"""The plane: its points, the network's answer all over it, and points drawn with the mouse."""

from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget
from shiboken6 import wrapInstance

from core.playgrounds.points.datasets import SIDE, Divided, Points, Row
from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps
from gui.charts.markers import paint_marker
from gui.points.contour import contour
from gui.points.markers import class_image, paint_points

if TYPE_CHECKING:
    from core.playgrounds.points.field import Field

APART = 7  # pixels between points of a stroke
RUBBER = 12  # pixels around the mouse from which points are erased
STEP = 0.1  # of the plane that an arrow key goes
ERASE = -1
VALUES = 2.0  # the size of a value that has the full colour
HELP = (
    "<p>Each point of the plane is an input of the network; its colour is the answer there, weaker"
    " the less sure, and the line is the decision boundary. Filled markers are trained on, hollow"
    " ones validate. With drawn points, click or drag to add some; the arrow keys and Space do it,"
    " too.</p>"
)
KEYS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


class Plane(QWidget):
    """Paints the field and the points; hands on where the mouse is, and what is drawn."""

    pointed = Signal(object)
    """The place (x, y) under the mouse or the arrow keys; None for none."""
    drawn = Signal(object)
    """The rows that are there now, as a stroke goes on."""
    stroke_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("pointsPlane")
        self.setAccessibleName("The plane: points and the network's answers")
        self.setToolTip(HELP)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.pen: int | None = None
        """What a stroke draws: a class, ERASE, or None for nothing."""
        self.place: tuple[float, float] | None = None
        self.painted = 0
        """How often it was painted with a new field."""
        self._rows: list[Row] = []
        self._points: Divided | None = None
        self._curve = False
        self._field: Field | None = None
        self._image: QImage | None = None
        self._lines: Array = np.empty((0, 4))
        self._markers: QPixmap | None = None
        self._last: QPointF | None = None

    def sizeHint(self) -> QSize:
        """Be square."""
        return QSize(296, 296)

    def heightForWidth(self, width: int) -> int:
        """Be square."""
        return width

    def show_points(self, points: Divided | None, curve: bool, rows: list[Row]) -> None:
        """Show points, divided for training and validation.

        Args:
            points: None where there are too few to be divided.
            curve: whether they are values on a line.
            rows: those that somebody drew; shown as they are where they can't be divided.
        """
        self._points, self._curve, self._rows = points, curve, rows
        self._markers = None
        self.update()

    def show_field(self, field: "Field | None") -> None:
        """Show what a network answers, or the unit of it that was asked for."""
        self._field, self._image = field, None
        self.update()

    def _prepare_field(self, field: "Field") -> None:
        """Make the picture and the lines of a field; once, when it is painted."""
        if field.picked is not None:
            reach = max(colormaps.reach(field.picked), 1e-6)
            self._image = colormaps.picture(field.picked, colormaps.diverging, -reach, reach)
            # Of a unit that is never below zero there is no line, only where it begins to be above.
            below = (field.picked < 0).any()
            self._lines = contour(field.picked) if below else np.empty((0, 4))
        elif field.answers.shape[2] == 1:
            values = field.answers[:, :, 0]
            pale = 0.6 * np.clip(values / VALUES, -1, 1)
            self._image = colormaps.picture(pale, colormaps.diverging, -1.0, 1.0)
            self._lines = contour(values)
        else:
            pixels = class_image(field.answers)
            rows, columns = pixels.shape
            made = QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_RGB32)
            self._image = made.copy()
            self._lines = _boundaries(field.answers)
        self.painted += 1

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the field, its lines, the points and the crosshair."""
        painter, now, frame = QPainter(self), theme.current(), self._frame()
        painter.fillRect(frame, now.colour("surface"))
        if self._field is not None and self._curve:
            self._paint_curve(painter, frame)
        elif self._field is not None and self._field.answers.shape[0] > 1:
            if self._image is None:
                self._prepare_field(self._field)
            assert self._image is not None
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(frame, self._image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(now.colour("text"), 1.6))
            cell = frame.width() / self._field.answers.shape[1]
            self._paint_lines(painter, (self._lines + 0.5) * cell + frame.left())
        if self._markers is None:
            self._markers = self._paint_markers()
        painter.drawPixmap(0, 0, self._markers)
        self._paint_cross(painter, frame)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(now.colour("activation" if self.hasFocus() else "border"), 1))
        painter.drawRect(frame)

    @staticmethod
    def _paint_lines(painter: QPainter, lines: Array) -> None:
        """Paint lines (n, 4) in pixels, out of the array: to make hundreds of QLineF takes long."""
        if len(lines):
            kept = np.ascontiguousarray(lines, np.float64)
            first = cast(QLineF, wrapInstance(kept.ctypes.data, QLineF))
            painter.drawLines(first, len(kept))

    def _paint_axes(self, painter: QPainter, frame: QRectF) -> None:
        now, middle = theme.current(), frame.center()
        painter.setPen(QPen(now.colour("muted", 90), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QLineF(frame.left(), middle.y(), frame.right(), middle.y()))
        painter.drawLine(QLineF(middle.x(), frame.top(), middle.x(), frame.bottom()))
        painter.setFont(theme.font(11))
        painter.setPen(now.colour("muted"))
        corner = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(frame.right() - 84, middle.y() + 1, 80, 16), corner, "x 2.5")
        painter.drawText(QRectF(middle.x() + 4, frame.top() + 1, 80, 16), "y 2.5")

    def _paint_curve(self, painter: QPainter, frame: QRectF) -> None:
        """Paint the values along a line."""
        assert self._field is not None
        values = self._field.answers[0, :, 0] if self._field.answers.shape[0] == 1 else None
        if self._field.picked is not None:
            values = self._field.picked[0]
        if values is None:
            return
        self.painted += 1
        along = (np.arange(len(values)) + 0.5) / len(values) * 2 - 1
        spots = self._pixels(np.stack([along * SIDE, np.clip(values, -3, 3)], 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(frame)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.current().colour("text"), 2))
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in spots.tolist()]))
        painter.setClipping(False)

    def _paint_markers(self) -> QPixmap:
        """Return axes and points as a picture: the field behind them changes far more often."""
        ratio = self.devicePixelRatioF()
        made = QPixmap(self.size() * ratio)
        made.setDevicePixelRatio(ratio)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self._paint_axes(painter, self._frame())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._points is None:
            table = np.array(self._rows, float).reshape(-1, 3)
            spots = self._pixels(table[:, :2])
            paint_points(painter, spots, table[:, 2].astype(int), False, 4, VALUES)
        else:
            count = len(self._points.train) + len(self._points.validation)
            size = 4.0 if count < 250 else 3.2 if count < 900 else 2.2
            for part, validates in ((self._points.validation, True), (self._points.train, False)):
                self._paint_part(painter, part, validates, size)
        painter.end()
        return made

    def _paint_part(self, painter: QPainter, part: Points, validates: bool, size: float) -> None:
        at = np.concatenate([part.inputs, part.targets], 1) if self._curve else part.inputs
        targets = np.ones(len(part), int) if self._curve else part.targets
        paint_points(painter, self._pixels(at), targets, validates, size, VALUES)

    def _paint_cross(self, painter: QPainter, frame: QRectF) -> None:
        """Mark the place that the answer is told of."""
        if self.place is None:
            return
        (x, y) = self._pixels(np.array([self.place]))[0].tolist()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.current().colour("text"), 1.2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.pen is not None and self.pen != ERASE:
            paint_marker(painter, self.pen, QPointF(x, y), 6)
        else:
            painter.drawEllipse(QPointF(x, y), 6, 6)

    def _frame(self) -> QRectF:
        return QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)

    def _pixels(self, at: Array) -> Array:
        """Return where points (N, 2) of the plane stand in the widget."""
        frame = self._frame()
        scale = np.array([frame.width(), -frame.height()]) / (2 * SIDE)
        return np.asarray(at, float) * scale + [frame.center().x(), frame.center().y()]

    def pixel_of(self, x: float, y: float) -> QPointF:
        """Return where a point of the plane stands in the widget."""
        left, top = self._pixels(np.array([[x, y]]))[0].tolist()
        return QPointF(left, top)

    def _place_of(self, spot: QPointF) -> tuple[float, float]:
        frame = self._frame()
        x = (spot.x() - frame.center().x()) / frame.width() * 2 * SIDE
        y = (frame.center().y() - spot.y()) / frame.height() * 2 * SIDE
        return float(np.clip(x, -SIDE, SIDE)), float(np.clip(y, -SIDE, SIDE))

    def _point_at(self, place: tuple[float, float] | None) -> None:
        self.place = place
        self.pointed.emit(place)
        self.update()

    def _draw(self, place: tuple[float, float]) -> None:
        """Add a point at a place, or erase those around it."""
        if self.pen is None:
            return
        x, y = (round(number, 3) for number in place)
        if self.pen == ERASE:
            far = RUBBER / self._frame().width() * 2 * SIDE
            rows = [row for row in self._rows if (row[0] - x) ** 2 + (row[1] - y) ** 2 > far**2]
        else:
            rows = [*self._rows, [x, y, float(self.pen)]]
        self.drawn.emit(rows)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a stroke."""
        self._point_at(self._place_of(event.position()))
        if event.button() == Qt.MouseButton.LeftButton and self.pen is not None:
            self._last = event.position()
            self._draw(self._place_of(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell of the place, and continue a stroke."""
        spot = event.position()
        self._point_at(self._place_of(spot))
        if self._last is None:
            return
        away = QLineF(self._last, spot).length()
        if away >= APART or self.pen == ERASE:
            self._last = spot
            self._draw(self._place_of(spot))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a stroke."""
        if self._last is not None:
            self._last = None
            self.stroke_ended.emit()

    def leaveEvent(self, event: QEvent) -> None:
        """Tell of no place."""
        self._point_at(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go about with the arrow keys, and draw with Space."""
        key = Qt.Key(event.key())
        if key in KEYS:
            right, up = KEYS[key]
            x, y = self.place or (0.0, 0.0)
            x, y = np.clip([x + right * STEP, y + up * STEP], -SIDE, SIDE).tolist()
            self._point_at((x, y))
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Return) and self.pen is not None:
            self._draw(self.place or (0.0, 0.0))
            self.stroke_ended.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QEvent) -> None:
        """Paint the points anew."""
        self._markers = None

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._image = self._markers = None


def _boundaries(answers: Array) -> Array:
    """Return the lines between regions of probabilities (S, S, K): where two are equally likely."""
    if answers.shape[2] == 2:
        return contour(answers[:, :, 1] - answers[:, :, 0])
    lines = []
    for index in range(answers.shape[2] - 1):
        others = np.delete(answers, index, 2).max(2)
        lines.append(contour(answers[:, :, index] - others))
    # The last region's border has been drawn by its neighbours, but where it touches all of them.
    last = answers.shape[2] - 1
    lines.append(contour(answers[:, :, last] - answers[:, :, :last].max(2)))
    return np.concatenate(lines)
