"""The tour: the program uses itself, and its exit status says whether all of it worked."""

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]


PAGES = {
    "digits": ["", "-code", "-training", "-layer", "-mistakes", "-ezmnist"],
    "names": ["", "-training", "-letters", "-sweep", "-ladder", "-two"],
    "text": ["", "-tokens", "-attention", "-logit-lens", "-training", "-samples"],
    "doctor": ["", "-start", "-watching", "-guess", "-answer", "-case-watching"],
    "lessons": [
        *("", "-product", "-misfit", "-digit", "-rows", "-convolution", "-attention"),
        *("-differentiable", "-moons", "-gradients", "-gradients-norm"),
    ],
    "runs": ["", "-compared", "-layers"],
}


def test_without_a_display_the_program_plays_its_tour(tmp_path):
    """Exactly what ``make run`` does there: it exits with 0 and leaves pictures of every page."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment.pop("QT_QPA_PLATFORM", None)
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Page 6 of 6: runs" in done.stdout
    pictures = [f"{page}{part}-light" for page, parts in PAGES.items() for part in parts]
    pictures += [f"{page}-dark" for page in PAGES]
    for name in [*pictures, "overview"]:
        with Image.open(tmp_path / "build" / "tour" / f"{name}.png") as picture:
            assert picture.width >= 1280
            assert len(picture.convert("RGB").getcolors(1 << 24)) > 50, name


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
