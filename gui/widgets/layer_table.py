"""The layer table: a row per layer, with its activations, gradients and updates.

One widget paints it all. Twelve plots of a plotting library cost a small network's training most
of its speed; this costs a few milliseconds a frame.
"""

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.telemetry.events import LayerInfo, LayerStats, Snapshot
from core.telemetry.history import History
from core.telemetry.layer_health import UPDATE_GOOD, Remark, check_layers
from gui import theme
from gui.charts.explained import Explained
from gui.charts.histogram import draw_histogram
from gui.charts.sparklines import draw_line, draw_warning
from gui.widgets.glossary import TERM, open_term
from gui.widgets.layer_names import layer_role, layer_title

ROW, HEAD = 74, 34  # pixels; two lines fit into a heading
MEASURED = (
    "mean std zero saturated dead gradient_std weight_std gradient_to_weight update_to_data"
).split()
"""The numbers of a layer that a file of the table has."""
WORDS = 78  # pixels for the words beside a plot
PLOT = 52  # pixels that a plot has at least, or its words go below it
LINE = 16  # pixels for words below a plot
BESIDE = 4  # pixels at least between the name of a layer and the plot beside it
NAME = 116  # pixels for a layer's name, shape and activation
HEAD_HELP = "Click the heading, or press F1 here, to read about it in the glossary."
SOUND = "No problem found: activations, gradients and updates are in range in every layer."
STILL = (
    "No problem found: activations and gradients are in range in every layer. No update was"
    " measured: none is made until it is trained."
)
EMPTY = "The layers of the network are listed here, one a row, as soon as there is one."


@dataclass(frozen=True)
class LayerColumn:
    """A column: its heading, its term, its share of the width, and what its tooltip teaches."""

    key: str
    heading: str
    term: str
    share: float
    help: str


COLUMNS = (
    LayerColumn(
        "layer",
        "Layer",
        "Layer",
        0.18,
        "A layer is a matrix product: every output is a weighted sum of what comes in.",
    ),
    LayerColumn(
        "activation",
        "Activations",
        "Activation",
        0.31,
        "The layer's outputs over the batch. A saturated tanh or sigmoid (beyond ±0.97; within 0.03"
        " of 0 or 1) and a dead relu (0 for every example) pass no gradient on. Entropy: of the"
        " attention weights, 0 if all attention is on one token. Stream: the standard deviation of"
        " the residual stream behind the layer, which should grow slowly.",
    ),
    LayerColumn(
        "gradient",
        "Gradients",
        "Gradient",
        0.265,
        "The gradient of the loss with respect to each activation. A similar standard deviation in"
        " every layer is good; ever smaller ones towards the input are a vanishing gradient. Below"
        " it the gradient-to-weight ratio: the weights' gradient against the weights, by their"
        " standard deviations. Heights are square roots, so that the tails show.",
    ),
    LayerColumn(
        "update",
        "log10 update-to-weight",
        "Update-to-weight ratio",
        0.245,
        "log10 of the standard deviation of a step's update over that of the weights, over time."
        " Near the line at -3, a thousandth a step, is good.",
    ),
)


OF_FACTORS = (
    "LoRA (Hu et al. 2021): this layer's matrix is frozen, and an addition of low rank learns. The"
    " ratios are those of its two factors."
)


FROZEN = "frozen"
OF_FROZEN = (
    "Frozen: this layer's weights stay as they are, since they require no gradient or no optimiser"
    " holds them."
)


def layer_shape(info: LayerInfo) -> str:
    """Return the sizes of its matrix product: ``784 → 100``."""
    filters = f", {info.kernel}×{info.kernel}" if info.kernel else ""
    inputs = info.fan_in // max(1, info.kernel**2)
    return f"{inputs:,} → {info.units:,}{filters}"


