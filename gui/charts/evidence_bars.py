"""Evidence as bars: lying where their names are words, standing where there are many."""

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from core.doctor.diagnosis import Picture
from core.numbers import number
from gui import theme
from gui.charts.axes import Scale

LYING = 8  # bars at most that lie; more of them stand
ROW, FOOT, HEAD = 24, 20, 18
MIDDLE = Qt.AlignmentFlag.AlignVCenter


def _values(picture: Picture) -> list[float]:
    values = list(picture.series[0].y) if picture.series else []
    return values[: len(picture.names)] if picture.names else values


def _scale(picture: Picture, values: list[float]) -> Scale:
    return Scale.over([*values, *(v for _, v in picture.levels)], picture.log, zero=True)


def _base(scale: Scale) -> float:
    return 0.0 if scale.log else min(1.0, max(0.0, scale.share(0.0)))


def paint_bars(painter: QPainter, area: QRectF, picture: Picture) -> None:
    """Paint a picture's bars, their names, their values and its levels into an area."""
    values = _values(picture)
    if not values:
        return
    painter.setFont(theme.font(11))
    if len(values) <= LYING:
        _paint_lying(painter, area, picture, values)
    else:
        _paint_standing(painter, area, picture, values)


def _paint_lying(painter: QPainter, area: QRectF, picture: Picture, values: list[float]) -> None:
    now, metrics = theme.current(), QFontMetricsF(painter.font())
    names = picture.names or tuple(str(i) for i in range(len(values)))
    left = min(0.42 * area.width(), max(metrics.horizontalAdvance(name) for name in names) + 10)
    room = max(metrics.horizontalAdvance(number(v)) for v in values) + 10
    head = HEAD if picture.levels else 4
    frame = area.adjusted(left, head, -room, -FOOT)
    high = min(ROW, frame.height() / len(values))
    frame.setHeight(high * len(values))
    scale = _scale(picture, values)
    base = frame.left() + frame.width() * _base(scale)
    numbers = []
    for index, (name, value) in enumerate(zip(names, values, strict=False)):
        row = QRectF(area.left(), frame.top() + index * high, area.width(), high)
        painter.setPen(now.colour("muted"))
        place = QRectF(row.left(), row.top(), left - 8, high)
        shortened = metrics.elidedText(name, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, MIDDLE | Qt.AlignmentFlag.AlignRight, shortened)
        share = scale.share(value)
        end = base if math.isnan(share) else frame.left() + frame.width() * share
        bar = QRectF(min(base, end), row.top() + 4, abs(end - base), high - 8)
        _paint_bar(painter, bar, value)
        beyond = QRectF(max(base, end) + 6, row.top(), room, high)
        numbers.append((beyond, number(value)))
    painter.setPen(QPen(now.colour("faint"), 1))
    painter.drawLine(QPointF(base, frame.top()), QPointF(base, frame.bottom()))
    taken = -math.inf
    for name, value in sorted(picture.levels, key=lambda level: level[1]):
        share = scale.share(value)
        if math.isnan(share):
            continue
        x = frame.left() + frame.width() * share
        painter.setPen(QPen(now.colour("text"), 1.2, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))
        words = f"{name} {number(value)}"
        long = metrics.horizontalAdvance(words)
        start = min(area.right() - long - 2, max(area.left(), x - long / 2))
        if start > taken:
            painter.setPen(now.colour("muted"))
            painter.drawText(QRectF(start, area.top(), long + 2, head - 2), 0, words)
            taken = start + long + 8
    for beyond, words in numbers:  # over the lines that would cross them
        ground = beyond.adjusted(-2, 5, 0, -5)
        ground.setWidth(metrics.horizontalAdvance(words) + 4)
        painter.fillRect(ground, now.colour("surface", 225))
        painter.setPen(now.colour("text"))
        painter.drawText(beyond, MIDDLE, words)
    painter.setPen(now.colour("faint"))
    foot = QRectF(frame.left(), frame.bottom() + 3, frame.width() + room, FOOT - 4)
    words = ", ".join(part for part in (picture.y_label, "logarithmic" * picture.log) if part)
    painter.drawText(foot, 0, words)


def _paint_standing(painter: QPainter, area: QRectF, picture: Picture, values: list[float]) -> None:
    now, metrics = theme.current(), QFontMetricsF(painter.font())
    frame = area.adjusted(44, 8, -2, -FOOT - 14)
    scale = _scale(picture, values)
    for value in scale.ticks():
        y = round(frame.bottom() - frame.height() * scale.share(value)) + 0.5
        painter.setPen(QPen(now.colour("border"), 1))
        painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
        painter.setPen(now.colour("muted"))
        place = QRectF(area.left(), y - 8, 37, 16)
        painter.drawText(place, MIDDLE | Qt.AlignmentFlag.AlignRight, number(value))
    base = frame.bottom() - frame.height() * _base(scale)
    wide = frame.width() / len(values)
    fits = all(metrics.horizontalAdvance(name) < wide + 2 for name in picture.names)
    for index, value in enumerate(values):
        share = scale.share(value)
        end = base if math.isnan(share) else frame.bottom() - frame.height() * share
        thick = min(30.0, max(1.0, 0.68 * wide))
        middle = frame.left() + (index + 0.5) * wide
        _paint_bar(
            painter, QRectF(middle - thick / 2, min(base, end), thick, abs(end - base)), value
        )
        if picture.names and fits:
            painter.setPen(now.colour("muted"))
            under = QRectF(middle - wide / 2, frame.bottom() + 3, wide, 15)
            painter.drawText(under, Qt.AlignmentFlag.AlignHCenter, picture.names[index])
    if picture.names and not fits:
        foot = QRectF(frame.left(), frame.bottom() + 3, frame.width(), 15)
        painter.setPen(now.colour("muted"))
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, picture.names[0])
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, picture.names[-1])
    for name, value in picture.levels:
        y = frame.bottom() - frame.height() * scale.share(value)
        painter.setPen(QPen(now.colour("text"), 1.2, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
        words = f"{name} {number(value)}"
        long = metrics.horizontalAdvance(words) + 6
        ground = QRectF(frame.right() - long, y - 15, long, 14)
        painter.fillRect(ground, now.colour("surface", 200))
        painter.setPen(now.colour("muted"))
        painter.drawText(ground, Qt.AlignmentFlag.AlignRight, words)
    painter.setPen(now.colour("faint"))
    words = ", ".join(part for part in (picture.y_label, "logarithmic" * picture.log) if part)
    painter.drawText(QRectF(frame.left(), frame.bottom() + 18, frame.width(), 15), 0, words)


def _paint_bar(painter: QPainter, bar: QRectF, value: float) -> None:
    now = theme.current()
    painter.setPen(Qt.PenStyle.NoPen)
    role = "fault" if not math.isfinite(value) else "activation" if value >= 0 else "gradient"
    painter.setBrush(now.colour(role, 205))
    painter.drawRoundedRect(bar, 2, 2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
