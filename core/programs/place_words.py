"""Where something of a program stands, in words."""

from collections.abc import Mapping
from typing import Any


def place_words(place: Mapping[str, Any]) -> str:
    """Say a line, and its cell in a notebook; "" where neither is known."""
    line = f"line {place['line']}" if place["line"] else ""
    cell = f"cell {place['cell']}" if place["cell"] is not None else ""
    return ", ".join(part for part in (cell, line) if part)


def loop_words(loop: Mapping[str, Any]) -> str:
    """Say where a training's loop stands; of several of one loop, also by which call it began.

    Args:
        loop: as :meth:`core.programs.monitor.Training.to_dict` returns it.
    """
    words, caller = place_words(loop["where"]), loop.get("called_from")
    return f"{words} (called from {place_words(caller)})" if caller else words
