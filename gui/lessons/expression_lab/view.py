"""The expression lab's widgets, where they stand, and what they say of a text."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QScrollArea

from core.expressions.graph import Graph, Kind
from core.expressions.presets import PRESETS
from core.expressions.tokens import ExpressionError
from gui.lessons.expression_lab.controls import ExpressionControls
from gui.lessons.expression_lab.curve import ExpressionCurve
from gui.lessons.expression_lab.decision_map import DecisionMap
from gui.lessons.expression_lab.graph import ExpressionGraph
from gui.lessons.expression_lab.input import ExpressionInput
from gui.lessons.expression_lab.legend import ExpressionLegend
from gui.lessons.prose import Prose
from gui.widgets.card import Card, label, say

TOP = 184  # pixels: what stands above the buttons
TWO_LINES = 46  # pixels: the words may grow without moving the graph
SCROLL = 10  # pixels for the bar under a wide graph
OWN = "Your own"
HINT = (
    "**Press Forward** to see one node after another get its value, then **Back** for the"
    " gradients; or **Step** to go downhill at once."
)


class ExpressionView(Card):
    """Text, map and curve above; the buttons; what just happened in words; the graph below."""

    def __init__(self) -> None:
        super().__init__("Type anything differentiable")
        self.input, self.graph = ExpressionInput(), ExpressionGraph()
        self.controls, self.curve, self.map = ExpressionControls(), ExpressionCurve(), DecisionMap()
        self.presets = _presets()
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
        self.graph.laidOut.connect(lambda high: self.area.setFixedHeight(high + SCROLL))
        self._arrange()

    def _arrange(self) -> None:
        self.head.addWidget(self.presets)
        top, below = QHBoxLayout(), QHBoxLayout()
        top.setSpacing(14)
        self.input.setFixedHeight(TOP)
        top.addWidget(self.input, 1)
        for picture in (self.map, self.curve):
            top.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        below.addWidget(self.problem, 1)
        below.addWidget(self.controls.chance())
        self.body.addLayout(top)
        self.body.addLayout(below)
        for widget in (self.controls, self.words, self.area, ExpressionLegend()):
            self.body.addWidget(widget)

    def show_graph(self, graph: Graph) -> None:
        """Show that a text was understood, and as what."""
        self.input.mark(None)
        say(self.problem, _summary(graph))
        self.words.say(HINT)
        self.graph.setEnabled(True)
        self.graph.show_graph(graph)
        self.controls.show_graph(graph)

    def complain(self, error: ExpressionError) -> None:
        """Say what is wrong, where it stands; the last graph that was understood pales."""
        self.input.mark(error.place)
        say(self.problem, str(error), "fault")
        self.graph.setEnabled(False)
        self.controls.show_graph(None)


def _presets() -> QComboBox:
    made = QComboBox()
    made.setObjectName("expressionPreset")
    made.setAccessibleName("Presets")
    made.setPlaceholderText(OWN)
    made.setToolTip("<p>Something to begin with. Undo in the text brings back what was there.</p>")
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    for key, preset in PRESETS.items():
        made.addItem(preset.title, key)
    return made


def _summary(graph: Graph) -> str:
    """Say what is learned and what is given."""
    words = []
    for kind in (Kind.LEARNED, Kind.GIVEN, Kind.NOISE):
        count = sum(node.count for node in graph.of(kind))
        numbers = "1 number is" if count == 1 else f"{count:,} numbers are"
        if count:
            words.append(f"{numbers} {kind.value}")
    nodes = "1 node" if len(graph.nodes) == 1 else f"{len(graph.nodes)} nodes"
    return f"{nodes}; {', '.join(words)}." if words else f"{nodes}."
