"""What stands in a layout, found without looking at the layout's own items."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QWidget


def widgets_of(layout: QLayout) -> list[QWidget]:
    """Return the widgets of a layout, in their order.

    ``QLayout.itemAt`` is not for Python: what it returns is kept as long as the layout, and stays
    when Qt has deleted the item. Whatever Qt puts into the same memory later has two owners, and
    the program ends when one of them is deleted (PySide6 6.11).
    """
    around = layout.parentWidget()
    if around is None:
        return []
    direct = around.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    found = {layout.indexOf(child): child for child in direct}
    return [found[index] for index in sorted(found) if index >= 0]
