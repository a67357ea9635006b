"""The pages, each found by being there: a folder of gui with a module ``page``."""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import gui


def page_names() -> list[str]:
    """Return the names of the pages, without importing any."""
    return [
        found.name
        for folder in gui.__path__
        for found in pkgutil.iter_modules([folder])
        if (Path(folder) / found.name / "page.py").exists()
    ]


def page_modules() -> dict[str, ModuleType]:
    """Return the pages' modules by name, in their own order.

    A page's module has TITLE, ICON, HELP, ORDER and a ``Page`` widget with ``abandon()``. A page
    that has to do with the others has ``meet(pages, show_page)`` and is told of them.
    """
    found = {name: importlib.import_module(f"gui.{name}.page") for name in page_names()}
    return dict(sorted(found.items(), key=lambda item: item[1].ORDER))
