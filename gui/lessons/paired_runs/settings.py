"""The settings of two networks side by side; those in which they differ are marked."""

from PySide6.QtCore import QRectF, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QSpinBox,
    QWidget,
)

from core.lessons.pair_history import NAMES
from core.lessons.pair_settings import SHOWN, Side
from gui import theme
from gui.widgets.card import label, say

ROWS = (len(SHOWN) + 1) // 2  # in each of two blocks
BLOCK = 4  # columns of a block: label, A, B, and the gap behind it
DECIMALS = {"lr": 4, "gain": 2, "last": 2}
SINGLE = {"lr": 0.01, "gain": 0.1, "last": 0.1}
"""What an arrow key adds."""


class PairSettingsForm(QWidget):
    """A row a setting, a field for A and one for B."""

    changed = Signal(object)
    """Both sides, after a person has changed one of them."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.setObjectName(f"twinSettings_{key}")
        self.setAccessibleName("Settings of the two networks")
        self._key, self._sides = key, (Side(), Side())
        self.fields: dict[tuple[str, int], QWidget] = {}
        """By setting and side."""
        self._labels: dict[str, QLabel] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 4, 4)
        self._grid.setVerticalSpacing(8)
        self._grid.setHorizontalSpacing(8)
        self._grid.setColumnMinimumWidth(BLOCK - 1, 26)
        for block in range(2):
            self._add_heads(BLOCK * block)
        for number, name in enumerate(SHOWN):
            self._add_row(name, 1 + number % ROWS, BLOCK * (number // ROWS))

    def _add_heads(self, left: int) -> None:
        for side, name in enumerate(NAMES):
            self._grid.addWidget(label(name, "heading"), 0, left + 1 + side)
            self._grid.setColumnStretch(left + 1 + side, 1)

    def _add_row(self, name: str, row: int, left: int) -> None:
        about = Side.settings()[name]
        words = label(about.label, "muted")
        words.setContentsMargins(8, 0, 0, 0)
        words.setToolTip(f"<p>{about.help}</p>")
        self._labels[name] = words
        self._grid.addWidget(words, row, left)
        for side in range(2):
            field = self._make_field(name, side)
            field.setObjectName(f"twin{NAMES[side]}_{name}_{self._key}")
            field.setAccessibleName(f"{about.label}, network {NAMES[side]}")
            field.setToolTip(f"<p>{about.help}</p>")
            field.setMinimumWidth(72)
            self.fields[name, side] = field
            self._grid.addWidget(field, row, left + 1 + side)

    def _make_field(self, name: str, side: int) -> QWidget:
        about, value = Side.settings()[name], getattr(Side(), name)
        if isinstance(value, bool):
            box = QCheckBox("x + layer(x)")
            box.toggled.connect(lambda on: self._take(name, side, on))
            return box
        if about.choices:
            combo = QComboBox()
            combo.addItems(list(about.choices))
            combo.textActivated.connect(lambda text: self._take(name, side, text))
            return combo
        spin: QSpinBox | QDoubleSpinBox
        if isinstance(value, int):
            spin = QSpinBox()
            spin.setRange(int(about.low), int(about.high))
        else:
            spin = QDoubleSpinBox()
            spin.setDecimals(DECIMALS[name])
            spin.setSingleStep(SINGLE[name])
            spin.setRange(about.low, about.high)
        spin.setAlignment(Qt.AlignmentFlag.AlignCenter)
        spin.setKeyboardTracking(False)
        spin.valueChanged.connect(lambda number: self._take(name, side, number))
        return spin

    def show_sides(self, sides: tuple[Side, Side]) -> None:
        """Show these two; tells nobody."""
        self._sides = sides
        for (name, side), field in self.fields.items():
            value = getattr(sides[side], name)
            with QSignalBlocker(field):
                if isinstance(field, QCheckBox):
                    field.setChecked(value)
                elif isinstance(field, QComboBox):
                    field.setCurrentText(value)
                elif isinstance(field, QSpinBox | QDoubleSpinBox):
                    field.setValue(value)
        self._mark()

    def _take(self, name: str, side: int, value: object) -> None:
        sides = list(self._sides)
        sides[side] = sides[side].replace({name: value})
        self._sides = (sides[0], sides[1])
        self._mark()
        self.changed.emit(self._sides)

    def _mark(self) -> None:
        """Mark the rows in which the two are not alike."""
        differing = self._sides[0].differs(self._sides[1])
        for name, words in self._labels.items():
            strong = name in differing
            title = Side.settings()[name].label + (" \u2260" if strong else "")
            say(words, title, "heading" if strong else "muted")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a ground under the rows that differ."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().colour("sunken"))
        for name in self._sides[0].differs(self._sides[1]):
            first, last = self._labels[name], self.fields[name, 1]
            row = QRectF(first.geometry().united(last.geometry())).adjusted(0, -3, 4, 3)
            painter.drawRoundedRect(row, 7, 7)
