"""The text that is learned from: Shakespeare's plays, Tiny Shakespeare, or a person's own.

No torch in it, and never the whole of a large text: what is asked for is read, piece by piece.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...files import check_is_file
from ...interruption import heed
from . import plays
from .recipe import REPEATS, TEXT
from .repeats import repeated_letters

PIECE = 1 << 18  # bytes that are read, or made into tokens, before the next look whether to stop
IN_MEMORY = 32 << 20  # bytes up to which a text stays in memory
LARGEST = 2 << 30  # bytes
FEWEST = 100  # characters: of less, the last tenth would judge nothing
MOST_FILES = 10_000
NEAR = 1 << 16  # bytes at the end of a piece, in which a place to cut it is looked for first
BETWEEN_WORDS = re.compile(rb"(?<=[A-Za-z]) (?=[A-Za-z])")
OTHER_DATA = ("mnist", "names")
"""What a folder of full data sets may have beside Tiny Shakespeare."""
LIKE_TEXT = (".txt", ".md", ".text")


@dataclass(frozen=True)
class Stretch:
    """A stretch of UTF-8: bytes in memory, or in a file that is as it was when it was looked at."""

    source: bytes | Path
    begin: int
    end: int
    stamp: int = 0
    """When the file was last changed."""

    def read(self, begin: int, end: int) -> bytes:
        """Return bytes of it, counted from its own beginning.

        Raises:
            UserError: the file is gone, or has changed.
        """
        begin, end = self.begin + begin, min(self.begin + end, self.end)
        if isinstance(self.source, bytes):
            return self.source[begin:end]
        try:
            with self.source.open("rb") as file:
                if self.source.stat().st_mtime_ns == self.stamp:
                    file.seek(begin)
                    return file.read(end - begin)
        except OSError as error:
            raise _unreadable(self.source, error) from None
        raise UserError(f"{self.source} has changed since it was opened; choose it again.")

    def until(self, place: int) -> "Stretch":
        """Return the part before a place."""
        return Stretch(self.source, self.begin, self.begin + place, self.stamp)

    def since(self, place: int) -> "Stretch":
        """Return the part from a place on."""
        return Stretch(self.source, self.begin + place, self.end, self.stamp)


@dataclass(frozen=True)
class Text:
    """Stretches, one after another.

    Attributes:
        characters: how many there are in all of them.
    """

    stretches: tuple[Stretch, ...]
    characters: int

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(stretch.end - stretch.begin for stretch in self.stretches)

    def pieces(self, size: int = PIECE) -> Iterator[str]:
        """Return the text in pieces of about that many bytes.

        It is cut where no tokenizer sees across: the tokens of the pieces are those of the whole.
        """
        for stretch in self.stretches:
            rest, at, length = b"", 0, stretch.end - stretch.begin
            while at < length:
                fresh = stretch.read(at, at + size)
                at += len(fresh)
                rest += fresh
                cut = len(rest) if at >= length else _cut(rest)
                if cut:
                    yield rest[:cut].decode("utf-8")
                    rest = rest[cut:]

    def start(self, count: int) -> str:
        """Return the first characters."""
        begun = ""
        for piece in self.pieces(1 << 14):
            begun += piece
            if len(begun) >= count:
                break
        return begun[:count]


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text in its two parts.

    Attributes:
        title: what text it is, in words.
        train: what is learned from: the first nine tenths of the characters.
        val: what judges: the last tenth.
        letters: the different characters of both.
        tiny: whether it is Tiny Shakespeare, for which known results can be compared with.
    """

    title: str
    train: Text
    val: Text
    letters: frozenset[str]
    tiny: bool = False


def load(source: Path | None, dataset: str = TEXT) -> Corpus:
    """Return the text of a file, a data folder, or a folder of texts; else the plays.

    Args:
        source: where it lies; None for the plays.
        dataset: that of a recipe, which may be another text whatever lies there.

    Raises:
        UserError: it can't be learned from, or is not there; says what to do.
    """
    if dataset == REPEATS:
        return repeats()
    if source is None:
        return bundled()
    if source.is_file():
        return _split([source], source.name)
    if not source.is_dir():  # the plays are no stand-in for it
        raise UserError(f"{source} is not there; choose the text again.")
    if holds_tiny(source):
        return _split([tiny(source)], "Tiny Shakespeare", is_tiny=True)
    texts = texts_in(source)
    if len(texts) > MOST_FILES:
        raise UserError(f"{source} has more than {MOST_FILES:,} texts; join them into fewer files.")
    if texts:
        return _split(texts, f"{len(texts):,} texts of {source.name}")
    return bundled()


def tiny(folder: Path) -> Path:
    """Return where a data folder has Tiny Shakespeare."""
    return folder / "tinyshakespeare" / "input.txt"


def holds_tiny(folder: Path) -> bool:
    """Whether a data folder has Tiny Shakespeare."""
    return tiny(folder).is_file()


def texts_in(folder: Path) -> list[Path]:
    """Return the texts of a folder of texts; none of one that holds data sets."""
    if holds_tiny(folder) or any((folder / name).is_dir() for name in OTHER_DATA):
        return []
    # Hidden ones are other programs' own, such as macOS' ._name beside each file.
    seen = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return sorted(path for path in seen if path.suffix.lower() in LIKE_TEXT and path.is_file())


@cache
def bundled() -> Corpus:
    """Return Shakespeare's plays; two of them judge, which Tiny Shakespeare is judged by too."""
    train, val = plays.speeches(judges=False), plays.speeches(judges=True)
    return Corpus(
        "Shakespeare, 38 plays", _in_memory(train), _in_memory(val), frozenset(train + val)
    )


