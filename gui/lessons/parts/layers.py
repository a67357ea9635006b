"""A digit is drawn, and all that each layer of the network says to it is shown."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from gui.lessons.boards.outputs_board import OutputsBoard
from gui.lessons.context import LessonContext
from gui.lessons.digit import Digit
from gui.lessons.follower import Follower
from gui.widgets.canvas import DigitCanvas
from gui.widgets.card import label
from gui.widgets.draw_tools import button
from gui.widgets.layer_names import layer_title
from gui.widgets.layer_table import layer_shape
from gui.widgets.segmented_control import Segments

SIDE = 236  # pixels of the canvas
HELP = "Shows what this layer said to the digit, and opens one of its outputs below."
BLANK = "Draw a digit, or take one of the held-out ones."


class Part(Follower):
    """The canvas at the left, the layers and their outputs beside it."""

    def __init__(self, room: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(room, "digits")
        self.setObjectName("layersPart")
        self.digit = room.common(Digit)
        self.canvas = DigitCanvas()
        self.canvas.setFixedSize(SIDE, SIDE)
        self.stages = Segments("Layer")
        self.words = label("", "heading")
        self.outputs = OutputsBoard()
        self._names: list[str] = []
        self._take = QTimer(self)
        self._take.setSingleShot(True)  # many moves of the pen lead to one reading
        self._take.timeout.connect(self._read)
        self.canvas.inkChanged.connect(self._take.start)
        self.outputs.chosen.connect(
            lambda unit, place: self.digit.choose(self.digit.stage, unit, place)
        )
        self.digit.changed.connect(self._show)
        if self.digit.picture is not None:
            self.canvas.show_picture(self.digit.picture)
        self._arrange()

    def _arrange(self) -> None:
        another = button(
            "reset", "lessonAnotherDigit", "Another digit. Takes the next of the held-out ones."
        )
        another.clicked.connect(self._another)
        clear = button("clear", "lessonClear", "Clear the canvas. Then draw a digit of your own.")
        clear.clicked.connect(self.canvas.clear)
        tools = QHBoxLayout()
        tools.setSpacing(4)
        tools.addWidget(another)
        tools.addWidget(clear)
        tools.addStretch(1)
        left, right = QVBoxLayout(), QVBoxLayout()
        left.setSpacing(6)
        left.addWidget(self.canvas, 0, Qt.AlignmentFlag.AlignTop)
        left.addLayout(tools)
        left.addStretch(1)
        self._row = QHBoxLayout()
        self._row.addStretch(1)
        right.setSpacing(10)
        right.addLayout(self._row)
        right.addWidget(self.words)
        right.addWidget(self.outputs)
        right.addStretch(1)
        columns = QHBoxLayout()
        columns.setSpacing(24)
        columns.addLayout(left)
        columns.addLayout(right, 1)
        self.body.addLayout(columns)
        self.body.addWidget(self.source)

    def look(self) -> None:
        """Follow the network."""
        self.digit.follow()
        self._show()

    def _another(self) -> None:
        self.canvas.show_picture(self.digit.example())

    def _read(self) -> None:
        found = self.canvas.sheet.framed()
        self.digit.show(found[0] if found else None)

    def _show(self) -> None:
        stages = self.digit.stages
        self._offer([layer_title(stage.info) for stage in stages])
        if not stages:
            self.words.setText(BLANK if self.session.weights is not None else "")
            self.outputs.show_stage(None, 0, (0, 0))
            return
        list(self.stages.buttons.values())[self.digit.stage].setChecked(True)
        here = self.digit.here
        after = ", then ".join(here.acts)
        after = f", then {after}" if after else ""
        self.words.setText(
            f"{layer_title(here.info).capitalize()}: {layer_shape(here.info)}{after}"
        )
        self.outputs.show_stage(here, self.digit.unit, self.digit.place)

    def _offer(self, names: list[str]) -> None:
        """Offer these layers; buttons are made anew only for another network."""
        if names == self._names or not names:
            return
        self._names = names
        self.stages.deleteLater()
        self.stages = Segments("Layer")
        for number, name in enumerate(names):
            self.stages.add(str(number), name, f"lessonLayer_{number}", HELP)
        self._row.insertWidget(0, self.stages)
        self.stages.chosen.connect(
            lambda key: self.digit.choose(int(key), self.digit.unit, self.digit.place)
        )
