"""A text as characters: each has a code point, and one to four bytes in UTF-8."""

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Character:
    """A character of Unicode.

    Attributes:
        code: its code point.
        raw: its bytes in UTF-8.
        name: as Unicode has it, in lower case.
    """

    code: int
    raw: bytes
    name: str

    @property
    def written(self) -> str:
        """Its code point as it is usually written, such as U+00E9."""
        return f"U+{self.code:04X}"


def characters_of(text: str) -> list[Character]:
    """Return the characters of a text."""
    known = {c: Character(ord(c), c.encode("utf-8"), _name(c)) for c in set(text)}
    return [known[c] for c in text]


def _name(character: str) -> str:
    controls = {"\n": "line feed", "\t": "tab", "\r": "carriage return"}
    return controls.get(character) or unicodedata.name(character, "without a name").lower()


def bytes_in_words(text: str) -> str:
    """Say how many characters and bytes a text has, and how long its characters are."""
    if not text:
        return "There is no text."
    lengths = [len(c.encode("utf-8")) for c in text]
    many = f"{len(text):,} character{'s' * (len(text) != 1)}, {sum(lengths):,} bytes in UTF-8"
    if max(lengths) == 1:
        return f"{many}: each of these characters is ASCII, one byte."
    kinds = [
        f"{count:,} × {size} byte{'s' * (size > 1)}"
        for size in (1, 2, 3, 4)
        if (count := sum(length == size for length in lengths))
    ]
    return f"{many}: {' + '.join(kinds)}."
