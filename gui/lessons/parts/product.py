"""A small layer to play with: its sizes are dragged, its numbers turned, its sums read."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSpinBox, QWidget

from core.lessons.product import MOST, Layer, Sizes
from gui.lessons.boards.product_board import ProductBoard
from gui.lessons.context import LessonContext
from gui.theme import IconButton
from gui.widgets.card import Card, label

FIELDS = {
    "batch": "How many examples there are: the rows of x.",
    "inputs": "How many numbers an example has: the columns of x.",
    "rows": "How many numbers a unit expects: the rows of W.",
    "outputs": "How many units the layer has: the columns of W.",
}
TOGETHER = "inner sizes stay the same"
HELP = (
    "<p>Switch this off to set the columns of x and the rows of W apart, and see what comes of"
    " it.</p>"
)


class Part(Card):
    """``y = x @ W + b``: the formula with its sizes as fields, and the matrices under it."""

    def __init__(self, room: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__()
        self.setObjectName("productPart")
        self.layer, self.sizes = Layer(), Sizes()
        self.board = ProductBoard()
        self.fields = {name: _field(name, help) for name, help in FIELDS.items()}
        self.result = label("", "heading")
        self.together = QCheckBox(TOGETHER)
        self.together.setObjectName("productTogether")
        self.together.setAccessibleName(TOGETHER)
        self.together.setToolTip(HELP)
        self.together.setChecked(True)
        again = IconButton("reset", "Other numbers. Starts again from those of the beginning.")
        again.setObjectName("productReset")
        again.clicked.connect(self._reset)
        self.body.addLayout(self._formula(again))
        self.body.addWidget(self.board)
        for name, field in self.fields.items():
            field.valueChanged.connect(lambda size, name=name: self.resize_to(name, size))
        self.together.toggled.connect(self._tie)
        self.board.dragged.connect(self.resize_to)
        self.board.turned.connect(self._turn)
        self._show()

    def _formula(self, again: QWidget) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        field = self.fields
        pieces: list[str | QWidget] = [
            "y  =  x (",
            field["batch"],
            "×",
            field["inputs"],
            ")  @  W (",
            field["rows"],
            "×",
            field["outputs"],
            ")  +  b",
            self.result,
        ]
        for piece in pieces:
            row.addWidget(label(piece, "heading") if isinstance(piece, str) else piece)
        row.addStretch(1)
        row.addWidget(self.together)
        row.addWidget(again)
        return row

    def resize_to(self, which: str, size: int) -> None:
        """Give a matrix another size."""
        self.sizes = self.sizes.change(which, size, self.together.isChecked())
        self._show()

    def _tie(self, together: bool) -> None:
        if together:
            self.resize_to("rows", self.sizes.inputs)

    def _turn(self, name: str, row: int, column: int, by: int) -> None:
        self.layer.turn(name, row, column, by)
        self._show()

    def _reset(self) -> None:
        self.layer, self.sizes = Layer(), Sizes()
        self.together.setChecked(True)
        self._show()

    def _show(self) -> None:
        for name, field in self.fields.items():
            field.blockSignals(True)
            field.setValue(getattr(self.sizes, name))
            field.blockSignals(False)
        sizes = self.sizes
        self.result.setText(f"→  y ({sizes.batch} × {sizes.outputs})" if sizes.fits else "→  ?")
        self.board.show_layer(self.layer.cut(sizes), sizes)


def _field(name: str, help: str) -> QSpinBox:
    made = QSpinBox()
    made.setObjectName(f"product_{name}")
    made.setAccessibleName(help)
    made.setToolTip(f"<p>{help}</p>")
    made.setRange(1, MOST)
    made.setAlignment(Qt.AlignmentFlag.AlignCenter)
    made.setFixedWidth(42)
    return made
