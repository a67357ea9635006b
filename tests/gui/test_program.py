"""The program as a whole: its start, its options, its themes, and many frames of drawing."""

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QSlider,
    QWidget,
)

import gui
from core import playgrounds
from gui import app, preflight, theme
from gui import window as window_module
from gui.pages import Page, page_names
from gui.session_state import State
from gui.window import MainWindow
from tests.gui.conftest import Program

ROOT = Path(__file__).parents[2]


def main(*words, **environment):
    """Run ``python main.py`` offscreen."""
    return subprocess.run(
        [sys.executable, "main.py", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", **environment},
        check=False,
        timeout=120,
    )


def test_no_first_frame_waits_for_large_libraries():
    """Neither torch nor the charts are loaded before the window stands."""
    code = "import sys, gui.app; sys.exit(bool({'torch', 'pyqtgraph'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_first_page_is_seen_before_the_others_are_made(qtbot, qapp, monkeypatch):
    """It has what it kept by then; and all pages stand in their order in the end."""
    seen = []

    class First(Page):
        stands_alone = True

        def __init__(self, *rest):
            super().__init__()

        def paintEvent(self, event):
            seen.append("first painted")

    class Other(Page):
        def __init__(self, *rest):
            super().__init__()
            seen.append("other made")

        def meet(self, pages, show_page):
            assert list(pages) == ["other", "first"]

    about = {"TITLE": "A page", "ICON": "digits", "HELP": "A page. It is a page."}
    modules = {"other": SimpleNamespace(Page=Other, **about)}
    modules["first"] = SimpleNamespace(Page=First, **about)
    monkeypatch.setattr(window_module, "page_modules", lambda: modules)
    monkeypatch.setattr(window_module, "page_names", lambda: list(modules))
    window = MainWindow(None, "cpu", "first")
    qtbot.addWidget(window)
    window.show()
    window.fill(lambda name, page: seen.append(f"{name} restored"))
    assert seen[:3] == ["first restored", "first painted", "other made"]
    assert seen.count("first restored") == seen.count("other restored") == 1
    assert window.page is window.pages["first"]


def test_build_returns_the_window_shown(qtbot, qapp):
    """Scripts get application and window without entering the event loop."""
    made, window = app.build(["--page", "digits", "--theme", "dark", "--device", "cpu"])
    assert made is qapp and window.isVisible() and theme.current() is theme.DARK
    window.close()
    theme.apply(qapp, "light")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--page", "kitchen"], "no page 'kitchen'; there are digits"),
        (["--data", "/nowhere"], "/nowhere, which does not exist"),
        (["--theme", "pink"], "pink"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_a_wrong_option_is_a_sentence(words, sentence):
    """No traceback, status 2."""
    done = main(*words)
    assert done.returncode == 2 and sentence in done.stderr and "Traceback" not in done.stderr


def test_what_is_impossible_is_said_before_a_tour_is_announced():
    """Without a display the program would play one."""
    ended = main("--page", "nope", QT_QPA_PLATFORM="", DISPLAY="", WAYLAND_DISPLAY="")
    assert ended.returncode == 2 and ended.stdout == "" and "no page 'nope'" in ended.stderr


def test_a_notice_covers_nothing_and_is_closed_on_every_page(program):
    """It stands above the page, whichever is turned to."""
    window, closed = program.window, 0
    for name, page in window.pages.items():
        window.notices.tell("Something is to be known.")
        window.show_page(name)
        program.until(lambda page=page: page.y() >= 0 and window.notices.height() > 0)
        below = window.notices.mapTo(window, window.notices.rect().bottomLeft()).y()
        assert page.mapTo(window, QPoint(0, 0)).y() > below
        close = window.notices.close_button
        assert window.childAt(close.mapTo(window, close.rect().center())) is close
        QTest.mouseClick(close, Qt.MouseButton.LeftButton)
        closed += not window.notices.isVisible()
    assert closed == len(window.pages)


def test_a_program_is_dropped_on_any_page(program, tmp_path):
    """The doctor shows it; what no page takes is not welcome."""
    window, path = program.window, tmp_path / "train.py"
    path.write_text("x = 1\n")
    for file, welcome in ((tmp_path / "train.exe", False), (path, True)):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(file))])
        how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton)
        how = (*how, Qt.KeyboardModifier.NoModifier)
        enter = QDragEnterEvent(QPoint(9, 9), *how)
        enter.ignore()
        QApplication.sendEvent(window, enter)
        assert enter.isAccepted() is welcome
        QApplication.sendEvent(window, QDropEvent(QPointF(9, 9), *how))
    assert window.page_name == "doctor"
    assert window.page.program.source.toPlainText() == "x = 1\n"
    assert not window.page.programs.runs


