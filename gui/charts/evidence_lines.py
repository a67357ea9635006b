"""Evidence as lines: painted in few colours, each line also with a stroke of its own."""

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from core.doctor.diagnosis import Picture, Series
from core.numbers import number
from gui import theme
from gui.charts.axes import Scale

POINTS = 500  # drawn at most: more than a picture has pixels would only cost time
LEFT, TOP, BOTTOM = 46, 8, 34
SAMPLE = 16  # pixels of a line beside its name
MEANINGS = {
    "valid": "validation",
    "new ": "validation",
    "held": "validation",
    "gradient": "gradient",
    "update": "update",
    "activation": "activation",
    "every step": "faint",
}
"""Words in a name that have a colour in the whole program."""
OTHERS = ("text", "activation", "validation", "muted")
STROKES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
)
MIDDLE_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def pens(picture: Picture) -> list[QPen]:
    """Return what each line is drawn with: by its meaning, else the next that is free."""
    now, made, free = theme.current(), [], 0
    for series in picture.series:
        meant = next((c for word, c in MEANINGS.items() if word in series.name.lower()), "")
        role, stroke = meant, STROKES[0]
        if not meant:
            role, stroke = OTHERS[free % len(OTHERS)], STROKES[free % len(STROKES)]
            free += 1
        made.append(QPen(now.colour(role), 1.0 if role == "faint" else 1.8, stroke))
    return made


def paint_lines(painter: QPainter, area: QRectF, picture: Picture) -> None:
    """Paint a picture's lines, its levels, its axes and its legend into an area."""
    painter.setFont(theme.font(11))
    places = _legend_places(painter, area, picture)
    legend = places[-1].bottom() - area.top() + 4 if places else 0
    frame = area.adjusted(LEFT, TOP + legend, -4, -BOTTOM)
    shown = [_some(series) for series in picture.series]
    values = [y for series in shown for y in series.y]
    levels = [value for _, value in picture.levels]
    y_scale = Scale.over([*values, *levels], picture.log)
    steps = [x for series in shown for x in series.x if math.isfinite(x)]
    first, last = (min(steps), max(steps)) if steps else (0.0, 1.0)
    x_scale = Scale(first, last if last > first else first + 1.0)
    _paint_axes(painter, frame, picture, x_scale, y_scale)
    made = pens(picture)
    drawn: list[QPointF] = []
    for series, pen in zip(shown, made, strict=True):
        painter.setPen(pen)
        for piece in _pieces(series, frame, x_scale, y_scale):
            drawn += piece
            if len(piece) > 1:
                painter.drawPolyline(QPolygonF(piece))
            else:
                painter.setBrush(pen.color())
                painter.drawEllipse(piece[0], 2.2, 2.2)
                painter.setBrush(Qt.BrushStyle.NoBrush)
    _paint_levels(painter, frame, picture, y_scale, drawn)
    for place, series, pen in zip(places, picture.series, made, strict=False):
        _paint_name(painter, place, series.name, pen)


def _some(series: Series) -> Series:
    every = max(1, math.ceil(len(series.x) / POINTS))
    return Series(series.name, series.x[::every], series.y[::every])


def _pieces(series: Series, frame: QRectF, x_scale: Scale, y_scale: Scale) -> list[list[QPointF]]:
    """Return the line's points in pieces: what is no number leaves a gap."""
    pieces: list[list[QPointF]] = [[]]
    for x, y in zip(series.x, series.y, strict=True):
        share = y_scale.share(y) if math.isfinite(y) else math.nan
        if math.isnan(share):
            pieces.append([])
            continue
        place = QPointF(
            frame.left() + frame.width() * x_scale.share(x), frame.bottom() - frame.height() * share
        )
        pieces[-1].append(place)
    return [piece for piece in pieces if piece]


def _paint_axes(
    painter: QPainter, frame: QRectF, picture: Picture, x_scale: Scale, y_scale: Scale
) -> None:
    now = theme.current()
    painter.setFont(theme.font(11))
    for value in y_scale.ticks():
        y = round(frame.bottom() - frame.height() * y_scale.share(value)) + 0.5
        painter.setPen(QPen(now.colour("border"), 1))
        painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
        painter.setPen(now.colour("muted"))
        beside = QRectF(frame.left() - LEFT, y - 8, LEFT - 7, 16)
        painter.drawText(beside, MIDDLE_RIGHT, number(value))
    painter.setPen(now.colour("muted"))
    foot = QRectF(frame.left(), frame.bottom() + 4, frame.width(), 15)
    painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, number(x_scale.low))
    painter.drawText(foot, Qt.AlignmentFlag.AlignRight, number(x_scale.high))
    painter.drawText(foot, Qt.AlignmentFlag.AlignHCenter, picture.x_label)
    if picture.y_label:
        above = QRectF(frame.left(), frame.bottom() + 18, frame.width(), 15)
        scale = ", logarithmic" if picture.log else ""
        painter.setPen(now.colour("faint"))
        painter.drawText(above, Qt.AlignmentFlag.AlignLeft, f"up: {picture.y_label}{scale}")


def _paint_levels(
    painter: QPainter, frame: QRectF, picture: Picture, scale: Scale, drawn: list[QPointF]
) -> None:
    """Paint the dashed lines; their names above them, none over another, where least is hidden."""
    now, taken = theme.current(), frame.bottom() + 20
    painter.setFont(theme.font(11))
    for name, value in sorted(picture.levels, key=lambda level: level[1]):
        share = scale.share(value)
        if math.isnan(share):
            continue
        y = frame.bottom() - frame.height() * share
        painter.setPen(QPen(now.colour("muted"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
        top = min(y - 15, taken - 14)
        taken = top
        words = f"{name} {number(value)}"
        long = painter.fontMetrics().horizontalAdvance(words) + 6
        right = QRectF(frame.right() - long, top, long, 14)
        left = QRectF(frame.left() + 2, top, long, 14)
        ground = min((right, left), key=lambda place: sum(map(place.contains, drawn)))
        painter.fillRect(ground, now.colour("surface", 225))
        painter.setPen(now.colour("muted"))
        painter.drawText(ground, Qt.AlignmentFlag.AlignCenter, words)


def _legend_places(painter: QPainter, area: QRectF, picture: Picture) -> list[QRectF]:
    """Return where the lines' names stand, in as many rows as they need; [] for a single line."""
    places: list[QRectF] = []
    x, y = area.left() + 2, area.top()
    for series in picture.series if len(picture.series) > 1 else ():
        long = SAMPLE + 6 + painter.fontMetrics().horizontalAdvance(series.name)
        if places and x + long > area.right():
            x, y = area.left() + 2, y + 16
        places.append(QRectF(x, y, long, 15))
        x += long + 12
    return places


def _paint_name(painter: QPainter, place: QRectF, name: str, pen: QPen) -> None:
    middle = round(place.center().y()) + 0.5
    painter.setPen(pen)
    painter.drawLine(QPointF(place.left(), middle), QPointF(place.left() + SAMPLE, middle))
    painter.setPen(theme.current().colour("muted"))
    painter.drawText(place.adjusted(SAMPLE + 6, 0, 4, 0), Qt.AlignmentFlag.AlignVCenter, name)
