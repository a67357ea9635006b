"""The learning-rate sweep of makemore part 2: which rate is right for this network."""

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QFont, QHelpEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolTip

from core.telemetry.events import Array
from gui import theme
from gui.charts.curves import quiet
from gui.theme import GAP
from gui.widgets.buttons import push_button
from gui.widgets.card import Card, label

POINTS = 600  # drawn at most: more than the plot has pixels would only cost time
BURST = 1.5  # the scale ends at this many times the first loss; beyond, it has burst
HINT = (
    "Trains a fresh network while the rate rises a little with every step;"
    " a third of that at which the loss is lowest is a rate to take."
)
HELP = (
    "<p>Each point is one step with a learning rate of its own, from small to large. Far left the"
    " rate is too small to learn anything, far right the steps are so long that the loss bursts."
    " Points on the upper edge lie beyond the scale.</p>"
)


class LRRangeCard(Card):
    """Asks for a sweep, shows its losses, and hands the rate on."""

    sweepAsked = Signal()
    rateTaken = Signal(float)
    """Train with this learning rate from now on."""

    def __init__(self) -> None:
        super().__init__("Which learning rate is right?")
        self.setObjectName("sweepCard")
        self.setAccessibleName("Which learning rate is right?")
        self._may_sweep, self._running = True, False
        self._valley: float | None = None
        self.plot = LRRangePlot()
        self.sentence = label("", "small", wrap=True)
        self.sentence.setObjectName("sweepSentence")
        self.sentence.setMinimumHeight(32)  # two lines, always: nothing below moves
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.sweep = push_button("sweepButton", "Sweep", HINT)
        self.sweep.clicked.connect(self.sweepAsked)
        self.use = push_button("useRate", "Use this rate", "Write the marked rate into the recipe.")
        self.use.clicked.connect(self._take)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.sweep)
        row.addWidget(self.use)
        row.addStretch(1)
        self.legend = label("Loss in each step, and smoothed", "small")
        self.legend.hide()
        self.body.addWidget(self.legend)
        self.body.addWidget(self.plot, 1)
        self.body.addWidget(self.sentence)
        self.body.addLayout(row)
        self._refresh()

    def show_sweep(
        self, rates: Array, losses: Array, valley: float | None, words: str = ""
    ) -> None:
        """Show the losses so far; may be called again and again while the sweep goes on.

        Costs a few milliseconds where it is seen, and next to nothing where it is hidden.

        Args:
            rates: the learning rate of each step, (n,), rising.
            losses: the loss in that step, (n,); may be huge or no number at the end.
            valley: the rate to take, or None while it isn't known.
            words: a sentence about what is seen.
        """
        self._valley = valley if valley is not None and valley > 0 else None
        self.plot.show_points(rates, losses, self._valley)
        self.legend.setVisible(len(rates) > 0)
        self.sentence.setText(words)
        self.plot.setAccessibleDescription(words)
        self._refresh()

    def set_running(self, running: bool) -> None:
        """Say whether a sweep goes on."""
        self._running = running
        self._refresh()

    def set_enabled_to_sweep(self, enabled: bool) -> None:
        """Say whether a sweep may be begun now."""
        self._may_sweep = enabled
        self._refresh()

    def _refresh(self) -> None:
        self.sweep.setEnabled(self._may_sweep and not self._running)
        self.sweep.setText("Sweeping…" if self._running else "Sweep")
        self.use.setEnabled(self._valley is not None and not self._running)

    def _take(self) -> None:
        if self._valley is not None:
            self.rateTaken.emit(self._valley)


