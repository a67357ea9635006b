"""How a token is written on one line, whatever its bytes are."""

import unicodedata
from itertools import groupby

MARKS = {"\n": "↵", "\t": "→"}


def shown(raw: bytes) -> str:
    """Return a token as it is shown: what has no picture of its own gets one.

    A space at the beginning or the end becomes "·", a line's end "↵", a tab "→". Bytes that are no
    whole character, and characters that can't be seen, are told in hexadecimal, like "⟨c3⟩".
    """
    text = raw.decode("utf-8", "surrogateescape")
    inner = text.strip(" ")
    if not inner:
        return "·" * len(text)
    before = len(text) - len(text.lstrip(" "))
    after = len(text) - len(text.rstrip(" "))
    parts = (_hex(run) if hidden else _seen(run) for hidden, run in _runs(inner))
    return "·" * before + "".join(parts) + "·" * after


def spelled(raw: bytes) -> str:
    """Return a token's bytes in hexadecimal, like "c3 a9"."""
    return raw.hex(" ")


def shortened(words: str, most: int = 48) -> str:
    """Return what fits into a sentence: a token may be as long as its text."""
    return words if len(words) <= most else f"{words[:most]}…"


def _runs(text: str) -> list[tuple[bool, str]]:
    """Cut a text into runs of characters that can be seen, and of those that can't."""
    groups = groupby(text, lambda c: c not in MARKS and not c.isprintable())
    return [(hidden, "".join(run)) for hidden, run in groups]


def _hex(run: str) -> str:
    return f"⟨{spelled(run.encode('utf-8', 'surrogateescape'))}⟩"


def _seen(run: str) -> str:
    # A mark alone would sit on whatever stands before it.
    circle = "◌" if unicodedata.combining(run[0]) else ""
    return circle + "".join(MARKS.get(c, c) for c in run)
