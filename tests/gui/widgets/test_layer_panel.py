"""A layer opened on the screen: real models, real digits, real clicks and keys."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QHelpEvent
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QToolButton, QWidget

from core.layers import layers_of
from core.playgrounds.digits.data import prepare
from core.playgrounds.digits.models import build
from core.playgrounds.digits.recipe import DigitsRecipe
from core.telemetry.events import LayerInfo, LayerStats, LayerView, Snapshot
from core.telemetry.history import History
from core.telemetry.inspection import inspect_layer
from core.telemetry.probes import describe
from gui import theme
from gui.charts.cells import Cells
from gui.widgets.layer_cards import DRAW, alive
from gui.widgets.layer_panel import LayerPanel, product_of, title_of
from tests.gui.hands import tooltip

CNN = DigitsRecipe(model="cnn", channels=(8, 12))
RELU = DigitsRecipe(model="mlp", hidden=(40, 12), batch_norm=False)
TANH = DigitsRecipe(model="mlp", hidden=(40, 12), activation="tanh", batch_norm=False)


class Opened:
    """A panel on the screen, and the model that it looks into."""

    def __init__(self, panel: LayerPanel, recipe: DigitsRecipe, images: torch.Tensor) -> None:
        self.panel = panel
        self.model = build(recipe)
        self.infos = describe(self.model)
        self.examples = prepare(images)

    def view(self, index: int, shown: bool = True) -> LayerView:
        """Look into a layer."""
        name = self.infos[index].name
        return inspect_layer(
            self.model, name, 0, self.examples, self.examples[:1] if shown else None
        )

    def open(self, index: int, shown: bool = True) -> LayerView:
        """Look into a layer, and put it on the screen."""
        view = self.view(index, shown)
        self.panel.open(self.infos[index])
        self.panel.show_view(view)
        QApplication.processEvents()
        return view

    def find(self, name: str) -> Cells:
        """Return one of the panel's pictures."""
        return self.panel.findChild(QWidget, name)


@pytest.fixture
def opened(qtbot, bundled):
    """Open a layer of a new model: ``opened(recipe)`` gives the panel and its model."""

    def make(recipe: DigitsRecipe) -> Opened:
        panel = LayerPanel()
        qtbot.addWidget(panel)
        panel.resize(1000, 900)
        panel.show()
        return Opened(panel, recipe, bundled.validation.images[::10])

    return make


def pixel(widget: QWidget, point: QPointF) -> QColor:
    """Return the colour on the screen at a point of a widget."""
    picture = widget.grab().toImage()
    ratio = picture.devicePixelRatio()
    return picture.pixelColor(int(point.x() * ratio), int(point.y() * ratio))


def hover(widget: QWidget, point: QPoint) -> str:
    """Rest the mouse on a point; return what the tooltip says."""
    QApplication.sendEvent(
        widget, QHelpEvent(QEvent.Type.ToolTip, point, widget.mapToGlobal(point))
    )
    return tooltip()


@pytest.mark.parametrize(
    ("info", "title", "product"),
    [
        (
            LayerInfo("stages.2", 144, 32, 3, 4640, "relu", False),
            "stages.2 · 16 → 32 channels, 3 × 3, relu",
            "(patches × 144) @ (144 × 32): 4,608 weights and 32 biases",
        ),
        (
            LayerInfo("hidden.0", 784, 256, 0, 201216, "tanh", True),
            "hidden.0 · 784 → 256 units, tanh",
            "(batch × 784) @ (784 × 256): 200,704 weights and 512 numbers of batch norm",
        ),
        (
            LayerInfo("output", 128, 10, 0, 1290, "", False),
            "output · 128 → 10 units",
            "(batch × 128) @ (128 × 10): 1,280 weights and 10 biases",
        ),
    ],
)
def test_a_layer_is_said_in_words(info: LayerInfo, title: str, product: str) -> None:
    """The head says what the layer is, and which matrix product."""
    assert title_of(info) == title
    assert product_of(info) == product


def test_the_numbers_of_the_head_are_the_models(opened) -> None:
    """Weights, biases and batch norm in the head add up to what the layer has learned."""
    for recipe in (CNN, RELU):
        for info in describe(build(recipe)):
            numbers = product_of(info).split(": ")[1]
            counts = [int(w.replace(",", "")) for w in numbers.split() if w[0].isdigit()]
            assert sum(counts) == info.parameters


