"""What can be done in the window, found where it stands.

Nothing is registered twice: a command is a QAction of the window or of the page that is seen, a
button that can be seen on that page, a tab, or a QShortcut that says by its ``whatsThis`` what it
does. The command palette and the list of shortcuts are both made from this.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QLineEdit,
    QPushButton,
    QTabBar,
    QTabWidget,
    QWidget,
)

from gui.widgets.card import Card
from gui.widgets.glossary import plain_text

PROGRAM = "Glassbox"
"""The place of what can be done on every page."""


@dataclass(frozen=True)
class WindowCommand:
    """Something that a person can do.

    Attributes:
        title: what it does, in a few words.
        place: the card, the page or the program that it belongs to.
        keys: its shortcut as this system writes it; "" for none.
        about: more about it, in plain text.
        do: does it; without an effect while it is not possible.
        possible: whether it can be done now.
    """

    title: str
    place: str
    keys: str
    about: str
    do: Callable[[], object]
    possible: Callable[[], bool]


def commands_of(window: QWidget, page: QWidget, title: str) -> list[WindowCommand]:
    """Return what can be done on a page, by a key first; then what can be done everywhere.

    Args:
        window: the program's window.
        page: the page that is seen.
        title: of that page.
    """
    focus = QApplication.focusWidget()
    here = [*_of_actions(page, title), *_of_buttons(page, title), *_of_tabs(page, title)]
    everywhere = []
    for shortcut in window.findChildren(QShortcut):
        owner = shortcut.parent()
        if not shortcut.whatsThis() or not isinstance(owner, QWidget):
            continue
        if page is owner or (page.isAncestorOf(owner) and owner.isVisible()):
            here.append(_of_shortcut(shortcut, owner, _place(owner, page, title), focus))
        elif owner is window:
            everywhere.append(_of_shortcut(shortcut, owner, PROGRAM, focus))
    here.sort(key=lambda command: not command.keys)
    return [*here, *everywhere, *_of_actions(window, PROGRAM)]


def _of_actions(widget: QWidget, place: str) -> Iterator[WindowCommand]:
    for action in widget.actions():
        if action.text() and action.isVisible():
            yield _of_action(action, place)


def _of_action(action: QAction, place: str, before: str = "") -> WindowCommand:
    title, about = plain_text(action.text()), plain_text(action.toolTip())
    keys = _written(action.shortcut())
    return WindowCommand(before + title, place, keys, about, action.trigger, action.isEnabled)


def _of_buttons(page: QWidget, title: str) -> Iterator[WindowCommand]:
    for button in page.findChildren(QAbstractButton):
        if not button.isVisible() or isinstance(button.parent(), QLineEdit | QTabBar):
            continue
        place, name = _place(button, page, title), _name(button)
        menu = button.menu() if isinstance(button, QPushButton) else None
        if menu is not None:
            for action in menu.actions():
                yield _of_action(action, place, f"{name.rstrip('…')}: ")
        elif name:
            keys, about = _written(button.shortcut()), plain_text(button.toolTip())
            yield WindowCommand(name, place, keys, about, button.click, button.isEnabled)


def _of_tabs(page: QWidget, title: str) -> Iterator[WindowCommand]:
    for tabs in page.findChildren(QTabWidget):
        if not tabs.isVisible():
            continue
        place = _place(tabs, page, title)
        for index in range(tabs.count()):
            about = plain_text(tabs.tabToolTip(index))
            turn, possible = partial(tabs.setCurrentIndex, index), partial(_hides, tabs, index)
            yield WindowCommand(f"Show {tabs.tabText(index)}", place, "", about, turn, possible)


def _hides(tabs: QTabWidget, index: int) -> bool:
    return tabs.isTabEnabled(index) and tabs.currentIndex() != index


def _of_shortcut(
    shortcut: QShortcut, owner: QWidget, place: str, focus: QWidget | None
) -> WindowCommand:
    inside = focus is not None and (focus is owner or owner.isAncestorOf(focus))
    local = shortcut.context() == Qt.ShortcutContext.WidgetWithChildrenShortcut
    return WindowCommand(
        shortcut.whatsThis(),
        place,
        ", ".join(map(_written, shortcut.keys())),
        f"Works while the focus is in {place}." if local else "",
        shortcut.activated.emit,
        lambda: shortcut.isEnabled() and (inside or not local),
    )


def _written(keys: QKeySequence) -> str:
    return keys.toString(QKeySequence.SequenceFormat.NativeText)


def _name(button: QAbstractButton) -> str:
    """Return what a button is called: a picture has no text, and a check box a short one."""
    texts = [button.text(), button.accessibleName()]
    if isinstance(button, QCheckBox):
        texts.reverse()
    return plain_text(next(filter(None, texts), "")).strip()


def _place(widget: QWidget, page: QWidget, title: str) -> str:
    """Return the title of the card that a widget is or stands in, or else of the page."""
    each: QWidget | None = widget
    while each is not None and each is not page:
        if isinstance(each, Card) and each.title.text():
            return each.title.text()
        each = each.parentWidget()
    return title
