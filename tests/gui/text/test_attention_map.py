"""The attention map and its lines: what is painted, what is told, and what a pick changes."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent
from PySide6.QtWidgets import QApplication, QScrollArea

from gui import theme
from gui.text.attention_lines import AttentionLines
from gui.text.attention_map import AttentionMap

TEXT = "My ·heart ·is ·like ·a ·sing ing ·bird , ↵ Whose ·nest ·is ·in ·a ·shoot ; ↵"
WORDS = TEXT.split()


def causal(count: int) -> np.ndarray:
    """Let each token look at those before it and at itself, evenly."""
    return np.tri(count) / np.arange(1, max(count, 1) + 1)[:count, None]


WEIGHTS = causal(len(WORDS))
WEIGHTS[1, :2] = 0.34, 0.66
WEIGHTS[15, :16] = 0.0
WEIGHTS[15, [1, 11]] = 0.2, 0.8


@pytest.fixture
def heat(qtbot):
    """A map of a short text, shown."""
    made = AttentionMap()
    qtbot.addWidget(made)
    made.resize(460, 460)
    made.show()
    made.show_map(list(WORDS), WEIGHTS)
    return made


@pytest.fixture
def lines(qtbot):
    """The same text as it flows, shown."""
    made = AttentionLines()
    qtbot.addWidget(made)
    made.resize(320, 260)
    made.show()
    made.show_lines(list(WORDS), WEIGHTS)
    return made


def point_at(widget, point: QPointF) -> None:
    """Move the mouse there; the offscreen platform's own cursor does not tell of it reliably."""
    there = QPointF(point.toPoint())
    kind, none = QEvent.Type.MouseMove, Qt.MouseButton.NoButton
    no_key = Qt.KeyboardModifier.NoModifier
    move = QMouseEvent(kind, there, widget.mapToGlobal(there), none, none, no_key)
    QApplication.sendEvent(widget, move)


def pixels(widget) -> np.ndarray:
    """Return what is seen (height, width, 4)."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    seen = np.frombuffer(image.constBits(), np.uint8)
    return seen.reshape(image.height(), image.width(), 4).copy()


def colour(widget, point: QPointF) -> np.ndarray:
    """Return the colour at a point: blue, green, red."""
    x, y = point.toPoint().toTuple()
    return pixels(widget)[y, x, :3].astype(int)


def blueness(widget, point: QPointF) -> int:
    """How much more blue than red there is at a point."""
    blue, _, red = colour(widget, point)
    return int(blue - red)


def test_heavy_cells_are_bluer_than_light_ones(heat) -> None:
    """The colour grows with the weight, and what lies ahead has none."""
    full, some, little, ahead = ((0, 0), (15, 1), (16, 3), (3, 16))
    blue = [blueness(heat, heat.cell(*cell).center()) for cell in (full, some, little, ahead)]
    assert blue[0] > blue[1] + 30 > blue[2] + 30 > blue[3]
    assert blue[3] < 6


@pytest.mark.parametrize("name", ["light", "dark"])
def test_it_follows_the_theme(heat, lines, qapp, name) -> None:
    """A full weight is the theme's own blue, and both widgets change with the theme."""
    before = pixels(lines)
    try:
        theme.apply(qapp, "dark" if name == "light" else "light")
        QApplication.processEvents()
        heat.grab(), lines.grab()
        theme.apply(qapp, name)
        QApplication.processEvents()
        seen = heat.grab().toImage().pixelColor(heat.cell(0, 0).center().toPoint())
        after = pixels(lines)
    finally:
        theme.apply(qapp, "light")
    assert seen.name() == theme.THEMES[name].activation
    assert np.array_equal(before, after) == (name == "light")


def test_hovering_tells_who_looks_at_whom(heat, qtbot) -> None:
    """The sentence names both tokens as they are said, and the share."""
    with qtbot.waitSignal(heat.told, timeout=1000) as caught:
        point_at(heat, heat.cell(1, 0).center())
    assert caught.args == ["“heart” attends to “My” with 34 %."]
    with qtbot.waitSignal(heat.told, timeout=1000) as caught:
        point_at(heat, heat.cell(15, 11).center())
    assert caught.args == ["“shoot” attends to “nest” with 80 %."]


