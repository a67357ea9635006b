"""A row of the table: what was measured, and the floor it is held against."""

import json
import os
from typing import Any, TypeVar

T = TypeVar("T")
SMALLEST = "GLASSBOX_BENCH_SMALLEST"
"""The variable that is set where a row is only to run to its end, and its numbers mean nothing."""


def sized(full: T, smallest: T) -> T:
    """Return a size of a measurement: the one that is quoted, or the smallest that runs."""
    return smallest if os.environ.get(SMALLEST) else full


def row(
    what: str, value: float, floor: float | None, unit: str, most: bool = False
) -> dict[str, Any]:
    """Return a row; ``most`` makes the floor a ceiling."""
    met = floor is None or (value <= floor if most else value >= floor)
    sign = "" if floor is None else ("<= " if most else ">= ")
    return {
        "what": what,
        "measured": _text(value, unit),
        "floor": "" if floor is None else sign + _text(floor, unit),
        "met": bool(met),
    }


def _text(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value:.2%}"
    digits = {"x": 2, "s": 2, "MB": 2, "nats": 4}.get(unit, 1)
    return f"{value:.{digits}f} {unit}"


def show(rows: list[dict[str, Any]]) -> None:
    """Print the rows for ``python -m bench`` to read."""
    print(json.dumps(rows))
