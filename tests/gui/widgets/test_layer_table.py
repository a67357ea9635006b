"""The layer table's headings: clicked, walked by keys, and explained by F1."""

import math
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow

from core.telemetry.events import LayerInfo, LayerStats, Snapshot
from core.telemetry.history import History
from core.telemetry.layer_health import Remark
from gui import theme
from gui.runs.keyframe_layers import KeyframeLayers
from gui.widgets.glossary import GlossaryDialog, GlossaryHelp
from gui.widgets.layer_table import (
    COLUMNS,
    HEAD,
    SOUND,
    STILL,
    LayerTable,
    fitting,
    gradient_words,
    update_words,
)

LAYERS = (LayerInfo("hidden.0", 784, 32, 0, 25120, "relu", False),)
LONG = "blocks.0.attend"  # as wide as a column, where room is short
TERMS = ["Layer", "Activation", "Gradient", "Update-to-weight ratio"]


@pytest.fixture(params=[LayerTable, KeyframeLayers])
def table(qtbot, request):
    """A table in a window that explains by F1; the second kind opens no layer."""
    window = QMainWindow()
    qtbot.addWidget(window)
    made = request.param()
    made.set_layers(LAYERS, History())
    window.setCentralWidget(made)
    window.help = GlossaryHelp(window)
    window.resize(900, 300)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    made.setFocus()
    yield made
    window.close()


