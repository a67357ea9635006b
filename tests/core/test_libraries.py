"""A library that is missing or can't be loaded is a sentence with what to do."""

import os
import re
import subprocess
import sys

import pytest

from core.libraries import LIBRARIES, import_problem, missing
from tests.core.test_cli import ROOT, refused

BROKEN = {
    "torch": 'import ctypes; ctypes.CDLL("libgone.so.9")',  # as torch looks for its libraries
    "PySide6.QtCore": 'raise ImportError("libgone.so.9: not found", name=__name__)',
    "safetensors": "import nowhere_to_be_found",
}


def test_every_requirement_is_known():
    """By the name that requirements.txt has."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {re.split("[=><]", line)[0] for line in lines if line and line[0] != "#"} == set(
        LIBRARIES.values()
    )


def test_what_is_missing_is_named_as_it_is_installed(monkeypatch):
    """One or several in one sentence; nothing if nothing is missing."""
    assert missing(LIBRARIES) == ""
    for name in ("PIL", "tiktoken"):
        monkeypatch.setitem(sys.modules, name, None)
    assert missing(["PIL"]).startswith("pillow is not installed; install with: ")
    assert missing(LIBRARIES).startswith("pillow, tiktoken are not installed; install with: ")


def test_a_command_without_its_library_is_refused(monkeypatch):
    """The command line says it, and ends with status 2."""
    monkeypatch.setitem(sys.modules, "safetensors", None)
    assert "safetensors is not installed" in refused("evaluate", "names")


def test_another_import_error_is_a_bug():
    """A module of Glassbox's own, or a name that a library lacks in no file of its own."""
    for code in ("import core.nowhere", "from json import nowhere", "open('/nowhere')"):
        with pytest.raises((ImportError, OSError)) as raised:
            exec(code)
        assert import_problem(raised.value) == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("torch", ["-m", "core", "sample", "names"]),
        ("torch", ["main.py", "sample", "names"]),
        ("safetensors", ["-m", "core", "sample", "names"]),
        ("PySide6.QtCore", ["main.py"]),
    ],
)
def test_a_library_that_cannot_be_loaded_is_a_sentence(name, words, tmp_path):
    """With the reason; whoever started the program sees no traceback."""
    path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
    for folder in path.relative_to(tmp_path).parents:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "__init__.py").touch()
    path.write_text(BROKEN[name])
    done = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    library = LIBRARIES[name.partition(".")[0]]
    assert done.stderr.startswith(f"glassbox: {library} can't be loaded (")
    assert f"--force-reinstall {library}" in done.stderr
