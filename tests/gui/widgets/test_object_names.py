"""Names of widgets: each is in the window once, on all pages and in all lessons."""

from collections import Counter

from PySide6.QtWidgets import QTabBar, QWidget

from core.lessons.text import lessons
from gui.session_state import State
from gui.training_page import training_pages


def test_each_name_belongs_to_one_widget_of_the_window(qtbot, window):
    """With every page turned to, every tab and every lesson opened; Qt's own parts are left out."""
    sessions = [page.session for page in training_pages(window.pages).values()]
    qtbot.waitUntil(lambda: all(s.state is State.READY for s in sessions), timeout=60_000)
    for name in window.pages:
        window.show_page(name)
    for name in lessons():
        window.pages["lessons"].open_lesson(name)
        qtbot.waitUntil(lambda: bool(window.pages["lessons"].view.parts), timeout=60_000)
    assert len(lessons()) == len(window.pages["lessons"].views)
    named = [
        widget.objectName()
        for widget in window.findChildren(QWidget)
        if not isinstance(widget.parent(), QTabBar) and not widget.objectName().startswith("qt_")
    ]
    twice = {name: count for name, count in Counter(named).items() if name and count > 1}
    assert not twice


def test_a_page_finds_its_own_widgets_by_their_short_names(window):
    """The Train button of each playground's page has a name of its own, and answers to both."""
    for name, page in training_pages(window.pages).items():
        button = page.findChild(QWidget, "trainButton")
        assert button is page.run_bar.transport.train
        assert button.objectName() == f"trainButton_{name}"
        assert window.findChild(QWidget, f"trainButton_{name}") is button
        assert page.findChild(QWidget, "noSuchButton") is None
