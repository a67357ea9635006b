"""Any widget as a picture file: PNG, or SVG whose lines and letters stay sharp at any size."""

import re
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QPoint, QRect, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QPainter, QPixmap
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import (
    QFileDialog,
    QGraphicsView,
    QMenu,
    QMessageBox,
    QToolTip,
    QWidget,
)

from core.errors import UserError
from core.files import write_whole
from gui import theme
from gui.widgets.card import Card

KINDS = {"png": "PNG, pixels, twice as fine as the screen", "svg": "SVG, sharp at any size"}
PICTURE = "picture"
"""The property of a widget that is a picture, though no card: its title."""
FINE = 2  # pixels of a PNG for one of the screen


def save_picture(widget: QWidget, path: Path) -> None:
    """Write what a widget shows, as the path's suffix says; whole or not at all.

    Raises:
        UserError: it has another suffix than .png or .svg, or can't be written there.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise UserError(f"{path.name} is no kind of picture; end the name in .png or .svg.")
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if kind == "png":
        _draw_png(widget, buffer)
    else:
        _draw_svg(widget, buffer)
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


def ask_and_save(widget: QWidget, name: str, kind: str, tell: Callable[[str, str], None]) -> None:
    """Ask where a picture goes, and write it.

    Args:
        widget: what is drawn.
        name: what the file is called if nobody says otherwise.
        kind: png or svg.
        tell: is handed a sentence and its role: that it was written, or why it can't be.
    """
    dialog = QFileDialog(widget, "Save the picture", f"{name}.{kind}", f"{kind.upper()} (*.{kind})")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(kind)  # before it asks whether to overwrite
    if not dialog.exec():
        return
    path = Path(dialog.selectedFiles()[0])
    try:
        save_picture(widget, path)
    except UserError as error:
        tell(str(error), "fault")
    else:
        tell(f"The picture is {path}.", "muted")


def offer_pictures(
    widget: QWidget, name: str, tell: Callable[[str, str], None], whole: QWidget | None = None
) -> list[QAction]:
    """Offer a widget's picture in its context menu; return what can be chosen there.

    Args:
        widget: what is pointed at.
        name: what the file is called if nobody says otherwise.
        tell: as :func:`ask_and_save`.
        whole: what is drawn, if that is more than what is pointed at: a card with its title.
    """
    actions, drawn = [], whole or widget
    for kind, about in KINDS.items():
        action = QAction(f"Save as {kind.upper()}…", widget)
        action.setObjectName(f"save_{kind}_{name}")
        action.setToolTip(about)
        action.triggered.connect(
            lambda checked=False, kind=kind: ask_and_save(drawn, name, kind, tell)
        )
        widget.addAction(action)
        actions.append(action)
    widget.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
    return actions


def offer_picture(window: QWidget, event: QContextMenuEvent) -> None:
    """Offer the card under the mouse as a picture; nothing, where there is none with a title."""
    card = _picture_at(window, event.pos())
    if card is None:
        return
    place = event.globalPos()  # the event is gone when something is chosen
    name = "-".join(re.findall(r"[a-z0-9]+", _title(card).lower()))

    def tell(sentence: str, role: str) -> None:
        if role == "fault":
            QMessageBox.warning(window, "The picture", sentence)
        else:
            QToolTip.showText(place, sentence, card)

    menu = QMenu(window)
    menu.setObjectName("pictureMenu")
    menu.aboutToHide.connect(menu.deleteLater)
    for kind in KINDS:
        save = menu.addAction(f"Save as {kind.upper()}…")
        save.setObjectName(f"savePicture_{kind}")
        save.triggered.connect(
            lambda checked=False, kind=kind: ask_and_save(card, name, kind, tell)
        )
    menu.popup(place)


def _picture_at(window: QWidget, place: QPoint) -> QWidget | None:
    """Return the innermost card with a title at a place, or picture that is no card."""
    widget = window.childAt(place)
    while widget is not None and not _title(widget):
        widget = widget.parentWidget()
    return widget


def _title(widget: QWidget) -> str:
    return widget.title.text() if isinstance(widget, Card) else str(widget.property(PICTURE) or "")
