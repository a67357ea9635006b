"""Any card as a picture: the menu of the right mouse button, where a card has none of its own."""

import re

from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QMenu, QMessageBox, QToolTip, QWidget

from gui.widgets.card import Card
from gui.widgets.picture_file import KINDS, PICTURE, ask_and_save


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
