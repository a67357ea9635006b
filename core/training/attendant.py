"""Who sits beside a run and looks at its steps: the doctor, seen from the trainer."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from core.telemetry.events import Evaluated, Event

if TYPE_CHECKING:
    from core.training.learner import Learner


class Attendant(Protocol):
    """Is told of every step; looks at some of them."""

    def begun(self, learner: "Learner", planned: int) -> None:
        """A run begins; ``planned`` steps, or 0 if it goes by the clock."""

    def before(self) -> None:
        """A step is to be done."""

    def after(self, loss: Tensor) -> None:
        """It is done."""

    def judged(self, event: Evaluated) -> None:
        """The network was judged on validation data."""

    def say(self, progress: float) -> Iterator[Event]:
        """Say what there is to say, now and then."""
