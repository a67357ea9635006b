"""One layer opened: its weights, its top-activating examples, and its numbers over the training."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from core.telemetry.events import LayerInfo, LayerView
from core.telemetry.history import Curve
from gui.charts.cells import Cells
from gui.theme import GAP, MARGIN, IconButton
from gui.widgets.ablation_card import AblationCard
from gui.widgets.card import label
from gui.widgets.columns import CardColumns
from gui.widgets.layer_cards import AliveCard, MapsCard, SeeksCard
from gui.widgets.layer_names import layer_title
from gui.widgets.scroll_column import scrolled
from gui.widgets.trends_card import TrendsCard
from gui.widgets.unit_controls import marks, of_units
from gui.widgets.weights_card import WeightsCard

if TYPE_CHECKING:
    from core.interventions import Intervention


class LayerPanel(QWidget):
    """Shows one layer; views and curves are given to it."""

    closed = Signal()
    """Back to all layers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("layerPanel")
        self.setAccessibleName("One layer of the network, opened")
        self.info: LayerInfo | None = None
        self.back = IconButton("back", "Back to all layers. Esc does the same.")
        self.back.setObjectName("layerBack")
        self.back.clicked.connect(self.closed)
        self.title = label("", "title", wrap=True)
        self.title.setObjectName("layerTitle")
        self.product = label("", "muted", wrap=True)
        self.product.setObjectName("layerProduct")
        self.product.setToolTip(
            "Whatever a layer is called, it is a matrix product: a row for each thing it reads, a"
            " column for each unit."
        )
        self.step = label("", "muted")
        self.step.setObjectName("layerStep")
        self.step.setToolTip("<p>The training step that weights and pictures are of.</p>")
        self.weights, self.seeks = WeightsCard(), SeeksCard()
        self.maps, self.alive, self.trends = MapsCard(), AliveCard(), TrendsCard()
        self.ablation = AblationCard()
        self._told: dict[int, Intervention] = {}
        """What is done to units of this layer."""
        self._pictures = self._pictures_of_units()
        cards = CardColumns()
        cards.add(self.ablation, wide=True)
        for card in (self.weights, self.seeks, self.maps, self.alive):
            cards.add(card)
        cards.add(self.trends, wide=True)
        self.area = scrolled(cards)

        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.product)
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self.back, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        head.addWidget(self.step, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(MARGIN)
        column.addLayout(head)
        column.addWidget(self.area, 1)

    def _pictures_of_units(self) -> list[Cells]:
        """Return the pictures in which a unit can be clicked, which selects it."""
        found = [
            *(self.weights.pictures, self.weights.matrix, self.seeks.grid, self.alive.map),
            *(self.maps.grid, self.maps.wall, self.maps.bars),
        ]
        for picture in found:
            picture.chosen.connect(
                lambda index, of=picture: self.ablation.select(of.unit_of(index))
            )
        self.ablation.selected.connect(lambda unit: self._mark())
        return found

    def _mark(self) -> None:
        """Mark in every picture which units are changed, and which is selected."""
        for picture in self._pictures:
            picture.mark_units(*marks(self._told), self.ablation.unit)

    def show_interventions(self, interventions: "Iterable[Intervention]") -> None:
        """Show what is done to the units of the layer, of these."""
        name = self.info.name if self.info is not None else ""
        self._told = of_units(interventions, name)
        self.ablation.show_interventions(self._told)
        self._mark()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back; other keys are for whoever is around."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def open(self, info: LayerInfo) -> None:
        """Turn to a layer; its pictures come with its first view."""
        self.info = info
        self.title.setText(title_of(info))
        self.product.setText(product_of(info))
        for card in (self.ablation, self.weights, self.seeks, self.maps, self.alive, self.trends):
            card.open(info)
        self._mark()
        self.step.setText("")
        self.area.verticalScrollBar().setValue(0)

    def show_view(self, view: LayerView) -> None:
        """Show a look at the layer; one at another layer comes too late, and is ignored."""
        if self.info is None or view.layer != self.info.name:
            return
        self.step.setText(f"step {view.step:,}")
        for card in (self.ablation, self.weights, self.seeks, self.maps, self.alive):
            card.show_view(view)

    def show_history(self, curves: dict[str, Curve]) -> None:
        """Show how the layer's numbers went: one entry of ``History.layers``."""
        if self.info is not None:
            self.trends.show_history(curves)


def title_of(info: LayerInfo) -> str:
    """Say what a layer is, such as ``conv.2 · 16 → 32 channels, 3 × 3, relu``."""
    activation = f", {info.activation}" if info.activation else ""
    if info.kernel:
        side = f"{info.kernel} × {info.kernel}"
        size = f"{info.fan_in // info.kernel**2} \u2192 {info.units:,} channels, {side}"
    else:
        size = f"{info.fan_in:,} \u2192 {info.units:,} units"
    return f"{layer_title(info)} · {size}{activation}"


def product_of(info: LayerInfo) -> str:
    """Say which matrix product a layer is, and how many parameters it has."""
    weights = info.fan_in * info.units
    rows = "patches" if info.kernel else "batch"
    words = f"({rows} × {info.fan_in}) @ ({info.fan_in} × {info.units}): {weights:,} weights"
    norm = 2 * info.units if info.norm else 0
    extra = [(info.parameters - weights - norm, "biases"), (norm, "numbers of batch norm")]
    return " and ".join([words, *(f"{count:,} {name}" for count, name in extra if count > 0)])
