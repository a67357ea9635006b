"""What shows it: pictures of what was seen and of what was tried, then each check."""

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from core.doctor.diagnosis import Check, Diagnosis, Experiment, Picture
from gui.theme import GAP, MARGIN
from gui.widgets.card import Card, label
from gui.widgets.check_list import CheckList
from gui.widgets.evidence_picture import EvidencePicture
from gui.widgets.sign import Sign
from gui.widgets.wording import raised, tidy

NARROWEST = 270  # pixels of a picture's card
SPACE = 12


@dataclass(frozen=True)
class Exhibit:
    """A picture, and what it says in words."""

    picture: Picture
    passed: bool | None
    measured: str
    expected: str


def exhibits(diagnosis: Diagnosis) -> list[Exhibit]:
    """Return what is to be seen: what failed, then what was tried; no picture twice."""
    failed = [check for check in diagnosis.checks if check.passed is False]
    order = {cause.id: index for index, cause in enumerate(diagnosis.causes)}
    failed.sort(key=lambda check: order.get(check.id, len(order)))
    shown: dict[Picture, Exhibit] = {}
    parts: tuple[Check | Experiment, ...] = (*failed, *diagnosis.experiments)
    for part in parts:
        if part.picture is not None and part.picture not in shown:
            exhibit = Exhibit(part.picture, part.passed, part.measured, part.expected)
            shown[part.picture] = exhibit
    return list(shown.values())


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
        head.addWidget(question, 1)
        head.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(head)
        self.picture = EvidencePicture()
        self.picture.show_picture(exhibit.picture)
        self.body.addWidget(self.picture)
        self.body.addWidget(label(tidy(exhibit.measured), "", wrap=True))
        if exhibit.expected:
            self.body.addWidget(label(f"Expected: {raised(exhibit.expected)}", "small", wrap=True))
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

    def show_evidence(self, diagnosis: Diagnosis | None) -> None:
        """Show what a diagnosis rests on; nothing for None."""
        self.setVisible(diagnosis is not None)
        found = exhibits(diagnosis) if diagnosis else []
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
        for column in range(3):
            self._grid.setColumnStretch(column, int(column < columns))
