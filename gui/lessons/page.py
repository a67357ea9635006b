"""The lessons' page: a list on the left, and beside it a lesson to read and to try."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QUrl
from PySide6.QtGui import QAction, QDesktopServices, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from core.lessons.text import lessons
from gui import pages
from gui.lessons.context import LessonContext
from gui.lessons.lesson_view import LessonView
from gui.rich_text import rich
from gui.state_file import value_of
from gui.widgets.card import Card
from gui.widgets.page_frame import heading
from gui.widgets.title_list import TitleList
from gui.worker import Worker

TITLE, ICON, ORDER = "Lessons", "lessons", 6
HELP = "Lessons. Interactive explanations, with the networks that you have trained."
ABOUT = "Interactive explanations, with the networks of the other pages."
NARROW, WIDE = 204, 248  # pixels of the lists: on most screens a title fits on a line or two
ROOM = 1000  # pixels of the page from which on they are wide


class Page(pages.Page):
    """The lessons, each a text of resources/lessons with live parts."""

    def __init__(self, worker: Worker, data: Path | None, device: str) -> None:
        super().__init__()
        self.setObjectName("pageLessons")
        self._worker, self._data, self._loaded = worker, data, False
        self._show_page: Callable[[str], None] = lambda name: None
        self._kept: dict[str, Any] = {}
        """What the live parts keep from one start to the next."""
        self.context = LessonContext(worker, {}, self._kept, data)
        self.list = TitleList("lessonList", "Lessons", "The lessons, in reading order.")
        self.sections = TitleList(
            "sectionList", "Sections of this lesson", "Click to scroll to a section of this lesson."
        )
        self.views: dict[str, LessonView] = {}
        """The opened lessons, by their names."""
        self._stack, self._side = QStackedWidget(), QWidget()
        self.home = self.list
        self._arrange()
        titles = [(name, lesson.title) for name, lesson in lessons().items()]
        self.list.show_titles(titles, titles[0][0])
        for name, lesson in lessons().items():  # for the command palette
            action = QAction(f"Read {lesson.title}", self)
            action.setToolTip(rich(lesson.summary))
            action.triggered.connect(lambda checked, name=name: self.open_lesson(name))
            self.addAction(action)
        self.list.currentRowChanged.connect(lambda row: self.open_lesson(self.list.chosen()))
        self.sections.itemClicked.connect(lambda item: self._show_section())
        self.sections.itemActivated.connect(lambda item: self._show_section())
        worker.ready.connect(self._on_ready)

    def _arrange(self) -> None:
        column = QVBoxLayout(self._side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        for title, titles in (("Lessons", self.list), ("In this lesson", self.sections)):
            card = Card(title)
            titles.setSizeAdjustPolicy(TitleList.SizeAdjustPolicy.AdjustToContents)
            titles.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Maximum)
            card.body.addWidget(titles)
            column.addWidget(card)
        column.addStretch(1)
        head = heading(TITLE, ABOUT)
        row = QHBoxLayout()
        row.setSpacing(28)
        row.addWidget(self._side)
        row.addWidget(self._stack, 1)
        page = QVBoxLayout(self)
        page.setContentsMargins(20, 16, 6, 0)
        page.setSpacing(14)
        page.addLayout(head)
        page.addLayout(row, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave room for the live parts of a lesson on a small screen."""
        self._side.setFixedWidth(WIDE if event.size().width() >= ROOM else NARROW)
        super().resizeEvent(event)

    def meet(self, pages: Mapping[str, pages.Page], show_page: pages.ShowPage) -> None:
        """Take the other pages, whose networks the lessons use."""
        self._show_page = show_page
        self.context = LessonContext(self._worker, pages, self._kept, self._data)

    def save_state(self) -> dict[str, Any]:
        """Keep the lesson, and the progress in it."""
        return super().save_state() | {"lesson": self.list.chosen(), "parts": dict(self._kept)}

    def restore_state(self, values: Mapping[str, Any]) -> list[str]:
        """Choose the lesson; it is opened when the page is, and its parts check what they kept."""
        self._kept.update(value_of(values, "parts", dict, {}))
        if (name := value_of(values, "lesson", str, "")) in lessons():
            self.list.blockSignals(True)
            self.list.choose(name)
            self.list.blockSignals(False)
        return super().restore_state(values)

    @property
    def view(self) -> LessonView:
        """The lesson that is shown."""
        shown = self._stack.currentWidget()
        assert isinstance(shown, LessonView)
        return shown

    def show_place(self, place: str) -> None:
        """Open the lesson that is named, at the heading that may stand behind its ``#``."""
        name, _, anchor = place.partition("#")
        self.open_lesson(name, anchor)

    def open_lesson(self, name: str, anchor: str = "") -> None:
        """Show a lesson, at a heading if there is one of that anchor."""
        if name not in self.views:
            self.views[name] = LessonView(lessons()[name], self.context, self.follow)
            self.views[name].sectionChanged.connect(self.sections.choose)
            self._stack.addWidget(self.views[name])
        self.list.choose(name)
        self._stack.setCurrentWidget(self.views[name])
        titles = [(section.anchor, section.words) for section in lessons()[name].sections]
        self.sections.show_titles(titles, None)
        if self.isVisible():
            self._make_parts()
        else:
            self._show_page("lessons")
        if anchor:
            self.view.show_anchor(anchor)

    def follow(self, target: str) -> None:
        """Follow a link to a page, a lesson or the web."""
        kind, _, where = target.partition(":")
        if kind == "page":
            self._show_page(where)
        elif kind == "lesson":
            self.show_place(where)
        else:
            QDesktopServices.openUrl(QUrl(target))

    def _show_section(self) -> None:
        self.view.show_anchor(self.sections.chosen())

    def _on_ready(self) -> None:
        self._loaded = True
        self._make_parts()

    def _make_parts(self) -> None:
        """Make the live parts of the visible lesson: they need torch."""
        if self._loaded and self.isVisible() and self.views:
            self.view.make_parts()

    def showEvent(self, event: QShowEvent) -> None:
        """Open the selected lesson."""
        super().showEvent(event)
        if not self.views:
            self.open_lesson(self.list.chosen())
        self._make_parts()

    def abandon(self) -> None:
        """End what runs: the window closes."""
        for view in self.views.values():
            view.abandon()
