"""Reads a script or a notebook as Python code, with the lines that it has in its file."""

import ast
import io
import json
import re
import tokenize
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import check_is_file

LARGEST = 200 << 20
"""Bytes; a notebook with many pictures in it has some tens of MB."""
LONGEST = 2 << 20
"""Characters of a script or a cell."""
NOT_RUN = "is not executed here"
NOTEBOOK_HELP = "open it in Jupyter and save it again"

# A line magic, a shell command, or help on an object; also where its result is assigned.
_MAGIC = re.compile(r"^(\s*)(?:[\w.,\s]+=\s*)?([%!]{1,2})(.*)$")
_HELP = re.compile(r"^\s*(\?{1,2}\s*[\w.]+|[\w.]+\s*\?{1,2})\s*$")
TIMING = ("time", "timeit", "prun", "capture", "memit")
"""Magics that run the code behind them."""


@dataclass(frozen=True)
class Skipped:
    """A line that is no Python and was left out.

    Attributes:
        cell: of a notebook, counted from 1; None in a script.
        line: in that cell, or in the script.
        text: of the line.
        reason: why.
    """

    cell: int | None
    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class ProgramCell:
    """What is run at once: a cell of a notebook, or a whole script.

    Attributes:
        number: of the cell, counted from 1 among all cells of the file; None of a script.
        name: what a traceback calls it: the path of a script, or that with the number of a cell.
        source: Python code, with the line numbers of the file.
        tree: the same, parsed; None with a syntax error.
        error: that error; None.
        written: the source as it stands in the file, with what only Jupyter understands.
    """

    number: int | None
    name: str
    source: str
    tree: ast.Module | None
    error: SyntaxError | None = None
    written: str = ""


@dataclass(frozen=True)
class Program:
    """A script or a notebook.

    Attributes:
        path: the file.
        cells: what is run, in order.
        skipped: lines that are not executed.
    """

    path: Path
    cells: tuple[ProgramCell, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def is_notebook(self) -> bool:
        """Whether it has cells."""
        return self.path.suffix.lower() == ".ipynb"


@dataclass
class _Reader:
    path: Path
    skipped: list[Skipped] = field(default_factory=list)

    def cell(self, number: int, source: str) -> ProgramCell:
        name = f"{self.path}, cell {number}"
        cell = cell_of(source, name, number)
        return cell if cell.tree else cell_of(self._python(number, source), name, number, source)

    def _python(self, number: int, source: str) -> str:
        """Return a cell's code with what only Jupyter understands left out, line by line."""
        lines = source.split("\n")
        first = next((line for line in lines if line.strip()), "")
        if first.startswith("%%"):
            magic = first[2:].split(None, 1)[0] if first[2:].split() else ""
            if magic not in TIMING:
                self._skip(number, lines.index(first) + 1, first, f"%%{magic} {NOT_RUN}")
                return ""
            lines[lines.index(first)] = ""
        inside = _lines_in_strings(lines)
        code = []
        for place, line in enumerate(lines, 1):
            found = None if place in inside else _MAGIC.match(line)
            if found and not _is_python(line):
                code.append(self._magic(number, place, line, *found.groups()))
            elif _HELP.match(line) and place not in inside:
                code.append("")
            else:
                code.append(line)
        return "\n".join(code)

    def _magic(self, number: int, place: int, line: str, indent: str, sign: str, rest: str) -> str:
        """Return what stands in for a line: its own code behind ``%time``, else nothing."""
        word, _, behind = rest.strip().partition(" ")
        if sign == "%" and word in TIMING:
            return (
                indent + re.sub(r"^(?:-\w+\s*(?:\d+\s+)?)*", "", behind.strip()) or f"{indent}pass"
            )
        if sign != "%" or word in ("pip", "conda", "run", "cd", "load"):
            self._skip(number, place, line, f"{sign}{word} {NOT_RUN}")
        return f"{indent}pass"

    def _skip(self, cell: int, line: int, text: str, reason: str) -> None:
        self.skipped.append(Skipped(cell, line, text.strip()[:500], reason))


def cell_of(
    source: str, name: str, number: int | None = None, written: str | None = None
) -> ProgramCell:
    """Return code as it is run; a syntax error is kept for its turn."""
    tree, error = None, None
    if len(source) > LONGEST:  # its tree takes some hundred times as much memory
        error = SyntaxError(f"it is longer than {LONGEST >> 20} MB")
        return ProgramCell(
            number, name, source, tree, error, source if written is None else written
        )
    try:
        tree = ast.parse(source, name)
    except SyntaxError as found:
        error = found
    except (ValueError, RecursionError, MemoryError) as found:  # null bytes; nested too deeply
        error = SyntaxError(str(found) or "nested too deeply")
    return ProgramCell(number, name, source, tree, error, source if written is None else written)


def read_program(path: Path, copy: Path | None = None) -> Program:
    """Read a script or a notebook; nothing of it is run.

    Args:
        path: the file.
        copy: a changed copy, which is read in its place; it is run as if it stood there.

    Raises:
        UserError: there is no such file, or it is neither.
    """
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder; name the script or the notebook in it.")
        file = copy or path
        check_is_file(file)
        if file.stat().st_size > LARGEST:
            raise UserError(f"{path} is larger than {LARGEST >> 20} MB: it is no program.")
        content = file.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path} can't be read ({reason}); name a .py or .ipynb file.") from None
    if path.suffix.lower() == ".ipynb":
        return _notebook(path, content)
    if path.suffix.lower() not in (".py", ".pyw"):
        raise UserError(f"{path} is no Python program; name a .py or .ipynb file.")
    return _script(path, content)


