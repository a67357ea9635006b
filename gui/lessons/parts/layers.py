"""A digit is drawn, and the outputs of each layer of the network are shown."""

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from core.lessons.forward_trace import Place, TraceStage
from core.numbers import number
from core.telemetry.events import Array
from gui.charts import colormaps as ramps
from gui.lessons.board import TITLE, Board, MatrixGrid, frame, paint_matrix, write_title
from gui.lessons.context import LessonContext
from gui.lessons.network_part import DigitTrace, NetworkPart
from gui.widgets.canvas import DigitCanvas
from gui.widgets.card import label
from gui.widgets.draw_tools import button
from gui.widgets.layer_names import layer_title
from gui.widgets.layer_table import layer_shape
from gui.widgets.segmented_control import Segments

SIDE = 236  # pixels of the canvas
HELP = "Shows the outputs of this layer for the digit, and the sum of one of them below."
BLANK = "Draw a digit, or take one of the validation digits."
HIGH = 206
MAP = 176.0  # pixels of the selected feature map
GAP = 26.0
TOP = TITLE + 6.0
LARGEST = 52.0  # pixels of a unit


class Part(NetworkPart):
    """The canvas at the left, the layers and their outputs beside it."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(context, "digits")
        self.setObjectName("layersPart")
        self.digit = context.shared(DigitTrace)
        self.canvas = DigitCanvas("lessonCanvas")
        self.canvas.setFixedSize(SIDE, SIDE)
        self.stages = Segments("Layer")
        self.words = label("", "heading")
        self.outputs = OutputsBoard()
        self._names: list[str] = []
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)  # many moves of the pen lead to one forward pass
        self._redraw.timeout.connect(self._take_drawing)
        self.canvas.inkChanged.connect(self._redraw.start)
        self.outputs.chosen.connect(
            lambda unit, place: self.digit.select(self.digit.stage, unit, place)
        )
        self.digit.changed.connect(self._show)
        if self.digit.picture is not None:
            self.canvas.show_picture(self.digit.picture)
        self._arrange()

    def _arrange(self) -> None:
        another = button(
            "reset", "lessonAnotherDigit", "Another digit. Takes the next validation digit."
        )
        another.clicked.connect(lambda: self.canvas.show_picture(self.digit.next_example()))
        clear = button("clear", "lessonClear", "Clear the canvas. Then draw a digit of your own.")
        clear.clicked.connect(self.canvas.clear)
        tools = QHBoxLayout()
        tools.setSpacing(4)
        tools.addWidget(another)
        tools.addWidget(clear)
        tools.addStretch(1)
        left, right = QVBoxLayout(), QVBoxLayout()
        left.setSpacing(6)
        left.addWidget(self.canvas, 0, Qt.AlignmentFlag.AlignTop)
        left.addLayout(tools)
        left.addStretch(1)
        self._row = QHBoxLayout()
        self._row.addStretch(1)
        right.setSpacing(10)
        right.addLayout(self._row)
        right.addWidget(self.words)
        right.addWidget(self.outputs)
        right.addStretch(1)
        columns = QHBoxLayout()
        columns.setSpacing(24)
        columns.addLayout(left)
        columns.addLayout(right, 1)
        self.body.addLayout(columns)
        self.body.addWidget(self.source)

    def refresh(self) -> None:
        """Show the network with its present weights."""
        self.digit.refresh()
        self._show()

    def _take_drawing(self) -> None:
        found = self.canvas.sheet.framed()
        self.digit.show(found[0] if found else None)

    def _show(self) -> None:
        self._offer([layer_title(stage.info) for stage in self.digit.stages])
        if not self.digit.stages:
            self.words.setText(BLANK if self.session.weights is not None else "")
            self.outputs.show_stage(None, 0, (0, 0))
            return
        list(self.stages.buttons.values())[self.digit.stage].setChecked(True)
        stage = self.digit.selected
        words = [f"{layer_title(stage.info)}: {layer_shape(stage.info)}", *stage.operations]
        self.words.setText(", then ".join(words))
        self.outputs.show_stage(stage, self.digit.unit, self.digit.place)

    def _offer(self, names: Sequence[str]) -> None:
        """Offer these layers; buttons are made anew only for another network."""
        if names == self._names or not names:
            return
        self._names = list(names)
        self.stages.deleteLater()
        self.stages = Segments("Layer")
        for place, name in enumerate(names):
            self.stages.add(str(place), name, f"lessonLayer_{place}", HELP)
        self._row.insertWidget(0, self.stages)
        self.stages.chosen.connect(
            lambda key: self.digit.select(int(key), self.digit.unit, self.digit.place)
        )


class OutputsBoard(Board):
    """Outputs of a layer, to select one of: a unit, or a position of a filter's feature map."""

    chosen = Signal(int, tuple)
    """An output was selected: its unit, and its position in a feature map."""

    def __init__(self) -> None:
        super().__init__(
            "lessonOutputs",
            "Outputs of the layer",
            "All outputs of the layer for this digit; blue is positive, orange negative. Click an"
            " output to see its sum below.",
        )
        self.setFixedHeight(HIGH)
        self._stage: TraceStage | None = None
        self._unit, self._place = 0, (0, 0)
        self._limit = 1.0

    def show_stage(self, stage: TraceStage | None, unit: int, place: Place) -> None:
        """Show a layer's outputs, one of them marked; None for no layer."""
        if stage is not self._stage:
            self._stage = stage
            self.current = ("units", *self._cell_of(unit))
            self._limit = ramps.reach(stage.outputs) if stage else 1.0
        self._unit, self._place = unit, place
        self.refresh()

    def sizeHint(self) -> QSize:
        """Ask for what the column leaves."""
        return QSize(560, HIGH)

    def grids(self) -> Mapping[str, MatrixGrid]:
        """Fold the units into rows, beside the feature map of the selected one."""
        if self._stage is None:
            return {}
        columns = self._columns()
        rows, side = -(-len(self._stage.outputs) // columns), self._side(columns)
        found = {"units": MatrixGrid.of(0, TOP, rows, columns, (side, side))}
        if self._stage.is_convolution:
            size = self._stage.outputs.shape[1]
            cell = (MAP / size, MAP / size)
            found["map"] = MatrixGrid.of(self.width() - MAP - 1, TOP, size, size, cell)
        return found

    def _side(self, columns: int) -> float:
        """Return the pixels of a unit, with so many in a row."""
        assert self._stage is not None
        width = self.width() - ((MAP + GAP) if self._stage.is_convolution else 0)
        rows = -(-len(self._stage.outputs) // columns)
        return min(LARGEST, width / columns, (self.height() - TOP) / rows)

    def _columns(self) -> int:
        """Return the units per row at which they are largest."""
        assert self._stage is not None
        counts = range(1, len(self._stage.outputs) + 1)
        return max(counts, key=lambda columns: (round(self._side(columns), 3), columns))

    def _cell_of(self, unit: int) -> tuple[int, int]:
        return divmod(unit, self._columns()) if self._stage else (0, 0)

    def describe(self) -> str:
        """Return the current output."""
        if self._stage is None:
            return "No digit yet."
        name, row, column = self.current
        outputs = self._stage.outputs
        if name == "map":
            value = number(float(outputs[self._unit, row, column]))
            return f"Filter {self._unit}: {value} at row {row}, column {column}."
        unit = row * self._columns() + column
        if unit >= len(outputs):
            return "No more outputs."
        if self._stage.is_convolution:
            return f"Filter {unit}: its largest activation is {outputs[unit].max():.2f}."
        return f"Output {unit}: {number(float(outputs[unit]))}."

    def paint(self, painter: QPainter) -> None:
        """Paint the units, and the feature map of the selected filter."""
        if self._stage is None:
            return
        grids, outputs = self.grids(), self._stage.outputs
        units = grids["units"]
        what = "filters, each with a feature map" if self._stage.is_convolution else "outputs"
        write_title(painter, units, f"{len(outputs)} {what}")
        if self._stage.is_convolution:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            for unit, values in enumerate(outputs):
                cell = units.cell(*self._cell_of(unit)).adjusted(1.5, 1.5, -1.5, -1.5)
                self._paint_map(painter, cell, values)
            chosen = grids["map"]
            self._paint_map(painter, chosen.area, outputs[self._unit])
            write_title(painter, chosen, f"Filter {self._unit}", "click a position")
            frame(painter, chosen.cell(*self._place).adjusted(-1, -1, 1, 1), "text", 2)
        else:
            values = np.full(units.rows * units.columns, np.nan)
            values[: len(outputs)] = outputs
            shaped = values.reshape(units.rows, units.columns)
            paint_matrix(painter, units, shaped, self._limit, 1)
        cell = units.cell(*self._cell_of(self._unit))
        frame(painter, cell.adjusted(0.5, 0.5, -0.5, -0.5), "text", 2)

    def _paint_map(self, painter: QPainter, area: QRectF, values: Array) -> None:
        picture = ramps.picture(values, ramps.diverging, -self._limit, self._limit)
        painter.drawImage(area, picture)
        frame(painter, area, "border")

    def choose(self) -> None:
        """Select an output."""
        if self._stage is None:
            return
        name, row, column = self.current
        if name == "map":
            self.chosen.emit(self._unit, (row, column))
        elif (unit := row * self._columns() + column) < len(self._stage.outputs):
            self.chosen.emit(unit, self._place)
