"""What shows it: pictures of what was seen and of what was tried, then each check."""

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from core.doctor.diagnosis import Check, Diagnosis, Experiment, Picture
from core.numbers import number, with_powers
from core.telemetry.history import History
from gui.charts.evidence import EvidencePicture, loss_picture
from gui.charts.smoothing import USUAL, smoothed
from gui.doctor.check_list import CheckList
from gui.theme import GAP, MARGIN
from gui.widgets.card import Card, label
from gui.widgets.doctor_text import tidy
from gui.widgets.status_icon import Sign

NARROWEST = 270  # pixels of a picture's card
SPACE = 12
LOSS = "Loss"


@dataclass(frozen=True)
class Exhibit:
    """A picture, and what it says in words."""

    picture: Picture
    passed: bool | None
    measured: str
    expected: str
    judged: bool = True
    """Whether it passed or failed at all; what is only shown has no sign."""


def loss_exhibit(history: History | None, uniform: float) -> Exhibit | None:
    """Return the loss of a training, to be shown where nothing else is; None if there is none."""
    if history is None or len(history.loss.y) < 2:
        return None
    values = history.loss.y
    smooth = smoothed(history.loss.x, values, USUAL / 100)
    words = f"From {number(float(values[0]))} to {number(float(smooth[-1]))}"
    words += f" in {history.loss.x[-1]:,.0f} steps."
    return Exhibit(loss_picture(history, uniform, LOSS), None, words, "", judged=False)


def exhibits(diagnosis: Diagnosis, loss: Exhibit | None = None) -> list[Exhibit]:
    """Return what is to be seen: the forecast, what failed, what was tried; no picture twice.

    Args:
        diagnosis: what is shown.
        loss: comes first where the likeliest cause, or all of it, has no picture.
    """
    failed = [check for check in diagnosis.checks if check.passed is False]
    order = {cause.id: index for index, cause in enumerate(diagnosis.causes)}
    failed.sort(key=lambda check: order.get(check.id, len(order)))
    shown: dict[Picture, Exhibit] = {}
    tried = sorted(diagnosis.experiments, key=lambda done: done is not diagnosis.comparison)
    parts: tuple[Check | Experiment, ...] = (*failed, *tried)
    for part in parts:
        if part.picture is not None and part.picture not in shown:
            exhibit = Exhibit(part.picture, part.passed, part.measured, part.expected)
            shown[part.picture] = exhibit
    seen = {check.id for check in failed if check.picture is not None}
    if ahead := diagnosis.forecast:
        exhibit = Exhibit(ahead.picture, None, ahead.caption, "", judged=False)
        shown = {ahead.picture: exhibit, **shown}
    blind = bool(diagnosis.causes) and diagnosis.causes[0].id not in seen
    return [loss, *shown.values()] if loss and (blind or not shown) else list(shown.values())


class EvidenceCard(Card):
    """A question, its picture, and the numbers under it."""

    def __init__(self, exhibit: Exhibit) -> None:
        super().__init__()
        self.body.setSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(GAP)
        question = label(exhibit.picture.question, "heading", wrap=True)
        sign = Sign(18)
        sign.show_result(exhibit.passed)
        sign.setVisible(exhibit.judged)
        head.addWidget(question, 1)
        head.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(head)
        self.picture = EvidencePicture()
        self.picture.show_picture(exhibit.picture)
        self.body.addWidget(self.picture)
        self.body.addWidget(label(tidy(exhibit.measured), "", wrap=True))
        if exhibit.expected:
            self.body.addWidget(label(f"Expected: {with_powers(exhibit.expected)}", "small", True))
        self.body.addStretch(1)


class EvidencePanel(QWidget):
    """Pictures side by side, as many as fit, and the list of all checks."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("evidence")
        self.cards: list[EvidenceCard] = []
        self._shown: list[Exhibit] = []
        self._columns, self._width = 0, 900
        self.title = label("What was seen, and what was tried", "heading")
        self.checks = CheckList()
        self._grid = QGridLayout()
        self._grid.setSpacing(SPACE)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP + 2)
        column.addWidget(self.title)
        column.addLayout(self._grid)
        column.addSpacing(MARGIN - GAP)
        column.addWidget(self.checks)
        self.hide()

    def show_evidence(
        self, diagnosis: Diagnosis | None, history: History | None = None, uniform: float = 0.0
    ) -> None:
        """Show what a diagnosis rests on.

        Args:
            diagnosis: what the doctor says; None for nothing.
            history: of the training, whose loss stands in for a picture that is missing.
            uniform: the loss of a uniform guess; 0 if it isn't known.
        """
        self.setVisible(diagnosis is not None)
        found = exhibits(diagnosis, loss_exhibit(history, uniform)) if diagnosis else []
        self.checks.show_checks(diagnosis)
        self.title.setVisible(bool(found))
        if found == self._shown:
            return
        self._shown = found
        for card in self.cards:
            self._grid.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = [EvidenceCard(exhibit) for exhibit in found]
        self._columns = 0
        self._arrange()

    def fit(self, width: int) -> None:
        """Put as many side by side as can be read in this width."""
        self._width = width
        self._arrange()

    def _arrange(self) -> None:
        columns = max(1, min(3, (self._width + SPACE) // (NARROWEST + SPACE)))
        if columns == self._columns:
            return
        self._columns = columns
        for index, card in enumerate(self.cards):
            self._grid.removeWidget(card)
            self._grid.addWidget(card, *divmod(index, columns))
            card.show()  # at once: a layout lets it wait for the next turn of the event loop
        for column in range(3):
            self._grid.setColumnStretch(column, int(column < columns))
