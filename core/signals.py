"""Signals that end a process."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def ending_signals() -> list[signal.Signals]:
    """Return the signals that end a process besides Ctrl+C, as of kill, a logout, or a container.

    Those that are ignored are left out: under nohup a program outlives its terminal.
    """
    names = ("SIGTERM", "SIGHUP")  # Windows knows one of them
    known = [signal.Signals[name] for name in names if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]


def ignore_signals() -> None:
    """Let neither Ctrl+C nor a signal to end stop what this process has still to do."""
    for number in (signal.SIGINT, *ending_signals()):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def signals_restored() -> Iterator[None]:
    """Let signals do at the end what they did before, whatever was set meanwhile.

    In another than the main thread nothing can be set, and nothing is restored.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *ending_signals())}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                if handler is not None:  # one that was not set by Python
                    signal.signal(number, handler)
