"""The table of a softmax: a row for each digit, a column for each act."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter

from core.lessons.forward_trace import softmax
from core.numbers import number, percent
from core.telemetry.events import Array
from gui import theme
from gui.lessons.boards.board import Board
from gui.lessons.boards.matrix import Grid, frame, paint_matrix, write

DIGITS, WIDE, HIGH = 10, 96.0, 26.0
LEFT, TOP = 30.0, 26.0
GAP = 14.0
HEADS = ("score", "÷ T, − largest", "e to it", "÷ their sum")
HELP = "Point at a number to see what it was made of. The last column is what the network answers."
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class SoftmaxBoard(Board):
    """Scores, what is done to them, and the shares that come of it."""

    def __init__(self) -> None:
        super().__init__("lessonSoftmax", "Softmax, act by act", HELP)
        self.setFixedHeight(round(TOP + DIGITS * HIGH + 30))
        self.columns: list[Array] = []
        self._temperature = 1.0

    def show_scores(self, scores: Array | None, temperature: float) -> None:
        """Show ten scores, divided by a temperature; None for none."""
        self._temperature = temperature
        self.columns = []
        if scores is not None:
            shifted, powers, shares = softmax(scores.astype(float), temperature)
            self.columns = [scores, shifted, powers, shares]
            if not self.spot[0]:
                self.spot = (HEADS[3], int(shares.argmax()), 0)
        self.setAccessibleDescription(self.describe())
        self.update()

    def sizeHint(self) -> QSize:
        """Be as wide as the column."""
        return QSize(860, self.height())

    def grids(self) -> Mapping[str, Grid]:
        """A column for each act."""
        if not self.columns:
            return {}
        return {
            name: Grid.of(LEFT + number * (WIDE + GAP), TOP, DIGITS, 1, (WIDE, HIGH))
            for number, name in enumerate(HEADS)
        }

    def describe(self) -> str:
        """Say what a number was made of."""
        name, digit, _ = self.spot
        if not self.columns or not name:
            return ""
        score, shifted, power, share = (float(column[digit]) for column in self.columns)
        largest, total = float(self.columns[0].max()), float(self.columns[2].sum())
        t = self._temperature
        return {
            HEADS[0]: f"The last layer's score for {digit} is {number(score)}.",
            HEADS[1]: f"({number(score)} − {number(largest)}) ÷ {t:.2f} = {number(shifted)}. Taking"
            " the largest off changes no share, and keeps the next number small.",
            HEADS[2]: f"e to the power of {number(shifted)} is {power:.4f}: never below zero, and"
            " larger for a larger score.",
            HEADS[3]: f"{power:.4f} ÷ {total:.4f} = {percent(share, 1)}: the share of {digit}.",
        }[name]

    def paint(self, painter: QPainter) -> None:
        """Paint the columns, and the shares as bars behind them."""
        if not self.columns:
            return
        grids = self.grids()
        best = int(self.columns[3].argmax())
        for digit in range(DIGITS):
            place = QRectF(0, TOP + digit * HIGH, LEFT - 10, HIGH)
            strong = digit == best
            write(painter, place, str(digit), "text" if strong else "muted", 14, strong, RIGHT)
        for (name, grid), values in zip(grids.items(), self.columns, strict=True):
            head = grid.area.adjusted(0, -24, 0, 0)
            head.setHeight(20)
            write(painter, head, name, where=Qt.AlignmentFlag.AlignCenter)
            digits = 2 if name in HEADS[:2] else 3
            paint_matrix(painter, grid, values[:, None], max(1e-9, np.abs(values).max()), digits)
        self._paint_bars(painter, grids[HEADS[3]].area.right() + GAP, best)
        name, row, column = self.spot
        frame(painter, grids[name].cell(row, column).adjusted(1, 1, -1, -1), "text", 2)
        foot = QRectF(LEFT, TOP + DIGITS * HIGH + 8, self.width() - LEFT, 22)
        write(painter, foot, self.describe(), "text", 14)

    def _paint_bars(self, painter: QPainter, left: float, best: int) -> None:
        now = theme.current()
        room = self.width() - left - 70
        painter.setPen(Qt.PenStyle.NoPen)
        for digit, share in enumerate(self.columns[3].tolist()):
            top = TOP + digit * HIGH + 8
            painter.setBrush(now.colour("activation", 255 if digit == best else 120))
            painter.drawRoundedRect(QRectF(left, top, max(2.0, room * share), HIGH - 16), 3, 3)
            place = QRectF(left + room * share + 8, top - 8, 70, HIGH)
            role = "text" if digit == best else "muted"
            write(painter, place, percent(share, 1), role, 13, digit == best)
            painter.setPen(Qt.PenStyle.NoPen)
