"""The buttons under an expression: node by node, and downhill."""

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QSpinBox,
    QWidget,
)

from core.expressions.graph import Graph, Kind
from core.numbers import number
from gui import theme
from gui.theme import IconButton
from gui.widgets.card import label

RATES = (*(float(f"{m}e{e}") for e in range(-4, 1) for m in (1, 2, 3, 5)), 10.0)
"""The learning rates that can be chosen."""
SEEDS = 999


class ExpressionControls(QWidget):
    """Asks for what a person wants; knows nothing of the graph but whether chance is in it."""

    startedOver = Signal()
    seedChanged = Signal(int)
    frozen = Signal(bool)
    """Whether the noise is to stay as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.forward = _button("Forward", "One node further in the forward pass: its value.")
        self.back = _button(
            "Back", "One node further in the backward pass: it hands its gradient on."
        )
        self.run_all = _button("RunAll", "All the rest of the forward and the backward pass.")
        self.run_all.setText("Run all")
        self.step = _button(
            "Step", "One step downhill: each learned number moves by −rate × its gradient."
        )
        self.play = _button("Play", "Step after step, until you pause. Drag numbers meanwhile.")
        self.play.setProperty("role", "primary")
        self.fast = QCheckBox("fast")
        self.fast.setObjectName("expressionFast")
        self.fast.setToolTip(
            "<p>As many steps as the machine can do; without, a few a second, to be followed.</p>"
        )
        self.again = IconButton(
            "reset", "Start over. Takes the numbers of the text again, as before the first step."
        )
        self.again.setObjectName("expressionReset")
        self.again.clicked.connect(self.startedOver)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, len(RATES) - 1)
        self._slider.setObjectName("expressionRate")
        self._slider.setAccessibleName("Learning rate, logarithmic")
        self._slider.setToolTip(
            "<p>The learning rate: how far a step goes. Too small takes for ever, too large jumps"
            " over the valley and runs away.</p>"
        )
        self._slider.setMinimumWidth(70)
        self._slider.valueChanged.connect(lambda _: self._say_rate())
        self._rate_words = label("", "muted")
        self._rate_words.setMinimumWidth(118)
        self._freeze = QCheckBox("Freeze the noise")
        self._freeze.setObjectName("expressionFreeze")
        self._freeze.setToolTip(
            "<p>Noise is drawn anew at every step. Frozen, it stays as it was drawn last, and is a"
            " number like any other.</p>"
        )
        self._freeze.toggled.connect(self.frozen)
        self._seed = QSpinBox()
        self._seed.setRange(0, SEEDS)
        self._seed.setPrefix("seed ")
        self._seed.setFixedWidth(88)
        self._seed.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._seed.setObjectName("expressionSeed")
        self._seed.setAccessibleName("Seed")
        self._seed.setToolTip(
            "<p>All random numbers come from this one: the same seed draws the same. Another one"
            " starts over with others.</p>"
        )
        self._seed.valueChanged.connect(self.seedChanged)
        self._arrange()
        self._say_rate()

    def _arrange(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP)
        for button in (self.forward, self.back, self.run_all):
            row.addWidget(button)
        row.addWidget(_rule())
        for widget in (self.step, self.play, self.fast, self._rate_words):
            row.addWidget(widget)
        row.addWidget(self._slider, 1)
        row.addWidget(self.again)

    def chance(self) -> QWidget:
        """Return the row of what has to do with chance; it is shown where there is some."""
        self._chance = QWidget()
        row = QHBoxLayout(self._chance)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self._freeze)
        row.addWidget(self._seed)
        return self._chance

    def show_graph(self, graph: Graph | None) -> None:
        """Enable what this graph allows; None while the text can't be understood."""
        learns = graph is not None and bool(graph.of(Kind.LEARNED))
        for button in (self.forward, self.back, self.run_all, self.again):
            button.setEnabled(graph is not None)
        for button in (self.step, self.play):
            button.setEnabled(learns)
        if graph is not None:
            noisy = bool(graph.of(Kind.NOISE))
            drawn = any(node.operation == "randn" for node in graph.nodes)
            self._freeze.setVisible(noisy)
            self._chance.setVisible(noisy or drawn)

    @property
    def seed(self) -> int:
        """What random numbers are drawn from."""
        return self._seed.value()

    @property
    def freezes(self) -> bool:
        """Whether noise is to stay."""
        return self._freeze.isChecked()

    @property
    def rate(self) -> float:
        """The learning rate."""
        return RATES[self._slider.value()]

    def set_rate(self, rate: float) -> None:
        """Take another learning rate, one of RATES."""
        self._slider.setValue(RATES.index(rate))

    def show_playing(self, playing: bool) -> None:
        """Say what the button does now."""
        self.play.setText("Pause" if playing else "Play")
        self.play.setAccessibleName(self.play.text())

    def begin_with(self, rate: float, fast: bool) -> None:
        """Take what suits a preset, and the first seed."""
        self.set_rate(rate)
        self.fast.setChecked(fast)
        with QSignalBlocker(self._seed):
            self._seed.setValue(0)
        self._freeze.setChecked(False)

    def _say_rate(self) -> None:
        self._rate_words.setText(f"learning rate {number(self.rate, 4)}")


def _button(name: str, help: str) -> QPushButton:
    made = QPushButton(name)
    made.setObjectName(f"expression{name}")
    made.setAccessibleName(name)
    made.setToolTip(f"<p>{help}</p>")
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made


def _rule() -> QFrame:
    made = QFrame()
    made.setFixedSize(1, 22)
    made.setProperty("role", "rule")
    return made
