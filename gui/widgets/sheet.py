"""The sheet under the pen: ink in a fixed number of pixels whatever the screen, and the way back.

The sheet always holds ink, 0 for paper and 255 for ink. Inverted, it only *looks* the other way
round, and so needs no guess at which of the two is the paper: what the network is given stays the
same, and so does its answer.
"""

import base64
import io
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageFilter
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from core.errors import UserError
from core.playgrounds.digits.ink import BOX, FAINT, SIDE, Frame, framed
from core.telemetry.events import Array

PIXELS = 12 * SIDE  # 336 a side: twelve for each of MNIST's
HISTORY = 50  # steps back, 113 KB each
SMALL = 0.4  # of a picture; ink that takes less of it is brought nearer


_State = tuple[QImage, bool, Array | None]
"""What is on a sheet: its image, whether it is inverted, and its exact picture."""


class Sheet:
    """A square of ink with a history; knows no widget and no theme."""

    def __init__(self) -> None:
        self.image = QImage(PIXELS, PIXELS, QImage.Format.Format_Grayscale8)
        self.image.fill(0)
        self.inverted = False
        self.exact: Array | None = None
        """The picture (28, 28) that was put here, until the pen adds to it."""
        self._past: deque[_State] = deque(maxlen=HISTORY)
        self._undone: list[_State] = []

    def ink(self) -> Array:
        """Return the ink (336, 336), 0 paper to 1 ink."""
        return self._levels().astype(np.float32) / 255

    def is_empty(self) -> bool:
        """Whether there is no ink that the network would be shown."""
        return int(self._levels().max()) <= FAINT * 255

    def can_undo(self) -> bool:
        """Whether there is a way back."""
        return bool(self._past)

    def can_redo(self) -> bool:
        """Whether something was undone last."""
        return bool(self._undone)

    def remember(self) -> None:
        """Make what is on the sheet now the next thing to come back to."""
        self._past.append(self._state())
        self._undone.clear()

    def undo(self) -> bool:
        """Go back by one stroke or other act; False at the beginning."""
        if not self._past:
            return False
        self._undone.append(self._state())
        self.image, self.inverted, self.exact = self._past.pop()
        return True

    def redo(self) -> bool:
        """Repeat what was undone last; False where nothing was."""
        if not self._undone:
            return False
        self._past.append(self._state())
        self.image, self.inverted, self.exact = self._undone.pop()
        return True

    def _state(self) -> _State:
        return QImage(self.image), self.inverted, self.exact  # shared until somebody writes

    def line(self, start: QPointF, end: QPointF, width: float) -> QRect:
        """Draw from point to point with a round pen; equal points leave a dot.

        Returns:
            The pixels that changed, empty where the line passes the sheet by.
        """
        reach = width / 2 + 2
        around = QRectF(start, end).normalized().adjusted(-reach, -reach, reach, reach)
        touched = around.toAlignedRect().intersected(self.image.rect())
        if touched.isEmpty():
            return touched
        self.exact = None
        painter = QPainter(self.image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if start == end:  # a line without length may draw nothing
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(Qt.GlobalColor.white)
            painter.drawEllipse(start, width / 2, width / 2)
        else:
            cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
            painter.setPen(QPen(Qt.GlobalColor.white, width, Qt.PenStyle.SolidLine, cap, join))
            painter.drawLine(start, end)
        painter.end()
        return touched

    def clear(self) -> None:
        """Take a fresh sheet."""
        self.remember()
        self.image.fill(0)
        self.inverted, self.exact = False, None

    def invert(self) -> None:
        """Swap the colours of ink and paper."""
        self.remember()
        self.inverted = not self.inverted

    def put(self, ink: Array) -> None:
        """Show ink of any size (H, W), 0 to 1, instead: whole, its proportions kept."""
        self.remember()
        self.inverted, self.exact = False, None
        self.image = _image(_fitted(np.nan_to_num(ink.astype(np.float32)).clip(0, 1)))

    def put_exact(self, picture: Array) -> None:
        """Show one of MNIST's pictures (28, 28), which is scaled and centred already."""
        self.put(picture)
        self.exact = picture.astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Return what is on it as plain values; not the way back."""
        exact = None if self.exact is None else _png(_bytes(self.exact))
        return {"ink": _png(self._levels()), "inverted": self.inverted, "exact": exact}

    def restore(self, values: Mapping[str, Any]) -> None:
        """Take what :meth:`to_dict` returned; there is no way back from it.

        Raises:
            UserError: the values are damaged; the sheet stays as it was.
        """
        levels, kept = _of_png(values.get("ink"), PIXELS), values.get("exact")
        exact = None if kept is None else _of_png(kept, SIDE)
        if levels is None or (kept is not None and exact is None):
            raise UserError("the last drawing is damaged; the canvas is empty.")
        self.image, self.inverted = _image(levels), values.get("inverted") is True
        self.exact = None if exact is None else exact.astype(np.float32) / 255

    def framed(self) -> tuple[Array, Frame] | None:
        """Return what the network is given (28, 28), and which square of the sheet it is.

        A picture that was put here goes to the network as it is: enlarged for the eye and scaled
        down again it would be a slightly different one, and a mistake might be read right.
        """
        if self.is_empty():
            return None
        if self.exact is not None:
            return self.exact, Frame(0, 0, PIXELS)
        return framed(self.ink())

    def _levels(self) -> Array:
        levels = np.frombuffer(self.image.constBits(), np.uint8)
        # Rows of 336 bytes end on Qt's borders of four: there is nothing between them.
        return levels.reshape(PIXELS, PIXELS)


def tinted(levels: Array, colour: QColor) -> QImage:
    """Return bytes (H, W) as a colour that is see-through at 0 and full at 255."""
    image = _image(levels)
    image.reinterpretAsFormat(QImage.Format.Format_Indexed8)
    rgb = colour.rgb() & 0xFFFFFF
    image.setColorTable([alpha << 24 | rgb for alpha in range(256)])
    return image


def tinted_sheet(sheet: Sheet, colour: QColor) -> QImage:
    """Return the sheet's ink in a colour, on nothing."""
    image = QImage(sheet.image)
    image.reinterpretAsFormat(QImage.Format.Format_Indexed8)
    rgb = colour.rgb() & 0xFFFFFF
    image.setColorTable([alpha << 24 | rgb for alpha in range(256)])
    return image


def _bytes(ink: Array) -> Array:
    levels: Array = np.rint(255 * ink).astype(np.uint8)
    return levels


def _png(levels: Array) -> str:
    """Return bytes (side, side) as the text of a PNG."""
    content = io.BytesIO()
    Image.fromarray(levels).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def _of_png(text: object, side: int) -> Array | None:
    """Return bytes (side, side); None where the text is no PNG of them."""
    try:
        content = base64.b64decode(text if isinstance(text, str) else "", validate=True)
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            if image.size != (side, side):
                return None
            return np.asarray(image.convert("L"))
    except (ValueError, OSError, SyntaxError):  # what base64 and Pillow say of damaged values
        return None


def _image(levels: Array) -> QImage:
    rows, columns = levels.shape
    whole = np.ascontiguousarray(levels)
    image = QImage(whole.data, columns, rows, columns, QImage.Format.Format_Grayscale8)
    return image.copy()  # the image must own its pixels


def _fitted(ink: Array) -> Array:
    """Scale ink (H, W) into the sheet: bytes (336, 336)."""
    there = ink > FAINT
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    side = max(ink.shape)
    if len(rows):
        extent = int(max(np.ptp(rows), np.ptp(columns))) + 1
        if extent < SMALL * side:  # bring it as near as MNIST's digits are
            ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            side = round(extent * SIDE / BOX)
    square = np.zeros((side, side), np.float32)
    top, left = (side - ink.shape[0]) // 2, (side - ink.shape[1]) // 2
    square[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    how = Image.Resampling.BICUBIC if side < PIXELS else Image.Resampling.HAMMING
    scaled = Image.fromarray(square).resize((PIXELS, PIXELS), how)
    levels: Array = (np.asarray(scaled) * 255).clip(0, 255).round().astype(np.uint8)
    if side >= PIXELS / 2:
        return levels
    # Enlarged, the pixels show as lumps on a soft edge: smooth them, then give a pen's edge back.
    smooth = Image.fromarray(levels).filter(ImageFilter.GaussianBlur(PIXELS / side / 3))
    edged: Array = ((np.asarray(smooth) - 127.5) * 3 + 127.5).clip(0, 255).astype(np.uint8)
    return edged
