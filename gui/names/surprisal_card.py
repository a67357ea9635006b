"""A name of one's own, and its surprisal."""

import math
import unicodedata
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
    "<p>The surprisal of names of the training list, all or a sample of them spread over it, from"
    " the most expected at the left to the most surprising at the right. The mark is the name"
    " above.</p>"
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
            "of each letter after those before it, and of the end. Capitals are read as small "
            "letters where it knows no others.</p>"
        )
        self.letters = SurprisalLetters()
        self.sentence = label("", "small", wrap=True)
        self.sentence.setObjectName("surpriseSentence")
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.histogram = Histogram(
            "surpriseHistogram",
            "Surprisal of the names of the training list",
            HISTOGRAM,
            "nats",
        )
        for widget in (self.input, self.letters, self.sentence, self.histogram):
            self.body.addWidget(widget)
        self._read: Reader | None = None
        self._totals: Array = np.zeros(0)
        self._among, self._sampled = "", False
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

    def set_totals(self, totals: Array, listed: int) -> None:
        """Take the nats of names of the training list, (M,), in any order.

        Args:
            totals: of all names, or of a sample of them.
            listed: how many names the list has.
        """
        totals = np.asarray(totals)
        self._totals = totals[np.isfinite(totals)]
        self._sampled = len(totals) < listed
        many = f"{len(totals):,} of {listed:,}" if self._sampled else f"all {len(totals):,}"
        self._among = f"{many} training names"
        self.histogram.set_values(self._totals, self._among)
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
            self._say(sentence_of(word, surprise, self._totals, self._sampled), "small")

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
        return f"The middle half of {self._among} take {low:.0f} to {high:.0f} nats."


def sentence_of(word: str, surprise: Surprisal, totals: Array, sampled: bool) -> str:
    """Say how surprising a name is, and where it stands among training names.

    Args:
        word: as it was typed.
        surprise: of the letters that the network was given.
        totals: of the training names, (M,).
        sampled: whether these are some of them, not all.
    """
    total, read = surprise.total, surprise.letters[:-1]
    name = _shortened(read)
    if read != unicodedata.normalize("NFC", word):
        name = f"Read as {name}"
    if math.isinf(total):
        return f"{name}: the network gives this name a probability of 0."
    words = f"{name}: {total:.1f} nats, {total / len(surprise.letters):.1f} a letter"
    if not len(totals):
        return f"{words} (the end counts as one)."
    among = f"{len(totals):,} training names" if sampled else "the training list"
    place = _place(float((totals > total).mean()), float((totals < total).mean()))
    return f"{words}: {place} of {among}."


def _place(stranger: float, plainer: float) -> str:
    """Say where a name stands, by the shares of names that surprise more and less than it."""
    way, share = ("less", stranger) if stranger >= plainer else ("more", plainer)
    if share == 1:
        return f"{way} surprising than all"
    # Rounded down, so that it never claims all.
    percent = math.floor(share * 100) if share < 0.99 else math.floor(share * 1000) / 10
    return f"{way} surprising than {percent:g} %"


def _shortened(word: str) -> str:
    return word if len(word) <= LONGEST else word[: LONGEST - 1] + "…"
