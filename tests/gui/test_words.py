"""Whatever the window shows uses the field's terms."""

import pytest
from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt
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

from core.glossary import find
from gui.widgets.glossary import term_of
from gui.widgets.terms import TERMS
from tests.test_words import retired_in

ABOUT_NOTHING = {
    *("themeButton", "glossaryButton", "aboutButton", "closeNotice", "noticeWords"),
    *("exportCompared", "sectionList", "lesson"),
    *("copyCode", "saveScript", "saveNotebook", "hideCode"),
}
"""Widgets that name no concept of the field, by their objectName or what is before its "_"."""


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


def term_at_f1(widget):
    """Return the title of the entry that F1 opens at a widget; "" for none."""
    term = term_of(widget)
    return term.title if term else ""


def takes_keys(widget):
    """Whether the keyboard reaches it, by a name of its own."""
    by_keys = widget.focusPolicy() is not Qt.FocusPolicy.NoFocus and not widget.focusProxy()
    named = widget.objectName() and not widget.objectName().startswith(
        ("qt_", "ScrollL", "ScrollR")
    )
    return by_keys and named


@pytest.mark.usefixtures("all_starters")
def test_every_page_uses_the_fields_terms(program, painted):
    """Every page, tab and lesson: no retired word is seen, and F1 explains every widget."""
    window, said, explained = program.window, set(), {}

    def collect():
        QApplication.processEvents()
        window.grab()
        for widget in [window, *window.findChildren(QWidget)]:
            said.update(texts_of(widget))
            if takes_keys(widget) and widget.objectName() not in explained:
                explained[widget.objectName()] = term_at_f1(widget)

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

    names = {name.partition("_")[0] for name, term in explained.items() if not term}
    assert len(explained) > 250 and names == ABOUT_NOTHING
    expected = {
        "setting_activation_digits": "Activation function",
        "lossPlot_names": "Learning curve",
        "digitCanvas": "Preprocessing",
        "layerWall_text": "Layer",
        "twinChoice1_first-loss_2": "Initial loss",
    }
    assert {name: explained[name] for name in expected} == expected
    met = {name[: len(term)] for name in explained for term in TERMS if name.startswith(term)}
    assert not TERMS.keys() - met and all(find(term) for term in TERMS.values())