def test_back_and_escape_close(opened, qtbot) -> None:
    """The back button and the Escape key both ask to see all layers again."""
    panel = opened(CNN).panel
    with qtbot.waitSignal(panel.closed, timeout=1000):
        qtbot.mouseClick(panel.findChild(QToolButton, "layerBack"), Qt.MouseButton.LeftButton)
    panel.findChild(QToolButton, "layerBack").setFocus()
    with qtbot.waitSignal(panel.closed, timeout=1000):
        qtbot.keyClick(panel.findChild(QToolButton, "layerBack"), Qt.Key.Key_Escape)


def test_a_view_of_another_layer_is_ignored(opened) -> None:
    """A look at another layer that comes late does not replace this one's pictures."""
    it = opened(CNN)
    it.open(0)
    before = it.find("weightPictures").count()
    it.panel.show_view(it.view(1))
    assert it.find("weightPictures").count() == before == it.infos[0].units


def test_weights_take_the_form_that_suits_them(opened) -> None:
    """Filters and 784-pixel weights are pictures; any other matrix is one picture."""
    cnn, mlp = opened(CNN), opened(RELU)
    cnn.open(0)
    assert cnn.find("weightPictures").isVisible() and not cnn.find("weightMatrix").isVisible()
    cnn.open(2)
    assert cnn.find("weightMatrix").isVisible() and not cnn.find("weightPictures").isVisible()
    view = mlp.open(0)
    assert mlp.find("weightPictures").isVisible()
    np.testing.assert_array_equal(
        mlp.find("weightPictures").picture_at(3), view.weights[3].reshape(28, 28)
    )


def test_another_channel_of_the_filters_can_be_chosen(opened, qtbot) -> None:
    """Keys in the choice beside the title lead from the strongest channel to a certain one."""
    it = opened(CNN)
    view = it.open(1)
    grid, choice = it.find("weightPictures"), it.panel.findChild(QComboBox, "weightsChoice")
    strongest = (view.weights[4] ** 2).sum(axis=(1, 2)).argmax()
    np.testing.assert_array_equal(grid.picture_at(4), view.weights[4, strongest])
    assert f"unit 4, channel {strongest}" in grid.describe(4)
    for _ in range(3):
        qtbot.keyClick(choice, Qt.Key.Key_Down)
    assert choice.currentText() == "channel 2"
    np.testing.assert_array_equal(grid.picture_at(4), view.weights[4, 2])


def test_pixel_weights_can_be_seen_as_a_matrix(opened, qtbot) -> None:
    """Where weights are shown as pictures of 28 x 28, the plain matrix is one key away."""
    it = opened(RELU)
    it.open(0)
    qtbot.keyClick(it.panel.findChild(QComboBox, "weightsChoice"), Qt.Key.Key_Down)
    assert it.find("weightMatrix").isVisible() and not it.find("weightPictures").isVisible()
    assert it.find("weightMatrix").count() == 784 * 40


def test_without_a_drawing_the_card_invites_to_draw(opened) -> None:
    """Nothing drawn: an invitation. Drawn: maps for a convolution, cells or bars for units."""
    it = opened(CNN)
    it.open(0, shown=False)
    words = [w.text() for w in it.panel.maps.findChildren(QLabel) if w.isVisible()]
    assert DRAW in words and not it.find("maps").isVisible()
    view = it.open(0)
    words = [w.text() for w in it.panel.maps.findChildren(QLabel) if w.isVisible()]
    assert DRAW not in words and it.find("maps").isVisible()
    np.testing.assert_array_equal(it.find("maps").picture_at(2), view.maps[2])
    it.open(2)
    assert it.find("mapsBars").isVisible() and it.find("mapsBars").count() == 10
    mlp = opened(RELU)
    mlp.open(0)
    assert mlp.find("mapsWall").isVisible() and mlp.find("mapsWall").count() == 40


