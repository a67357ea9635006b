"""Faulty programs of our own, in many styles, each beside its healthy one.

They stand in ``planted``, one file each, with comments that are taken out before it is run:

    # fault CAUSE, ...: LINE    the next line becomes LINE: a faulty program, and where it is so
    # right CAUSE, ...          the next line is right for that fault, too
    # file NAME                 what follows is another file of the program
    # %%                        a cell begins: the program is run as a notebook
"""

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.programs.watching import watched
from core.paths import ROOT

FOLDER = Path(__file__).parent / "planted"
_MARK = re.compile(r"^(\s*)# (fault|right|file) ([^:]*?)(?:: (.*))?$")
_CELL = "# %%"


@dataclass(frozen=True)
class OwnProgram:
    """A program with a fault, or none.

    Attributes:
        name: of its file.
        causes: the ids of which each is right; none of a healthy one.
        files: the texts of its files, by name; the first is the one that is run.
        lines: the texts of the lines at one of which the fault lies.
    """

    name: str
    causes: tuple[str, ...]
    files: dict[str, str]
    lines: frozenset[str]

    @contextmanager
    def written(self) -> Iterator[Path]:
        """Write it into a folder of its own, with the data it reads; yield what is run."""
        with tempfile.TemporaryDirectory(prefix="programs-") as name:
            folder = Path(name)
            shutil.copy(ROOT / "resources/digits/mnist5000.npz", folder / "digits.npz")
            shutil.copy(ROOT / "resources/names/names.txt", folder / "names.txt")
            with zipfile.ZipFile(ROOT / "resources/plays/plays.zip") as plays:
                text = plays.read(plays.namelist()[0]).decode()
            (folder / "input.txt").write_text(text)
            for file, source in self.files.items():
                (folder / file).write_text(_notebook(source) if _CELL in source else source)
            yield folder / next(iter(self.files))


def programs() -> list[OwnProgram]:
    """Return each program: first without a fault, then with each of its own."""
    found = []
    for path in sorted(FOLDER.glob("*.py")):
        if path.stem == "__init__":
            continue
        source = path.read_text()
        faults = [mark for mark in map(_MARK.match, source.splitlines()) if mark]
        causes = [mark.group(3) for mark in faults if mark.group(2) == "fault"]
        found += [_program(path.stem, source, None)]
        found += [_program(path.stem, source, fault) for fault in dict.fromkeys(causes)]
    return found


def _program(name: str, source: str, fault: str | None) -> OwnProgram:
    """Return a program with one of its faults; None for none."""
    suffix = "ipynb" if _CELL in source else "py"
    file = f"{name}.{suffix}"
    files: dict[str, list[str]] = {file: []}
    lines, wanted, replaced = set(), False, None
    causes = set(fault.split(", ")) if fault else set()
    for text in source.splitlines():
        mark = _MARK.match(text)
        if mark is None:
            if replaced is not None:
                text, replaced = replaced, None
            if wanted:
                lines.add(text.strip())
            wanted = False
            files[file].append(text)
            continue
        indent, kind, said, line = mark.groups()
        if kind == "file":
            file = said
            files[file] = []
        elif kind == "fault" and said == fault:
            wanted, replaced = True, indent + line
        elif kind == "right" and causes & set(said.split(", ")):
            wanted = True
    texts = {name: "\n".join(part) + "\n" for name, part in files.items()}
    return OwnProgram(name, tuple(fault.split(", ")) if fault else (), texts, frozenset(lines))


def _notebook(source: str) -> str:
    cells = [
        {"cell_type": "code", "source": cell.strip("\n"), "metadata": {}, "outputs": []}
        for cell in source.split(f"{_CELL}\n")
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def judge(program: OwnProgram, seconds: float, budget: float) -> dict[str, Any]:
    """Run a program and say whether it is judged right, as plain values."""
    with program.written() as path:
        answer = watched(path, seconds=seconds, budget=budget)
    causes = [
        cause for loop in answer["loops"] for cause in (loop["diagnosis"] or {}).get("causes", [])
    ]
    causes.sort(key=lambda cause: -cause["confidence"])
    first = causes[0] if causes else None
    at = first["lines"][0]["text"] if first and first["lines"] else ""
    return {
        "program": program.name,
        "right": program.causes,
        "causes": [cause["id"] for cause in causes],
        "first": first is not None and first["id"] in program.causes,
        "line": at,
        "at_line": at in program.lines,
        "steps": [loop["steps"] for loop in answer["loops"]],
        "error": answer["error"],
    }


def line_of(found: dict[str, Any]) -> str:
    """Return an answer as a line."""
    wrong = found["causes"] if not found["right"] else not found["first"]
    mark = "WRONG" if wrong else "right"
    if found["right"] and not wrong and not found["at_line"]:
        mark = "LINE?"
    named = ", ".join(found["causes"]) or "-"
    shown = f"{mark} {found['program']:20} {', '.join(found['right']) or 'healthy':36} {named}"
    return f"{shown}   {found['line']}" if found["causes"] else shown
