"""The cells of the map of pairs as one picture, with their letters and numbers where they fit."""

from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPixmap

from core.playgrounds.names.reports import END
from gui import theme
from gui.charts import colormaps as ramps
from gui.names.bigram_views import MapView
from gui.widgets.letter_symbols import draw_signs, sign

WORDED = 26  # pixels a cell must have to show its letters and its number
RULED = 16  # and for lines between the cells


def picture(view: MapView, side: float, ratio: float) -> QPixmap:
    """Return a map as a picture ``side`` pixels wide, of ``ratio`` device pixels each."""
    pixels = round(side * ratio)
    image = ramps.picture(view.levels, view.ramp, *view.span)
    made = QPixmap.fromImage(
        image.scaled(pixels, pixels, mode=Qt.TransformationMode.FastTransformation)
    )
    made.setDevicePixelRatio(ratio)
    size = len(view.letters)
    cell = side / size
    painter = QPainter(made)
    if cell >= RULED:
        ink = theme.current().colour("border", 110)
        for line in range(1, size):
            at = round(line * cell * ratio) / ratio
            painter.fillRect(QRectF(at, 0, 1 / ratio, side), ink)
            painter.fillRect(QRectF(0, at, side, 1 / ratio), ink)
    if cell >= WORDED:
        _words(painter, view, image, cell)
    painter.end()
    return made


def _words(painter: QPainter, view: MapView, image: QImage, cell: float) -> None:
    """Write the pair and its number into each cell, as in the lecture's picture."""
    now = theme.current()
    dark, light = sorted((now.colour("text"), now.colour("surface")), key=lambda c: c.lightness())
    font = theme.font(int(np.clip(cell * 0.34, 9, 15)))
    painter.setFont(font)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    metrics = QFontMetricsF(font)
    # Drawn at points, not in rectangles, for which Qt would lay out each text twice.
    widths = lru_cache(maxsize=None)(metrics.horizontalAdvance)
    high = min(cell / 2 - 1, metrics.height() * 0.95)
    base = (high + metrics.ascent() - metrics.descent()) / 2
    signs = [sign(letter) for letter in view.letters]
    for row, first in enumerate(view.letters):
        for column, second in enumerate(view.letters):
            number = view.write(row, column)
            ground = image.pixelColor(column, row)
            shade = 0.299 * ground.redF() + 0.587 * ground.greenF() + 0.114 * ground.blueF()
            ink = dark if shade > 0.55 else light
            ink.setAlphaF(0.72 if number else 0.35)
            painter.setPen(ink)
            x, y = (column + 0.5) * cell, (row + 0.5) * cell
            if END in (first, second):
                draw_signs(painter, QRectF(x - cell / 2, y - high, cell, high), first + second)
            else:
                pair = signs[row] + signs[column]
                painter.drawText(
                    QPointF(x - (widths(signs[row]) + widths(signs[column])) / 2, y - high + base),
                    pair,
                )
            if number:
                ink.setAlphaF(1.0)
                painter.setPen(ink)
                painter.drawText(QPointF(x - sum(map(widths, number)) / 2, y + base), number)
