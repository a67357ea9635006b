"""Signals that end a process."""

import signal


def ending_signals() -> list[signal.Signals]:
    """Return the signals that end a process besides Ctrl+C, as of kill, a logout, or a container.

    Those that are ignored are left out: under nohup a program outlives its terminal.
    """
    names = ("SIGTERM", "SIGHUP")  # Windows knows one of them
    known = [signal.Signals[name] for name in names if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]
