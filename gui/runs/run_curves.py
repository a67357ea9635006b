"""The curves of a record, with a mark at the step that is looked at."""

from collections.abc import Mapping
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from core.telemetry.history import History
from gui import theme
from gui.widgets.curve_card import AccuracyCard, CurveCard, LossCard

HIGH = 206  # pixels
STROKE, APART = 14, 14  # pixels of a line in the legend, and between two names


class Legend(QWidget):
    """What the lines of a plot are, beside its title: their strokes and their names."""

    def __init__(self, roles: Mapping[str, str]) -> None:
        super().__init__()
        self._roles = dict(roles)
        self.setAccessibleName("Lines: " + ", ".join(roles))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Be as wide as the words."""
        metrics = QFontMetrics(theme.font(12))
        words = sum(metrics.horizontalAdvance(name) for name in self._roles)
        return QSize(words + len(self._roles) * (STROKE + 6 + APART), metrics.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a stroke and a name each."""
        painter, now, x = QPainter(self), theme.current(), 0
        painter.setFont(theme.font(12))
        middle = self.height() // 2
        for name, role in self._roles.items():
            wide = painter.fontMetrics().horizontalAdvance(name)
            painter.fillRect(x, middle, STROKE, 2, now.colour(role))
            painter.setPen(now.colour("muted"))
            place = QRect(x + STROKE + 6, 0, wide + 2, self.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, name)
            x += STROKE + 6 + wide + APART


class RunCurves(QWidget):
    """The loss, and beside it how often it is right, where that is known."""

    def __init__(self) -> None:
        super().__init__()
        self.loss, self.accuracy = LossCard(), AccuracyCard()
        self.loss.plot.setObjectName("runLossPlot")
        self.loss.plot.setAccessibleName("Loss of the run")
        self.accuracy.plot.setObjectName("runAccuracyPlot")
        self.accuracy.plot.setAccessibleName("Accuracy of the run")
        self._legend = Legend({"smoothed": "text", "validation": "validation"})
        self.loss.head.insertWidget(2, self._legend)
        self._marks = [self._mark(card) for card in (self.loss, self.accuracy)]
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.loss, 1)
        row.addWidget(self.accuracy, 1)
        self.set_alone(False)
        self._dress()

    @staticmethod
    def _mark(card: CurveCard) -> Any:
        mark = pg.InfiniteLine(0, angle=90)
        mark.hide()
        card.plot.addItem(mark)
        return mark

    def show_history(self, history: History, uniform: float) -> None:
        """Draw a record's curves.

        Args:
            history: what is known of the run.
            uniform: the loss of an even guess; 0 if it isn't known.
        """
        guess = f"an even guess {uniform:.2f}"
        self.loss.plot.set_line("uniform", uniform or float("nan"), guess)
        self.loss.draw(history)
        self.accuracy.setVisible("val_accuracy" in history.evaluations)
        judged = history.evaluations.get("val_loss")
        # The accuracy has a legend of its own, and a single line needs none.
        self._legend.setVisible(self.accuracy.isHidden() and judged is not None)
        if not self.accuracy.isHidden():
            self.accuracy.draw(history)
        known = judged if judged and len(judged.y) else history.loss
        if len(known.y):
            self.loss.tell(f"{known.y[-1]:.4f}", known is judged)

    def set_alone(self, alone: bool) -> None:
        """Take all the height there is, where nothing stands below."""
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Expanding, policy.Expanding if alone else policy.Fixed)

    def sizeHint(self) -> QSize:
        """Leave most of the height to what stands below."""
        return QSize(super().sizeHint().width(), HIGH)

    def set_mark(self, step: int | None) -> None:
        """Mark the step that is looked at, or none."""
        for mark in self._marks:
            mark.setVisible(step is not None)
            mark.setValue(step or 0)

    def changeEvent(self, event: QEvent) -> None:
        """Draw the marks in the colour of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_marks"):
            self._dress()

    def _dress(self) -> None:
        pen = pg.mkPen(theme.current().colour("muted"), width=1.6)
        for mark in self._marks:
            mark.setPen(pen)
