"""Mouse, pen and finger as one pen: it goes down, moves and is lifted."""

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QEventPoint, QMouseEvent, QTabletEvent, QTouchEvent
from PySide6.QtWidgets import QWidget

PRESSURE = 0.5
"""How much of the width a pen's pressure decides: from 0.75 to 1.25 of it."""


class PenInput(QWidget):
    """A widget to draw in; a subclass says what a stroke leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        self._down = False
        self._finger = -1
        # Some systems send a mouse along with each finger or pen: once those speak for themselves,
        # such a mouse is only their echo. Elsewhere it is all there is of them.
        self._echoes = False

    def pen_down(self, point: QPointF, thickness: float) -> None:
        """Begin a stroke; a pen pressed normally has thickness 1."""
        raise NotImplementedError

    def pen_moved(self, point: QPointF, thickness: float) -> None:
        """Continue it, inside the widget or out."""
        raise NotImplementedError

    def lift(self) -> None:
        """End the stroke."""
        self._down = False
        self._finger = -1

    def _press(self, point: QPointF, thickness: float = 1.0) -> None:
        self._down = True
        self.pen_down(point, thickness)

    def _move(self, point: QPointF, thickness: float = 1.0) -> None:
        if self._down:
            self.pen_moved(point, thickness)

    def _is_echo(self, event: QMouseEvent) -> bool:
        real = event.source() == Qt.MouseEventSource.MouseEventNotSynthesized
        return self._echoes and not real

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Draw with the left button alone."""
        if event.button() == Qt.MouseButton.LeftButton and not self._is_echo(event):
            self._press(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on drawing."""
        if not self._is_echo(event):
            self._move(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Draw up to where the button was let go."""
        if event.button() == Qt.MouseButton.LeftButton and not self._is_echo(event):
            self._move(event.position())
            self.lift()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Take two quick strokes, as in a 7 or an =, for what they are."""
        self.mousePressEvent(event)

    def tabletEvent(self, event: QTabletEvent) -> None:
        """Draw with a pen; pressing makes the stroke a little wider."""
        self._echoes = True
        thickness = 1 + PRESSURE * (event.pressure() - 0.5) if event.pressure() > 0 else 1.0
        if event.type() == QEvent.Type.TabletPress:
            if event.button() == Qt.MouseButton.LeftButton:
                self._press(event.position(), thickness)
        elif event.type() == QEvent.Type.TabletMove:
            self._move(event.position(), thickness)
        elif event.button() == Qt.MouseButton.LeftButton:
            self.lift()
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Draw with the first finger; the others rest on the screen."""
        if isinstance(event, QTouchEvent):
            self._touch(event)
            event.accept()
            return True
        return super().event(event)

    def _touch(self, event: QTouchEvent) -> None:
        self._echoes = True
        if event.type() == QEvent.Type.TouchBegin:
            self._finger = event.points()[0].id()
            self._press(event.points()[0].position())
            return
        for point in event.points():
            if point.id() == self._finger and point.state() != QEventPoint.State.Stationary:
                self._move(point.position())
                if point.state() == QEventPoint.State.Released:
                    self.lift()
        if event.type() in (QEvent.Type.TouchEnd, QEvent.Type.TouchCancel):
            self.lift()
