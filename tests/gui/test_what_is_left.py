"""What windows, pages and jobs leave behind once they are closed: no object, however often."""

import gc
from collections import Counter

import torch
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from gui import window as window_module
from gui.pages import page_modules
from gui.window import MainWindow
from tests.gui.conftest import QUICK, Program


def counted():
    """Count our own objects, tensors and all that has a parent in Qt, by their types."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    kinds = Counter(map(type, gc.get_objects()))
    return Counter(
        {
            kind.__qualname__: count
            for kind, count in kinds.items()
            if str(kind.__module__).partition(".")[0] in ("core", "gui")
            or issubclass(kind, QObject | torch.Tensor)
        }
    )


def used_once(qtbot, recipe):
    """Open a window, show every page, train, change the theme, and close all of it."""
    window = MainWindow(None, "cpu")
    window.show()
    window.fill()
    for name in window.pages:
        window.show_page(name)
        QApplication.processEvents()
    for _ in range(2):
        window.switch_theme()
    program = Program(qtbot, window, "digits")
    program.ready()
    program.learn(recipe)
    window.close()
    window.deleteLater()


def test_a_window_that_was_used_leaves_no_object(qtbot, qapp, runs, monkeypatch):
    """What the first two have brought stays at hand; the third adds nothing."""
    modules = {name: page_modules()[name] for name in ("digits", "doctor", "runs")}
    monkeypatch.setattr(window_module, "page_modules", lambda: modules)
    recipe = QUICK.replace({"steps": 20})
    for _ in range(2):
        used_once(qtbot, recipe)
    before = counted()
    used_once(qtbot, recipe)
    more = counted() - before
    assert not more, more
