"""Ten bars: how a network shares its certainty out over the digits."""

import numpy as np
from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy

from core.numbers import percent
from core.telemetry.events import Array
from gui import theme
from gui.charts.bars import paint_groove
from gui.charts.explained import Explained

DIGITS = 10
DIGIT_WIDTH, SHARE_WIDTH = 20, 66
HELP = (
    "The network ends in ten scores, one for each digit. Softmax makes shares of them: it raises "
    "e to each score and divides by the sum of all ten, so that they add up to 100 %."
)


class ProbabilityBars(Explained):
    """What the network thinks of each digit, 0 to 9, from top to bottom."""

    def __init__(self, name: str = "digitBars") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName("Share of each digit")
        self.setToolTip(HELP)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumSize(160, DIGITS * 14)
        self.setMaximumHeight(DIGITS * 24)
        self._shares: Array | None = None
        self.set_probabilities(None)

    def set_probabilities(self, shares: Array | None) -> None:
        """Show ten shares (10,) that sum to 1, or nothing."""
        self._shares = None if shares is None else np.nan_to_num(np.asarray(shares, float))
        self.setAccessibleDescription(self._summary())
        self.update()

    def row_rect(self, digit: int) -> QRectF:
        """Return where a digit's row is."""
        height = self.height() / DIGITS
        return QRectF(0, digit * height, self.width(), height)

    def describe(self, digit: int) -> str:
        """Say what a digit's share is, and what that means."""
        if self._shares is None:
            return HELP
        share = percent(float(self._shares[digit]), 1)
        if digit == int(self._shares.argmax()):
            return (
                f"{digit}: {share}, its answer. {HELP}\nA large share says how sure the network "
                "is, not that it is right: it must answer with a digit, whatever you draw."
            )
        return f"{digit}: {share}. {HELP}"

    def _summary(self) -> str:
        if self._shares is None:
            return "Nothing read yet."
        best = self._shares.argsort()[::-1][:3].tolist()
        return ", ".join(f"{digit}: {percent(float(self._shares[digit]), 1)}" for digit in best)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ten rows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        winner = -1 if self._shares is None else int(self._shares.argmax())
        for digit in range(DIGITS):
            self._row(painter, digit, digit == winner)

    def _row(self, painter: QPainter, digit: int, wins: bool) -> None:
        now, row = theme.current(), self.row_rect(digit)
        share = 0.0 if self._shares is None else float(self._shares[digit])
        weight = QFont.Weight.DemiBold if wins else QFont.Weight.Normal
        painter.setFont(theme.font(13, weight))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(now.colour("text" if wins else "muted"))
        painter.drawText(row, middle | Qt.AlignmentFlag.AlignLeft, str(digit))
        thick = min(8.0, row.height() - 6)
        bar = QRectF(row.left() + DIGIT_WIDTH, row.center().y() - thick / 2, 0, thick)
        bar.setWidth(row.width() - DIGIT_WIDTH - SHARE_WIDTH)
        shown = share if self._shares is not None and share >= 0.0005 else 0.0
        paint_groove(painter, bar, shown, "activation", 255 if wins else 120)
        if self._shares is None:
            return
        if not wins:
            painter.setFont(theme.font(12))
        painter.setPen(now.colour("text" if wins else "muted" if share >= 0.0005 else "faint"))
        painter.drawText(row, middle | Qt.AlignmentFlag.AlignRight, percent(share, 1))

    def explain(self, point: QPoint) -> str:
        """Describe the digit of a row."""
        digit = int(point.y() * DIGITS / max(1, self.height()))
        return self.describe(min(9, max(0, digit)))

    def sizeHint(self) -> QSize:
        """Ask for rows that breathe."""
        return QSize(280, DIGITS * 20)
