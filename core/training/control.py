"""What a person may ask of a training while it runs; answered before the next step."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..telemetry.events import Event, Idle, Paused, Resumed

if TYPE_CHECKING:
    from torch import nn

Question = Callable[["nn.Module", int], Event]
"""Looks at the model between two steps, and answers with an event."""


@dataclass
class Requests:
    """What was asked since the last step."""

    changes: dict[str, Any]
    questions: dict[str, Question]


class Control:
    """Pause, single step, stop, changed settings and questions, from any thread.

    The trainer reads ``wanted`` once a step, a plain attribute, and takes the lock only when
    something was asked.

    Attributes:
        held: another job has the turn; a training stands still as if it were paused.
        waits_outside: what the job needs comes from elsewhere, such as the network, in a thread of
            its own; until then it stands still.
        listener: is called whenever something was asked. Whoever sets it drives several jobs in one
            thread, and waits for them himself; without it ``wait`` sleeps.
    """

    def __init__(self, paused: bool = False) -> None:
        self.wanted = paused
        self.paused = paused
        self.stopping = False
        self.abandoned = False
        self.held = self.waits_outside = False
        self.listener: Callable[[], None] | None = None
        self._asked = False
        self._steps = 0
        self._changes: dict[str, Any] = {}
        self._questions: dict[str, Question] = {}
        self._condition = threading.Condition()

    def pause(self) -> None:
        """Pause before the next step."""
        with self._asking():
            self.paused = True

    def resume(self) -> None:
        """Continue."""
        with self._asking():
            self.paused = False
            self._steps = 0

    def step(self) -> None:
        """Do one step, then pause."""
        with self._asking():
            self.paused = True
            self._steps += 1

    def stop(self, abandon: bool = False) -> None:
        """End the run before the next step; ``abandon`` skips the evaluation at the end."""
        with self._asking():
            self.stopping = True
            self.abandoned = self.abandoned or abandon

    def hold(self, held: bool) -> None:
        """Stand still while another job has the turn, or go on."""
        if held is not self.held:
            with self._asking():
                self.held = held

    def wait_outside(self, waits: bool) -> None:
        """Stand still until what comes from elsewhere is there, or go on."""
        with self._asking():
            self.waits_outside = waits

    def change(self, key: str, value: Any) -> None:
        """Change a setting that may be changed live; the value must have been checked."""
        with self._asking():
            self._changes[key] = value

    def ask(self, question: Question, topic: str = "") -> None:
        """Have an event answer a question about the model.

        It replaces a question on the same topic that has no answer yet; others are answered, too.
        """
        with self._asking():
            self._questions[topic] = question

    def take(self) -> Requests:
        """Take changes and questions; the trainer's side."""
        with self._condition:
            requests = Requests(self._changes, self._questions)
            self._changes, self._questions = {}, {}
            self._asked = False
            self.wanted = self.paused or self.held or self.stopping
            return requests

    def take_step(self) -> bool:
        """Whether a single step was asked for, and take it; the trainer's side."""
        with self._condition:
            self._steps -= (granted := self._steps > 0)
            return granted

    def wait(self) -> None:
        """Sleep until something is asked; the trainer's side."""
        if self.listener is None:
            with self._condition:
                self._condition.wait_for(self.has_news, timeout=1.0)

    def has_news(self) -> bool:
        """Whether a job that stands still has something to do."""
        return self._asked or not (self.paused or self.held or self.waits_outside)

    def stand_still(self, step: int | None = None) -> Iterator[Event]:
        """Yield while another job has the turn, or while a pause is asked for.

        Args:
            step: the last step that was done; None for a job that can't be paused.
        """
        paused = False
        while self.wanted and not self.stopping:
            self.take()
            if step is not None and self.paused is not paused:
                paused = self.paused
                yield Paused(step) if paused else Resumed(step)
            elif paused or self.held:
                yield Idle()
                self.wait()
            else:
                return

    def _asking(self) -> "_Asking":
        return _Asking(self)


class _Asking:
    """Holds the lock while a request is noted, then wakes the trainer."""

    def __init__(self, control: Control) -> None:
        self.control = control

    def __enter__(self) -> None:
        self.control._condition.acquire()

    def __exit__(self, *exception: object) -> None:
        self.control.wanted = self.control._asked = True
        self.control._condition.notify_all()
        self.control._condition.release()
        if self.control.listener is not None:
            self.control.listener()
