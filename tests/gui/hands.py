"""Hands for a window: they find, click and wait."""

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QHelpEvent, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip, QWidget


class Hands:
    """A window at one of its pages."""

    def __init__(self, qtbot, window, page):
        self.qtbot, self.window, self.page = qtbot, window, window.pages[page]
        window.show_page(page)

    def until(self, condition, seconds=60):
        """Let the program work until something holds."""
        self.qtbot.waitUntil(condition, timeout=1000 * seconds)

    def find(self, name, kind=QWidget):
        """The page's widget of that name."""
        found = self.page.findChild(kind, name)
        assert found is not None, name
        return found

    def turn_to(self, title):
        """Show the tab of that title; a page may get other tabs before it."""
        tabs = self.page.tabs
        titles = [tabs.tabText(index) for index in range(tabs.count())]
        tabs.setCurrentIndex(titles.index(title))

    def click(self, name):
        """Press and release the left button on what can be pressed."""
        widget = self.find(name)
        assert widget.isEnabled() and widget.isVisible(), name
        self.until(lambda: not widget.rect().isEmpty())  # it is laid out
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def turn_wheel(widget, notches=-1):
    """Turn the wheel over the middle of a visible widget, as the window system tells of it."""
    window = widget.window()
    middle = QPointF(widget.mapTo(window, widget.rect().center()))
    QTest.wheelEvent(window.windowHandle(), middle, QPoint(0, 120 * notches))


def tooltip():
    """Return the words of the tooltip that is shown, as one reads them."""
    document = QTextDocument()
    document.setHtml(QToolTip.text())
    return document.toPlainText()


def middle(cells: QWidget, index: int) -> QPoint:
    """Return the middle of a cell."""
    return cells.rect_of(index).center().toPoint()


def point_at(widget: QWidget, point: QPoint) -> str:
    """Rest with the mouse, and return what is told."""
    QApplication.sendEvent(
        widget, QHelpEvent(QEvent.Type.ToolTip, point, widget.mapToGlobal(point))
    )
    return tooltip()


def ink(widget: QWidget, area: QRect) -> bool:
    """Tell whether an area has more than one colour."""
    picture = widget.grab(area).toImage()
    colours = {picture.pixel(x, y) for x in range(area.width()) for y in range(area.height())}
    return len(colours) > 1
