"""A scatter plot whose points are of kinds, say what they are, and may be chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy

from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps
from gui.charts.cells import Cells
from gui.charts.markers import paint_marker
from gui.charts.still_frame import StillFrame

LEAST = 240  # pixels of height
MARGIN = 14  # pixels around the points
FOOT = 22  # pixels of the legend
REACH = 12  # pixels from which a point is pointed at
SIDE = 84  # pixels of the picture of the point that is pointed at
HELP = (
    "<p>Hover over a point to see what it is. Left and right go from point to point, Enter chooses"
    " one.</p>"
)


@dataclass(frozen=True)
class Marks:
    """What stands at points.

    Attributes:
        kinds: (N,), the kind of each.
        names: of the kinds, for the legend; () where the signs say them.
        roles: the kinds' colours as roles of the theme; () for colours spread over the hues.
        signs: what is written at each point; () for a marker of its kind. More than one character
            is written beside a marker, where there is room.
        wrong: (N,), which are marked as wrong.
        tell: says what a point is.
        picture: (S, S), ink from 0 to 255, of a point; None where they have none.
    """

    kinds: Array
    names: Sequence[str] = ()
    roles: Sequence[str] = ()
    signs: Sequence[str] = ()
    wrong: Array = field(default_factory=lambda: np.zeros(0, bool))
    tell: Callable[[int], str] = str
    picture: Callable[[int], Array] | None = None

    @property
    def are_signs(self) -> bool:
        """Whether each point is a single character, in place of a marker."""
        return bool(self.signs) and max(map(len, self.signs)) == 1


class Scatter(Cells):
    """Points (N, 2), in a frame that stands still while they move a little."""

    pointed = Signal(int)
    """Another point is pointed at, by mouse or key; -1 for none."""

    def __init__(self, name: str, accessible: str) -> None:
        super().__init__(name, accessible, HELP)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._points: Array = np.zeros((0, 2))
        self._marks = Marks(np.zeros(0, int))
        self._frame, self._fits = StillFrame(), True
        self._spots: Array | None = None
        self._painted: QPixmap | None = None
        self._hint = ""

    def show_points(self, points: Array, marks: Marks) -> None:
        """Show points (N, 2); the frame stays where it was, if they fit."""
        if len(points) != len(self._points):
            self.current, self._hovered, self._fits = -1, -1, False
        if not self._fits:
            self._frame, self._fits = StillFrame(), True
        self._points, self._marks, self._hint = np.asarray(points, float), marks, ""
        self._frame.follow(self._points)
        self._changed()

    def show_hint(self, words: str) -> None:
        """Show a sentence in place of points."""
        self._points, self._hint = np.zeros((0, 2)), words
        self.current, self._hovered = -1, -1
        self._changed()

    def new_frame(self) -> None:
        """Fit the next points anew: they are in another plane."""
        self._fits = False

    def csv_rows(self) -> list[list[object]]:
        """Return the points as rows, and what each says."""
        points = enumerate(self._points.tolist())
        rows: list[list[object]] = [[x, y, self.describe(index)] for index, (x, y) in points]
        return [["x", "y", "what"], *rows] if rows else []

    def _changed(self) -> None:
        self._spots = self._painted = None
        there = 0 <= self.current < self.count()
        self.setAccessibleDescription(self.describe(self.current) if there else self._hint)
        self.update()

    def count(self) -> int:
        """How many points there are."""
        return len(self._points)

    def across(self) -> int:
        """One: the keys go from point to point."""
        return 1

    def describe(self, index: int) -> str:
        """What a point says."""
        return self._marks.tell(index)

    def explain(self, point: QPointF) -> str:  # type: ignore[override]
        """Nothing over a point: what it says stands beside the plot already."""
        return ""

    def rect_of(self, index: int) -> QRectF:
        """Where a point is drawn."""
        x, y = self._placed()[index]
        return QRectF(x - 8, y - 8, 16, 16)

    def index_at(self, point: QPointF) -> int:
        """Return the nearest point, if it is near; else -1."""
        if not self.count():
            return -1
        gaps = self._placed() - (point.x(), point.y())
        distance = np.hypot(gaps[:, 0], gaps[:, 1])
        closest = int(distance.argmin())
        return closest if distance[closest] <= REACH else -1

    def pointed_at(self) -> int:
        """Return the point that the mouse or, without it, the keys point at; -1 for none."""
        if self._hovered >= 0:
            return self._hovered
        return self.current if self._by_key and self.hasFocus() else -1

    def _placed(self) -> Array:
        """Return where the points are, in pixels (N, 2)."""
        if self._spots is None:
            size = (float(self.width()), float(max(1, self.height() - self._foot())))
            self._spots = self._frame.place(self._points, size, MARGIN)
        return self._spots

    def _foot(self) -> int:
        return FOOT if self._legend() else 0

    def sizeHint(self) -> QSize:
        """Ask for little: a layout gives what is left."""
        return QSize(320, LEAST)

    def fit(self) -> None:
        """Be high enough; a layout with more room gives more."""
        self.setMinimumHeight(LEAST)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the points anew."""
        self._spots = self._painted = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Take over the colours of a new theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._painted = None
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the points as they were painted last, and what is pointed at."""
        self.paint(QPainter(self))

    def paint(self, painter: QPainter) -> None:
        """Paint the ground with its points; over it the one that is pointed at."""
        if self._painted is None:
            ratio = self.devicePixelRatioF()
            self._painted = QPixmap(self.size() * ratio)
            self._painted.setDevicePixelRatio(ratio)
            self._painted.fill(Qt.GlobalColor.transparent)
            inner = QPainter(self._painted)
            inner.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_all(inner)
            inner.end()
        painter.drawPixmap(0, 0, self._painted)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        at = self.pointed_at()
        if 0 <= at < self.count():
            self._paint_pointed(painter, at)

    def _paint_all(self, painter: QPainter) -> None:
        now = theme.current()
        painter.setPen(QPen(now.colour("border"), 1))
        painter.setBrush(now.colour("window"))
        ground = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5 - self._foot())
        painter.drawRoundedRect(ground, theme.RADIUS, theme.RADIUS)
        if not self.count():
            painter.setFont(theme.font(13))
            theme.paint_hint(painter, ground.adjusted(24, 0, -24, 0), self._hint)
            return
        colours = self._colours()
        signs = self._marks.signs
        if self._marks.are_signs:
            self._paint_signs(painter, colours)
        else:
            self._paint_markers(painter, colours)
            if signs:
                self._paint_words(painter, ground)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(now.colour("fault"), 1.6))
        for index in np.flatnonzero(self._marks.wrong):
            painter.drawEllipse(self.rect_of(int(index)))
        self._paint_legend(painter, colours)

    def _colours(self) -> list[QColor]:
        roles, now = self._marks.roles, theme.current()
        if roles:
            return [now.colour(role) for role in roles]
        return colormaps.categories(int(self._marks.kinds.max()) + 1)

    def _paint_signs(self, painter: QPainter, colours: list[QColor]) -> None:
        painter.setFont(theme.font(12, QFont.Weight.DemiBold))
        for index, sign in enumerate(self._marks.signs):
            painter.setPen(colours[int(self._marks.kinds[index])])
            painter.drawText(self.rect_of(index), Qt.AlignmentFlag.AlignCenter, sign)

    def _paint_markers(self, painter: QPainter, colours: list[QColor]) -> None:
        painter.setPen(QPen(theme.current().colour("surface"), 0.6))
        for (x, y), kind in zip(self._placed().tolist(), self._marks.kinds.tolist(), strict=True):
            painter.setBrush(colours[kind])
            paint_marker(painter, kind, QPointF(x, y), 3.6)

    def _paint_words(self, painter: QPainter, ground: QRectF) -> None:
        """Write words beside their markers, the first points' first, as far as none is covered."""
        painter.setFont(theme.font(11))
        painter.setPen(theme.current().colour("text"))
        metrics = QFontMetricsF(painter.font())
        spots = self._placed()
        taken = np.zeros((0, 4))
        for (x, y), sign in zip(spots.tolist(), self._marks.signs, strict=True):
            place = QRectF(x + 5, y - 7, metrics.horizontalAdvance(sign) + 2, 14)
            left, top, right, bottom = place.left(), place.top(), place.right(), place.bottom()
            if not ground.contains(place):
                continue
            covers = (taken[:, 0] < right) & (taken[:, 2] > left)
            covers &= (taken[:, 1] < bottom) & (taken[:, 3] > top)
            if not covers.any():
                taken = np.append(taken, [[left, top, right, bottom]], axis=0)
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, sign)

    def _legend(self) -> list[tuple[str, int]]:
        """Return what is explained below the points, and of which kind it is; -1 for wrong ones."""
        there = {int(kind) for kind in self._marks.kinds} if self.count() else set[int]()
        found = [(name, kind) for kind, name in enumerate(self._marks.names) if kind in there]
        if self.count() and self._marks.wrong.any():
            found.append((f"{int(self._marks.wrong.sum())} misclassified", -1))
        return found

    def _paint_legend(self, painter: QPainter, colours: list[QColor]) -> None:
        now = theme.current()
        painter.setFont(theme.font(12))
        x, y = 8.0, self.height() - FOOT / 2 + 2
        for words, kind in self._legend():
            if kind < 0:
                painter.setPen(QPen(now.colour("fault"), 1.6))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(QPointF(x, y), 5, 5)
            elif self._marks.are_signs:
                sign = self._marks.signs[int((self._marks.kinds == kind).argmax())]
                painter.setPen(colours[kind])
                square = QRectF(x - 8, y - 9, 16, 18)
                painter.drawText(square, Qt.AlignmentFlag.AlignCenter, sign)
            else:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colours[kind])
                paint_marker(painter, kind, QPointF(x, y), 4)
            painter.setPen(now.colour("text"))
            wide = painter.fontMetrics().horizontalAdvance(words)
            place = QRectF(x + 10, y - 9, wide + 2, 18)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, words)
            x += wide + 32

    def _paint_pointed(self, painter: QPainter, index: int) -> None:
        now, place = theme.current(), self.rect_of(index)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(now.colour("text"), 2))
        painter.drawEllipse(place.adjusted(-2, -2, 2, 2))
        if self._marks.picture is None:
            return
        image = colormaps.picture(self._marks.picture(index), colormaps.grey, 0.0, 255.0)
        left = place.center().x() < self.width() / 2
        corner = QRectF(self.width() - SIDE - 9 if left else 9, 9, SIDE, SIDE)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(corner, image)
        painter.setPen(QPen(now.colour("border"), 1))
        painter.drawRect(corner)

    def _hover(self, index: int) -> None:
        if index != self._hovered:
            super()._hover(index)
            self.pointed.emit(self.pointed_at())

    def _go(self, right: int, down: int) -> None:
        super()._go(right, down)
        self.pointed.emit(self.pointed_at())
