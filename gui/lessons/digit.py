"""The digit whose way through a network is followed, and where on that way one looks."""

from PySide6.QtCore import QObject, Signal

from core.lessons.forward_trace import Sum, TraceStage, journey
from core.playgrounds.digits.data import bundled
from core.telemetry.events import Array
from gui.lessons.context import LessonContext

FIRST, NEXT = 370, 57  # which held-out pictures are shown, one after another


class Digit(QObject):
    """A picture, what each layer of the digits network makes of it, and one chosen output.

    The parts of the lesson share it: what is chosen in one is opened in the next.
    """

    changed = Signal()
    """Another picture, other weights, or another choice."""

    def __init__(self, room: LessonContext) -> None:
        super().__init__()
        self.session = room.session("digits")
        self._shown = FIRST
        self.picture: Array | None = self.example()
        """What the network is shown (28, 28), 0 paper to 1 ink; None for an empty canvas."""
        self.stages: tuple[TraceStage, ...] = ()
        self.stage = 0
        self.unit = 0
        self.place = (13, 13)
        self._seen: tuple[object, object] = (None, None)
        """The network and the weights that the stages are of."""

    def example(self) -> Array:
        """Return the next of the held-out digits, (28, 28)."""
        pictures = bundled().validation.images
        self._shown = (self._shown + NEXT) % len(pictures)
        chosen: Array = pictures[self._shown].float().numpy() / 255
        return chosen

    def show(self, picture: Array | None) -> None:
        """Send another picture on its way."""
        self.picture = picture
        self._travel()

    def follow(self) -> None:
        """Take over newer weights, if there are any."""
        if (self.session.replica, self.session.weights) != self._seen:
            self._travel()

    def _travel(self) -> None:
        replica, weights = self._seen = (self.session.replica, self.session.weights)
        self.stages = ()
        if weights is not None and self.picture is not None:
            self.stages = journey(replica.model, self.picture)
        self.choose(self.stage, self.unit, self.place)

    def choose(self, stage: int, unit: int, place: tuple[int, int]) -> None:
        """Look at an output of a layer; what is beyond its size becomes the last there is."""
        if self.stages:
            self.stage = min(stage, len(self.stages) - 1)
            size = self.here.outputs.shape
            self.unit = min(unit, size[0] - 1)
            if self.here.slides:
                self.place = (min(place[0], size[1] - 1), min(place[1], size[2] - 1))
        self.changed.emit()

    @property
    def here(self) -> TraceStage:
        """The layer that is looked at."""
        return self.stages[self.stage]

    def sum(self) -> Sum:
        """Return how the chosen output is summed."""
        return self.here.sum_of(self.unit, self.place)

    @property
    def scores(self) -> Array:
        """The ten outputs of the last layer."""
        return self.stages[-1].outputs
