"""Whatever the window shows uses the field's terms."""

import pytest
from PySide6.QtCore import QAbstractListModel, QModelIndex
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTabWidget,
    QTextEdit,
    QWidget,
)

from tests.test_words import retired_in


def texts_of(widget):
    """Return all that a widget says, where Qt knows of it."""
    yield widget.windowTitle()
    yield widget.toolTip()
    yield widget.accessibleName()
    yield widget.accessibleDescription()
    if isinstance(widget, QLabel | QAbstractButton):
        yield widget.text()
    if isinstance(widget, QGroupBox):
        yield widget.title()
    if isinstance(widget, QLineEdit | QTextEdit | QPlainTextEdit):
        yield widget.placeholderText()
    if isinstance(widget, QComboBox):
        yield from (widget.itemText(index) for index in range(widget.count()))
    if isinstance(widget, QTabWidget):
        yield from (widget.tabText(index) for index in range(widget.count()))
        yield from (widget.tabToolTip(index) for index in range(widget.count()))
    if isinstance(widget, QAbstractItemView) and widget.model():
        model = widget.model()
        root = QModelIndex()
        # A list model's own columnCount is private.
        columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(root)
        for column in range(columns):
            for row in range(min(60, model.rowCount(root))):
                yield str(model.data(model.index(row, column)) or "")


@pytest.fixture
def painted(monkeypatch):
    """Collect what widgets write with a painter."""
    said, write = set(), QPainter.drawText

    def draw(self, *args):
        said.update(arg for arg in args if isinstance(arg, str))
        return write(self, *args)

    monkeypatch.setattr(QPainter, "drawText", draw)
    return said


def test_no_page_shows_a_retired_word(program, painted):
    """Every page, every tab, every lesson: labels, tooltips, lists, and what is painted."""
    window, said = program.window, set()

    def collect():
        QApplication.processEvents()
        window.grab()
        for widget in [window, *window.findChildren(QWidget)]:
            said.update(texts_of(widget))

    for name, page in window.pages.items():
        window.show_page(name)
        collect()
        for tabs in page.findChildren(QTabWidget):
            for index in range(tabs.count()):
                tabs.setCurrentIndex(index)
                collect()
    lessons = window.pages["lessons"]
    window.show_page("lessons")
    for row in range(lessons.list.count()):
        lessons.list.setCurrentRow(row)
        program.until(lambda: bool(lessons.view.parts))
        collect()
    assert len(said) > 800 and len(painted) > 50
    assert not sorted({found for text in said | painted for found in retired_in(text)})
