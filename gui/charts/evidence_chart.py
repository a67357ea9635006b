"""A picture of evidence: lines or bars, as the doctor drew them up."""

import math

from PySide6.QtCore import QEvent, QRectF, QSize
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from core.doctor.diagnosis import Picture
from core.numbers import number
from gui.charts.evidence_bars import LYING, ROW, paint_bars
from gui.charts.evidence_lines import LEFT, paint_lines

LINES_HIGH, BARS_HIGH = 190, 178


class EvidencePicture(QWidget):
    """Paints a picture, and tells its numbers to whoever points at it or has it read out."""

    def __init__(self, high: int | None = None) -> None:
        super().__init__()
        self._high = high
        self.picture: Picture | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_picture(self, picture: Picture) -> None:
        """Show this picture from now on."""
        if picture != self.picture:
            self.picture = picture
            self.setAccessibleName(picture.question)
            self.setAccessibleDescription(self.in_words())
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """Be as high as its kind wants."""
        high = self._high or LINES_HIGH
        if not self._high and self.picture is not None and self.picture.kind == "bars":
            count = len(self.picture.names)
            high = max(112, ROW * count + 42) if 0 < count <= LYING else BARS_HIGH
        return QSize(240, high)

    def minimumSizeHint(self) -> QSize:
        """Be readable."""
        return QSize(150, self.sizeHint().height())

    def in_words(self) -> str:
        """Say what is to be seen, with numbers."""
        picture = self.picture
        if picture is None:
            return ""
        parts = []
        if picture.kind == "bars" and picture.series:
            pairs = zip(picture.names, picture.series[0].y, strict=False)
            parts = [f"{name} {number(value)}" for name, value in pairs]
        else:
            for series in picture.series:
                good = [v for v in series.y if math.isfinite(v)]
                if good:
                    ends = f"from {number(good[0])} to {number(good[-1])}"
                    parts.append(f"{series.name} {ends}")
        parts += [f"{name} {number(value)}" for name, value in picture.levels]
        return "; ".join(parts)

    def _under(self, x: float) -> str:
        """Say what the lines are at a place."""
        picture = self.picture
        assert picture is not None
        steps = [v for series in picture.series for v in series.x]
        if not steps:
            return picture.question
        share = (x - LEFT) / max(1, self.width() - LEFT - 4)
        at = min(steps) + share * (max(steps) - min(steps))
        lines = []
        for series in picture.series:
            if series.x:
                nearest = min(range(len(series.x)), key=lambda i: abs(series.x[i] - at))
                lines.append(f"{series.name}: {number(series.y[nearest])}")
        return "\n".join([f"{picture.x_label} {number(at)}", *lines])

    def event(self, event: QEvent) -> bool:
        """Tell the numbers under the mouse."""
        if (
            event.type() == QEvent.Type.ToolTip
            and isinstance(event, QHelpEvent)
            and self.picture is not None
        ):
            bars = self.picture.kind == "bars"
            words = self.in_words().replace("; ", "\n") if bars else self._under(event.x())
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint it."""
        if self.picture is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint = paint_bars if self.picture.kind == "bars" else paint_lines
        paint(painter, QRectF(self.rect()), self.picture)
