"""The letter embedding of a network, in its two principal components."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout

from core.telemetry.events import Array
from gui import theme
from gui.names.embedding_map import EmbeddingMap
from gui.names.letter_symbols import is_vowel
from gui.widgets.card import Card, label, say

WAITING = "Train a network: where it puts each letter stands here then."


class EmbeddingCard(Card):
    """The map of letters, and below it a line on what it leaves out, and a legend."""

    def __init__(self) -> None:
        super().__init__("Letter embedding (PCA)")
        self.legend = label("", "small")
        self.legend.setObjectName("embeddingLegend")
        self.map = EmbeddingMap()
        self.map.show_hint(WAITING)
        self.map.pointed.connect(lambda _: self._read())
        self.words = label("", "small", wrap=True)
        self.words.setObjectName("embeddingWords")
        self.words.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.body.addWidget(self.map, 1)
        self.words.setMinimumHeight(34)  # two lines, always: nothing moves while it is read
        foot = QHBoxLayout()
        foot.setSpacing(theme.MARGIN)
        foot.addWidget(self.words, 1)
        foot.addWidget(self.legend, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(foot)
        self._about = ""
        self._latest: tuple[str, Array | None, str] | None = None

    def show_embedding(self, letters: str, points: Array, words: str) -> None:
        """Show letters at their points.

        Args:
            letters: (n), what stands at the points; the end mark is drawn as a square.
            points: (n, 2), in the plane; turned so that they lie as near as can be to the last.
            words: a sentence on what the plane leaves out.
        """
        self._latest = letters, points, words
        self._refresh()

    def show_none(self, words: str) -> None:
        """Show why there is nothing to be seen."""
        self._latest = "", None, words
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while it was hidden."""
        super().showEvent(event)
        self._refresh()

    def _refresh(self) -> None:
        if self._latest is None or not self.isVisible():
            return
        (letters, points, words), self._latest = self._latest, None
        if points is None:
            self.map.show_hint(words)
        else:
            self.map.show_points(letters, points)
        self._about = words if self.map.count() else ""
        self._read()
        vowels = any(map(is_vowel, letters))
        say(self.legend, "● vowel   ○ other" if vowels and self.map.count() else "", "small")

    def _read(self) -> None:
        """Say what the letter pointed at is like, or what the map leaves out."""
        at = self.map.pointed_at()
        say(self.words, self.map.describe(at) if at >= 0 else self._about, "small")
