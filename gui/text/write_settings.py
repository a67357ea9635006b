"""How a text is drawn: temperature, top-k, top-p, repetition, how long, from which numbers."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractSpinBox, QGridLayout, QWidget

from gui.inputs import DoubleSpinBox, SpinBox
from gui.rich_text import rich
from gui.widgets.card import label

if TYPE_CHECKING:
    from core.sampling import Sampling

HELP = {
    "Temperature": "1 draws tokens as probable as the network holds them. Lower keeps to the"
    " likeliest ones, higher is wilder.",
    "Top-k": "Draw from the k likeliest tokens only; all of them at 0.",
    "Top-p": "Draw from the likeliest tokens that together have this share; all of them at 1.",
    "Repetition": "What was just said becomes less likely by this factor; 1 for not at all.",
    "Length": "How many tokens are written.",
    "Seed": "Where the random numbers start: the same seed writes the same text.",
}


def _real(low: float, high: float, value: float, step: float, digits: int) -> DoubleSpinBox:
    box = DoubleSpinBox()
    box.setRange(low, high)
    box.setSingleStep(step)
    box.setDecimals(digits)
    box.setValue(value)
    return box


def _whole(low: int, high: int, value: int) -> SpinBox:
    box = SpinBox()
    box.setRange(low, high)
    box.setValue(value)
    return box


class WriteSettings(QWidget):
    """Two rows of numbers; nothing impossible can be put into them."""

    def __init__(self) -> None:
        super().__init__()
        self.temperature = _real(0.1, 5.0, 0.8, 0.1, 1)
        self.top_k = _whole(0, 1024, 0)
        self.top_k.setSpecialValueText("all")
        self.top_p = _real(0.05, 1.0, 1.0, 0.05, 2)
        self.repetition = _real(1.0, 2.0, 1.0, 0.05, 2)
        self.length = _whole(1, 5000, 250)
        self.seed = _whole(0, 999_999, 1)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        fields: tuple[SpinBox | DoubleSpinBox, ...] = (
            self.temperature,
            self.top_k,
            self.top_p,
            self.repetition,
            self.length,
            self.seed,
        )
        for number, (field, (name, help)) in enumerate(zip(fields, HELP.items(), strict=True)):
            row, column = divmod(number, 3)
            field.setObjectName(f"write{name.replace('-', '')}")
            field.setAccessibleName(name)
            field.setToolTip(rich(help))
            field.setAlignment(Qt.AlignmentFlag.AlignCenter)
            field.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
            words = label(name, "small")
            words.setBuddy(field)
            grid.addWidget(words, 3 * row, column)
            grid.addWidget(field, 3 * row + 1, column)
            grid.setColumnStretch(column, 1)
        grid.setRowMinimumHeight(2, 4)

    def set_vocabulary(self, size: int) -> None:
        """Let top-k go as far as there are tokens."""
        self.top_k.setMaximum(size)

    def sampling(self) -> "Sampling":
        """Return how tokens are drawn by these settings."""
        from core.sampling import Sampling  # brings torch, which a network has brought already

        return Sampling(
            self.temperature.value(),
            self.top_k.value() or None,
            self.top_p.value(),
            self.repetition.value(),
        )
