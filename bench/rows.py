"""A row of the table: what was measured, and the floor it is held against."""

import json
from typing import Any


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
