"""A loss in nats a character: the number, and a bar by which it can be held against others."""

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.theme import GAP

LONG, HIGH = 110, 6
UNIT = "nats a character"


class NatsBar(QWidget):
    """The loss on new data; shorter is better."""

    def __init__(self, nats: float) -> None:
        super().__init__()
        self.nats, self.most = nats, nats
        self.number = f"{nats:.2f}" if math.isfinite(nats) else "no number"
        self.setAccessibleName(f"Loss on new data: {self.number} {UNIT}")
        self.setToolTip(
            "<p>The loss on text that it has not seen, in nats a character: the same measure"
            " whatever the vocabulary. The shorter the bar, the better.</p>"
        )
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_most(self, most: float) -> None:
        """Say which loss a whole bar stands for."""
        if most != self.most:
            self.most = most
            self.update()

    def sizeHint(self) -> QSize:
        """Be as wide as the bar and the words."""
        strong = QFontMetrics(_strong()).horizontalAdvance(self.number)
        unit = QFontMetrics(theme.font()).horizontalAdvance(UNIT)
        return QSize(LONG + 2 * GAP + strong + unit + 2, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint bar, number and unit."""
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        groove = QRectF(0, (self.height() - HIGH) / 2, LONG, HIGH)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.colour("sunken"))
        painter.drawRoundedRect(groove, HIGH / 2, HIGH / 2)
        if math.isfinite(self.nats) and self.most > 0:
            groove.setWidth(max(HIGH, LONG * min(1.0, self.nats / self.most)))
            painter.setBrush(now.colour("validation"))
            painter.drawRoundedRect(groove, HIGH / 2, HIGH / 2)
        middle = Qt.AlignmentFlag.AlignVCenter
        place = QRectF(LONG + GAP, 0, self.width() - LONG - GAP, self.height())
        painter.setPen(now.colour("text"))
        painter.setFont(_strong())
        painter.drawText(place, middle, self.number)
        place.setLeft(place.left() + painter.fontMetrics().horizontalAdvance(self.number) + GAP)
        painter.setPen(now.colour("muted"))
        painter.setFont(theme.font())
        painter.drawText(place, middle, UNIT)


def _strong() -> QFont:
    return theme.font(15, QFont.Weight.DemiBold)
