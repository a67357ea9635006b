"""The map of a network as it is drawn: chosen by clicks and keys, turned, explained, exported."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QFocusEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.glossary import find
from core.interventions import Intervention, Part
from core.layers import Embedding, Layer
from core.network_map.listener import map_network
from core.telemetry.events import LayerStats
from core.telemetry.layer_health import Remark
from core.transformer import Block
from gui.widgets import network_map
from gui.widgets.export_file import PICTURE, save_file
from gui.widgets.glossary import term_of
from gui.widgets.network_map import EMPTY, NetworkMapView
from gui.widgets.network_words import KIND_TERMS, LAYER_TERMS, changes_of
from tests.gui.hands import ink, point_at

BLOCKS = 48


class Deep(torch.nn.Module):
    """Tokens, as many blocks as GPT-2's largest has, and scores."""

    def __init__(self):
        super().__init__()
        self.embedding = Layer(Embedding(9, 8))
        self.blocks = torch.nn.Sequential(*[Block(8, 2) for _ in range(BLOCKS)])
        self.output = Layer(torch.nn.Linear(8, 9))

    def forward(self, tokens):
        """(B, T) to (B, T, V)."""
        return self.output(self.blocks(self.embedding(tokens)))


@pytest.fixture(scope="module")
def deep():
    """The map of a deep network."""
    return map_network(
        Deep().eval(), lambda examples, tokens: torch.zeros(examples, tokens, dtype=torch.long)
    )


@pytest.fixture
def view(qtbot, deep):
    """A view of that, which chooses what it says was chosen, as its page does."""
    made = NetworkMapView()
    qtbot.addWidget(made)
    made.resize(500, 900)
    made.show_network(deep)
    made.chosen.connect(made.choose)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


def click(view, key, button=Qt.MouseButton.LeftButton):
    """Click a block."""
    QTest.mouseClick(view, button, pos=view.rect_of(key).center())


def press(view, *keys):
    """Press keys, one after another."""
    for key in keys:
        QTest.keyClick(view, key)


def test_a_deep_network_stays_readable(view):
    """Of 48 identical blocks one is drawn; a file has all of them."""
    assert view.sizeHint().height() < 900
    assert view.rect_of("blocks.0.attend") and not view.rect_of("blocks.1.attend")
    rows = view.csv_rows()
    assert rows[0] == ["block", "what", "in", "out", "parameters"]
    assert len(rows) == 1 + 4 + 9 * BLOCKS
    assert rows[-2] == ["output", "linear", "B × T × 8", "B × T × 9", 81]


def test_clicks_choose_blocks_and_turn_to_the_next_of_identical_ones(view):
    """A click chooses; the buttons of a group turn, and what is chosen turns along."""
    click(view, "blocks.0.expand")
    assert view.key == "blocks.0.expand"
    back, on = view.turn_rects(view.frames()[0])
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=on.center())
    assert view.key == "blocks.1.expand" and view.rect_of("blocks.1.attend")
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=back.center())
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=back.center())
    assert view.key == "blocks.0.expand"  # there is none before the first


def test_keys_choose_turn_and_open(view):
    """Up, down, first and last; left and right through identical blocks; Enter opens."""
    opened = []
    view.opened.connect(opened.append)
    press(view, Qt.Key.Key_Down)
    assert view.key == "network.input"
    press(view, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Right)
    assert view.key == "blocks.1.attend"
    press(view, Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Return)
    assert opened == ["blocks.0.norm"]
    press(view, Qt.Key.Key_End, Qt.Key.Key_Down)
    assert view.key == "network.output"
    press(view, Qt.Key.Key_Home)
    assert view.key == "network.input"


def test_a_double_click_opens(view, qtbot):
    """As Enter does."""
    with qtbot.waitSignal(view.opened) as opened:
        QTest.mouseDClick(
            view, Qt.MouseButton.LeftButton, pos=view.rect_of("blocks.0.attend").center()
        )
    assert opened.args == ["blocks.0.attend"]


def test_a_block_that_is_chosen_elsewhere_is_turned_to(view):
    """The layer table knows all 48; one that is not there leaves the map as it is."""
    view.choose("blocks.47.contract")
    assert view.rect_of("blocks.47.contract")
    view.choose("hidden.3")
    assert view.rect_of("blocks.47.contract") and view.block_of("hidden.3") is None


