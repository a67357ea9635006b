"""The tour: the program uses itself, and its exit status says whether all of it worked."""

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]


def test_the_tour_plays_every_page_in_both_themes(tmp_path):
    """Without a display it runs offscreen, exits with 0, and leaves pictures of every page."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment["QT_QPA_PLATFORM"] = "offscreen"
    done = subprocess.run(
        [sys.executable, "main.py", "--tour", str(tmp_path), "--seconds", "8"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    names = {path.stem for path in tmp_path.glob("*.png")}
    pages = ["digits", "digits-training", "digits-layer", "digits-mistakes", "digits-ezmnist"]
    pages += ["names", "names-training", "names-letters", "names-ladder"]
    pages += ["text", "text-training", "text-samples", "text-tokens", "text-attention"]
    pages += ["doctor", "doctor-watching", "doctor-verdict", "doctor-guess", "doctor-answer"]
    pages += ["doctor-case", "doctor-case-watching", "doctor-case-report"]
    pages += ["lessons", "lessons-product", "lessons-misfit", "lessons-digit", "lessons-rows"]
    pages += ["lessons-convolution", "lessons-attention", "lessons-differentiable"]
    pages += ["lessons-moons", "lessons-gradients", "lessons-gradients-norm"]
    pages += ["runs", "runs-compared", "runs-layers"]
    for page in pages:
        for word in ("light", "dark"):
            assert f"{page}-{word}" in names
            with Image.open(tmp_path / f"{page}-{word}.png") as picture:
                assert picture.width >= 1280 and len(picture.convert("RGB").getcolors(1 << 24)) > 50
