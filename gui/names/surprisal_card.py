"""A name of one's own, and its surprisal."""

import math
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QShowEvent
from PySide6.QtWidgets import QLineEdit

from core.errors import UserError
from core.playgrounds.names.reports import Surprisal
from core.telemetry.events import Array
from gui import theme
from gui.charts.histogram import Histogram
from gui.names.surprisal_letters import SurprisalLetters
from gui.widgets.card import Card, label, say

Reader = Callable[[str], Surprisal]
LONGEST = 12  # letters of a name within a sentence
HINT = "Each letter of your name will get a bar: how little the network expected it."
NOBODY = "There is no network yet that could read a name: train one, or open one."
BROKEN = "The network's answers are NaN: it has diverged in training."
HISTOGRAM = (
    "<p>The surprisal of each name of the training list, from the most expected at the left to the"
    " most surprising at the right. The mark is the name above.</p>"
)


class SurprisalCard(Card):
    """Reads a name with each key that is pressed, and says how surprising it is."""

    def __init__(self) -> None:
        super().__init__("Surprisal (-log p)")
        self.body.setSpacing(5)
        self.body.setContentsMargins(theme.MARGIN, 11, theme.MARGIN, 9)
        self.input = QLineEdit()
        self.input.setObjectName("surpriseInput")
        self.input.setAccessibleName("A name to be read")
        self.input.setPlaceholderText("type any name")
        self.input.setMaxLength(120)
        self.input.setToolTip(
            "<p>Type a name, a word, or nonsense. Glassbox asks the network for the probability "
            "of each letter after those before it, and of the end.</p>"
        )
        self.letters = SurprisalLetters()
        self.sentence = label("", "small", wrap=True)
        self.sentence.setObjectName("surpriseSentence")
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.histogram = Histogram(
            "surpriseHistogram",
            "Surprisal of the names of the training list",
            HISTOGRAM,
            "training list",
            "nats",
        )
        for widget in (self.input, self.letters, self.sentence, self.histogram):
            self.body.addWidget(widget)
        self._read: Reader | None = None
        self._totals: Array = np.zeros(0)
        self._late = True  # something changed that has not been read yet
        self.input.textChanged.connect(self.refresh)
        self.refresh()

    def set_reader(self, read: Reader | None, uniform: float | None = None) -> None:
        """Take who reads names.

        Args:
            read: gives a name's surprise, or raises a UserError that says what is wrong with it.
            uniform: nats that a uniform guess over the alphabet costs at each letter, ln(V).
        """
        self._read = read
        self.letters.set_uniform(uniform)
        self.refresh()

    def set_totals(self, totals: Array) -> None:
        """Take the nats of each name of the training list, (M,), in any order."""
        totals = np.asarray(totals)
        self._totals = totals[np.isfinite(totals)]
        self.histogram.set_values(self._totals)
        self.refresh()

    def show_word(self, text: str) -> None:
        """Put a name in, as if it had been typed."""
        self.input.setText(text)

    def refresh(self) -> None:
        """Read the name again, since the weights are new; when hidden, as soon as it is seen."""
        self._late = not self.isVisible()
        if self._late:
            return
        word, surprise, fault = self.input.text().strip(), None, ""
        if word and self._read:
            try:
                surprise = self._read(word)
            except UserError as error:
                fault = str(error)
        if surprise is not None and np.isnan(surprise.nats).any():
            surprise, fault = None, BROKEN
        self.letters.show_surprise(surprise, HINT if self._read else NOBODY)
        self.histogram.set_mark(surprise.total if surprise else None, _shortened(word))
        if surprise is None:
            self._say(fault or self._about_list(), "fault" if fault else "small")
        else:
            self._say(sentence_of(word, surprise, self._totals), "small")

    def showEvent(self, event: QShowEvent) -> None:
        """Read what changed while it was hidden."""
        super().showEvent(event)
        if self._late:
            self.refresh()

    def _say(self, words: str, role: str) -> None:
        # The card must not jump while one types: two lines always have their room, and a fault
        # takes that of the letters too, to stand right under what is wrong.
        fault = role == "fault"
        room = 2 * QFontMetrics(theme.font(12)).lineSpacing()
        more = self.letters.heightForWidth(0) + self.body.spacing()
        # To be shown lays out at once, so the letters go first and come last.
        if fault:
            self.letters.hide()
        self.sentence.setMinimumHeight(room + more if fault else room)
        say(self.sentence, words, role)
        self.sentence.setVisible(True)  # empty too
        self.letters.setVisible(not fault)
        self.input.setAccessibleDescription(words)

    def _about_list(self) -> str:
        if not len(self._totals):
            return ""
        low, high = np.quantile(self._totals, (0.25, 0.75)).tolist()
        many = f"{len(self._totals):,} names"
        return f"Of the training list's {many}, the middle half take {low:.0f} to {high:.0f} nats."


def sentence_of(word: str, surprise: Surprisal, totals: Array) -> str:
    """Say how surprising a name is, and among which names of the training list, (M,), it stands."""
    total = surprise.total
    if math.isinf(total):
        return f"{_shortened(word)}: the network holds this name for impossible."
    words = f"{_shortened(word)}: {total:.1f} nats, {total / len(surprise.letters):.1f} a letter"
    if not len(totals):
        return f"{words} (the end counts as one)."
    return f"{words}: {_place(float((totals > total).mean()), float((totals < total).mean()))}."


def _place(stranger: float, plainer: float) -> str:
    """Say where a name stands, by the shares of names that surprise more and less than it."""
    way, share = ("less", stranger) if stranger >= plainer else ("more", plainer)
    if share == 1:
        return f"{way} surprising than all of the training list"
    # Rounded down, so that it never claims all.
    percent = math.floor(share * 100) if share < 0.99 else math.floor(share * 1000) / 10
    return f"{way} surprising than {percent:g} % of the training list"


def _shortened(word: str) -> str:
    return word if len(word) <= LONGEST else word[: LONGEST - 1] + "…"
