"""The softmax of the digits network, step by step, with a temperature."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout

from core.lessons.forward_trace import softmax
from core.numbers import number, percent
from core.playgrounds.digits.recipe import DigitsRecipe
from core.telemetry.events import Array
from gui import theme
from gui.inputs import Slider
from gui.lessons.board import CENTRE, RIGHT, Board, MatrixGrid, frame, paint_matrix, write
from gui.lessons.context import LessonContext
from gui.lessons.network_part import DigitTrace, NetworkPart
from gui.widgets.buttons import identified
from gui.widgets.card import label, say

STEPS = 20  # of the slider for a factor of ten
SQUARED = (
    "This network was trained with the squared error, so its outputs are no logits; the Digits page"
    " shows them as they are. Softmax would make these probabilities of them."
)
DIGITS, WIDE, HIGH = 10, 96.0, 26.0
LEFT, TOP = 30.0, 26.0
GAP = 14.0
COLUMNS = ("logit", "(− max) ÷ T", "exp", "÷ sum")


class Part(NetworkPart):
    """The table of the softmax, and the slider of the temperature."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(context, "digits", "Softmax: from logits to probabilities")
        self.setObjectName("softmaxPart")
        self.digit = context.shared(DigitTrace)
        self.board = SoftmaxBoard()
        self.slider = identified(
            Slider(Qt.Orientation.Horizontal),
            "lessonTemperature",
            "Temperature",
            "The logits are divided by it before softmax. Below 1 the largest probability grows,"
            " above 1 the distribution becomes more uniform.",
        )
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
        """The divisor of the logits."""
        return float(10 ** (self.slider.value() / STEPS))

    def refresh(self) -> None:
        """Show the network with its present weights."""
        self.digit.refresh()
        self._show()

    def _show(self) -> None:
        if self.isVisible():
            self.number.setText(f"{self.temperature:.2f}")
            trained = self.session.trained
            squared = isinstance(trained, DigitsRecipe) and trained.loss == "squared-error"
            say(self.note, SQUARED if squared else "", "small")
            logits = self.digit.logits if self.digit.stages else None
            self.board.show_logits(logits, self.temperature)


class SoftmaxBoard(Board):
    """A row per digit, a column per step, and the probabilities as bars."""

    def __init__(self) -> None:
        super().__init__(
            "lessonSoftmax",
            "Softmax, step by step",
            "Hover over a number to see how it was computed. The last column has the probabilities"
            " that the network predicts.",
        )
        self.setFixedHeight(round(TOP + DIGITS * HIGH + 30))
        self.columns: list[Array] = []
        self._temperature = 1.0

    def show_logits(self, logits: Array | None, temperature: float) -> None:
        """Show the softmax of ten logits at a temperature; None for none."""
        self._temperature = temperature
        self.columns = []
        if logits is not None:
            self.columns = [logits, *softmax(logits.astype(float), temperature)]
            if not self.current[0]:
                self.current = (COLUMNS[3], int(logits.argmax()), 0)
        self.refresh()

    def grids(self) -> Mapping[str, MatrixGrid]:
        """A column for each step."""
        if not self.columns:
            return {}
        return {
            name: MatrixGrid.of(LEFT + place * (WIDE + GAP), TOP, DIGITS, 1, (WIDE, HIGH))
            for place, name in enumerate(COLUMNS)
        }

    def describe(self) -> str:
        """Return how the current number was computed."""
        name, digit, _ = self.current
        if not self.columns or not name:
            return ""
        logit, shifted, power, probability = (float(column[digit]) for column in self.columns)
        largest, total = float(self.columns[0].max()), float(self.columns[2].sum())
        return (
            f"The logit of {digit}, an output of the last layer, is {number(logit)}.",
            f"({number(logit)} − {number(largest)}) ÷ {self._temperature:.2f} = {number(shifted)}."
            " Subtracting the largest changes no probability, and avoids overflow.",
            f"exp({number(shifted)}) = {power:.4f}: positive, and larger for a larger logit.",
            f"{power:.4f} ÷ {total:.4f} = {percent(probability, 1)}: the probability of {digit}.",
        )[COLUMNS.index(name)]

    def paint(self, painter: QPainter) -> None:
        """Paint the columns, the bars of the probabilities, and a sentence below."""
        if not self.columns:
            return
        grids = self.grids()
        best = int(self.columns[3].argmax())
        for digit in range(DIGITS):
            place = QRectF(0, TOP + digit * HIGH, LEFT - 10, HIGH)
            strong = digit == best
            write(painter, place, str(digit), "text" if strong else "muted", 14, strong, RIGHT)
        for (name, grid), values in zip(grids.items(), self.columns, strict=True):
            head = grid.area.adjusted(0, -24, 0, 0)
            head.setHeight(20)
            write(painter, head, name, where=CENTRE)
            digits = 2 if name in COLUMNS[:2] else 3
            paint_matrix(painter, grid, values[:, None], max(1e-9, np.abs(values).max()), digits)
        self._paint_bars(painter, grids[COLUMNS[3]].area.right() + GAP, best)
        name, row, column = self.current
        frame(painter, grids[name].cell(row, column).adjusted(1, 1, -1, -1), "text", 2)
        foot = QRectF(LEFT, TOP + DIGITS * HIGH + 8, self.width() - LEFT, 22)
        write(painter, foot, self.describe(), "text", 14)

    def _paint_bars(self, painter: QPainter, left: float, best: int) -> None:
        now = theme.current()
        room = self.width() - left - 70
        for digit, probability in enumerate(self.columns[3].tolist()):
            top, strong = TOP + digit * HIGH, digit == best
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(now.colour("activation", 255 if strong else 120))
            long = room * probability
            painter.drawRoundedRect(QRectF(left, top + 8, max(2.0, long), HIGH - 16), 3, 3)
            place = QRectF(left + long + 8, top, 70, HIGH)
            role = "text" if strong else "muted"
            write(painter, place, percent(probability, 1), role, 13, strong)
