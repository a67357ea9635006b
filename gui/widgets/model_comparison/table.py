"""The comparison as a table: a row a model, what it reached, and what the lecture reached."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

from core.model_comparison import ComparedModel, Measure, Result
from gui import theme
from gui.rich_text import rich
from gui.widgets.model_comparison.text import columns, span, told, told_by_lecture
from gui.widgets.table_cells import HEAD, RIGHT, Cell, Header, Look

WIDE = 560  # pixels; from there on a row has room for its idea
LOW_ROW, HIGH_ROW = 28, 37
MODEL, PARAMETERS, TRAIN, JUDGED, TIME, REFERENCE = range(6)
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ComparisonTable(QTableWidget):
    """All rows seen at once; one that has a result can be chosen."""

    chosen = Signal(str)
    """A model with a result was double-clicked, or Enter pressed on it."""

    def __init__(self, models: Sequence[ComparedModel], measure: Measure) -> None:
        self.columns, self.measure = columns(measure), measure
        super().__init__(len(models), len(self.columns))
        self.models = tuple(models)
        self.results: dict[str, Result] = {}
        self.running: str | None = None
        self._comparable = True
        self._best: str | None = None
        self.setObjectName("ladderTable")
        self.setAccessibleName("Model comparison: what each model reached")
        self.setToolTip(rich(measure.about))
        self.setHorizontalHeader(Header())
        self.setItemDelegate(Cell(self.look, self))
        self.verticalHeader().hide()
        self.setFrameShape(self.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.cellDoubleClicked.connect(lambda row, column: self._choose(row))
        for column, about in enumerate(self.columns):
            head = QTableWidgetItem(about.title)
            head.setToolTip(rich(about.help))
            self.setHorizontalHeaderItem(column, head)
            for row in range(len(self.models)):
                item = QTableWidgetItem()
                if column != MODEL:
                    item.setTextAlignment(RIGHT)
                self.setItem(row, column, item)
        for row in range(len(self.models)):
            self._fill(row)
        self._arrange()

    def show_result(self, model: str, result: Result) -> None:
        """Show what a model reached."""
        self.results[model] = result
        self._fill(self.row_of(model))
        whole = {m: r.judged for m, r in self.results.items() if math.isfinite(r.judged)}
        self._best = min(whole, key=whole.__getitem__, default=None)
        self.viewport().update()  # the star may have gone to another row

    def clear_results(self) -> None:
        """Forget all results."""
        self.results.clear()
        self._best = None
        for row in range(len(self.models)):
            self._fill(row)
        self.viewport().update()

    def set_running(self, model: str | None) -> None:
        """Mark the row that trains now, or none."""
        if model == self.running:
            return
        before, self.running = self.running, model
        for changed in (before, model):
            if changed is not None:
                self._fill(self.row_of(changed))
        self.viewport().update()

    def set_comparable(self, comparable: bool) -> None:
        """Say whether the lecture's column is about the same data."""
        self._comparable = comparable
        self.viewport().update()

    @property
    def best(self) -> str | None:
        """The model that is best so far."""
        return self._best

    def row_of(self, model: str) -> int:
        """Return a model's row; a model that isn't compared is an error."""
        return [compared.model for compared in self.models].index(model)

    def look(self, row: int, column: int) -> Look:
        """Return how a cell is painted."""
        compared = self.models[row]
        best, runs = compared.model == self._best, compared.model == self.running
        if column == MODEL:
            below = compared.idea if self.width() >= WIDE else ""
            return Look(bold=best or runs, below=below, runs=runs)
        if column == JUDGED:
            return Look(bold=best, star=best)
        if column == REFERENCE:
            counts = self._comparable and compared.lecture is not None
            return Look("text" if counts else "faint")
        return Look("text" if column == TRAIN else "muted")

    def row_rect(self, row: int) -> QRectF:
        """Return where a row is, in the viewport."""
        high = self.rowHeight(row)
        return QRectF(0, self.rowViewportPosition(row), self.viewport().width(), high)

    def _fill(self, row: int) -> None:
        compared = self.models[row]
        result, write = self.results.get(compared.model), self.measure.text
        texts = [
            compared.model,
            "",
            "",
            "",
            "",
            "–" if compared.lecture is None else write(compared.lecture),
        ]
        if result:
            texts[PARAMETERS] = f"{result.parameters:,}"
            texts[TRAIN], texts[JUDGED] = write(result.train), write(result.judged)
            texts[TIME] = span(result.seconds)
        words = [told(compared, result, self.measure)] * REFERENCE
        words.append(told_by_lecture(compared, self.measure))
        for column, (text, help) in enumerate(zip(texts, words, strict=True)):
            item = self._cell(row, column)
            item.setText(text)
            item.setToolTip(rich(help))
        runs = ", trains now" if compared.model == self.running else ""
        spoken = f"{compared.model}{runs}: {compared.idea}"
        self._cell(row, MODEL).setData(Qt.ItemDataRole.AccessibleTextRole, spoken)

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
        item = self.item(row, column)
        assert item is not None
        return item

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self.models) and self.models[row].model in self.results:
            self.chosen.emit(self.models[row].model)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose with Enter; everything else is Qt's."""
        if event.key() in ENTER:
            self._choose(self.currentRow())
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Begin at the first row."""
        super().focusInEvent(event)
        if not self.selectedIndexes():
            self.selectRow(max(0, self.currentRow()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share out the new width."""
        super().resizeEvent(event)
        self._arrange()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows, and a frame around the one that the keys are on."""
        super().paintEvent(event)
        if self.hasFocus() and self.currentRow() >= 0:
            painter = QPainter(self.viewport())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.current().colour("activation"), 1.5))
            painter.drawRoundedRect(self.row_rect(self.currentRow()).adjusted(1, 1, -1, -1), 6, 6)

    def _arrange(self) -> None:
        rest = self.width()
        wide = rest >= WIDE
        extra = min(30, max(0, rest - 660) // 5)  # ideas first, then air
        high = HIGH_ROW if wide else LOW_ROW
        for column, about in enumerate(self.columns):
            title = about.title if wide else about.short
            head = self.horizontalHeaderItem(column)
            if head is not None and head.text() != title:
                head.setText(title)
            if column != MODEL:
                needed = about.width + extra if wide else about.narrow
                needed = max(needed, Header.width_of(title))
                self.setColumnWidth(column, needed)
                rest -= needed
        self.setColumnWidth(MODEL, max(80, rest))
        for row in range(len(self.models)):
            self.setRowHeight(row, high)
        self.setFixedHeight(HEAD + len(self.models) * high)
