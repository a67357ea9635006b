"""What a person is told of unexpected errors, and of a crash: a sentence, and what can be done."""

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from core import about, paths
from core.errors import UserError
from gui.error_log import ErrorLog
from gui.widgets.notice_bar import NoticeButton
from gui.widgets.open_path import open_path
from gui.window import MainWindow

if TYPE_CHECKING:
    from core.runs.library import Entry


def tell_of_errors(window: MainWindow, log: ErrorLog) -> None:
    """Tell of the last run's crash now, and of each new error when it comes."""
    if log.problem:
        window.notices.tell(log.problem)
    if log.crashed_at is not None:
        _tell_of_crash(window, log, log.crashed_at)
    # An error comes from any thread; the sentence is the window's.
    log.caught.connect(lambda: _tell_of_error(window, log), Qt.ConnectionType.QueuedConnection)
    log.refused.connect(window.notices.tell, Qt.ConnectionType.QueuedConnection)


def _tell_of_error(window: MainWindow, log: ErrorLog) -> None:
    last = log.reports[-1].strip().splitlines()[-1]
    others = len(log.reports) - 1
    more = f", and {others} more before" if others else ""
    window.notices.tell(
        f"Something unexpected went wrong in Glassbox ({last}){more}; what runs goes on.",
        "errors",
        [
            NoticeButton(
                "copyReport",
                "Copy report",
                "Copy what went wrong, the versions and the places, for a question or a report.",
                lambda: QApplication.clipboard().setText(report(log)),
            ),
            _open_log(window, log),
        ],
    )


def report(log: ErrorLog) -> str:
    """Return all that is known of this run's errors, for whoever looks into them."""
    now, distinct = time.strftime("%Y-%m-%d %H:%M:%S"), len(log.reports)
    head = f"{now}: {log.times()} unexpected errors, {distinct} of them distinct"
    return "\n\n".join([about.as_text(), head, *log.reports])


def _tell_of_crash(window: MainWindow, log: ErrorLog, since: float) -> None:
    """Say what can be restored: what was set is, and what was trained can be resumed."""
    from core.runs.library import Library  # brings numpy, which no first frame waits for

    try:
        entries = Library(paths.RUNS).entries()
    except UserError:  # the page Runs says so
        entries = []
    runs = [each.title for each in entries if each.state == "interrupted" and _lived(each) >= since]
    sentence = "Glassbox ended unexpectedly last time; no run was interrupted."
    buttons = [_open_log(window, log)]
    if runs:
        sentence = (
            "Glassbox ended unexpectedly last time; on the page Runs you can resume what was"
            f" interrupted: {', '.join(runs)}."
        )
        show = NoticeButton(
            "showRuns", "Show runs", "Turn to the page Runs.", lambda: window.show_page("runs")
        )
        buttons.insert(0, show)
    window.notices.tell(sentence, "crash", buttons)


def _lived(entry: "Entry") -> float:
    """Return when a run gave its last sign of life: one that was resumed began long before."""
    return entry.about.told if entry.about else entry.begun


def _open_log(window: MainWindow, log: ErrorLog) -> NoticeButton:
    def open_() -> None:
        open_path(log.file, lambda sentence: window.notices.tell(sentence, "log"))

    return NoticeButton("openLog", "Open log", f"Open {log.file}.", open_)
