"""The computation graph of an expression: its boxes and edges, numbers to drag, and the legend."""

from collections.abc import Mapping
from itertools import pairwise

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.expressions.explanations import formula, value_in_words
from core.expressions.graph import Graph, Kind, Node
from core.expressions.layout import arrange
from core.expressions.stepper import NodeState
from core.numbers import number
from gui import theme
from gui.charts.explained import Explained
from gui.lessons.expression_lab.boxes import box_size, is_leaf, number_at, paint_box

PIXEL, FINE = 0.01, 0.1
"""A number changes by this, times its size, per pixel; with Shift by a tenth of that."""
KINDS = {
    Kind.LEARNED: "learned by gradient descent; drag its numbers",
    Kind.CONSTANT: "constant: not learned; drag its numbers",
    Kind.LITERAL: "literal: a number without a name, not learned",
    Kind.NOISE: "noise: resampled at every step, receives no gradient",
    Kind.RESULT: "computed",
}
EMPTY = "The computation graph appears here once the expression has no mistakes."
HELP = (
    "Every box is a node: its value in blue, the gradient of the loss with respect to it in"
    " orange. Drag the numbers of a leaf to the left or right, or use the arrow keys."
)
APART, TIGHT = 40.0, 18.0  # pixels between two columns: preferred, and where room is short
PITCH = 90.0  # pixels from row to row
MARGIN = 10.0
SMALLEST = 0.7
"""A graph is scaled down to fit, at most to this; a wider one is scrolled."""


