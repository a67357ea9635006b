"""How good the networks get, through the command line, as anyone would train them."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.rows import row, show
from core.paths import CHECKPOINTS, data_folder


def core(*words: str) -> dict:
    """Run ``python -m core`` and return its JSON; only --data names a folder of data."""
    command = [sys.executable, "-m", "core", *words, "--json"]
    alone = {key: value for key, value in os.environ.items() if key != "GLASSBOX_DATA"}
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=alone)
    return json.loads(answer.stdout)


def trained(seconds: int, floor: float, data: list[str]) -> None:
    """Train for so long, then judge on the official 10,000."""
    full = str(data_folder())
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "net.safetensors")
        made = core("train", "digits", "--seconds", str(seconds), "--out", out, *data)
        got = core("evaluate", out, "--data", full)["metrics"]["test_accuracy"]
    what = f"train digits --seconds {seconds}, {made['dataset'].split(',')[0]}: official 10,000"
    show([row(what, got, floor, "%")])


def starter() -> None:
    """The shipped starter, and the size of its file."""
    got = core("evaluate", "digits", "--data", str(data_folder()))["metrics"]["test_accuracy"]
    size = (CHECKPOINTS / "digits.safetensors").stat().st_size / 1e6
    show(
        [
            row("shipped starter: official 10,000", got, 0.995, "%"),
            row("shipped starter: its file", size, 2.0, "MB", most=True),
        ]
    )


if __name__ == "__main__":
    if data_folder() is None:
        sys.exit("name the folder that holds mnist/ with --data or GLASSBOX_DATA")
    {
        "starter": starter,
        "bundled": lambda: trained(60, 0.99, []),
        "full": lambda: trained(180, 0.9945, ["--data", str(data_folder())]),
    }[sys.argv[1]]()
