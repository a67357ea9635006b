"""What accompanies a run, as the trainer sees it: observers of its steps, and its recorder."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from ..telemetry.events import Evaluated, Event

if TYPE_CHECKING:
    from .learner import Learner
    from .trainer import Run


class RunObserver(Protocol):
    """Is told of every step."""

    def on_start(self, learner: "Learner", planned: int) -> None:
        """A run starts; ``planned`` steps, or 0 if its length is in seconds."""

    def before_step(self) -> None:
        """A step is about to be done."""

    def after_step(self, loss: Tensor) -> None:
        """It is done.

        Raises:
            CancelledError: what is made of it was given up: the run is abandoned.
        """

    def on_evaluation(self, event: Evaluated) -> None:
        """The network was evaluated on validation data."""

    def poll(self, progress: float) -> Iterator[Event]:
        """Yield what there is to report; asked ten times a second at most."""
        ...

    def on_end(self, progress: float) -> Iterator[Event]:
        """The last step is done: yield what there is to report of all."""
        ...


class RunRecorder(Protocol):
    """Writes a run's record between steps, while the network does not change."""

    def on_start(self, run: "Run", learner: "Learner") -> None:
        """A run starts, or is resumed."""

    def record(self, event: Event) -> str:
        """Record an event; returns in a sentence why it can't be written, or ""."""
        ...

    def heartbeat(self) -> None:
        """The run is paused, and alive."""

    def closing_note(self) -> str:
        """Return a sentence that a person should know at the end; "" for none."""
        ...

    def discard(self) -> None:
        """The run was stopped before its first step: leave no record of it."""

    def save(self, about: dict[str, Any]) -> str:
        """Write the checkpoint, and return where.

        Raises:
            UserError: it can't be written there.
        """
        ...