class LRRangePlot(pg.PlotWidget):
    """Losses over the logarithm of the learning rate, in the look of the other curves."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("sweepPlot")
        self.setAccessibleName("Loss over learning rate")
        self.setToolTip(HELP)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # there is nothing to do with keys
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 170)
        self.setFrameShape(self.Shape.NoFrame)
        self._rates: Array = np.empty(0)
        self._losses: Array = np.empty(0)
        self._valley: float | None = None
        self._stale = False
        self._ends: tuple[float, ...] = ()
        item = quiet(self)
        for side in ("left", "bottom"):
            item.getAxis(side).setStyle(hideOverlappingLabels=24)  # else 0.001 is left out
        item.getAxis("left").setWidth(46)
        item.getAxis("bottom").setHeight(38)
        self.points = pg.PlotDataItem(pen=None, symbol="o", symbolSize=3.5, symbolPen=None)
        self.line = pg.PlotDataItem(antialias=True)
        self.mark = pg.InfiniteLine(angle=90, label="", labelOpts={"position": 0.93})
        self.mark.label.setFont(theme.font(12, QFont.Weight.DemiBold))
        self.mark.hide()
        for part in (self.points, self.line, self.mark):
            self.addItem(part)
        self._hint = label(HINT, "muted", wrap=True)
        self._hint.setParent(self)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._dress()
        self._draw()

    def show_points(self, rates: Array, losses: Array, valley: float | None) -> None:
        """Show losses (n,) at rates (n,), and the rate to take."""
        self._rates, self._losses = np.asarray(rates, float), np.asarray(losses, float)
        self._valley, self._stale = valley, True
        if self.isVisible():
            self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while this was hidden."""
        super().showEvent(event)
        if self._stale:
            self._draw()

    def _draw(self) -> None:
        self._stale = False
        there = len(self._rates) > 0
        self._hint.setVisible(not there)
        for side in ("left", "bottom"):
            if self.getPlotItem().getAxis(side).isVisible() != there:
                self.getPlotItem().showAxis(side, there)
        every = max(1, math.ceil(len(self._rates) / POINTS))
        x = np.log10(np.maximum(self._rates, 1e-12))
        low, top = scale(self._losses)
        # What burst is left just beyond the edge: the line leaves the picture, the scale stays.
        y = np.minimum(np.where(np.isfinite(self._losses), self._losses, np.inf), 1.1 * top)
        self.points.setData(x[::every], np.minimum(y, top)[::every])
        self.line.setData(x[::every], smoothed(y)[::every])
        self.mark.setVisible(self._valley is not None)
        if self._valley is not None:
            self.mark.setValue(math.log10(self._valley))
            self.mark.label.setFormat(f"{self._valley:.2g}")
        self._set_scale(x, low, top)

    def _set_scale(self, x: Array, low: float, top: float) -> None:
        """Fix the ranges, so that they stand still while the sweep goes on; dear, so not twice."""
        first, last = min(-3.0, float(x.min(initial=-3.0))), max(0.0, float(x.max(initial=0.0)))
        if (first, last, low, top) == self._ends:
            return
        self._ends = (first, last, low, top)
        whole = range(math.ceil(first - 1e-6), math.floor(last + 1e-6) + 1)
        decades = [(n, f"{10.0**n:.{max(0, -n)}f}") for n in whole]
        item, room = self.getPlotItem(), 0.04 * (top - low)
        item.getAxis("bottom").setTicks([decades])
        item.getAxis("left").setTicks([ticks(low, top)])
        self.setRange(
            xRange=(first - 0.06, last + 0.06), yRange=(low - room, top + room), padding=0
        )

    def describe(self, at: QPoint) -> str:
        """Say what the point nearest to a place on the plot is."""
        if not len(self._rates):
            return HELP
        x = self.getPlotItem().vb.mapSceneToView(self.mapToScene(at)).x()
        nearest = int(np.abs(np.log10(np.maximum(self._rates, 1e-12)) - x).argmin())
        rate, loss = float(self._rates[nearest]), float(self._losses[nearest])
        words = f"{loss:.3f}" if math.isfinite(loss) else "no number: it burst"
        return f"<p>Learning rate {rate:.3g}: loss {words}.</p>{HELP}"

    def viewportEvent(self, event: QEvent) -> bool:
        """Tell the point under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.describe(event.pos()), self)
            return True
        return bool(super().viewportEvent(event))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the hint in the middle."""
        super().resizeEvent(event)
        if hasattr(self, "_hint"):
            self._hint.setGeometry(self.rect().adjusted(12, 0, -12, 0))

    def changeEvent(self, event: QEvent) -> None:
        """Take over the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_hint"):
            self._dress()

    def _dress(self) -> None:
        now, item = theme.current(), self.getPlotItem()
        self.setBackground(now.colour("surface"))
        for side in ("left", "bottom"):
            item.getAxis(side).setPen(pg.mkPen(now.colour("border")))
            item.getAxis(side).setTextPen(pg.mkPen(now.colour("muted")))
        item.getAxis("bottom").setLabel(
            "learning rate", **{"color": now.muted, "font-size": "11px"}
        )
        item.showGrid(y=True, alpha=0.25)  # with one for x, pyqtgraph leaves 0.001 out
        self.points.setSymbolBrush(now.colour("faint", 150))
        self.line.setPen(pg.mkPen(now.colour("text"), width=1.8))
        self.mark.setPen(pg.mkPen(now.colour("update"), width=1.6))
        self.mark.label.setColor(now.colour("text"))
        self.mark.label.fill = pg.mkBrush(now.colour("surface", 220))


def scale(losses: Array) -> tuple[float, float]:
    """Return the ends of the scale of losses (n,): below the lowest, and above the first."""
    finite = losses[np.isfinite(losses)]
    if not finite.size:
        return 0.0, 1.0
    # The first few, since a single one may be high by chance.
    first = float(np.median(finite[:10]))
    # In tenths of the first loss: a scale that moves with every point is restless, and dear.
    tenth = max(first, 1e-3) / 10
    low = math.floor(float(np.minimum(finite, first).min()) / tenth - 0.5) * tenth
    top = math.ceil(float(np.maximum(finite, first).max()) / tenth + 0.5) * tenth
    return max(0.0, low), min(top, BURST * 10 * tenth)


def ticks(low: float, top: float) -> list[tuple[float, str]]:
    """Return round numbers between two ends, three to six, each with its words."""
    steps = [m * 10.0**e for e in range(-4, 4) for m in (1, 2, 5)]
    step = next((s for s in steps if (top - low) / s <= 5), steps[-1])
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    whole = range(math.ceil(low / step), math.floor(top / step) + 1)
    return [(n * step, f"{n * step:.{places}f}") for n in whole]


def smoothed(losses: Array) -> Array:
    """Return losses (n,) averaged over their neighbours, those further off counting less."""
    reach = max(1, len(losses) // 25)
    weights = np.hanning(2 * reach + 1 + 2)[1:-1]
    if len(losses) < 2:
        return losses
    total = np.convolve(losses, weights)[reach:-reach]
    counted = np.convolve(np.ones(len(losses)), weights)[reach:-reach]
    mean: Array = total / counted
    return mean
