"""What a layer says to one example: a tile for each unit, or a map for each filter."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QPainter

from core.lessons.forward_trace import Place, TraceStage
from core.numbers import number
from core.telemetry.events import Array
from gui.charts import colormaps as ramps
from gui.lessons.boards.board import ChoosingBoard
from gui.lessons.boards.matrix import TALL, Grid, frame, paint_matrix, write_title

HIGH = 206
MAP = 176.0  # pixels of the chosen filter's map
GAP = 26.0
TOP = TALL + 6.0
LARGEST = 52.0  # pixels of a unit
HELP = (
    "All that the layer says to this digit; blue is positive, orange negative. Click an output to"
    " see below how it is summed."
)


class OutputsBoard(ChoosingBoard):
    """Outputs of a layer, to choose one of: a unit, and of a filter's map a place as well."""

    chosen = Signal(int, tuple)
    """An output was chosen: its unit, and its place in a filter's map."""

    def __init__(self) -> None:
        super().__init__("lessonOutputs", "Outputs of the layer", HELP)
        self.setFixedHeight(HIGH)
        self._stage: TraceStage | None = None
        self._unit, self._place = 0, (0, 0)
        self._limit = 1.0

    def show_stage(self, stage: TraceStage | None, unit: int, place: Place) -> None:
        """Show a layer's outputs, one of them marked; None for no layer."""
        if stage is not self._stage:
            self._stage = stage
            self.spot = ("units", *self._fold(unit))
            self._limit = ramps.reach(stage.outputs) if stage else 1.0
        self._unit, self._place = unit, place
        self.setAccessibleDescription(self.describe())
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for what the column leaves."""
        return QSize(560, HIGH)

    def grids(self) -> Mapping[str, Grid]:
        """Fold the units into rows, beside the map of the chosen one."""
        if self._stage is None:
            return {}
        count, columns = len(self._stage.outputs), self._across()
        rows = -(-count // columns)
        room = self.width() - ((MAP + GAP) if self._stage.slides else 0)
        side = min(LARGEST, room / columns, (self.height() - TOP) / rows)
        found = {"units": Grid.of(0, TOP, rows, columns, (side, side))}
        if self._stage.slides:
            size = self._stage.outputs.shape[1]
            cell = MAP / size
            found["map"] = Grid.of(self.width() - MAP - 1, TOP, size, size, (cell, cell))
        return found

    def _across(self) -> int:
        """Return how many units stand in a row: as many as make them largest."""
        assert self._stage is not None
        count = len(self._stage.outputs)
        room = self.width() - ((MAP + GAP) if self._stage.slides else 0)
        high = self.height() - TOP

        def side(columns: int) -> float:
            return min(LARGEST, room / columns, high / -(-count // columns))

        return max(range(1, count + 1), key=lambda columns: (round(side(columns), 3), columns))

    def _fold(self, unit: int) -> tuple[int, int]:
        return divmod(unit, self._across()) if self._stage else (0, 0)

    def describe(self) -> str:
        """Say what is pointed at, in a word and a number."""
        if self._stage is None:
            return "No digit yet."
        name, row, column = self.spot
        outputs = self._stage.outputs
        if name == "map":
            value = number(float(outputs[self._unit, row, column]))
            return f"Filter {self._unit + 1} says {value} at row {row + 1}, column {column + 1}."
        unit = row * self._across() + column
        if unit >= len(outputs):
            return "No more outputs."
        if self._stage.slides:
            return f"Filter {unit + 1}: the brightest place says {outputs[unit].max():.2f}."
        return f"Output {unit + 1} says {number(float(outputs[unit]))}."

    def paint(self, painter: QPainter) -> None:
        """Paint the units, and the chosen filter's map."""
        if self._stage is None:
            return
        grids, outputs = self.grids(), self._stage.outputs
        units = grids["units"]
        what = "filters, each with a map" if self._stage.slides else "outputs"
        write_title(painter, units, f"{len(outputs)} {what}")
        if self._stage.slides:
            self._paint_maps(painter, grids, outputs)
        else:
            values = np.full(units.rows * units.columns, np.nan)
            values[: len(outputs)] = outputs
            shaped = values.reshape(units.rows, units.columns)
            paint_matrix(painter, units, shaped, self._limit, 1)
        cell = units.cell(*self._fold(self._unit))
        frame(painter, cell.adjusted(0.5, 0.5, -0.5, -0.5), "text", 2)

    def _paint_maps(self, painter: QPainter, grids: Mapping[str, Grid], outputs: Array) -> None:
        units, chosen = grids["units"], grids["map"]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for unit, values in enumerate(outputs):
            cell = units.cell(*self._fold(unit)).adjusted(1.5, 1.5, -1.5, -1.5)
            self._paint_map(painter, cell, values)
        self._paint_map(painter, chosen.area, outputs[self._unit])
        write_title(painter, chosen, f"Filter {self._unit + 1}", "click a place")
        mark = chosen.cell(*self._place).adjusted(-1, -1, 1, 1)
        frame(painter, mark, "text", 2)

    def _paint_map(self, painter: QPainter, area: QRectF, values: Array) -> None:
        picture = ramps.picture(values, ramps.diverging, -self._limit, self._limit)
        painter.drawImage(area, picture)
        frame(painter, area, "border")

    def choose(self) -> None:
        """Choose an output."""
        if self._stage is None:
            return
        name, row, column = self.spot
        if name == "map":
            self.chosen.emit(self._unit, (row, column))
        elif (unit := row * self._across() + column) < len(self._stage.outputs):
            self.chosen.emit(unit, self._place)
