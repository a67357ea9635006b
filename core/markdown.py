"""Words and tables as Markdown."""

import re
from collections.abc import Sequence

SPECIAL = re.compile(r"([\\`*_<>\[\]|#~])")


def escaped(text: str) -> str:
    """Return text in which nothing is markup, on one line."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return a name as code, on one line."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def table(rows: Sequence[Sequence[object]]) -> str:
    """Return rows as a table, the first of which has the titles; numbers to four digits."""
    head, *body = [[_cell(value) for value in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else escaped(str(value))
