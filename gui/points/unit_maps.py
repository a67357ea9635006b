"""The activation of each unit all over the plane, a row of small maps for each layer."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from core.telemetry.events import Array, LayerInfo
from gui import theme
from gui.charts import colormaps
from gui.charts.cells import Cells

if TYPE_CHECKING:
    from core.playgrounds.points.field import Field

SMALL, GAP, HEAD = 46, 6, 22  # pixels of a map, between maps, and of a layer's name
HELP = (
    "<p>Each map is the plane as one unit sees it: its activation at every point, blue above zero"
    " and orange below. In the first layer each unit cuts the plane with a straight line; later"
    " layers put such halves together. Click a unit to see it large.</p>"
)
HINT = "Train, and each unit's activation is shown here, all over the plane."


class UnitMaps(Cells):
    """A row of maps for each layer, the input's side on top."""

    def __init__(self) -> None:
        super().__init__("unitMaps", "Activations of the units over the plane", HELP)
        self._layers: dict[str, LayerInfo] = {}
        self._field: Field | None = None
        self._places: list[tuple[str, int]] = []
        self._rects: list[QRectF] = []
        self._heads: list[tuple[str, int]] = []
        self._pixels: dict[str, Array] = {}
        """Of each layer the colours (units, s, s), which its pictures have no copy of."""
        self.picked: tuple[str, int] | None = None

    def set_layers(self, layers: tuple[LayerInfo, ...]) -> None:
        """Show these layers from now on."""
        self._layers = {info.name: info for info in layers}

    def show_field(self, field: "Field | None") -> None:
        """Show the newest activations."""
        self._field = field
        self._pixels.clear()
        maps = field.units if field is not None else {}
        places = [(name, unit) for name, found in maps.items() for unit in range(len(found))]
        if places != self._places:
            self._places = places
            self.current, self._hovered = -1, -1
            self.fit()
        self.update()

    def place_of(self, index: int) -> tuple[str, int]:
        """Return the layer and the unit of a map."""
        return self._places[index]

    def has(self, layer: str, unit: int) -> bool:
        """Whether a unit has a map."""
        return (layer, unit) in self._places

    def index_of(self, layer: str, unit: int) -> int:
        """Return the map of a unit."""
        return self._places.index((layer, unit))

    def count(self) -> int:
        """How many maps there are."""
        return len(self._places)

    def across(self) -> int:
        """How many maps stand beside one another at most."""
        return self._columns(self.width())

    @staticmethod
    def _columns(width: int) -> int:
        """How many maps stand beside one another at a width, their frames included."""
        return max(1, (width - 3 + GAP) // (SMALL + GAP))

    def rect_of(self, index: int) -> QRectF:
        """Where a map is."""
        return self._rects[index] if index < len(self._rects) else QRectF()

    def heightForWidth(self, width: int) -> int:
        """As high as all layers need."""
        return self._lay_out(width)[2]

    def fit(self) -> None:
        """Put the maps where they are at this width."""
        self._rects, self._heads, _ = self._lay_out(self.width())
        super().fit()

    def _lay_out(self, width: int) -> tuple[list[QRectF], list[tuple[str, int]], int]:
        """Return where maps and names of layers stand at a width, and how high all of it is."""
        across, top = self._columns(width), 0
        rects, heads = [], []
        for name in dict.fromkeys(layer for layer, _ in self._places):
            units = sum(layer == name for layer, _ in self._places)
            heads.append((name, top))
            top += HEAD
            for unit in range(units):
                row, column = divmod(unit, across)
                left, above = column * (SMALL + GAP), top + row * (SMALL + GAP)
                rects.append(QRectF(left + 1, above + 1, SMALL, SMALL))
            top += -(-units // across) * (SMALL + GAP) + GAP
        return rects, heads, max(120, top)

    def minimumSizeHint(self) -> QSize:
        """Be content with a few maps beside one another."""
        return QSize(4 * (SMALL + GAP), 120)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._pixels.clear()
        super().changeEvent(event)

    def describe(self, index: int) -> str:
        """Say which unit a map is of, and how far it goes."""
        layer, unit = self._places[index]
        assert self._field is not None
        values = self._field.units[layer][unit]
        return (
            f"{layer}, unit {unit}: its activation goes from {values.min():.2f} to"
            f" {values.max():.2f} over the plane. Click it to see it large."
        )

    def _title(self, name: str) -> str:
        shown = sum(layer == name for layer, _ in self._places)
        info = self._layers.get(name)
        units = info.units if info is not None else shown
        kind = f", {info.activation}" if info is not None and info.activation else ""
        noun = "unit" if name != "output" else "logit" if units > 1 else "value"
        count = f"{units} {noun}{'s' if units != 1 else ''}"
        return f"{name}: {count}{kind}" + (f" (the first {shown})" if shown < units else "")

    def paint(self, painter: QPainter) -> None:
        """Paint all maps."""
        now = theme.current()
        painter.setFont(theme.font(12))
        if self._field is None or not self._places:
            theme.paint_hint(painter, self.rect(), HINT)
            return
        painter.setPen(now.colour("muted"))
        for name, top in self._heads:
            area = QRectF(0, top, self.width(), HEAD - 2)
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, self._title(name))
        for index, (layer, unit) in enumerate(self._places):
            rect = self.rect_of(index)
            if layer not in self._pixels:
                self._pixels[layer] = _colours(self._field.units[layer])
            pixels = self._pixels[layer][unit]
            rows, columns = pixels.shape
            kind = QImage.Format.Format_RGB32
            painter.drawImage(rect, QImage(pixels.data, columns, rows, 4 * columns, kind))
            picked = self.picked == (layer, unit)
            painter.setPen(QPen(now.colour("text" if picked else "border"), 2 if picked else 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect)
            if picked:
                dot = QPointF(rect.right() - 6, rect.top() + 6)
                painter.setBrush(now.colour("text"))
                painter.drawEllipse(dot, 3, 3)


def _colours(maps: Array) -> Array:
    """Return activations (units, s, s) as colours, each unit's by its own largest."""
    finite = np.isfinite(maps)
    values = np.where(finite, maps, 0.0)
    reach = np.abs(values).max((1, 2), keepdims=True)
    level = ((values / np.where(reach > 0, reach, 1.0) + 1) * 127.5).astype(np.intp)
    level[~finite] = 256  # the colour of a fault
    colours: Array = np.ascontiguousarray(colormaps.diverging()[level])
    return colours
