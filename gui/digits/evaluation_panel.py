"""How good the network is, which digits it confuses, and the pictures it got wrong."""

import math

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from core.numbers import percent, times
from core.telemetry.events import Array, Evaluated
from gui.charts.axes import percent_tick
from gui.charts.bars import Bars
from gui.charts.colormaps import grey
from gui.charts.image_grid import PictureGrid
from gui.digits.confusion import ConfusionMatrix
from gui.theme import MARGIN, font
from gui.widgets.card import Card, label
from gui.widgets.columns import CardColumns
from gui.widgets.scroll_column import scrolled

EMPTY = "Train a network, and its mistakes stand here."
NONE_WRONG = "None. Every one of these digits was read right."


class EvaluationPanel(QWidget):
    """Shows an evaluation of the digits playground."""

    pictureChosen = Signal(object)
    """A mistake was chosen: its picture (28, 28), floats from 0, paper, to 1, ink."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evaluationPanel")
        self.setAccessibleName("How good the network is")
        self._event: Evaluated | None = None
        self._order: Array = np.zeros(0, int)
        self.sentence = label(EMPTY, wrap=True)
        self.sentence.setFont(font(15, QFont.Weight.Medium))
        self.sentence.setObjectName("evaluationSentence")
        self.empty = label(EMPTY, "muted")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setMinimumHeight(240)
        self.confusion = ConfusionMatrix()
        self.confusion.chosen.connect(self._pick)
        self.digits = Bars(
            "digitAccuracy",
            "Accuracy for each digit",
            "How many of each digit the network reads right. The scale does not begin at zero: its"
            " numbers are at the left.",
            height=300,
        )
        self.mistakes = PictureGrid(
            "mistakes",
            "The misclassified digits, the hardest first",
            "The true digit, the predicted one, and its probability. Choose one to put it"
            " on the canvas.",
            cell=84,
        )
        self.mistakes.chosen.connect(self._choose)
        self.all = QPushButton("Show all mistakes")
        self.all.setObjectName("allMistakes")
        self.all.setProperty("role", "link")
        self.all.setToolTip("Leave the pair chosen in the confusion matrix.")
        self.all.clicked.connect(lambda: self._pick(-1))
        self.about = label("", "small", wrap=True)
        self._build()

    def _build(self) -> None:
        matrix = Card("Confusion matrix")
        matrix.body.addWidget(
            label("Red are its mistakes. Choose one to see its pictures.", "small", wrap=True)
        )
        matrix.body.addWidget(self.confusion)
        matrix.body.addStretch(1)
        bars = Card("How good is it at each digit?")
        self.scale = label("", "small", wrap=True)
        bars.body.addWidget(self.scale)
        bars.body.addWidget(self.digits, 1)
        wrong = Card("Misclassified digits")
        wrong.head.addWidget(self.all)
        wrong.body.addWidget(self.about)
        wrong.body.addWidget(self.mistakes)
        self.cards = CardColumns()
        self.cards.add(matrix)
        self.cards.add(bars)
        self.cards.add(wrong, wide=True)
        self.cards.hide()
        self.sentence.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(MARGIN)
        column.addWidget(self.sentence)
        column.addWidget(self.empty, 1)
        self.area = scrolled(self.cards)
        column.addWidget(self.area, 1)
        self.area.hide()

    def show_evaluation(self, event: Evaluated) -> None:
        """Show what an evaluation found; one without a confusion matrix is not about digits."""
        if "confusion" not in event.details:
            return
        self._event = event
        counts = event.details["confusion"]
        self.sentence.setText(sentence_of(counts))
        self.confusion.show_counts(counts)
        self._show_digits(counts)
        self._pick(self.confusion.picked, toggle=False)
        self.empty.hide()
        for part in (self.sentence, self.area, self.cards):
            part.show()

    def _show_digits(self, counts: Array) -> None:
        asked, right = counts.sum(axis=1), np.diag(counts)
        share = right / np.maximum(1, asked)
        low = floor_of(float(share[asked > 0].min(initial=1.0)))
        self.digits.show_bars(
            share,
            (low, 1.0),
            lambda d: f"{d}: {int(right[d])} of {int(asked[d])} right ({percent(share[d], 1)})",
            percent_tick,
            [f"{100 * s:.0f}" for s in share],
        )
        self.scale.setText("" if low == 0 else f"The y-axis begins at {percent(low)}.")

    def _pick(self, index: int, toggle: bool = True) -> None:
        """Show the mistakes of one pair only, or of all; a pair chosen again is left."""
        if self._event is None:
            return
        was, read = divmod(index, 10) if index >= 0 else (-1, -1)
        if was == read or (toggle and index == self.confusion.picked):
            index = -1
        details = self._event.details
        chosen = np.ones(len(details["wrong_labels"]), bool)
        if index >= 0:
            chosen = (details["wrong_labels"] == was) & (details["wrong_answers"] == read)
        self._order = np.flatnonzero(chosen)
        self.confusion.pick(index)
        self.all.setVisible(index >= 0)
        self._show_mistakes(f"{was} predicted as {read}" if index >= 0 else "")

    def _show_mistakes(self, pair: str) -> None:
        assert self._event is not None
        details, order = self._event.details, self._order
        was, read = details["wrong_labels"][order], details["wrong_answers"][order]
        sure = details["wrong_confidences"][order]
        total = int(details["confusion"].sum() - np.trace(details["confusion"]))
        self.mistakes.show_pictures(
            details["wrong_images"][order],
            grey,
            (0.0, 255.0),
            lambda i: (
                f"True: {was[i]}. Predicted: {read[i]}, probability {percent(sure[i], 1)}."
                "\nClick to try it on the canvas."
            ),
            [
                (f"{w} \u2192 {r}", percent(s))
                for w, r, s in zip(was.tolist(), read.tolist(), sure.tolist(), strict=True)
            ],
        )
        self.mistakes.setVisible(len(order) > 0)
        self.about.setText(_about(pair, len(order), total))

    def _choose(self, index: int) -> None:
        picture = self.mistakes.picture_at(index)
        self.pictureChosen.emit(picture.astype(np.float32) / 255)


def _about(pair: str, shown: int, total: int) -> str:
    if not total:
        return NONE_WRONG
    if pair:
        return f"{pair}: {shown} shown." if shown else f"No picture of {pair} is kept."
    most = "" if shown == total else f" The {shown} hardest of {total}."
    return f"The hardest first: a wrong digit with a high probability.{most}"


def floor_of(lowest: float) -> float:
    """Return where a scale of shares begins: a round number with room under the lowest."""
    return max(0.0, math.floor((lowest - 0.02) * 10) / 10)


def sentence_of(counts: Array) -> str:
    """Say how good it is, and which pair is the hardest."""
    total, right = int(counts.sum()), int(np.trace(counts))
    if right == total:
        return f"All {total:,} validation digits right."
    off = counts - np.diag(np.diag(counts))
    was, read = divmod(int(off.argmax()), off.shape[1])
    return (
        f"{percent(right / total, 1)} of {total:,} validation digits right; the hardest pair is"
        f" {was} predicted as {read} ({times(int(off.max()))})."
    )
