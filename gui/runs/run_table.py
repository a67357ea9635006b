"""The table of runs: sorted by a click on a title, several rows chosen, names written in place."""

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QTableView

from core.paths import COMMAND
from core.runs.library import Entry
from gui import theme
from gui.runs.run_cell import RunCell, RunHeader
from gui.runs.run_model import (
    LOSS,
    NAME,
    NOTE,
    STAR,
    STATE,
    STEPS,
    SUBJECT,
    VERDICT,
    WHEN,
    Index,
    RunFilter,
)
from gui.widgets.table_cells import HEAD

WIDTHS = {STAR: 34, SUBJECT: 150, WHEN: 118, STATE: 138, STEPS: 78, LOSS: 116, VERDICT: 178}
NARROW = {STAR: 34, SUBJECT: 120, WHEN: 98, STATE: 118, STEPS: 72, LOSS: 112, VERDICT: 112}
VERDICT_WHOLE, NOTE_EMPTY = 270, 64
"""Pixels of the longest verdict, and of the title of a column without a note."""
WIDE = 1150  # pixels, from which on the columns have air
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
SOON = 40  # milliseconds that a choice rests before it is read: arrow keys run past many
EMPTY = (
    f"No run yet. Press Train on a page, or type '{COMMAND} train names' in a terminal:\n"
    "every training is kept here as it goes. A run from another machine comes in as a zip."
)
NONE_SHOWN = "No run has these words; take some away, or look at all playgrounds."


class RunTable(QTableView):
    """Shows the runs that pass the filter, and tells which are chosen."""

    chosen = Signal(object)
    """Other rows are chosen, or a chosen run has changed: the list of them, as they are shown."""
    opened = Signal(object)
    """Enter was pressed on a run, or a cell was double-clicked that can't be written in."""
    deleted = Signal(object)
    """The Delete key was pressed: the list of the chosen runs."""

    def __init__(self, runs: RunFilter) -> None:
        super().__init__()
        self.runs = runs
        self.setObjectName("runTable")
        self.setAccessibleName("Runs")
        self.setModel(runs)
        self.setHorizontalHeader(RunHeader())
        self.cells = RunCell(runs, self)
        self.setItemDelegate(self.cells)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(HEAD)
        self.setFrameShape(self.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSortingEnabled(True)
        self.sortByColumn(WHEN, Qt.SortOrder.AscendingOrder)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.EditKeyPressed | triggers.DoubleClicked)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SOON)
        self._soon.timeout.connect(lambda: self.chosen.emit(self.entries()))
        self.doubleClicked.connect(self._open)
        self.selectionModel().selectionChanged.connect(lambda: self._soon.start())
        # Its frame goes around the whole row, of which Qt paints only the cell anew.
        self.selectionModel().currentRowChanged.connect(lambda: self.viewport().update())
        runs.dataChanged.connect(lambda: self._soon.start())
        for changed in (runs.dataChanged, runs.rowsInserted, runs.rowsRemoved):
            changed.connect(self._share_out)

    def entries(self) -> list[Entry]:
        """Return the chosen runs, in the order in which they are shown."""
        return self.runs.chosen(self.selectionModel().selectedRows())

    def choose(self, rows: list[int]) -> None:
        """Choose these rows, and no others."""
        flags = QItemSelectionModel.SelectionFlag
        selection = QItemSelection()
        for row in rows:
            selection.select(self.runs.index(row, 0), self.runs.index(row, 0))
        self.selectionModel().select(selection, flags.ClearAndSelect | flags.Rows)
        if rows:
            current = self.runs.index(rows[0], NAME)
            self.selectionModel().setCurrentIndex(current, flags.NoUpdate)
            self.scrollTo(current)

    def _open(self, index: Index) -> None:
        if index.column() not in (STAR, NAME, NOTE):
            self.opened.emit(self.runs.entry(index.row()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open with Enter, delete with Delete, star with S; everything else is Qt's."""
        editing = self.state() == self.State.EditingState
        row = self.currentIndex().row()
        if editing or row < 0:
            super().keyPressEvent(event)
        elif event.key() in ENTER:
            self.opened.emit(self.runs.entry(row))
        elif event.key() == Qt.Key.Key_Delete:
            self.deleted.emit(self.entries())
        elif event.key() == Qt.Key.Key_S and not event.modifiers():
            self.cells.toggle_star(row)
        else:
            super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Tell nothing while nobody looks; whoever shows it asks."""
        super().hideEvent(event)
        self._soon.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share out the new width."""
        super().resizeEvent(event)
        self._share_out()

    def _share_out(self) -> None:
        """Give what the numbers leave to name and note; without a note, the verdict is whole."""
        widths = dict(WIDTHS if self.width() >= WIDE else NARROW)
        rest = self.viewport().width() - sum(widths.values())
        name, note = rest * 3 // 5, rest - rest * 3 // 5
        if not any(entry.card.note for entry in self.runs.runs.entries):
            spare = max(0, min(note - NOTE_EMPTY, VERDICT_WHOLE - widths[VERDICT]))
            widths[VERDICT] += spare
            note -= spare
        for column, width in (widths | {NAME: name, NOTE: note}).items():
            self.setColumnWidth(column, width)

    def sizeHint(self) -> QSize:
        """Ask for some rows."""
        return QSize(900, 8 * HEAD)

    def minimumSizeHint(self) -> QSize:
        """Show a few rows at least."""
        return QSize(600, 3 * HEAD)

    def changeEvent(self, event: QEvent) -> None:
        """Paint the head, too, in the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.horizontalHeader().viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows; where there are none, say what to do."""
        super().paintEvent(event)
        painter, now = QPainter(self.viewport()), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.runs.rowCount():
            painter.setPen(now.colour("muted"))
            words = NONE_SHOWN if self.runs.runs.entries else EMPTY
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, words)
        elif self.hasFocus() and self.currentIndex().isValid():
            cell = self.visualRect(self.currentIndex())
            row = cell.adjusted(-cell.left() + 1, 1, self.viewport().width() - cell.right() - 2, -1)
            painter.setPen(now.colour("activation"))
            painter.drawRoundedRect(row, 6, 6)
