"""Buttons and progress bars, as every card has them."""

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar, QPushButton, QWidget

from gui.rich_text import rich

W = TypeVar("W", bound=QWidget)


def push_button(name: str, text: str, help: str, role: str = "") -> QPushButton:
    """Return a button with a name for tests and for screen readers."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(text)
    button.setToolTip(rich(help))
    if role:
        button.setProperty("role", role)
    # A click leaves the focus where it was: a disabled button would hand it to whatever comes next.
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def retitle(button: QPushButton, text: str) -> None:
    """Give a button another text, on the screen and for screen readers; its shortcut stays.

    Qt takes the shortcut away with the old text.
    """
    if button.text() != text:
        keys = button.shortcut()
        button.setText(text)
        button.setShortcut(keys)
        button.setAccessibleName(text)


def progress_bar(name: str, words: str) -> QProgressBar:
    """Return a thin bar in thousandths, that says in words what it is the progress of."""
    bar = QProgressBar()
    bar.setObjectName(name)
    bar.setAccessibleName(words)
    bar.setTextVisible(False)
    bar.setRange(0, 1000)
    return bar


def identified(widget: W, name: str, accessible: str, help: str) -> W:
    """Give a widget its object name, its accessible name and its tooltip; return it."""
    widget.setObjectName(name)
    widget.setAccessibleName(accessible)
    widget.setToolTip(rich(help))
    return widget