@cache
def repeats() -> Corpus:
    """Return random letters that are repeated; the last tenth judges."""
    text = repeated_letters()
    first = int(0.9 * len(text))
    train, val = _in_memory(text[:first]), _in_memory(text[first:])
    return Corpus("repeated random letters", train, val, frozenset(text))


def _in_memory(text: str) -> Text:
    raw = text.encode()
    return Text((Stretch(raw, 0, len(raw)),), len(text))


def _split(paths: list[Path], title: str, is_tiny: bool = False) -> Corpus:
    """Look through files, and divide them at nine tenths of their characters."""
    stretches = [_stretch(path) for path in paths]
    names = [str(path) for path in paths]
    total = sum(s.end - s.begin for s in stretches)
    whose = str(paths[0]) if len(paths) == 1 else f"{paths[0].parent}"
    if total > LARGEST:
        raise UserError(
            f"{whose} has {total / 1e9:.1f} GB; up to {LARGEST / 1e9:.1f} GB are taken: choose a"
            " part of it."
        )
    if len(stretches) > 1:  # a line's end between two of them
        joined = [(s, Stretch(b"\n", 0, 1)) for s in stretches]
        stretches = [part for pair in joined for part in pair]
        names = [name for name in names for _ in range(2)]
    counts, letters = [], set()
    for stretch, name in zip(stretches, names, strict=True):
        count, found = _look_through(stretch, name)
        counts.append(count)
        letters |= found
    characters = sum(counts)
    if not characters:
        raise UserError(f"{whose} is empty; choose a text to learn from.")
    if len(letters) < 2:
        raise UserError(
            f"{whose} has one character only, again and again: nothing is to be guessed; choose"
            " another text."
        )
    if characters < FEWEST:
        raise UserError(
            f"{whose} has only {characters:,} characters; a network needs at least {FEWEST}, to"
            " learn from most and be judged by the rest."
        )
    first = int(0.9 * characters)
    train, val, before = [], [], 0
    for stretch, count in zip(stretches, counts, strict=True):
        if before + count <= first:
            train.append(stretch)
        elif before >= first:
            val.append(stretch)
        else:
            place = _place(stretch, first - before)
            train.append(stretch.until(place))
            val.append(stretch.since(place))
        before += count
    return Corpus(
        f"{title}, {characters:,} characters",
        Text(tuple(train), first),
        Text(tuple(val), characters - first),
        frozenset(letters),
        is_tiny,
    )


def _stretch(path: Path) -> Stretch:
    """Return a file as UTF-8: in memory if it is small, or has to be brought into it."""
    try:
        check_is_file(path)
        about = path.stat()
        with path.open("rb") as file:
            mark = file.read(3)
        if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            if about.st_size > IN_MEMORY:
                raise UserError(f"{path} is large and in UTF-16; save it as UTF-8 and try again.")
            raw = _from_utf16(path)
            return Stretch(raw, 0, len(raw))
        skip = len(codecs.BOM_UTF8) if mark == codecs.BOM_UTF8 else 0
        if about.st_size <= IN_MEMORY:
            return Stretch(raw := path.read_bytes(), skip, len(raw))
        return Stretch(path, skip, about.st_size, about.st_mtime_ns)
    except OSError as error:
        raise _unreadable(path, error) from None


def _from_utf16(path: Path) -> bytes:
    try:
        return path.read_text("utf-16").encode()
    except UnicodeError:
        raise UserError(f"{path} is no whole UTF-16; save it as UTF-8 and try again.") from None


def _look_through(stretch: Stretch, whose: str) -> tuple[int, set[str]]:
    """Return how many characters it has, and which; ``whose`` names it.

    Raises:
        UserError: it is no text, or not in UTF-8; says where.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    count, letters, lines, length = 0, set[str](), 1, stretch.end - stretch.begin
    for at in range(0, length, PIECE):
        heed()
        raw = stretch.read(at, at + PIECE)
        if b"\0" in raw:
            raise UserError(f"{whose} is no text (it has zero bytes); choose a text file.")
        try:
            text = decoder.decode(raw, at + PIECE >= length)
        except UnicodeDecodeError as error:
            line = lines + error.object[: error.start].count(b"\n")
            byte = error.object[error.start]
            raise UserError(
                f"{whose} is not in UTF-8 (byte {byte:#04x} in line {line:,}); save it as UTF-8"
                " and choose it again."
            ) from None
        count += len(text)
        lines += text.count("\n")
        letters |= set(text)
    return count, letters


def _place(stretch: Stretch, characters: int) -> int:
    """Return at which byte so many characters are over."""
    length, left = stretch.end - stretch.begin, characters
    for at in range(0, length, PIECE):
        heed()
        raw = np.frombuffer(stretch.read(at, at + PIECE), np.uint8)
        begins = np.flatnonzero((raw & 0xC0) != 0x80)
        if left < len(begins):
            return at + int(begins[left])
        left -= len(begins)
    return length


def _cut(raw: bytes) -> int:
    """Return behind which byte a piece may end; 0 for nowhere.

    No tokenizer sees across a space between two letters, nor across a line's end between two
    characters that are no spaces: what is on either side is cut alike, whatever the other is.
    """
    for begin in (max(0, len(raw) - NEAR), 0):
        if found := [space.start() for space in BETWEEN_WORDS.finditer(raw, begin)]:
            return found[-1]
    at = len(raw)
    while (at := raw.rfind(b"\n", 1, at)) > 0:
        before = raw[max(0, at - 4) : at].decode("utf-8", "ignore")[-1:]
        after = raw[at + 1 : at + 5].decode("utf-8", "ignore")[:1]
        if before and after and not before.isspace() and not after.isspace():
            return at + 1
    return 0


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} can't be read ({error.strerror or error}).")