def test_a_little_is_not_told_as_nothing(heat, qtbot) -> None:
    """A share under half a per cent is some; a broken one is NaN."""
    weights = WEIGHTS.copy()
    weights[1, :2] = 0.001, np.nan
    heat.show_map(list(WORDS), weights)
    for column, words in ((0, "“My” with <1 %."), (1, "“heart” with NaN.")):
        with qtbot.waitSignal(heat.told, timeout=1000) as caught:
            point_at(heat, heat.cell(1, column).center())
        assert caught.args == [f"“heart” attends to {words}"]
    assert not heat.grab().isNull()


def test_ahead_and_beside_the_map(heat, qtbot) -> None:
    """Ahead there is nothing to be seen, and beside the cells and outside nothing is said."""
    with qtbot.waitSignal(heat.told, timeout=1000) as caught:
        point_at(heat, heat.cell(3, 9).center())
    assert caught.args == ["A causal mask: no token attends to a later one."]
    for leave in (
        lambda: point_at(heat, QPointF(heat.cell(4, 0).left() - 9, heat.cell(4, 0).center().y())),
        lambda: point_at(heat, QPointF(200, 4)),
        lambda: QApplication.sendEvent(heat, QEvent(QEvent.Type.Leave)),
    ):
        with qtbot.waitSignal(heat.told, timeout=1000) as caught:
            leave()
        assert caught.args == [""]


def test_pointing_at_a_row_picks_it_once(heat) -> None:
    """A row is picked by pointing at any of its cells, and told once."""
    rows = []
    heat.rowPicked.connect(rows.append)
    for cell in ((4, 0), (4, 2), (9, 1), (9, 12)):
        point_at(heat, heat.cell(*cell).center())
    assert rows == [4, 9]


def test_a_click_picks_without_a_move(heat, lines, qtbot) -> None:
    """A finger presses where nothing hovered before."""
    with qtbot.waitSignal(heat.rowPicked, timeout=1000) as caught:
        left = Qt.MouseButton.LeftButton
        qtbot.mouseClick(heat, left, pos=heat.cell(6, 2).center().toPoint())
    assert caught.args == [6]
    with qtbot.waitSignal(lines.picked, timeout=1000) as caught:
        qtbot.mouseClick(lines, left, pos=lines.place(7).center().toPoint())
    assert caught.args == [7]


def test_the_arrow_keys_pick_the_row(heat, qtbot) -> None:
    """It begins at the last token, and stops at the ends."""
    rows = []
    heat.rowPicked.connect(rows.append)
    heat.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(heat, Qt.Key.Key_Down)
    assert rows == []
    for _ in range(len(WORDS) + 3):
        qtbot.keyClick(heat, Qt.Key.Key_Up)
    assert rows == list(range(len(WORDS) - 2, -1, -1))
    qtbot.keyClick(heat, Qt.Key.Key_Down)
    assert rows[-1] == 1


def test_a_picked_row_is_framed(heat) -> None:
    """The frame goes where it is told to, without telling it again."""
    rows = []
    heat.rowPicked.connect(rows.append)
    heat.pick(8)
    edge = QPointF(heat.cell(8, 4).center().x(), heat.cell(8, 4).top() - 0.5)
    framed = colour(heat, edge)
    heat.pick(2)
    assert framed.sum() < colour(heat, edge).sum() - 150
    assert rows == []


def test_another_text_begins_at_its_last_token(heat, lines, qtbot) -> None:
    """Both begin at the same token, and new weights of the same text move neither."""
    rows = []
    heat.rowPicked.connect(rows.append)
    for widget, show in ((heat, heat.show_map), (lines, lines.show_lines)):
        widget.pick(3)
        kept = pixels(widget)
        show(list(WORDS), WEIGHTS)
        assert np.array_equal(pixels(widget), kept)
        show(WORDS[:10], WEIGHTS[:10, :10])
    heat.setFocus()
    qtbot.keyClick(heat, Qt.Key.Key_Up)
    assert rows == [8]
    last = pixels(lines)
    lines.pick(9)
    assert np.array_equal(pixels(lines), last)


