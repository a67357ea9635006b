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

ROOT = Path(__file__).parents[3]
SMALL = "tokenizer=characters context=16 width=16 layers=2 heads=2 batch_size=8".split()
LESSON = "The cat sat on the mat. A rat, by the way, sat on the cat!\nShall I compare thee?\n"


def core(folder, processes, *words):
    """Run ``python -m core`` alone or as several, with a folder for its runs."""
    team = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *(team if processes > 1 else []), "-m", "core", *words]
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


def test_two_processes_learn_what_one_does(lesson, tmp_path):
    """The same total batch, the same weights within rounding; one record, one answer."""
    words = ("train", "text", "--steps", "40", "--data", str(lesson), "--json", "--set", *SMALL)
    made = {}
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        done = core(folder, processes, *words)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("\n") == 1
        assert json.loads(done.stdout)["steps"] == 40
        (made[processes],) = folder.iterdir()
        assert read_run_info(made[processes]).state == "finished"
    one, two = (load_checkpoint(made[n] / "last.safetensors").weights for n in (1, 2))
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-4, atol=1e-5)
    losses = [read_curves(made[n]).loss.y for n in (1, 2)]
    assert len(losses[0]) == 40 and abs(losses[0] - losses[1]).max() < 1e-4


def test_a_batch_that_cannot_be_shared_is_said_once(lesson, tmp_path):
    """One sentence, from the one that leads."""
    words = ("train", "text", "--steps", "5", "--data", str(lesson), "--set", *SMALL)
    done = core(tmp_path, 2, *words, "batch_size=7")
    assert done.returncode != 0
    assert done.stderr.count("can't be shared evenly by 2 processes") == 1
    assert not any(tmp_path.iterdir())
