"""Command lines that answer bad input in one line, for the program and for its core."""

import argparse
from typing import NoReturn

from .errors import UserError

DEVICES = ("auto", "cpu", "cuda", "mps")


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, not with a page of usage."""

    def error(self, message: str) -> NoReturn:
        """Raise the message as an error that is meant for a person."""
        raise UserError(f"{message}; see {self.prog} --help.")


def whole(text: str) -> int:
    """Read a whole number above zero, for an option."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above zero")
    return int(text)


def positive(text: str) -> float:
    """Read a number above zero, for an option."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number above zero")
    return value
