"""Samples on the way: what a network wrote at step 0, 200, 1,000 and so on."""

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from gui.session import Session
from gui.text.streaming import Writing

STEPS = (0, 50, 200, 500, 1000, 2000, 3000, 5000, 7000, 10_000)
EVERY = 5000  # steps between two samples from then on
LENGTH = 100  # tokens
TEMPERATURE = 0.8
NEWS = 1.1  # times the steps of the last sample: from here on the last one is worth another


@dataclass(frozen=True)
class Sample:
    """What a network wrote by itself.

    Attributes:
        step: how many steps it had learned for.
        loss: its validation loss then, in nats per character; NaN if it was not known.
        text: what it wrote, after a line's end and with the same random numbers each time.
    """

    step: int
    loss: float
    text: str


class Sampler(QObject):
    """Lets a copy of the network write whenever a mark is passed, beside the training."""

    sampled = Signal(object)
    """A :class:`Sample`."""
    restarted = Signal()
    """A new run: what was sampled before is of another network."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._writing = Writing(self)
        self._due = 0
        self._step, self._loss = 0, float("nan")
        self._writing.ended.connect(self._on_ended)
        session.started.connect(self._on_started)
        session.weights_changed.connect(self._on_weights)
        session.ended.connect(lambda event: self._finish())

    def _on_started(self, event: Any) -> None:
        self._writing.stop()
        self._due = event.step
        self.restarted.emit()

    def _on_weights(self) -> None:
        weights = self._session.weights
        running = self._session.state.running
        if running and weights and weights.step >= self._due and not self._writing.running:
            self._write()

    def _finish(self) -> None:
        """Let the network that came out write, too."""
        weights = self._session.weights
        if weights and not self._writing.running and weights.step > NEWS * self._step:
            self._write()

    def _write(self) -> None:
        from core.sampling import Sampling

        weights, found = self._session.weights, self._session.history.evaluations
        assert weights is not None
        self._step = weights.step
        self._loss = float(found["val_nats_per_char"].y[-1]) if found else float("nan")
        self._due = next_mark(weights.step)
        # A copy: the network goes on learning while this one writes.
        self._writing.set_model(self._session.copy_replica().model)
        self._writing.start("", Sampling(TEMPERATURE), seed=1, length=LENGTH, busy=True)

    def _on_ended(self, problem: str) -> None:
        text = problem or "".join(said.text for said in self._writing.said)
        self.sampled.emit(Sample(self._step, self._loss, text))

    def stop(self) -> None:
        """Write no more: the window closes."""
        self._writing.stop()


def next_mark(step: int) -> int:
    """Return the step after this one at which a sample is taken."""
    later = [mark for mark in STEPS if mark > step]
    return later[0] if later else (step // EVERY + 1) * EVERY