def _script(path: Path, content: bytes) -> Program:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        source = io.TextIOWrapper(io.BytesIO(content), encoding).read()
    except (SyntaxError, UnicodeDecodeError, LookupError):
        raise UserError(f"{path} is no text in the encoding that it names.") from None
    cell = cell_of(source, str(path))
    if cell.error:
        line = f", line {cell.error.lineno}" if cell.error.lineno else ""
        raise UserError(f"{path}{line} is no Python: {cell.error.msg}; correct it and try again.")
    return Program(path, (cell,))


def _notebook(path: Path, content: bytes) -> Program:
    try:
        notebook = json.loads(content)
        cells: list[dict[str, Any]] = notebook["cells"]
        language = notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python")
        code = [
            (number, "".join(cell["source"]))
            for number, cell in enumerate(cells, 1)
            if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        old = b'"worksheets"' in content
        why = "is a notebook of an old format" if old else "is no notebook, or is damaged"
        raise UserError(f"{path} {why}; {NOTEBOOK_HELP}.") from None
    if str(language).lower() not in ("python", "python3", "ipython"):
        raise UserError(f"{path} is a notebook in {language}; only Python is understood.")
    reader = _Reader(path)
    return Program(path, tuple(reader.cell(*one) for one in code), tuple(reader.skipped))


def _is_python(line: str) -> bool:
    """Whether a line that begins like a magic goes on from the line before: ``% 3``."""
    return bool(re.match(r"^\s*%\s", line))


def _lines_in_strings(lines: list[str]) -> set[int]:
    """Return the numbers of lines that begin inside of a string of several lines."""
    inside, quote = set[int](), ""
    for place, line in enumerate(lines, 1):
        if quote:
            inside.add(place)
        rest = line if quote else re.sub(r"#.*$", "", line) if "'" not in line else line
        while rest:
            if quote:
                _, found, rest = rest.partition(quote)
                quote = "" if found else quote
                if not found:
                    break
            else:
                places = [(rest.find(q), q) for q in ('"""', "'''") if q in rest]
                if not places:
                    break
                where, quote = min(places)
                rest = rest[where + 3 :]
    return inside
