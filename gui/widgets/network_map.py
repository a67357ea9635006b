"""The map of a network: its blocks from input to output, and the shapes between them."""

import math
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy

from core.network_map.parts import MapBlock, MapGroup, NetworkMap, Place, written
from core.telemetry.events import LayerStats
from core.telemetry.layer_health import Remark
from gui import theme
from gui.charts.explained import Explained
from gui.charts.sparklines import draw_warning
from gui.widgets.export_file import PICTURE
from gui.widgets.glossary import TERM
from gui.widgets.network_layout import (
    AFTER,
    GUTTER,
    HEAD,
    INSET,
    LABELLED,
    NEXT,
    WIDEST,
    MapFrame,
    MapLayout,
    MapNode,
    lay_out,
)
from gui.widgets.network_words import (
    brief_of,
    explanation_of,
    group_title,
    term_of_block,
    title_of,
)

STEP = 20  # pixels of the buttons that turn to the next of identical groups
BESIDE = 12  # pixels between what a layer is and what was measured of it
EMPTY = "The map of the network is drawn here as soon as there is one."
ABOUT = (
    "The network's blocks, from input to output, and the shapes of what goes from one to the next,"
    " written where they change."
)
CHANGED = "Changed by you, not by training"
KEYS = (
    "↑ and ↓ choose a block, ← and → turn to the next of identical ones; Enter or a double click"
    " opens a layer."
)


