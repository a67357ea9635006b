"""The layer table of both networks: a row per layer, its statistics in A and, beside it, in B."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy

from core.lessons.pair_history import NAMES, NetworkHistory
from core.telemetry.events import LayerInfo, LayerStats
from core.telemetry.history import Curve
from core.telemetry.layer_health import UPDATE_GOOD, Remark, check_layers
from gui import theme
from gui.charts.explained import Explained
from gui.charts.histogram import draw_histogram
from gui.charts.sparklines import draw_line, draw_warning
from gui.widgets.layer_names import layer_title
from gui.widgets.layer_table import COLUMNS, activation_words, layer_shape

ROW, HEAD, NAME = 62, 46, 88
GAP = 18  # pixels between A and B
WORDS = 54  # pixels for the words beside a picture
CELLS = COLUMNS[1:]
MIDDLE = Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class LayerData:
    """One layer of one network, at its latest snapshot."""

    info: LayerInfo
    stats: LayerStats
    update: Curve
    remarks: list[Remark]


class PairLayerTable(Explained):
    """Shows the latest snapshots of two networks, layer beside layer."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.setObjectName(f"twinWall_{key}")
        self.setAccessibleName("The layers of both networks")
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._layers: list[dict[str, LayerData]] = [{}, {}]
        """Of each network, by the names of the layers."""
        self.rows: list[str] = []
        """The names of the layers, the inputs' first."""

    def show_histories(self, histories: tuple[NetworkHistory, NetworkHistory]) -> None:
        """Show the latest snapshot of both."""
        self._layers = [_layers(history) for history in histories]
        first, second = self._layers
        rows = list(first if len(first) > len(second) else second)
        if rows != self.rows:
            self.rows = rows
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(820, HEAD + ROW * len(self.rows))

    def minimumSizeHint(self) -> QSize:
        """Never lower than its rows."""
        return QSize(560, self.sizeHint().height())

    def _row(self, number: int) -> QRect:
        return QRect(0, HEAD + number * ROW, self.width(), ROW)

    def cell(self, row: QRect, network: int, column: int) -> QRect:
        """Return the cell of a network (0 or 1) and column in a row."""
        half = (self.width() - NAME - GAP) / 2
        wide = half / len(CELLS)
        left = NAME + network * (half + GAP) + column * wide
        return QRect(round(left), row.top(), round(wide) - 8, row.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint headings and the rows that need it."""
        painter = QPainter(self)
        self._paint_heads(painter)
        for number, name in enumerate(self.rows):
            row = self._row(number)
            if row.intersects(event.rect()):
                self._paint_row(painter, row, name)

    def _paint_heads(self, painter: QPainter) -> None:
        now = theme.current()
        for network, name in enumerate(NAMES):
            above = self.cell(QRect(0, 0, 0, 24), network, 0)
            painter.setFont(theme.font(14, QFont.Weight.DemiBold))
            painter.setPen(now.colour("text"))
            painter.drawText(above, MIDDLE, name)
            painter.setFont(theme.font(12))
            painter.setPen(now.colour("muted"))
            for number, column in enumerate(CELLS):
                place = self.cell(QRect(0, 22, 0, 20), network, number)
                painter.drawText(place, MIDDLE, column.heading)

    def _paint_row(self, painter: QPainter, row: QRect, name: str) -> None:
        now = theme.current()
        painter.setPen(now.colour("border"))
        painter.drawLine(row.topLeft(), row.topRight())
        found = [layers.get(name) for layers in self._layers]
        info = next(layer.info for layer in found if layer)
        place = QRect(4, row.top() + 8, NAME - 10, 17)
        painter.setFont(theme.font(13, QFont.Weight.DemiBold))
        painter.setPen(now.colour("text"))
        painter.drawText(place, MIDDLE, layer_title(info))
        painter.setFont(theme.font(11))
        painter.setPen(now.colour("muted"))
        painter.drawText(place.translated(0, 17), MIDDLE, layer_shape(info))
        for network, layer in enumerate(found):
            if layer is not None:
                self._paint_network(painter, row, network, layer)

    def _paint_network(self, painter: QPainter, row: QRect, network: int, layer: LayerData) -> None:
        stats = layer.stats
        warned = {remark.quantity: remark for remark in layer.remarks}
        inner = row.adjusted(0, 7, 0, -7)
        cells = [self.cell(inner, network, number) for number in range(len(CELLS))]
        centred = stats.activation_low < 0
        shares = stats.activation_histogram
        draw_histogram(painter, _picture(cells[0]), shares, "activation", centred)
        _, std, *share = activation_words(layer.info, stats)[:3]
        words = (std, *" ".join(share).split())  # a word a line: the cells are narrow
        self._paint_words(painter, cells[0], words, warned.get("activation"))
        shares = stats.gradient_histogram**0.5  # their square roots, so that the tails show
        draw_histogram(painter, _picture(cells[1]), shares, "gradient", True)
        size = (f"std {stats.gradient_std:.0e}",)
        self._paint_words(painter, cells[1], size, warned.get("gradient"))
        draw_line(painter, _picture(cells[2]), layer.update, "update", (-6.0, 0.0), UPDATE_GOOD)
        moved = math.isfinite(stats.update_to_data)
        update = (f"now {stats.update_to_data:.1f}" if moved else "no update",)
        self._paint_words(painter, cells[2], update, warned.get("update"))

    def _paint_words(
        self, painter: QPainter, cell: QRect, lines: tuple[str, ...], remark: Remark | None
    ) -> None:
        """Paint lines of words at the right of a cell, under a sign if there is a remark."""
        now = theme.current()
        place = QRect(cell.right() - WORDS + 1, cell.top() + 3, WORDS + 10, 15)
        painter.setFont(theme.font(11))
        painter.setPen(now.colour("muted"))
        if remark is not None:
            role = "fault" if remark.is_fault else "warning"
            draw_warning(painter, QRect(place.left() - 15, place.top() + 2, 11, 11), role)
            painter.setPen(now.colour(role))
        for words in lines:
            painter.drawText(place, MIDDLE, words.replace("-", "\u2212"))
            place.translate(0, 15)

    def explain(self, point: QPoint) -> str:
        """Return the text for a place: the remark on it, then the explanation of its column."""
        where = QRect(0, point.y(), 0, 1)
        for network in range(2):
            for number, column in enumerate(CELLS):
                if not self.cell(where, network, number).contains(point.x(), point.y()):
                    continue
                row = (point.y() - HEAD) // ROW
                name = self.rows[row] if 0 <= row < len(self.rows) else ""
                layer = self._layers[network].get(name)
                remarks = layer.remarks if layer else []
                found = [remark.sentence for remark in remarks if remark.quantity == column.key]
                return "\n".join([*found, column.help])
        return COLUMNS[0].help


def _layers(history: NetworkHistory) -> dict[str, LayerData]:
    if history.info is None or history.latest is None:
        return {}
    infos, latest = history.info.layers, history.latest
    curves = [layer["update_to_data"] for layer in history.history.layers]
    found = zip(infos, latest.layers, curves, check_layers(infos, latest), strict=True)
    return {data[0].name: LayerData(*data) for data in found}


def _picture(cell: QRect) -> QRect:
    """Return the part of a cell left of its words."""
    return cell.adjusted(0, 0, -WORDS - 20, 0)
