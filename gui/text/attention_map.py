"""The attention weights of one head: a row is a query, a column a key."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.numbers import percent
from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps as ramps

LABELS = 74  # pixels at the left and at the top for the tokens
READABLE = 12  # pixels that a cell must have for its token to be written beside it
FAINTEST = 0.07  # of the ramp: what could be looked at, and is not, still shows its place
LARGEST = 26  # pixels of a cell: a short text need not fill the card
EMPTY = "Generate or type a text to see its attention weights."


class AttentionMap(QWidget):
    """Paints weights (T, T); tells in words what is under the mouse."""

    told = Signal(str)
    """What is under the mouse, in a sentence; "" for nothing."""
    rowPicked = Signal(int)
    """A token that looks is pointed at."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("attentionMap")
        self.setAccessibleName("Attention weights: query x key")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(280, 280)
        self._tokens: list[str] = []
        self._weights: Array = np.empty((0, 0))
        self._row = -1
        self._picture: QImage | None = None

    def show_map(self, tokens: list[str], weights: Array) -> None:
        """Show how much each token looks at each: weights (T, T), each row with a sum of 1."""
        if tokens != self._tokens:
            self._row = len(tokens) - 1  # as the lines do, so that both show the same token
        self._tokens, self._weights, self._picture = tokens, weights, None
        self.update()

    def pick(self, row: int) -> None:
        """Mark the row of a token."""
        if row != self._row:
            self._row = row
            self.update()

    def sizeHint(self) -> QSize:
        """Be square."""
        return QSize(420, 420)

    def cell(self, row: int, column: int) -> QRectF:
        """Return where a cell is."""
        side = self._side()
        return QRectF(LABELS + column * side, LABELS + row * side, side, side)

    def _side(self) -> float:
        room = min(self.width(), self.height()) - LABELS - 2
        return min(float(LARGEST), room / max(1, len(self._tokens)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the cells as one picture, then the tokens and the mark."""
        painter, now = QPainter(self), theme.current()
        if not self._tokens:
            theme.paint_hint(painter, self.rect(), EMPTY)
            return
        count, side = len(self._tokens), self._side()
        if self._picture is None:
            # Square roots, so that small shares show; what lies ahead is not there at all.
            heat = FAINTEST + (1 - FAINTEST) * np.sqrt(np.maximum(self._weights, 0.0))
            levels = np.where(np.tri(count, dtype=bool), heat, 0.0)
            self._picture = ramps.picture(levels, ramps.sequential, 0.0, 1.0)
        # Sharp cells, but averaged ones where there is less than a pixel for each.
        small = side * self.devicePixelRatioF() < 1
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, small)
        painter.drawImage(QRectF(LABELS, LABELS, count * side, count * side), self._picture)
        painter.setFont(theme.font(11))
        every = max(1, int(np.ceil(READABLE / side)))
        for number in range(0, count, every):
            if number == self._row or abs(number - self._row) >= every:  # none under the picked one
                self._write(painter, number, number == self._row)
        if 0 <= self._row < count:
            if self._row % every:
                self._write(painter, self._row, True)
            painter.setPen(QPen(now.colour("text"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            first, last = self.cell(self._row, 0), self.cell(self._row, self._row)
            painter.drawRect(first.united(last).adjusted(-0.5, -0.5, 0.5, 0.5))

    def _write(self, painter: QPainter, number: int, strong: bool) -> None:
        """Write a token at the left of its row and above its column."""
        now, side = theme.current(), self._side()
        painter.setPen(now.colour("text" if strong else "muted"))
        right = Qt.TextElideMode.ElideRight
        word = painter.fontMetrics().elidedText(self._tokens[number], right, LABELS - 10)
        at = LABELS + (number + 0.5) * side
        # The last token of a long text stays inside, though its cell is smaller than a letter.
        beside = QRectF(0, min(at, self.height() - 6.0) - 9, LABELS - 6, 18)
        painter.drawText(beside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, word)
        painter.save()
        painter.translate(QPointF(min(at, self.width() - 6.0), LABELS - 6))
        painter.rotate(-90)
        above = QRectF(0, -9, LABELS - 8, 18)
        painter.drawText(above, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, word)
        painter.restore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say the attention weight under the mouse."""
        self._point_at(event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Do the same where a finger has no way to hover."""
        self._point_at(event.position())

    def _point_at(self, point: QPointF) -> None:
        side = self._side()
        row, column = int((point.y() - LABELS) // side), int((point.x() - LABELS) // side)
        if not 0 <= row < len(self._tokens) or column >= len(self._tokens):
            self.told.emit("")
            return
        self._choose(row)
        if 0 <= column <= row:
            share = float(self._weights[row, column])
            part = percent(share)
            one, other = _said(self._tokens[row]), _said(self._tokens[column])
            self.told.emit(f"“{one}” attends to “{other}” with {part}.")
        else:
            self.told.emit(
                "A causal mask: no token attends to a later one." if column > row else ""
            )

    def leaveEvent(self, event: QEvent) -> None:
        """Have nothing to say."""
        self.told.emit("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from token to token with the arrow keys."""
        moves = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        if event.key() in moves and self._tokens:
            self._choose(max(0, min(len(self._tokens) - 1, self._row + moves[Qt.Key(event.key())])))
        else:
            super().keyPressEvent(event)

    def _choose(self, row: int) -> None:
        if row != self._row:
            self.pick(row)
            self.rowPicked.emit(row)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._picture = None


def _said(token: str) -> str:
    """Return a token without the dots of the spaces around it, as it is said."""
    return token.strip("·") or token