def test_a_tooltip_explains_the_product_and_what_is_wrong(view):
    """The shapes of the matrix product; a remark of the layer table comes first."""
    spot = view.rect_of("blocks.0.attend").center()
    assert "(B × T × 8) @ (8 × 24) + bias" in point_at(view, spot)
    view.show_measured({}, {"blocks.0.attend": [Remark("gradient", True, "It vanishes.")]})
    assert point_at(view, spot).startswith("It vanishes.")
    assert "2 heads softmax(Q @ K" in point_at(view, view.rect_of("blocks.0.attention").center())


def test_titles_are_whole_in_a_narrow_window(view, monkeypatch):
    """As wide as the map is at 1280 pixels: what was measured beside them is said shorter."""
    cut = []

    def draw(painter, place, words):
        if painter.fontMetrics().horizontalAdvance(words) > place.width():
            cut.append(words)

    monkeypatch.setattr(network_map, "_draw_elided", draw)
    none = np.zeros(1)
    stats = LayerStats(none, -1, 1, 0, 0.52, 0, 0, 0, none, 1, 0.01, 0.1, 0.001, -3.1)
    keys = [key for key, *_ in view.csv_rows()[1:]]
    view.show_measured(dict.fromkeys(keys, stats), {})
    for width in (394, 560):
        view.resize(width, 900)
        view.grab()
        assert cut == []


def test_what_is_changed_is_marked(view):
    """In its block, in the tooltip, and over the group where another of it is drawn."""
    before = view.grab().toImage()
    muted = [Intervention(Part("blocks.1.expand", unit)) for unit in (4, 7)]
    told = [*muted, Intervention(Part("blocks.1.project", 1, head=True), 2.0)]
    changes = changes_of(told)
    assert changes == {"blocks.1.expand": "units 4, 7 muted", "blocks.1.attention": "head 2 × 2"}
    view.show_changes(changes)
    frame, other = view.frames()[0], view.grab().toImage()
    head = QRect(frame.rect.left(), frame.rect.top(), frame.rect.width(), 26)
    assert other.copy(head) != before.copy(head)
    spot = view.rect_of("blocks.0.expand")
    assert other.copy(spot) == before.copy(spot)
    view.choose("blocks.1.attend")
    spot = view.rect_of("blocks.1.expand")
    assert view.grab().toImage().copy(spot) != before.copy(spot)
    assert "Changed by you, not by training: units 4, 7 muted." in point_at(view, spot.center())
    view.show_changes({})
    view.choose("blocks.0.attend")
    view.choose("")
    assert view.grab().toImage() == before


def test_f1_explains_the_chosen_block(view):
    """By the glossary's term for it; the map itself is of a model."""
    assert term_of(view).title == "Model"
    for key, title in (
        ("blocks.0.attend", "Queries, keys and values"),
        ("blocks.0.residual.1", "Residual connection"),
        ("output", "Matrix product"),
    ):
        view.choose(key)
        assert term_of(view).title == title
    assert all(map(find, (*KIND_TERMS.values(), *LAYER_TERMS.values())))


def test_it_is_exported_whole(view, tmp_path):
    """As a picture of all of it, and as rows: also what is scrolled out of sight."""
    assert view.property(PICTURE)
    view.resize(400, view.minimumSizeHint().height())
    for kind in ("png", "csv", "md"):
        save_file(view, tmp_path / f"map.{kind}")
    assert "blocks.47.attend,linear,B × T × 8,B × T × 24,216" in (tmp_path / "map.csv").read_text(
        "utf-8"
    )
    assert QImage(str(tmp_path / "map.png")).height() == 2 * view.height()


def test_who_comes_by_tab_sees_where_the_keys_are(view):
    """The first block is chosen, unless another one is."""
    for before, after in (("", "network.input"), ("output", "output")):
        view.choose(before)
        arrives = QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.TabFocusReason)
        QApplication.sendEvent(view, arrives)
        assert view.key == after


def test_without_a_network_it_says_so(qtbot):
    """Before torch is there, keys do nothing either."""
    view = NetworkMapView()
    qtbot.addWidget(view)
    view.resize(500, 300)
    view.show()
    qtbot.waitExposed(view)
    assert ink(view, view.rect()) and "as soon as" in EMPTY
    press(view, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Return)
    assert view.key == "" and view.csv_rows() == []
    view.close()
