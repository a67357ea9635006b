"""The card of the expression lab: the text, its curve and map, the buttons and the graph."""

import time

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.doctor.diagnosis import Picture, Series
from core.expressions.graph import Graph, Kind
from core.expressions.lab import Lab
from core.expressions.presets import PRESETS
from core.expressions.tokens import ExpressionError
from core.numbers import number
from gui import theme
from gui.charts.evidence import EvidencePicture
from gui.charts.smoothing import USUAL, smoothed
from gui.inputs import ComboBox, Slider, SpinBox
from gui.lessons.expression_lab.decision_map import DecisionMap
from gui.lessons.expression_lab.graph import ExpressionGraph, ExpressionLegend
from gui.lessons.expression_lab.input import ExpressionInput
from gui.lessons.prose import Prose
from gui.theme import IconButton
from gui.widgets.buttons import identified, push_button, retitle
from gui.widgets.card import Card, label, say
from gui.widgets.script_card import SHOW

RATES = (*(float(f"{m}e{e}") for e in range(-4, 1) for m in (1, 2, 3, 5)), 10.0)
"""The learning rates on the slider."""
SEEDS = 999
TOP = 184  # pixels of the text, the map and the curve
TWO_LINES = 46  # pixels: the explanation may grow without moving the graph
SCROLL_BAR = 10  # pixels under a wide graph
CURVE = (252, 160)  # pixels
REDRAW = 0.2  # seconds between two drawings of a curve that grows
TYPED = (
    "Type arithmetic, line by line. A name that is assigned plain numbers is learned, data(…)"
    " around them makes them constant; the last line is the loss. All functions are listed below."
)
HINT = (
    "**Press Forward** to see one node after another get its value, then **Back** for the"
    " gradients; or **Step** for a step of gradient descent."
)


class ExpressionView(Card):
    """Text, map and curve above; the buttons; an explanation of the last action; the graph."""

    def __init__(self) -> None:
        super().__init__("Expression lab")
        self.input, self.graph = (
            ExpressionInput("expressionInput", "Expression", TYPED),
            ExpressionGraph(),
        )
        self.controls, self.curve, self.map = ExpressionControls(), ExpressionCurve(), DecisionMap()
        self.presets = identified(
            ComboBox(),
            "expressionPreset",
            "Presets",
            "Examples to begin with. Undo in the text brings back what was there.",
        )
        self.presets.setPlaceholderText("Your own")
        self.presets.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToContents)
        for key, preset in PRESETS.items():
            self.presets.addItem(preset.title, key)
        help = "The training of this expression as a plain PyTorch script, while it is changed."
        self.show_code = push_button("expressionCode", SHOW, help, "link")
        self.problem = label("", "muted", wrap=True)
        self.problem.setObjectName("expressionProblem")
        self.words = Prose(HINT, 14)
        self.words.setObjectName("expressionWords")
        self.words.setMinimumHeight(TWO_LINES)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(self.graph)
        self.graph.laidOut.connect(lambda high: self.area.setFixedHeight(high + SCROLL_BAR))
        self._arrange()

    def _arrange(self) -> None:
        self.head.addWidget(label("type any differentiable computation", "muted"))
        self.head.addWidget(self.presets)
        top, below = QHBoxLayout(), QHBoxLayout()
        top.setSpacing(14)
        self.input.setFixedHeight(TOP)
        top.addWidget(self.input, 1)
        for picture in (self.map, self.curve):
            top.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        below.addWidget(self.problem, 1)
        below.addWidget(self.controls.random_row)
        self.body.addLayout(top)
        self.body.addLayout(below)
        for widget in (self.controls, self.words, self.area, ExpressionLegend()):
            self.body.addWidget(widget)
        self.body.addWidget(self.show_code, 0, Qt.AlignmentFlag.AlignLeft)

    def show_graph(self, graph: Graph) -> None:
        """Show the graph of the text, and how many numbers it has."""
        counts = []
        for kind in (Kind.LEARNED, Kind.CONSTANT, Kind.NOISE):
            count = sum(node.count for node in graph.of(kind))
            numbers = "1 number is" if count == 1 else f"{count:,} numbers are"
            counts += [f"{numbers} {kind.value}"] if count else []
        nodes = "1 node" if len(graph.nodes) == 1 else f"{len(graph.nodes)} nodes"
        say(self.problem, f"{nodes}; {', '.join(counts)}." if counts else f"{nodes}.")
        self.input.mark(None)
        self.words.say(HINT)
        self.graph.setEnabled(True)
        self.graph.show_graph(graph)
        self.controls.show_graph(graph)

    def show_error(self, error: ExpressionError) -> None:
        """Show a mistake where it stands; the graph of the last correct text fades."""
        self.input.mark(error.place)
        say(self.problem, str(error), "fault")
        self.graph.setEnabled(False)
        self.controls.show_graph(None)


