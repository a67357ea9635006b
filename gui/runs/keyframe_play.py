"""Playing with a network as it was at a step: a digit that it reads, or what it writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from core.errors import UserError
from core.telemetry.events import Array
from gui.charts.probability_bars import ProbabilityBars
from gui.theme import GAP, IconButton
from gui.widgets.canvas import DigitCanvas
from gui.widgets.card import Card, label, say
from gui.widgets.prediction_view import BROKEN, sound
from gui.widgets.sample_block import fixed_font, readable

if TYPE_CHECKING:
    from core.runs.keyframes import Keyframe
    from core.training.replica import Replica

SAME = "The same random numbers at every step: what changes is what it has learned."
OTHER = "Other random numbers, number {seed}; move the slider to see them at another step."
UNFIT = "The weights of this step don't fit the network; look at another step."
TEMPERATURE, TOKENS = 0.8, 80  # as what the record has was written
FIRST = 3  # the digit that is there before one is drawn
HIGH = 17  # pixels of a button beside the title: no more than that
LETTERS = 14  # pixels
REST = 120  # milliseconds that the slider rests before a network writes


class KeyframePlay(Card):
    """Fills a replica with a moment's weights, and lets a person play with it."""

    def __init__(self) -> None:
        super().__init__(" ")
        self.setObjectName("momentPlay")
        self.canvas, self.bars = DigitCanvas("momentCanvas"), ProbabilityBars("momentBars")
        self.clear = IconButton("clear", "Clear the canvas, to draw another digit. Delete, too.")
        self.clear.setObjectName("clearMomentCanvas")
        self.clear.setProperty("role", "badge")
        self.clear.setFixedHeight(HIGH)
        self.head.addWidget(self.clear)
        self.samples = QPlainTextEdit()
        self.again = QPushButton("Write again")
        self.words = label("", "small", wrap=True)
        self.words.setObjectName("momentWords")
        self._replica: Replica | None = None
        self._moment: Keyframe | None = None
        self._seed = 1
        self._stale = False
        self.plays = False
        """Whether this run's network reads drawings or writes."""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._write)
        self._arrange()
        self.canvas.inkChanged.connect(self._read)
        self.clear.clicked.connect(self.canvas.clear)
        self.again.clicked.connect(self._write_again)

    def _arrange(self) -> None:
        self.samples.setObjectName("momentSamples")
        self.samples.setAccessibleName("What it wrote at this step")
        self.samples.setToolTip("<p>What the network of this step writes, with nothing before.</p>")
        self.samples.setReadOnly(True)
        font = fixed_font()
        font.setPixelSize(LETTERS)
        self.samples.setFont(font)
        self.again.setObjectName("writeAgain")
        self.again.setToolTip("<p>Let the weights of this step write, with other chances.</p>")
        self._drawing, self._writing = QWidget(), QWidget()
        for part, widgets in (
            (self._drawing, (self.canvas, self.bars)),
            (self._writing, (self.samples,)),
        ):
            column = QVBoxLayout(part)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(GAP)
            for widget in widgets:
                column.addWidget(widget, int(widget is widgets[-1]))
            self.body.addWidget(part, 1)
        row = QHBoxLayout()
        row.addWidget(self.again)
        row.addStretch(1)
        self.body.addWidget(self.words)
        self.body.addLayout(row)

    def open(self, folder: Path, playground: Any, recipe: Any) -> None:
        """Play with this run's network; its weights come with a moment.

        Raises:
            UserError: its checkpoint can't be read, which knows its letters or tokens.
        """
        from core.runs.folder import LAST
        from core.training.checkpoint import load_checkpoint
        from core.training.replica import Replica

        self._replica, self._moment, self._seed = None, None, 1
        vocabulary = load_checkpoint(folder / LAST).vocabulary
        self._replica = Replica(playground, recipe, vocabulary)
        writes, reads = bool(playground.sampled), playground.reads_drawings
        self.plays = writes or reads
        self._drawing.setVisible(reads)
        self.clear.setVisible(reads)
        for widget in (self._writing, self.again):
            widget.setVisible(writes)
        if reads and self.canvas.is_empty():
            from core.playgrounds.digits.data import bundled

            held = bundled().validation
            self.canvas.show_picture(held.images[held.labels == FIRST][0].numpy())

    def show_moment(self, moment: "Keyframe") -> None:
        """Take over a moment's weights, and answer with them."""
        self._moment, self._stale = moment, True
        if self.isVisible():
            self._catch_up()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what was chosen while this was hidden."""
        super().showEvent(event)
        self._catch_up()

    def hideEvent(self, event: QHideEvent) -> None:
        """Write nothing while nobody looks."""
        super().hideEvent(event)
        self._stale |= self._soon.isActive()
        self._soon.stop()

    def _catch_up(self) -> None:
        if self._replica is None or self._moment is None or not self._stale:
            return
        self._stale = False
        writes = bool(self._replica.playground.sampled)
        verb = "write" if writes else "read"
        self.title.setText(f"What does it {verb} at step {self._moment.step:,}?")
        try:
            self._replica.update(self._moment.weights)
        except (KeyError, RuntimeError):  # a record from elsewhere may hold anything
            self.bars.set_probabilities(None)
            self.samples.setPlainText("")
            say(self.words, UNFIT, "fault")
            return
        if not writes:
            self._read()
        elif self._seed == 1 and self._moment.samples:
            self._tell(self._moment.samples)
        else:
            self.samples.setPlainText("")  # those of another step would be taken for its own
            self._soon.start(REST)

    # A digit.

    def _read(self) -> None:
        """Let the network read what is on the canvas."""
        if self._replica is None or self._moment is None:
            return
        if not self._replica.playground.reads_drawings:
            return
        found = self.canvas.sheet.framed()
        shares: Array | None = None
        if found:
            replica: Any = self._replica
            shares = replica.playground.read(replica.model, replica.recipe, found[0])
        broken = shares is not None and not sound(shares)
        self.bars.set_probabilities(None if broken else shares)
        hint = "Draw a digit, and the weights of this step read it."
        say(self.words, BROKEN if broken else hint if shares is None else "", _role(broken))

    # A text.

    def _write_again(self) -> None:
        self._seed += 1
        self._write()

    def _write(self) -> None:
        """Let the network write with the present random numbers."""
        if self._replica is None or self._moment is None:
            return
        playground = self._replica.playground
        try:
            made: Mapping[str, Any] = playground.sample(
                self._replica.model,
                self._replica.recipe,
                prompt="",
                count=playground.sampled,
                tokens=TOKENS,
                temperature=TEMPERATURE,
                top_k=None,
                top_p=None,
                seed=self._seed,
            )
        except UserError as error:
            say(self.words, str(error), "fault")
            return
        self._tell(made["samples"])

    def _tell(self, samples: Any) -> None:
        self.samples.setPlainText("\n".join(readable(sample) or "·" for sample in samples))
        say(self.words, SAME if self._seed == 1 else OTHER.format(seed=self._seed), "small")


def _role(broken: bool) -> str:
    return "fault" if broken else "small"
