"""One output of a layer, summed row by row."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QSlider

from core.lessons.forward_trace import Sum
from core.numbers import fixed
from gui.lessons.boards.sum_board import SumBoard
from gui.lessons.context import LessonContext
from gui.lessons.digit import Digit
from gui.lessons.follower import Follower
from gui.lessons.prose import Prose
from gui.theme import IconButton
from gui.widgets.card import label
from gui.widgets.layer_names import layer_title

PACE = 110  # milliseconds of a row
HELP = "How many rows have been added up. Drag it, or press play."
NONE = "There is nothing to be summed yet."


class Part(Follower):
    """Inputs times weights, row after row, up to what the layer says."""

    def __init__(self, room: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(room, "digits")
        self.setObjectName("rowsPart")
        self.digit = room.common(Digit)
        self.board = SumBoard()
        self.title = label("", "heading")
        self.words = Prose("", 14)
        self.words.setMinimumHeight(48)  # two lines, always: what comes and goes moves nothing
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("lessonRows")
        self.slider.setAccessibleName("Rows that are added up")
        self.slider.setToolTip(f"<p>{HELP}</p>")
        self.play = IconButton("play", "Play. Adds row after row.")
        self.play.setObjectName("lessonPlay")
        self._clock = QTimer(self)
        self._clock.setInterval(PACE)
        self._clock.timeout.connect(self._next)
        self.play.clicked.connect(self._start)
        self.slider.valueChanged.connect(lambda value: self._show())
        self.digit.changed.connect(self._open)
        self.board.pointed.connect(self._say)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.play)
        row.addWidget(self.slider, 1)
        self.body.addWidget(self.title)
        self.body.addWidget(self.board)
        self.body.addLayout(row)
        self.body.addWidget(self.words)
        self._sum: Sum | None = None

    def look(self) -> None:
        """Follow the network."""
        self.digit.follow()
        self._open()

    def _open(self) -> None:
        """Show the chosen output; one with another number of rows, whole."""
        if not self.isVisible():
            return
        self._sum = self.digit.sum() if self.digit.stages else None
        if self._sum is None:
            self.title.setText(NONE)
            self.board.show_sum(None, 0)
            self.words.say("")
            return
        self.title.setText(self._which())
        rows = len(self._sum.inputs)
        if rows != self.slider.maximum():
            self.slider.blockSignals(True)
            self.slider.setRange(0, rows)
            self.slider.setValue(rows)
            self.slider.blockSignals(False)
        self._show()

    def _which(self) -> str:
        """Say which output of which layer this is."""
        here, number = self.digit.here, self.digit.unit + 1
        layer = layer_title(here.info).capitalize()
        if here is self.digit.stages[-1]:
            return f"{layer}: the score of {self.digit.unit}"
        if not here.slides:
            return f"{layer}, output {number}"
        row, column = self.digit.place
        return f"{layer}, filter {number}, at row {row + 1}, column {column + 1}"

    def _show(self) -> None:
        if self._sum is not None:
            self.board.show_sum(self._sum, self.slider.value())
            self._say()

    def _say(self) -> None:
        if self._sum is not None:
            self.words.say(f"{_so_far(self._sum, self.slider.value())} {self.board.describe()}")

    def _start(self) -> None:
        self._clock.stop()
        self.slider.setValue(0)
        self._clock.start()

    def _next(self) -> None:
        if self.slider.value() == self.slider.maximum() or not self.isVisible():
            self._clock.stop()
        self.slider.setValue(self.slider.value() + 1)

    def abandon(self) -> None:
        """Look no more, play no more."""
        super().abandon()
        self._clock.stop()


def _so_far(what: Sum, rows: int) -> str:
    """Say what the first rows add up to; of all of them, what becomes of the sum."""
    total = fixed(float(what.rows[:rows].sum()))
    if rows < len(what.rows):
        return f"The first {rows} of {len(what.rows)} {what.row}s add up to **{total}**."
    words = f"All {len(what.rows)} {what.row}s add up to {total}"
    if what.bias is not None:
        words += f", with the bias of {fixed(what.bias)} to **{fixed(what.total)}**"
    return words + "".join(f"; {act} makes **{fixed(x)}** of it" for act, x in what.steps) + "."
