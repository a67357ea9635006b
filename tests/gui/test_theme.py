"""A change of theme: nothing keeps the old colours, and Python may clear up meanwhile."""

import gc

import numpy as np
import pytest
import shiboken6
from PySide6.QtGui import QImage, QTextLayout
from PySide6.QtWidgets import QApplication, QWidget

from gui import theme
from gui.charts.lines import Chart
from gui.widgets.command_palette import CommandPalette
from gui.widgets.glossary import GlossaryDialog, open_term
from gui.widgets.help_dialog import ABOUT, HelpDialog

ROLES = ("window", "surface", "sunken", "border")


@pytest.fixture
def light(qapp):
    """The light theme now, and again when a test has ended."""
    theme.apply(qapp, "light")
    yield
    theme.apply(qapp, "light")


def counts(widget):
    """Return how many pixels of a widget have exactly a colour, by theme and role."""
    QApplication.processEvents()
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint32)
    return {
        name: {role: int((pixels == now.colour(role).rgb()).sum()) for role in ROLES}
        for name, now in theme.THEMES.items()
    }


def wears(widget, new):
    """Whether a widget has a theme's colours, and not the other's; a check is always white."""
    found = {name: sum(roles.values()) for name, roles in counts(widget).items()}
    return found.pop(new) > 1000 and found.popitem()[1] < 40


def test_pages_that_were_hidden_take_the_theme_when_they_are_shown(program, light):
    """In both directions, whether a page was ever seen before or not."""
    window, names = program.window, list(program.window.pages)
    program.until(lambda: bool(program.session.history.evaluations))  # its charts have axes then
    for new in ("dark", "light"):
        window.switch_theme()
        assert theme.current().name == new and wears(window, new)
        for name in names:
            window.show_page(name)
            assert wears(window, new), name
        window.show_page("digits")
        chart = next(each for each in window.page.findChildren(Chart) if each.isVisible())
        assert counts(chart)[new]["border"] and wears(chart, new)
        names.reverse()  # so that another one is seen during the next change


def test_a_hidden_page_costs_a_change_of_theme_nothing(window, light):
    """Its style sheet, which takes long to work out, is the old one until it is shown."""
    seen, hidden = window.page, window.pages["names"]
    old = hidden.styleSheet()
    window.switch_theme()
    assert seen.styleSheet() != old and hidden.styleSheet() == old
    window.show_page("names")
    assert hidden.styleSheet() == seen.styleSheet()


def test_dialogs_take_the_theme_open_or_hidden(window, light):
    """About and the palette change while they are seen, the glossary when it is shown again."""
    open_term(window)
    glossary = window.findChild(GlossaryDialog)
    assert wears(glossary, "light")
    glossary.hide()
    window.commands.open_help(ABOUT)
    window.commands.open_palette()
    dialogs = [window.findChild(HelpDialog), window.findChild(CommandPalette)]
    for new in ("dark", "light"):
        window.switch_theme()
        for dialog in dialogs:
            assert wears(dialog, new), dialog
        glossary.show()
        assert wears(glossary, new)
        glossary.hide()
    for dialog in dialogs:
        dialog.close()


def test_a_notice_is_in_the_theme_in_which_it_comes(window, light):
    """The bar is hidden while there is none, and so during the change."""
    window.switch_theme()
    window.notices.tell("A sentence.")
    assert wears(window.notices, "dark")


class Forgotten(QWidget):
    """A widget that only holds itself, and makes garbage when it is told of a change."""

    def __init__(self):
        super().__init__()
        self.itself = self
        self.button = theme.IconButton("theme", "A button.", self)

    def changeEvent(self, event):
        self.garbage = [[number] for number in range(500)]
        super().changeEvent(event)


def test_widgets_that_nobody_holds_survive_a_change_of_theme(qapp):
    """A collection in the midst of Qt's walk through all widgets would end the program."""
    usual = gc.get_threshold()
    try:
        for name in ("dark", "light") * 3:
            gc.disable()
            for _ in range(60):
                Forgotten().ensurePolished()
            gc.set_threshold(50)
            gc.enable()
            theme.apply(qapp, name)
            assert gc.isenabled() and theme.current().name == name
    finally:
        gc.set_threshold(*usual)
        gc.enable()
        theme.apply(qapp, "light")
        gc.collect()


def test_a_style_that_is_held_longer_than_its_widget_stops_no_change_of_theme(qapp):
    """As by the traceback of an error that was told."""
    widget = QWidget()
    theme.style(widget)
    (held,) = [s for s in theme._styled if shiboken6.isValid(s) and s.parent() is widget]
    shiboken6.delete(widget)
    assert not shiboken6.isValid(held)
    theme.apply(qapp, "dark")
    assert theme.current().name == "dark"
    theme.apply(qapp, "light")


def test_a_name_is_shown_with_the_letters_that_it_has(qapp):
    """Between two figures the typeface would make an x a sign of multiplication."""

    def glyphs(text: str) -> list[int]:
        layout = QTextLayout(text, theme.font())
        layout.beginLayout()
        layout.createLine()
        layout.endLayout()
        return [glyph for run in layout.glyphRuns() for glyph in run.glyphIndexes()]

    theme.load_fonts()
    assert glyphs("h3x2.py")[2:3] == glyphs("x") != glyphs("×")
