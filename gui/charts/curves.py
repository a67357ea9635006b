"""Curves over steps: how a loss falls, how an accuracy grows, how a layer changes.

pyqtgraph draws them; its defaults (automatic ranges, a legend, menus) cost a training most of its
speed, so ranges are set here, twice a second at most, and items are updated in place.
"""

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.telemetry.events import Array
from gui import theme
from gui.widgets.card import label

pg.setConfigOptions(imageAxisOrder="row-major", antialias=True)
POINTS = 600  # drawn at most: more than a plot has pixels would only cost time


def quiet(plot: pg.PlotWidget) -> pg.PlotItem:
    """Take from a plot what moves by itself: ranges, menus and buttons (they cost the most)."""
    item = plot.getPlotItem()
    item.setMenuEnabled(False)
    item.hideButtons()
    item.setMouseEnabled(False, False)
    item.disableAutoRange()
    item.layout.setContentsMargins(0, 4, 8, 0)
    for side in ("left", "bottom"):
        axis = item.getAxis(side)
        axis.enableAutoSIPrefix(False)
        axis.setStyle(tickLength=0, tickTextOffset=6, tickFont=theme.font(11))
    return item


class CurvePlot(pg.PlotWidget):
    """Named curves and dashed reference lines over one horizontal axis of steps."""

    def __init__(self, unit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._unit = unit
        self._curves: dict[str, tuple[pg.PlotDataItem, str, float]] = {}
        self._lines: dict[str, pg.InfiniteLine] = {}
        self._log = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(120)
        self.setFrameShape(self.Shape.NoFrame)
        item = quiet(self)
        item.getAxis("left").setWidth(46)
        item.getAxis("bottom").setHeight(22)
        self._hint = label("", "muted")
        self._hint.setParent(self)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.hide()
        self._legend = label("", "small")
        self._legend.setParent(self)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.hide()
        self._named = self._top = False
        self._dress()

    def add_curve(self, name: str, role: str, width: float = 1.8, alpha: int = 255) -> None:
        """Declare a curve in a colour of the theme; later ones lie on top."""
        # A wide antialiased line with many points is slow; skipping the hidden ones keeps it cheap.
        item = pg.PlotDataItem(skipFiniteCheck=False, connect="finite")
        item.setOpacity(alpha / 255)
        self._curves[name] = (item, role, width)
        self.addItem(item)
        self._dress()

    def set_curve(self, name: str, x: Array, y: Array) -> None:
        """Show these points."""
        every = max(1, len(x) // POINTS)
        x, y = x[::every], y[::every]
        if self._log:
            with np.errstate(divide="ignore", invalid="ignore"):
                y = np.log10(y)
        self._curves[name][0].setData(x, y)

    def set_line(self, name: str, value: float, label: str, role: str = "muted") -> None:
        """Show a horizontal reference line with its name."""
        if name in self._lines:
            self.removeItem(self._lines.pop(name))
        if not math.isfinite(value):
            return
        colour = theme.current().colour(role)
        position = math.log10(value) if self._log else value
        line = pg.InfiniteLine(
            position,
            angle=0,
            pen=pg.mkPen(colour, width=1, style=Qt.PenStyle.DashLine),
            label=label,
            labelOpts={"position": 0.97, "color": colour, "anchors": [(1, 1), (1, 1)]},
        )
        line.label.setFont(theme.font(11))
        line.reference = (value, label, role)
        line.setVisible(not self._hint.text())  # beneath the words it would only strike them out
        self._lines[name] = line
        self.addItem(line)

    def set_log(self, log: bool) -> None:
        """Draw log10 of the values, as the lectures do; takes effect with the next data."""
        self._log = log
        for name, line in list(self._lines.items()):
            self.set_line(name, *line.reference)

    def fit(self, x_end: float, low: float | None = None, high: float | None = None) -> None:
        """Set the ranges: from step 0 to ``x_end``, and all values unless limits are given."""
        values = [item.yData for item, _, _ in self._curves.values() if item.yData is not None]
        values = [v[np.isfinite(v)] for v in values]
        values = [v for v in values if len(v)]
        bottom = min((float(v.min()) for v in values), default=0.0) if low is None else low
        # The highest single points are noise; leaving them out keeps the rest readable.
        top = max((float(np.quantile(v, 0.995 if len(v) > 50 else 0.9)) for v in values), default=1)
        top = top if high is None else high
        for line in self._lines.values():
            if low is None:
                bottom = min(bottom, line.value())
            if high is None:
                top = max(top, line.value())
        pad = 0.06 * max(top - bottom, 1e-6)
        room = 2.5 * pad if self._lines else pad  # a line's name stands above it
        self.setRange(
            xRange=(0, max(1.0, x_end)), yRange=(bottom - pad, top + room), padding=0, update=False
        )

    def show_legend(self, top: bool = False) -> None:
        """Name the curves in their colours, in a right corner: in that where little happens."""
        self._named, self._top = True, top
        self._legend.show()
        self._dress()

    def set_hint(self, words: str) -> None:
        """Say what will be seen, in place of axes that measure nothing; "" for the axes."""
        self._hint.setText(words)
        self._hint.setVisible(bool(words))
        self._legend.setVisible(not words and bool(self._legend.text()))
        for side in ("left", "bottom"):
            self.getPlotItem().showAxis(side, not words)
        for line in self._lines.values():
            line.setVisible(not words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the hint in the middle."""
        super().resizeEvent(event)
        if hasattr(self, "_hint"):
            self._hint.setGeometry(self.rect())
            size = self._legend.sizeHint()
            above = 2 if self._top else self.height() - 52
            self._legend.setGeometry(
                self.width() - size.width() - 16, above, size.width(), size.height()
            )

    def changeEvent(self, event: QEvent) -> None:
        """Take over the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_curves"):
            self._dress()

    def _dress(self) -> None:
        colours = theme.current()
        self.setBackground(colours.colour("surface"))
        for side in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(colours.colour("border")))
            axis.setTextPen(pg.mkPen(colours.colour("muted")))
        self.getPlotItem().showGrid(y=True, alpha=0.25)
        words = [
            f'<span style="color:{getattr(colours, role)}">&#9644; {name}</span>'
            for name, (_, role, _) in self._curves.items()
        ]
        if self._named:
            self._legend.setText("&nbsp;&nbsp; ".join(words))
        for item, role, width in self._curves.values():
            item.setPen(pg.mkPen(colours.colour(role), width=width))
        for name, line in list(self._lines.items()):
            self.set_line(name, *line.reference)
