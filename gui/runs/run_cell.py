"""How the table of runs is painted: a quiet head with the order's arrow, and cells of text."""

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QMouseEvent, QPainter, QPolygonF
from PySide6.QtWidgets import (
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from core.runs.library import Entry
from gui import theme
from gui.rich_text import rich
from gui.runs.run_model import COLUMNS, NAME, NOTE, STAR, STATE, VERDICT, Index, RunFilter
from gui.runs.run_text import STATE_ROLES, progress
from gui.widgets.status_icon import VERDICT_ROLES
from gui.widgets.table_cells import HEAD, LEFT, PAD, RIGHT, Header, elided, paint_ground

SIGN = 14  # pixels of a small icon


class RunHeader(Header):
    """A head whose titles are clicked to sort; an arrow stands where it is sorted by."""

    def __init__(self) -> None:
        super().__init__()
        self.setSectionsClickable(True)
        self.setSortIndicatorShown(True)
        self.setMouseTracking(True)

    def paint_title(self, painter: QPainter, rect: QRect, column: int) -> None:
        """Paint a title, and the arrow behind it."""
        about, room = COLUMNS[column], rect.adjusted(PAD, 0, -PAD, 0)
        sorted_by = column == self.sortIndicatorSection()
        if sorted_by:
            painter.setPen(theme.current().colour("text"))
        painter.drawText(room, RIGHT if about.numeric else LEFT, about.title)
        if sorted_by:
            wide = painter.fontMetrics().horizontalAdvance(about.title)
            x = room.right() - wide - 9 if about.numeric else room.left() + wide + 9
            self._arrow(painter, QPointF(x, rect.center().y() + 0.5))

    def _arrow(self, painter: QPainter, at: QPointF) -> None:
        up = -1 if self.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder else 1
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().colour("text"))
        corners = [QPointF(-3.5, -2 * up), QPointF(3.5, -2 * up), QPointF(0, 2.5 * up)]
        painter.drawPolygon(QPolygonF([at + corner for corner in corners]))


class RunCell(QStyledItemDelegate):
    """Paints a cell; the star is clicked, names and notes are written in place."""

    def __init__(self, runs: RunFilter, table: QTableView) -> None:
        super().__init__(table)
        self._runs, self._table = runs, table

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the ground, and what the column has to tell."""
        entry, column = self._runs.entry(index.row()), index.column()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_ground(painter, option)
        rect = option.rect.adjusted(PAD, 0, -PAD, 0)
        if column == STAR:
            name, role = ("star", "text") if entry.card.star else ("unstarred", "faint")
            middle = option.rect.center()
            place = QRect(middle.x() - 7, middle.y() - 7, 15, 15)
            theme.icon(name, role).paint(painter, place)
        else:
            self._words(painter, rect, entry, column, COLUMNS[column].text(entry))
        painter.restore()

    def _words(self, painter: QPainter, rect: QRect, entry: Entry, column: int, text: str) -> None:
        now, role = theme.current(), "text" if column == NAME else "muted"
        if column == STATE:
            role = STATE_ROLES.get(entry.state, "muted")
            if entry.state == "running":
                rect = self._bar(painter, rect, progress(entry.about))
        elif column == VERDICT and text:
            place = QRect(rect.left(), rect.center().y() - SIGN // 2, SIGN, SIGN)
            role = VERDICT_ROLES[entry.verdict]
            theme.icon(f"verdict-{entry.verdict}", role).paint(painter, place)
            rect, role = rect.adjusted(SIGN + 6, 0, 0, 0), "muted"
        elif COLUMNS[column].numeric:
            role = "text"
        weight = QFont.Weight.Medium if column == NAME else QFont.Weight.Normal
        painter.setFont(theme.font(13 if column == NAME else 12, weight))
        painter.setPen(now.colour(role))
        short = elided(painter.fontMetrics(), text, rect.width())
        painter.drawText(rect, RIGHT if COLUMNS[column].numeric else LEFT, short)

    @staticmethod
    def _bar(painter: QPainter, rect: QRect, share: float) -> QRect:
        """Paint how much is done beside the word; return what is left of the room."""
        if share != share:
            return rect
        now = theme.current()
        groove = QRectF(rect.right() - 46, rect.center().y() - 2, 46, 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.colour("border"))
        painter.drawRoundedRect(groove, 2.5, 2.5)
        groove.setWidth(max(5.0, groove.width() * share))
        painter.setBrush(now.colour("text"))
        painter.drawRoundedRect(groove, 2.5, 2.5)
        return rect.adjusted(0, 0, -52, 0)

    def editorEvent(
        self, event: QEvent, model: object, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """Star or unstar by a click."""
        if (
            index.column() == STAR
            and event.type() == QEvent.Type.MouseButtonRelease
            and isinstance(event, QMouseEvent)
            and event.button() == Qt.MouseButton.LeftButton
        ):
            self.toggle_star(index.row())
            return True
        return False

    def toggle_star(self, row: int) -> None:
        """Star a run, or take its star away."""
        source = self._runs.mapToSource(self._runs.index(row, 0)).row()
        self._runs.runs.describe(source, star=not self._runs.entry(row).card.star)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """Return a line to write a name or a note in."""
        line = QLineEdit(parent)
        line.setObjectName("runName" if index.column() == NAME else "runNote")
        line.setAccessibleName("Name of the run" if index.column() == NAME else "Note on the run")
        line.setProperty("role", "cell")
        line.setMaxLength(100 if index.column() == NAME else 4000)
        kinds = {NAME: "Enter keeps it, Esc leaves it as it was.", NOTE: "Enter keeps it."}
        line.setToolTip(rich(kinds[index.column()]))
        return line

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Show what is kept; what is being typed stays, though the run goes on."""
        if isinstance(editor, QLineEdit) and not editor.isModified():
            editor.setText(str(index.data(Qt.ItemDataRole.EditRole)))

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> None:
        """Put the line over the cell."""
        editor.setGeometry(option.rect)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are of one height."""
        return QSize(60, HEAD)
