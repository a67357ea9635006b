"""How sure the doctor is: a small bar, and the same in words."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.numbers import percent
from gui import theme
from gui.charts.bars import paint_groove

LONG, HIGH, GAP = 54, 5, 8


def in_words(confidence: float) -> str:
    """Say how sure 0 to 1 is."""
    steps = ((0.9, "almost certain"), (0.75, "quite sure"), (0.5, "likely"), (0.25, "perhaps"))
    return next((words for least, words in steps if confidence >= least), "a guess")


class ConfidenceBar(QWidget):
    """The confidence of a cause."""

    def __init__(self, confidence: float, role: str) -> None:
        super().__init__()
        self._share, self._role = min(1.0, max(0.0, confidence)), role
        self._words = in_words(confidence)
        self.setAccessibleName(f"{self._words}, {percent(self._share)}")
        self.setToolTip(
            f"<p>{percent(self._share)} sure that this is the cause, from how"
            " far the measurements lie from what is usual, and from what was tried on copies.</p>"
        )
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Be as wide as bar and words."""
        return QSize(LONG + GAP + self.fontMetrics().horizontalAdvance(self._words) + 2, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bar and the words."""
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        groove = QRectF(0, middle - HIGH / 2, LONG, HIGH)
        paint_groove(painter, groove, self._share, self._role)
        painter.setPen(now.colour("muted"))
        beside = QRectF(LONG + GAP, 0, self.width() - LONG - GAP, self.height())
        painter.drawText(beside, Qt.AlignmentFlag.AlignVCenter, self._words)
