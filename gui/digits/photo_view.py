"""A picture of a digit, of which a part can be chosen, with its ink laid over it."""

from PIL import Image
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.playgrounds.digits.photo import WHOLE, Crop
from core.telemetry.events import Array
from gui import theme
from gui.widgets.sheet import tinted

SMALLEST = 0.02  # of the picture's width and height; a click without a drag chooses nothing
STEP = 0.02  # of them, for an arrow key
ARROWS = {
    Qt.Key.Key_Left: (-STEP, 0.0),
    Qt.Key.Key_Right: (STEP, 0.0),
    Qt.Key.Key_Up: (0.0, -STEP),
    Qt.Key.Key_Down: (0.0, STEP),
}


class PhotoView(QWidget):
    """Drag over it to choose a part; the arrow keys move that, with Shift they resize it."""

    crop_changed = Signal(object)
    """Another part is chosen: a Crop."""

    def __init__(self, image: Image.Image) -> None:
        super().__init__()
        self.setObjectName("photoView")
        self.setAccessibleName("The picture, and the part of it that is read")
        self.setToolTip(
            "<p>Drag a frame around the digit. Arrow keys move the frame, with Shift they move its"
            " lower right corner. What is coloured counts as ink.</p>"
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(280, 240)
        raw = image.convert("RGBA")
        shown = QImage(
            raw.tobytes(), raw.width, raw.height, 4 * raw.width, QImage.Format.Format_RGBA8888
        )
        self._image = shown.copy()  # it must own its pixels
        self.crop = WHOLE
        self._ink: QImage | None = None
        self._start: QPointF | None = None

    def show_ink(self, ink: Array) -> None:
        """Lay ink (H, W) over the chosen part."""
        levels = (ink * 255).astype("uint8")
        self._ink = tinted(levels, theme.current().colour("activation"))
        self.update()

    def choose(self, crop: Crop) -> None:
        """Choose a part."""
        if crop != self.crop:
            self.crop = crop
            self.crop_changed.emit(crop)
            self.update()

    def frame(self) -> QRectF:
        """Return where the picture is, its proportions kept."""
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
        return QRectF(left, top, size.width(), size.height())

    def chosen(self) -> QRectF:
        """Return where the chosen part is."""
        frame, crop = self.frame(), self.crop
        return QRectF(
            frame.left() + crop.left * frame.width(),
            frame.top() + crop.top * frame.height(),
            (crop.right - crop.left) * frame.width(),
            (crop.bottom - crop.top) * frame.height(),
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a frame."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._start = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw the frame on, as far as the picture goes."""
        if self._start is None:
            return
        frame = self.frame()
        spanned = QRectF(self._start, event.position()).normalized() & frame
        left, top = spanned.left() - frame.left(), spanned.top() - frame.top()
        self._try(
            left / frame.width(),
            top / frame.height(),
            (left + spanned.width()) / frame.width(),
            (top + spanned.height()) / frame.height(),
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the frame."""
        self._start = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the frame, or its lower right corner; everything else is Qt's."""
        arrow = ARROWS.get(Qt.Key(event.key()))
        if arrow is None:
            super().keyPressEvent(event)
            return
        (x, y), crop = arrow, self.crop
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._try(crop.left, crop.top, min(1, crop.right + x), min(1, crop.bottom + y))
        elif crop.left + x >= 0 and crop.right + x <= 1 and 0 <= crop.top + y <= 1 - STEP:
            self._try(crop.left + x, crop.top + y, crop.right + x, min(1, crop.bottom + y))

    def _try(self, left: float, top: float, right: float, bottom: float) -> None:
        if right - left >= SMALLEST and bottom - top >= SMALLEST:
            self.choose(Crop(left, top, right, bottom))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture, pale outside of the chosen part, and the ink within it."""
        painter, now, frame = QPainter(self), theme.current(), self.frame()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(0.35)
        painter.drawImage(frame, self._image)
        painter.setOpacity(1)
        chosen = self.chosen()
        painter.setClipRect(chosen)
        painter.drawImage(frame, self._image)
        if self._ink is not None:
            painter.setOpacity(0.75)
            painter.drawImage(chosen, self._ink)
            painter.setOpacity(1)
        painter.setClipping(False)
        painter.setPen(QPen(now.colour("activation"), 1.5))
        painter.drawRect(chosen.adjusted(0.75, 0.75, -0.75, -0.75))
        if self.hasFocus():
            painter.setPen(QPen(now.colour("text"), 1, Qt.PenStyle.DotLine))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def sizeHint(self) -> QSize:
        """Ask for room to aim in."""
        return QSize(440, 360)
