"""What a network answers, in large, beside what it was shown."""

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from core.numbers import percent
from core.playgrounds.digits.ink import SIDE
from core.telemetry.events import Array
from gui import theme
from gui.charts.colormaps import grey
from gui.charts.colormaps import picture as coloured
from gui.widgets.canvas_painting import heat_levels
from gui.widgets.card import label
from gui.widgets.sheet import tinted

WAITING = "waiting for the network"
BROKEN = "The network answers NaN: its weights have diverged."
SURE = 0.9  # less sure than this, the runner-up is named too


class AnswerDigit(QLabel):
    """One large digit; where there is none, a quiet dash that is not part of the text."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("digitAnswer")
        self.setAccessibleName("The digit that the network reads")
        self.setToolTip("The digit with the largest share: what the network answers.")
        self.setFont(theme.font(64, QFont.Weight.DemiBold))
        # As high as a digit, not as a line of text: its top is to be in line with the picture's.
        self.setFixedHeight(56)
        self.setMinimumWidth(QFontMetrics(self.font()).horizontalAdvance("0"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the digit from the very top, or the dash."""
        now, painter = theme.current(), QPainter(self)
        if self.text():
            painter.setFont(self.font())
            painter.setPen(now.colour("text"))
            metrics = QFontMetrics(self.font())
            left = metrics.tightBoundingRect(self.text()).left()
            painter.drawText(1 - left, metrics.capHeight() + 1, self.text())
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(now.colour("border"), 5)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(3, 27, 27, 27)


class NetworkView(QWidget):
    """The 28 x 28 numbers that a network is given, each a hard-edged square."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("networkView")
        self.setAccessibleName("What the network sees")
        self.setToolTip(
            "Your drawing as the network gets it: scaled into 20 × 20 pixels and moved so that the "
            "centre of its ink is the centre of 28 × 28, as MNIST did with every digit the network "
            "learned from. It knows nothing else of what you drew."
        )
        # Four pixels for each of theirs and a border, or three where room is short.
        self.setFixedWidth(114)
        self.setMinimumHeight(86)
        self.setMaximumHeight(114)
        self._picture: Array | None = None
        self._heat: Array | None = None

    def show_picture(self, picture: Array | None, heat: Array | None) -> None:
        """Show a picture (28, 28) and, over it, how much each pixel matters."""
        self._picture, self._heat = picture, heat
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the pixels without smoothing."""
        now, painter = theme.current(), QPainter(self)
        side = (min(self.width(), self.height()) - 2) // SIDE * SIDE
        inner = QRect(1, 1, side, side)
        painter.fillRect(inner, now.colour("surface"))
        if self._picture is not None:
            painter.drawImage(inner, coloured(self._picture, grey, 0, 1))
        if self._picture is not None and self._heat is not None:
            painter.drawImage(inner, tinted(heat_levels(self._heat), now.colour("gradient")))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(now.colour("border"), 1))
        painter.drawRoundedRect(QRectF(inner).adjusted(-0.5, -0.5, 0.5, 0.5), 3, 3)

    def sizeHint(self) -> QSize:
        """Ask for four pixels a pixel."""
        return QSize(114, 114)


class PredictionView(QWidget):
    """The answer on the left, what the network sees on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = AnswerDigit()
        self.words = label("", "small", wrap=True)
        self.words.setObjectName("digitConfidence")
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.view = NetworkView()
        caption = label("what the network\nsees, 28 × 28", "small")
        left = QVBoxLayout()
        left.setSpacing(6)
        left.addWidget(self.answer)
        left.addWidget(self.words, 1)
        right = QVBoxLayout()
        right.setSpacing(6)
        right.addWidget(self.view)
        right.addWidget(caption)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.MARGIN)
        row.addLayout(left, 1)
        row.addLayout(right)

    def hasHeightForWidth(self) -> bool:
        """Say no: where room is short, the picture is the part that gives way."""
        return False

    def show_answer(self, shares: Array | None) -> None:
        """Show the digit with the largest share (10,), and how large; None for nothing to say."""
        if shares is None:
            self._say("", "")
            return
        second, first = shares.argsort()[-2:].tolist()
        words = f"probability {percent(float(shares[first]), 1)}"
        if shares[first] < SURE:
            words += f"\nor a {second}: {percent(float(shares[second]), 1)}"
        self._say(str(first), words)

    def show_waiting(self) -> None:
        """Say that there is no network yet."""
        self._say("", WAITING)

    def show_broken(self) -> None:
        """Say that what the network answers is NaN."""
        self._say("", BROKEN)

    def _say(self, digit: str, words: str) -> None:
        self.answer.setText(digit)
        self.words.setText(words)


def sound(shares: Array) -> bool:
    """Whether shares are numbers at all."""
    return bool(np.isfinite(shares).all())
