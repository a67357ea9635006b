"""How names are drawn: temperature, top-k, how many, and from which random numbers."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractSpinBox, QGridLayout, QWidget

from gui.inputs import DoubleSpinBox, SpinBox
from gui.rich_text import rich
from gui.theme import IconButton
from gui.widgets.card import label

if TYPE_CHECKING:
    from core.playgrounds.names.player import Player
    from core.playgrounds.names.reports import Name


class NameSettings(QWidget):
    """One row of numbers; nothing impossible can be put into them."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.temperature = DoubleSpinBox()
        self.temperature.setRange(0.1, 5.0)
        self.temperature.setSingleStep(0.1)
        self.temperature.setDecimals(1)
        self.temperature.setValue(1.0)
        self.top_k = SpinBox()
        self.top_k.setRange(0, 3000)
        self.top_k.setSpecialValueText("all")
        self.count = SpinBox()
        self.count.setRange(1, 1000)
        self.count.setValue(20)
        self.seed = SpinBox()
        self.seed.setRange(0, 999_999)
        self.seed.setValue(1)
        self.again = IconButton("reset", "Other names. Takes the next seed.")
        self.again.setObjectName("nextSeed")
        self.again.clicked.connect(self.seed.stepUp)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        helps = {
            "Temperature": "1 draws letters as probable as the network holds them. Lower keeps to"
            " the likeliest ones, higher is wilder.",
            "Top-k": "Draw from the k likeliest letters only; all of them at 0.",
            "Names": "How many names are made.",
            "Seed": "Where the random numbers start: the same seed makes the same names.",
        }
        fields: tuple[SpinBox | DoubleSpinBox, ...] = (
            self.temperature,
            self.top_k,
            self.count,
            self.seed,
        )
        for column, (field, (name, help)) in enumerate(zip(fields, helps.items(), strict=True)):
            field.setObjectName(f"names{name.replace('-', '')}")
            field.setAccessibleName(name)
            field.setToolTip(rich(help))
            field.setAlignment(Qt.AlignmentFlag.AlignCenter)
            field.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
            field.setMinimumWidth(46)
            field.valueChanged.connect(lambda value: self.changed.emit())
            words = label(name, "small")
            words.setBuddy(field)
            grid.addWidget(words, 0, column)
            grid.addWidget(field, 1, column)
            grid.setColumnStretch(column, 1)
        grid.setColumnMinimumWidth(0, 84)  # the longest word
        grid.addWidget(self.again, 1, len(fields))

    def names(self, player: "Player", prefix: str) -> "list[Name]":
        """Return the names that a network makes of a prefix, by these settings.

        Raises:
            UserError: the network does not know a letter of it.
        """
        from core.sampling import Sampling  # brings torch, which a player has brought already

        sampling = Sampling(self.temperature.value(), self.top_k.value() or None)
        return player.names(prefix, self.count.value(), sampling, self.seed.value())
