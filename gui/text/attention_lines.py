"""Attention over the words themselves: from one token lines to those that it looks at."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.telemetry.events import Array
from gui import theme

LINE, WORD = 46, 22  # pixels from line to line, and of a word's height: the rest is for the curves
SIDE = 4  # pixels beside a word
LEAST = 0.02  # of the attention: what is less is not drawn
THICKEST = 6.0
EMPTY = "Write or type a text first."


class AttentionLines(QWidget):
    """A text as it flows; the picked token is framed, and bound to those that it asks."""

    picked = Signal(int)
    """A token was pointed at."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("attentionLines")
        self.setAccessibleName("Which words a word looks at")
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._tokens: list[str] = []
        self._weights: Array = np.empty((0, 0))
        self._places: list[QRectF] = []
        self._row = -1

    def show_lines(self, tokens: list[str], weights: Array) -> None:
        """Show these tokens, and how much each looks at each: weights (T, T)."""
        if tokens != self._tokens:
            self._row = len(tokens) - 1
        self._tokens, self._weights = tokens, weights
        self._places = self._flow(self.width())
        self.updateGeometry()
        self.update()

    def pick(self, row: int) -> None:
        """Let this token be the one that looks."""
        if row != self._row:
            self._row = row
            self.update()

    def place(self, number: int) -> QRectF:
        """Return where a token stands."""
        return self._places[number]

    def _chip(self, number: int) -> QRectF:
        """Return where a token's letters stand: a space before them is no part of the word."""
        place, token = self._places[number], self._tokens[number]
        if not token.startswith("·") or not token.strip("·"):
            return place
        before = len(token) - len(token.lstrip("·"))
        space = QFontMetricsF(theme.font(14)).horizontalAdvance(" ")
        return place.adjusted(min(before * space, place.width() / 2), 0, 0, 0)

    def heightForWidth(self, width: int) -> int:
        """As high as the lines need."""
        places = self._flow(width)
        return round(places[-1].bottom()) + 12 if places else LINE

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(260, self.heightForWidth(max(260, self.width())))

    def minimumSizeHint(self) -> QSize:
        """As high as the text; it stands in a scroll area."""
        return QSize(120, self.heightForWidth(max(120, self.width())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the words flow anew."""
        super().resizeEvent(event)
        self._places = self._flow(self.width())
        self.updateGeometry()

    def _flow(self, width: int) -> list[QRectF]:
        metrics = QFontMetricsF(theme.font(14))
        places, x, y = [], 0.0, float(LINE - WORD)
        for token in self._tokens:
            wide = min(metrics.horizontalAdvance(token.replace("·", " ")) + 2 * SIDE, float(width))
            if x + wide > width and x > 0:
                x, y = 0.0, y + LINE
            places.append(QRectF(x, y, wide, WORD))
            x += wide
            if token.endswith("↵"):
                x, y = 0.0, y + LINE
        return places

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint grounds, lines and words, in this order."""
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._tokens:
            theme.paint_hint(painter, self.rect(), EMPTY)
            return
        row = self._row if 0 <= self._row < len(self._tokens) else len(self._tokens) - 1
        shares = [(place, float(w)) for place, w in enumerate(self._weights[row, : row + 1])]
        painter.setPen(Qt.PenStyle.NoPen)
        for place, share in shares:
            if share > LEAST:
                painter.setBrush(now.colour("activation", round(150 * share**0.5)))
                painter.drawRoundedRect(self._chip(place), 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for place, share in shares:
            if share > LEAST and place != row:
                self._bind(painter, row, place, share)
        painter.setPen(QPen(now.colour("text"), 1.5))
        painter.drawRoundedRect(self._chip(row).adjusted(1, 1, -1, -1), 4, 4)
        painter.setFont(theme.font(14))
        metrics, right = painter.fontMetrics(), Qt.TextElideMode.ElideRight
        for number, shown in enumerate(self._tokens):
            # What comes after the token that looks is fainter: it can't be seen from there.
            seen = "text" if number <= row else "muted"
            painter.setPen(now.colour("faint" if shown == "↵" else seen))
            # A space is shown by the room it takes.
            chip, word = self._chip(number), shown.strip("·").replace("·", " ")
            word = metrics.elidedText(word, right, round(chip.width()) - 2)
            painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, word)

    def _bind(self, painter: QPainter, row: int, place: int, share: float) -> None:
        one, other = self._chip(row), self._chip(place)
        begin = QPointF(one.center().x(), one.top())
        end = QPointF(other.center().x(), other.top())
        if one.top() != other.top():
            end = QPointF(other.center().x(), other.bottom())
        rise = min(20.0, 8.0 + 0.08 * abs(begin.x() - end.x()))
        path = QPainterPath(begin)
        if one.top() == other.top():
            path.cubicTo(begin - QPointF(0, rise), end - QPointF(0, rise), end)
        else:
            path.cubicTo(begin - QPointF(0, rise), end + QPointF(0, rise), end)
        pen = QPen(theme.current().colour("activation", round(70 + 150 * share)))
        pen.setWidthF(1.0 + (THICKEST - 1.0) * share)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPath(path)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Let the token under the mouse look."""
        self._point_at(event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Do the same where a finger has no way to hover."""
        self._point_at(event.position())

    def _point_at(self, point: QPointF) -> None:
        for number, rect in enumerate(self._places):
            if rect.contains(point) and number != self._row:
                self.pick(number)
                self.picked.emit(number)
                return

    def changeEvent(self, event: QEvent) -> None:
        """Flow anew with another typeface."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._places = self._flow(self.width())
