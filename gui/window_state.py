"""What the window keeps from one start to the next: its place, theme and page, and each page's own.

The pages say what they keep and check what they are given (`Page.save_state`, `restore_state`);
the file is :mod:`gui.state_file`'s.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSize

from gui.pages import Page
from gui.state_file import value_of
from gui.window import MainWindow


def save_window(window: MainWindow) -> dict[str, Any]:
    """Return what comes back at the next start, as plain values."""
    return {
        "geometry": base64.b64encode(window.saveGeometry().data()).decode(),
        "theme": window.chosen_theme,
        "page": window.page_name,
        "data": _named(window.data),
        "pages": {name: page.save_state() for name, page in window.pages.items()},
    }


def restore_place(window: MainWindow, values: Mapping[str, Any]) -> None:
    """Put a window that is not shown yet where it was; Qt brings it back onto a screen."""
    try:
        geometry = base64.b64decode(value_of(values, "geometry", str, ""), validate=True)
    except ValueError:  # binascii.Error is one, too
        return
    window.restoreGeometry(QByteArray(geometry))


def restore_page(window: MainWindow, values: Mapping[str, Any], name: str, page: Page) -> list[str]:
    """Give a page what it kept; return a sentence on each thing that can't come back."""
    _lay_out(page, window.page.size())
    kept = dict(value_of(value_of(values, "pages", dict, {}), name, dict, {}))
    if values.get("data") != _named(window.data):
        kept.pop("data", None)  # the command line names other data than last time, and is followed
    return page.restore_state(kept)


def _lay_out(page: Page, size: QSize) -> None:
    """Give a page that was not seen yet the size that it will have: a splitter divides that."""
    page.resize(size)
    if layout := page.layout():
        layout.activate()


def _named(data: Path | None) -> str | None:
    return str(data) if data else None
