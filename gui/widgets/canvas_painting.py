"""How the canvas looks: paper, a faint guide, ink, and a heat map over it."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen

from core.playgrounds.digits.ink import BOX, SIDE
from core.telemetry.events import Array
from gui import theme
from gui.widgets.sheet import PIXELS, tinted, tinted_sheet

if TYPE_CHECKING:
    from gui.widgets.canvas import DigitCanvas

STRONGEST = 235  # of 255: the ink still shines through where the heat is greatest


def paint_canvas(canvas: "DigitCanvas") -> None:
    """Paint it in the theme of the moment."""
    now, paper = theme.current(), canvas.paper()
    ground, ink = ("text", "surface") if canvas.sheet.inverted else ("surface", "text")
    painter = QPainter(canvas)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    shape = QPainterPath()
    shape.addRoundedRect(paper, theme.RADIUS, theme.RADIUS)
    painter.fillPath(shape, now.colour(ground))
    _guide(painter, paper)
    painter.save()
    painter.setClipPath(shape)
    painter.drawImage(paper, tinted_sheet(canvas.sheet, now.colour(ink)))
    if canvas.overlay is not None:
        scale = paper.width() / PIXELS
        frame = canvas.frame
        where = QRectF(
            frame.left * scale, frame.top * scale, frame.side * scale, frame.side * scale
        )
        heat = tinted(heat_levels(canvas.overlay), now.colour("gradient"))
        painter.drawImage(where.translated(paper.topLeft()), heat)
        painter.setPen(QPen(now.colour("gradient", 110), 1))
        painter.drawRect(where.translated(paper.topLeft()))
    painter.restore()
    if canvas.hint and canvas.is_empty():
        painter.setFont(theme.font(15))
        painter.setPen(now.colour("surface" if canvas.sheet.inverted else "muted"))
        painter.drawText(paper, Qt.AlignmentFlag.AlignCenter, canvas.hint)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(now.colour("activation" if canvas.hasFocus() else "border"), 1))
    painter.drawRoundedRect(paper, theme.RADIUS, theme.RADIUS)


def heat_levels(values: Array) -> Array:
    """Return how strongly each of some values, 0 and more, is tinted: bytes, 0 for none."""
    clean = np.nan_to_num(values, posinf=0.0).clip(0)
    # The power holds back the noise that every gradient has, so that the peaks stand out.
    share = (clean / (float(clean.max()) or 1.0)) ** 1.5
    levels: Array = (share * STRONGEST).astype(np.uint8)
    return levels


def _guide(painter: QPainter, paper: QRectF) -> None:
    """Mark MNIST's box, 20 of 28 pixels: a digit about as large comes out best."""
    margin = paper.width() * (SIDE - BOX) / SIDE / 2
    pen = QPen(theme.current().colour("faint", 150), 1.4)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setDashPattern([0.1, 4])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(paper.adjusted(margin, margin, -margin, -margin), 6, 6)
