"""A small window: the page of the lessons, and playgrounds whose networks they use."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from core import playgrounds
from gui.lessons.context import LessonContext
from gui.lessons.page import Page
from gui.session import Session
from gui.worker import Worker


class Small(QWidget):
    """A playground's page with nothing on it but its session."""

    def __init__(self, name, worker):
        super().__init__()
        recipe = next(iter(playgrounds.get(name).recipes.values()))
        self.session = Session(name, recipe, worker, None, "cpu", self)

    def abandon(self):
        self.session.abandon()


class Shelf(QStackedWidget):
    """The lessons among the playgrounds that were asked for."""

    def __init__(self, *names):
        super().__init__()
        self.worker = Worker(self)
        self.pages = {name: Small(name, self.worker) for name in names}
        self.pages["lessons"] = Page(self.worker, None, "cpu")
        for page in self.pages.values():
            self.addWidget(page)
        self.pages["lessons"].meet(self.pages, self.show_page)
        self.context = LessonContext(self.worker, self.pages)
        self.alone = []
        """Parts that are shown alone."""
        self.resize(1240, 800)

    @property
    def page(self):
        return self.currentWidget()

    def show_page(self, name):
        self.setCurrentWidget(self.pages[name])

    def show_part(self, part):
        """Show a live part alone, as wide as a lesson's column."""
        around = QWidget()
        around.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(around)
        column.addWidget(part)
        column.addStretch(1)
        self.addWidget(around)
        self.setCurrentWidget(around)
        self.alone.append(part)
        return part

    def closeEvent(self, event):
        for part in self.alone:
            part.abandon()
        for page in self.pages.values():
            page.abandon()
        self.worker.close()
