"""A board of matrices: one of their cells is pointed at, with the mouse or the arrow keys."""

import math
from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.charts.cells import KEYS
from gui.lessons.boards.matrix import Grid, frame

ASIDE = 4.0  # a cell that lies aside counts as so much farther


class Board(QWidget):
    """Matrices laid out side by side. What was pointed at last stays: it is being read."""

    pointed = Signal()
    """Another cell is pointed at."""

    def __init__(self, name: str, accessible: str, help: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setToolTip(f"<p>{help}</p>")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.spot: tuple[str, int, int] = ("", 0, 0)
        """The cell that is pointed at: the name of its matrix, row and column."""

    # What a subclass says.

    def grids(self) -> Mapping[str, Grid]:
        """Return the matrices whose cells can be pointed at, by name."""
        raise NotImplementedError

    def describe(self) -> str:
        """Say what is pointed at."""
        raise NotImplementedError

    def paint(self, painter: QPainter) -> None:
        """Paint all."""
        raise NotImplementedError

    # What they have in common.

    def point_at(self, name: str, row: int, column: int) -> None:
        """Point at a cell."""
        if (name, row, column) != self.spot:
            self.spot = (name, row, column)
            self.setAccessibleDescription(self.describe())
            self.update()
            self.pointed.emit()

    def spot_at(self, point: QPointF) -> tuple[str, int, int] | None:
        """Return the cell at a point, if there is one."""
        for name, grid in self.grids().items():
            if (cell := grid.at(point)) is not None:
                return name, *cell
        return None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the board, and a ring where the keys go."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint(painter)
        name, row, column = self.spot
        if self.hasFocus() and name in (grids := self.grids()):
            frame(painter, grids[name].cell(row, column), "activation", 2)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Point at the cell under the mouse."""
        if spot := self.spot_at(event.position()):
            self.point_at(*spot)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Do the same where a finger has no way to hover."""
        self.mouseMoveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from cell to cell, and from matrix to matrix."""
        key = Qt.Key(event.key())
        if key not in KEYS:
            super().keyPressEvent(event)
        elif there := self._next(*KEYS[key]):
            self.point_at(*there)

    def _next(self, right: int, down: int) -> tuple[str, int, int] | None:
        """Return the nearest cell in a direction."""
        grids = self.grids()
        name, row, column = self.spot
        if name not in grids:
            return None
        grid = grids[name]
        if 0 <= row + down < grid.rows and 0 <= column + right < grid.columns:
            return name, row + down, column + right
        here = grid.cell(row, column).center()

        def far(spot: tuple[str, int, int]) -> float:
            way = grids[spot[0]].cell(*spot[1:]).center() - here
            ahead = way.x() * right + way.y() * down
            aside = abs(way.x() * down) + abs(way.y() * right)
            return ahead + ASIDE * aside if ahead > 1 else math.inf

        others = [
            (other, r, c)
            for other, cells in grids.items()
            if other != name
            for r in range(cells.rows)
            for c in range(cells.columns)
        ]
        nearest = min(others, key=far, default=None)
        return nearest if nearest is not None and far(nearest) < math.inf else None

    def event(self, event: QEvent) -> bool:
        """Tell what is under the mouse; beside the cells, what the board is for."""
        if isinstance(event, QHelpEvent) and self.spot_at(QPointF(event.pos())):
            QToolTip.showText(event.globalPos(), self.describe(), self)
            return True
        return super().event(event)


class ChoosingBoard(Board):
    """A board on which something is chosen: with a click, or with Enter where the keys point."""

    def choose(self) -> None:
        """Choose what is pointed at."""
        raise NotImplementedError

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose what is under the mouse."""
        super().mousePressEvent(event)
        if self.spot_at(event.position()):
            self.choose()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose with Enter what the arrow keys point at."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.choose()
        else:
            super().keyPressEvent(event)
