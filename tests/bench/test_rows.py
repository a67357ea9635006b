"""Each row of the bench runs to its end, with its smallest sizes and the bundled data."""

import importlib
import json
import sys

import pytest

from bench.__main__ import MEASUREMENTS, main
from bench.rows import SMALLEST
from core import paths
from core.playgrounds.text import playground as text_playground
from core.playgrounds.text import tokens
from core.playgrounds.text.evaluation import loss_of
from gui import session as session_module
from tests.core.test_cli import answer

OWN_PROCESS = ("hostile-disk", "expressions")
"""They change the process for good: a fork, an audit hook."""
ELSEWHERE = ("gpu",)
"""It needs what a machine may lack, and has a test of its own."""
APART = (*OWN_PROCESS, *ELSEWHERE)


SLOW = (
    *("doctor-cost", "hostile-kills"),  # in processes of their own, too
    *("programs-own", "programs-cost", "programs-picture"),
    *("start", "speed-cnn", "speed-mlp", "memory", "close", "theme", "drawn", "names-speed"),
    *("boundary", "mute", "names-prefix"),
    *("text-first", "text-speed", "text-180", "text-characters", "text-starter", "runs-cost"),
    *("doctor-loops", "doctor-agreement", "doctor-times"),
    *("model-comparison", "model-comparison-lecture"),
)
"""They open the whole window and train in it, run programs in processes of their own, or judge the
text starter on all of its data: half a minute each beside other tests. All of them run by
``make bench ARGS=--smallest``, too."""


def loss_of_a_part(model, text, before, limit=None):
    """What a text costs a network, by few of its tokens."""
    return loss_of(model, text, before, min(limit or 1000, 1000))


@pytest.fixture
def smallest(monkeypatch, tmp_path):
    """Sizes of the bench that only show that a row runs; modules are read anew with them."""
    monkeypatch.setenv(SMALLEST, "1")
    monkeypatch.delenv("GLASSBOX_DATA", raising=False)
    monkeypatch.setattr(session_module, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")  # rows set these two: put back at the end
    monkeypatch.setattr(tokens, "TOKENS", tmp_path / "tokens")
    monkeypatch.setattr(text_playground, "loss_of", loss_of_a_part)
    for name in [name for name in sys.modules if name.startswith("bench.")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("name", [name for name in MEASUREMENTS if name not in APART + SLOW])
def test_a_row_runs_to_its_end(name, smallest, light_starters, monkeypatch, qapp, capsys):
    """It prints its rows, whatever their numbers are."""
    module, *words = MEASUREMENTS[name].split()
    made = importlib.import_module(module)
    if module != "bench.text":  # whose starter takes the longest to be judged
        monkeypatch.setattr(session_module, "CHECKPOINTS", light_starters)
    if module == "bench.accuracy":
        monkeypatch.setattr(made, "core", answer)  # in this process: torch is loaded already
    made.main(words)
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert rows and all(row["what"] and row["measured"] for row in rows)


def test_the_table_runs_rows_and_says_at_its_end_which_failed(monkeypatch, capsys):
    """In processes of their own: those that need one run, and one that breaks is named last."""
    monkeypatch.setitem(MEASUREMENTS, "broken", "bench.no_such_module")
    monkeypatch.setattr(sys, "argv", ["bench", "--smallest", *OWN_PROCESS, "broken"])
    assert main() == 1
    shown = capsys.readouterr().out
    assert shown.splitlines()[-2] == "did not run to their end: broken"
    assert shown.splitlines()[-1] == "missed a floor: none"
