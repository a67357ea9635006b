"""Small screens: on every page everything can be reached, and no text is cut off."""

from itertools import combinations

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QScrollBar,
    QTabBar,
    QTabWidget,
    QWidget,
)

from core.lessons.text import lessons
from gui.session_state import State
from gui.widgets.card import Card, Elided
from gui.widgets.object_names import qualified
from gui.widgets.page_tabs import PageTabs
from tests.gui.hands import ink

INTERACTIVE = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QAbstractSlider)


def settle():
    """Let layouts that were asked for happen."""
    for _ in range(5):
        QApplication.sendPostedEvents()
        QApplication.processEvents()


def scroll_to(widget):
    """Scroll all that the widget lies in, from the inside to the outside."""
    around = widget.parentWidget()
    while around is not None:
        if isinstance(around, QScrollArea) and around.widget() is not None:
            middle = widget.mapTo(around.widget(), widget.rect().center())
            wide, high = widget.width() // 2 + 1, widget.height() // 2 + 1
            around.ensureVisible(middle.x(), middle.y(), wide, high)
        around = around.parentWidget()


def unreachable(page):
    """The interactive widgets of which a part can't be brought onto the screen."""
    found = []
    for widget in page.findChildren(QWidget):
        if not isinstance(widget, INTERACTIVE) or not widget.isVisible():
            continue
        if isinstance(widget, QScrollBar) or isinstance(widget.parentWidget(), QTabBar):
            continue  # the arrows of tabs that don't fit
        scroll_to(widget)
        seen = widget.visibleRegion().boundingRect()
        if not seen.contains(widget.rect()):
            found.append((name(widget), seen.getRect(), widget.rect().getRect()))
    return found


def cut_off(page):
    """The labels and buttons that have less room than their words need."""
    found = []
    for widget in page.findChildren(QWidget):
        if not widget.isVisible() or isinstance(widget, Elided):
            continue
        if isinstance(widget, QLabel) and widget.text().strip():
            need = widget.sizeHint()
            if widget.wordWrap():
                need = QSize(0, widget.heightForWidth(widget.width()))
        elif isinstance(widget, QAbstractButton) and widget.text():
            need = QSize(widget.sizeHint().width(), 0)
        else:
            continue
        if need.width() > widget.width() + 1 or need.height() > widget.height() + 1:
            found.append((name(widget), need.toTuple(), widget.size().toTuple()))
    return found


def test_a_title_of_a_tab_is_whole_or_not_there(qtbot):
    """Where not all fit: nothing is painted of one that the arrows would cover."""
    tabs = PageTabs("someTabs")
    qtbot.addWidget(tabs)
    for number in range(9):
        tabs.addTab(QWidget(), f"A title {number}")
    tabs.resize(300, 80)
    tabs.show()
    bar = tabs.tabBar()
    for current in (0, 8):
        tabs.setCurrentIndex(current)
        settle()
        arrows = [arrow for arrow in bar.findChildren(QAbstractButton) if arrow.isVisible()]
        right = min(arrow.x() for arrow in arrows)
        room = QRect(0, 0, right, bar.height())
        for index in range(bar.count()):
            seen = bar.tabRect(index) & room
            if not seen.isEmpty():
                assert ink(bar, seen) == (seen == bar.tabRect(index)), index


def too_wide(page):
    """The columns whose content is wider than they are: they scroll up and down only."""
    found = []
    for area in page.findChildren(QScrollArea):
        beyond = area.horizontalScrollBar().maximum()
        fixed = area.horizontalScrollBarPolicy() is Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        if area.isVisible() and fixed and beyond > 0:
            found.append((name(area), name(area.widget()), beyond))
    return found


def name(widget):
    """What a widget is called in a message."""
    return widget.objectName() or getattr(widget, "text", str)()


