"""Numbers that are not computed: those of the data, and those that are drawn."""

from collections.abc import Sequence
from typing import Any

from . import limits
from .data import moons
from .graph import Builder, Kind, plain
from .tokens import ExpressionError, Place


def source(builder: Builder, name: str, values: Sequence[Any], place: Place) -> int:
    """Append the leaf that one of SOURCES gives for plain numbers; return its index.

    Raises:
        ExpressionError: it can't be made of these.
    """
    if name == "data":
        if len(values) != 1:
            raise ExpressionError("data takes one number, vector or matrix.", place)
        start = plain(values[0], place)
        return builder.leaf("number", Kind.GIVEN, start.shape, place, start)
    sizes = tuple(_whole(value, name, place) for value in values)
    if name in ("moons", "moons_label"):
        if len(sizes) != 1 or sizes[0] > limits.LENGTH:
            most = f"{limits.LENGTH:,}"
            raise ExpressionError(f"write {name}(100): how many points, up to {most}.", place)
        start = moons(sizes[0])[name == "moons_label"]
        return builder.leaf(name, Kind.GIVEN, start.shape, place, start)
    if len(sizes) > 2:
        raise ExpressionError(f"write {name}(), {name}(n) or {name}(n, m).", place)
    return builder.leaf(name, Kind.NOISE if name == "noise" else Kind.LEARNED, sizes, place)


def _whole(value: Any, name: str, place: Place) -> int:
    if not isinstance(value, float) or value != int(value) or value < 1:
        raise ExpressionError(f"the sizes in {name}(...) are whole numbers from 1.", place)
    return int(value)
