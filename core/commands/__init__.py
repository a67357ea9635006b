"""The commands of ``python -m core``, one module for what belongs together."""

import argparse
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


def say(line: str) -> None:
    """Tell what is being done: on stderr, since stdout is the answer's."""
    print(line, file=sys.stderr, flush=True)
