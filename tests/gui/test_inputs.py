"""The wheel over a page: it scrolls, and changes no setting that has no focus."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QScrollArea,
    QScrollBar,
)

from tests.gui.hands import turn_wheel


def takes_wheel(widget, notches):
    """Whether a widget, seen or not, takes the wheel from what scrolls around it."""
    middle, none = QPointF(widget.rect().center()), Qt.MouseButton.NoButton
    event = QWheelEvent(
        middle,
        widget.mapToGlobal(middle),
        QPoint(),
        QPoint(0, 120 * notches),
        none,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    return QApplication.sendEvent(widget, event) and event.isAccepted()


def value(widget):
    """What a box or slider says."""
    return widget.currentIndex() if isinstance(widget, QComboBox) else widget.value()


def settings(window):
    """All boxes and sliders of a window."""
    kinds = (QComboBox, QAbstractSpinBox, QAbstractSlider)
    found = [widget for kind in kinds for widget in window.findChildren(kind)]
    return [widget for widget in found if not isinstance(widget, QScrollBar)]


def test_the_wheel_changes_nothing_without_the_focus(program):
    """On all pages and in all lessons."""
    lessons = program.window.pages["lessons"]
    program.window.show_page("lessons")
    for row in range(lessons.list.count()):
        lessons.list.setCurrentRow(row)
    for name in program.window.pages:
        program.window.show_page(name)
    found = settings(program.window)
    assert len(found) > 60
    if focused := QApplication.focusWidget():  # none where the window is not the active one
        focused.clearFocus()
    for widget in found:
        before = value(widget)
        for notches in (-1, 1):
            assert not takes_wheel(widget, notches), widget.objectName()
            assert value(widget) == before, widget.objectName()
        # Qt gives the focus to what wants it by the wheel, before it is asked.
        assert widget.focusPolicy() is Qt.FocusPolicy.StrongFocus, widget.objectName()


@pytest.mark.parametrize("name", ["setting_optimizer", "slider_lr"])
def test_over_the_recipe_the_wheel_scrolls_and_with_the_focus_it_changes(program, name):
    """A page that is scrolled keeps its optimiser; a person who is in the box changes it."""
    widget = program.find(name)
    area = next(a for a in program.page.recipe.findChildren(QScrollArea) if a.isAncestorOf(widget))
    before, bar = value(widget), area.verticalScrollBar()
    bar.setValue(0)
    turn_wheel(widget)
    assert bar.value() > 0 and value(widget) == before
    program.window.activateWindow()
    widget.setFocus()
    program.until(widget.hasFocus)
    area.ensureWidgetVisible(widget)
    turn_wheel(widget, 1)
    assert value(widget) != before
