"""What the doctor looks at, and what it can say, while it has said nothing yet."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from core.doctor.diagnosis import VERDICTS
from gui.theme import GAP, MARGIN
from gui.widgets.card import Card, label
from gui.widgets.status_icon import Sign

MEANT = {
    "broken": "A mistake: it names the cause, the place, and the fix.",
    "too_small": "Twice the width learns what this one can't.",
    "undertrained": "The curve still falls: to what in twice the time, and how sure.",
    "overfitting": "The loss on new data has risen again: the step at which to stop.",
    "at_floor": "What is left is in the data: no network of this kind gets lower.",
    "fine": "All checks passed, and the loss has settled.",
    "unknown": "It says so rather than guess.",
}
LOOKS = {
    "Before it learns": (
        "Is the loss at the start that of a uniform guess?",
        "Do labels fit their inputs, and the outputs?",
        "Are the first weights of a good size, no two units alike?",
        "Do examples of a batch keep apart, and the future hidden?",
    ),
    "While it learns": (
        "Does a gradient reach every parameter?",
        "Is an update about a thousandth of its weights?",
        "Do units die, saturate, or stand still?",
        "Does the loss fall, and on new data as well?",
    ),
    "When it is used": (
        "Does the same batch get the same answers both ways?",
        "Batch norm and dropout: in the right mode?",
        "Is an input prepared as in training?",
        "What does plain counting reach?",
    ),
    "On copies": (
        "Can it overfit a single batch?",
        "What if the inputs were zero, the labels shuffled?",
        "Twice as wide, or half?",
        "Three times the learning rate, or a third?",
    ),
}


class VerdictLegend(QWidget):
    """Each verdict with its sign and what it would mean, and what is asked before."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        column.addWidget(self._make_verdicts())
        column.addWidget(self._make_looks())

    def _make_verdicts(self) -> Card:
        card, grid = Card("What can it say?"), QGridLayout()
        grid.setHorizontalSpacing(MARGIN + GAP)
        grid.setVerticalSpacing(MARGIN)
        for index, (verdict, title) in enumerate(VERDICTS.items()):
            sign = Sign(32)
            sign.show_verdict(verdict)
            row, words = QHBoxLayout(), QVBoxLayout()
            row.setSpacing(GAP + 4)
            words.setSpacing(2)
            words.addWidget(label(title.rstrip("."), "heading", wrap=True))
            words.addWidget(label(MEANT[verdict], "small", wrap=True))
            words.addStretch(1)
            row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
            row.addLayout(words, 1)
            grid.addLayout(row, *divmod(index, 3))
        for column in range(3):
            grid.setColumnStretch(column, 1)
        card.body.addSpacing(GAP)
        card.body.addLayout(grid)
        return card

    def _make_looks(self) -> Card:
        card, row = Card("What does it ask?"), QHBoxLayout()
        row.setSpacing(MARGIN + GAP)
        for title, questions in LOOKS.items():
            words = QVBoxLayout()
            words.setSpacing(GAP)
            words.addWidget(label(title, "muted"))
            for question in questions:
                words.addWidget(label(question, "", wrap=True))
            words.addStretch(1)
            row.addLayout(words, 1)
        card.body.addSpacing(GAP)
        card.body.addLayout(row)
        return card
