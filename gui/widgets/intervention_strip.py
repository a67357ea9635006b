"""Says that the network on the screen is changed, how, and what that costs; and undoes it."""

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from core.numbers import number, percent
from core.telemetry.events import Answer
from gui.rich_text import rich
from gui.session import Session
from gui.theme import GAP
from gui.widgets.buttons import push_button
from gui.widgets.card import Elided
from gui.widgets.status_icon import Sign
from gui.widgets.unit_controls import done_to

if TYPE_CHECKING:
    from core.interventions import Intervention
    from core.training.ablation import CostMeter

SOON = 120  # milliseconds until the cost is asked for: what is looked at is answered first
CALM = 1000  # milliseconds between two questions while a network is trained, at least
SHARE = 20  # how many times as long as a question takes the training is left alone
UNCHANGED = "Training, checkpoints and exports are without them."
HELP = (
    "Only the network on the screen computes with these interventions. The one that is trained,"
    " saved, evaluated and exported is unchanged."
)


class InterventionStrip(QFrame):
    """Two lines and a button; hidden while there is no intervention.

    Args:
        session: whose network is changed.
        parent: the page.
    """

    shown = Signal(bool)
    """It has something to say, or nothing any more."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("interventionStrip")
        self.setToolTip(rich(HELP))
        self._session = session
        self._meter: CostMeter | None = None
        self._seconds = 0.0
        """What the last question took."""
        self.sign = Sign(16)
        self.sign.show_sign("verdict-unknown", "warning", "The network on the screen is changed")
        self.what, self.cost = Elided(), Elided()
        self.what.setObjectName("interventionWords")
        self.cost.setObjectName("interventionCost")
        self.reset = push_button(
            "resetInterventions", "Reset all", "The network on the screen is the trained one again."
        )
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self.what)
        words.addWidget(self.cost)
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP + 2, 3, 4, 3)
        row.setSpacing(GAP)
        row.addWidget(self.sign)
        row.addLayout(words, 1)
        row.addWidget(self.reset)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._ask)
        self.reset.clicked.connect(lambda: session.intervene(()))
        session.intervened.connect(self._on_intervened)
        session.weights_changed.connect(self._on_weights)
        session.answered.connect(self._on_answer)
        session.data_chosen.connect(lambda event: self._forget())
        for signal in (session.loaded, session.started):
            signal.connect(lambda event: self._forget())
        self.hide()

    def _forget(self) -> None:
        """Another network, or other data: it is judged by other numbers."""
        self._meter = None

    def _on_intervened(self) -> None:
        told = self._session.interventions
        self.what.setText(in_words(told))
        self.setToolTip(rich(f"{self.what.text()}. {HELP}" if told else HELP))
        self.cost.setText(f"The loss is measured … {UNCHANGED}" if told else "")
        self.setVisible(bool(told))
        self.shown.emit(bool(told))
        if self.isVisible():
            self._soon.start(SOON)

    def _on_weights(self) -> None:
        if self.isVisible() and not self._soon.isActive():
            self._soon.start(max(CALM, round(1000 * SHARE * self._seconds)))

    def _ask(self) -> None:
        session = self._session
        from core.training.ablation import COST, EXAMPLES, CostMeter

        if self._meter is None:
            self._meter = CostMeter(session.judge(EXAMPLES))
        session.ask(self._meter.question(session.interventions), COST)

    def _on_answer(self, answer: Answer) -> None:
        from core.training.ablation import COST

        if answer.topic != COST or answer.values["interventions"] != self._session.interventions:
            return
        if problem := answer.values.get("problem"):
            self.cost.setText(problem)
            return
        self._seconds = answer.values["seconds"]
        self.cost.setText(f"{cost_in_words(answer)}. {UNCHANGED}")

    def showEvent(self, event: QShowEvent) -> None:
        """Ask again: weights may have changed meanwhile."""
        super().showEvent(event)
        self._soon.start(SOON)

    def hideEvent(self, event: QHideEvent) -> None:
        """Ask nothing that nobody sees."""
        super().hideEvent(event)
        self._soon.stop()


def in_words(told: "tuple[Intervention, ...]") -> str:
    """Say what is changed: ``3 interventions: conv.1 units 4, 7 muted; output unit 0 × 2``."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for each in told:
        layer, kind, index = each.part.layer, "unit", each.part.index
        if each.part.head:  # counted from 1, as where it is chosen
            layer, kind, index = f"layer {each.part.block + 1}", "head", index + 1
        alike.setdefault((layer, kind, done_to(each)), []).append(str(index))
    parts = [
        f"{layer} {kind}{'s' * (len(indices) > 1)} {', '.join(indices)} {done}"
        for (layer, kind, done), indices in alike.items()
    ]
    count = "1 intervention" if len(told) == 1 else f"{len(told):,} interventions"
    return f"{count}: {'; '.join(parts)}"


def cost_in_words(answer: Answer) -> str:
    """Say what the interventions cost: ``loss 0.041 → 0.187 nats on 500 validation examples``."""
    before, after = answer.values["before"], answer.values["after"]
    unit = f" {answer.values['unit']}" if answer.values["unit"] else ""
    words = f"loss {' → '.join(apart(before.loss, after.loss))}{unit}"
    if not math.isnan(before.accuracy):
        shares = percent(before.accuracy, 1), percent(after.accuracy, 1)
        words += f", accuracy {shares[0]} → {shares[1]}"
    return f"{words} on {answer.values['examples']}"


def apart(before: float, after: float) -> tuple[str, str]:
    """Write two numbers with as many figures as it takes to tell them apart, within reason."""
    written = [(number(before, figures), number(after, figures)) for figures in (3, 4, 5)]
    pair = next((pair for pair in written if pair[0] != pair[1]), written[0])
    (whole, _, part), (other, _, rest) = (words.partition(".") for words in pair)
    if whole != other or not (part + rest).isdigit():
        return pair
    places = max(len(part), len(rest))  # 3.290 beside 3.291
    return f"{whole}.{part:0<{places}}", f"{other}.{rest:0<{places}}"
