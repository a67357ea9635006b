"""How a rule says what it found."""

import numpy as np

from ...telemetry.events import Array
from ..diagnosis import Check, Picture


def passed(
    id: str, title: str, measured: str, expected: str, picture: Picture | None = None
) -> Check:
    """Return a check in which all is well."""
    return Check(id, title, True, measured, expected, picture=picture)


def failed(
    id: str,
    title: str,
    measured: str,
    expected: str,
    confidence: float,
    where: str = "",
    picture: Picture | None = None,
) -> Check:
    """Return a check that found something."""
    confidence = round(min(0.99, max(0.05, confidence)), 2)
    return Check(id, title, False, measured, expected, where, confidence, picture)


def unseen(id: str, title: str, why: str) -> Check:
    """Return a check for which there was nothing to look at."""
    return Check(id, title, None, why)


def some(names: list[str], most: int = 3) -> str:
    """Return the first of some names, and how many there are besides."""
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def part(power: float) -> str:
    """Return a power of ten as a part of something: ``98 %``, ``1/1,300``."""
    value = 10.0**power
    if value >= 0.01:
        return f"{100 * value:.0f} %"
    if value < 1e-9:
        return "nothing"
    return f"1/{int(float(f'{1 / value:.2g}')):,}"


def calm(losses: Array) -> Array:
    """Return the running mean of losses, over a fiftieth of them."""
    width = max(1, len(losses) // 50)
    padded = np.pad(losses, (width - 1, 0), mode="edge")
    return np.convolve(padded, np.ones(width) / width, "valid")


def thin(values: Array) -> list[float]:
    """Return as many of some values as a picture shows."""
    stride = -(-max(1, len(values)) // 300)
    return [float(v) for v in values[::stride]]
