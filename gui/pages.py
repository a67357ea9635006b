"""What a page of the window is, and which there are: the folders of gui with a module ``page``."""

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

import gui
from gui import theme
from gui.state_file import value_of
from gui.widgets.page_button import Mark
from gui.widgets.widget_values import give_values, values_of
from gui.worker import Worker


class ShowPage(Protocol):
    """Turns to a page, at a place on it if one is named."""

    def __call__(self, name: str, place: str = "") -> None:
        """Turn to the page of that name."""


class Page(QWidget):
    """A page of the window; the class ``Page`` of a page's module is one.

    Attributes:
        home: where the keys go when one turns to it; the page itself if there is no such place.
        takes: endings of files that it opens, wherever on the window they are dropped.
        stands_alone: whether it can be seen before it has met the others.
    """

    home: QWidget | None = None
    takes: tuple[str, ...] = ()
    stands_alone = False
    marks_changed = Signal()
    """:meth:`marks` may say something else now."""

    def __init__(self) -> None:
        super().__init__()
        theme.style(self)

    def meet(self, pages: Mapping[str, "Page"], show_page: ShowPage) -> None:
        """Get to know the other pages, which all exist by now, and how to turn to one."""

    def show_place(self, place: str) -> None:
        """Show what a link to this page names, such as a section of a lesson."""

    def open_file(self, path: Path) -> None:
        """Show a file of a kind that it takes."""

    def marks(self) -> list[Mark]:
        """Return what goes on here, for the sidebar: it trains, it waits, the doctor has found."""
        return []

    def kept_widgets(self) -> list[QWidget]:
        """Return the widgets that say at the next start what they say now."""
        return []

    def save_state(self) -> dict[str, Any]:
        """Return what comes back at the next start, as plain values."""
        return {"widgets": values_of(self.kept_widgets())}

    def restore_state(self, values: Mapping[str, Any]) -> list[str]:
        """Take what :meth:`save_state` returned, or what a file says that it did.

        Returns:
            A sentence on each thing that can't come back.
        """
        give_values(self.kept_widgets(), value_of(values, "widgets", dict, {}))
        return []

    def abandon(self) -> None:
        """End what runs: the window closes."""


class _MakePage(Protocol):
    def __call__(self, worker: Worker, data: Path | None, device: str) -> Page: ...


class PageModule(Protocol):
    """The module ``page`` of a page's folder."""

    TITLE: ClassVar[str]
    ICON: ClassVar[str]
    HELP: ClassVar[str]
    ORDER: ClassVar[int]
    """The pages stand in ascending order."""
    Page: _MakePage


def page_names() -> list[str]:
    """Return the names of the pages, without importing any."""
    return [
        found.name
        for folder in gui.__path__
        for found in pkgutil.iter_modules([folder])
        if (Path(folder) / found.name / "page.py").exists()
    ]


def page_modules() -> dict[str, PageModule]:
    """Return the pages' modules by name, in their own order."""
    found = {
        name: cast(PageModule, importlib.import_module(f"gui.{name}.page")) for name in page_names()
    }
    return dict(sorted(found.items(), key=lambda item: item[1].ORDER))