def problems(page):
    """All of a page's tabs, one after another."""
    found = []
    bars = [tabs for tabs in page.findChildren(QTabWidget) if tabs.isVisible()]
    for tabs in bars or [None]:
        for index in range(tabs.count() if tabs else 1):
            if tabs:
                tabs.setCurrentIndex(index)
            settle()
            found += [("unreachable", index, *each) for each in unreachable(page)]
            found += [("too wide", index, *each) for each in too_wide(page)]
            found += [("cut off", index, *each) for each in cut_off(page)]
        if tabs:
            tabs.setCurrentIndex(0)
    return found


@pytest.mark.parametrize("size", [(1024, 700), (1280, 720)])
@pytest.mark.usefixtures("all_starters")
def test_everything_can_be_reached(program, size):
    """Every page and tab: widgets lie in the window or can be scrolled to, and words are whole."""
    program.window.resize(*size)
    for page_name, page in program.window.pages.items():
        program.window.show_page(page_name)
        settle()
        assert program.window.size().toTuple() == size, page_name
        assert not problems(page), page_name


@pytest.mark.parametrize(("size", "scroll"), [((1440, 900), set()), ((1280, 720), {"text"})])
def test_the_tabs_of_a_page_stand_beside_one_another(window, size, scroll):
    """No page needs arrows to scroll its tabs; on a small screen only the one with nine does."""
    window.resize(*size)
    narrow = set()
    for page_name, page in window.pages.items():
        window.show_page(page_name)
        settle()
        for tabs in page.findChildren(QTabWidget):
            if tabs.isVisible() and tabs.tabBar().sizeHint().width() > tabs.width():
                narrow.add(page_name)
    assert narrow == scroll


@pytest.mark.parametrize("pages", [["digits", "names", "points", "text"]])
@pytest.mark.usefixtures("all_starters")
def test_no_tab_makes_the_others_scroll(program):
    """What is large scrolls within its tab; the buttons of the run above stay where they are."""
    program.window.resize(1280, 720)
    for page_name, page in program.window.pages.items():
        program.window.show_page(page_name)
        program.until(lambda page=page: page.session.state is State.READY)
        column = page.findChild(QScrollArea, qualified("middleColumn", page_name))
        for index in range(page.tabs.count()):
            page.tabs.setCurrentIndex(index)
            settle()
            assert column.verticalScrollBar().maximum() == 0, (page_name, index)


@pytest.mark.parametrize("pages", [["digits", "names"]])
@pytest.mark.usefixtures("all_starters")
def test_a_notice_lets_no_card_cover_another(program):
    """It takes room from all of a page, of which a small screen has little left."""
    program.window.resize(1280, 695)  # a small screen less a title bar
    program.window.notices.tell("Something is to be known.")
    for page_name, page in program.window.pages.items():
        program.window.show_page(page_name)
        program.until(lambda page=page: page.session.state is State.READY)
        settle()
        cards = [card for card in page.learning.findChildren(Card) if card.isVisible()]
        places = [QRect(card.mapTo(page, QPoint(0, 0)), card.size()) for card in cards]
        assert len(places) == 3, page_name
        assert not any(one.intersects(other) for one, other in combinations(places, 2)), page_name


def test_the_window_is_no_larger_than_the_screen(window):
    """On a small screen it becomes smaller, and lies on it as a whole; on a large one it stays."""
    usual = window.size()
    window.move(900, 500)
    window.fit(QRect(0, 30, 1000, 650))
    assert window.width() <= 1000 and window.height() < 650
    assert QRect(0, 30, 1000, 650).contains(window.geometry().center())
    assert abs(window.geometry().center().x() - 500) < 10  # the platform draws a frame around it
    window.resize(usual)
    window.fit(QRect(0, 0, 2560, 1440))
    assert window.size() == usual


def test_no_lesson_scrolls_sideways(program):
    """Its live parts are no wider than the text's column, on the smallest of these screens."""
    program.window.resize(1024, 700)
    program.window.show_page("lessons")
    page = program.window.page
    for lesson in lessons():
        page.open_lesson(lesson)
        program.until(lambda: bool(page.view.parts))
        settle()
        assert page.view.horizontalScrollBar().maximum() == 0, lesson
