"""How has it changed? The numbers of a layer over the training, each as a small line."""

import numpy as np
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from core.telemetry.events import LayerInfo
from core.telemetry.history import Curve
from gui.charts.trend import Trend
from gui.theme import MARGIN
from gui.widgets.insight_card import InsightCard


class TrendsCard(InsightCard):
    """Mean, spread, dead or saturated share, gradient, and update to data."""

    def __init__(self) -> None:
        super().__init__("How has it changed?")
        self.trends = {
            "mean": Trend("mean", "activation", "The mean of the layer's activations."),
            "std": Trend(
                "spread",
                "activation",
                "The standard deviation of the activations. Healthy layers keep a similar spread"
                " from first to last.",
            ),
            "dead": Trend(
                "dead units",
                "fault",
                "The share of units that were never above zero on the batch.",
                share=True,
            ),
            "saturated": Trend(
                "saturated",
                "warning",
                "The share of activations at the flat ends, where hardly any gradient passes.",
                share=True,
            ),
            "gradient_std": Trend(
                "gradient, log10",
                "gradient",
                "The standard deviation of the gradient at the layer's output, as a power of ten.",
            ),
            "update_to_data": Trend(
                "update to data, log10",
                "update",
                "How large a step's update is against the weights. Near \u22123, a thousandth, is"
                " healthy: far above it forgets, far below it stands still.",
                mark=-3.0,
            ),
        }
        inside = QWidget()
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
        self.wait("Train it, and its numbers draw their lines here.")

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
