"""The letter embedding as a scatter plot, as in makemore part 2."""

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy

from core.playgrounds.names.reports import END
from core.telemetry.events import Array
from gui import theme
from gui.charts.cells import Cells
from gui.charts.still_frame import StillFrame
from gui.names.letter_symbols import called, draw_signs, is_vowel

LEAST, LIKED = 240, 440
NEAR = 3  # letters named as the nearest
TURNS = 24  # of pushing apart
PUSH = 0.35  # of an overlap, from each side
FAR = 1.4  # sizes: as far as a letter may be pushed from its point
HELP = (
    "<p>The network gives each letter a point and learns where to put it. Letters that it treats"
    " alike come to lie together: in most languages the vowels find one another, though nobody told"
    " it what a vowel is. Only the places relative to one another mean something. The square is the"
    " mark before and after a name. The tab “PCA, t-SNE” shows it by t-SNE, too.</p>"
)


class EmbeddingMap(Cells):
    """Letters at their points: vowels on discs, others in rings.

    Left and right go through the alphabet. Where letters would lie on one another they are moved
    a little; a line leads to the point then. An update places and
    paints all anew: 5 to 8 ms for 27 letters, 15 to 20 for 120.
    """

    pointed = Signal(int)
    """Another letter is pointed at, by mouse or key; -1 for none."""

    def __init__(self) -> None:
        super().__init__("embeddingMap", "Letter embedding", HELP)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._letters = ""
        self._points: Array = np.zeros((0, 2))
        self._frame = StillFrame()
        self._placed: tuple[Array, Array] | None = None
        self._hint = ""

    def show_points(self, letters: str, points: Array) -> None:
        """Show letters at points (n, 2); the frame stays where it was, if they fit."""
        if not len(points) or not np.isfinite(points).all():
            self.show_hint("The embedding is NaN: the training has diverged.")
            return
        if letters != self._letters:
            self.current, self._hovered, self._frame = -1, -1, StillFrame()
        self._letters, self._points, self._hint = letters, np.asarray(points, float), ""
        self._frame.follow(self._points)
        self._changed()

    def show_hint(self, words: str) -> None:
        """Show a sentence in place of letters."""
        self._letters, self._points, self._hint = "", np.zeros((0, 2)), words
        self.current, self._hovered = -1, -1
        self._changed()

    def _changed(self) -> None:
        self._placed = None
        there = 0 <= self.current < self.count()
        self.setAccessibleDescription(self.describe(self.current) if there else self._hint)
        self.update()

    def count(self) -> int:
        """How many letters there are."""
        return len(self._letters)

    def across(self) -> int:
        """One: the keys go from letter to letter, as in the alphabet."""
        return 1

    def describe(self, index: int) -> str:
        """What a letter says: which are nearest."""
        name = called(self._letters[index])
        others, far = nearest(self._points, index, NEAR)
        if not len(others):
            return name
        names = ", ".join(called(self._letters[i]) for i in others)
        first, last = f"{far[0]:.2g}", f"{far[-1]:.2g}"
        distance = first if first == last else f"{first} to {last}"
        return f"{name}: nearest are {names} (distance {distance})"

    def rect_of(self, index: int) -> QRectF:
        """Where a letter is drawn."""
        radius = self.radius()
        x, y = self._spots()[1][index]
        return QRectF(x - radius, y - radius, 2 * radius, 2 * radius)

    def index_at(self, point: QPointF) -> int:
        """Return the letter drawn at a point, or -1."""
        if not self.count():
            return -1
        gaps = self._spots()[1] - (point.x(), point.y())
        distance = np.hypot(gaps[:, 0], gaps[:, 1])
        closest = int(distance.argmin())
        return closest if distance[closest] <= self.radius() + 2 else -1

    def radius(self) -> float:
        """Of a disc, in pixels: smaller where there are many letters in little room."""
        side = min(self.width(), self.height())
        return min(14.0, max(7.5, 0.19 * side / math.sqrt(max(1, self.count()))))

    def pointed_at(self) -> int:
        """Return the letter that the mouse or, without it, the keys point at; -1 for none."""
        if self._hovered >= 0:
            return self._hovered
        return self.current if self._by_key and self.hasFocus() else -1

    def _spots(self) -> tuple[Array, Array]:
        """Return where the points are in pixels, and where their letters are drawn."""
        if self._placed is None:
            size = (float(self.width()), float(self.height()))
            spots = self._frame.place(self._points, size, self.radius() + 4)
            self._placed = spots, apart(spots, 2 * self.radius() + 1)
        return self._placed

    def sizeHint(self) -> QSize:
        """Ask for letters that have room."""
        return QSize(LIKED, LIKED)

    def fit(self) -> None:
        """Be nearly as high as wide; a layout with more room gives more."""
        self.setMinimumHeight(int(np.clip(0.7 * self.width(), LEAST, 560)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the letters anew."""
        self._placed = None
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the letters; those of a map are marked by rings, not by frames."""
        self.paint(QPainter(self))

    def paint(self, painter: QPainter) -> None:
        """Paint the ground, then the letters; the one pointed at last, tied to the nearest."""
        now = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(now.colour("border"), 1))
        painter.setBrush(now.colour("window"))
        ground = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(ground, theme.RADIUS, theme.RADIUS)
        if not self.count():
            painter.setFont(theme.font(13))
            theme.paint_hint(painter, ground.adjusted(24, 0, -24, 0), self._hint)
            return
        spots, drawn = self._spots()
        painter.setPen(QPen(now.colour("faint", 150), 1))
        for spot, there in zip(spots, drawn, strict=True):
            if np.hypot(*(there - spot)) > self.radius():
                painter.drawLine(QPointF(*spot), QPointF(*there))
        at = self.pointed_at()
        near = [int(i) for i in nearest(self._points, at, NEAR)[0]] if at >= 0 else []
        painter.setPen(QPen(now.colour("activation"), 1.5))
        for index in near:
            painter.drawLine(QPointF(*drawn[at]), QPointF(*drawn[index]))
        painter.setFont(theme.font(round(1.1 * self.radius()), QFont.Weight.Medium))
        lit = {at, *near}
        for index in sorted(range(self.count()), key=lambda i: i in lit):
            painter.setOpacity(1.0 if at < 0 or index in lit else 0.4)
            self._letter(painter, index)
        if at >= 0:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(now.colour("text" if at == self._hovered else "activation"), 2))
            painter.drawEllipse(self.rect_of(at).adjusted(-2, -2, 2, 2))

    def _letter(self, painter: QPainter, index: int) -> None:
        now, letter = theme.current(), self._letters[index]
        place = self.rect_of(index).adjusted(1, 1, -1, -1)
        vowel = is_vowel(letter)
        blue = now.colour("activation")
        painter.setPen(QPen(blue if letter != END else now.colour("faint"), 1.3))
        painter.setBrush(blue if vowel else now.colour("surface"))
        painter.drawEllipse(place)
        painter.setPen(now.colour("surface" if vowel else "muted" if letter == END else "text"))
        draw_signs(painter, place, letter)

    def _hover(self, index: int) -> None:
        if index != self._hovered:
            super()._hover(index)
            self.pointed.emit(self.pointed_at())

    def _go(self, right: int, down: int) -> None:
        super()._go(right, down)
        self.pointed.emit(self.pointed_at())


