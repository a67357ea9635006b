"""The loss while the doctor watches: small, beside the words."""

import time

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.telemetry.history import History
from gui.charts.evidence_chart import EvidencePicture
from gui.charts.loss_chart import QUESTION, loss_picture
from gui.widgets.card import label

WIDE, HIGH = 320, 128
REDRAW = 0.5  # seconds between two drawings


class LiveCurve(QWidget):
    """Every step's loss and their mean, against the loss of an even guess."""

    def __init__(self, name: str = "doctorCurve") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFixedWidth(WIDE)
        self._history: History | None = None
        self._uniform = 0.0
        self._drawn = 0.0
        self.picture = EvidencePicture(HIGH)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(label(QUESTION, "heading"))
        column.addWidget(self.picture)
        self.hide()

    def watch(self, history: History | None, uniform: float = 0.0) -> None:
        """Draw this history from now on, or nothing."""
        self._history, self._uniform = history, uniform
        self.setVisible(history is not None)
        self.draw(now=True)

    def draw(self, now: bool = False) -> None:
        """Bring the lines up to date, if they are seen and it is time."""
        soon = time.monotonic() - self._drawn < REDRAW
        if self._history is None or not self.isVisible() or (soon and not now):
            return
        self._drawn = time.monotonic()
        self.picture.show_picture(loss_picture(self._history, self._uniform))

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while it was hidden."""
        super().showEvent(event)
        self.draw(now=True)
