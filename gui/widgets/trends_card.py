"""The numbers of a layer over the training, each as a small line."""

import math

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from core.numbers import number, percent
from core.telemetry.events import Array, LayerInfo
from core.telemetry.history import Curve
from core.telemetry.layer_health import UPDATE_GOOD
from gui.charts.axes import percent_tick
from gui.charts.lines import Line, PaintedChart
from gui.rich_text import rich
from gui.theme import MARGIN
from gui.widgets.layer_cards import LayerCard

HIGH, NARROWEST = 140, 132


class Trend(PaintedChart):
    """A small chart of one number, which stands newest beside its title."""

    def __init__(
        self, title: str, role: str, help: str, mark: float = math.nan, share: bool = False
    ) -> None:
        """Make it empty.

        Args:
            title: the term.
            role: the colour of the line.
            help: what the number means, for the tooltip.
            mark: a height worth a dashed line; the scale always reaches it.
            share: the numbers are shares: written as percentages, on a scale from zero.
        """
        write, tick = (percent, percent_tick) if share else (number, number)
        super().__init__("", f"{title} over the training", title, write=write, tick=tick)
        self.title = title
        self.x_holds = ()
        self.y_holds = (0.0, 0.1) if share else ()
        self.limits = (0.0, None) if share else (None, None)
        self.set_lines([Line(title, role)])
        self.set_line("mark", mark, number(mark))
        self.setToolTip(rich(help))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_line(self, x: Array, y: Array) -> None:
        """Show values y at the steps x, (n,) each; what is not finite is left out."""
        good = np.isfinite(y)
        self.set_curve(self.title, x[good].copy(), y[good].copy())
        self.y_title = f"{self.title}: {self.write(self.values[-1])}" if len(self.values) else ""
        self.set_hint("" if len(self.values) else f"{self.title}: no steps yet")
        self.changed()

    @property
    def values(self) -> Array:
        """The values shown, (n,)."""
        return self.lines[0].y

    def sizeHint(self) -> QSize:
        """Be small."""
        return QSize(180, HIGH)

    def minimumSizeHint(self) -> QSize:
        """Be readable."""
        return QSize(NARROWEST, HIGH)


class TrendsCard(LayerCard):
    """Mean, standard deviation, dead or saturated share, gradient, update-to-weight ratio."""

    def __init__(self) -> None:
        super().__init__("Layer statistics over training", "How has it changed?")
        self.trends = {
            "mean": Trend("mean", "activation", "The mean of the layer's activations."),
            "std": Trend(
                "standard deviation",
                "activation",
                "The standard deviation of the activations. Healthy layers keep a similar one from"
                " first to last.",
            ),
            "dead": Trend(
                "dead units",
                "fault",
                "The share of relu units that are zero for every example of the batch.",
                share=True,
            ),
            "saturated": Trend(
                "saturated",
                "warning",
                "The share of saturated activations: there the activation function is flat, and"
                " hardly any gradient passes.",
                share=True,
            ),
            "gradient_std": Trend(
                "log10 gradient",
                "gradient",
                "The standard deviation of the gradient at the layer's output, as a power of ten.",
            ),
            "update_to_data": Trend(
                "log10 update-to-weight",
                "update",
                "The update-to-weight ratio of a step, as a power of ten. Near \u22123 (1/1,000) is"
                " healthy; far above it a step is too large, far below it hardly learns.",
                mark=UPDATE_GOOD,
            ),
        }
        inside = QWidget()
        inside.setMinimumWidth(NARROWEST)  # or what its columns need keeps it from having fewer
        self._grid = QGridLayout(inside)
        self._grid.setContentsMargins(0, 4, 0, 0)
        self._grid.setHorizontalSpacing(MARGIN + 4)
        self._grid.setVerticalSpacing(MARGIN)
        self._inside = inside
        self._shown: list[Trend] = []
        self._columns = 0
        self.add(inside)

    def open(self, info: LayerInfo) -> None:
        """Get ready for a layer: a relu dies, a tanh saturates."""
        bad = {"relu": "dead", "tanh": "saturated", "sigmoid": "saturated"}.get(info.activation, "")
        unwanted = {"dead", "saturated"} - {bad}
        for name, trend in self.trends.items():
            trend.show_line(np.empty(0), np.empty(0))
            trend.setVisible(name not in unwanted)
        self._shown = [t for name, t in self.trends.items() if name not in unwanted]
        self._columns = 0
        self._arrange()
        self.wait("Train to see the curves")

    def show_history(self, curves: dict[str, Curve]) -> None:
        """Show the curves of the layer, as core.telemetry.history keeps them."""
        for name, trend in self.trends.items():
            if name in curves:
                y = curves[name].y
                if name == "gradient_std":
                    with np.errstate(divide="ignore"):
                        y = np.log10(y)
                trend.show_line(curves[name].x, y)
        if any(len(trend.values) for trend in self._shown):
            self.reveal(self._inside)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """All lines in one row if they fit, else in two."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        count = len(self._shown)
        columns = count if self.width() >= 168 * count else -(-count // 2)
        if columns == self._columns or not count:
            return
        self._columns = columns
        for trend in self.trends.values():
            self._grid.removeWidget(trend)
        for index, trend in enumerate(self._shown):
            self._grid.addWidget(trend, *divmod(index, columns))
        for column in range(len(self.trends)):
            self._grid.setColumnStretch(column, int(column < columns))
