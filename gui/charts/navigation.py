"""Zooming in on a part of an x-axis, moving it, and pointing at a place: by mouse and by keys."""

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from gui.charts.axes import Window

NOTCH = 0.8  # of what is seen stays seen with a notch of the wheel
STRIDE = 0.02  # of what is seen, for a press of an arrow key
DRAG = 4  # pixels that are no drag yet
NAVIGATION = (
    "Hover for values; scroll to zoom in, drag to move, double-click for all of it."
    " Keys: ← → + − and Home."
)


class Navigation(QWidget):
    """An x-axis under hands; a subclass says where it is, and draws what is seen of it."""

    pointed = Signal(object)
    """Another place of the x-axis is pointed at; None for none."""

    def __init__(self) -> None:
        super().__init__()
        self.window_x = Window()
        self.cursor_x: float | None = None
        self._pressed: QPointF | None = None
        self.setMouseTracking(True)

    # What a subclass says.

    @property
    def navigable(self) -> bool:
        """Whether there is so much that one can zoom in."""
        raise NotImplementedError

    def active(self) -> bool:
        """Whether there is anything to point at."""
        raise NotImplementedError

    def frame(self) -> QRectF:
        """Return where the axis runs, in pixels."""
        raise NotImplementedError

    def changed(self) -> None:
        """Draw another part of the axis."""
        raise NotImplementedError

    def cursor_moved(self) -> None:
        """Show the values at ``cursor_x``, or none."""
        raise NotImplementedError

    # What is done.

    def point(self, x: float | None) -> None:
        """Point at a place of the x-axis, or at none."""
        if x != self.cursor_x:
            self.cursor_x = x
            self.cursor_moved()
            self.pointed.emit(x)

    def x_at(self, point: QPointF) -> float:
        """Return which place of the x-axis is at a point in pixels."""
        frame = self.frame()
        share = (point.x() - frame.left()) / frame.width()
        return self.window_x.seen.at(min(1.0, max(0.0, share)))

    def reset_zoom(self) -> None:
        """Show the whole x-axis again."""
        self.window_x.reset()
        self.changed()

    def event(self, event: QEvent) -> bool:
        """Keep the tooltip away from the values."""
        if event.type() == QEvent.Type.ToolTip and self.cursor_x is not None:
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show the values under the mouse, or drag what is seen."""
        place = event.position()
        if self._pressed is not None and self.window_x.zoomed:
            moved = place.x() - self._pressed.x()
            if abs(moved) >= DRAG:
                self.window_x.pan(-moved / self.frame().width())
                self._pressed = place
                self.changed()
        inside = self.active() and self.frame().adjusted(-4, 0, 4, 0).contains(place)
        self.point(self.x_at(place) if inside else None)

    def leaveEvent(self, event: QEvent) -> None:
        """Show no values."""
        super().leaveEvent(event)
        self.point(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position()
        else:
            super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag."""
        self._pressed = None
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show all again."""
        self.reset_zoom()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom in or out at the mouse; in a page that scrolls only with Ctrl, or after a click."""
        held = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        free = held or self.hasFocus() or not self._page_scrolls()
        notches = event.angleDelta().y() / 120
        if self.navigable and free and notches and self.active():
            self.window_x.zoom(self.x_at(event.position()), NOTCH**notches)
            self.changed()
            event.accept()
        else:
            event.ignore()

    def _page_scrolls(self) -> bool:
        parent = self.parentWidget()
        while parent is not None:
            if isinstance(parent, QAbstractScrollArea) and parent.verticalScrollBar().maximum() > 0:
                return True
            parent = parent.parentWidget()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the values with the arrow keys, zoom with + and −, show all with Home."""
        key, seen = event.key(), self.window_x.seen
        middle = seen.at(0.5) if self.cursor_x is None else self.cursor_x
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self.active():
            way = 1 if key == Qt.Key.Key_Right else -1
            share = seen.share(middle) + way * STRIDE
            if self.window_x.zoomed and not 0 <= share <= 1:
                self.window_x.pan(way * STRIDE)
                self.changed()
            self.point(self.window_x.seen.at(min(1.0, max(0.0, share))))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Minus) and self.navigable:
            self.window_x.zoom(middle, NOTCH if key == Qt.Key.Key_Plus else 1 / NOTCH)
            self.changed()
        elif key == Qt.Key.Key_Home:
            self.reset_zoom()
        elif key == Qt.Key.Key_Escape and self.cursor_x is not None:
            self.point(None)
        else:
            super().keyPressEvent(event)
