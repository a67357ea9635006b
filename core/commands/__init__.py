"""The commands of ``python -m core``, one module for what belongs together."""

import argparse
import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Command:
    """A command: its name, what it is for, its options, what it answers, that in words, and status.

    A process that only follows another one (see :mod:`core.training.distributed`) answers None.
    """

    name: str
    about: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], dict[str, Any] | None]
    show: Callable[[dict[str, Any]], str]
    status: Callable[[dict[str, Any]], int] = lambda answer: 0


LONGEST = 2000  # characters of a line
_ESCAPED = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160))}


def say(line: str) -> None:
    """Tell what is being done: on stderr, since stdout is the answer's.

    What comes from a file or an option may hold anything, and is one line all the same. A stderr
    that is closed or full stops nothing.
    """
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(line[:LONGEST].translate(_ESCAPED), file=sys.stderr, flush=True)
