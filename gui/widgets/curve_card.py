"""A card with curves of a run, drawn when it is time."""

import math
from typing import Any

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent

from core.telemetry.history import Curve, History
from gui.charts.curves import CurvePlot
from gui.theme import GAP, MARGIN
from gui.widgets.card import Card, dress, label

LADDER, NAMES = "How far up the ladder?", "And new names?"
NARROWEST = 220  # pixels
ROOM = 2 * MARGIN + 50  # pixels that margins and a number take beside the rest


class CurveCard(Card):
    """A plot under a question, and the newest number beside it.

    A subclass declares its curves and says how a history is drawn.
    """

    def __init__(self, title: str, unit: str, name: str) -> None:
        super().__init__(title)
        self.plot = CurvePlot(unit)
        self.plot.setObjectName(name)
        self.now = label("", "muted")
        self.head.addWidget(self.now)
        self.body.addWidget(self.plot)

    def minimumSizeHint(self) -> QSize:
        """Ask for the same width with and without the number, which comes and goes with it."""
        return QSize(NARROWEST, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the number out where the question would not stand beside it."""
        super().resizeEvent(event)
        beside = sum(
            item.sizeHint().width() + GAP
            for i in range(1, self.head.count())
            if (item := self.head.itemAt(i)) is not None
        )
        self.now.setVisible(self.width() >= self.title.sizeHint().width() + beside + ROOM)

    def tell(self, words: str, validated: bool) -> None:
        """Say the newest number, in the colour of its curve."""
        self.now.setText(words)
        told = "validation data" if validated else "what it learns from"
        self.now.setToolTip(f"<p>On {told}, newest.</p>")
        dress(self.now, "validation" if validated else "muted")

    def draw(self, history: History) -> None:
        """Bring the curves up to date."""
        end = self.draw_curves(history)
        if not len(history.loss.x):
            self.now.setText("")
        self.plot.set_hint("" if len(history.loss.x) else "Train to see the curve")
        self.fit(end)

    def draw_curves(self, history: History) -> float:
        """Set the curves; return the last step."""
        raise NotImplementedError

    def fit(self, end: float) -> None:
        """Set the ranges."""
        raise NotImplementedError

    def show_curve(self, name: str, curve: Curve | None, smooth: Any = None) -> None:
        """Show a curve of the history, or none."""
        if curve is None:
            self.plot.set_curve(name, np.empty(0), np.empty(0))
        else:
            self.plot.set_curve(name, curve.x, curve.y if smooth is None else smooth)


class LossCard(CurveCard):
    """The loss of every step, smoothed, and on data that was not trained on."""

    def __init__(self) -> None:
        super().__init__("How wrong is it?", "loss", "lossPlot")
        self.log = False
        self.plot.add_curve("every step", "faint", 1.0, 110)
        self.plot.add_curve("smoothed", "text")
        self.plot.add_curve("validation", "validation")

    def draw_curves(self, history: History) -> float:
        """Set the curves; return the last step."""
        loss = history.loss
        self.show_curve("every step", loss)
        self.show_curve("smoothed", loss, loss.smoothed())
        self.show_curve("validation", history.evaluations.get("val_loss"))
        return float(loss.x[-1]) if len(loss.x) else 1.0

    def fit(self, end: float) -> None:
        """From zero on, or the whole of the logarithms."""
        self.plot.fit(end, None if self.log else 0.0)


class AccuracyCard(CurveCard):
    """The share of right answers, in training and on validation data."""

    def __init__(self) -> None:
        super().__init__("How often is it right?", "accuracy", "accuracyPlot")
        self.plot.add_curve("training", "text")
        self.plot.add_curve("validation", "validation")
        self.plot.show_legend()

    def draw_curves(self, history: History) -> float:
        """Set the curves; return the last step."""
        accuracy = history.accuracy
        self.show_curve("training", accuracy, accuracy.smoothed(10))
        self.show_curve("validation", history.evaluations.get("val_accuracy"))
        judged = history.evaluations.get("val_accuracy")
        known = judged if judged and len(judged.y) else accuracy
        if len(known.y):
            self.tell(f"{known.y[-1]:.1%}", known is judged)
        return float(history.loss.x[-1]) if len(history.loss.x) else 1.0

    def fit(self, end: float) -> None:
        """From none to all."""
        self.plot.fit(end, 0.0, 1.0)


class StandingCard(CurveCard):
    """Losses on whole names, trained on and new, between values that others reached.

    Args:
        marks: values and their names, for lines across the plot.
        low, high: what is drawn then; what is above is seen as soon as it comes down.
    """

    def __init__(self, marks: dict[str, float], low: float, high: float) -> None:
        super().__init__(LADDER, "loss", "standingPlot")
        self._marks, self._limits = marks, (low, high)
        self._marked = True
        self.plot.add_curve("training names", "text")
        self.plot.add_curve("new names", "validation")
        self.plot.show_legend(top=True)
        self.show_marks(True)

    def show_marks(self, on: bool) -> None:
        """Show what others reached, if it was on the same data."""
        self._marked = on
        self.title.setText(LADDER if on else NAMES)
        for name, value in self._marks.items():
            self.plot.set_line(name, value if on else math.nan, f"{name} {value:.2f}")

    def draw_curves(self, history: History) -> float:
        """Set the curves; return the last step."""
        found = history.evaluations
        self.show_curve("training names", found.get("train_loss"))
        self.show_curve("new names", found.get("val_loss"))
        if curve := found.get("val_loss"):
            self.tell(f"{curve.y[-1]:.3f}", True)
        return float(history.loss.x[-1]) if len(history.loss.x) else 1.0

    def fit(self, end: float) -> None:
        """Keep the ladder in view, where it can be compared with."""
        low, high = self._limits if self._marked else (None, None)
        self.plot.fit(end, low, high)


class CharacterCard(CurveCard):
    """The loss per character, in which networks with different tokenizers can be compared.

    Args:
        known: what others reached on Tiny Shakespeare, and their names.
    """

    def __init__(self, known: dict[str, float]) -> None:
        super().__init__("How wrong per character?", "nats", "characterPlot")
        self._known, self._compared = known, False
        self.plot.add_curve("training text", "text")
        self.plot.add_curve("new text", "validation")
        self.plot.show_legend(top=True)
        self.setToolTip(
            "<p>Nats per character: the loss per token, shared out over the characters of a token."
            " The same characters are judged whatever the tokenizer. A nat is 1.44 bits.</p>"
        )

    def set_text(self, tiny: bool) -> None:
        """Show what others reached, where it was on the same text."""
        self._compared = tiny
        for name, value in self._known.items():
            self.plot.set_line(name, value if tiny else math.nan, f"{name} {value:.2f}")

    def draw_curves(self, history: History) -> float:
        """Set the curves; return the last step."""
        found = history.evaluations
        self.show_curve("training text", found.get("train_nats_per_char"))
        self.show_curve("new text", found.get("val_nats_per_char"))
        if curve := found.get("val_nats_per_char"):
            nats = float(curve.y[-1])
            self.tell(f"{nats:.3f}", True)
            self.now.setToolTip(f"{nats:.4f} nats, {nats / math.log(2):.4f} bits a character")
        return float(history.loss.x[-1]) if len(history.loss.x) else 1.0

    def fit(self, end: float) -> None:
        """Keep what others reached in view, where it can be compared with."""
        low, high = (1.2, 3.0) if self._compared else (None, None)
        self.plot.fit(end, low, high)