class LayerTable(Explained):
    """Shows the newest snapshot of every layer; a click or Enter opens one.

    F1 explains the current column: that under the mouse, or that which the arrow keys choose.
    """

    opened = Signal(str)
    walked = Signal(str)
    """The layer that the arrow keys have come to."""
    is_table = True  # for export
    opens_layers = True
    """Whether there is a network to look into."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("layerWall")
        self.setAccessibleName("Layers: activations, gradients, updates")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self._layers: tuple[LayerInfo, ...] = ()
        self.snapshot: Snapshot | None = None
        self._remarks: list[list[Remark]] = []
        self._history = History()
        self._hovered = -1
        self.chosen = ""
        """The layer that is marked, by its name; there may be no such."""
        self.choose_column(0)

    def choose_column(self, number: int) -> None:
        """Make a column the one that F1 explains."""
        self.column = COLUMNS[max(0, min(len(COLUMNS) - 1, number))]
        self.setProperty(TERM, self.column.term)
        self.update(0, 0, self.width(), HEAD)

    def set_layers(self, layers: tuple[LayerInfo, ...], history: History) -> None:
        """Show these layers, of which nothing was measured yet."""
        self._layers, self._history = layers, history
        self.snapshot, self._remarks = None, [[] for _ in layers]
        self.updateGeometry()
        self.update()

    def choose(self, name: str) -> QRect | None:
        """Mark a layer as the chosen one; return where it is, None where there is no such."""
        self.chosen = name
        self.update()
        return next(
            (self.row_rect(row) for row, info in enumerate(self._layers) if info.name == name), None
        )

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show what the probes measured."""
        self.snapshot = snapshot
        self._remarks = check_layers(self._layers, snapshot)
        self.update()

    def csv_rows(self) -> list[list[object]]:
        """Return what was measured last as rows, a layer each; [] before anything was."""
        if self.snapshot is None:
            return []
        rows: list[list[object]] = [["step", "layer", "inputs", "outputs", "parameters", *MEASURED]]
        for info, stats in zip(self._layers, self.snapshot.layers, strict=True):
            about = [self.snapshot.step, info.name, info.fan_in, info.units, info.parameters]
            rows.append([*about, *(getattr(stats, name) for name in MEASURED)])
        return rows

    def summary(self) -> tuple[str, str]:
        """Return the first fault, else notice, as a sentence, or that all is well; and its role."""
        found = [
            (remark.is_fault, f"{layer_title(info)}: {remark.sentence}")
            for info, remarks in zip(self._layers, self._remarks, strict=True)
            for remark in remarks
        ]
        if not found:
            moved = self.snapshot is not None and any(
                is_updated(stats, self.snapshot.rate_share) for stats in self.snapshot.layers
            )
            return SOUND if moved else STILL, "small"
        is_fault, sentence = max(found, key=lambda pair: pair[0])
        return sentence, "fault" if is_fault else "warning"

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(640, HEAD + ROW * max(1, len(self._layers)))

    def minimumSizeHint(self) -> QSize:
        """Never lower than its rows: it stands in a scroll area."""
        return QSize(360, self.sizeHint().height())

    def row_rect(self, row: int) -> QRect:
        """Return where a layer's row is."""
        return QRect(0, HEAD + row * ROW, self.width(), ROW)

    def headings(self) -> dict[str, QRect]:
        """Return where the heading of each column is, by its key."""
        return self._column_rects(QRect(0, 0, self.width(), HEAD))

    def heading_rooms(self) -> dict[str, QRect]:
        """Return the room of each heading: beside the last one nothing stands."""
        rooms = {key: rect.adjusted(0, 0, BESIDE, 0) for key, rect in self.headings().items()}
        rooms[COLUMNS[-1].key].setRight(self.width())
        return rooms

    def _column_rects(self, row: QRect) -> dict[str, QRect]:
        rects, left = {}, float(row.left() + 10)
        usable = row.width() - 20
        gap = 18 if usable > 460 else 8
        # Where room is short, the names of the layers get more of it: plots can be small.
        first = max(COLUMNS[0].share * usable, min(NAME, 0.31 * usable))
        others = (usable - first) / (1 - COLUMNS[0].share)
        for column in COLUMNS:
            width = first if column is COLUMNS[0] else others * column.share
            rects[column.key] = QRect(round(left), row.top(), round(width) - gap, row.height())
            left += width
        return rects

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint headings and rows that need it."""
        painter = QPainter(self)
        colours = theme.current()
        if not self._layers:
            painter.setFont(theme.font(13))
            theme.paint_hint(painter, self.rect().adjusted(12, 0, -12, 0), EMPTY)
            return
        rooms = self.heading_rooms()
        for column in COLUMNS:
            current = column is self.column and (self.underMouse() or self.hasFocus())
            font = theme.font(11)
            font.setUnderline(current)
            painter.setFont(font)
            painter.setPen(colours.colour("text" if current else "muted"))
            wrapped = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(rooms[column.key], wrapped, column.heading)
        for row in range(len(self._layers)):
            if self.row_rect(row).intersects(event.rect()):
                self._paint_row(painter, row)

    def _paint_row(self, painter: QPainter, row: int) -> None:
        colours, rect = theme.current(), self.row_rect(row)
        if row == self._hovered:
            painter.fillRect(rect, colours.colour("sunken"))
        if self._layers[row].name == self.chosen:
            painter.fillRect(rect, colours.colour("activation", 36))
            painter.fillRect(QRect(0, rect.top(), 3, ROW), colours.colour("activation"))
        painter.setPen(colours.colour("border"))
        painter.drawLine(rect.topLeft(), rect.topRight())
        columns = self._column_rects(rect.adjusted(0, 8, 0, -8))
        info = self._layers[row]
        room = columns["activation"].left() - BESIDE - columns["layer"].left()
        self._paint_name(painter, columns["layer"], room, info)
        if self.snapshot is None:
            return
        stats = self.snapshot.layers[row]
        warned = {remark.quantity: remark for remark in self._remarks[row]}
        key = "activation"
        shares, centred = stats.activation_histogram, stats.activation_low < 0
        draw_histogram(painter, _picture(columns[key]), shares, key, centred)
        words = activation_words(info, stats)
        self._paint_words(painter, columns[key], words, words[1:], warned.get(key))
        key = "gradient"
        # Square roots of the shares: most gradients are tiny, and the tails are what matters.
        shares = np.sqrt(stats.gradient_histogram)
        draw_histogram(painter, _picture(columns[key]), shares, key, True)
        words = gradient_words(info, stats)
        self._paint_words(painter, columns[key], words, words[:1], warned.get(key))
        key = "update"
        curve = self._history.layers[row]["update_to_data"]
        draw_line(painter, _picture(columns[key]), curve, key, (-6.0, 0.0), UPDATE_GOOD)
        words = update_words(info, stats, self.snapshot.rate_share)
        self._paint_words(painter, columns[key], words, words[-1:], warned.get(key))

    def _paint_name(self, painter: QPainter, rect: QRect, room: int, info: LayerInfo) -> None:
        colours = theme.current()
        parts = [layer_role(info), info.activation, "batch norm" if info.norm else ""]
        parts.append(f"LoRA of rank {info.rank}" if info.rank else "")
        parts.append(FROZEN if info.frozen else "")
        kind = ", ".join(part for part in parts if part) or "no activation"
        lines = (layer_shape(info), kind, f"{info.parameters:,} weights")
        painter.setFont(theme.font(13, QFont.Weight.DemiBold))
        painter.setPen(colours.colour("text"))
        place = QRect(rect.left(), rect.top(), room, rect.height() // 4)
        _draw_elided(painter, place.adjusted(0, -2, 0, 2), info.name)
        painter.setFont(theme.font(11))
        painter.setPen(colours.colour("muted"))
        for words in lines:
            place.translate(0, rect.height() // 4)
            _draw_elided(painter, place, words)

    def _paint_words(
        self,
        painter: QPainter,
        rect: QRect,
        lines: tuple[str, ...],
        brief: tuple[str, ...],
        remark: Remark | None,
    ) -> None:
        """Paint lines of words at the right of a cell, or brief ones below; a sign of a remark."""
        colours = theme.current()
        painter.setFont(theme.font(11))
        painter.setPen(colours.colour("muted"))
        if _is_narrow(rect):
            place = QRect(rect.left(), rect.bottom() - LINE + 4, rect.width(), LINE)
            if remark is not None:
                role = "fault" if remark.is_fault else "warning"
                draw_warning(painter, QRect(place.left(), place.top() + 2, 12, 12), role)
                painter.setPen(colours.colour(role))
                place.setLeft(place.left() + 16)
            _draw_elided(painter, place, fitting(painter, place.width(), brief, remark))
            return
        place = QRect(rect.right() - WORDS + 1, rect.top(), WORDS, 15)
        if remark is not None:
            role = "fault" if remark.is_fault else "warning"
            draw_warning(painter, QRect(place.left(), place.top() + 1, 12, 12), role)
            painter.setPen(colours.colour(role))
            place.translate(0, 15)
        for words in lines:
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, words)
            place.translate(0, 15)

    def _row_at(self, point: QPoint) -> int:
        row = (point.y() - HEAD) // ROW
        return row if point.y() >= HEAD and 0 <= row < len(self._layers) else -1

    def _column_at(self, point: QPoint) -> int:
        _, *others = self.headings().values()
        return sum(point.x() >= head.left() for head in others)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Highlight the row under the mouse, and choose the column."""
        point = event.position().toPoint()
        self._hover(self._row_at(point))
        points = self._hovered >= 0 or (self._layers and point.y() < HEAD)
        self.setCursor(Qt.CursorShape.PointingHandCursor if points else Qt.CursorShape.ArrowCursor)
        self.choose_column(self._column_at(point))

    def leaveEvent(self, event: QEvent) -> None:
        """Highlight none."""
        self._hover(-1)
        self.update()

    def _hover(self, row: int) -> None:
        if row != self._hovered and self.opens_layers:
            self._hovered = row
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open the row that was clicked, or the term of the heading."""
        point = event.position().toPoint()
        row = self._row_at(point)
        if event.button() != Qt.MouseButton.LeftButton or not self._layers:
            return
        if row >= 0 and self.opens_layers:
            self.opened.emit(self._layers[row].name)
        elif point.y() < HEAD:
            open_term(self, COLUMNS[self._column_at(point)].term)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with the arrow keys, open with Enter."""
        moves = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        aside = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}
        if event.key() in moves and self._layers and self.opens_layers:
            self._hover(
                max(0, min(len(self._layers) - 1, self._hovered + moves[Qt.Key(event.key())]))
            )
            self.walked.emit(self._layers[self._hovered].name)
        elif event.key() in aside:
            self.choose_column(COLUMNS.index(self.column) + aside[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._hovered >= 0:
            self.opened.emit(self._layers[self._hovered].name)
        else:
            super().keyPressEvent(event)

    def explain(self, point: QPoint) -> str:
        """Return the tooltip of a place: the remarks on its row, then what the column shows."""
        column = COLUMNS[self._column_at(point)]
        row = self._row_at(point)
        remarks = self._remarks[row] if row >= 0 else []
        sentences = [remark.sentence for remark in remarks if remark.quantity == column.key]
        more = [] if row >= 0 else [HEAD_HELP]
        if column.key == "layer" and self.opens_layers:
            more.insert(0, "Click a row to open it.")
        if column.key == "layer" and row >= 0:  # it may be elided
            sentences.insert(0, self._layers[row].name)
        if row >= 0 and self._layers[row].rank and column.key in ("gradient", "update"):
            more.append(OF_FACTORS)
        if row >= 0 and self._layers[row].frozen and column.key in ("gradient", "update"):
            more.append(OF_FROZEN)
        return "\n".join([*sentences, column.help, *more])


def activation_words(info: LayerInfo, stats: LayerStats) -> tuple[str, ...]:
    """Return mean, std, and the share saturated or dead, entropy or stream, a line each."""
    words = [f"mean {stats.mean:+.2f}", f"std {stats.std:.2f}"]
    if info.activation in ("tanh", "sigmoid"):
        words.append(f"saturated {stats.saturated:.0%}")
    if info.activation == "relu":
        words.append(f"dead {stats.dead:.0%}")
    if not math.isnan(stats.attention_entropy):
        words.append(f"entropy {stats.attention_entropy:.2f}")
    if not math.isnan(stats.stream):
        words.append(f"stream {stats.stream:.2f}")
    return tuple(words)


def gradient_words(info: LayerInfo, stats: LayerStats) -> tuple[str, ...]:
    """Return std and the ratio to the weights, a line each; a frozen layer may have neither."""
    std = f"std {stats.gradient_std:.0e}"
    if info.frozen:
        return (std, FROZEN) if stats.gradient_std > 0 else (FROZEN,)
    return (std, "grad / weight", f"{stats.gradient_to_weight:.0e}")


def update_words(info: LayerInfo, stats: LayerStats, rate_share: float) -> tuple[str, ...]:
    """Return the update-to-weight ratio, or why there is none, a line each."""
    if info.frozen:
        return (FROZEN,)
    moved = is_updated(stats, rate_share)
    return ("now", f"{stats.update_to_data:.1f}" if moved else "no update")


def is_updated(stats: LayerStats, rate_share: float) -> bool:
    """Whether a layer's weights were moved in the step that was measured."""
    return bool(rate_share) and math.isfinite(stats.update_to_data)


def _draw_elided(painter: QPainter, place: QRect, words: str) -> None:
    fitting = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, place.width())
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, fitting)


def fitting(painter: QPainter, room: int, parts: tuple[str, ...], remark: Remark | None) -> str:
    """Return as many parts as fit side by side; the last stays where it is what is warned of."""
    while len(parts) > 1 and painter.fontMetrics().horizontalAdvance(", ".join(parts)) > room:
        parts = parts[1:] if remark is not None else parts[:-1]
    return ", ".join(parts)


def _is_narrow(cell: QRect) -> bool:
    """Whether words beside a plot would leave it too little room."""
    return cell.width() < PLOT + WORDS + 8


def _picture(cell: QRect) -> QRect:
    """Return the part of a cell left of its words, or above them, for the plot."""
    return cell.adjusted(0, 0, 0, -LINE) if _is_narrow(cell) else cell.adjusted(0, 0, -WORDS - 8, 0)