def test_dead_units_are_counted_and_red(opened) -> None:
    """A relu unit that no example lifts above zero is counted in words; its column is red."""
    it = opened(RELU)
    it.open(0)
    verdict = it.panel.findChild(QLabel, "aliveVerdict")
    assert verdict.text().startswith("All 40 units are alive")
    assert verdict.property("role") == "small"
    with torch.no_grad():
        layers_of(it.model)["hidden.0"].product.bias[7] = -1e6
    it.open(0)
    assert verdict.text().startswith("1 of 40 units is dead: never above zero on these 50")
    assert verdict.property("role") == "fault"
    seen = it.find("aliveMap")
    fault = theme.current().colour("fault").rgb()
    for example in (0, 20, 49):
        assert pixel(seen, seen.rect_of(example * 40 + 7).center()).rgb() == fault
        assert pixel(seen, seen.rect_of(example * 40 + 8).center()).rgb() != fault
    assert "dead on all examples" in seen.describe(7)


def test_white_means_above_zero(opened) -> None:
    """A cell of the map is white exactly where that unit is above zero on that example."""
    it = opened(RELU)
    view = it.open(0)
    seen = it.find("aliveMap")
    white, dark = np.argwhere(view.activity > 0)[5], np.argwhere(view.activity <= 0)[5]
    surface = theme.current().colour("surface").rgb()
    assert pixel(seen, seen.rect_of(white[1] * 40 + white[0]).center()).rgb() == surface
    assert pixel(seen, seen.rect_of(dark[1] * 40 + dark[0]).center()).rgb() != surface


def test_a_saturated_tanh_unit_is_dead(opened) -> None:
    """For tanh white is |a| > 0.97, and a unit saturated on all examples is dead."""
    it = opened(TANH)
    with torch.no_grad():
        layers_of(it.model)["hidden.1"].product.bias[3] = -50.0
    view = it.open(1)
    white, dead = alive(view.activity, "tanh")
    np.testing.assert_array_equal(white, np.abs(view.activity) > 0.97)
    assert dead.tolist() == [unit == 3 for unit in range(12)]
    assert "0.97" in it.panel.alive.note.text()
    assert "saturated on all" in it.panel.findChild(QLabel, "aliveVerdict").text()


@pytest.mark.parametrize(
    ("activation", "values", "white", "dead"),
    [
        ("sigmoid", [[0.02, 0.98], [0.5, 0.98]], [[True, True], [False, True]], [True, False]),
        ("gelu", [[-0.1, -0.2], [-0.1, 2.0]], [[False, False], [False, True]], [False, False]),
        ("relu", [[0.0, 0.0], [0.0, 2.0]], [[False, False], [False, True]], [True, False]),
        ("", [[-3.0, -2.0], [-1.0, 1.0]], [[False, False], [False, True]], [False, False]),
    ],
)
def test_each_activation_dies_in_its_way(activation, values, white, dead) -> None:
    """Sigmoid dies saturated, relu at zero; gelu and a layer without activation never."""
    seen, gone = alive(np.array(values), activation)
    assert seen.tolist() == white
    assert gone.tolist() == dead


def test_pointing_names_the_unit(opened) -> None:
    """The tooltip over a picture names its unit and numbers; the same picture, the same unit."""
    it = opened(CNN)
    view = it.open(0)
    for name in ("weightPictures", "seeks", "maps"):
        grid = it.find(name)
        words = hover(grid, grid.rect_of(5).center().toPoint())
        assert words.startswith("unit 5\n"), name
    assert f"{view.activity[5].max():.2f}" in hover(
        it.find("seeks"), it.find("seeks").rect_of(5).center().toPoint()
    )


def test_pictures_can_be_walked_with_the_keys(opened, qtbot) -> None:
    """Arrow keys go from picture to picture and say what each is."""
    it = opened(CNN)
    it.open(1)
    grid = it.find("seeks")
    grid.setFocus()
    qtbot.keyClick(grid, Qt.Key.Key_Right)
    assert grid.accessibleDescription().startswith("unit 1\n")
    qtbot.keyClick(grid, Qt.Key.Key_Down)
    assert grid.accessibleDescription().startswith(f"unit {1 + grid.across()}\n")
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Left, Qt.Key.Key_Left):
        qtbot.keyClick(grid, key)
    assert grid.accessibleDescription().startswith("unit 0\n"), "the edges hold"


