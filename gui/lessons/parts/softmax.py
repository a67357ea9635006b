"""Ten scores become ten shares, act by act; a temperature makes them sharper or more even."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSlider

from gui.lessons.boards.softmax_board import SoftmaxBoard
from gui.lessons.context import LessonContext
from gui.lessons.digit import Digit
from gui.lessons.follower import Follower
from gui.widgets.card import label, say

STEPS = 20  # of the slider for a factor of ten
HELP = (
    "The scores are divided by it before softmax. Below 1 the largest share grows, above 1 all"
    " become more alike."
)
SQUARED = (
    "This network learned to say 1 and 0 (squared error), so its outputs are no scores for softmax;"
    " the Digits page shares them out as they are. With softmax it would look like this."
)


class Part(Follower):
    """The table of the softmax, and the slider of the temperature."""

    def __init__(self, room: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(room, "digits", "From ten scores to ten shares")
        self.setObjectName("softmaxPart")
        self.digit = room.common(Digit)
        self.board = SoftmaxBoard()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("lessonTemperature")
        self.slider.setAccessibleName("Temperature")
        self.slider.setToolTip(f"<p>{HELP}</p>")
        self.slider.setRange(-STEPS, STEPS)
        self.slider.setFixedWidth(240)
        self.number = label("", "heading")
        self.note = label("", "small", wrap=True)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(label("Temperature"))
        row.addWidget(self.slider)
        row.addWidget(self.number)
        row.addStretch(1)
        self.body.addWidget(self.board)
        self.body.addLayout(row)
        self.body.addWidget(self.note)
        self.slider.valueChanged.connect(lambda value: self._show())
        self.digit.changed.connect(self._show)

    @property
    def temperature(self) -> float:
        """What the scores are divided by."""
        return float(10 ** (self.slider.value() / STEPS))

    def look(self) -> None:
        """Follow the network."""
        self.digit.follow()
        self._show()

    def _show(self) -> None:
        if self.isVisible():
            self.number.setText(f"{self.temperature:.2f}")
            squared = getattr(self.session.trained, "loss", "") == "squared-error"
            say(self.note, SQUARED if squared else "", "small")
            scores = self.digit.scores if self.digit.stages else None
            self.board.show_scores(scores, self.temperature)
