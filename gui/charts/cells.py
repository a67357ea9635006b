"""A painted widget of cells that can be pointed at: with the mouse, or with the arrow keys."""

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip

from gui import theme
from gui.charts.explained import Explained
from gui.rich_text import rich

KEYS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}

THIN = 10  # pixels: a unit's place that is narrower has no room for a cross
TABS = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)


class Cells(Explained):
    """Cells in rows; each can say what it is, and be chosen.

    A subclass says how many there are, where they are, what they say, and paints them. Its height
    follows from its width.
    """

    chosen = Signal(int)
    """A cell was clicked, or Enter pressed on it."""

    def __init__(self, name: str, accessible: str, help: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setToolTip(help)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.current = -1
        self._hovered = -1
        self._by_key = False
        self._silent: frozenset[int] = frozenset()
        self._altered: frozenset[int] = frozenset()
        self._selected = -1

    # What a subclass says.

    def count(self) -> int:
        """How many cells there are."""
        raise NotImplementedError

    def across(self) -> int:
        """How many of them stand in a row."""
        raise NotImplementedError

    def rect_of(self, index: int) -> QRectF:
        """Where a cell is."""
        raise NotImplementedError

    def describe(self, index: int) -> str:
        """What a cell says of itself."""
        raise NotImplementedError

    def paint(self, painter: QPainter) -> None:
        """Paint all cells."""
        raise NotImplementedError

    def index_at(self, point: QPointF) -> int:
        """Return the cell at a point, or -1."""
        hits = (i for i in range(self.count()) if self.rect_of(i).contains(point))
        return next(hits, -1)

    def unit_of(self, index: int) -> int:
        """Return which unit of a layer a cell is of, where it is of one."""
        return index

    def rect_of_unit(self, unit: int) -> QRectF:
        """Where what is of a unit is; empty if nothing is."""
        return self.rect_of(unit) if 0 <= unit < self.count() else QRectF()

    # What they have in common.

    def mark_units(self, muted: frozenset[int], changed: frozenset[int], selected: int) -> None:
        """Cross out the units that are muted, frame those changed otherwise, and the selected."""
        if (muted, changed, selected) != (self._silent, self._altered, self._selected):
            self._silent, self._altered, self._selected = muted, changed, selected
            self.update()

    def sizeHint(self) -> QSize:
        """Ask for a comfortable width; the height follows."""
        return QSize(320, self.heightForWidth(320))

    def minimumSizeHint(self) -> QSize:
        """Be content with little."""
        return QSize(120, 24)

    def fit(self) -> None:
        """Take the height that the width and the present cells need.

        Said as a minimum, since a scroll area hears of that at once, and of a changed height for
        width only when it is next resized.
        """
        self.setMinimumHeight(max(24, self.heightForWidth(self.width())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the new width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the cells, and mark the one that is pointed at."""
        painter = QPainter(self)
        self.paint(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        self._paint_marks(painter)
        now = theme.current()
        if 0 <= self._hovered < self.count():
            painter.setPen(QPen(now.colour("text", 150), 1.5))
            painter.drawRoundedRect(self.rect_of(self._hovered), 3, 3)
        if self._by_key and self.hasFocus() and 0 <= self.current < self.count():
            painter.setPen(QPen(now.colour("activation"), 2))
            painter.drawRoundedRect(self.rect_of(self.current), 3, 3)

    def _paint_marks(self, painter: QPainter) -> None:
        now = theme.current()
        for unit in self._silent:
            rect = self.rect_of_unit(unit)
            if rect.isEmpty():  # it is not shown
                continue
            painter.fillRect(rect, now.colour("surface", 165))
            painter.setPen(QPen(now.colour("warning"), 2))
            if min(rect.width(), rect.height()) < THIN:  # a line through it
                along = QPointF(rect.width() / 2, 0.0), QPointF(0.0, rect.height() / 2)
                half = along[rect.width() < rect.height()]
                painter.drawLine(rect.center() - half, rect.center() + half)
            else:
                painter.drawLine(rect.topLeft(), rect.bottomRight())
                painter.drawLine(rect.bottomLeft(), rect.topRight())
        frames = [(self.rect_of_unit(unit), "warning") for unit in self._altered]
        frames.append((self.rect_of_unit(self._selected), "text"))
        for rect, role in frames:
            if not rect.isEmpty():
                painter.setPen(QPen(now.colour(role), 2))
                painter.drawRect(rect)

    def explain(self, point: QPoint) -> str:
        """Describe the cell at a place; beside the cells the widget says what it is for."""
        index = self.index_at(QPointF(point))
        return self.describe(index) if index >= 0 else ""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark the cell under the mouse."""
        self._hover(self.index_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Mark none."""
        self._hover(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the cell under the mouse."""
        index = self.index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.current = index
            self.update()
            self.chosen.emit(index)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Begin at the first cell."""
        self.current = max(0, self.current)
        self._by_key = event.reason() in TABS
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from cell to cell, which tells what each is, and choose one."""
        key = Qt.Key(event.key())
        self._by_key = True
        if key in KEYS and self.count():
            self._go(*KEYS[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and (
            0 <= self.current < self.count()
        ):
            self.chosen.emit(self.current)
        else:
            super().keyPressEvent(event)

    def _go(self, right: int, down: int) -> None:
        self.current = max(0, self.current)
        there = self.current + right + down * self.across()
        if 0 <= there < self.count():
            self.current = there
        words = self.describe(self.current)
        self.setAccessibleDescription(words)
        below = self.rect_of(self.current).bottomLeft().toPoint()
        QToolTip.showText(self.mapToGlobal(below + QPoint(0, 4)), rich(words), self)
        self.update()

    def _hover(self, index: int) -> None:
        if index != self._hovered:
            self._hovered = index
            self.update()
