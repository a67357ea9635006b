"""Asks a session for the importance of an opened layer's units, a slice of time at a time."""

import math
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from core.telemetry.events import Answer
from gui.session import Session
from gui.session_state import State
from gui.widgets.ablation_card import AblationCard

if TYPE_CHECKING:
    from core.training.ablation import ImportanceMeter

AGAIN = 5.0  # seconds between two measurements of a network that is trained, at least
SHORT = 5.0  # seconds that the rest of a measurement may take to be done without a click


class AblationAsker(QObject):
    """Connects a card with a session.

    A layer whose units are all measured within the first slice of time is measured again as its
    weights change. Of another one the rest is measured, too, if that is short and holds up no
    training; else a person may want it.
    """

    def __init__(self, session: Session, card: AblationCard) -> None:
        super().__init__(card)
        self._session, self._card = session, card
        self._layer = ""
        self._meter: ImportanceMeter | None = None
        self._wanted = False
        """Whether it is measured to the end."""
        self._slices = 0
        """Questions that the present measurement has taken."""
        self._left = math.inf
        """Seconds that the rest of it takes, about."""
        self._waits = False
        self._measured: tuple[object, float] = (None, 0.0)
        """The weights that were measured last, and when that began."""
        card.measure_clicked.connect(self._on_clicked)
        session.answered.connect(self._on_answer)

    def open(self, layer: str) -> None:
        """Measure this layer as soon as :meth:`refresh` is called; "" for none."""
        self._layer, self._meter, self._wanted, self._waits = layer, None, False, False

    def refresh(self) -> None:
        """The layer is seen: measure it, if that has not been done or is quick."""
        session = self._session
        if not self._layer or self._waits or session.weights is None:
            return
        weights, begun = self._measured
        quick = self._meter is not None and self._meter.done and self._slices == 1
        late = time.monotonic() - begun > (AGAIN if session.state.running else 0.0)
        if self._meter is None or (quick and late and weights is not session.weights):
            self._begin()
        elif self._goes_on():  # the training that it would have held up has ended
            self._wanted = True
            self._begin()

    def _goes_on(self) -> bool:
        """Whether the rest is measured though nobody asked for it."""
        begun = self._meter is not None and not self._meter.done and self._slices == 1
        return begun and self._left <= SHORT and self._session.state is not State.TRAINING

    def _begin(self) -> None:
        from core.training.ablation import FEWER, ImportanceMeter

        session = self._session
        judge = session.judge(FEWER)
        self._meter = ImportanceMeter(judge, self._layer, list(self._card.units))
        self._measured = session.weights, time.monotonic()
        self._slices, self._left = 0, math.inf
        self._ask()

    def _ask(self) -> None:
        from core.training.ablation import IMPORTANCE

        assert self._meter is not None
        self._slices += 1
        self._waits = self._session.ask(self._meter, IMPORTANCE)

    def _on_clicked(self) -> None:
        """Measure to the end, anew where all is done already; or measure no more."""
        self._wanted = not self._wanted and bool(self._layer)
        self._card.show_measured(None, self._wanted, self._card.words.text())
        if not self._wanted:
            return
        if self._meter is None or self._meter.done:
            self._begin()
        elif not self._waits:
            self._ask()

    def _on_answer(self, answer: Answer) -> None:
        if answer.values.get("meter") is not self._meter or self._meter is None:
            return
        self._waits = False
        problem = "problem" in answer.values
        self._left = answer.values.get("left", math.inf)
        if self._meter.done or problem:
            self._wanted = False
        elif self._goes_on():
            self._wanted = True
        self._card.show_measured(answer, self._wanted, "" if problem else self._words(answer))
        if self._wanted and self._card.isVisible():
            self._ask()
        elif self._wanted:
            self._wanted = False

    def _words(self, answer: Answer) -> str:
        assert self._meter is not None
        values, units = answer.values, len(self._card.units)
        words = f"On {values['examples']}, at step {answer.step:,}."
        if not self._meter.done:
            left = values["left"]
            rest = f"about {left:.0f} s" if left < 100 else f"about {left / 60:.0f} minutes"
            rest = rest if left >= 1 else "less than a second"
            words = f"{len(values['rises'])} of {units:,} units; the rest takes {rest}. {words}"
        return self._card.capped() + words
