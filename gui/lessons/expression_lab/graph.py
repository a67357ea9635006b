"""The graph of an expression: boxes from left to right, one lit at a time, numbers to drag."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from core.expressions.graph import Graph, Kind, Node
from core.expressions.words import formula, told
from core.numbers import number
from gui import theme
from gui.lessons.expression_lab.boxes import Seen, is_leaf, number_at, paint_box
from gui.lessons.expression_lab.graph_layout import Places

PIXEL, FINE = 0.01, 0.1
"""A number moves by this, times its size, for a pixel; with Shift by a tenth of that."""
KINDS = {
    Kind.LEARNED: "learned: descent changes it; drag its numbers",
    Kind.GIVEN: "given: it stays; drag its numbers",
    Kind.FIXED: "a plain number: it stays",
    Kind.NOISE: "drawn anew at every step; the gradient passes it by",
    Kind.RESULT: "computed",
}
EMPTY = "The graph stands here as soon as the expression can be understood."
HELP = (
    "Every box is a node: its value in blue, the gradient of the last line by it in orange."
    " Drag the numbers of a leaf to the left or right, or use the arrow keys."
)


class ExpressionGraph(QWidget):
    """Paints the nodes; tells which number is dragged, and where to."""

    nodePicked = Signal(int)
    """A node was clicked, or reached with the arrow keys."""
    numberMoved = Signal(int, int, float)
    """A number of a leaf moves: the leaf, which of its numbers, and by how much."""
    laidOut = Signal(int)
    """The boxes have their places; how high all of them are, in pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("expressionGraph")
        self.setAccessibleName("Graph of the expression")
        self.setAccessibleDescription(HELP)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._graph: Graph | None = None
        self._places: Places | None = None
        self._edges: Mapping[tuple[int, int], QPainterPath] = {}
        self._seen: Mapping[int, Seen] = {}
        self._handed: Mapping[int, str] = {}
        self._picked = (-1, 0)
        self._dragged: tuple[int, int] | None = None
        self._from = 0.0

    def show_graph(self, graph: Graph | None) -> None:
        """Show another graph, of which nothing was seen yet."""
        self._graph = graph
        self._places = Places(graph) if graph else None
        self._seen, self._handed, self._picked, self._dragged = {}, {}, (-1, 0), None
        self._lay_out()

    def show_seen(self, seen: Mapping[int, Seen], handed: Mapping[int, str]) -> None:
        """Show what is known of the nodes, and what the lit one hands on to its inputs."""
        self._seen, self._handed = seen, handed
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
        """Be as high as the rows want."""
        if self._places is None:
            return QSize(600, 160)
        return QSize(600, int(self._places.high * self._places.scale) + 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit into another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._lay_out()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the edges, the boxes upon them, and what flows over the lit edges."""
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._graph is None or self._places is None:
            painter.setPen(now.colour("muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, EMPTY)
            return
        painter.setOpacity(1.0 if self.isEnabled() else 0.4)
        painter.scale(self._places.scale, self._places.scale)
        for edge, path in self._edges.items():
            self._paint_edge(painter, path, self._light(edge))
        for node in self._graph.nodes:
            box = self._places.boxes[node.index]
            paint_box(painter, self._graph, node, box, self._seen.get(node.index, Seen()))
            if self.hasFocus() and node.index == self._picked[0]:
                painter.setPen(QPen(now.colour("activation"), 1, Qt.PenStyle.DotLine))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(box.adjusted(-4, -4, 4, 4), 11, 11)
        for edge, path in self._edges.items():
            if self._light(edge) == "gradient" and self._handed[edge[0]]:
                self._paint_handed(painter, path, self._handed[edge[0]])

    def _light(self, edge: tuple[int, int]) -> str:
        """Return the colour of an edge into the lit node, "" for others."""
        seen = self._seen.get(edge[1])
        lit = seen.lit if seen else ""
        # The gradient runs only to what has one.
        passed_by = lit == "gradient" and edge[0] not in self._handed
        return "" if passed_by else lit

    def _paint_edge(self, painter: QPainter, path: QPainterPath, light: str) -> None:
        now = theme.current()
        colour = now.colour(light or "faint", 255 if light else 150)
        painter.setPen(QPen(colour, 2.4 if light else 1.3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
        backward = light == "gradient"
        tip = path.elementAt(0 if backward else path.elementCount() - 1)
        point, way = QPointF(tip.x, tip.y), 6.0 if backward else -6.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([point, point + QPointF(way, -4), point + QPointF(way, 4)]))

    def _paint_handed(self, painter: QPainter, path: QPainterPath, words: str) -> None:
        """Write what flows back over an edge, in its middle."""
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
        """Pick a node; take hold of a number."""
        node, which = self._at(event.position())
        if node is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._pick(node.index, max(0, which))
        if which >= 0:
            self._dragged, self._from = (node.index, which), event.position().x()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the number that is held; show what can be held."""
        if self._dragged is None:
            _, which = self._at(event.position())
            kind = Qt.CursorShape.SizeHorCursor if which >= 0 else Qt.CursorShape.ArrowCursor
            self.setCursor(kind)
            return
        way = event.position().x() - self._from
        self._from = event.position().x()
        self._move(*self._dragged, way, event.modifiers())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._dragged = None

    def _move(self, leaf: int, which: int, way: float, keys: Qt.KeyboardModifier) -> None:
        seen = self._seen.get(leaf, Seen())
        if seen.value is None or not way:
            return
        large = max(1.0, abs(float(seen.value.reshape(-1)[which])))
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
        """Say what a node is, its value and its gradient."""
        assert self._graph is not None
        node, seen = self._graph.nodes[index], self._seen.get(index, Seen())
        name = f"{node.name} = " if node.name and node.inputs else ""
        lines = [f"{name}{formula(self._graph, node)}, {KINDS[node.kind]}"]
        if seen.value is not None:
            lines.append(f"value: {told(seen.value)}")
        if seen.gradient is not None:
            lines.append(f"gradient: {told(seen.gradient)}")
        if seen.check is not None and not node.shape:
            lines.append(f"finite difference: {number(float(seen.check.difference), 6)}")
        if seen.check is not None and seen.check.corner.any():
            lines.append("it has a corner here: the slope is another one on either side")
        return "\n".join(lines)

    def event(self, event: QEvent) -> bool:
        """Tell about the node under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            node, _ = self._at(QPointF(event.pos()))
            words = self.describe(node.index) if node else HELP
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)
