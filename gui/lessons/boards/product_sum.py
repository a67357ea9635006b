"""A sum of products, written out: a tile times a tile, one under another, and what they make."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from core.numbers import fixed
from gui import theme
from gui.lessons.boards.matrix import paint_tile, tint, write

WIDE, HIGH = 42.0, 32.0
SIGN = 26.0  # pixels of a sign between tiles
LIMIT = 3.0


def paint_sum(
    painter: QPainter,
    corner: QPointF,
    terms: Sequence[tuple[float, float]],
    bias: float,
    title: str,
) -> None:
    """Write out ``x * w + x * w + ... + b``.

    Args:
        painter: of the board.
        corner: where it begins.
        terms: what is multiplied.
        bias: what is added last.
        title: what it is the sum of.
    """
    left, top = corner.x(), corner.y()
    write(painter, QRectF(left, top, 360, 20), title, "text", 13, strong=True)
    second, third = left + WIDE + SIGN, left + 2 * (WIDE + SIGN)
    top += 26
    for x, w in terms:
        _tile(painter, left, top, x)
        _sign(painter, left + WIDE, top, "×")
        _tile(painter, second, top, w)
        _number(painter, second + WIDE, top, "=", x * w)
        top += HIGH + 2
    _tile(painter, second, top, bias)
    write(painter, QRectF(left, top, WIDE + SIGN - 8, HIGH), "and b", where=_RIGHT)
    _number(painter, second + WIDE, top, "", bias)
    top += HIGH + 4
    painter.setPen(theme.current().colour("muted"))
    painter.drawLine(QPointF(third, top), QPointF(third + WIDE, top))
    total = sum(x * w for x, w in terms) + bias
    _number(painter, second + WIDE, top + 4, "=", total, strong=True)


_CENTRE = Qt.AlignmentFlag.AlignCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _tile(painter: QPainter, left: float, top: float, value: float) -> None:
    painter.setFont(theme.font(13))
    paint_tile(painter, QRectF(left, top, WIDE, HIGH), tint(value, LIMIT), fixed(value, 0))


def _sign(painter: QPainter, left: float, top: float, sign: str) -> None:
    write(painter, QRectF(left, top, SIGN, HIGH), sign, where=_CENTRE)


def _number(
    painter: QPainter, left: float, top: float, sign: str, value: float, strong: bool = False
) -> None:
    """Write a sign, and a number under those above it."""
    _sign(painter, left, top, sign)
    place = QRectF(left + SIGN, top, WIDE - 8, HIGH)
    write(painter, place, fixed(value, 0), "text", 15 if strong else 13, strong, _RIGHT)
