"""Use of the window for minutes by a script: what it takes, and what it does not give back."""

import argparse
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.hostile.actions import Actions, handles, resident
from bench.rows import row, show
from gui import app as program

SETTLED = 10.0  # minutes after which nothing more may be taken


def use(minutes: float, folder: Path) -> dict[str, Any]:
    """Use the program for so long in this process.

    Returns:
        The memory in bytes after one minute, after ten (or half of the time) and at the end; how
        many handles were opened and files made in the temporary folder, and not given back.
    """
    actions = Actions(0, folder)
    (folder / "out").mkdir()
    actions.listen()
    actions.open()
    begin = time.monotonic()
    sizes = []
    files = set(Path(tempfile.gettempdir()).iterdir())
    for until in (min(1.0, minutes / 3), min(SETTLED, minutes / 2), minutes):
        while time.monotonic() - begin < 60 * until:
            actions.play(20)
        gc.collect()
        sizes.append(resident())
        if len(sizes) == 1:
            before = handles()
    more = handles() - before
    actions.close()
    made = set(Path(tempfile.gettempdir()).iterdir()) - files
    return {"sizes": sizes, "handles": dict(more), "files": [path.name for path in made]}


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
