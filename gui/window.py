"""The main window: a sidebar of pages, and the page that was chosen."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QContextMenuEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QButtonGroup,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core import __version__
from core.errors import UserError
from gui import theme
from gui.charts.lines import load_pyqtgraph
from gui.garbage import GarbageCollector
from gui.pages import Page, PageModule, page_modules, page_names
from gui.widgets.card import label
from gui.widgets.export_file import offer_at_focus, offer_at_mouse
from gui.widgets.glossary import GlossaryHelp, open_term
from gui.widgets.help_dialog import ABOUT
from gui.widgets.notice_bar import NoticeBar
from gui.widgets.page_button import NARROW_BUTTON, PageButton
from gui.window_actions import PALETTE, WindowActions
from gui.worker import Worker

AFTER_PAINTING = 60  # milliseconds
USUAL, SMALLEST = QSize(1440, 900), QSize(900, 480)
SIDEBAR = 148  # pixels of the sidebar with the pages' titles
NARROW = 1200  # pixels of a window in which the pages need the room of the titles


class MainWindow(QMainWindow):
    """Holds the one worker, and the pages that give it work.

    It stands empty at once; :meth:`fill` brings the pages, and then the worker loads torch.

    Raises:
        UserError: the page to begin with does not exist.
    """

    closing = Signal()
    """It is about to close; everything is still there."""

    def __init__(self, data: Path | None, device: str, page: str | None = None) -> None:
        super().__init__()
        if page is not None and page not in page_names():
            known = ", ".join(page_names())
            raise UserError(f"There is no page '{page}'; there are {known}.")
        self.setWindowTitle("Glassbox")
        self.setWindowIcon(theme.icon("glass"))
        self.resize(USUAL)
        self.setMinimumSize(SMALLEST)
        self.setAcceptDrops(True)
        self.help = GlossaryHelp(self)
        self.data, self._device, self._first = data, device, page
        self.page_name = page or ""
        self.chosen_theme = ""
        """light or dark, once a person has chosen."""
        self.garbage = GarbageCollector(self)
        self.worker = Worker(self)
        self.worker.ready.connect(self.garbage.freeze)
        self._starter = QTimer(self)
        self._starter.setSingleShot(True)
        self._starter.timeout.connect(self.worker.start)
        self.pages: dict[str, Page] = {}
        self.commands: WindowActions
        """What can be done; there are none before the pages are there."""
        self._stack = QStackedWidget()
        opening = label("Opening the pages…", "muted")
        opening.setAlignment(Qt.AlignmentFlag.AlignCenter)
        theme.style(opening)
        self._stack.addWidget(opening)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, PageButton] = {}
        body = QWidget()
        body.setObjectName("body")
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._make_sidebar())
        self.notices = NoticeBar()
        theme.style(self.notices)
        above = QVBoxLayout()  # without a notice it takes no room, its margins neither
        above.setContentsMargins(theme.MARGIN, theme.GAP, theme.MARGIN, 0)
        above.addWidget(self.notices)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addLayout(above)
        column.addWidget(self._stack, 1)
        row.addLayout(column, 1)
        self.setCentralWidget(body)

    def fill(self, restore: Callable[[str, Page], object] = lambda name, page: None) -> None:
        """Build the pages, the first one first; torch is loaded when all are there.

        Args:
            restore: gives a page what it kept, before it is seen.
        """
        modules = page_modules()
        for name, module in modules.items():
            self._places.addWidget(self._page_button(name, module))
        self._arrange_sidebar()
        first = self._first or next(iter(modules))
        made = {first: self._make_page(first, modules[first])}
        if made[first].stands_alone:
            self.pages = dict(made)
            restore(first, made[first])
            self.show_page(first)
            # It is painted while the others are built; what is typed and clicked waits for them.
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        for name, module in modules.items():
            if name != first:
                made[name] = self._make_page(name, module)
        self.pages = {name: made[name] for name in modules}
        for page in self.pages.values():
            page.meet(self.pages, self.show_page)
        for name, page in self.pages.items():
            if name != first or not page.stands_alone:
                restore(name, page)
        self.commands = WindowActions(self, modules)
        self.show_page(first)
        load_pyqtgraph()  # no page needs it to be painted; the first curve is not to wait for it
        # Loading it competes for the interpreter with the painting of the first page.
        self._starter.start(AFTER_PAINTING)

    def _make_page(self, name: str, module: PageModule) -> Page:
        page = module.Page(self.worker, self.data, self._device)
        page.marks_changed.connect(lambda: self._buttons[name].show_marks(page.marks()))
        self._stack.addWidget(page)
        return page

    def _make_sidebar(self) -> QWidget:
        sidebar = QWidget()
        sidebar.setObjectName("rail")
        theme.style(sidebar)
        column = QVBoxLayout(sidebar)
        column.setContentsMargins(12, 18, 4, 14)
        column.setSpacing(4)
        name = label("Glassbox", "heading")
        name.setFont(theme.font(16))
        name.setContentsMargins(8, 0, 0, 14)
        column.addWidget(name)
        self._places = QVBoxLayout()
        self._places.setSpacing(4)
        column.addLayout(self._places)
        column.addStretch(1)
        dark = theme.IconButton("theme", "Light or dark. Changes the colours of the program.")
        dark.setObjectName("themeButton")
        dark.clicked.connect(self.switch_theme)
        glossary = theme.IconButton(
            "glossary", "Glossary. Every term, searchable. F1 explains what has the focus."
        )
        glossary.setObjectName("glossaryButton")
        glossary.clicked.connect(lambda: open_term(self))
        foot = self._foot = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        foot.setSpacing(0)
        foot.addWidget(dark)
        foot.addWidget(glossary)
        foot.addWidget(self._make_about())
        foot.addStretch(1)
        column.addLayout(foot)
        self._sidebar, self._name = sidebar, name
        return sidebar

    def _make_about(self) -> QToolButton:
        about = QToolButton()
        about.setObjectName("aboutButton")
        about.setText(f"v{__version__}")
        about.setAccessibleName("About Glassbox")
        about.setToolTip(
            f"<p>About Glassbox, and help. {PALETTE} finds everything that can be done.</p>"
        )
        about.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        about.clicked.connect(lambda: self.commands.open_help(ABOUT))
        return about

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out the titles in the sidebar where the pages need the room."""
        super().resizeEvent(event)
        self._arrange_sidebar()

    def _arrange_sidebar(self) -> None:
        narrow = self.width() < NARROW
        for button in self._buttons.values():
            button.set_narrow(narrow)
        self._name.setVisible(not narrow)
        self._foot.setDirection(
            QBoxLayout.Direction.BottomToTop if narrow else QBoxLayout.Direction.LeftToRight
        )
        self._sidebar.setFixedWidth(NARROW_BUTTON + 16 if narrow else SIDEBAR)

    def fit(self, available: QRect) -> None:
        """Become no larger than the free part of a screen, and lie on it as a whole."""
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
        room = QSize(available.width(), available.height() - bar)
        self.setMinimumSize(SMALLEST.boundedTo(room))
        self.resize(self.size().boundedTo(room))
        if not available.contains(self.geometry()):
            place = self.rect()
            place.moveCenter(available.center())
            self.move(place.topLeft())

    def _page_button(self, key: str, module: PageModule) -> PageButton:
        button = PageButton(f"go_{key}", module.ICON, module.TITLE, module.HELP)
        button.clicked.connect(lambda: self.show_page(key))
        self._group.addButton(button)
        self._buttons[key] = button
        return button

    def show_page(self, name: str, place: str = "") -> None:
        """Turn to a page, at a place on it; the keys go where most is done on it, its ``home``."""
        self._buttons[name].setChecked(True)
        page = self.pages[name]
        self.page_name = name
        self._stack.setCurrentWidget(page)
        # No focus proxy: behind one, Tab would not leave the home's neighbours.
        (page.home or page).setFocus()
        if place:
            page.show_place(place)

    @property
    def page(self) -> QWidget:
        """The page that is seen."""
        shown = self._stack.currentWidget()
        assert shown is not None
        return shown

    def switch_theme(self) -> None:
        """Change between light and dark."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self.chosen_theme = "light" if theme.current() is theme.DARK else "dark"
        theme.apply(app, self.chosen_theme)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Welcome a file that one of the pages takes."""
        if self._taker(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open it on that page."""
        if taker := self._taker(event):
            name, path = taker
            event.acceptProposedAction()
            self.show_page(name)
            self.pages[name].open_file(path)

    def _taker(self, event: QDropEvent) -> tuple[str, Path] | None:
        """Return the page that takes what is dropped, and its path."""
        for url in event.mimeData().urls():
            path = Path(url.toLocalFile())
            for name, page in self.pages.items():
                if url.isLocalFile() and path.suffix.lower() in page.takes:
                    return name, path
        return None

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer the card under the mouse as a file."""
        offer_at_mouse(self, event)

    def export(self) -> None:
        """Offer the card that has the focus as a file."""
        if problem := offer_at_focus(self):
            self.notices.tell(problem)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask every run to end, wait for the worker, and go."""
        self.closing.emit()
        self.hide()
        self._starter.stop()
        for page in self.pages.values():
            page.abandon()
        self.worker.close()
        self.garbage.end()
        super().closeEvent(event)
