"""The start of the program, which reads like a table of contents."""

import argparse
import os
import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from core.paths import data_folder, show_tiktoken
from gui import preflight, theme
from gui.options import parse
from gui.window import MainWindow


def build(argv: list[str]) -> tuple[QApplication, MainWindow]:
    """Return the application and its window, shown, without entering the event loop.

    Raises:
        UserError: an option is impossible.
    """
    return _build(parse(argv))


def run(options: argparse.Namespace) -> int:
    """Run the program until its window is closed; return the exit status.

    Raises:
        UserError: an option is impossible.
    """
    if not options.tour and not preflight.has_display():
        print("glassbox: no display here; playing the tour offscreen, pictures in build/tour.")
        print("It takes about a minute on two idle cores.", flush=True)
        options.tour = "build/tour"
    if not preflight.has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if options.tour:
        # Threads that wait actively for one another make a convolution ten times slower where
        # other programs want the cores, as they do where tests run. torch is not loaded yet.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    app, window = _build(options)
    if options.tour:
        from gui.tour import Tour

        return Tour(window, Path(options.tour), options.long).run()
    return app.exec()


def _build(options: argparse.Namespace) -> tuple[QApplication, MainWindow]:
    data = data_folder(options.data)
    show_tiktoken(data)
    # A fast stroke is many small moves; compressed into few, its corners would be lost.
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents, False)
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("Glassbox")
    theme.load_fonts()
    theme.apply(app, options.theme)
    window = MainWindow(data, options.device, options.page)
    window.show()
    app.processEvents()  # the first frame stands, before anything that takes long
    window.fill()
    return app, window