class ExpressionGraph(Explained):
    """Paints the nodes; the numbers of leaves can be dragged."""

    nodePicked = Signal(int)
    """A node was clicked, or reached with the arrow keys."""
    numberMoved = Signal(int, int, float)
    """A number of a leaf was changed: the leaf, which of its numbers, and by how much."""
    laidOut = Signal(int)
    """The graph was laid out: its height in pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("expressionGraph")
        self.setAccessibleName("Graph of the expression")
        self.setAccessibleDescription(HELP)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._graph: Graph | None = None
        self._places: GraphPlaces | None = None
        self._edges: Mapping[tuple[int, int], QPainterPath] = {}
        self._states: Mapping[int, NodeState] = {}
        self._on_edges: Mapping[int, str] = {}
        self._picked = (-1, 0)
        self._dragged: tuple[int, int] | None = None
        self._from = 0.0

    def show_graph(self, graph: Graph | None) -> None:
        """Show another graph, without values yet."""
        self._graph = graph
        self._places = GraphPlaces(graph) if graph else None
        self._states, self._on_edges, self._picked, self._dragged = {}, {}, (-1, 0), None
        self._lay_out()

    def show_states(self, states: Mapping[int, NodeState], on_edges: Mapping[int, str]) -> None:
        """Show values and gradients, and the gradients on the edges of the current node."""
        self._states, self._on_edges = states, on_edges
        self.update()

    def box(self, index: int) -> QRectF:
        """Return where a node is, on the screen."""
        assert self._places is not None
        box, scale = self._places.boxes[index], self._places.scale
        return QRectF(box.topLeft() * scale, box.size() * scale)

    def _lay_out(self) -> None:
        narrowest = self._places.narrowest if self._places else 0.0
        self.setMinimumWidth(int(narrowest))
        if self._places is not None:
            around = self.parentWidget()
            self._places.fit(max(narrowest, around.width() if around else self.width()))
            self._edges = self._places.edges()
        self.setFixedHeight(self.sizeHint().height())
        self.laidOut.emit(self.height())
        self.update()

    def sizeHint(self) -> QSize:
        """Be as high as all rows."""
        if self._places is None:
            return QSize(600, 160)
        return QSize(600, int(self._places.high * self._places.scale) + 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit into another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._lay_out()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the edges, the boxes, and the gradients on the current edges."""
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._graph is None or self._places is None:
            painter.setPen(now.colour("muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, EMPTY)
            return
        painter.setOpacity(1.0 if self.isEnabled() else 0.4)
        painter.scale(self._places.scale, self._places.scale)
        for edge, path in self._edges.items():
            self._paint_edge(painter, path, self._role_of(edge))
        for node in self._graph.nodes:
            box = self._places.boxes[node.index]
            paint_box(painter, self._graph, node, box, self._states.get(node.index, NodeState()))
            if self.hasFocus() and node.index == self._picked[0]:
                painter.setPen(QPen(now.colour("activation"), 1, Qt.PenStyle.DotLine))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(box.adjusted(-4, -4, 4, 4), 11, 11)
        for edge, path in self._edges.items():
            if self._role_of(edge) == "gradient" and self._on_edges[edge[0]]:
                self._paint_edge_gradient(painter, path, self._on_edges[edge[0]])

    def _role_of(self, edge: tuple[int, int]) -> str:
        """Return the colour of an edge into the current node, "" for others."""
        role = self._states.get(edge[1], NodeState()).current
        return "" if role == "gradient" and edge[0] not in self._on_edges else role

    def _paint_edge(self, painter: QPainter, path: QPainterPath, role: str) -> None:
        now = theme.current()
        colour = now.colour(role or "faint", 255 if role else 150)
        painter.setPen(QPen(colour, 2.4 if role else 1.3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
        backward = role == "gradient"
        tip = path.elementAt(0 if backward else path.elementCount() - 1)
        point, way = QPointF(tip.x, tip.y), 6.0 if backward else -6.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([point, point + QPointF(way, -4), point + QPointF(way, 4)]))

    def _paint_edge_gradient(self, painter: QPainter, path: QPainterPath, words: str) -> None:
        """Write a gradient in the middle of its edge."""
        now = theme.current()
        painter.setFont(theme.font(12))
        long = painter.fontMetrics().horizontalAdvance(words) + 10
        middle = path.pointAtPercent(0.5)
        chip = QRectF(middle.x() - long / 2, middle.y() - 9, long, 18)
        painter.setPen(QPen(now.colour("gradient"), 1))
        painter.setBrush(now.colour("surface"))
        painter.drawRoundedRect(chip, 9, 9)
        painter.setPen(now.colour("gradient"))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, words)

    def _at(self, point: QPointF) -> tuple[Node | None, int]:
        """Return the node at a point of the screen, and which of its numbers, or -1."""
        if self._graph is None or self._places is None:
            return None, -1
        inside = point / self._places.scale
        for node in self._graph.nodes:
            box = self._places.boxes[node.index]
            if box.contains(inside):
                return node, number_at(node, box, inside) if is_leaf(node) else -1
        return None, -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick a node; begin to drag a number."""
        node, which = self._at(event.position())
        if node is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._pick(node.index, max(0, which))
        if which >= 0:
            self._dragged, self._from = (node.index, which), event.position().x()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Change the number that is dragged; show which ones can be."""
        if self._dragged is None:
            _, which = self._at(event.position())
            kind = Qt.CursorShape.SizeHorCursor if which >= 0 else Qt.CursorShape.ArrowCursor
            self.setCursor(kind)
            return
        way = event.position().x() - self._from
        self._from = event.position().x()
        self._move(*self._dragged, way, event.modifiers())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End dragging."""
        self._dragged = None

    def _move(self, leaf: int, which: int, way: float, keys: Qt.KeyboardModifier) -> None:
        value = self._states.get(leaf, NodeState()).value
        if value is None or not way:
            return
        large = max(1.0, abs(float(value.reshape(-1)[which])))
        fine = FINE if keys & Qt.KeyboardModifier.ShiftModifier else 1.0
        self.numberMoved.emit(leaf, which, way * PIXEL * fine * large)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right go from number to number, up and down change it."""
        ways = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}
        moves = {Qt.Key.Key_Up: 5.0, Qt.Key.Key_Down: -5.0}
        key = Qt.Key(event.key())
        if self._graph is None or key not in {*ways, *moves}:
            super().keyPressEvent(event)
            return
        if key in ways:
            stops = self._stops(self._graph)
            at = stops.index(self._picked) if self._picked in stops else -ways[key]
            self._pick(*stops[max(0, min(len(stops) - 1, at + ways[key]))])
        elif self._picked[0] >= 0 and is_leaf(self._graph.nodes[self._picked[0]]):
            self._move(*self._picked, moves[key], event.modifiers())

    @staticmethod
    def _stops(graph: Graph) -> list[tuple[int, int]]:
        """Return where the arrow keys stop: every node, and every number of a small leaf."""
        many = {n.index: n.count if is_leaf(n) and n.count <= 16 else 1 for n in graph.nodes}
        return [(index, which) for index, count in many.items() for which in range(count)]

    def _pick(self, index: int, which: int) -> None:
        self._picked = (index, which)
        self.setAccessibleDescription(self.describe(index))
        self.update()
        self.nodePicked.emit(index)

    def describe(self, index: int) -> str:
        """Return a node's formula, kind, value and gradient."""
        assert self._graph is not None
        node, state = self._graph.nodes[index], self._states.get(index, NodeState())
        name = f"{node.name} = " if node.name and node.inputs else ""
        lines = [f"{name}{formula(self._graph, node)}, {KINDS[node.kind]}"]
        if state.value is not None:
            lines.append(f"value: {value_in_words(state.value)}")
        if state.gradient is not None:
            lines.append(f"gradient: {value_in_words(state.gradient)}")
        if state.check is not None and not node.shape:
            lines.append(f"finite difference: {number(float(state.check.difference), 6)}")
        if state.check is not None and state.check.kink.any():
            lines.append("not differentiable here: the slopes of both sides differ")
        return "\n".join(lines)

    def explain(self, point: QPoint) -> str:
        """Describe the node at a place."""
        node, _ = self._at(QPointF(point))
        return self.describe(node.index) if node else HELP


class GraphPlaces:
    """The boxes and edges of a graph, in pixels before scaling."""

    def __init__(self, graph: Graph) -> None:
        self._graph, self._layout = graph, arrange(graph)
        sizes = {node.index: box_size(graph, node) for node in graph.nodes}
        self._wide = [0.0] * self._layout.columns
        for index, (column, _) in self._layout.places.items():
            self._wide[int(column)] = max(self._wide[int(column)], sizes[index][0])
        self._sizes = sizes
        self.high = PITCH * (self._layout.rows - 1) + max(high for _, high in sizes.values())
        self.high += 2 * MARGIN
        self.scale = 1.0
        self.boxes: Mapping[int, QRectF] = {}
        self.fit(900)

    @property
    def narrowest(self) -> float:
        """The least width, in pixels on the screen."""
        return self._all(TIGHT) * SMALLEST

    def _all(self, gap: float) -> float:
        return sum(self._wide) + gap * (len(self._wide) - 1) + 2 * MARGIN

    def fit(self, room: float) -> None:
        """Fit into a width: columns move together first, then everything is scaled down."""
        gaps = max(1, len(self._wide) - 1)
        spare = (room - self._all(0)) / gaps
        self._gap = min(1.5 * APART, max(TIGHT, spare))
        self.scale = min(1.0, max(SMALLEST, room / self._all(self._gap)))
        lefts, x = [], MARGIN + max(0.0, (room / self.scale - self._all(self._gap)) / 2)
        for wide in self._wide:
            lefts.append(x)
            x += wide + self._gap
        self._lefts = lefts
        self.boxes = {
            index: self._box(index, column, row)
            for index, (column, row) in self._layout.places.items()
        }

    def _box(self, index: int, column: float, row: float) -> QRectF:
        wide, high = self._sizes[index]
        left = self._lefts[int(column)] + (self._wide[int(column)] - wide) / 2
        return QRectF(left, self._middle(row) - high / 2, wide, high)

    def _middle(self, row: float) -> float:
        rest = self.high - 2 * MARGIN - PITCH * (self._layout.rows - 1)
        return MARGIN + rest / 2 + PITCH * row

    def edges(self) -> Mapping[tuple[int, int], QPainterPath]:
        """Return the path of each edge, from the right of one box to the left of the next."""
        made = {}
        for node in self._graph.nodes:
            sources = sorted(set(node.inputs), key=lambda i: self._last(i, node.index))
            box = self.boxes[node.index]
            for place, source in enumerate(sources, 1):
                y = box.top() + box.height() * place / (len(sources) + 1)
                made[source, node.index] = self._edge(source, node.index, QPointF(box.left(), y))
        return made

    def _last(self, source: int, target: int) -> float:
        """Return the row from which an edge comes in."""
        route = self._layout.routes[source, target]
        return route[-1][1] if route else self._layout.places[source][1]

    def _edge(self, source: int, target: int, end: QPointF) -> QPainterPath:
        box = self.boxes[source]
        points = [QPointF(box.right(), box.center().y())]
        for column, row in self._layout.routes[source, target]:
            left, y = self._lefts[int(column)], self._middle(row)
            points += [QPointF(left, y), QPointF(left + self._wide[int(column)], y)]
        path = QPainterPath(points[0])
        for one, other in pairwise([*points, end]):
            if one.y() == other.y():
                path.lineTo(other)
                continue
            half = (other.x() - one.x()) / 2
            path.cubicTo(one + QPointF(half, 0), other - QPointF(half, 0), other)
        return path


class ExpressionLegend(QWidget):
    """A line with the meaning of colours and frames."""

    NUMBERS = (("activation", "value"), ("gradient", "gradient"))
    CHECK = "finite-difference check passed"
    FRAMES = (
        ("surface", "update", Qt.PenStyle.SolidLine, "learned"),
        ("sunken", "border", Qt.PenStyle.SolidLine, "constant"),
        ("surface", "muted", Qt.PenStyle.DashLine, "resampled"),
        ("surface", "text", Qt.PenStyle.SolidLine, "loss"),
    )
    HIGH, SIGN = 20, 14  # pixels

    def __init__(self) -> None:
        super().__init__()
        names = (
            [name for _, name in self.NUMBERS] + [self.CHECK] + [frame[-1] for frame in self.FRAMES]
        )
        self.setAccessibleName(f"Legend: {', '.join(names)}")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Be one line high."""
        return QSize(400, self.HIGH)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint signs and names from the left."""
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(11))
        x = 2.0
        for role, name in self.NUMBERS:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(now.colour(role))
            painter.drawEllipse(QPointF(x + 5, self.HIGH / 2), 4, 4)
            x = self._write(painter, x + self.SIGN, name)
        painter.setPen(now.colour("update"))
        painter.drawText(QRectF(x, 0, self.SIGN, self.HIGH), Qt.AlignmentFlag.AlignVCenter, "✓")
        x = self._write(painter, x + self.SIGN, self.CHECK)
        for ground, frame, stroke, name in self.FRAMES:
            painter.setPen(QPen(now.colour(frame), 1.4, stroke))
            painter.setBrush(now.colour(ground))
            painter.drawRoundedRect(QRectF(x + 0.5, self.HIGH / 2 - 5.5, 16, 11), 3, 3)
            x = self._write(painter, x + self.SIGN + 8, name)

    def _write(self, painter: QPainter, x: float, name: str) -> float:
        """Write a name; return where the next entry begins."""
        painter.setPen(theme.current().colour("muted"))
        long = painter.fontMetrics().horizontalAdvance(name)
        painter.drawText(QRectF(x, 0, long + 4, self.HIGH), Qt.AlignmentFlag.AlignVCenter, name)
        return x + long + 18
