"""The card with the plane: what is answered under the mouse, and the tools to draw points."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from core.playgrounds.points.datasets import SIDE, Divided, Row
from gui.points.markers import NAMES
from gui.points.plane import ERASE, Plane
from gui.widgets.buttons import push_button
from gui.widgets.card import Card, label, say
from gui.widgets.network_label import NetworkLabel
from gui.widgets.segmented_control import Segments

if TYPE_CHECKING:
    from core.playgrounds.points.field import Field

BOUNDARY, PREDICTION = "Decision boundary", "Prediction"
POINT = "Point at the plane: the network's answer there is written here."
TWO_LINES = 36  # pixels


class PlaneCard(Card):
    """The plane, the answer at a place of it, and what is drawn on it."""

    draw_asked = Signal()
    """Points of one's own are to be drawn."""
    cleared = Signal()
    answer_asked = Signal()
    """The network's answer is to be shown, in place of a unit's."""

    def __init__(self) -> None:
        super().__init__(BOUNDARY)
        self.plane = Plane()
        self._field: Field | None = None
        self._classes = 2
        self.unit = ""
        """The unit that is shown, in words; "" for the network's answer."""
        help = "Show the network's answer again, in place of the unit's activation. Esc does it,"
        self.back = push_button("showAnswer", "Show the answer", f"{help} too.", "link")
        self.back.setShortcut("Esc")
        self.back.clicked.connect(self.answer_asked)
        policy = self.back.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # what comes and goes moves nothing
        self.back.setSizePolicy(policy)
        self.back.hide()
        self.answer = label(POINT, "small", wrap=True)
        self.answer.setObjectName("planeAnswer")
        self.answer.setFixedHeight(TWO_LINES)
        self.network = NetworkLabel("pointsNetwork")
        self.legend = label("Filled: training. Hollow: validation.", "small")
        self.legend.setObjectName("planeLegend")
        help = "Draw points of your own on the plane, of two classes, and train on them."
        self.draw = push_button("drawPoints", "Draw points", help)
        self.draw.clicked.connect(self.draw_asked)
        self.tools = Segments("What a stroke draws")
        for kind, name in enumerate(("drawOrange", "drawBlue")):
            help = f"Click or drag on the plane to add points of this class ({kind})."
            self.tools.add(str(kind), NAMES[kind], name, help)
        help = "Drag over points to take them away."
        self.tools.add(str(ERASE), "Erase", "erasePoints", help)
        self.tools.chosen.connect(lambda key: self._take_pen())
        self.clear = push_button("clearPoints", "Clear", "Take all points away.")
        self.clear.clicked.connect(self.cleared)
        self.message = label("", "small", wrap=True)
        self.message.setObjectName("drawnMessage")
        self.message.hide()
        self.plane.pointed.connect(lambda place: self._tell())
        self._arrange()
        self.set_drawing(False)

    def _arrange(self) -> None:
        self.head.addWidget(self.back)
        self.body.addWidget(self.plane)
        self.body.addWidget(self.answer)
        row = QWidget()
        inner = QHBoxLayout(row)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self.tools)
        inner.addWidget(self.draw)
        inner.addStretch(1)
        inner.addWidget(self.clear)
        for widget in (row, self.message, self.legend, self.network):
            self.body.addWidget(widget)
        self.body.addStretch(1)

    def set_drawing(self, on: bool) -> None:
        """Offer the tools to draw, or the button that leads to them."""
        self.draw.setVisible(not on)
        self.tools.setVisible(on)
        self.clear.setVisible(on)
        self._take_pen()

    def _take_pen(self) -> None:
        self.plane.pen = int(self.tools.key()) if self.tools.isVisibleTo(self) else None

    def show_points(
        self, points: Divided | None, classes: int, curve: bool, rows: list[Row]
    ) -> None:
        """Show the points of a data set; 0 classes where values are learned."""
        self._classes = classes
        self._name()
        self.clear.setEnabled(bool(rows))
        self.plane.show_points(points, curve, rows)
        self._tell()

    def show_field(self, field: "Field | None") -> None:
        """Show what the network answers; None while there is no network for these points."""
        self._field = field
        self.plane.show_field(field)
        self.back.setVisible(bool(self.unit))
        self._name()
        self._tell()

    def _name(self) -> None:
        """Say in the title what is shown."""
        answer = BOUNDARY if self._classes else PREDICTION
        self.title.setText(f"{self.unit}: activation" if self.unit else answer)

    def _tell(self) -> None:
        """Say what is answered at the place that is pointed at."""
        place, field = self.plane.place, self._field
        if field is None:
            say(self.answer, "Train, and the plane shows what the network answers.", "small")
            return
        if place is None:
            words = f"{self.unit}: its activation all over the plane." if self.unit else POINT
            say(self.answer, words, "small")
            return
        rows, columns = field.answers.shape[:2]
        column = min(columns - 1, int((place[0] + SIDE) / (2 * SIDE) * columns))
        row = min(rows - 1, int((SIDE - place[1]) / (2 * SIDE) * rows))
        where = f"x {place[0]:.2f}" + (f", y {place[1]:.2f}" if rows > 1 else "")
        if field.picked is not None:
            said = f"activation {field.picked[row, column]:.3f}"
        elif field.answers.shape[2] == 1:
            said = f"predicted value {field.answers[row, column, 0]:.3f}"
        else:
            shares = field.answers[row, column].tolist()
            order = sorted(range(len(shares)), key=lambda kind: -shares[kind])
            said = ", ".join(f"{NAMES[kind]} {shares[kind]:.1%}" for kind in order)
        say(self.answer, f"{where}: {said}", "small")
