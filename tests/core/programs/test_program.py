"""Scripts and notebooks are read as they are; what is neither is refused with a sentence."""

import json

import pytest

from core.errors import UserError
from core.programs.program import read_program


def notebook(folder, *cells, language="python"):
    """Write a notebook of some cells of code behind one of text."""
    text = {"cell_type": "markdown", "source": ["# Title"], "metadata": {}}
    code = [
        {"cell_type": "code", "source": cell.splitlines(True), "metadata": {}, "outputs": []}
        for cell in cells
    ]
    path = folder / "a.ipynb"
    path.write_text(
        json.dumps(
            {
                "cells": [text, *code],
                "metadata": {"kernelspec": {"language": language}},
                "nbformat": 4,
                "nbformat_minor": 5,
            }
        )
    )
    return path


def test_cells_keep_their_numbers_and_lines(tmp_path):
    """Magics and shell commands give way to nothing, on their line."""
    path = notebook(
        tmp_path,
        "%matplotlib inline\nimport os\n!pip install x\nfiles = !ls\n?os\nos.sep?",
        "%%time\nx = 1\n%time y = 2\nif x:\n    %timeit -n 3 f()\nz = 7 \\\n % 4",
        "%%bash\necho no",
        's = """\n!kept\n%kept\n"""',
        "for (",
    )
    program = read_program(path)
    assert [cell.number for cell in program.cells] == [2, 3, 4, 5, 6]
    sources = [cell.source.splitlines() for cell in program.cells]
    assert sources[0] == ["pass", "import os", "pass", "pass", ""]
    assert sources[1][:5] == ["", "x = 1", "y = 2", "if x:", "    f()"]
    assert sources[1][5:] == ["z = 7 \\", " % 4"]
    assert sources[2] == [] and sources[3] == ['s = """', "!kept", "%kept", '"""']
    skipped = [(line.cell, line.line, line.text) for line in program.skipped]
    assert skipped == [(2, 3, "!pip install x"), (2, 4, "files = !ls"), (4, 1, "%%bash")]
    assert program.cells[4].tree is None and program.cells[4].error.lineno == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.py", None, "can't be read (No such file or directory)"),
        ("a.txt", b"x", "is no Python program"),
        ("a.py", b"for (", "line 1 is no Python"),
        ("a.py", b"x = '\xff'", "no text in the encoding"),
        ("a.py", b"# coding: nonsense\n", "no text in the encoding"),
        ("a.py", b"x = 1\0", "is no Python"),
        ("a.ipynb", b"{", "is no notebook"),
        ("a.ipynb", b"[1]", "is no notebook"),
        ("a.ipynb", b'{"worksheets": [], "nbformat": 3}', "of an old format"),
    ],
)
def test_what_is_no_program_is_refused(tmp_path, name, content, said):
    """With a sentence that says why."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=said.replace("(", r"\(").replace(")", r"\)")):
        read_program(path)


def test_notebooks_in_other_languages_and_folders_are_refused(tmp_path):
    """Their language is said."""
    with pytest.raises(UserError, match="a notebook in julia; only Python"):
        read_program(notebook(tmp_path, "1", language="julia"))
    with pytest.raises(UserError, match="is a folder"):
        read_program(tmp_path)


@pytest.mark.parametrize("cell", ["y = (7\n  %2)", "s = 'a\u2028b'", "s = '\x0c'\r\nt = 1"])
def test_a_cell_that_is_python_stays_as_it_is(tmp_path, cell):
    """What looks like a magic may go on a line; only a line feed ends one."""
    (read,) = read_program(notebook(tmp_path, cell)).cells
    assert read.tree and read.source == cell
    with_magic = read_program(notebook(tmp_path, f"{cell}\n!ls")).cells[0]
    assert cell.startswith("y") or with_magic.source == f"{cell}\npass"