class NetworkMapView(Explained):
    """Draws a network's map; a click or the arrow keys choose a block, and F1 explains it.

    Of identical blocks of a transformer one is drawn, and one turns from one to the next.
    """

    chosen = Signal(str)
    """The key of a block that was chosen."""
    opened = Signal(str)
    """The key of a block that is to be opened."""
    is_table = True  # for export

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("networkMap")
        self.setAccessibleName("Map of the network")
        self.setProperty(PICTURE, "Network map")  # whole, where a card is as much as is seen of it
        self.setToolTip(f"<p>{ABOUT}</p><p>{KEYS}</p>")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.network: NetworkMap | None = None
        self.key = ""
        """Of the block that is chosen; the map may have no such block."""
        self._copies: dict[int, int] = {}
        """Which of identical groups is drawn, by part."""
        self._hovered = -1
        self.measured: Mapping[str, LayerStats] = {}
        """What was measured of layers last, by their names."""
        self._remarks: Mapping[str, Sequence[Remark]] = {}
        self._changes: Mapping[str, str] = {}
        """What is done to parts of blocks, in words, by the blocks' keys."""
        self._laid = MapLayout()
        self.choose("")

    # What is shown.

    def show_network(self, network: NetworkMap | None) -> None:
        """Show another network, of which nothing was measured yet."""
        self.network, self._copies, self._hovered = network, {}, -1
        self.measured, self._remarks = {}, {}
        self.choose(self.key)
        self._laid = lay_out(network, self.width())
        self.updateGeometry()

    def show_measured(
        self, stats: Mapping[str, LayerStats], remarks: Mapping[str, Sequence[Remark]]
    ) -> None:
        """Show what was measured of layers, and what is remarkable about it, by their names."""
        self.measured, self._remarks = stats, remarks
        self.update()

    def show_changes(self, changes: Mapping[str, str]) -> None:
        """Mark the blocks of which something is muted, scaled or set, by their keys, in words."""
        self._changes = changes
        self.update()

    def choose(self, key: str) -> None:
        """Mark a block, and draw that of identical groups which it is in."""
        self.key = key
        if place := self._place(key):
            part, copy, _ = place
            self._copies[part] = copy
        block = self.block_of(key)
        self.setProperty(TERM, term_of_block(block))
        self.setAccessibleDescription(f"{key}. {explanation_of(block)}" if block else ABOUT)
        self.update()

    def _place(self, key: str) -> Place | None:
        return self.network.places().get(key) if self.network is not None else None

    def key_of(self, node: MapNode) -> str:
        """Return the key of a block that is drawn."""
        assert self.network is not None
        part = self.network.parts[node.part]
        if isinstance(part, MapGroup):
            return part.key_of(node.block, self._copies.get(node.part, 0))
        return node.block.key

    def rect_of(self, key: str) -> QRect | None:
        """Return where a block is, if it is drawn."""
        return next((node.rect for node in self._laid.nodes if self.key_of(node) == key), None)

    def block_of(self, key: str) -> MapBlock | None:
        """Return the block of a key; None for none."""
        place = self._place(key)
        if place is None or self.network is None:
            return None
        return self.network.block_at(place)

    def csv_rows(self) -> list[list[object]]:
        """Return the blocks as rows, all of identical groups; [] where there are none."""
        rows: list[list[object]] = [["block", "what", "in", "out", "parameters"]]
        network = self.network
        for key, place in network.places().items() if network is not None else ():
            assert network is not None
            block = network.block_at(place)
            shapes = [written(block.inputs), written(block.outputs)]
            rows.append([key, brief_of(block) or title_of(block), *shapes, block.parameters])
        return rows if len(rows) > 1 else []

    # Where it is.

    def resizeEvent(self, event: QEvent) -> None:
        """Fit the blocks into another width."""
        self._laid = lay_out(self.network, self.width())

    def sizeHint(self) -> QSize:
        """As high as its blocks."""
        return QSize(WIDEST, max(120, self._laid.height))

    def minimumSizeHint(self) -> QSize:
        """Never lower than its blocks: it stands in a scroll area."""
        return QSize(300, self.sizeHint().height())

    def turn_rects(self, frame: MapFrame) -> tuple[QRect, QRect]:
        """Return where one clicks for the group before, and for the next one."""
        top, right = frame.rect.top() + 4, frame.rect.right() - 6
        return QRect(right - 2 * STEP - 4, top, STEP, STEP), QRect(right - STEP, top, STEP, STEP)

    def frames(self) -> list[MapFrame]:
        """Return the groups that are drawn."""
        return self._laid.frames

    # How it is painted.

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint groups, lines and blocks."""
        painter = QPainter(self)
        if self.network is None:
            painter.setFont(theme.font(13))
            theme.paint_hint(painter, self.rect().adjusted(12, 0, -12, 0), EMPTY)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for frame in self._laid.frames:
            self._paint_frame(painter, frame)
        for index, node in enumerate(self._laid.nodes):
            self._paint_lines(painter, node)
            self._paint_block(painter, index, node)

    def _paint_frame(self, painter: QPainter, frame: MapFrame) -> None:
        now, rect, group = theme.current(), frame.rect, frame.group
        painter.setPen(QPen(now.colour("border"), 1))
        painter.setBrush(now.colour("window"))
        painter.drawRoundedRect(rect, theme.RADIUS, theme.RADIUS)
        head = QRect(rect.left() + INSET, rect.top(), rect.width() - 2 * INSET, HEAD + 2)
        painter.setFont(theme.font(12, QFont.Weight.DemiBold))
        painter.setPen(now.colour("text"))
        copy = self._copies.get(frame.part, 0)
        title = group_title(group, copy)
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter, title)
        left = painter.fontMetrics().horizontalAdvance(title) + 10
        painter.setFont(theme.font(11))
        painter.setPen(now.colour("muted"))
        x = self._laid.flow
        many = len(group.keys) > 1
        room = head.adjusted(left, 0, -2 * STEP if many else 0, 0)
        words = f"{group.parameters:,} parameters{' each' if many else ''}"
        if changed := self._changed_copies(frame):
            painter.setPen(now.colour("warning"))
            words = f"changed: block{'s' * (len(changed) > 1)} {', '.join(map(str, changed))}"
        _draw_elided(painter, room, words)
        if many:
            back, on = self.turn_rects(frame)
            _paint_chevron(painter, back, -1, copy > 0)
            _paint_chevron(painter, on, 1, copy < len(group.keys) - 1)
        painter.setPen(QPen(now.colour("faint"), 1.4))
        first, last = frame.inner
        painter.drawLine(QPointF(x, last), QPointF(x, rect.bottom()))
        if group.steps:  # what it ends with is what it begins with
            aside = rect.left() + INSET + GUTTER // 2
            bottom, top = last + INSET // 2, first - NEXT // 2 - 2
            corners = [QPointF(x, bottom), QPointF(aside, bottom)]
            painter.drawPolyline([*corners, QPointF(aside, top), QPointF(x, top)])
            _paint_head(painter, QPointF(x, top), down=False)
        self._paint_arrow(painter, frame.above, rect, frame.label)

    def _changed_copies(self, frame: MapFrame) -> list[int]:
        """Return which of identical groups have changed parts, counted from 1."""
        group = frame.group
        return [
            copy + 1
            for copy in range(len(group.keys) if len(group.keys) > 1 else 0)
            if any(group.key_of(block, copy) in self._changes for block in group.blocks)
        ]

    def _paint_lines(self, painter: QPainter, node: MapNode) -> None:
        now, rect, x = theme.current(), node.rect, self._laid.flow
        self._paint_arrow(painter, node.above, rect, node.label)
        if node.source is not None:
            aside, middle = rect.left() - GUTTER // 2, rect.center().y() + 0.5
            painter.setPen(QPen(now.colour("faint"), 1.4))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            corners = [
                QPointF(x, node.source - AFTER),
                QPointF(x, node.source),
                QPointF(aside, node.source),
                QPointF(aside, middle),
                QPointF(rect.left() - 2, middle),
            ]
            painter.drawPolyline(corners)
            _paint_head(painter, QPointF(rect.left() - 1, middle), down=False)

    def _paint_arrow(self, painter: QPainter, above: int | None, rect: QRect, label: str) -> None:
        """Paint the line to a block or group from what is above it, and the shape on it."""
        now, x = theme.current(), self._laid.flow
        if above is not None:
            painter.setPen(QPen(now.colour("faint"), 1.4))
            painter.drawLine(QPointF(x, above), QPointF(x, rect.top() - 2))
            _paint_head(painter, QPointF(x, rect.top() - 1), down=True)
        if label:
            painter.setFont(theme.font(11))
            painter.setPen(now.colour("muted"))
            place = QRect(x + 10, rect.top() - LABELLED, rect.right() - x - 10, LABELLED)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, label)

    def _paint_block(self, painter: QPainter, index: int, node: MapNode) -> None:
        now, rect, block = theme.current(), node.rect, node.block
        key = self.key_of(node)
        chosen = key == self.key
        remarks = self._remarks.get(key, ())
        role = ""
        if remarks:
            role = "fault" if any(remark.is_fault for remark in remarks) else "warning"
        painter.setBrush(now.colour("sunken" if index == self._hovered else "surface"))
        edge, changed = "activation" if chosen else role or "border", key in self._changes
        pen = QPen(now.colour("warning" if changed else edge), 2 if chosen or changed else 1)
        if changed:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(rect, 6, 6)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(now.colour("activation", 36))
            painter.drawRoundedRect(rect, 6, 6)
        inner = rect.adjusted(12, 0, -10, 0)
        if role:
            mark = QRect(inner.right() - 12, inner.center().y() - 6, 12, 12)
            draw_warning(painter, mark, role)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            inner.setRight(inner.right() - 20)
        if block.kind == "layer":
            self._paint_layer(painter, inner, key, block)
            return
        sign = "+  " if block.kind in ("sum", "residual") else ""
        words = f"{sign}{title_of(block)}"
        painter.setFont(theme.font(12))
        painter.setPen(now.colour("text"))
        _draw_elided(painter, inner, words)
        about = self._changes.get(key) or self._aside(block)
        if about:
            used = painter.fontMetrics().horizontalAdvance(words) + 12
            painter.setFont(theme.font(11))
            painter.setPen(now.colour("warning" if changed else "muted"))
            _draw_elided(painter, inner.adjusted(used, 0, 0, 0), about)

    def _aside(self, block: MapBlock) -> str:
        if block.kind in ("input", "output"):
            return written(block.outputs)
        if block.kind == "attention":
            return f"{block.outputs[1]} heads of {block.outputs[3]}"
        return f"{block.parameters:,} parameters" if block.parameters else ""

    def _paint_layer(self, painter: QPainter, inner: QRect, key: str, block: MapBlock) -> None:
        now = theme.current()
        upper = QRect(inner.left(), inner.top() + 4, inner.width(), 18)
        lower = upper.translated(0, 18)
        title, bold = title_of(block), theme.font(13, QFont.Weight.DemiBold)
        small = QFontMetrics(theme.font(11))
        brief, changed = brief_of(block), self._changes.get(key, "")
        if stats := self.measured.get(key):
            painter.setFont(theme.font(11))
            free = upper.width() - QFontMetrics(bold).horizontalAdvance(title) - BESIDE
            wide = free >= small.horizontalAdvance(_standard_deviation(stats, True))
            free = lower.width() - small.horizontalAdvance(changed or brief) - BESIDE
            wide = wide and free >= small.horizontalAdvance(_update(stats, True))
            for place, words, role in (
                (upper, _standard_deviation(stats, wide), "activation"),
                (lower, _update(stats, wide), "update"),
            ):
                painter.setPen(now.colour(role))
                painter.drawText(place, _RIGHT, words)
                place.setRight(place.right() - small.horizontalAdvance(words) - BESIDE)
        painter.setFont(bold)
        painter.setPen(now.colour("text"))
        _draw_elided(painter, upper, title)
        painter.setFont(theme.font(11))
        painter.setPen(now.colour("warning" if changed else "muted"))
        words = f"{brief} · {block.parameters:,} parameters"
        # Half a number would be another one.
        fits = small.horizontalAdvance(words) <= lower.width()
        _draw_elided(painter, lower, changed or (words if fits else brief))

    # What is done with it.

    def _node_at(self, point: QPoint) -> int:
        return next((i for i, n in enumerate(self._laid.nodes) if n.rect.contains(point)), -1)

    def _turn_at(self, point: QPoint) -> tuple[MapFrame, int] | None:
        for frame in self._laid.frames:
            for by, rect in zip((-1, 1), self.turn_rects(frame), strict=True):
                if rect.contains(point) and len(frame.group.keys) > 1:
                    return frame, by
        return None

    def _turn(self, part: int, by: int) -> None:
        """Turn to another of identical groups; the same block of that is chosen, if one was."""
        assert self.network is not None
        group = self.network.parts[part]
        if not isinstance(group, MapGroup):
            return
        copy = max(0, min(len(group.keys) - 1, self._copies.get(part, 0) + by))
        place = self._place(self.key)
        self._copies[part] = copy
        if place is not None and place[0] == part:
            self.chosen.emit(group.key_of(group.blocks[place[2]], copy))
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Highlight the block under the mouse."""
        point = event.position().toPoint()
        self._hover(self._node_at(point))
        points = self._hovered >= 0 or self._turn_at(point) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if points else Qt.CursorShape.ArrowCursor)

    def leaveEvent(self, event: QEvent) -> None:
        """Highlight none."""
        self._hover(-1)

    def _hover(self, index: int) -> None:
        if index != self._hovered:
            self._hovered = index
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the block that is clicked, or turn to another of identical groups."""
        point = event.position().toPoint()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if turn := self._turn_at(point):
            self._turn(turn[0].part, turn[1])
        elif (index := self._node_at(point)) >= 0:
            self.chosen.emit(self.key_of(self._laid.nodes[index]))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open a layer; a fast second click on what turns turns once more."""
        point = event.position().toPoint()
        if self._turn_at(point):
            self.mousePressEvent(event)
        elif (index := self._node_at(point)) >= 0:
            self.opened.emit(self.key_of(self._laid.nodes[index]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose with the arrow keys, open with Enter."""
        nodes = self._laid.nodes
        at = next((i for i, node in enumerate(nodes) if self.key_of(node) == self.key), None)
        goes = {
            Qt.Key.Key_Down: 0 if at is None else at + 1,
            Qt.Key.Key_Up: 0 if at is None else at - 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: len(nodes) - 1,
        }
        key = Qt.Key(event.key())
        if key in goes and nodes:
            self.chosen.emit(self.key_of(nodes[max(0, min(len(nodes) - 1, goes[key]))]))
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._laid.frames:
            part = nodes[at].part if at is not None else self._laid.frames[0].part
            self._turn(part, 1 if key == Qt.Key.Key_Right else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and at is not None:
            self.opened.emit(self.key)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Whoever comes with the keyboard sees where the keys are."""
        super().focusInEvent(event)
        by_key = event.reason() in (
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
        )
        if by_key and self._laid.nodes and self._place(self.key) is None:
            self.chosen.emit(self.key_of(self._laid.nodes[0]))

    def explain(self, point: QPoint) -> str:
        """Return what a block does with its shapes, and what is remarkable about it."""
        index = self._node_at(point)
        if index < 0:
            return ""
        node = self._laid.nodes[index]
        key = self.key_of(node)
        words = [remark.sentence for remark in self._remarks.get(key, ())]
        if changed := self._changes.get(key):
            words.insert(0, f"{CHANGED}: {changed}.")
        return "\n".join([*words, explanation_of(node.block), *_measured(self.measured.get(key))])


def _standard_deviation(stats: LayerStats, wide: bool) -> str:
    return f"{'activation std' if wide else 'std'} {stats.std:.2f}"


def _update(stats: LayerStats, wide: bool) -> str:
    """Return the update-to-weight ratio; nothing where there was no update yet.

    Its whole name is in the tooltip.
    """
    if not math.isfinite(stats.update_to_data):
        return ""
    return f"{'log10 update-to-weight' if wide else 'update'} {stats.update_to_data:.1f}"


def _measured(stats: LayerStats | None) -> list[str]:
    """Say what was measured of a layer."""
    if stats is None:
        return []
    words = f"The standard deviation of its activations is {stats.std:.2f}"
    if math.isfinite(stats.update_to_data):
        words += f", and log10 of its update-to-weight ratio is {stats.update_to_data:.1f}"
    return [f"{words}."]


_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _draw_elided(painter: QPainter, place: QRect, words: str) -> None:
    fitting = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, place.width())
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, fitting)


def _paint_head(painter: QPainter, tip: QPointF, down: bool) -> None:
    """Paint the head of an arrow that points down or to the right."""
    a, b = (QPointF(-3.5, -5), QPointF(3.5, -5)) if down else (QPointF(-5, -3.5), QPointF(-5, 3.5))
    painter.setBrush(theme.current().colour("faint"))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawPolygon(QPolygonF([tip, tip + a, tip + b]))


def _paint_chevron(painter: QPainter, rect: QRect, to: int, works: bool) -> None:
    """Paint what one clicks to turn back (-1) or on (1)."""
    now, middle = theme.current(), QPointF(rect.center())
    painter.setPen(QPen(now.colour("border"), 1))
    painter.setBrush(now.colour("surface"))
    painter.drawRoundedRect(rect, 4, 4)
    painter.setPen(QPen(now.colour("text" if works else "faint"), 1.6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    corners = [QPointF(-2 * to, -4), QPointF(2 * to, 0), QPointF(-2 * to, 4)]
    painter.drawPolyline([middle + QPointF(0.5, 0.5) + corner for corner in corners])
