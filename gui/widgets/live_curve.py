"""The loss while the doctor watches: small, beside the verdict."""

import time

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.doctor.diagnosis import Picture, Series
from core.telemetry.history import History
from gui.widgets.card import label
from gui.widgets.evidence_picture import EvidencePicture

WIDE, HIGH = 320, 128
REDRAW = 0.5  # seconds between two drawings
POINTS = 300


class LiveCurve(QWidget):
    """Every step's loss and their mean, against the loss of an even guess."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("doctorCurve")
        self.setFixedWidth(WIDE)
        self._history: History | None = None
        self._uniform = 0.0
        self._drawn = 0.0
        self.picture = EvidencePicture(HIGH)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(label("How wrong is it?", "heading"))
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
        loss = self._history.loss
        every = max(1, len(loss.x) // POINTS)
        x = tuple(loss.x[::every].tolist())
        rough, smooth = loss.y[::every].tolist(), loss.smoothed()[::every].tolist()
        lines = (Series("every step", x, tuple(rough)), Series("smoothed", x, tuple(smooth)))
        levels = (("an even guess", self._uniform),) if self._uniform else ()
        picture = Picture("How wrong is it?", "lines", lines if x else (), levels=levels)
        self.picture.show_picture(picture)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802, Qt's name
        """Catch up with what came while it was hidden."""
        super().showEvent(event)
        self.draw(now=True)
