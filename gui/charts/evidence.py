"""A picture of evidence: lines or bars, as the doctor drew them up."""

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip

from core.doctor.diagnosis import Picture, Series
from core.numbers import number
from core.telemetry.history import History
from gui.charts.bars import LYING, ROW, paint_bars
from gui.charts.lines import Line, PaintedChart
from gui.charts.smoothing import USUAL, smoothed
from gui.rich_text import rich

LINES_HIGH, BARS_HIGH = 190, 178
POINTS = 2000  # of a curve that becomes evidence
MEANINGS = {
    "valid": "validation",
    "new ": "validation",
    "held": "validation",
    "gradient": "gradient",
    "update": "update",
    "activation": "activation",
    "every step": "faint",
}
"""Words in a name that have a colour in the whole program."""
OTHERS = ("text", "activation", "validation", "muted")
STROKES: tuple[tuple[float, ...], ...] = ((), (4.0, 2.0), (1.0, 2.0), (4.0, 2.0, 1.0, 2.0))


def evidence_lines(picture: Picture) -> list[Line]:
    """Return a picture's lines, each in the colour of its meaning or in the next one."""
    made: list[Line] = []
    free = 0
    for series in picture.series:
        name = series.name.lower()
        role = next((c for word, c in MEANINGS.items() if word in name), "")
        dash: tuple[float, ...] = ()
        if series.low and made:  # a forecast goes on from the curve before it
            role, dash = made[-1].role, STROKES[1]
        elif not role:
            role, dash = OTHERS[free % len(OTHERS)], STROKES[free % len(STROKES)]
            free += 1
        x, y = np.array(series.x, float), np.array(series.y, float)
        width = 1.0 if role == "faint" else 1.8
        name = series.name or picture.y_label or "value"
        low, high = np.array(series.low, float), np.array(series.high, float)
        made.append(Line(name, role, width, dash=dash, x=x, y=y, low=low, high=high))
    return made


class EvidencePicture(PaintedChart):
    """Paints a picture; its numbers are shown on hover and described for a screen reader."""

    def __init__(self, high: int | None = None) -> None:
        super().__init__()
        self._high = high
        self.picture: Picture | None = None
        self.x_holds = ()
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def bars(self) -> bool:
        """Whether these are bars."""
        return self.picture is not None and self.picture.kind == "bars"

    def show_picture(self, picture: Picture) -> None:
        """Show this picture from now on."""
        if picture == self.picture:
            return
        self.picture = picture
        self.setAccessibleName(picture.question)
        self.x_title, self.log_y = picture.x_label, picture.log
        self.y_title = picture.y_label
        levels = enumerate(picture.levels)
        self.levels = {f"{i}": (v, f"{name} {number(v)}", "muted") for i, (name, v) in levels}
        self.set_lines([] if self.bars else evidence_lines(picture))
        if self.bars:
            self.setAccessibleDescription(self.in_words())
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Be as high as its kind wants."""
        high = self._high or LINES_HIGH
        if not self._high and self.bars and self.picture is not None:
            count = len(self.picture.names)
            high = max(112, ROW * count + 42) if 0 < count <= LYING else BARS_HIGH
        return QSize(240, high)

    def minimumSizeHint(self) -> QSize:
        """Be readable."""
        return QSize(150, self.sizeHint().height())

    def in_words(self) -> str:
        """Say what is to be seen, with numbers."""
        if not self.bars or self.picture is None or not self.picture.series:
            return super().in_words()
        pairs = zip(self.picture.names, self.picture.series[0].y, strict=False)
        bars = [f"{name} {number(value)}" for name, value in pairs]
        return "; ".join([*bars, *(words for _, words, _ in self.levels.values())])

    def csv_rows(self) -> list[list[object]]:
        """Return what is drawn as rows."""
        if not self.bars or self.picture is None or not self.picture.series:
            return super().csv_rows()
        pairs = zip(self.picture.names, self.picture.series[0].y, strict=False)
        return [["", self.picture.y_label], *([name, value] for name, value in pairs)]

    def event(self, event: QEvent) -> bool:
        """Show the numbers of bars under the mouse."""
        if isinstance(event, QHelpEvent) and self.bars:
            QToolTip.showText(event.globalPos(), rich(self.in_words().replace("; ", "\n")), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint it."""
        if self.picture is None:
            return
        if not self.bars:
            super().paintEvent(event)
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_bars(painter, QRectF(self.rect()), self.picture)


def loss_picture(history: History, uniform: float = 0.0, question: str = "Loss") -> Picture:
    """Return every step's loss and their mean, against the loss of a uniform guess (0 for none)."""
    loss = history.loss
    every = max(1, len(loss.x) // POINTS)
    x = tuple(loss.x[::every].tolist())
    smooth = smoothed(loss.x, loss.y, USUAL / 100)
    lines = (
        Series("every step", x, tuple(loss.y[::every].tolist())),
        Series("smoothed", x, tuple(smooth[::every].tolist())),
    )
    levels = (("uniform guess", uniform),) if uniform else ()
    return Picture(question, "lines", lines if x else (), y_label="loss", levels=levels)
