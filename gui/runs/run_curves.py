"""The curves of a record, with a mark at the step that is looked at."""

import math

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from core.telemetry.history import History
from gui.widgets.curve_card import AccuracyCard, LossCard

HIGH = 206  # pixels


class RunCurves(QWidget):
    """The loss, and beside it the accuracy where that is known."""

    def __init__(self) -> None:
        super().__init__()
        self.loss, self.accuracy = LossCard(), AccuracyCard()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        for card, name in ((self.loss, "Loss"), (self.accuracy, "Accuracy")):
            card.plot.setObjectName(f"run{name}Plot")
            card.smoothing.setObjectName(f"run{name}Smoothing")
            card.plot.setAccessibleName(f"{name} of the run")
            row.addWidget(card, 1)
        self.set_alone(False)

    def show_history(self, history: History, uniform: float, unit: str) -> None:
        """Draw a record's curves.

        Args:
            history: what is known of the run.
            uniform: the loss of a uniform guess; 0 if it isn't known.
            unit: of the loss; "" for nothing that has a name.
        """
        self.loss.set_unit(unit)
        words = f"uniform guess {uniform:.2f}"
        self.loss.plot.set_line("uniform", uniform or math.nan, words)
        self.loss.draw(history)
        self.accuracy.setVisible("val_accuracy" in history.evaluations)
        if not self.accuracy.isHidden():
            self.accuracy.draw(history)
        validated = history.evaluations.get("val_loss")
        known = validated if validated and len(validated.y) else history.loss
        if len(known.y):
            self.loss.show_newest(f"{known.y[-1]:.4f}", known is validated)

    def set_alone(self, alone: bool) -> None:
        """Take all the height there is, where nothing stands below."""
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Expanding, policy.Expanding if alone else policy.Fixed)

    def sizeHint(self) -> QSize:
        """Leave most of the height to what stands below."""
        return QSize(super().sizeHint().width(), HIGH)

    def set_mark(self, step: int | None) -> None:
        """Mark the step that is looked at, or none."""
        for card in (self.loss, self.accuracy):
            card.plot.set_mark(step)
