"""Curves of several runs over one another, a letter at each one's end; pointing tells values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from core.telemetry.events import Array
from gui import theme
from gui.charts.curves import POINTS, CurvePlot
from gui.runs.compare_lines import LETTERS, paint_letter, pen_of

LETTER = 16  # pixels
KEYS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
STRIDE = 0.02  # of the axis, for a press of an arrow key


@dataclass(frozen=True)
class Line:
    """A run's curve: where it stands among the runs, and its points (N,), (N,)."""

    place: int
    x: Array
    y: Array

    def at(self, x: float) -> float:
        """Return the value at a place; NaN beyond its ends."""
        if not len(self.x) or not self.x[0] <= x <= self.x[-1]:
            return float("nan")
        return float(np.interp(x, self.x, self.y))


class ComparePlot(CurvePlot):
    """Lines that are told apart by their strokes and the letters at their ends."""

    pointed = Signal(object)
    """Where on the axis somebody points; None for nowhere."""

    def __init__(self) -> None:
        super().__init__("loss")
        self.lines: list[Line] = []
        self._role = "text"
        self._items: list[Any] = []
        self.setObjectName("comparePlot")
        self.setAccessibleName("Losses of the chosen runs")
        self.setToolTip("<p>Point at a place, or press ← and →, and each run's value is told.</p>")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.getPlotItem().layout.setContentsMargins(0, 4, LETTER + 12, 0)
        self._at: float | None = None
        self._mark = pg.InfiniteLine(0, angle=90)
        self._mark.hide()
        self.addItem(self._mark)
        self._ends = _Ends(self)
        self._restyle()

    def show_lines(self, lines: Sequence[Line], role: str) -> None:
        """Show these lines; ``role`` is the colour of what they measure."""
        for item in self._items:
            self.removeItem(item)
        self.lines, self._role = list(lines), role
        self._items = [pg.PlotDataItem(connect="finite") for _ in lines]
        for item, line in zip(self._items, lines, strict=True):
            self.addItem(item)
            item.setData(*_thinned(line.x, line.y))
        self._restyle()
        self._fit()
        self.point(None)
        self.set_hint("" if any(len(line.x) for line in lines) else "Nothing was measured yet")
        self._ends.update()

    def _fit(self) -> None:
        """Show all of every line but the first few steps, where losses are highest."""
        values = [line.y[np.isfinite(line.y)] for line in self.lines]
        values = [v for v in values if len(v)]
        if not values:
            return
        low = min(float(v.min()) for v in values)
        top = max(float(np.quantile(v, 0.995 if len(v) > 50 else 1.0)) for v in values)
        pad = 0.06 * max(top - low, 1e-6)
        end = max(float(line.x[-1]) for line in self.lines if len(line.x))
        self.setRange(
            xRange=(0, max(end, 1e-9)), yRange=(low - pad, top + pad), padding=0, update=False
        )

    def point(self, x: float | None) -> None:
        """Mark a place of the axis, or none, and tell of it."""
        self._at = x
        self._mark.setVisible(x is not None)
        self._mark.setValue(x or 0.0)
        self.pointed.emit(x)

    def ends(self) -> list[tuple[str, QPointF]]:
        """Return each line's letter and where it ends, in pixels; none above another."""
        view = self.getPlotItem().getViewBox()
        low, high = view.viewRange()[1]
        found = []
        for line in self.lines:
            good = np.flatnonzero(np.isfinite(line.y))
            if len(good):
                y = min(high, max(low, float(line.y[good[-1]])))
                scene = view.mapViewToScene(QPointF(float(line.x[good[-1]]), y))
                found.append((LETTERS[line.place], QPointF(self.mapFromScene(scene))))
        foot = self.mapFromScene(view.sceneBoundingRect().bottomLeft()).y()
        return _apart(found, foot)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark the place under the mouse."""
        super().mouseMoveEvent(event)
        view = self.getPlotItem().getViewBox()
        place = self.mapToScene(event.position().toPoint())
        inside = self.lines and view.sceneBoundingRect().contains(place)
        self.point(float(view.mapSceneToView(place).x()) if inside else None)

    def leaveEvent(self, event: QEvent) -> None:
        """Mark nothing."""
        super().leaveEvent(event)
        self.point(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk along the axis with the arrow keys."""
        if event.key() not in KEYS or not self.lines:
            super().keyPressEvent(event)
            return
        low, high = self.getPlotItem().getViewBox().viewRange()[0]
        at = (low + high) / 2 if self._at is None else self._at
        self.point(min(high, max(low, at + KEYS[Qt.Key(event.key())] * STRIDE * (high - low))))

    def resizeEvent(self, event: Any) -> None:
        """Keep the letters over the whole plot."""
        super().resizeEvent(event)
        if hasattr(self, "_ends"):
            self._ends.setGeometry(self.rect())

    def changeEvent(self, event: QEvent) -> None:
        """Draw the lines in the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_ends"):
            self._restyle()

    def _restyle(self) -> None:
        self._mark.setPen(pg.mkPen(theme.current().colour("faint"), width=1))
        for item, line in zip(self._items, self.lines, strict=True):
            pen = pen_of(line.place, self._role)
            pen.setCosmetic(True)
            item.setPen(pen)


class _Ends(QWidget):
    """The letters, over the plot; the mouse goes through them."""

    def __init__(self, plot: ComparePlot) -> None:
        super().__init__(plot)
        self._plot = plot
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a letter behind each end."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for letter, at in self._plot.ends():
            area = QRectF(at.x() + 4, at.y() - LETTER / 2, LETTER, LETTER)
            paint_letter(painter, area, letter)


def _thinned(x: Array, y: Array) -> tuple[Array, Array]:
    """Return as many points as can be seen."""
    every = max(1, len(x) // POINTS)
    return x[::every], y[::every]


def _apart(ends: list[tuple[str, QPointF]], bottom: float) -> list[tuple[str, QPointF]]:
    """Move letters that would lie over one another apart: down, or up where the plot ends."""
    step = LETTER + 1
    placed = sorted(ends, key=lambda end: end[1].y())
    for order, way in ((placed, 1), (placed[::-1], -1)):
        limit = bottom if way < 0 else -math.inf
        for i, (_, at) in enumerate(order):
            near = [p.y() + way * step for _, p in order[:i] if abs(p.x() - at.x()) < LETTER]
            at.setY(max([at.y(), limit, *near]) if way > 0 else min([at.y(), limit, *near]))
    return placed
