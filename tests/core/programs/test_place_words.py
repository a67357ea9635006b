"""Where a training stands, in words: of several of one loop, also by which call it began."""

import ast
import functools
import math

import pytest

from core.doctor.watch_loop import WatchedLoop
from core.programs.find_loops import LoopFinder
from core.programs.instrument import MONITOR, Instrumenter
from core.programs.monitor import Monitor
from core.programs.place_words import loop_words

TRAIN = """import torch
def train(steps):
    w = torch.ones(1, requires_grad=True)
    for _ in range(steps):
        w.grad = None
        (w - 3).square().sum().backward()
        w.data -= 0.1 * w.grad
def run():
    train(3)
"""


def told(source, name="a.py", cell=None):
    """Run a program that is watched; return its trainings as they are told."""
    places, tree = [], ast.parse(source)
    watched = functools.partial(WatchedLoop, record=False, budget=0.0)
    monitor = Monitor(places, watched, math.inf, lambda: None)
    Instrumenter(LoopFinder([tree]), places, "a.py", cell).instrument(tree)
    exec(compile(tree, name, "exec"), {MONITOR: monitor, "__name__": "program"})
    monitor.finish()
    return [training.to_dict() for training in monitor.trainings]


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ("train(3)\n", ["line 4"]),
        (
            "train(3)\nif 1:\n    train(5)\n",
            ["line 4 (called from line 10)", "line 4 (called from line 12)"],
        ),
        ("run()\nrun()\n", ["line 4 (called from line 10)", "line 4 (called from line 11)"]),
        ("run()\ntrain(4)\n", ["line 4 (called from line 9)", "line 4 (called from line 11)"]),
        ("list(map(train, (3, 4)))\n", ["line 4", "line 4"]),
    ],
)
def test_trainings_of_one_loop_are_told_apart_by_the_nearest_call_that_differs(calls, words):
    """A loop that trains once needs no more than its line."""
    loops = told(TRAIN + calls)
    assert [loop_words(loop) for loop in loops] == words
    assert all(loop["where"] == {"file": "a.py", "cell": None, "line": 4} for loop in loops)


def test_of_a_notebook_the_cells_of_the_calls_are_named():
    """They are often others than that of the loop."""
    first, second = told(f"{TRAIN}train(3)\ntrain(3)\n", "a.ipynb, cell 2", 2)
    assert loop_words(first) == "cell 2, line 4 (called from cell 2, line 10)"
    assert second["called_from"] == {"file": "a.ipynb", "cell": 2, "line": 11}
