"""The last line of an expression over the steps of a descent."""

import time

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.doctor.diagnosis import Picture, Series
from core.expressions.graph import Kind
from core.expressions.lab import Lab
from core.numbers import number
from gui.charts.evidence import EvidencePicture
from gui.charts.smoothing import USUAL, smoothed
from gui.widgets.card import label

WIDE, HIGH = 252, 160
REDRAW = 0.2  # seconds between two drawings of a curve that grows
BEFORE = "The curve begins with the first step."


class ExpressionCurve(QWidget):
    """A small curve, and where it stands now."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("expressionCurve")
        self.setFixedWidth(WIDE)
        self._drawn, self._steps = 0.0, -1
        self._words = label("", "heading")
        self._picture = EvidencePicture(HIGH)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._words)
        column.addWidget(self._picture)

    def show_lab(self, lab: Lab) -> None:
        """Show how the descent went so far."""
        name = lab.graph.nodes[lab.graph.root].name or "The last line"
        self._words.setText(f"{name} is {number(lab.loss, 4)}, step {lab.step:,}")
        now = time.monotonic()
        if 0 <= self._steps < lab.step and now - self._drawn < REDRAW:
            return
        self._drawn, self._steps = now, lab.step
        x = (*lab.losses.x.tolist(), float(lab.step))
        y = (*lab.losses.y.tolist(), lab.loss)
        lines = [Series("every step", x, y)]
        if lab.graph.of(Kind.NOISE) and not lab.frozen and lab.step:
            smooth = tuple(smoothed(np.array(x), np.array(y), USUAL / 100).tolist())
            lines.append(Series("smoothed", x, smooth))
        else:
            lines = [Series("loss", x, y)]
        self._picture.show_picture(Picture("Loss", "lines", tuple(lines)))
