"""Cards with the curves of a run: the loss, the accuracy, and both losses on whole data sets."""

import math
import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.numbers import number, percent
from core.telemetry.history import Curve, History
from gui.charts.axes import TickWriter, with_unit
from gui.charts.evidence import EvidencePicture, loss_picture
from gui.charts.lines import Line, PlotChart
from gui.charts.navigation import NAVIGATION
from gui.charts.smoothing import SmoothingSlider
from gui.rich_text import rich
from gui.theme import GAP, MARGIN
from gui.widgets.card import Card, dress, label
from gui.widgets.layout_widgets import widgets_of

NARROWEST = 204  # pixels
ROOM = 2 * MARGIN + 50  # pixels that margins and a number take beside the rest
REDRAW = 0.5  # seconds between two drawings of a small curve
NOTHING = Curve()


class CurveCard(Card):
    """A chart under its term, and the newest number beside it.

    A subclass declares its curves and says how a history is drawn.
    """

    def __init__(
        self,
        title: str,
        question: str,
        name: str,
        y_title: str,
        lines: Sequence[Line],
        write: Callable[[float], str] = number,
        tick: TickWriter = number,
    ) -> None:
        """Make it empty.

        Args:
            title: the term for what is drawn.
            question: what it answers, for the tooltip.
            name: of the chart, as an object.
            y_title: of the y-axis, with its unit.
            lines: the curves.
            write: writes a value.
            tick: writes a value at the y-axis.
        """
        super().__init__(title)
        self.plot = PlotChart(name, title, y_title, "step", write, tick)
        self.plot.setToolTip(rich(f"{title}: {question}", NAVIGATION))
        self.title.setToolTip(rich(question))
        self.plot.set_lines(lines)
        self.now = label("", "muted")
        self.head.addWidget(self.now)
        self.body.addWidget(self.plot)
        self._history: History | None = None

    def add_smoothing(self) -> None:
        """Offer to smooth the curve."""
        self.smoothing = SmoothingSlider(f"{self.plot.objectName()}Smoothing")
        self.smoothing.valueChanged.connect(self._redraw)
        self.head.addWidget(self.smoothing)

    def _redraw(self) -> None:
        if self._history is not None:
            self.draw(self._history)

    def minimumSizeHint(self) -> QSize:
        """Ask for the same width with and without the number, which comes and goes with it."""
        return QSize(NARROWEST, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the number out where the title would not stand beside it."""
        super().resizeEvent(event)
        others = [w for w in widgets_of(self.head) if w not in (self.title, self.now)]
        beside = GAP + sum(GAP + _width(other) for other in others)
        self.now.setVisible(self.width() >= self.title.sizeHint().width() + beside + ROOM)

    def show_newest(self, words: str, validated: bool) -> None:
        """Show the newest number, in the colour of its curve."""
        self.now.setText(words)
        self.now.setToolTip(f"<p>Newest, on {'validation' if validated else 'training'} data.</p>")
        dress(self.now, "validation" if validated else "muted")

    def draw(self, history: History) -> None:
        """Bring the curves up to date."""
        self._history = history
        self.draw_curves(history)
        if not len(history.loss.x):
            self.now.setText("")
        waits = "Nothing is evaluated yet" if len(history.loss.x) else "Train to see the curve"
        self.plot.set_hint("" if any(len(line.x) for line in self.plot.lines) else waits)
        self.plot.changed()

    def draw_curves(self, history: History) -> None:
        """Give the chart the curves of a history."""
        raise NotImplementedError

    def show_evaluations(self, history: History, **names: str) -> Curve:
        """Show what was evaluated under these names; return the last of these curves."""
        curve = NOTHING
        for key, name in names.items():
            curve = history.evaluations.get(key, NOTHING)
            self.plot.set_curve(name, curve.x, curve.y)
        return curve

    def show_smoothed(self, name: str, curve: Curve) -> None:
        """Show a curve as smooth as is set."""
        self.plot.set_curve(name, curve.x, self.smoothing.smooth(curve.x, curve.y))


class LossCard(CurveCard):
    """The loss of every step, smoothed, and on validation data."""

    QUESTION = "How wrong the predictions are; lower is better."

    def __init__(self) -> None:
        lines = [
            Line("every step", "faint", 1.0, 110),
            Line("smoothed", "text"),
            Line("validation", "validation"),
        ]
        super().__init__(
            "Loss",
            self.QUESTION,
            "lossPlot",
            "loss",
            lines,
        )
        self.plot.limits = (0.0, None)
        self.add_smoothing()

    def set_difference(self, words: str) -> None:
        """Say in the tooltips in what training and validation loss differ; "" for in nothing."""
        question = f"{self.QUESTION} {words}".strip()
        self.plot.setToolTip(rich(f"Loss: {question}", NAVIGATION))
        self.title.setToolTip(rich(question))

    def set_unit(self, unit: str) -> None:
        """Say what the loss is measured in; "" for nothing that has a name."""
        self.plot.y_title = with_unit("loss", unit)

    def set_log(self, log: bool) -> None:
        """Draw the loss over a logarithmic axis, or over a linear one from zero."""
        self.plot.log_y = log
        self.plot.changed()

    def draw_curves(self, history: History) -> None:
        """Give the chart the curves of a history."""
        loss = history.loss
        self.plot.set_curve("every step", loss.x, loss.y)
        self.show_smoothed("smoothed", loss)
        self.show_evaluations(history, val_loss="validation")


class AccuracyCard(CurveCard):
    """The share of right answers, on training and on validation data."""

    def __init__(self) -> None:
        super().__init__(
            "Accuracy",
            "The share of correct predictions.",
            "accuracyPlot",
            "accuracy (%)",
            [Line("training", "text"), Line("validation", "validation")],
            lambda share: percent(share, 1),
            lambda share, figures: number(100 * share, figures),
        )
        self.plot.limits = (0.0, 1.04)
        self.add_smoothing()

    def draw_curves(self, history: History) -> None:
        """Give the chart the curves of a history."""
        self.show_smoothed("training", history.accuracy)
        validated = self.show_evaluations(history, val_accuracy="validation")
        known = validated if len(validated.y) else history.accuracy
        if len(known.y):
            self.show_newest(f"{known.y[-1]:.1%}", known is validated)


class ValidationCard(CurveCard):
    """Losses on whole data sets, trained on and new, between values that others reached.

    Args:
        references: the models that are compared with, and their losses.
        low, high: what is drawn then; what is above is seen as soon as it comes down.
    """

    def __init__(self, references: dict[str, float], low: float, high: float) -> None:
        super().__init__(
            "Training and validation loss",
            "How well does it predict names, those of its training and new ones? Where the two"
            " losses part, it overfits.",
            "standingPlot",
            "loss (nats per character)",
            [Line("training", "text"), Line("validation", "validation")],
        )
        self._references, self._limits = references, (low, high)
        self.show_references(True)

    def show_references(self, on: bool) -> None:
        """Show what others reached, if it was on the same data."""
        self.plot.limits = self._limits if on else (None, None)
        for name, value in self._references.items():
            self.plot.set_line(name, value if on else math.nan, f"{name} {value:.2f}")

    def draw_curves(self, history: History) -> None:
        """Give the chart the curves of a history."""
        curve = self.show_evaluations(history, train_loss="training", val_loss="validation")
        if len(curve.y):
            self.show_newest(f"{curve.y[-1]:.3f}", True)


class CharacterCard(CurveCard):
    """The loss per character, in which networks with different tokenizers can be compared.

    Args:
        known: what others reached on Tiny Shakespeare, and their names.
    """

    def __init__(self, known: dict[str, float]) -> None:
        super().__init__(
            "Loss per character (nats)",
            "The loss per token, divided by the characters of a token, so that networks with"
            " different tokenizers can be compared. A nat is 1.44 bits.",
            "characterPlot",
            "loss (nats per character)",
            [Line("training", "text"), Line("validation", "validation")],
        )
        self._known = known

    def set_text(self, tiny: bool) -> None:
        """Show what others reached, where it was on the same text."""
        self.plot.limits = (1.2, 3.0) if tiny else (None, None)
        for name, value in self._known.items():
            self.plot.set_line(name, value if tiny else math.nan, f"{name} {value:.2f}")

    def draw_curves(self, history: History) -> None:
        """Give the chart the curves of a history."""
        curve = self.show_evaluations(
            history, train_nats_per_char="training", val_nats_per_char="validation"
        )
        if len(curve.y):
            nats = float(curve.y[-1])
            self.show_newest(f"{nats:.3f}", True)
            self.now.setToolTip(f"{nats:.4f} nats, {nats / math.log(2):.4f} bits per character")


class LiveLoss(QWidget):
    """The loss while the doctor observes, small, beside its words."""

    def __init__(self, name: str = "doctorCurve") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFixedWidth(320)
        self._history: History | None = None
        self._uniform = 0.0
        self._drawn = 0.0
        self.picture = EvidencePicture(144)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(label("Loss", "heading"))
        column.addWidget(self.picture)
        self.hide()

    def watch(self, history: History | None, uniform: float = 0.0) -> None:
        """Draw this history from now on, or nothing; ``uniform`` is the loss of a uniform guess."""
        self._history, self._uniform = history, uniform
        self.setVisible(history is not None)
        self.draw(now=True)

    def draw(self, now: bool = False) -> None:
        """Bring the lines up to date, if they are seen and it is time."""
        soon = time.monotonic() - self._drawn < REDRAW
        if self._history is None or not self.isVisible() or (soon and not now):
            return
        self._drawn = time.monotonic()
        self.picture.show_picture(loss_picture(self._history, self._uniform))

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while it was hidden."""
        super().showEvent(event)
        self.draw(now=True)


def _width(widget: QWidget) -> int:
    """Return the width that a layout gives a widget."""
    wanted = widget.sizeHint().expandedTo(widget.minimumSize()).boundedTo(widget.maximumSize())
    return 0 if widget.isHidden() else wanted.width()
