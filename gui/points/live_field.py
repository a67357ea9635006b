"""The newest field of the network on the page, thirty times a second while it is trained."""

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from gui.session import Session
from gui.session_state import State

if TYPE_CHECKING:
    from core.playgrounds.points.field import Field
    from core.training.control import Question

EVERY = 0.025  # seconds between two questions, at least
LOOK = 5  # milliseconds between two looks whether the answer is there


class LiveField(QObject):
    """Asks for a field when the last one is there, while its widget is seen.

    The thread that trains computes it between two steps, of the weights as they are then, and puts
    it where only the newest one is kept.

    Args:
        session: whose network is asked.
        seen: the widget that shows it; nothing is asked while it is hidden.
        ask: returns what to ask, given where to put the answer.
    """

    changed = Signal(object)
    """A newer field."""

    def __init__(
        self,
        session: Session,
        seen: QWidget,
        ask: "Callable[[Callable[[Field], object]], Question]",
    ) -> None:
        super().__init__(seen)
        self._session, self._seen, self._ask = session, seen, ask
        self._slot: deque[tuple[int, Field]] = deque(maxlen=1)
        """The newest answer of the thread that trains, and which question it is to."""
        self._questions = self._shown = 0
        """How many have been put, and which of them the field is the answer to that is shown."""
        self._stale = True
        self._asked = 0.0
        """When one was asked for last."""
        self._waits = False
        """Whether that has not come yet."""
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(LOOK)
        self._timer.timeout.connect(self._tick)
        for signal in (session.loaded, session.started):
            signal.connect(lambda event: self.refresh())
        session.weights_changed.connect(self.refresh)
        session.state_changed.connect(self._on_state)
        seen.installEventFilter(self)

    @property
    def settled(self) -> bool:
        """Whether the newest one is shown, and none is on its way."""
        return not self._timer.isActive()

    def refresh(self) -> None:
        """Bring a newer one: the weights have changed, or what is asked."""
        self._stale = True
        self._start()

    def _start(self) -> None:
        if self._seen.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _on_state(self, state: State) -> None:
        if state is State.CLOSED:
            self._timer.stop()
        else:
            self.refresh()

    def _tick(self) -> None:
        if self._slot:
            self._waits = False
            self._show(*self._slot.pop())
        if time.monotonic() - self._asked < EVERY:
            return
        learns = self._session.state is State.TRAINING
        if self._stale or (learns and not self._waits):
            self._stale = False
            self._asked = time.monotonic()
            self._put()
        elif not self._waits:
            self._timer.stop()

    def _put(self) -> None:
        """Ask the network that is trained; where none is, the copy that the screen has, at once."""
        from core.interventions import asked_with

        session = self._session
        self._questions += 1
        number = self._questions
        if session.begun:
            question = self._ask(lambda field: self._slot.append((number, field)))
            self._waits = session.ask(asked_with(session.interventions, question), "field")
        elif session.weights is not None:
            question = self._ask(lambda field: self._show(number, field))
            question(session.replica.model, session.weights.step)

    def _show(self, number: int, field: "Field") -> None:
        """Show the answer to a question, unless a later one's is shown: a run that ends is late."""
        if number > self._shown:
            self._shown = number
            self.changed.emit(field)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ask while it is seen, and not while it is hidden."""
        if event.type() == QEvent.Type.Show:
            self.refresh()
        elif event.type() == QEvent.Type.Hide:
            self._timer.stop()
        return False