def _history(infos, activation_std=(1.0, 0.5, 0.25)) -> History:
    history = History()
    for step, std in enumerate(activation_std):
        stats = LayerStats(
            *(np.zeros(4), -1.0, 1.0, 0.1 * step, std, 0.5, 0.2, 0.3, np.zeros(4), 1.0),
            gradient_std=10.0 ** -(step + 2),
            weight_std=0.1,
            gradient_to_weight=0.01,
            update_to_data=-np.inf if step == 0 else -3.0 - step,
        )
        history.add(Snapshot(step, tuple(stats for _ in infos)))
    return history


def test_its_history_is_drawn(opened) -> None:
    """Each number's line has the recorded values; gradients in log10; no update is no point."""
    it = opened(RELU)
    it.open(0)
    trends = it.panel.trends.trends
    assert not trends["mean"].isVisible()
    it.panel.show_history(_history(it.infos).layers[0])
    QApplication.processEvents()
    assert trends["mean"].isVisible()
    np.testing.assert_allclose(trends["std"].values, [1.0, 0.5, 0.25])
    np.testing.assert_allclose(trends["gradient_std"].values, [-2, -3, -4])
    np.testing.assert_allclose(trends["update_to_data"].values, [-4, -5])
    low, high = trends["update_to_data"].scale_y.low, trends["update_to_data"].scale_y.high
    assert low < -5 and high > -3, "the line at -3 is on the scale"


def test_relu_dies_and_tanh_saturates(opened) -> None:
    """The line of dead units stands for relu only, that of saturation for tanh only."""
    for recipe, shown, hidden in ((RELU, "dead", "saturated"), (TANH, "saturated", "dead")):
        it = opened(recipe)
        it.open(0)
        it.panel.show_history(_history(it.infos).layers[0])
        QApplication.processEvents()
        assert it.panel.trends.trends[shown].isVisible()
        assert not it.panel.trends.trends[hidden].isVisible()


def test_another_layer_begins_anew(opened) -> None:
    """Opening a layer clears the pictures and lines of the one before."""
    it = opened(RELU)
    it.open(0)
    it.panel.show_history(_history(it.infos).layers[0])
    it.panel.open(it.infos[1])
    QApplication.processEvents()
    assert not it.find("seeks").isVisible()
    assert not it.panel.trends.trends["mean"].isVisible()


@pytest.mark.parametrize(("width", "columns"), [(1000, 2), (760, 2), (640, 1)])
def test_cards_stand_in_as_many_columns_as_fit(opened, width: int, columns: int) -> None:
    """Two columns from 760 pixels, one at 640, and nothing is cut off at the right."""
    it = opened(CNN)
    it.panel.resize(width, 800)
    it.open(1)
    cards = (it.panel.weights, it.panel.seeks, it.panel.maps, it.panel.alive)
    assert len({card.x() for card in cards}) == columns
    for card in cards:
        assert card.mapTo(it.panel, QPoint(card.width(), 0)).x() <= width
        assert card.width() >= 300


def test_a_broken_layer_is_painted_in_the_fault_colour(opened) -> None:
    """Weights that are no numbers are red, in every picture that shows them."""
    it = opened(RELU)
    with torch.no_grad():
        layers_of(it.model)["output"].product.weight[4] = float("nan")
    it.open(2)
    seen = it.find("weightMatrix")
    fault = theme.current().colour("fault").rgb()
    assert pixel(seen, seen.rect_of(4 * 12 + 6).center()).rgb() == fault
    assert pixel(seen, seen.rect_of(5 * 12 + 6).center()).rgb() != fault


def test_the_theme_reaches_the_pictures(opened, qapp) -> None:
    """After a change of theme a weight of zero has the new theme's surface colour."""
    it = opened(RELU)
    with torch.no_grad():
        layers_of(it.model)["output"].product.weight[4] = 0.0
    it.open(2)
    seen = it.find("weightMatrix")
    spot = seen.rect_of(4 * 12 + 6).center()
    light = pixel(seen, spot)
    try:
        theme.apply(qapp, "dark")
        QApplication.processEvents()
        dark = pixel(seen, spot)
        surface = theme.current().colour("surface")
    finally:
        theme.apply(qapp, "light")
    assert light != dark
    assert abs(dark.lightness() - surface.lightness()) <= 3
