"""Some pictures of a batch, exactly as the network met them."""

import numpy as np
from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from core.telemetry.events import Array, Examples
from gui import theme

SHOWN, SIDE, GAP = 6, 33, 7


class AugmentedPreview(QWidget):
    """Six training pictures after augmentation; new ones as the run goes on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("augmentedPreview")
        self.setAccessibleName("Training pictures as the network meets them")
        self.setToolTip(
            "<p>Training pictures as the network meets them: augmentation moves, turns and scales"
            " each a little, differently every time, so that it can't memorise them.</p>"
        )
        self._pictures: Array = np.empty((0, 28, 28))

    def show_examples(self, examples: Examples) -> None:
        """Show the first inputs of a batch."""
        if self.isVisible():
            self._pictures = examples.inputs[:SHOWN].reshape(-1, 28, 28)
            self.setFixedHeight(SIDE + 22)
            self.update()

    def sizeHint(self) -> QSize:
        """One row of pictures under their caption; nothing before there are any."""
        return QSize(SHOWN * (SIDE + GAP), SIDE + 22 if len(self._pictures) else 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint caption and pictures, ink in the colour of text."""
        if not len(self._pictures):
            return
        painter = QPainter(self)
        colours = theme.current()
        painter.setFont(theme.font(12))
        painter.setPen(colours.colour("muted"))
        painter.drawText(0, 12, "Augmented training examples")
        low, high = self._pictures.min(), self._pictures.max()
        shares = ((self._pictures - low) / max(1e-6, high - low) * 255).astype(np.uint8)
        for column, picture in enumerate(shares):
            place = QRect(column * (SIDE + GAP), 20, SIDE, SIDE)
            painter.fillRect(place, colours.colour("sunken"))
            ink = QImage(28, 28, QImage.Format.Format_ARGB32)
            ink.fill(colours.colour("text"))
            ink.setAlphaChannel(
                QImage(np.ascontiguousarray(picture).data, 28, 28, 28, QImage.Format.Format_Alpha8)
            )
            painter.drawImage(place, ink)
