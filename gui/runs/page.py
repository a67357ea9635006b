"""The page of runs: a list of all that was trained, one of them opened, or some side by side."""

import time
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QHideEvent,
    QKeySequence,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from core import paths
from core.errors import UserError
from core.runs.comparison import MOST
from core.runs.library import Entry, Library
from gui import pages
from gui.runs.compare_view import CompareView
from gui.runs.run_detail import RunDetail
from gui.runs.run_links import RunLinks
from gui.runs.run_message import RunMessage
from gui.runs.run_model import RunFilter, RunModel
from gui.runs.run_table import RunTable
from gui.runs.run_tools import RunTools, ask_where, dropped_zip
from gui.runs.run_transfer import RunTransfer
from gui.widgets.card import Card, label
from gui.widgets.page_frame import heading
from gui.widgets.scroll_column import ASIDE, CardColumn
from gui.widgets.undo_keys import add_undo_keys
from gui.worker import Worker

TITLE, ICON, ORDER = "Runs", "runs", 7
HELP = "Runs. Every training of a page is kept: open it at any step, compare some, share one."
ABOUT = "Every training of a page is kept as it goes. Open one at any step, or compare up to six."
AGAIN = 1000  # milliseconds between two looks into the folder, while somebody looks at the page
SHARE = 0.05  # of the time at most goes into that, however many runs there are
LOADING = "Loading torch…"
CHOOSE = "Choose one to open it, or two to six, with Ctrl or Shift, to lay them over one another."
MANY = f"Up to {MOST} runs can be compared at once; choose fewer."


