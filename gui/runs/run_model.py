"""The runs as rows of a table, and what of them is shown."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)

from core.doctor.diagnosis import VERDICTS
from core.errors import UserError
from core.runs.library import Entry, Library
from gui.rich_text import rich
from gui.runs import run_text as words

Index = QModelIndex | QPersistentModelIndex
STAR, NAME, SUBJECT, WHEN, STATE, STEPS, LOSS, VERDICT, NOTE = range(9)
ROOT = QModelIndex()


@dataclass(frozen=True)
class RunColumn:
    """A column: its title, what it teaches, its text and what it is sorted by."""

    title: str
    help: str
    text: Callable[[Entry], str]
    key: Callable[[Entry], Any]
    numeric: bool = False


def _loss(entry: Entry) -> str:
    """Return a loss; one that is not what the title says, with what it is."""
    if not math.isfinite(entry.loss):
        return "–"
    return f"{entry.loss:.4f}" + ("" if entry.validated else " training")


def _loss_key(entry: Entry) -> tuple[bool, float]:
    """Return what losses are sorted by: those on validation data first, for they compare."""
    return (not entry.validated, entry.loss) if math.isfinite(entry.loss) else (True, math.inf)


COLUMNS = (
    RunColumn("", "The ones that you starred.", lambda e: "", lambda e: not e.card.star),
    RunColumn(
        "Name",
        "What it is called. F2 or a double click names it anew.",
        lambda e: e.title,
        lambda e: e.title.lower(),
    ),
    RunColumn("Model", "The playground, and its model.", words.subject, words.subject),
    RunColumn("Begun", "When it began.", lambda e: words.when(e.begun), lambda e: -e.begun),
    RunColumn(
        "State",
        "Running, finished, stopped by you, failed, or interrupted: its program ended before it"
        " did.",
        lambda e: e.state,
        lambda e: e.state,
    ),
    RunColumn("Steps", "How many updates it did.", lambda e: f"{e.step:,}", lambda e: e.step, True),
    RunColumn(
        "Validation loss",
        "The loss on validation data, or on training data where it was not judged yet: then it says"
        " “training”, and stands behind the others. Compare it only within a playground.",
        _loss,
        _loss_key,
        True,
    ),
    RunColumn(
        "Doctor",
        "What the doctor said of it.",
        lambda e: VERDICTS.get(e.verdict, "").rstrip("."),
        lambda e: e.verdict or "~",
    ),
    RunColumn(
        "Note",
        "Your own words. F2 or a double click writes them.",
        lambda e: e.card.note,
        lambda e: e.card.note.lower() or "~",
    ),
)


class RunModel(QAbstractTableModel):
    """The runs of a library, a row each; what a person writes into a row is kept in it."""

    refused = Signal(str)
    """What was written can't be kept, and why."""

    def __init__(self, library: Library, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.library = library
        self.entries: list[Entry] = []
        self._hay: dict[Path, str] = {}
        self._order = (WHEN, False)
        """By which column the rows are sorted, and whether backwards."""

    def refresh(self) -> None:
        """Look what is there now; rows that are the same stay."""
        found = {entry.path: entry for entry in self.library.entries()}
        changed = False
        for row in range(len(self.entries) - 1, -1, -1):
            if self.entries[row].path not in found:
                self.beginRemoveRows(ROOT, row, row)
                del self.entries[row]
                self.endRemoveRows()
                changed = True
        for row, old in enumerate(self.entries):
            new = found.pop(old.path)
            # By their words: a loss that is NaN does not even equal itself.
            if new is not old and repr(new) != repr(old):
                self.entries[row] = new
                self._hay.pop(new.path, None)
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))
                changed = True
        if found:
            first = len(self.entries)
            self.beginInsertRows(ROOT, first, first + len(found) - 1)
            self.entries += found.values()
            self.endInsertRows()
        if changed or found:
            self._sort()

    def hay(self, entry: Entry) -> str:
        """Return the words of a run that a search looks at."""
        if entry.path not in self._hay:
            self._hay[entry.path] = words.haystack(entry)
        return self._hay[entry.path]

    def row_of(self, path: Path) -> int:
        """Return the row of a run; -1 if it isn't there."""
        return next((i for i, entry in enumerate(self.entries) if entry.path == path), -1)

    def describe(self, row: int, **changes: Any) -> bool:
        """Keep a person's words on a run; returns whether they could be kept."""
        entry = self.entries[row]
        try:
            self.library.describe(entry, **changes)
        except UserError as error:
            self.refused.emit(str(error))
            return False
        self.refresh()
        return True

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort the rows by a column; those that are equal stay as they are, the newest first."""
        self._order = (column, order == Qt.SortOrder.DescendingOrder)
        self._sort()

    def _sort(self) -> None:
        """Bring the rows into their order: here and not in a proxy, which asks for each pair."""
        column, backwards = self._order
        newest = sorted(self.entries, key=COLUMNS[WHEN].key)
        rows = sorted(newest, key=COLUMNS[column].key, reverse=backwards)
        if [entry.path for entry in rows] == [entry.path for entry in self.entries]:
            return
        self.layoutAboutToBeChanged.emit()
        places = {entry.path: row for row, entry in enumerate(rows)}
        before = self.persistentIndexList()
        after = [
            self.index(places[self.entries[index.row()].path], index.column()) for index in before
        ]
        self.entries = rows
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    # What Qt asks.

    def rowCount(self, parent: Index = ROOT) -> int:
        """How many runs there are."""
        return 0 if parent.isValid() else len(self.entries)

    def columnCount(self, parent: Index = ROOT) -> int:
        """How much is told of each."""
        return len(COLUMNS)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Let name and note be written."""
        plain = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return plain | Qt.ItemFlag.ItemIsEditable if index.column() in (NAME, NOTE) else plain

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, or what it says of itself."""
        entry, column = self.entries[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return COLUMNS[column].text(entry)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _help(entry, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            star = "starred" if entry.card.star else "not starred"
            return star if column == STAR else COLUMNS[column].text(entry)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title, and what it teaches."""
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return COLUMNS[section].title or "Star"
        if role == Qt.ItemDataRole.ToolTipRole:
            return rich(f"{COLUMNS[section].help} Click to sort by it.")
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Keep a name or a note."""
        key = {NAME: "name", NOTE: "note"}.get(index.column())
        if key is None or role != Qt.ItemDataRole.EditRole or value == self.data(index):
            return False
        return self.describe(index.row(), **{key: str(value)})


def _help(entry: Entry, column: int) -> str:
    if column == STAR:
        return "<p>Star it, to find it again. Click, or press S.</p>"
    if column == STATE:
        return rich(words.standing(entry))
    if column == VERDICT and entry.about is not None and entry.about.diagnosis:
        return rich(str(entry.about.diagnosis.get("sentence", "")))
    return rich(COLUMNS[column].help)


class RunFilter(QSortFilterProxyModel):
    """Shows the runs that hold every word, of one playground, starred or all."""

    def __init__(self, runs: RunModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.runs = runs
        self._words: list[str] = []
        self._playground, self._starred = "", False
        self.setSourceModel(runs)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Have the runs themselves sorted."""
        self.runs.sort(column, order)

    def show_only(self, text: str, playground: str, starred: bool) -> None:
        """Show the runs that hold every word of a text; ``playground`` "" is for all of them."""
        wanted = (text.lower().split(), playground, starred)
        if wanted != (self._words, self._playground, self._starred):
            self.beginFilterChange()
            self._words, self._playground, self._starred = wanted
            self.endFilterChange(self.Direction.Rows)

    def entry(self, row: int) -> Entry:
        """Return the run of a row, as it is shown."""
        return self.runs.entries[self.mapToSource(self.index(row, 0)).row()]

    def chosen(self, rows: Sequence[Index]) -> list[Entry]:
        """Return the runs of some rows, in the order in which they are shown."""
        return [self.entry(row) for row in sorted({index.row() for index in rows})]

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        """Whether a run is shown."""
        entry = self.runs.entries[row]
        if self._playground and entry.playground != self._playground:
            return False
        if self._starred and not entry.card.star:
            return False
        return not self._words or all(word in self.runs.hay(entry) for word in self._words)
