"""The small layer: hovered over, dragged, incremented."""

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui import theme
from gui.lessons.parts import product
from tests.gui.hands import point_at
from tests.gui.lessons.parts.hands import (
    LEFT,
    RIGHT,
    cell,
    drag,
    hover,
)


def test_an_output_is_described_as_its_sum(shelf):
    """Its row of x times its column of W."""
    part = shelf.show_part(product.Part(shelf.context, {}))
    board, cut = part.board, part.layer.cut(part.sizes)
    hover(board, cell(board, "y", 2, 1))
    assert board.current == ("y", 2, 1)
    words = board.describe().replace("−", "-")
    assert words.startswith("y is ") and words.endswith(f"= {cut['y'][2, 1]}")
    for x, w in zip(cut["x"][2], cut["w"][:, 1], strict=True):
        assert f"{x}·{w}" in words


def test_sizes_are_dragged_and_typed(shelf):
    """The edges change the sizes, the fields follow; and the other way round."""
    part = shelf.show_part(product.Part(shelf.context, {}))
    drag(part.board, "batch", QPoint(0, 70))
    drag(part.board, "inputs", QPoint(50, 0))
    assert (part.sizes.batch, part.sizes.inputs, part.sizes.rows) == (5, 3, 3)
    assert part.fields["rows"].value() == 3 and "y (5 × 2)" in part.result.text()
    part.fields["outputs"].setValue(4)
    assert part.board.grids()["y"].columns == 4


def test_different_inner_sizes_have_no_result(shelf):
    """There is a sentence in place of the sum; linked again they match."""
    part = shelf.show_part(product.Part(shelf.context, {}))
    QTest.mouseClick(part.linked, LEFT, pos=QPoint(8, part.linked.height() // 2))
    drag(part.board, "rows", QPoint(0, -40))
    assert (part.sizes.inputs, part.sizes.rows) == (4, 5)
    assert "y" not in part.board.grids() and "?" in part.result.text()
    assert "A row of x has 4 numbers, but a column of W has 5 weights" in part.board.describe()
    part.linked.click()
    assert part.sizes.match and "y" in part.board.grids()


def test_an_incremented_weight_changes_its_column_alone(shelf):
    """With a click, with the right button, and with a key."""
    part = shelf.show_part(product.Part(shelf.context, {}))
    before = part.layer.cut(part.sizes)["y"].copy()
    QTest.mouseClick(part.board, LEFT, pos=cell(part.board, "w", 0, 1))
    changed = part.layer.cut(part.sizes)["y"] != before
    assert changed[:, 1].any() and not changed[:, 0].any()
    QTest.mouseClick(part.board, RIGHT, pos=cell(part.board, "w", 0, 1))
    assert (part.layer.cut(part.sizes)["y"] == before).all()
    QTest.keyClicks(part.board, "+-")
    assert (part.layer.cut(part.sizes)["y"] == before).all()


def test_the_arrow_keys_go_from_matrix_to_matrix(shelf):
    """From y to the left lies x, upwards b and then W."""
    board = shelf.show_part(product.Part(shelf.context, {})).board
    for key, name in (
        (Qt.Key.Key_Left, "x"),
        (Qt.Key.Key_Right, "y"),
        (Qt.Key.Key_Up, "b"),
        (Qt.Key.Key_Up, "w"),
        (Qt.Key.Key_Down, "b"),
    ):
        QTest.keyClick(board, key)
        assert board.current[0] == name
        assert board.accessibleDescription() == board.describe()


def test_the_parts_change_with_the_theme(shelf, qapp):
    """What is painted takes the colours of the other theme."""
    part = shelf.show_part(product.Part(shelf.context, {}))
    light = part.board.grab().toImage()
    theme.apply(qapp, "dark")
    dark = part.board.grab().toImage()
    theme.apply(qapp, "light")
    assert light != dark


def test_a_tooltip_covers_no_number(shelf):
    """It stands below the matrices, or above them where the screen ends."""
    part = shelf.show_part(product.Part(shelf.context, {}))
    board = part.board
    for name in ("x", "w", "y"):
        point = cell(board, name, 0, 0)
        hover(board, point)
        assert point_at(board, point)
        (tip,) = (w for w in QApplication.topLevelWidgets() if w.objectName() == "qtooltip_label")
        shown = QRect(board.mapFromGlobal(tip.pos()), tip.size())
        assert not any(grid.area.toRect().intersects(shown) for grid in board.grids().values())
