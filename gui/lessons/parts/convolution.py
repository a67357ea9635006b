"""A filter slides over a piece of the digit; beside it the same as one matrix product."""

from collections.abc import Mapping

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout

from core.lessons.convolution import BEYOND, EDGE, liveliest
from core.telemetry.events import Array
from gui.lessons.boards.convolution_board import ConvolutionBoard
from gui.lessons.context import LessonContext
from gui.lessons.digit import Digit
from gui.lessons.follower import Follower
from gui.lessons.prose import Prose
from gui.theme import IconButton
from gui.widgets.card import label

PACE = 700  # milliseconds of a place
OWN = "A piece of your digit, and filter {unit} of the network's first layer."
OTHER = "A piece of your digit. The network has no filters, so this one is by hand: it finds edges."


class Part(Follower):
    """The piece, the filter, what it says; and the matrix that does the same."""

    def __init__(self, room: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(room, "digits")
        self.setObjectName("convolutionPart")
        self.digit = room.common(Digit)
        self.board = ConvolutionBoard()
        self.title = label("", "heading")
        self.words = Prose("", 14)
        self.words.setMinimumHeight(44)
        self.play = IconButton("play", "Play. Lets the filter slide.")
        self.play.setObjectName("lessonSlide")
        self._clock = QTimer(self)
        self._clock.setInterval(PACE)
        self._clock.timeout.connect(self._next)
        self.play.clicked.connect(self._start)
        self.board.pointed.connect(self._say)
        self.digit.changed.connect(self._show)
        head = QHBoxLayout()
        head.addWidget(self.play)
        head.addWidget(self.title, 1)
        self.body.addLayout(head)
        self.body.addWidget(self.board)
        self.body.addWidget(self.words)

    def look(self) -> None:
        """Follow the network."""
        self.digit.follow()
        self._show()

    def _show(self) -> None:
        if not self.isVisible() or self.digit.picture is None:
            return
        weights, pixels, words = self._numbers()
        self.title.setText(words)
        self.board.show_filter(liveliest(pixels, len(weights) + BEYOND), weights)
        self._say()

    def _numbers(self) -> tuple[Array, Array, str]:
        """Return a filter and the pixels that it meets: the network's own, if it has filters."""
        first = self.digit.stages[0] if self.digit.stages else None
        assert self.digit.picture is not None
        if first is None or not first.slides:
            return EDGE, self.digit.picture, OTHER
        unit = self.digit.unit if self.digit.stage == 0 else 0
        weights: Array = first.layer.product.weight[unit, 0].detach().numpy()
        return weights, first.given[0].numpy(), OWN.format(unit=unit + 1)

    def _say(self) -> None:
        self.words.say(f"{self.board.counted()} {self.board.describe()}")

    def _start(self) -> None:
        self.board.point_at("result", 0, 0)
        self._clock.start()

    def _next(self) -> None:
        if not self.isVisible() or not self.board.slide_on():
            self._clock.stop()

    def abandon(self) -> None:
        """Look no more, play no more."""
        super().abandon()
        self._clock.stop()