class Page(pages.Page):
    """The runs of this computer, and those that come in as a zip."""

    def __init__(self, worker: Worker, data: Path | None, device: str) -> None:
        super().__init__()
        self.setObjectName("pageRuns")
        self.model = RunModel(Library(paths.RUNS), self)
        self.runs = RunFilter(self.model, self)
        self.tools, self.table, self.message = RunTools(), RunTable(self.runs), RunMessage()
        self.detail, self.compare = RunDetail(), CompareView()
        self.files, self.links = RunTransfer(worker, self), RunLinks(self)
        self._hint = label("", "muted", wrap=True)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self.halves = QSplitter(Qt.Orientation.Vertical)
        self._loaded = self._seen = False
        self._deleted: list[list[Path]] = []
        """Where the runs of each deletion are now, the last one at the end."""
        self._restored: list[list[Path]] = []
        """Where the runs of each deletion are that was undone, to be redone."""
        self._expected: list[Path] = []
        """The runs to choose as soon as they are in the list."""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.look)
        self.setAcceptDrops(True)
        self.home = self.table
        self._arrange()
        self._connect()
        worker.ready.connect(self._on_ready)
        worker.broken.connect(lambda sentence: self.message.tell(sentence, "fault"))

    def _arrange(self) -> None:
        head = heading(TITLE, ABOUT)
        card = Card()
        card.body.setContentsMargins(8, 10, 8, 4)
        card.body.setSpacing(6)
        tools = QWidget()
        row = QVBoxLayout(tools)
        row.setContentsMargins(8, 0, 8, 0)
        row.addWidget(self.tools)
        for widget, share in ((tools, 0), (self.table, 1), (self.message, 0)):
            card.body.addWidget(widget, share)
        self._areas: dict[QWidget, CardColumn] = {}
        for view in (self.detail, self.compare):
            area = self._areas[view] = CardColumn(f"{view.objectName()}Area", 0, squeeze=True)
            area.add(view, 1)
        for widget in (self._hint, *self._areas.values()):
            self._stack.addWidget(widget)
        halves = self.halves
        halves.setObjectName("runsSplitter")
        halves.setChildrenCollapsible(False)
        halves.setHandleWidth(14)
        above = QWidget()
        beside = QHBoxLayout(above)
        beside.setContentsMargins(0, 0, ASIDE, 0)
        beside.addWidget(card)
        halves.addWidget(above)
        halves.addWidget(self._stack)
        halves.setSizes([270, 530])
        halves.setStretchFactor(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20 - ASIDE, 18)
        column.setSpacing(14)
        column.addLayout(head)
        column.addWidget(halves, 1)

    def _connect(self) -> None:
        self.tools.changed.connect(self._filter)
        self.tools.zipChosen.connect(self.bring)
        self.table.chosen.connect(self._show)
        self.table.opened.connect(self.links.open)
        self.table.deleted.connect(self._delete)
        self.message.undoAsked.connect(self._undo)
        problems = (self.model.refused, self.detail.failed, self.compare.failed)
        for problem in (*problems, self.files.failed, self.links.refused):
            problem.connect(lambda sentence: self.message.tell(sentence, "fault"))
        self.detail.card.noted.connect(self._note)
        buttons = self.detail.card.buttons
        buttons.openAsked.connect(lambda: self.links.open(self._opened))
        buttons.resumeAsked.connect(lambda: self.links.resume(self._opened))
        buttons.deleteAsked.connect(lambda: self._delete(self.table.entries()))
        buttons.exportAsked.connect(self._export)
        self.compare.card.deleteAsked.connect(lambda: self._delete(self.table.entries()))
        for view in (self.detail, self.compare):
            view.offer_exports(self.message.tell)
        self.files.exported.connect(lambda path: self.message.tell(f"The run is in {path}."))
        self.files.imported.connect(self._on_arrived)
        add_undo_keys(self, self._undo, self._redo)
        find = QShortcut(QKeySequence.StandardKey.Find, self, self.tools.words.setFocus)
        find.setWhatsThis("Search the runs")

    def meet(self, pages: Mapping[str, pages.Page], show_page: pages.ShowPage) -> None:
        """Get to know the other pages: runs are opened and resumed there."""
        self.links.meet(pages, show_page)

    def kept_widgets(self) -> list[QWidget]:
        """Keep where the list ends."""
        return [self.halves]

    def _on_ready(self) -> None:
        self._loaded = True
        self._show(self.table.entries())

    # The list.

    def look(self) -> None:
        """Look what is there now; runs of other programs appear and move."""
        begin = time.perf_counter()
        try:
            self.model.refresh()
        except UserError as error:
            self.message.tell(str(error), "fault")
        self.tools.set_playgrounds(sorted({entry.playground for entry in self.model.entries}))
        if self._expected:
            self._choose(self._expected)
            self._expected = []
        self._count()
        if self.isVisible():
            spent = 1000 * (time.perf_counter() - begin)
            self._timer.start(max(AGAIN, round(spent / SHARE)))

    def _choose(self, paths_: list[Path]) -> None:
        rows = [self.model.row_of(path) for path in paths_]
        found = [self.runs.mapFromSource(self.model.index(row, 0)) for row in rows if row >= 0]
        self.table.choose([index.row() for index in found if index.isValid()])

    def _filter(self, words: str, playground: str, starred: bool) -> None:
        self.runs.show_only(words, playground, starred)
        self.table.viewport().update()
        self._count()

    def _count(self) -> None:
        shown, there = self.runs.rowCount(), len(self.model.entries)
        words = f"{there:,} runs" if there != 1 else "1 run"
        words = words if shown == there else f"{shown:,} of {words}"
        idle = shown and not self.table.selectionModel().hasSelection()
        self.message.count.setText(f"{words}. {CHOOSE}" if idle else words)

    def _note(self, note: str) -> None:
        row = self.model.row_of(self._opened.path)
        if row >= 0:
            self.model.describe(row, note=note)

    def showEvent(self, event: QShowEvent) -> None:
        """Look into the folder, now and every second; the first time, open the newest run."""
        super().showEvent(event)
        self.look()
        if not self._seen and self.runs.rowCount():
            self._seen = True
            self.model.library.empty()
            self.table.choose([0])
        self._show(self.table.entries())

    def hideEvent(self, event: QHideEvent) -> None:
        """Look no more while nobody does."""
        super().hideEvent(event)
        self._timer.stop()

    # What is chosen.

    def _show(self, entries: list[Entry]) -> None:
        """Show the chosen runs, if somebody looks and torch is there; else, only the table."""
        if not self.isVisible():
            return
        self._stack.show()
        self._count()
        if not self._loaded:
            self._say(LOADING)
        elif not entries:
            self._stack.hide()
        elif len(entries) == 1:
            self.detail.show_entry(entries[0])
            self._stack.setCurrentWidget(self._areas[self.detail])
        elif len(entries) > MOST:
            self._say(MANY)
        else:
            self.compare.show_entries(entries)
            self._stack.setCurrentWidget(self._areas[self.compare])

    def _say(self, words: str) -> None:
        self._hint.setText(words)
        self._stack.setCurrentWidget(self._hint)

    # What is done with them.

    @property
    def _opened(self) -> Entry:
        """The run whose buttons these are."""
        assert self.detail.entry is not None
        return self.detail.entry

    def _delete(self, entries: list[Entry]) -> None:
        """Put runs aside, and offer to bring them back."""
        if entries and self._put_aside(entries):
            self._restored.clear()

    def _put_aside(self, entries: list[Entry]) -> bool:
        selected = self.table.selectionModel().selectedRows()
        first = selected[0].row() if selected else 0
        try:
            self._deleted.append(self.model.library.delete(entries))
        except UserError as error:
            self.message.tell(str(error), "fault")
            return False
        self.look()
        what = entries[0].title if len(entries) == 1 else f"{len(entries)} runs"
        self.message.tell(f"Deleted {what}.", undo=True)
        if self.runs.rowCount():
            self.table.choose([min(first, self.runs.rowCount() - 1)])
        return True

    def _undo(self) -> None:
        """Bring back what was deleted last."""
        if not self._deleted:
            return
        aside = self._deleted[-1]
        try:
            self.model.library.restore(aside)
        except UserError as error:
            self.message.tell(str(error), "fault")
            return
        self._deleted.pop()
        self._expected = [self.model.library.folder / path.name for path in aside]
        self._restored.append(self._expected)
        self.look()
        what = "Restored." if len(aside) == 1 else f"Restored {len(aside)} runs."
        self.message.tell(what, undo=bool(self._deleted))

    def _redo(self) -> None:
        """Delete again what was brought back last."""
        if not self._restored:
            return
        paths_ = self._restored.pop()
        self._put_aside([entry for entry in self.model.entries if entry.path in paths_])

    def _export(self, way: str) -> None:
        entry = self._opened
        if out := ask_where(self, entry.path.name, way):
            self.message.tell(f"Writing {out.name}…")
            self.files.export(entry.path, way, out)

    def bring(self, packed: Path) -> None:
        """Bring in a run from a zip."""
        self.message.tell(f"Reading {packed.name}…")
        self.files.bring(packed, self.model.library.folder)

    def _on_arrived(self, folder: Path) -> None:
        self._expected = [folder]
        self.look()
        begun = {entry.path: entry.begun for entry in self.model.entries}
        same_names = [path for path in begun if path != folder and begun[path] == begun.get(folder)]
        known = (
            " You have it already: that one and this began in the same moment."
            if same_names
            else ""
        )
        self.message.tell(f"{folder.name} is here.{known}")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Welcome a zip."""
        if dropped_zip(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Bring in the run that was dropped."""
        if path := dropped_zip(event):
            event.acceptProposedAction()
            self.bring(path)

    def abandon(self) -> None:
        """Listen no more: the window closes."""
        self._timer.stop()
        self.files.abandon()