def heading(table, number):
    """A point on a heading."""
    share = sum(column.share for column in COLUMNS[:number])
    return QPoint(round(20 + share * (table.width() - 20)), HEAD // 2)


def opened(table):
    """The term at which the glossary was opened; closes it."""
    dialog = table.window().findChild(GlossaryDialog)
    assert dialog.isVisible()
    dialog.close()
    return dialog.shown


def test_a_heading_opens_its_term_by_click_and_keys(table):
    """Left and right choose a column, and F1 explains it; a click on a heading does both."""
    for number, term in enumerate(TERMS):
        QTest.keyClick(table, Qt.Key.Key_F1)
        assert opened(table) == term
        QTest.mouseClick(table, Qt.MouseButton.LeftButton, pos=heading(table, number))
        assert opened(table) == term
        QTest.keyClick(table, Qt.Key.Key_Right)
    QTest.keyClick(table, Qt.Key.Key_Left)
    assert table.column.term == TERMS[-2]


def test_f1_explains_the_column_under_the_mouse(table):
    """In the rows, too; only a table with a network behind it opens a layer."""
    for column in (0, 2):  # Qt reports no move to where the mouse was in the test before
        QTest.mouseMove(table, heading(table, column) + QPoint(0, HEAD))
    QTest.keyClick(table, Qt.Key.Key_F1)
    assert opened(table) == "Gradient"
    layers = []
    table.opened.connect(layers.append)
    QTest.mouseClick(table, Qt.MouseButton.LeftButton, pos=heading(table, 1) + QPoint(0, HEAD))
    assert layers == (["hidden.0"] if table.opens_layers else [])
    assert "F1" in table.explain(heading(table, 1))


@pytest.mark.parametrize("width", [380, 430, 560, 900])
def test_plots_are_wide_enough_to_be_read(qtbot, width):
    """Where words beside a histogram would leave it a few pixels, they stand below it."""
    share = np.full(48, 1 / 48)
    stats = LayerStats(share, -1, 1, 0.1, 0.5, 0, 0, 0, share, 1, 1e-5, 0.1, 1e-3, -3.0)
    history = History()
    history.add(Snapshot(1, (stats,)))
    table = LayerTable()
    qtbot.addWidget(table)
    table.set_layers(LAYERS, history)
    table.show_snapshot(Snapshot(1, (stats,)))
    table.resize(width, 120)
    image = table.grab().toImage()
    for key in ("activation", "gradient"):
        line = theme.current().colour(key).rgb()
        ys, xs = range(HEAD + 8, image.height()), range(image.width())
        assert sum(any(image.pixel(x, y) == line for y in ys) for x in xs) > 50


@pytest.mark.parametrize("width", [400, 900])
def test_each_column_explains_itself_from_its_left_end_on(table, width):
    """Where the columns stand closer together, too."""
    table.window().resize(width, 300)
    left = [heading.left() for heading in table.headings().values()]
    for number, place in enumerate(left):
        assert table.explain(QPoint(place + 1, HEAD + 10)) == table.explain(
            QPoint(place + 30, HEAD + 10)
        )
        assert COLUMNS[number].help in table.explain(QPoint(place + 1, HEAD + 10))


@pytest.mark.parametrize("width", [400, 900])
def test_a_long_name_leaves_the_plot_beside_it_alone(table, width):
    """It is shortened before it touches the next column."""
    table.window().resize(width, 300)
    plot = table.headings()["activation"].left()
    seen = []
    for name in ("a", LONG, 2 * LONG):
        table.set_layers((replace(LAYERS[0], name=name),), History())
        picture = table.grab()
        ratio = picture.devicePixelRatio()
        seen.append(picture.toImage().copy(round((plot - 3) * ratio), 0, *picture.size().toTuple()))
    assert seen[0] == seen[1] == seen[2]


def test_lora_is_named_and_explained(table):
    """Beside what the layer does; of gradient and update, whose they are."""
    plain = table.grab().toImage()
    table.set_layers((replace(LAYERS[0], rank=8),), History())
    assert table.grab().toImage() != plain
    told = [table.explain(heading(table, n) + QPoint(0, HEAD)) for n in range(len(COLUMNS))]
    assert ["two factors" in words for words in told] == [False, False, True, True]


def measured(**values):
    """What was measured of a layer."""
    share = np.full(48, 1 / 48)
    stats = LayerStats(share, -1, 1, 0.1, 0.8, 0, 0, 0, share, 1, 1e-3, 0.1, 0.01, -3.0)
    return replace(stats, **values)


def show(table, snapshot):
    """Show a snapshot, with its curves."""
    history = History()
    history.add(snapshot)
    table.set_layers(LAYERS, history)
    table.show_snapshot(snapshot)


def test_what_was_not_seen_is_not_called_good(table):
    """A network that was opened has had no update."""
    show(table, Snapshot(9, (measured(),)))
    assert table.summary() == (SOUND, "small")
    show(table, Snapshot(9, (measured(update_to_data=-math.inf),), 0.0))
    assert table.summary() == (STILL, "small") and "updates are in range" not in STILL


def test_the_headings_fit(table):
    """Two lines of each, in the narrowest table, too; the ratio is said to be a logarithm."""
    table.window().resize(table.minimumSizeHint().width(), 300)
    assert "log10" in COLUMNS[-1].heading
    metrics, rooms = QFontMetrics(theme.font(11)), table.heading_rooms()
    for column in COLUMNS:
        wrapped = metrics.boundingRect(
            QRect(0, 0, rooms[column.key].width(), 99), Qt.TextFlag.TextWordWrap, column.heading
        )
        assert wrapped.width() <= rooms[column.key].width() and wrapped.height() <= HEAD


def test_what_is_warned_of_is_not_cut(qtbot):
    """Where there is no room for all words, those stay that the warning is of."""
    picture = QPixmap(10, 10)
    painter = QPainter(picture)
    painter.setFont(theme.font(11))
    parts, remark = ("std 0.87", "saturated 50%"), Remark("activation", False, "")
    assert [fitting(painter, room, parts, remark) for room in (200, 83)] == [
        "std 0.87, saturated 50%",
        "saturated 50%",
    ]
    assert fitting(painter, 83, parts, None) == "std 0.87"
    painter.end()


def test_a_frozen_layer_says_so_calmly(table):
    """Neither a number of what is not there, nor a warning; a tooltip says why."""
    frozen, share = replace(LAYERS[0], frozen=True), np.full(48, 1 / 48)
    still = LayerStats(share, -1, 1, 0.1, 0.5, 0, 0, 0, share, 1, 0.0, 0.1, 0.0, math.nan)
    passes = replace(still, gradient_std=1e-3, gradient_to_weight=0.1)
    assert gradient_words(frozen, still) == update_words(frozen, still, 1.0) == ("frozen",)
    assert gradient_words(frozen, passes) == ("std 1e-03", "frozen")
    assert update_words(LAYERS[0], still, 1.0) == ("now", "no update")
    table.set_layers((frozen,), History())
    history = History()
    history.add(Snapshot(1, (still,)))
    table.set_layers((frozen,), history)
    table.show_snapshot(Snapshot(9, (still,)))
    assert table.summary()[1] == "small"
    told = [table.explain(heading(table, n) + QPoint(0, HEAD)) for n in range(len(COLUMNS))]
    assert ["no optimiser holds" in words for words in told] == [False, False, True, True]


def test_a_chosen_layer_is_marked(table):
    """By its ground; the keys choose one, and one that is not there changes nothing."""
    plain = table.grab().toImage()
    assert table.choose("nowhere") is None and table.grab().toImage() == plain
    assert table.choose("hidden.0") == table.row_rect(0)
    assert table.grab().toImage() != plain
    walked = []
    table.walked.connect(walked.append)
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert walked == (["hidden.0"] if table.opens_layers else [])
