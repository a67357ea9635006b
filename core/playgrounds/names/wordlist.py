"""Lists of names: the bundled one, makemore's, or any file with a name a line.

No torch in it: the page reads it before torch is there.
"""

import codecs
import random
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from ...errors import UserError
from ...files import check_is_file
from ...paths import RESOURCES
from .alphabet import Alphabet, may_stand
from .reports import END

LONGEST = 100  # letters of a name
MOST_NAMES = 1_000_000
FEWEST = 10  # so that the tenth that judges holds one
LARGEST = 64 << 20  # bytes


@dataclass(frozen=True)
class Names:
    """A list of names in its three parts, as the lectures have them.

    Attributes:
        title: what list it is, in words.
        train, dev, test: 80, 10 and 10 per cent, shuffled by seed 42.
        alphabet: of the whole list.
    """

    title: str
    train: tuple[str, ...]
    dev: tuple[str, ...]
    test: tuple[str, ...]
    alphabet: Alphabet


def bundled() -> Names:
    """Return the US baby names that are shipped."""
    return _read(RESOURCES / "names" / "names.txt", "bundled US names")


def load(source: Path | None) -> Names:
    """Return the names of a file, or of ``names/names.txt`` in a data folder, or the bundled ones.

    Raises:
        UserError: the file can't be learned from; says why.
    """
    if source is None:
        return bundled()
    if source.is_file():
        return _read(source, source.name)
    if not source.exists():  # the shipped names are no stand-in for it
        raise UserError(f"{source} is not there; choose the list again.")
    return _read(listed(source), "makemore's names.txt") if holds_names(source) else bundled()


def is_lectures(names: Names) -> bool:
    """Whether it is makemore's own list, by its size and letters, wherever it came from."""
    size = len(names.train) + len(names.dev) + len(names.test)
    return size == 32_033 and len(names.alphabet) == 27


def listed(folder: Path) -> Path:
    """Return where a data folder has makemore's names."""
    return folder / "names" / "names.txt"


def holds_names(folder: Path) -> bool:
    """Whether a data folder has a list of names."""
    return listed(folder).is_file()


def split(words: list[str]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Shuffle and divide as makemore's lectures do: seed 42, then 80, 10 and 10 per cent."""
    mixed = list(words)
    random.Random(42).shuffle(mixed)  # noqa: S311, the lectures' own shuffle, no secret
    first, second = int(0.8 * len(mixed)), int(0.9 * len(mixed))
    return tuple(mixed[:first]), tuple(mixed[first:second]), tuple(mixed[second:])


def _read(path: Path, title: str) -> Names:
    words, left_out = words_of(path)
    if len(words) < FEWEST:
        count = f"only {len(words)} name" + "s" * (len(words) > 1) if words else "no names"
        raise UserError(
            f"{path} has {count}; a network needs at least {FEWEST}, one a line, to learn from"
            " some and be judged by others."
        )
    try:
        alphabet = Alphabet.of(words)
    except UserError as error:
        raise UserError(f"{path} can't be learned from. {error}") from None
    note = f" ({left_out:,} with a “{END}”, the end mark, left out)" if left_out else ""
    return Names(f"{title}, {len(words):,} names{note}", *split(words), alphabet)


def words_of(path: Path) -> tuple[list[str], int]:
    """Return the names of a file in its order, and how many with an end mark were left out.

    Raises:
        UserError: it is too large, no text, in another encoding, or has a line without end.
    """
    try:
        check_is_file(path)
        if path.stat().st_size > LARGEST:
            raise UserError(
                f"{path} is larger than {LARGEST >> 20} MB, which no list of names is; choose"
                " another file."
            )
        raw = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error}).") from None
    lines = unicodedata.normalize("NFC", _decode(path, raw)).split("\n")
    words = [word for line in lines if (word := " ".join(line.split()))]
    if len(words) > MOST_NAMES:
        raise UserError(
            f"{path} has {len(words):,} names; at most {MOST_NAMES:,} are taken: keep the first"
            " of them."
        )
    longest = max(words, key=len, default="")
    if len(longest) > LONGEST:
        number = next(i for i, line in enumerate(lines, 1) if " ".join(line.split()) == longest)
        raise UserError(
            f"{path} has {len(longest):,} letters in line {number:,}; a name has at most {LONGEST}:"
            " put one on each line."
        )
    for letter in sorted(set().union(*map(set, words))):
        if not may_stand(letter):
            raise UserError(
                f"{path} is no text: it has the control character U+{ord(letter):04X}; choose a"
                " file with a name a line."
            )
    kept = [word for word in words if END not in word]
    return kept, len(words) - len(kept)


def _decode(path: Path, raw: bytes) -> str:
    """Read UTF-8, or UTF-16 that says so at its beginning."""
    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "UTF-16" if utf16 else "UTF-8"
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if b"\0" in raw and not utf16:
        raise UserError(f"{path} is no text (it has zero bytes); choose a file with a name a line.")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UserError(
            f"{path} is not in {encoding} (byte {raw[error.start]:#04x} in line {line:,}); save it"
            " as UTF-8 and open it again."
        ) from None
