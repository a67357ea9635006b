"""The frame that all pages share: a heading, and three columns under it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from gui.widgets.card import label


def lay_out(
    page: QWidget,
    title: str,
    about: str,
    left: Sequence[QWidget],
    middle: tuple[QWidget, QTabWidget],
    right: Sequence[QWidget],
) -> None:
    """Put a page's widgets where they are on every page.

    Args:
        page: the page, without a layout.
        title: what it is called.
        about: what can be done on it, in a sentence.
        left: data and recipe, of a fixed width; the last one takes what height is left.
        middle: the buttons of the run, and the tabs, which take what room is left.
        right: what one plays with, of a fixed width; the first one takes what height is left.
    """
    column = QVBoxLayout(page)
    column.setContentsMargins(20, 16, 20, 18)
    column.setSpacing(14)
    head = QVBoxLayout()
    head.setSpacing(2)
    head.addWidget(label(title, "title"))
    head.addWidget(label(about, "muted"))
    column.addLayout(head)
    columns = QHBoxLayout()
    columns.setSpacing(14)
    first, second, third = QVBoxLayout(), QVBoxLayout(), QVBoxLayout()
    for side in (first, third):
        side.setSpacing(14)
    for widget in left:
        first.addWidget(widget, int(widget is left[-1]))
    run_bar, tabs = middle
    second.setSpacing(10)
    second.addWidget(run_bar)
    second.addWidget(tabs, 1)
    for widget in right:
        third.addWidget(widget, int(widget is right[0]))
    columns.addLayout(first)
    columns.addLayout(second, 1)
    columns.addLayout(third)
    column.addLayout(columns, 1)


def scrolled(card: QWidget) -> QScrollArea:
    """Put a card into a tab: as wide as that, and scrolled where it is higher."""
    inner = QWidget()
    column = QVBoxLayout(inner)
    column.setContentsMargins(0, 10, 0, 0)
    column.addWidget(card)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inner)
    return area
