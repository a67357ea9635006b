"""Where something of a program stands, and that it is examined, in words."""

from collections.abc import Mapping
from typing import Any


def place_words(place: Mapping[str, Any]) -> str:
    """Say a line, and its cell in a notebook; "" where neither is known."""
    line = f"line {place['line']}" if place["line"] else ""
    cell = f"cell {place['cell']}" if place["cell"] is not None else ""
    return ", ".join(part for part in (cell, line) if part)


def examined_words(place: str, seconds: float) -> str:
    """Say that the training of a place is examined, and for how long at most."""
    return (
        f"{place[0].upper()}{place[1:]} is examined, up to {seconds:.0f} s: three times its budget,"
        " where other programs keep the machine busy."
    )


def loop_words(loop: Mapping[str, Any]) -> str:
    """Say where a training's loop stands; of several of one loop, also by which call it began.

    Args:
        loop: as :meth:`core.programs.monitor.Training.to_dict` returns it.
    """
    words, caller = place_words(loop["where"]), loop.get("called_from")
    return f"{words} (called from {place_words(caller)})" if caller else words
