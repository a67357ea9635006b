"""Bigram counts: in the training list, in the network's names, and in between."""

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout

from core.telemetry.events import Array
from gui import theme
from gui.charts.heatmap import ColorScale
from gui.names.bigram_map import BigramMap
from gui.names.bigram_views import Pairs, choose, counted, differing, shared
from gui.widgets.card import Card, label, say
from gui.widgets.segmented_control import Segments

DATA, NETWORK, DIFFERENCE = "data", "network", "difference"
COUNTS, SHARES = "counts", "shares"
LEAST, NARROW = 320, 400  # pixels of width
ROWS = "A row is a letter, a column the letter after it."
WAITING = "Train the network: the pairs in the names that it makes up stand here then."


class BigramCard(Card):
    """The map of pairs, what it is of, and in which numbers."""

    sourceChanged = Signal(str)
    """Another source is looked at: ``data``, ``network`` or ``difference``."""

    def __init__(self) -> None:
        super().__init__("Bigram counts")
        self._letters = ""
        self._shown: Array = np.zeros(0, int)
        self._data: Pairs | None = None
        self._counts: Array | None = None
        self._words = ""
        self._stale = True
        self.unit = Segments("Numbers of the map")
        self.unit.add(COUNTS, "Counts", "mapUnitCounts", "How often each pair occurs.")
        self.unit.add(
            SHARES,
            "Probabilities",
            "mapUnitShares",
            "Each row adds up to 100 %: given a letter, what comes after it?",
        )
        self.source = Segments("Where the pairs are from")
        self.source.add(
            DATA, "Training list", "mapSourceData", "The pairs in the names it learns from."
        )
        self.source.add(
            NETWORK,
            "Network's names",
            "mapSourceNetwork",
            "The pairs in names that the network made up. The better it has learned, the more this"
            " map looks like that of the training list.",
        )
        self.source.add(
            DIFFERENCE,
            "Difference",
            "mapSourceDifference",
            "The network's probabilities less those of the training list: blue pairs it writes too"
            " often, orange ones too seldom.",
        )
        self.unit.chosen.connect(self._refresh)
        self.source.chosen.connect(self._turn)
        self.map = BigramMap()
        self.map.pointed.connect(lambda _: self._read())
        self.readout = label("", "small", wrap=True)
        self.readout.setObjectName("bigramReadout")
        self.readout.setMinimumHeight(34)  # two lines, always: nothing moves while it is read
        self.readout.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.legend = ColorScale(
            "bigramScale",
            "What each colour stands for. Common pairs are a thousand times as common as rare"
            " ones: by the square root, both can be seen. What never occurs has no colour.",
        )
        self._build()

    def _build(self) -> None:
        self.head.addWidget(self.unit)
        self.body.addWidget(self.source)
        self.body.addWidget(self.map, 1)
        foot = QHBoxLayout()
        foot.setSpacing(theme.MARGIN)
        foot.addWidget(self.readout, 1)
        foot.addWidget(self.legend, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(foot)
        self.map.show_hint("")
        self.legend.hide()
        self.setMinimumWidth(LEAST)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shorten the words of the choice beside the title where there is little room."""
        super().resizeEvent(event)
        words = "%" if self.width() < NARROW else "Probabilities"
        if self.unit.buttons[SHARES].text() != words:
            self.unit.buttons[SHARES].setText(words)

    @property
    def wants_network(self) -> bool:
        """Whether what is looked at needs the network's pairs."""
        return self.source.key() != DATA

    def show_data(self, letters: str, counts: Array) -> None:
        """Show the pairs of the training list.

        Args:
            letters: symbol i is letters[i]; letters[0] is the end mark.
            counts: (V, V), how often symbol j came after symbol i.
        """
        if letters != self._letters:
            self._counts = None
        self._letters = letters
        self._shown = choose(counts)
        self._data = Pairs.of(counts, self._shown)
        self._refresh()

    def show_network(self, counts: Array | None, words: str) -> None:
        """Show the pairs in names that the network generated.

        Args:
            counts: (V, V), of the same letters; None while there are none.
            words: a sentence that says from how many names.
        """
        self._counts, self._words = counts, words
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while it was hidden."""
        super().showEvent(event)
        if self._stale:
            self._refresh()

    def _turn(self, source: str) -> None:
        self.unit.setEnabled(source != DIFFERENCE)
        self._refresh()
        self.sourceChanged.emit(source)

    def _refresh(self) -> None:
        self._stale = not self.isVisible()
        if self._stale or self._data is None:
            return
        mine, other, source = self._data, self._network(), self.source.key()
        letters = "".join(self._letters[symbol] for symbol in self._shown)
        if source != DATA and other is None:
            self.legend.hide()
            self.map.show_hint(self._words or WAITING)
            self._read()
            return
        if source == DIFFERENCE and other is not None:
            view = differing(letters, mine, other)
        else:
            make = counted if self.unit.key() == COUNTS else shared
            view = make(letters, mine, other, source == NETWORK)
        self.legend.show_scale(view.ramp, view.ends, view.scale)
        self.legend.show()
        self.map.show_view(view)
        self._read()

    def _network(self) -> Pairs | None:
        return None if self._counts is None else Pairs.of(self._counts, self._shown)

    def _read(self) -> None:
        """Say what the cell pointed at is, or what the map is."""
        index = self.map.pointed_at()
        if 0 <= index < self.map.count():
            say(self.readout, self.map.describe(index), "small")
        elif self._data is None or not self.map.count():
            say(self.readout, ROWS, "small")
        else:
            say(self.readout, " ".join(self._about(self._data)), "small")

    def _about(self, data: Pairs) -> list[str]:
        """What the map is of, and how to read it."""
        from_list = f"From {int(data.totals[0]):,} names."
        words = [from_list if self.source.key() == DATA else self._words]
        if len(self._shown) < len(self._letters):
            most = (
                f"The {len(self._shown) - 1} most frequent of {len(self._letters) - 1:,} letters."
            )
            words.insert(0, most)
        return [*words, "The square begins and ends a name."]
