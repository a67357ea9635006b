"""The settings of both networks: in a line each, and as a form; differences are marked."""

import html

from PySide6.QtCore import QRectF, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from core.lessons.pair_history import NAMES
from core.lessons.pair_settings import SHOWN, NetworkSettings, Pair
from gui import theme
from gui.inputs import ComboBox, DoubleSpinBox, SpinBox
from gui.lessons.paired_runs.chart import LineSwatch
from gui.rich_text import rich
from gui.widgets.buttons import identified
from gui.widgets.card import label, say

ROWS = (len(SHOWN) + 1) // 2  # in each of two blocks
BLOCK = 4  # columns of a block: label, A, B, and the gap after it
DECIMALS = {"lr": 4, "gain": 2, "last": 2}
SINGLE_STEP = {"lr": 0.01, "gain": 0.1, "last": 0.1}


class PairHeadings(QWidget):
    """A line for A and a line for B, with the differences in bold."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("The two networks")
        self.lines = [label(wrap=True) for _ in NAMES]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(2, 1)
        for network, (name, line) in enumerate(zip(NAMES, self.lines, strict=True)):
            line.setTextFormat(Qt.TextFormat.RichText)
            grid.addWidget(label(name, "heading"), network, 0)
            grid.addWidget(LineSwatch(network), network, 1)
            grid.addWidget(line, network, 2)

    def show_pair(self, pair: Pair) -> None:
        """Describe these two."""
        differing = pair[0].differences(pair[1])
        for settings, line in zip(pair, self.lines, strict=True):
            words = [
                f'<span style="font-weight:600">{html.escape(words)}</span>'
                if name in differing
                else html.escape(words)
                for name, words in settings.in_words()
            ]
            line.setText(", ".join(words))


class PairSettingsForm(QWidget):
    """A row per setting, with a field for A and one for B."""

    changed = Signal(object)
    """Both networks, after a person has changed one of them."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.setObjectName(f"twinSettings_{key}")
        self.setAccessibleName("Settings of the two networks")
        self._key, self._pair = key, (NetworkSettings(), NetworkSettings())
        self.fields: dict[tuple[str, int], QWidget] = {}
        """By setting and network."""
        self._labels: dict[str, QLabel] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 4, 4)
        self._grid.setVerticalSpacing(8)
        self._grid.setHorizontalSpacing(8)
        self._grid.setColumnMinimumWidth(BLOCK - 1, 26)
        for left in (0, BLOCK):
            for network, name in enumerate(NAMES, 1):
                self._grid.addWidget(label(name, "heading"), 0, left + network)
                self._grid.setColumnStretch(left + network, 1)
        for number, name in enumerate(SHOWN):
            self._add_row(name, 1 + number % ROWS, BLOCK * (number // ROWS))

    def _add_row(self, name: str, row: int, left: int) -> None:
        about = NetworkSettings.settings()[name]
        words = label(about.label, "muted")
        words.setContentsMargins(8, 0, 0, 0)
        words.setToolTip(rich(about.help))
        self._labels[name] = words
        self._grid.addWidget(words, row, left)
        for network, letter in enumerate(NAMES):
            self.fields[name, network] = field = identified(
                self._make_field(name, network),
                f"twin{letter}_{name}_{self._key}",
                f"{about.label}, network {letter}",
                about.help,
            )
            field.setMinimumWidth(72)
            self._grid.addWidget(field, row, left + 1 + network)

    def _make_field(self, name: str, network: int) -> QWidget:
        about, value = NetworkSettings.settings()[name], getattr(NetworkSettings(), name)
        if isinstance(value, bool):
            box = QCheckBox("x + layer(x)")
            box.toggled.connect(lambda on: self._take(name, network, on))
            return box
        if about.choices:
            combo = ComboBox()
            combo.addItems(list(about.choices))
            combo.textActivated.connect(lambda text: self._take(name, network, text))
            return combo
        spin: SpinBox | DoubleSpinBox
        if isinstance(value, int):
            spin = SpinBox()
            spin.setRange(int(about.low), int(about.high))
        else:
            spin = DoubleSpinBox()
            spin.setDecimals(DECIMALS[name])
            spin.setSingleStep(SINGLE_STEP[name])
            spin.setRange(about.low, about.high)
        spin.setAlignment(Qt.AlignmentFlag.AlignCenter)
        spin.setKeyboardTracking(False)
        spin.valueChanged.connect(lambda number: self._take(name, network, number))
        return spin

    def show_pair(self, pair: Pair) -> None:
        """Show these two, without a signal."""
        self._pair = pair
        for (name, network), field in self.fields.items():
            value = getattr(pair[network], name)
            with QSignalBlocker(field):
                if isinstance(field, QCheckBox):
                    field.setChecked(value)
                elif isinstance(field, ComboBox):
                    field.setCurrentText(value)
                elif isinstance(field, SpinBox | DoubleSpinBox):
                    field.setValue(value)
        self._mark()

    def _take(self, name: str, network: int, value: object) -> None:
        both = list(self._pair)
        both[network] = both[network].replace({name: value})
        self._pair = (both[0], both[1])
        self._mark()
        self.changed.emit(self._pair)

    def _mark(self) -> None:
        """Mark the rows in which the two differ."""
        differing = self._pair[0].differences(self._pair[1])
        for name, words in self._labels.items():
            strong = name in differing
            title = NetworkSettings.settings()[name].label + (" \u2260" if strong else "")
            say(words, title, "heading" if strong else "muted")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a background under the rows that differ."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().colour("sunken"))
        for name in self._pair[0].differences(self._pair[1]):
            first, last = self._labels[name], self.fields[name, 1]
            row = QRectF(first.geometry().united(last.geometry())).adjusted(0, -3, 4, 3)
            painter.drawRoundedRect(row, 7, 7)
