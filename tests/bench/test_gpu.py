"""All parts of the GPU's bench run, on the CPU as far as it goes; without a GPU it says so."""

import importlib
import json
import sys

import pytest
import torch

from bench.rows import SMALLEST
from core import paths
from gui import session as session_module
from tests.core.test_cli import answer


@pytest.fixture
def gpu(monkeypatch, tmp_path, light_starters):
    """The module with its smallest sizes, in this process."""
    monkeypatch.setenv(SMALLEST, "1")
    monkeypatch.delenv("GLASSBOX_DATA", raising=False)
    for module in (session_module, paths):
        monkeypatch.setattr(module, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(session_module, "CHECKPOINTS", light_starters)
    for name in [name for name in sys.modules if name.startswith("bench.")]:
        monkeypatch.delitem(sys.modules, name)
    made = importlib.import_module("bench.gpu")
    monkeypatch.setattr(made, "core", answer)
    return made


def test_every_part_runs(gpu, qapp, capsys):
    """There are rows of each, and a training in the window ran where it was to."""
    gpu.main(["--device", "cpu"])
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out.splitlines()[-1])}
    assert "points on cpu, 30 s: steps/s" in rows
    assert "training in the window on cpu, against bare" in rows
    assert rows["CPU and back: steps done"]["measured"] == "6.0 steps"
    assert rows["judged on the CPU against on the device: loss differs by"]["met"]


def test_without_a_gpu_it_says_so(gpu, monkeypatch, capsys):
    """There are no rows then, and nothing has failed."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    gpu.main([])
    out, err = capsys.readouterr()
    assert json.loads(out) == [] and "no CUDA GPU" in err
