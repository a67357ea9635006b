"""Use of the window for minutes by a script: what it takes, and what it does not give back."""

import argparse
import gc
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeDatabase

from bench.hostile.actions import Actions, handles
from bench.rows import row, show
from core.training.memory import resident
from gui import app as program
from gui.background_job import BackgroundJob, Stage
from gui.tour import Guide
from gui.window import MainWindow
from gui.worker import RESTS

SETTLED = 10.0  # minutes after which nothing more may be taken
LONGEST = 60.0  # seconds that what is under way may take to end
LATE = ("torch._dynamo", "torch.utils.tensorboard", "torchvision.datasets", "openTSNE")
"""Libraries that are loaded when they are first used, whenever that is, and stay: 250 MB."""
TORCHS = "torchinductor_"
"""Begins the name of the folder that torch makes for what it compiles, one for all programs."""


def use(minutes: float, folder: Path) -> dict[str, Any]:
    """Use the program for so long in this process.

    Returns:
        The memory in bytes after one minute, after ten (or half of the time) and at the end, each
        time with nothing under way; how many handles were opened and files made in the temporary
        folder, and not given back by a window that is closed.
    """
    for name in LATE:
        importlib.import_module(name)
    QMimeDatabase().allMimeTypes()  # a dialog of files opens its cache, which stays open
    actions = Actions(0, folder)
    (folder / "out").mkdir()
    actions.listen()
    actions.open()
    Guide.rest(3000)
    actions.close()
    before, files = handles(), _files()
    actions.open()
    begin = time.monotonic()
    sizes = []
    for until in (min(1.0, minutes / 3), min(SETTLED, minutes / 2), minutes):
        while time.monotonic() - begin < 60 * until:
            actions.play(20)
        rest(actions.window)
        sizes.append(resident())
    actions.close()
    gc.collect()
    return {"sizes": sizes, "handles": dict(handles() - before), "files": [*_files() - files]}


def rest(window: MainWindow) -> None:
    """End what is under way, whose memory is its own, and wait until what was freed is given back.

    A step of a large network takes much; without anything to do the worker looks after a while.
    """
    jobs, end = window.findChildren(BackgroundJob), time.monotonic() + LONGEST
    for job in jobs:
        job.stop(abandon=True)
    while any(job.stage is not Stage.IDLE for job in jobs) and time.monotonic() < end:
        Guide.rest(100)
    gc.collect()
    Guide.rest(round(1000 * (RESTS + 2)))


def _files() -> set[str]:
    names = {path.name for path in Path(tempfile.gettempdir()).iterdir()}
    return {name for name in names if not name.startswith(TORCHS)}


def main(words: list[str]) -> None:
    """Use the window in a process of its own, and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile use", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0)
    minutes = parser.parse_args(words).minutes
    folder = Path(tempfile.mkdtemp(prefix="glassbox-use-"))
    (folder / "tmp").mkdir()
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "GLASSBOX_RUNS": str(folder / "runs"),
        "GLASSBOX_SETTINGS": str(folder / "settings.json"),
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONFAULTHANDLER": "1",
    }
    command = [sys.executable, "-m", "bench.hostile.use", str(minutes), str(folder)]
    answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    shutil.rmtree(folder, ignore_errors=True)
    found = json.loads(answer.stdout.splitlines()[-1])
    print(found, file=sys.stderr)
    first, settled, last = found["sizes"]
    what = f"{minutes:g} minutes of use"
    show(
        [
            row(f"{what}: memory after the first", first / 1e6, None, "MB"),
            row(f"{what}: memory since it has settled", last / settled - 1, 0.03, "%", most=True),
            row(f"{what}: handles left", sum(found["handles"].values()), 0, "", most=True),
            row(f"{what}: temporary files left", len(found["files"]), 0, "", most=True),
        ]
    )


if __name__ == "__main__":
    print(json.dumps(use(float(sys.argv[1]), Path(sys.argv[2]))), flush=True)
    program.leave(0)