def apart(spots: Array, size: float) -> Array:
    """Return spots (n, 2) pushed apart until they hardly overlap, none of them far.

    It begins at the true spots each time, so that the same points give the same picture. Costs
    TURNS comparisons of all with all: 2 ms for 120 letters.
    """
    count = len(spots)
    # What lies on one spot has no direction to go: give each its own.
    turn = 2.4 * np.arange(count)
    moved = spots + 0.01 * np.column_stack([np.cos(turn), np.sin(turn)])
    for _ in range(TURNS):
        x, y = moved.T
        squares = np.subtract.outer(x, x) ** 2 + np.subtract.outer(y, y) ** 2
        one, other = np.nonzero(np.triu(squares < size * size, 1))
        if not len(one):
            break
        gaps = moved[one] - moved[other]
        distance = np.maximum(1e-9, np.sqrt(squares[one, other]))
        push = PUSH * gaps * (size / distance - 1)[:, None]
        for axis in (0, 1):
            moved[:, axis] += np.bincount(one, push[:, axis], count)
            moved[:, axis] -= np.bincount(other, push[:, axis], count)
        drift = moved - spots
        length = np.maximum(1e-9, np.sqrt((drift**2).sum(1)))
        moved = spots + drift * np.minimum(1, FAR * size / length)[:, None]
    return moved


def nearest(points: Array, index: int, count: int) -> tuple[Array, Array]:
    """Return the points next to one, the nearest first, and how far they are."""
    gaps = points - points[index]
    distance = np.hypot(gaps[:, 0], gaps[:, 1])
    others = np.argsort(distance, kind="stable")
    others = others[others != index][:count]
    return others, distance[others]
