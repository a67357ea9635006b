"""A node of an expression as a box: its operation, its value in blue, its gradient in orange."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QPen

from core.expressions.explanations import formula, sign, title
from core.expressions.finite_differences import GradientCheck
from core.expressions.graph import Graph, Kind, Node
from core.expressions.stepper import NodeState
from core.numbers import number
from core.telemetry.events import Array
from gui import theme
from gui.lessons.board import CENTRE, LEFT, RIGHT, write

FRAMES = {Kind.LEARNED: ("update", 1.4), Kind.NOISE: ("muted", 1.4), Kind.RESULT: ("faint", 1.2)}
"""The colour and width of a box's frame."""
FEW = 3  # numbers that are written; more are painted as cells
LINE, PAD = 17, 8
NARROW, WIDE = 76, 124  # pixels of a box
PILL = 24  # pixels: the height of a number without a name
CELLS = 15  # pixels: the height of a row of cells


def is_leaf(node: Node) -> bool:
    """Return whether a node has numbers that can be dragged."""
    return node.kind in (Kind.LEARNED, Kind.CONSTANT) and node.operation not in ("moons_label",)


def is_written(node: Node) -> bool:
    """Return whether a node's numbers are written out, rather than painted as cells."""
    return node.count <= FEW and len(node.shape) < 2


def box_size(graph: Graph, node: Node) -> tuple[float, float]:
    """Return the width and height of a box."""
    bold = QFontMetricsF(theme.font(13, QFont.Weight.DemiBold))
    if node.kind is Kind.LITERAL and not node.shape:
        return max(34.0, bold.horizontalAdvance(title(node)) + 18), PILL
    head = bold.horizontalAdvance(_heads(graph, node)[0]) + 2 * PAD
    if other := _heads(graph, node)[1]:
        head += QFontMetricsF(theme.font(11)).horizontalAdvance(other) + 10
    numbers = 44.0 * node.count if is_written(node) else 80.0
    wide = min(max(NARROW, head, numbers + 2 * PAD), max(WIDE, numbers + 2 * PAD))
    rows = 3 + (node.kind in (Kind.LEARNED, Kind.CONSTANT))
    return wide, rows * LINE + 12


def _heads(graph: Graph, node: Node) -> tuple[str, str]:
    """Return the name of a node and, smaller beside it, its operation and shape."""
    if node.kind is Kind.RESULT and not node.name:
        whole = formula(graph, node)
        is_short = whole.count("…") < len(node.inputs) and len(whole) <= 12
        return (whole if is_short else sign(node)), ""
    second = sign(node) if node.inputs else ""
    if not is_written(node):
        second = f"{second}  {'×'.join(map(str, node.shape))}".strip()
    return title(node), second


def cells(node: Node, box: QRectF) -> QRectF:
    """Return where a node's value is painted."""
    return QRectF(box.left() + PAD, box.top() + 6 + LINE, box.width() - 2 * PAD, LINE)


def number_at(node: Node, box: QRectF, point: QPointF) -> int:
    """Return which number of a leaf is at a point, or -1."""
    area = cells(node, box)
    if not area.adjusted(0, -4, 0, 4).contains(point):
        return -1
    across, down = _across(node.shape)
    column = min(across - 1, int((point.x() - area.left()) / area.width() * across))
    row = min(down - 1, max(0, int((point.y() - area.top()) / area.height() * down)))
    if len(node.shape) == 2 and node.shape[0] > node.shape[1]:
        return column * down + row  # it is painted transposed
    return row * across + column


