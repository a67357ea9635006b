"""The start of the program, which reads like a table of contents."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication

from core import paths
from core.errors import UserError
from core.paths import data_folder
from core.signals import ending_signals
from gui import preflight, theme
from gui.error_log import ErrorLog
from gui.error_notice import tell_of_errors
from gui.options import parse
from gui.overrides import catch_errors
from gui.pages import page_names
from gui.state_file import read_state, value_of, write_state
from gui.window import MainWindow
from gui.window_state import restore_page, restore_place, save_window

SAVE = 30_000  # milliseconds between two looks whether there is something new to be remembered


def build(argv: list[str]) -> tuple[QApplication, MainWindow]:
    """Return the application and its window, shown, without entering the event loop.

    Raises:
        UserError: an option is impossible.
    """
    return _build(parse(argv))


def run(options: argparse.Namespace) -> int:
    """Run the program until its window is closed; return the exit status.

    An unexpected error of the start is logged, and told in a sentence.

    Raises:
        UserError: an option is impossible.
        ImportError: a library can't be loaded.
    """
    sees_none = not preflight.has_display()
    plays_instead = sees_none and not options.tour
    if plays_instead:
        options.tour = "build/tour"
    if sees_none:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if options.tour:
        # Threads that wait actively for one another make a convolution ten times slower where
        # other programs want the cores, as they do where tests run. torch is not loaded yet.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if options.tour:
        from gui.tour import Tour

        _, window = _build(options)  # what is asked for and impossible is said before anything else
        if plays_instead:
            print("glassbox: no display here; playing the tour offscreen, pictures in build/tour.")
            print("It takes about a minute on two idle cores.", flush=True)
        return Tour(window, Path(options.tour), options.long, options.page).run()
    log = ErrorLog(paths.LOG)
    log.install(look_back=not options.fresh)
    try:
        app, window = _build(options)
        tell_of_errors(window, log)
        _close_on_signals()
        if status := app.exec():
            _end_without_display(window, status)
        return 0
    except (UserError, ImportError):
        raise
    except Exception as error:  # of the start: the window's own never come here
        log.add(error)
        problem = f"the window could not be opened ({error!r}); the log is {log.file}."
        print(f"glassbox: {problem} {log.problem}".rstrip(), file=sys.stderr)
        return 1
    finally:
        log.remove()


def _close_on_signals() -> None:
    """Let Ctrl+C, and a signal to end, do what closing the window does."""
    ending = [s for s in (signal.SIGINT,) if signal.getsignal(s) is not signal.SIG_IGN]
    for number in (*ending, *ending_signals()):
        # Python answers wherever it is just then; the window closes between two events.
        signal.signal(number, lambda *_: QTimer.singleShot(0, QApplication.closeAllWindows))


def _end_without_display(window: MainWindow, status: int) -> NoReturn:
    """End at once, without the marks of an end by itself: Qt has lost the display.

    The next start says so, and what was trained counts as interrupted.
    """
    window.closing.emit()  # what was set is kept
    logging.shutdown()
    leave(status)


def leave(status: int) -> NoReturn:
    """End the process at once, when all is written.

    To take torch and Qt apart would take seconds on a busy machine.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _build(options: argparse.Namespace) -> tuple[QApplication, MainWindow]:
    data = data_folder(options.data)
    catch_errors()
    # A fast stroke is many small moves; compressed into few, its corners would be lost.
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents, False)
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("Glassbox")
    theme.load_fonts()
    # The tour shows the program as it comes, and leaves a person's settings alone.
    file = None if options.fresh or options.tour else paths.SETTINGS
    kept, problem = read_state(file) if file else ({}, "")
    chosen = value_of(kept, "theme", str, "")
    chosen = chosen if chosen in ("light", "dark") else ""
    system = options.theme == "system"
    theme.apply(app, chosen if chosen and system else options.theme)
    page = value_of(kept, "page", str, "")
    first = options.page or (page if page in page_names() else None)
    window = MainWindow(data, options.device, first)
    window.chosen_theme = chosen
    restore_place(window, kept)
    if app.platformName() != "offscreen":  # its screen is a number, and nobody's
        window.fit(window.screen().availableGeometry())
    window.show()
    app.processEvents()  # the first frame stands, before anything that takes long
    gone: list[str] = []
    window.fill(lambda name, page: gone.extend(restore_page(window, kept, name, page)))
    forgets = _remember(window, file, kept) if file else ""
    for sentence in filter(None, [forgets or problem, *gone]):
        window.notices.tell(sentence)
    return app, window


def _remember(window: MainWindow, file: Path, kept: Mapping[str, Any]) -> str:
    """Write what comes back at the next start: at the end, and meanwhile in case there is none.

    Returns:
        Why that is not possible, which is tried at once; "" where it is.
    """
    try:
        write_state(file, kept)
    except UserError as error:
        return str(error)

    written: dict[str, Any] = {}
    timer = QTimer(window)

    def save() -> None:
        nonlocal written
        if (values := save_window(window)) == written:
            return
        written = values
        try:
            write_state(file, values)
        except UserError as error:
            print(f"glassbox: {error}", file=sys.stderr)

    timer.timeout.connect(save)
    timer.start(SAVE)
    window.closing.connect(timer.stop)
    window.closing.connect(save)
    return ""
