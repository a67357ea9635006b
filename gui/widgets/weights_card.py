"""The weights of a layer: filters and templates as pictures, any other matrix as one."""

import numpy as np

from core.numbers import number
from core.telemetry.events import Array, LayerInfo, LayerView
from gui.charts.colormaps import diverging, reach
from gui.charts.heatmap import ColorScale, MatrixView
from gui.charts.image_grid import PictureGrid
from gui.inputs import ComboBox
from gui.widgets.layer_cards import PICTURED, LayerCard, capped

STRONGEST = "strongest channel"
PICTURES, MATRIX = "as pictures", "as a matrix"


class WeightsCard(LayerCard):
    """The product's matrix, in the form that can be read best."""

    def __init__(self) -> None:
        super().__init__("Weights", "What has each unit learned to respond to?")
        self.choice = ComboBox()
        self.choice.setObjectName("weightsChoice")
        self.choice.setAccessibleName("How the weights are shown")
        self.choice.setToolTip("<p>Show the weights as pictures, by channel, or as one matrix.</p>")
        self.choice.setMaxVisibleItems(16)
        self.choice.currentIndexChanged.connect(self._draw)
        self.head.addWidget(self.choice)
        self.pictures = PictureGrid(
            "weightPictures",
            "The weights of each unit",
            "Blue weights add to the unit where there is input, orange ones subtract.",
        )
        self.matrix = MatrixView(
            "weightMatrix",
            "The weights as a matrix",
            "A row is a unit, a column one of its inputs. Blue adds, orange subtracts.",
        )
        self.scale = ColorScale(
            "weightScale",
            "Orange is negative, blue is positive; the weaker the colour, the nearer to zero.",
        )
        self.add(self.pictures, self.matrix, self.scale)
        self._info: LayerInfo | None = None
        self._weights: Array | None = None

    def open(self, info: LayerInfo) -> None:
        """Get ready for a layer."""
        self._info, self._weights = info, None
        channels = info.fan_in // info.kernel**2 if info.kernel else 0
        ways: list[str] = []
        if channels > 1:
            ways = [STRONGEST, *(f"channel {c}" for c in range(channels))]
            help = "A filter reads every channel of the layer before; choose which part to see."
        elif info.fan_in == 784 and not info.kernel:
            ways = [PICTURES, MATRIX]
            help = "Each unit reads all 784 pixels, so its weights make a picture too."
        self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItems(ways)
        self.choice.blockSignals(False)
        self.choice.setVisible(bool(ways))
        self.choice.setToolTip(help if ways else "")
        self.wait()
        self.note.setText(self._how_to_read())

    def show_view(self, view: LayerView) -> None:
        """Show the weights of a view."""
        self._weights = view.weights
        self._draw()

    def _how_to_read(self) -> str:
        info, way = self._info, self.choice.currentText()
        assert info is not None
        if info.kernel and way == STRONGEST:
            each = "Each unit's filter for its strongest channel."
        elif info.kernel:
            each = "A filter a unit."
        elif way == PICTURES:
            each = "A picture a unit: ink on blue adds, on orange subtracts."
        else:
            return f"A row a unit, a column one of its {info.fan_in:,} inputs."
        return each + capped(info)

    def _draw(self) -> None:
        info, weights, way = self._info, self._weights, self.choice.currentText()
        if info is None or weights is None:
            return
        self.note.setText(self._how_to_read())
        limit = reach(weights)
        self.scale.show_scale(
            diverging, (number(-limit), f"+{number(limit)}"), "blue adds, orange subtracts"
        )
        if not info.kernel and way != PICTURES:
            self.matrix.show_matrix(
                weights,
                diverging,
                (-limit, limit),
                lambda row, column: f"unit {row}, input {column}: {number(weights[row, column])}",
            )
            self.reveal(self.matrix, self.scale)
            return
        some = weights[:PICTURED]
        if info.kernel:
            channels = self._channels(some, way)
            shown = some[np.arange(len(some)), channels]
        else:
            channels = np.zeros(len(some), int)
            shown = some.reshape(-1, 28, 28)
        several = bool(info.kernel) and weights.shape[1] > 1

        def explain(unit: int) -> str:
            part = shown[unit]
            which = f"unit {unit}, channel {channels[unit]}" if several else f"unit {unit}"
            low, high = number(float(part.min())), number(float(part.max()))
            return f"{which}\nweights from {low} to {high}, mean {number(float(part.mean()))}"

        self.pictures.show_pictures(shown, diverging, (-limit, limit), explain)
        self.reveal(self.pictures, self.scale)

    def _channels(self, weights: Array, way: str) -> Array:
        """Return the input channel to show of each unit."""
        if way == STRONGEST:
            strongest: Array = np.square(weights).sum(axis=(2, 3)).argmax(axis=1)
            return strongest
        return np.full(len(weights), max(0, self.choice.currentIndex() - 1))
