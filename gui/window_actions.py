"""The actions of the window itself: turn to a page, find a command, help, theme, quit."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication

from gui.pages import PageModule
from gui.widgets.command_palette import CommandPalette
from gui.widgets.commands import (
    WindowCommand,
    commands_elsewhere,
    commands_everywhere,
    commands_of,
)
from gui.widgets.glossary import open_term
from gui.widgets.help_dialog import ABOUT, HELP, SHORTCUTS, HelpDialog

if TYPE_CHECKING:
    from gui.window import MainWindow

PALETTE = "Ctrl+Shift+P"


class WindowActions:
    """Gives the window its actions, and opens the dialogs that are made from all actions.

    Args:
        window: the program's window.
        modules: the pages, by their names, in their order.
    """

    def __init__(self, window: "MainWindow", modules: Mapping[str, PageModule]) -> None:
        self._window, self.modules = window, modules
        for number, (name, module) in enumerate(modules.items(), 1):
            keys = f"Ctrl+{number}" if number < 10 else ""
            self._add(f"Page: {module.TITLE}", keys, module.HELP, partial(window.show_page, name))
        self._add(
            "Command palette…",
            PALETTE,
            "Everything that can be done, by typing.",
            self.open_palette,
        )
        self._add(
            "Shortcuts",
            "Ctrl+/",
            "The keys that work on this page, and everywhere.",
            lambda: self.open_help(SHORTCUTS),
        )
        self._add(
            "Export…",
            "Ctrl+E",
            "Saves the chart, table or report that has the focus as a file.",
            window.export,
        )
        self._add("Glossary", "", "Every term, searchable.", lambda: open_term(window))
        self._add("Help", "", "What the pages are for.", lambda: self.open_help(HELP))
        self._add(
            "About Glassbox",
            "",
            "Versions, licences, and where its files lie.",
            lambda: self.open_help(ABOUT),
        )
        self._add("Light or dark", "", "Changes the colours of the program.", window.switch_theme)
        self._add("Quit", "Ctrl+Q", "Ends what runs and closes the window.", window.close)

    def commands(self) -> list[WindowCommand]:
        """Return what can be done on the page that is seen, and everywhere."""
        window, focus = self._window, QApplication.focusWidget()
        here = commands_of(window.page, self.modules[window.page_name].TITLE, focus)
        return [*here, *commands_everywhere(window)]

    def all_commands(self) -> list[WindowCommand]:
        """Return these, and what can be done on each other page once one turns to it."""
        found, window = self.commands(), self._window
        for name, page in window.pages.items():
            if name != window.page_name:
                turn = partial(window.show_page, name)
                found += commands_elsewhere(page, self.modules[name].TITLE, page.home, turn)
        return found

    def open_palette(self) -> None:
        """Open the command palette."""
        CommandPalette(self._window, self.all_commands()).open()

    def open_help(self, tab: int) -> None:
        """Open help at one of its tabs; there is one at a time."""
        if (opened := self._window.findChild(HelpDialog)) is not None:
            opened.close()
        # A page's help begins with its title, which stands beside it here.
        pages = [(each.TITLE, each.HELP.partition(". ")[2]) for each in self.modules.values()]
        dialog = HelpDialog(self._window, pages, self.commands())
        dialog.tabs.setCurrentIndex(tab)
        dialog.show()

    def _add(self, title: str, keys: str, about: str, act: Callable[[], object]) -> None:
        action = QAction(title, self._window)
        action.setShortcut(keys)
        action.setToolTip(about)
        action.triggered.connect(lambda checked=False: act())
        self._window.addAction(action)
