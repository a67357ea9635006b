"""Folders with any letter in their names: of the program, of data, of runs."""

import importlib
import os
import shlex
import shutil
import sys

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QComboBox

from core.files import write_whole
from core.paths import RESOURCES
from core.playgrounds.text import corpus
from gui import theme

NAMES = (
    "with spaces",
    "Gärten ñ 数据",
    "o'clock",
    'a "quoted" one',
    "100% #1 $HOME ~x",
    "(a) [b] {c} ; d, e=f & <b>g",
    "url(x)",
    "x" * 200,
)


@pytest.fixture(params=NAMES)
def place(request, tmp_path):
    """A folder of such a name."""
    folder = tmp_path / request.param
    folder.mkdir()
    return folder


def _box_as_painted(qtbot, monkeypatch, resources):
    """An open box as the style sheet of a program in that place paints it."""
    monkeypatch.setattr(theme, "RESOURCES", resources)
    theme._stylesheet.cache_clear()
    box = QComboBox()
    qtbot.addWidget(box)
    theme.style(box)
    box.setFixedSize(QSize(120, 32))
    return box.grab().toImage()


def test_the_style_sheet_is_whole_wherever_the_program_lies(place, qtbot, monkeypatch):
    """Qt warns of a sheet that it can't parse, and of a picture that it can't find."""
    shutil.copytree(RESOURCES / "icons", place / "icons")
    shutil.copy(RESOURCES / "theme.qss", place)
    there = _box_as_painted(qtbot, monkeypatch, place)
    assert there == _box_as_painted(qtbot, monkeypatch, RESOURCES)
    monkeypatch.undo()
    theme._stylesheet.cache_clear()


def test_a_file_is_written_through_a_link(place):
    """The link stays one, and what it names is written."""
    (place / "link.json").symlink_to(place / "elsewhere.json")
    write_whole(place / "link.json", b"{}")
    assert (place / "link.json").is_symlink()
    assert (place / "elsewhere.json").read_bytes() == b"{}"


def test_the_draft_of_a_killed_process_goes(tmp_path):
    """Whoever writes into that folder next removes it; one that is being written stays."""
    left, fresh = tmp_path / ".glassbox-left", tmp_path / ".glassbox-fresh"
    for draft in (left, fresh):
        draft.write_bytes(b"half")
    os.utime(left, (1e9, 1e9))
    write_whole(tmp_path / "table.csv", b"whole")
    assert {path.name for path in tmp_path.iterdir()} == {".glassbox-fresh", "table.csv"}


def test_a_command_that_is_advised_names_python_as_a_shell_reads_it(monkeypatch):
    """An environment may lie in a folder with spaces."""
    monkeypatch.setattr(sys, "executable", "/home/a b/$x/python")
    with monkeypatch.context() as patched:
        patched.delitem(sys.modules, "core.libraries")
        install = importlib.import_module("core.libraries").INSTALL
    assert shlex.split(install)[:3] == ["/home/a b/$x/python", "-m", "pip"]


def test_a_relative_folder_of_runs_is_one_folder_from_everywhere(monkeypatch, tmp_path):
    """Whatever the folder is that one works in later."""
    monkeypatch.setenv("GLASSBOX_RUNS", "my runs")
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patched:
        patched.delitem(sys.modules, "core.paths")
        runs = importlib.import_module("core.paths").RUNS
    assert runs == tmp_path / "my runs"


def test_hidden_files_are_no_texts(tmp_path):
    """A Mac leaves one beside each file on other systems' disks, full of zero bytes."""
    (tmp_path / "own.txt").write_text("To be or not to be. " * 20, encoding="utf-8")
    (tmp_path / "._own.txt").write_bytes(bytes(100))
    assert corpus.load(tmp_path).train.characters == 360
