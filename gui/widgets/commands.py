"""What can be done in the window, found where it stands.

Nothing is registered twice: a command is a QAction of the window or of a page, a button that can
be seen on a page when one turns to it, a tab, or a QShortcut that says by its ``whatsThis`` what it
does. The command palette and the list of shortcuts are both made from this.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QLineEdit,
    QPushButton,
    QTabBar,
    QTabWidget,
    QWidget,
)
from shiboken6 import isValid

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
        tip: more about it, as its tooltip says it.
        do: does it; without an effect while it is not possible.
        possible: whether it can be done now.
    """

    title: str
    place: str
    keys: str
    tip: str
    do: Callable[[], object]
    possible: Callable[[], bool]

    @property
    def about(self) -> str:
        """More about it, in plain text."""
        return plain_text(self.tip)


def commands_of(page: QWidget, title: str, focus: QWidget | None) -> list[WindowCommand]:
    """Return what can be done on a page, by a key first.

    Args:
        page: where one looks.
        title: of that page.
        focus: what has the focus there.
    """
    found = [*_of_actions(page, title), *_of_buttons(page, title), *_of_tabs(page, title)]
    for shortcut in page.findChildren(QShortcut):
        owner = shortcut.parent()
        if shortcut.whatsThis() and isinstance(owner, QWidget) and owner.isVisibleTo(page):
            found.append(_of_shortcut(shortcut, owner, _place(owner, page, title), focus))
    return sorted(found, key=lambda command: not command.keys)


def commands_everywhere(window: QWidget) -> list[WindowCommand]:
    """Return what can be done on every page."""
    own = Qt.FindChildOption.FindDirectChildrenOnly
    shortcuts = window.findChildren(QShortcut, options=own)
    named = [_of_shortcut(each, window, PROGRAM, None) for each in shortcuts if each.whatsThis()]
    return [*named, *_of_actions(window, PROGRAM)]


def commands_elsewhere(
    page: QWidget, title: str, home: QWidget | None, turn: Callable[[], object]
) -> Iterator[WindowCommand]:
    """Yield what can be done on a page that is not seen; doing it turns to the page first.

    Args:
        page: that page.
        title: of it, which stands before each command.
        home: what gets the focus when one turns to it.
        turn: turns to it.
    """

    def first(do: Callable[[], object]) -> None:
        turn()
        do()

    for command in commands_of(page, title, home):
        yield replace(command, title=f"{title}: {command.title}", do=partial(first, command.do))


def _command(
    source: QObject,
    title: str,
    place: str,
    keys: str,
    tip: str,
    do: Callable[[], object],
    possible: Callable[[], bool],
) -> WindowCommand:
    """Return a command of what may be gone when it is asked for, as parts of a lesson are."""
    return WindowCommand(
        title,
        place,
        keys,
        tip,
        lambda: isValid(source) and do(),
        lambda: isValid(source) and possible(),
    )


def _of_actions(widget: QWidget, place: str) -> Iterator[WindowCommand]:
    for action in widget.actions():
        if action.text() and action.isVisible():
            yield _of_action(action, place)


def _of_action(action: QAction, place: str, before: str = "") -> WindowCommand:
    title, keys = before + plain_text(action.text()), _written(action.shortcut())
    return _command(action, title, place, keys, action.toolTip(), action.trigger, action.isEnabled)


def _of_buttons(page: QWidget, title: str) -> Iterator[WindowCommand]:
    for button in page.findChildren(QAbstractButton):
        if not button.isVisibleTo(page) or isinstance(button.parent(), QLineEdit | QTabBar):
            continue
        place, name = _place(button, page, title), _name(button)
        menu = button.menu() if isinstance(button, QPushButton) else None
        if menu is not None:
            for action in menu.actions():
                yield _of_action(action, place, f"{name.rstrip('…')}: ")
        elif name:
            keys = _written(button.shortcut())
            tip, do, possible = button.toolTip(), button.click, button.isEnabled
            yield _command(button, name, place, keys, tip, do, possible)


def _of_tabs(page: QWidget, title: str) -> Iterator[WindowCommand]:
    for tabs in page.findChildren(QTabWidget):
        if not tabs.isVisibleTo(page):
            continue
        place = _place(tabs, page, title)
        for index in range(tabs.count()):
            tip = tabs.tabToolTip(index)
            turn, possible = partial(tabs.setCurrentIndex, index), partial(_hides, tabs, index)
            shown = f"Show {tabs.tabText(index)}"
            yield _command(tabs, shown, place, "", tip, turn, possible)


def _hides(tabs: QTabWidget, index: int) -> bool:
    return tabs.isTabEnabled(index) and tabs.currentIndex() != index


def _of_shortcut(
    shortcut: QShortcut, owner: QWidget, place: str, focus: QWidget | None
) -> WindowCommand:
    inside = focus is not None and (focus is owner or owner.isAncestorOf(focus))
    local = shortcut.context() == Qt.ShortcutContext.WidgetWithChildrenShortcut
    return _command(
        shortcut,
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
