"""Several processes that train one network: the same result, one record, one voice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from core.runs.curves import read_curves
from core.runs.run_info import read_run_info
from core.training.checkpoint import load_checkpoint
from tests.core.test_cli import answer

ROOT = Path(__file__).parents[3]
SMALL = (
    "tokenizer=characters context=16 width=16 layers=2 heads=2 batch_size=8 dropout=0"
    " optimizer=adamw".split()
)
LESSON = "The cat sat on the mat. A rat, by the way, sat on the cat!\nShall I compare thee?\n"


def team(folder, *words):
    """Run ``python -m core`` as two processes, with a folder for their runs."""
    two = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, *two, "-m", "core", *words]
    environment = {**os.environ, "GLASSBOX_RUNS": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """A small text."""
    path = tmp_path_factory.mktemp("text") / "lesson.txt"
    path.write_text(LESSON * 60, encoding="utf-8")
    return path


def test_two_processes_learn_what_one_does(lesson, tmp_path, monkeypatch):
    """The same total batch, the same weights within rounding; one record, one answer."""
    words = ("train", "text", "--steps", "40", "--data", str(lesson), "--set", *SMALL)
    monkeypatch.setattr("core.commands.train.RUNS", tmp_path / "alone")
    assert answer(*words)["steps"] == 40
    done = team(tmp_path / "team", *words, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout)["steps"] == 40
    made = [folder for name in ("alone", "team") for folder in (tmp_path / name).iterdir()]
    assert [read_run_info(folder).state for folder in made] == ["finished"] * 2
    one, two = (load_checkpoint(folder / "last.safetensors").weights for folder in made)
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-4, atol=1e-5)
    losses = [read_curves(folder).loss.y for folder in made]
    assert len(losses[0]) == 40 and abs(losses[0] - losses[1]).max() < 1e-4


def test_a_batch_that_cannot_be_shared_is_said_once(lesson, tmp_path):
    """One sentence, from the one that leads."""
    words = ("train", "text", "--steps", "5", "--data", str(lesson), "--set", *SMALL)
    done = team(tmp_path, *words, "batch_size=7")
    assert done.returncode != 0
    assert done.stderr.count("can't be shared evenly by 2 processes") == 1
    assert not any(tmp_path.iterdir())
