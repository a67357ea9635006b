"""Command palette, shortcuts, help and about: found in the window, done by keys."""

import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QPushButton,
    QTabWidget,
    QToolButton,
)

from core import about
from core.lessons.text import lessons
from gui.pages import Page
from gui.session_state import State
from gui.widgets.command_palette import CommandPalette
from gui.widgets.help_dialog import ABOUT, SHORTCUTS, AboutPanel, HelpDialog


def press(program, key, modifiers=Qt.KeyboardModifier.ControlModifier):
    """Press a key with Ctrl in the window, which must be active for its shortcuts."""
    program.window.activateWindow()
    program.until(program.window.isActiveWindow)
    QTest.keyClick(program.window, key, modifiers)


def opened(program, kind):
    """Wait for a dialog, and return it."""
    program.until(lambda: program.window.findChild(kind) is not None)
    dialog = program.window.findChild(kind)
    program.until(dialog.isVisible)
    return dialog


def palette(program):
    """Open the command palette by its keys."""
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    press(program, Qt.Key.Key_P, both)
    return opened(program, CommandPalette)


def gone(program, kind):
    """Wait until a closed dialog is deleted."""
    program.until(lambda: program.window.findChild(kind) is None)


def row_of(dialog, title):
    """Return the item of the command of that title."""
    shown = [command.title for command in dialog.shown()]
    return dialog.list.item(shown.index(title))


def test_what_is_gone_meanwhile_cannot_be_done(program):
    """Parts of a lesson go with it; the palette may still be open."""
    button = QPushButton("Brief", program.window.findChild(Page, "pageDigits"))
    button.show()
    dialog = palette(program)
    assert row_of(dialog, "Brief").flags() & Qt.ItemFlag.ItemIsEnabled
    shiboken6.delete(button)
    QTest.keyClicks(dialog.words, "brief")
    assert not row_of(dialog, "Brief").flags() & Qt.ItemFlag.ItemIsEnabled
    dialog.reject()
    gone(program, CommandPalette)


def test_the_palette_finds_and_does_what_can_be_done(program):
    """Typing searches, the arrows choose, Enter does it, Escape does nothing."""
    window = program.window
    dialog = palette(program)
    assert row_of(dialog, "Train").flags() & Qt.ItemFlag.ItemIsEnabled
    assert not row_of(dialog, "Stop").flags() & Qt.ItemFlag.ItemIsEnabled
    QTest.keyClicks(dialog.words, "page")
    assert [command.keys for command in dialog.shown()] == [
        f"Ctrl+{n}" for n in range(1, len(window.pages) + 1)
    ]
    QTest.keyClick(dialog.words, Qt.Key.Key_Down)
    QTest.keyClick(dialog.words, Qt.Key.Key_Return)
    program.until(lambda: window.page_name == "names")
    gone(program, CommandPalette)
    dialog = palette(program)
    QTest.keyClicks(dialog.words, "no such thing")
    QTest.keyClick(dialog.words, Qt.Key.Key_Return)
    assert dialog.isVisible() and "No command matches" in dialog.about.text()
    QTest.keyClick(dialog.words, Qt.Key.Key_Escape)
    gone(program, CommandPalette)
    assert window.page_name == "names"


def test_a_button_of_the_page_is_pressed_from_the_palette(program):
    """Train begins, and then Stop can be chosen; the words of the card are searched as well."""
    dialog = palette(program)
    QTest.keyClicks(dialog.words, "train")
    assert dialog.shown()[0].title == "Train" and dialog.shown()[0].keys == "F5"
    QTest.keyClick(dialog.words, Qt.Key.Key_Return)
    program.until(lambda: program.session.state is State.TRAINING)
    gone(program, CommandPalette)
    dialog = palette(program)
    QTest.keyClicks(dialog.words, "stop")
    QTest.keyClick(dialog.words, Qt.Key.Key_Return)
    program.ready()


