"""What is known of letters: which follows which, and which are near in the embedding."""

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QBoxLayout, QScrollArea, QVBoxLayout, QWidget

from core.projection import aligned, principal_components
from core.telemetry.events import Answer, Array
from gui.names.bigram_card import BigramCard
from gui.names.embedding_card import EmbeddingCard

if TYPE_CHECKING:
    from core.playgrounds.names.player import Player

DREAMT = 1000  # names that the network's map is made of
SHOWN = 120  # letters of the embedding; more could not be told apart
EVERY = 3000  # milliseconds between two of its maps
WIDE = 800  # pixels from which the two stand side by side
BROKEN = "The network's weights are NaN: it has diverged in training."
TABLE = "This model has no embedding: a letter is a row of its one table."


class LettersPanel(QWidget):
    """The bigram map and the embedding, side by side; both live while a network learns."""

    dreamWanted = Signal(int)
    """The bigrams of so many names of the network's own are wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.bigrams, self.embedding = BigramCard(), EmbeddingCard()
        self._player: Player | None = None
        self._before: Array | None = None
        self._letters = ""
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY)
        self._timer.timeout.connect(self._dream)
        inner = QWidget()
        self._cards = QBoxLayout(QBoxLayout.Direction.TopToBottom, inner)
        self._cards.setContentsMargins(0, 0, 0, 0)
        self._cards.setSpacing(12)
        self._cards.addWidget(self.bigrams, 1)
        self._cards.addWidget(self.embedding, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 0)
        column.addWidget(scroll)
        self.bigrams.sourceChanged.connect(lambda source: self._dream())

    def show_data_views(self, values: Any) -> None:
        """Show the pairs of letters in a list of names."""
        self._letters = values["letters"]
        self.bigrams.show_data(values["letters"], values["bigrams"])

    def set_player(self, player: "Player | None") -> None:
        """Look at this network from now on."""
        self._player, self._before = player, None
        self.bigrams.show_network(None, "")
        self.refresh()
        self._dream()

    def show_answer(self, answer: Answer) -> None:
        """Show the pairs of letters in names of the network."""
        counts = answer.values["counts"]
        if counts is None:
            self.bigrams.show_network(None, BROKEN)
            return
        if self._player is None or len(counts) != len(self._player.letters):
            return
        if self._player.letters == self._letters:
            words = f"{DREAMT:,} names of the network, at step {answer.step:,}."
            self.bigrams.show_network(counts, words)
        else:
            self.bigrams.show_network(None, "The network knows other letters than this list.")

    def refresh(self) -> None:
        """Draw the embedding again: the weights are new."""
        if self._player is None or not self.isVisible():
            return
        points = self._player.embedding()
        if points is None:
            self.embedding.show_none(TABLE)
            return
        if not np.isfinite(points).all():
            self.embedding.show_none(BROKEN)
            return
        letters = self._player.letters
        many = f"{SHOWN} of {len(letters):,} letters; " if len(letters) > SHOWN else ""
        points, letters = points[:SHOWN], letters[:SHOWN]
        components = principal_components(np.asarray(points))
        flat = self._before = aligned(components.plane, self._before)
        held = components.in_plane
        words = f"{many}2 of {points.shape[1]} dimensions; they hold {held:.0%} of the variance."
        self.embedding.show_embedding(letters, flat, words)

    def _dream(self) -> None:
        """Ask for the network's own bigrams, if somebody looks at them."""
        if self.isVisible() and self._player is not None and self.bigrams.wants_network:
            self.dreamWanted.emit(DREAMT)

    def resizeEvent(self, event: Any) -> None:
        """Side by side, where there is room for it."""
        super().resizeEvent(event)
        way = QBoxLayout.Direction
        self._cards.setDirection(way.LeftToRight if self.width() > WIDE else way.TopToBottom)

    def showEvent(self, event: Any) -> None:
        """Catch up with what happened while this was hidden."""
        super().showEvent(event)
        self.refresh()
        self._dream()
        self._timer.start()

    def hideEvent(self, event: Any) -> None:
        """Ask nothing while nobody looks."""
        super().hideEvent(event)
        self._timer.stop()
