"""The tabs of a page: titles so short that all fit beside one another, each explained."""

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QTabBar, QTabWidget, QWidget

from gui import theme
from gui.rich_text import rich

HELP = {
    "PCA": "Representations: examples as points where a layer puts them, by PCA or t-SNE.",
    "Models": "Model comparison: what several models reach on the same data.",
    "LR test": "Learning-rate range test: the loss at growing learning rates, to choose one.",
}
"""What a title stands for, where it is shorter than the term."""


class WholeTitles(QTabBar):
    """Tabs of which a title is shown whole or not at all, where they don't all fit."""

    def __init__(self) -> None:
        super().__init__()
        self.setDrawBase(False)  # as of a tab bar that Qt makes for tabs with a content

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the tabs, and nothing of one that the arrows cover or that has been scrolled by."""
        super().paintEvent(event)
        arrows = [arrow for arrow in self.findChildren(QAbstractButton) if arrow.isVisible()]
        right = min((arrow.x() for arrow in arrows), default=self.width())
        painter = QPainter(self)
        for index in range(self.count()):
            rect = self.tabRect(index)
            if rect.left() < 0 or rect.right() > right:
                painter.fillRect(rect, theme.current().colour("window"))


class PageTabs(QTabWidget):
    """Tabs of a page, with arrows where not all of them fit.

    Args:
        name: of the widget, as an object.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setTabBar(WholeTitles())
        for arrow in self.tabBar().findChildren(QAbstractButton):
            arrow.setToolTip(rich(f"{arrow.accessibleName()}."))


def add_tab(tabs: QTabWidget, content: QWidget, title: str) -> None:
    """Put a tab behind the others, with a tooltip where its title needs one."""
    index = tabs.addTab(content, title)
    if help := HELP.get(title):
        tabs.setTabToolTip(index, rich(help))