def _across(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the columns and rows of cells: the longer dimension is horizontal."""
    if len(shape) < 2:
        return (shape[0] if shape else 1), 1
    return max(shape), min(shape)


def paint_box(painter: QPainter, graph: Graph, node: Node, box: QRectF, state: NodeState) -> None:
    """Paint a node."""
    _paint_ground(painter, graph, node, box, state)
    if node.kind is Kind.LITERAL and not node.shape:
        write(painter, box, title(node), "muted", 13, where=CENTRE)
        return
    _paint_head(painter, graph, node, box)
    row = cells(node, box)
    _paint_numbers(painter, node, row, state.value, "activation")
    row.translate(0, LINE)
    if node.index in graph.with_gradient:
        _paint_numbers(painter, node, row, state.gradient, "gradient")
    else:
        write(painter, row, "no gradient", pixels=11, where=CENTRE)
    if state.check is not None:
        row.translate(0, LINE)
        _paint_check(painter, node, row, state.check)


def _paint_ground(
    painter: QPainter, graph: Graph, node: Node, box: QRectF, state: NodeState
) -> None:
    now = theme.current()
    round_ = 12.0 if node.kind is Kind.LITERAL else 8.0
    if state.current:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.colour(state.current, 48))
        painter.drawRoundedRect(box.adjusted(-5, -5, 5, 5), round_ + 5, round_ + 5)
    constant = node.kind in (Kind.CONSTANT, Kind.LITERAL)
    painter.setBrush(now.colour("sunken" if constant else "surface"))
    role, width = FRAMES.get(node.kind, ("border", 1.2))
    if state.current:
        role, width = state.current, 2.0
    elif node.index == graph.root and node.kind not in (Kind.LEARNED, Kind.NOISE):
        role, width = "text", 1.6
    dashed = node.kind is Kind.NOISE and not state.current
    style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
    painter.setPen(QPen(now.colour(role), width, style))
    painter.drawRoundedRect(box, round_, round_)


def _paint_head(painter: QPainter, graph: Graph, node: Node, box: QRectF) -> None:
    name, made = _heads(graph, node)
    row = QRectF(box.left() + PAD, box.top() + 5, box.width() - 2 * PAD, LINE)
    where = LEFT if made or node.kind is Kind.NOISE else CENTRE
    write(painter, row, name, "text", 13, strong=True, where=where)
    write(painter, row, made, pixels=11, where=RIGHT)
    if node.kind is Kind.NOISE:
        _paint_die(painter, QRectF(row.right() - 13, row.top() + 3, 12, 12))


def _paint_die(painter: QPainter, place: QRectF) -> None:
    now = theme.current()
    painter.setPen(QPen(now.colour("muted"), 1.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(place, 3, 3)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(now.colour("muted"))
    for share in (0.25, 0.5, 0.75):
        x, y = place.left() + share * place.width(), place.top() + share * place.height()
        painter.drawEllipse(QPointF(x, y), 1.2, 1.2)


def _paint_numbers(
    painter: QPainter, node: Node, row: QRectF, numbers: Array | None, role: str
) -> None:
    """Write the numbers, or paint them as cells: the larger, the more saturated."""
    if numbers is None:
        write(painter, row, "·", "faint", 13, strong=True, where=CENTRE)
    elif is_written(node):
        wide, figures = row.width() / node.count, 3 if node.count == 1 else 2
        for place, value in enumerate(numbers.reshape(-1).tolist()):
            part = QRectF(row.left() + place * wide, row.top(), wide, row.height())
            write(painter, part, number(value, figures), role, 13, strong=True, where=CENTRE)
    else:
        area = QRectF(row.left(), row.center().y() - CELLS / 2, row.width(), CELLS)
        if _across(node.shape)[1] == 1:
            _paint_bars(painter, area, numbers.reshape(-1), role)
        else:
            crowded = _across(node.shape)[0] > area.width() / 2
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, crowded)
            painter.drawImage(area, _image(numbers, role))
        painter.setPen(QPen(theme.current().colour("border"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(area)


def _paint_bars(painter: QPainter, area: QRectF, numbers: Array, role: str) -> None:
    """Paint numbers side by side as bars, up from the middle above zero and down below."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.current().colour(role))
    wide = area.width() / len(numbers)
    heights = numbers / (float(np.abs(numbers).max()) or 1.0) * (area.height() / 2 - 1)
    between = 1.0 if wide > 4 else 0.0
    for place, high in enumerate(heights.tolist()):
        left = area.left() + place * wide + between
        top = area.center().y() - max(high, 0.0)
        painter.drawRect(QRectF(left, top, wide - 2 * between, abs(high)))


def _image(numbers: Array, role: str) -> QImage:
    """Return numbers as cells of one colour, opaque at the largest absolute value."""
    table = np.atleast_2d(numbers)
    if table.shape[0] > table.shape[1]:
        table = table.T
    size_ = np.abs(table)
    strong = size_ / (float(size_.max()) or 1.0)
    colour = theme.current().colour(role).rgb() & 0xFFFFFF
    pixels = (np.rint(strong * 235).astype(np.uint32) << 24) | np.uint32(colour)
    pixels = np.ascontiguousarray(pixels)
    rows, columns = pixels.shape
    image = QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_ARGB32)
    return image.copy()  # the image must own its pixels


def _paint_check(painter: QPainter, node: Node, row: QRectF, check: GradientCheck) -> None:
    """Write the finite difference, and whether it agrees."""
    role, mark = ("update", "✓") if check.agrees else ("fault", "✗")
    if check.kink.any():
        role, mark = "warning", "∧"
    words = number(float(check.difference)) if not node.shape else f"all {node.count}"
    if not check.agrees and node.shape:
        words = f"{int((check.error > 1e-5).sum())} of {node.count}"
    metrics = QFontMetricsF(theme.font(11))
    long = metrics.horizontalAdvance(f"{mark} {words}")
    left = row.center().x() - long / 2
    write(painter, QRectF(left, row.top(), 20, row.height()), mark, role, 11)
    rest = QRectF(left + metrics.horizontalAdvance(f"{mark} "), row.top(), long + 8, row.height())
    write(painter, rest, words, pixels=11)
