"""What a network wrote at step 0, 200, 1,000: samples under one another, the newest on top."""

import math
import re
from textwrap import wrap
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gui.widgets.card import Card, label

if TYPE_CHECKING:
    from gui.text.sampler import Sample

WAITING = (
    "Train, and the network writes a little at step 0, 50, 200, 500, 1,000 and so on, always with"
    " the same random numbers: what changes is what it has learned."
)
LOSS = (
    "<p>The validation loss at this step. Where it was not measured then: in training, the mean"
    " loss of the last 20 batches.</p>"
)
LONG, PIECE = 24, 8  # characters of a word that may not fit, and behind which a line may break
WHERE = 118  # pixels for the step and its loss


class SampleTimeline(Card):
    """A row a sample: the step and the loss on the left, the text on the right."""

    def __init__(self) -> None:
        super().__init__("Samples during training")
        self.setObjectName("sampleTimeline")
        self.note = label(WAITING, "small", wrap=True)
        self.samples: list[Sample] = []
        inner = QWidget()
        self._rows = QVBoxLayout(inner)
        self._rows.setContentsMargins(0, 0, 8, 0)
        self._rows.setSpacing(16)
        self._rows.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        self.body.addWidget(self.note)
        self.body.addWidget(area, 1)

    def add(self, sample: "Sample") -> None:
        """Show one more."""
        self.samples.append(sample)
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(12)
        where = QVBoxLayout()
        where.setSpacing(2)
        where.addWidget(label(f"Step {sample.step:,}", "heading"))
        if math.isfinite(sample.loss):
            loss = label(f"{sample.loss:.3f} nats a char", "small")
            loss.setObjectName("sampleLoss")
            loss.setToolTip(LOSS)
            where.addWidget(loss)
            if sample.other:
                where.addWidget(label(sample.other, "small"))
        where.addStretch(1)
        words = label(_breakable(sample.text.strip("\n")), wrap=True)
        words.setObjectName("sampleText")
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words.setAlignment(Qt.AlignmentFlag.AlignTop)
        beside = QWidget()
        beside.setLayout(where)
        beside.setFixedWidth(WHERE)
        where.setContentsMargins(0, 0, 0, 0)
        line.addWidget(beside)
        line.addWidget(words, 1)
        self._rows.insertWidget(0, row)

    def clear(self) -> None:
        """Begin anew."""
        self.samples = []
        while self._rows.count() > 1:
            item = self._rows.takeAt(0)
            if item and (row := item.widget()):
                row.deleteLater()


def _breakable(text: str) -> str:
    """Let the lines of a label break in a long word, too: an early sample may have no spaces.

    Other words stay as they are, since what breaks them is copied along.
    """
    return re.sub(rf"\S{{{LONG},}}", lambda word: "\u200b".join(wrap(word[0], PIECE)), text)
