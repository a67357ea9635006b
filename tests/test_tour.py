"""The tour: the program uses itself, and its exit status says whether all of it worked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QWidget

from gui.tour import Guide, TourError

ROOT = Path(__file__).parents[1]


def test_without_a_display_the_program_plays_its_tour(tmp_path):
    """What ``make run`` does there, of one page; ``.ci/run`` plays all of them in a real window."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment.pop("QT_QPA_PLATFORM", None)
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "--page", "names"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Page 1 of 1: names" in done.stdout
    for name in ("names-light", "names-training-light", "names-dark", "overview"):
        with Image.open(tmp_path / "build" / "tour" / f"{name}.png") as picture:
            assert picture.width >= 1280


def test_a_picture_of_an_empty_window_fails(qtbot, tmp_path):
    """What shows nothing is no success."""
    empty = QWidget()
    qtbot.addWidget(empty)
    with pytest.raises(TourError, match="empty"):
        Guide(empty, tmp_path).look("nothing")


def test_a_tour_without_a_place_for_its_pictures_fails(tmp_path):
    """The exit status is 1, and a sentence says why."""
    taken = tmp_path / "taken"
    taken.write_text("a file, no folder")
    done = subprocess.run(
        [sys.executable, "main.py", "--tour", str(taken)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        check=False,
    )
    assert done.returncode == 1 and "the tour failed" in done.stdout
