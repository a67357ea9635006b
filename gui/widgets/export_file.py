"""Any chart, table or report as a file: PNG, SVG with sharp lines and letters, CSV, Markdown, text.

What has numbers says so by a method ``csv_rows``, and by ``is_table`` if a person reads them as a
table; what has words by the methods ``export_text`` and ``export_markdown``.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QBuffer, QIODevice, QPoint, QRect, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QPainter, QPixmap
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QGraphicsView,
    QMenu,
    QMessageBox,
    QTableView,
    QToolTip,
    QWidget,
)

from core import markdown
from core.errors import UserError
from core.files import write_whole
from gui import theme
from gui.rich_text import rich
from gui.widgets.card import Card

KINDS = {
    "png": "PNG, pixels, twice as fine as the screen",
    "svg": "SVG, sharp at any size",
    "csv": "CSV, the values as a table",
    "md": "Markdown, for notes, issues and web pages",
    "txt": "Text, what the report says",
}
NAMES = {"md": "Markdown", "txt": "text"}
"""What a kind is called where that is not its suffix."""
PICTURE = "picture"
"""The property of a widget that is a picture, though no card: its title."""
FINE = 2  # pixels of a PNG for one of the screen
NOTHING = "Nothing here can be exported; click a chart, a table or a report first."

Tell = Callable[[str, str], None]


@runtime_checkable
class _HasRows(Protocol):
    def csv_rows(self) -> list[list[object]]:
        """Return what is shown as rows, the first of which has the titles; [] for nothing."""


@runtime_checkable
class _HasText(Protocol):
    def export_text(self) -> str:
        """Return what is shown as plain text; "" for nothing."""

    def export_markdown(self) -> str:
        """Return the same as Markdown; "" for nothing."""


def kinds_of(widget: QWidget) -> list[str]:
    """Return the kinds of file that a widget can be written as now."""
    kinds = ["png", "svg"]
    if _rows(widget):
        kinds.append("csv")
    if _markdown(widget):
        kinds.append("md")
    if _text(widget):
        kinds.append("txt")
    return kinds


def save_file(widget: QWidget, path: Path) -> None:
    """Write what a widget shows, as the path's suffix says; whole or not at all.

    Raises:
        UserError: the widget can't be written as such a file, or not there.
    """
    kind = path.suffix.lower().removeprefix(".")
    kinds = kinds_of(widget)
    if kind not in kinds:
        endings = " or ".join(f".{known}" for known in kinds)
        raise UserError(f"{path.name} can't be written as that; end the name in {endings}.")
    if kind == "csv":
        table = io.StringIO()
        csv.writer(table, lineterminator="\n").writerows(_rows(widget))
        write_whole(path, table.getvalue().encode())
    elif kind == "md":
        write_whole(path, f"{_markdown(widget)}\n".encode())
    elif kind == "txt":
        write_whole(path, f"{_text(widget)}\n".encode())
    else:
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        draw = _draw_png if kind == "png" else _draw_svg
        draw(widget, buffer)
        write_whole(path, bytes(buffer.data().data()))


def _draw_png(widget: QWidget, out: QBuffer) -> None:
    picture = QPixmap(widget.size() * FINE)
    picture.setDevicePixelRatio(FINE)
    painter = QPainter(picture)
    _draw(widget, painter)
    picture.save(out, "PNG")


def _draw_svg(widget: QWidget, out: QBuffer) -> None:
    drawing = QSvgGenerator()
    drawing.setOutputDevice(out)
    drawing.setSize(widget.size())
    drawing.setViewBox(QRect(QPoint(0, 0), widget.size()))
    drawing.setTitle(widget.accessibleName() or "Glassbox")
    _draw(widget, QPainter(drawing))


def _draw(widget: QWidget, painter: QPainter) -> None:
    painter.fillRect(widget.rect(), theme.current().colour("surface"))
    for view in widget.findChildren(QGraphicsView):
        view.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)  # its ground would be pixels
    widget.render(painter, QPoint(0, 0))
    painter.end()


def _rows(widget: QWidget) -> Sequence[Sequence[object]]:
    """Return the rows of a widget, or of the first one in it that has any."""
    for each in (widget, *_seen_in(widget)):
        if isinstance(each, _HasRows) and (rows := each.csv_rows()):
            return rows
        if isinstance(each, QTableView):
            return _cells(each)
    return []


def _cells(view: QTableView) -> list[list[object]]:
    model = view.model()
    columns = range(model.columnCount())
    head: list[object] = [
        model.headerData(column, Qt.Orientation.Horizontal) or "" for column in columns
    ]
    rows = range(model.rowCount())
    return [head, *([model.index(row, column).data() for column in columns] for row in rows)]


def _markdown(widget: QWidget) -> str:
    """Return the report that a widget stands in, or else the first table in it, as Markdown."""
    if (reports := _report(widget)) is not None:
        return reports.export_markdown()
    for each in (widget, *_seen_in(widget)):
        if isinstance(each, QTableView):
            return markdown.table(_cells(each))
        if getattr(each, "is_table", False) and (rows := _rows(each)):
            return markdown.table(rows)
    return ""


def _text(widget: QWidget) -> str:
    reports = _report(widget)
    return reports.export_text() if reports is not None else ""


def _report(widget: QWidget) -> _HasText | None:
    """Return a widget that has text, or else the nearest one around it."""
    around: QWidget | None = widget
    while around is not None:
        if isinstance(around, _HasText):
            return around
        around = around.parentWidget()
    return None


def _seen_in(widget: QWidget) -> list[QWidget]:
    return [each for each in widget.findChildren(QWidget) if each.isVisibleTo(widget)]


def ask_and_save(widget: QWidget, name: str, kind: str, tell: Tell) -> None:
    """Ask where a file goes, and write it.

    Args:
        widget: what is written.
        name: what the file is called if nobody says otherwise.
        kind: one of `KINDS`.
        tell: is handed a sentence and its role: that it was written, or why it can't be.
    """
    path = ask_path(widget, "Export", name, kind)
    if path is None:
        return
    try:
        save_file(widget, path)
    except UserError as error:
        tell(str(error), "fault")
    else:
        tell(f"Exported to {path}.", "muted")


def ask_path(widget: QWidget, title: str, name: str, kind: str) -> Path | None:
    """Ask where a file of a kind goes; None where that was cancelled.

    Args:
        widget: what is written.
        title: of the question.
        name: what the file is called if nobody says otherwise.
        kind: its suffix, without the dot.
    """
    dialog = QFileDialog(widget, title, f"{name}.{kind}", f"{kind.upper()} (*.{kind})")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(kind)  # before it asks whether to overwrite
    return Path(dialog.selectedFiles()[0]) if dialog.exec() else None


def offer_files(
    widget: QWidget, name: str, tell: Tell, whole: QWidget | None = None
) -> list[QAction]:
    """Offer a widget's files in its context menu; return what can be chosen there.

    Args:
        widget: what is pointed at.
        name: what the file is called if nobody says otherwise.
        tell: as :func:`ask_and_save`.
        whole: what is written, if that is more than what is pointed at: a card with its title.
    """
    actions, written = [], whole or widget
    numbers = isinstance(widget, _HasRows)
    for kind in ("png", "svg", "csv") if numbers else ("png", "svg"):
        action = _action(written, name, kind, tell, f"save_{kind}_{name}")
        action.setParent(widget)
        widget.addAction(action)
        actions.append(action)
    widget.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
    return actions


def _action(widget: QWidget, name: str, kind: str, tell: Tell, object_name: str) -> QAction:
    action = QAction(f"Save as {NAMES.get(kind, kind.upper())}…")
    action.setObjectName(object_name)
    action.setToolTip(KINDS[kind])
    action.triggered.connect(lambda: ask_and_save(widget, name, kind, tell))
    return action


def offer_at_mouse(window: QWidget, event: QContextMenuEvent) -> None:
    """Offer the card under the mouse as a file; nothing, where there is none with a title."""
    card = _titled(window.childAt(event.pos()))
    if card is not None:
        _offer(window, card, event.globalPos())


def offer_at_focus(window: QWidget) -> str:
    """Offer the card that has the focus as a file; return why not, "" if that was done."""
    focused = QApplication.focusWidget()
    card = _titled(focused)
    if card is None or focused is None or focused.window() is not window:
        return NOTHING
    _offer(window, card, card.mapToGlobal(QPoint(theme.MARGIN, theme.MARGIN)))
    return ""


def _offer(window: QWidget, card: QWidget, place: QPoint) -> None:
    name = "-".join(re.findall(r"[a-z0-9]+", _title(card).lower()))

    def tell(sentence: str, role: str) -> None:
        if role == "fault":
            QMessageBox.warning(card, "Export", rich(sentence))
        else:
            QToolTip.showText(place, rich(sentence), card)

    menu = QMenu(window)
    menu.setObjectName("exportCardMenu")
    menu.aboutToHide.connect(menu.deleteLater)
    for kind in kinds_of(card):
        action = _action(card, name, kind, tell, f"exportCard_{kind}")
        action.setParent(menu)
        menu.addAction(action)
    menu.popup(place)
    menu.setActiveAction(menu.actions()[0])  # so that Enter is enough


def _titled(widget: QWidget | None) -> QWidget | None:
    """Return the innermost card with a title around a widget, or picture that is no card."""
    while widget is not None and not _title(widget):
        widget = widget.parentWidget()
    return widget


def _title(widget: QWidget) -> str:
    return widget.title.text() if isinstance(widget, Card) else str(widget.property(PICTURE) or "")