class ExpressionControls(QWidget):
    """Buttons for passes and training; of the graph it knows only whether it has randomness."""

    startedOver = Signal()
    seedChanged = Signal(int)
    rateChanged = Signal()
    frozen = Signal(bool)
    """Whether the noise keeps its last sample."""

    def __init__(self) -> None:
        super().__init__()
        self.forward = _button("Forward", "The next node of the forward pass gets its value.")
        self.back = _button(
            "Back", "The next node of the backward pass passes its gradient on to its inputs."
        )
        self.run_all = _button("RunAll", "All the rest of the forward and the backward pass.")
        self.run_all.setText("Run all")
        self.step = _button(
            "Step",
            "One step of gradient descent: each learned number changes by −learning rate × its"
            " gradient.",
        )
        self.play = _button("Play", "Step after step, until you pause. Drag numbers meanwhile.")
        self.play.setProperty("role", "primary")
        self.fast = QCheckBox("fast")
        identified(
            self.fast,
            "expressionFast",
            "fast",
            "As many steps as the machine can do; without, four a second.",
        )
        self.again = IconButton("reset", "Start over. Restores the numbers of the text.")
        self.again.setObjectName("expressionReset")
        self.again.clicked.connect(self.startedOver)
        self._slider = identified(
            Slider(Qt.Orientation.Horizontal),
            "expressionRate",
            "Learning rate, logarithmic",
            "The learning rate: the size of a step. Too small takes too many steps, too large"
            " overshoots the minimum and diverges.",
        )
        self._slider.setRange(0, len(RATES) - 1)
        self._slider.setMinimumWidth(48)
        self._slider.valueChanged.connect(lambda _: self._show_rate())
        self._rate_words = label("", "muted")
        self._rate_words.setMinimumWidth(118)
        self._freeze = identified(
            QCheckBox("Freeze the noise"),
            "expressionFreeze",
            "Freeze the noise",
            "Noise is resampled at every step. Frozen, it keeps its last sample and is a constant.",
        )
        self._freeze.toggled.connect(self.frozen)
        self._seed = identified(
            SpinBox(),
            "expressionSeed",
            "Seed",
            "The seed of all random numbers: the same seed gives the same numbers. Another one"
            " starts over.",
        )
        self._seed.setRange(0, SEEDS)
        self._seed.setPrefix("seed ")
        self._seed.setFixedWidth(88)
        self._seed.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._seed.valueChanged.connect(self.seedChanged)
        self.random_row = QWidget()
        """Freeze and seed; hidden where the expression has no randomness."""
        self._arrange()
        self._show_rate()

    def _arrange(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP)
        rule = QFrame()
        rule.setFixedSize(1, 22)
        rule.setProperty("role", "rule")
        buttons: list[QWidget] = [self.forward, self.back, self.run_all, rule, self.step, self.play]
        for widget in [*buttons, self.fast, self._rate_words]:
            row.addWidget(widget)
        row.addWidget(self._slider, 1)
        row.addWidget(self.again)
        random = QHBoxLayout(self.random_row)
        random.setContentsMargins(0, 0, 0, 0)
        random.setSpacing(12)
        random.addWidget(self._freeze)
        random.addWidget(self._seed)

    def show_graph(self, graph: Graph | None) -> None:
        """Enable what this graph allows; None while the text has a mistake."""
        learns = graph is not None and bool(graph.of(Kind.LEARNED))
        for button in (self.forward, self.back, self.run_all, self.again):
            button.setEnabled(graph is not None)
        for button in (self.step, self.play):
            button.setEnabled(learns)
        if graph is not None:
            noisy = bool(graph.of(Kind.NOISE))
            self._freeze.setVisible(noisy)
            drawn = any(node.operation == "randn" for node in graph.nodes)
            self.random_row.setVisible(noisy or drawn)

    @property
    def seed(self) -> int:
        """The seed of random numbers."""
        return self._seed.value()

    @property
    def freezes(self) -> bool:
        """Whether noise keeps its last sample."""
        return self._freeze.isChecked()

    @property
    def rate(self) -> float:
        """The learning rate."""
        return RATES[self._slider.value()]

    def show_playing(self, playing: bool) -> None:
        """Turn the play button into a pause button, or back."""
        retitle(self.play, "Pause" if playing else "Play")

    def begin_with(self, rate: float, fast: bool) -> None:
        """Take the settings of a preset, and the first seed."""
        self._slider.setValue(RATES.index(rate))
        self.fast.setChecked(fast)
        with QSignalBlocker(self._seed):
            self._seed.setValue(0)
        self._freeze.setChecked(False)

    def _show_rate(self) -> None:
        self._rate_words.setText(f"learning rate {number(self.rate, 4)}")
        self.rateChanged.emit()


def _button(name: str, help: str) -> QPushButton:
    return push_button(f"expression{name}", name, help)


class ExpressionCurve(QWidget):
    """The learning curve, and the present loss."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("expressionCurve")
        self.setFixedWidth(CURVE[0])
        self._drawn, self._steps = 0.0, -1
        self._words = label("", "heading")
        self._picture = EvidencePicture(CURVE[1])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._words)
        column.addWidget(self._picture)

    def show_lab(self, lab: Lab) -> None:
        """Show the losses so far."""
        name = lab.graph.nodes[lab.graph.root].name or "The loss"
        self._words.setText(f"{name} is {number(lab.loss, 4)}, step {lab.step:,}")
        now = time.monotonic()
        if 0 <= self._steps < lab.step and now - self._drawn < REDRAW:
            return
        self._drawn, self._steps = now, lab.step
        x = (*lab.losses.x.tolist(), float(lab.step))
        y = (*lab.losses.y.tolist(), lab.loss)
        lines = [Series("loss", x, y)]
        if lab.graph.of(Kind.NOISE) and not lab.frozen and lab.step:
            smooth = tuple(smoothed(np.array(x), np.array(y), USUAL / 100).tolist())
            lines = [Series("every step", x, y), Series("smoothed", x, smooth)]
        self._picture.show_picture(Picture("Loss", "lines", tuple(lines)))
