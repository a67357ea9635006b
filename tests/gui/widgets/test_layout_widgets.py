"""The widgets of a layout, and why its items are left alone."""

import gc

from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QVBoxLayout, QWidget, QWidgetItem

from gui.widgets.layout_widgets import widgets_of
from gui.widgets.scroll_column import CardColumn


def test_they_stand_in_their_order_and_without_those_of_other_layouts(qtbot):
    """A nested layout has the same parent."""
    around = QWidget()
    qtbot.addWidget(around)
    outer, inner = QVBoxLayout(around), QHBoxLayout()
    first, second, third = QLabel("1"), QLabel("2"), QLabel("3")
    outer.addWidget(first)
    outer.addLayout(inner)
    outer.addStretch()
    outer.insertWidget(0, second)
    inner.addWidget(third)
    assert widgets_of(outer) == [second, first]
    assert widgets_of(inner) == [third]
    assert widgets_of(QVBoxLayout()) == []


def test_a_column_holds_no_item_of_its_layout(qtbot):
    """Qt deletes them without a word; what it puts in their place would end the program."""
    column = CardColumn("column", 4, squeeze=True)
    qtbot.addWidget(column)
    cards = [QLabel(str(number)) for number in range(3)]
    for card in cards:
        column.add(card)
    column.show()
    column.resize(300, 400)
    QApplication.processEvents()
    items = [each for each in gc.get_objects() if type(each) is QWidgetItem]
    assert not [item for item in items if item.widget() in cards]
