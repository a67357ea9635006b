"""The main window: a rail of pages, and the page that was chosen."""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core import __version__
from core.errors import UserError
from gui import pages, theme
from gui.widgets.card import label
from gui.worker import Worker


def page_modules() -> dict[str, ModuleType]:
    """Return the modules in gui/pages by name, in their own order: a page is found by being there.

    A page's module has TITLE, ICON, ORDER and a ``Page`` widget with ``abandon()``.
    """
    names = [found.name for found in pkgutil.iter_modules(pages.__path__)]
    found = {name: importlib.import_module(f"gui.pages.{name}") for name in names}
    return dict(sorted(found.items(), key=lambda item: item[1].ORDER))


class MainWindow(QMainWindow):
    """Holds the one worker, and the pages that give it work.

    Raises:
        UserError: the page to begin with does not exist.
    """

    def __init__(self, data: Path | None, device: str, page: str | None = None) -> None:
        super().__init__()
        self.setWindowTitle("Glassbox")
        self.setWindowIcon(theme.icon("glass"))
        self.resize(1440, 900)
        self.setMinimumSize(1280, 740)
        self.worker = Worker(self)
        modules = page_modules()
        if page is not None and page not in modules:
            raise UserError(f"There is no page '{page}'; there are {', '.join(modules)}.")
        self.pages = {
            name: module.Page(self.worker, data, device) for name, module in modules.items()
        }
        self._stack = QStackedWidget()
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        body = QWidget()
        body.setObjectName("body")
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._make_rail(modules))
        row.addWidget(self._stack, 1)
        for widget in self.pages.values():
            self._stack.addWidget(widget)
        self.setCentralWidget(body)
        self.show_page(page or next(iter(modules)))
        self.worker.start()

    def _make_rail(self, modules: dict[str, ModuleType]) -> QWidget:
        rail = QWidget()
        rail.setObjectName("rail")
        rail.setFixedWidth(148)
        column = QVBoxLayout(rail)
        column.setContentsMargins(12, 18, 4, 14)
        column.setSpacing(4)
        name = label("Glassbox", "heading")
        name.setFont(theme.font(16))
        name.setContentsMargins(8, 0, 0, 14)
        column.addWidget(name)
        for key, module in modules.items():
            column.addWidget(self._page_button(key, module))
        column.addStretch(1)
        dark = theme.IconButton("theme", "Light or dark. Changes the colours of the program.")
        dark.setObjectName("themeButton")
        dark.clicked.connect(self.switch_theme)
        foot = QHBoxLayout()
        foot.addWidget(dark)
        foot.addWidget(label(f"Version {__version__}", "small"))
        foot.addStretch(1)
        column.addLayout(foot)
        return rail

    def _page_button(self, key: str, module: ModuleType) -> QToolButton:
        button = theme.IconButton(module.ICON, module.HELP)
        button.setObjectName(f"go_{key}")
        button.setText(f"  {module.TITLE}")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIconSize(QSize(18, 18))
        button.setCheckable(True)
        button.setFixedWidth(132)
        button.clicked.connect(lambda: self.show_page(key))
        self._group.addButton(button)
        self._buttons[key] = button
        return button

    def show_page(self, name: str) -> None:
        """Turn to a page."""
        self._buttons[name].setChecked(True)
        self._stack.setCurrentWidget(self.pages[name])
        self.pages[name].setFocus()

    def switch_theme(self) -> None:
        """Change between light and dark."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, "light" if theme.current() is theme.DARK else "dark")

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802, Qt's name
        """Ask every run to end, wait for the worker, and go."""
        for page in self.pages.values():
            page.abandon()
        self.worker.close()
        super().closeEvent(event)
