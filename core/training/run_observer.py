"""Who sits beside a run, seen from the trainer: the doctor, and who writes its record."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from ..telemetry.events import Evaluated, Event

if TYPE_CHECKING:
    from .learner import Learner
    from .trainer import Run


class RunObserver(Protocol):
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


class RunRecorder(Protocol):
    """Writes down what happens, at step edges, where the network stands still."""

    def begun(self, run: "Run", learner: "Learner") -> None:
        """A run begins, or goes on."""

    def hear(self, event: Event) -> str:
        """Write down an event; returns in a sentence why it can't be written, or ""."""
        ...

    def waiting(self) -> None:
        """The run stands still, and is alive."""

    def keep(self, about: dict[str, Any]) -> str:
        """Write the checkpoint, and say where.

        Raises:
            UserError: it can't be written there.
        """
        ...