def test_what_other_pages_do_is_found_as_well(program):
    """Their names stand before it; choosing it turns to the page first, or opens the lesson."""
    window = program.window
    window.show_page("runs")
    dialog = palette(program)
    titles = [command.title for command in dialog.shown()]
    assert titles.index("Import zip…") < titles.index("Digits: Train")
    for title in ("Names: Train", "Text: Generate", "Doctor: Diagnose", "Digits: Show Mistakes"):
        assert title in titles, title
    QTest.keyClicks(dialog.words, "digits: train")
    QTest.keyClick(dialog.words, Qt.Key.Key_Return)
    program.until(lambda: program.session.state is State.TRAINING)
    assert window.page_name == "digits"
    gone(program, CommandPalette)
    program.stop()
    last = list(lessons())[-1]
    dialog = palette(program)
    QTest.keyClicks(dialog.words, f"lessons: read {lessons()[last].title}")
    QTest.keyClick(dialog.words, Qt.Key.Key_Return)
    program.until(lambda: window.page_name == "lessons")
    assert window.page.list.chosen() == last
    gone(program, CommandPalette)


def test_no_two_commands_of_a_page_are_alike(program):
    """Each is told apart by its title and place, with every tab opened; Ctrl+O opens a file."""
    window = program.window
    for name, page in window.pages.items():
        window.show_page(name)
        commands = window.commands.commands()
        for tabs in page.findChildren(QTabWidget):
            for index in range(tabs.count()):
                tabs.setCurrentIndex(index)
                shown = window.commands.commands()
                alike = [(command.title, command.place) for command in shown]
                assert len(alike) == len(set(alike)), (name, tabs.tabText(index))
        opens = [command.title for command in commands if command.keys == "Ctrl+O"]
        assert len(opens) == (name != "lessons"), name


def test_ctrl_o_asks_for_a_file_on_the_doctors_page(program, monkeypatch):
    """As its button does."""
    asked = []

    def ask(*args):
        asked.append(args)
        return "", ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", ask)
    program.window.show_page("doctor")
    program.until(program.window.pages["doctor"].open.isEnabled)
    press(program, Qt.Key.Key_O)
    program.until(lambda: bool(asked))
    assert "*.py" in asked[0][3]


def test_pages_and_help_have_keys(program):
    """Ctrl+6 turns to the sixth page; Ctrl+/ lists the keys of the page that is seen."""
    window = program.window
    press(program, Qt.Key.Key_6)
    assert window.page_name == list(window.pages)[5]
    press(program, Qt.Key.Key_1)
    assert window.page_name == next(iter(window.pages))
    press(program, Qt.Key.Key_Slash)
    dialog = opened(program, HelpDialog)
    text = dialog.shortcuts.toPlainText()
    assert dialog.tabs.currentIndex() == SHORTCUTS
    for words in ("F5", "Train", "F8", "Stop", "Ctrl+Shift+P", "Ctrl+6", "Ctrl+Z", "F1"):
        assert words in text, words
    assert all(page.TITLE in dialog.help.toPlainText() for page in window.commands.modules.values())
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    gone(program, HelpDialog)


def test_about_says_versions_licences_and_places(program, qtbot, monkeypatch):
    """All of it can be copied; a folder is opened, or said where no program opens it."""
    QTest.mouseClick(
        program.window.findChild(QToolButton, "aboutButton"), Qt.MouseButton.LeftButton
    )
    dialog = opened(program, HelpDialog)
    assert dialog.tabs.currentIndex() == ABOUT
    text = dialog.about.text.toPlainText()
    for words in ("torch", "PySide6", "Python", "MNIST", "CC BY-SA", "SIL Open Font License"):
        assert words in text, words
    dialog.about.copy.click()
    copied = QApplication.clipboard().text()
    assert "Glassbox 0." in copied and all(str(path) in copied for path in about.places().values())
    dialog.close()
    urls = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: bool(urls.append(url)))
    panel = AboutPanel()
    qtbot.addWidget(panel)
    panel.show()
    panel.findChild(QPushButton, "openPlace_4").click()
    assert urls[0].toLocalFile().endswith("resources") and "opens it" in panel.message.text()
