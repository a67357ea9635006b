"""What live parts with a network of another page have in common, and the digit that they share."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QShowEvent

from core.lessons.forward_trace import TraceStage, WeightedSum, forward_trace
from core.playgrounds.digits.data import bundled
from core.telemetry.events import Array
from gui.lessons.context import LessonContext
from gui.theme import IconButton
from gui.widgets.card import Card, label

INTERVAL = 500  # milliseconds between two updates while a network is trained
FIRST, NEXT = 370, 57  # which validation pictures are shown, one after another


class NetworkPart(Card):
    """A live part with a network; a subclass shows it in :meth:`refresh`."""

    def __init__(self, context: LessonContext, playground: str, title: str = "") -> None:
        super().__init__(title)
        self.session = context.session(playground)
        self.source = label("", "small")
        """Which network this is: its model, its size, and how long it was trained."""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self._update)
        for signal in (self.session.weights_changed, self.session.started, self.session.loaded):
            signal.connect(self._schedule)

    def refresh(self) -> None:
        """Show the network with its present weights; called only while this is visible."""
        raise NotImplementedError

    def _schedule(self, event: object = None) -> None:
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _update(self) -> None:
        info, weights = self.session.info, self.session.weights
        page = self.session.name.capitalize()
        if info is None or weights is None:
            self.source.setText(f"There is no network yet: train one on the {page} page.")
        else:
            self.source.setText(
                f"The network of the {page} page: {info.model}, {info.parameters:,} parameters,"
                f" after {weights.step:,} steps."
            )
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened while this was hidden."""
        super().showEvent(event)
        self._update()

    def abandon(self) -> None:
        """Update no more."""
        self._timer.stop()


class PlayButton(IconButton):
    """Calls ``step`` again and again until it returns False, or until this is hidden.

    Args:
        name: its object name.
        help: its tooltip.
        interval: milliseconds between two steps.
        begin: is called by a click, before the first step.
        step: returns whether there is another step.
    """

    def __init__(
        self,
        name: str,
        help: str,
        interval: int,
        begin: Callable[[], None],
        step: Callable[[], bool],
    ) -> None:
        super().__init__("play", help)
        self.setObjectName(name)
        self._timer, self._step = QTimer(self), step
        self._timer.setInterval(interval)
        self._timer.timeout.connect(self._next)
        self.clicked.connect(lambda: begin())
        self.clicked.connect(lambda: self._timer.start())

    def _next(self) -> None:
        if not self.isVisible() or not self._step():
            self._timer.stop()


class DigitTrace(QObject):
    """A picture, its forward trace through the digits network, and one selected output.

    The parts of the lesson share it: what is selected in one is shown in the next.
    """

    changed = Signal()
    """The picture, the weights or the selection."""

    def __init__(self, context: LessonContext) -> None:
        super().__init__()
        self.session = context.session("digits")
        self._example = FIRST
        self.picture: Array | None = self.next_example()
        """The input (28, 28), 0 paper to 1 ink; None for an empty canvas."""
        self.stages: tuple[TraceStage, ...] = ()
        self.stage = 0
        self.unit = 0
        self.place = (13, 13)
        self._traced: tuple[object, object] = (None, None)
        """The network and the weights of the stages."""

    def next_example(self) -> Array:
        """Return the next of the validation digits, (28, 28)."""
        pictures = bundled().validation.images
        self._example = (self._example + NEXT) % len(pictures)
        chosen: Array = pictures[self._example].float().numpy() / 255
        return chosen

    def show(self, picture: Array | None) -> None:
        """Trace another picture."""
        self.picture = picture
        self._trace()

    def refresh(self) -> None:
        """Trace with newer weights, if there are any."""
        if (self.session.unchanged_replica(), self.session.weights) != self._traced:
            self._trace()

    def _trace(self) -> None:
        session = self.session
        replica, weights = self._traced = (session.unchanged_replica(), session.weights)
        self.stages = ()
        if weights is not None and self.picture is not None:
            self.stages = forward_trace(replica.model, self.picture)
        self.select(self.stage, self.unit, self.place)

    def select(self, stage: int, unit: int, place: tuple[int, int]) -> None:
        """Select an output of a layer; indices beyond its size become the last one."""
        if self.stages:
            self.stage = min(stage, len(self.stages) - 1)
            size = self.selected.outputs.shape
            self.unit = min(unit, size[0] - 1)
            if self.selected.is_convolution:
                self.place = (min(place[0], size[1] - 1), min(place[1], size[2] - 1))
        self.changed.emit()

    @property
    def selected(self) -> TraceStage:
        """The selected layer."""
        return self.stages[self.stage]

    def weighted_sum(self) -> WeightedSum:
        """Return how the selected output is summed."""
        return self.selected.sum_of(self.unit, self.place)

    @property
    def logits(self) -> Array:
        """The ten outputs of the last layer."""
        return self.stages[-1].outputs
