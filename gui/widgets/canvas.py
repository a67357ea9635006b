"""The canvas: a sheet to draw a digit on, with mouse, pen or finger."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QKeySequence,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy

from core.errors import UserError
from core.files import write_whole
from core.playgrounds.digits.ink import FAINT, Frame, ink_of, open_image
from core.telemetry.events import Array
from gui.widgets.canvas_painting import paint_canvas
from gui.widgets.pen_input import PenInput
from gui.widgets.sheet import PIXELS, Sheet
from gui.widgets.undo_keys import is_redo, is_undo

PEN = round(0.08 * PIXELS)
"""MNIST's strokes are about an eighth of a digit's height, and a digit fills two thirds."""
LEAST_SIDE = 196  # pixels of the screen
CLEARING = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
HELP = (
    "Draw one digit, about as large as the dotted box: before the network sees it, it is scaled "
    "and centred as the digits it learned from were.\n"
    "Ctrl+Z takes back, Ctrl+Shift+Z or Ctrl+Y repeats, Delete clears, Ctrl+V pastes a picture; "
    "image files can be dropped here."
)


class DigitCanvas(PenInput):
    """A square to draw on. Its ink has 336 x 336 pixels, however large it is on the screen."""

    inkChanged = Signal()
    """There is more ink or other ink, or it looks different. Comes with every move of the pen."""
    picture_offered = Signal(object, str)
    """A picture was opened, pasted or dropped, and its name; only where ``asks`` is set."""
    failed = Signal(str)
    """What was pasted or dropped is no picture; says why in a sentence."""

    def __init__(self, name: str = "digitCanvas") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName("Canvas for a digit")
        self.setAccessibleDescription("Draw with mouse, pen or finger; or paste or open a picture.")
        self.setToolTip(HELP)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumSize(LEAST_SIDE, LEAST_SIDE)
        self.hint = "Draw a digit"
        self.overlay: Array | None = None
        self.frame = Frame(0, 0, PIXELS)
        self.sheet = Sheet()
        self.asks = False
        """Whether pictures are offered to somebody, instead of shown at once."""
        self._pen = PEN
        self._last: QPointF | None = None

    # What is on it.

    def ink(self) -> Array:
        """Return the ink (336, 336) as floats, 0 paper to 1 ink, inverted or not."""
        return self.sheet.ink()

    def is_empty(self) -> bool:
        """Whether there is nothing to read."""
        return self.sheet.is_empty()

    def clear(self) -> None:
        """Take a fresh sheet; `undo` brings the old one back."""
        if not self.is_empty() or self.sheet.inverted:
            self.sheet.clear()
            self._changed()

    def undo(self) -> None:
        """Take back the last stroke, or the last clearing, inverting or loading."""
        if self.sheet.undo():
            self._changed()

    def redo(self) -> None:
        """Repeat what was taken back last."""
        if self.sheet.redo():
            self._changed()

    def restore(self, values: Mapping[str, Any]) -> None:
        """Show the sheet of an earlier start, as its ``to_dict`` returned it.

        Raises:
            UserError: the values are damaged; the canvas stays as it was.
        """
        self.sheet.restore(values)
        self._changed()

    def invert(self) -> None:
        """Show light ink on dark paper, or the other way round; the ink itself stays."""
        self.sheet.invert()
        self._changed()

    def set_pen_width(self, pixels: int) -> None:
        """Set the pen's width, in the sheet's pixels (of 336)."""
        self._pen = max(1, pixels)

    def show_picture(self, picture: Array) -> None:
        """Show a picture (28, 28), floats from 0 to 1 or bytes, such as one of the test digits."""
        self.sheet.put_exact(picture / 255 if picture.dtype == np.uint8 else picture)
        self._changed()

    def load_image(self, path: Path) -> None:
        """Show an image file.

        Raises:
            UserError: it is no image, or an empty one; the canvas stays as it was.
        """
        self._take(open_image(path), path.name)

    def paste(self, image: QImage | None) -> None:
        """Show a picture from the clipboard.

        Raises:
            UserError: there is none, or an empty one; the canvas stays as it was.
        """
        if image is None or image.isNull():
            raise UserError("The clipboard holds no picture; copy one first.")
        if max(image.width(), image.height()) > 2048:
            keep = Qt.AspectRatioMode.KeepAspectRatio
            image = image.scaled(2048, 2048, keep, Qt.TransformationMode.SmoothTransformation)
        plain = image.convertToFormat(QImage.Format.Format_RGBA8888)
        size = (plain.width(), plain.height())
        self._take(Image.frombytes("RGBA", size, bytes(plain.constBits())), "The picture")

    def _take(self, image: Image.Image, name: str) -> None:
        if self.asks:
            self.picture_offered.emit(image, name)
        else:
            self.show_ink(ink_of(image), name)

    def save_image(self, path: Path) -> None:
        """Write a PNG of black ink on white paper.

        Raises:
            UserError: it can't be written there.
        """
        grey = np.rint(255 - 255 * self.ink()).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(grey).save(file, "PNG")
        write_whole(path, file.getvalue())

    def set_overlay(self, values: Array | None, frame: Frame | None = None) -> None:
        """Lay a heat map (28, 28), 0 and more, over the ink, or take it away.

        Args:
            values: what to show, of any scale; None for nothing.
            frame: which square of the sheet it is about; the whole sheet if left out.
        """
        self.overlay = values
        self.frame = frame or Frame(0, 0, PIXELS)
        self.update()

    # How it takes ink.

    def paper(self) -> QRectF:
        """Return the square that is the paper: as large as it can be, in the middle."""
        side = min(self.width(), self.height()) - 2
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def pen_down(self, point: QPointF, thickness: float) -> None:
        """Begin a stroke with a dot."""
        self.sheet.remember()
        self._last = None
        self.update()  # the hint goes
        self._draw(self._on_sheet(point), thickness)

    def pen_moved(self, point: QPointF, thickness: float) -> None:
        """Go straight on from the last point, inside the paper or out."""
        if self._on_sheet(point) != self._last:
            self._draw(self._on_sheet(point), thickness)

    def _draw(self, end: QPointF, thickness: float) -> None:
        start = end if self._last is None else self._last
        touched = self.sheet.line(start, end, self._pen * thickness)
        self._last = end
        if not touched.isEmpty():
            self.update(self._on_screen(touched))
            self.inkChanged.emit()

    def _on_sheet(self, point: QPointF) -> QPointF:
        paper = self.paper()
        return (point - paper.topLeft()) * (PIXELS / paper.width())

    def _on_screen(self, pixels: QRect) -> QRect:
        if self.overlay is not None:
            return self.rect()
        paper, scale = self.paper(), self.paper().width() / PIXELS
        corner = paper.topLeft() + QPointF(pixels.topLeft()) * scale
        size = QPointF(pixels.width(), pixels.height()) * scale
        return QRectF(corner, corner + size).toAlignedRect().adjusted(-2, -2, 2, 2)

    def _changed(self) -> None:
        self.lift()  # what comes next is no continuation of a stroke that this took away
        self.update()
        self.inkChanged.emit()

    def show_ink(self, ink: Array, name: str) -> None:
        """Show the ink of a picture, (H, W), 0 paper to 1 ink.

        Raises:
            UserError: there is none; the canvas stays as it was.
        """
        if not (ink > FAINT).any():
            raise UserError(f"{name} shows nothing but paper; choose a picture of a digit.")
        self.sheet.put(ink)
        self._changed()

    def _attempt(self, act: Callable[[], None]) -> None:
        """Do what came by key or by drop, where nobody is there to catch an error."""
        try:
            act()
        except UserError as error:
            self.failed.emit(str(error))

    # What Qt tells it.

    def event(self, event: QEvent) -> bool:
        """Keep its keys from a shortcut of the window."""
        if event.type() == QEvent.Type.ShortcutOverride and self._act_of(cast(QKeyEvent, event)):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Undo, redo, clear or paste."""
        act = self._act_of(event)
        if act is None:
            super().keyPressEvent(event)
        else:
            self._attempt(act)

    def _act_of(self, event: QKeyEvent) -> Callable[[], None] | None:
        if is_undo(event):
            return self.undo
        if is_redo(event):
            return self.redo
        if event.matches(QKeySequence.StandardKey.Paste):
            return lambda: self.paste(QGuiApplication.clipboard().image())
        if event.key() in CLEARING and not event.modifiers():
            return self.clear
        return None

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Welcome image files and pictures."""
        if _dropped_file(event.mimeData()) or event.mimeData().hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Show what was dropped."""
        mime, file = event.mimeData(), _dropped_file(event.mimeData())
        if file:
            self._attempt(lambda: self.load_image(file))
        else:
            self._attempt(lambda: self.paste(QImage(mime.imageData())))
        event.acceptProposedAction()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the paper, its guide, the ink and what lies over it."""
        paint_canvas(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for another height in another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Ask for a square; a height that Qt takes from the width could not shrink."""
        side = max(LEAST_SIDE, self.width()) if self.isVisible() else 300
        return QSize(300, side)


def _dropped_file(mime: QMimeData) -> Path | None:
    local = [url.toLocalFile() for url in mime.urls() if url.isLocalFile()]
    return Path(local[0]) if local else None
