"""Where the boxes of an expression stand on the screen, and how its edges run."""

from collections.abc import Mapping
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

from core.expressions.graph import Graph
from core.expressions.layout import arrange
from gui.lessons.expression_lab.boxes import box_size

APART, TIGHT = 40.0, 18.0  # pixels between two columns: wanted, and where room is short
PITCH = 90.0  # pixels from row to row
MARGIN = 10.0
SMALLEST = 0.7
"""A graph is drawn smaller to fit, down to this; a wider one is scrolled."""


class Places:
    """The boxes of a graph, in pixels before scaling."""

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
        """How little room all of it needs, in pixels on the screen."""
        return self._all(TIGHT) * SMALLEST

    def _all(self, gap: float) -> float:
        return sum(self._wide) + gap * (len(self._wide) - 1) + 2 * MARGIN

    def fit(self, room: float) -> None:
        """Take what width there is: columns move together first, then all becomes smaller."""
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
        """Return how each edge runs, from the right of one box to the left of the next."""
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