def test_picking_a_row_moves_the_lines(heat, lines) -> None:
    """With the map's row the lines lead from another token, to those that it looks at."""
    heat.rowPicked.connect(lines.pick)
    left = {number: lines.place(number).bottomRight() + QPointF(-6, -3) for number in (1, 2, 11)}
    point_at(heat, heat.cell(15, 0).center())
    tints = {number: blueness(lines, point) for number, point in left.items()}
    assert tints[11] > tints[1] + 20 > tints[2] + 40
    shoot = pixels(lines)
    point_at(heat, heat.cell(1, 0).center())
    assert blueness(lines, left[11]) < 6
    assert not np.array_equal(pixels(lines), shoot)


def test_between_the_words_there_is_a_line(lines) -> None:
    """Above words of one line there is a curve, if there is anything to look at."""
    lines.pick(15)
    one, other = lines.place(11), lines.place(15)
    assert one.top() == other.top()
    between = np.s_[int(one.top()) - 18 : int(one.top()) - 1, int(one.center().x()) + 30]
    bound = pixels(lines)[between].astype(int)
    lines.pick(0)
    free = pixels(lines)[between].astype(int)
    assert np.abs(bound - free).max() > 40
    assert np.ptp(free, axis=0).max() == 0


def test_pointing_at_a_word_picks_it(lines) -> None:
    """Words are told once, and the room between the lines tells none."""
    told = []
    lines.picked.connect(told.append)
    for number in (3, 3, 12):
        point_at(lines, lines.place(number).center())
    point_at(lines, lines.place(12).center() + QPointF(0, 18))
    assert told == [3, 12]


def test_the_text_flows(lines, qtbot) -> None:
    """Words keep to the width, a line's end begins a new line, and narrower is higher."""
    assert lines.place(10).left() == 0
    assert lines.place(10).top() > lines.place(9).top()
    assert lines.heightForWidth(120) > lines.heightForWidth(600)
    area = QScrollArea()
    qtbot.addWidget(area)
    area.setWidgetResizable(True)
    area.setWidget(lines)
    area.resize(140, 120)
    area.show()
    for _ in range(3):
        QApplication.processEvents()
    assert all(lines.place(n).right() <= lines.width() + 1 for n in range(len(WORDS)))
    assert lines.height() >= lines.place(len(WORDS) - 1).bottom()
    assert area.verticalScrollBar().maximum() > 0
    area.takeWidget()


@pytest.mark.parametrize("count", [0, 1, 256])
def test_any_length_is_shown(heat, lines, qtbot, count) -> None:
    """No token, one, and a full context are painted, and pointing there does no harm."""
    tokens = [f"·t{n}" for n in range(count)]
    heat.resize(300, 300)
    heat.show_map(tokens, causal(count))
    lines.show_lines(tokens, causal(count))
    for widget in (heat, lines):
        assert len(np.unique(pixels(widget).reshape(-1, 4), axis=0)) > 2
        point_at(widget, QPointF(90, 34))
        qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=QPoint(120, 120))
        qtbot.keyClick(widget, Qt.Key.Key_Down)
    if count:
        last = heat.cell(count - 1, count - 1)
        assert last.right() <= 300 and last.bottom() <= 300


def test_no_row_is_lost_where_cells_are_small(heat) -> None:
    """Of 256 tokens in little room one row that differs still shows."""
    weights = np.zeros((256, 256))
    weights[:, 0] = 1.0
    heat.resize(280, 280)
    for row in range(200, 206):
        some = weights.copy()
        some[row, :200] = 0.5
        heat.show_map([""] * 256, some)
        at = heat.cell(row, 100).center().toPoint()
        seen = pixels(heat)[at.y() - 2 : at.y() + 3, at.x()].astype(int)
        assert np.ptp(seen[:, 2]) > 20