def test_version():
    """--version says it and nothing else."""
    assert main("--version").stdout.startswith("Glassbox 0.")


def test_every_playground_has_a_page_and_a_tour():
    """A playground is found by being there: in the window and in the tour as well."""
    pages = set(page_names())
    tours = {path.parent.name for path in (ROOT / "gui").glob("*/tour.py")}
    assert set(playgrounds.all_names()) <= pages and pages == tours


def test_the_window_loads_no_torch_before_it_stands():
    """The first frame does not wait for torch: the page is built without it."""
    script = (
        "import sys, threading\n"
        "class Spy:\n"
        "    def find_spec(self, name, *rest):\n"
        "        here = threading.current_thread() is threading.main_thread()\n"
        "        assert not (name == 'torch' and here)\n"
        "sys.meta_path.insert(0, Spy())\n"
        "from gui import app\n"
        "a, w = app.build([]); a.processEvents(); print('built'); w.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        check=False,
        timeout=120,
    )
    assert "built" in done.stdout, done.stderr


def test_the_theme_is_switched_by_a_click(program):
    """Light to dark and back; the window really changes its colours."""
    button = program.window.findChild(QWidget, "themeButton")
    before = program.window.grab().toImage().pixelColor(5, 5)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    after = program.window.grab().toImage().pixelColor(5, 5)
    assert before.lightness() > 200 and after.lightness() < 60
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert program.window.grab().toImage().pixelColor(5, 5) == before


@pytest.mark.parametrize("page", ["digits", "names", "text"])
@pytest.mark.usefixtures("all_starters")
def test_the_tab_key_goes_through_the_whole_page(program, page):
    """From where one plays to the data, the recipe, Train, the curves, and back."""
    program.window.activateWindow()
    program.window.show_page(page)
    shown = program.window.pages[page]
    home = shown.home
    program.until(lambda: home.hasFocus() and shown.session.state is State.READY)
    passed = set()
    for _ in range(80):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        passed.add(QApplication.focusWidget().objectName())
        if QApplication.focusWidget() is home:
            break
    assert QApplication.focusWidget() is home
    stops = ("dataBox", "recipeBox", "trainButton", "lengthBox", "lossPlot", "layerWall")
    assert {f"{name}_{page}" for name in stops} <= passed


def test_every_interactive_widget_has_a_name_and_teaches(program):
    """Buttons, boxes, fields and sliders: a name for scripts, one for readers, and a tooltip."""
    kinds = (QAbstractButton, QComboBox, QLineEdit, QSlider, QAbstractSpinBox)
    for widget in program.window.findChildren(QWidget):
        if isinstance(widget, kinds) and not widget.objectName().startswith(("qt_", "Scroll")):
            assert widget.objectName(), widget
            assert widget.toolTip(), widget.objectName()
            words = widget.accessibleName() or getattr(widget, "text", str)()
            assert words, widget.objectName()


def test_a_missing_system_library_is_a_sentence_with_its_command(monkeypatch):
    """Whatever Qt needs and the machine lacks is named with the package that has it."""
    monkeypatch.setattr(preflight.platform, "system", lambda: "Linux")
    monkeypatch.setitem(preflight.NEEDED, "libnothing.so.9", "libnothing9")
    sentence = preflight.problem()
    assert "libnothing.so.9" in sentence and "apt-get install libnothing9" in sentence


def test_all_modules_of_the_screen_can_be_imported():
    """No page or widget is left behind by a change elsewhere."""
    for found in pkgutil.walk_packages(gui.__path__, "gui."):
        importlib.import_module(found.name)


def test_without_torch_the_window_stands_and_says_so(monkeypatch, request):
    """Every page can be opened; those that train say what is missing, and offer no training."""
    monkeypatch.setitem(sys.modules, "torch", None)
    program = Program(request.getfixturevalue("qtbot"), request.getfixturevalue("window"), "digits")
    training = [program.window.pages[name].session for name in ("digits", "names", "text")]
    program.until(lambda: all(session.state is State.UNAVAILABLE for session in training))
    for name, page in program.window.pages.items():
        program.window.show_page(name)
        assert page.isVisible()
        if name in ("digits", "names", "text"):
            assert "torch is not installed" in page.run_bar.message.text()
            assert not page.run_bar.transport.train.isEnabled()
