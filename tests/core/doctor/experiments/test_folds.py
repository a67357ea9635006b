"""Folds of a cross-validation that one network goes through."""

import ast
import functools
import math

import numpy as np
import pytest
import torch

from core.doctor.experiments.folds import folds_learned_from
from core.doctor.watch_loop import WatchedLoop
from core.programs.find_loops import LoopFinder
from core.programs.instrument import MONITOR, Instrumenter
from core.programs.monitor import Monitor

ROWS, STEPS, BATCH = 500, 40, 32
FALLING = 1 / (1 + np.arange(5 * STEPS) / 10)
AGAIN = np.tile(FALLING[:STEPS], 5)


def ways():
    """For each way to train and evaluate: what is drawn from, and what is evaluated, by part."""
    g = torch.Generator().manual_seed(0)
    parts = list(torch.randperm(ROWS, generator=g).chunk(5))
    others = [torch.cat(parts[:k] + parts[k + 1 :]) for k in range(5)]
    every, new = torch.arange(ROWS), torch.arange(ROWS, ROWS + 100)
    samples = [torch.randperm(ROWS, generator=g)[:100] for _ in range(5)]
    return {
        "folds": (others, parts),
        "one part that is held out": ([every] * 5, [new] * 5),
        "samples of the training data": ([every] * 5, samples),
        "tasks one after another": (parts, [torch.cat(parts)] * 5),
        "tasks, each evaluated after the next": (parts, [parts[-1], *parts[:4]]),
        "evaluated before it is learned from": (parts, [*parts[1:], new]),
    }


def seen(way, losses, data):
    """Return what is known of such a training: every fifth step, and all evaluations."""
    drawn, evaluated = ways()[way]
    g = torch.Generator().manual_seed(1)
    steps = range(0, 5 * STEPS, 5)
    batches = []
    for step in steps:
        rows = drawn[step // STEPS]
        rows = rows[torch.randperm(len(rows), generator=g)[:BATCH]]
        batches.append(((data[rows],), torch.zeros(len(rows))))
    evaluations = [((k + 1) * STEPS, data[rows]) for k, rows in enumerate(evaluated)]
    return batches, list(steps), evaluations, (np.arange(len(losses)), losses)


@pytest.mark.parametrize("way", ways())
def test_rows_of_a_fold_that_an_earlier_one_learned_from(way):
    """Whatever else is evaluated in turn is no cross-validation."""
    data = torch.randn(ROWS + 100, 12, generator=torch.Generator().manual_seed(2))
    words = folds_learned_from(*seen(way, FALLING, data))
    assert ("from fold to fold" in words) is (way == "folds"), words


@pytest.mark.parametrize("asked", [True, False])
def test_what_was_evaluated_while_it_was_learned_from_tells_what_is_forgotten(asked):
    """As the first rows of a stream do, of which a window is learned from."""
    data = torch.randn(ROWS, 12, generator=torch.Generator().manual_seed(2))
    batches, steps, evaluations, losses = seen("folds", FALLING, data)
    later = evaluations[-1][1]
    first = [(evaluations[0][0], later)] if asked else []
    words = folds_learned_from(batches, steps, [*first, evaluations[0], evaluations[-1]], losses)
    assert bool(words) is not asked, words


@pytest.mark.parametrize("losses", [AGAIN, np.ones(5 * STEPS)], ids=["anew", "nothing learned"])
def test_a_network_that_begins_anew_goes_on_from_no_fold(losses):
    """Its loss says so, also where its weights are only reset."""
    data = torch.randn(ROWS + 100, 12, generator=torch.Generator().manual_seed(2))
    assert not folds_learned_from(*seen("folds", losses, data))


def test_a_fold_that_is_evaluated_on_its_way_may_begin_anew_behind_that():
    """Its loss goes on where it was evaluated first, and not until the next fold."""
    data = torch.randn(ROWS + 100, 12, generator=torch.Generator().manual_seed(2))
    batches, steps, evaluations, losses = seen("folds", AGAIN, data)
    early = [(done - STEPS // 2, rows) for done, rows in evaluations]
    assert not folds_learned_from(batches, steps, early, losses)


def test_rows_that_are_equal_by_chance_say_nothing():
    """As of a truth table."""
    data = torch.randint(0, 2, (ROWS + 100, 12), generator=torch.Generator().manual_seed(2))
    assert not folds_learned_from(*seen("folds", FALLING, data.float()))


PROGRAM = """import torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
X = torch.randn(400, 12)
Y = (X @ torch.randn(12, 3)).argmax(1)
def make():
    return nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
net = make()
opt = torch.optim.Adam(net.parameters(), 0.01)
start = {name: value.clone() for name, value in net.state_dict().items()}
folds = torch.arange(400).chunk(4)
for fold, held in enumerate(folds):
    ANEW
    rows = torch.cat([other for other in folds if other is not held])
    for epoch in range(6):
        for i in rows[torch.randperm(300)].split(30):
            loss = F.cross_entropy(net(X[i]), Y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
    with torch.no_grad():
        val_loss = F.cross_entropy(net(X[held]), Y[held])
"""


@pytest.mark.parametrize(
    ("anew", "faulty"),
    [
        ("pass", True),
        ("net = make(); opt = torch.optim.Adam(net.parameters(), 0.01)", False),
        ("net.load_state_dict(start); opt = torch.optim.Adam(net.parameters(), 0.01)", False),
        ("net.load_state_dict(start)", False),
    ],
)
def test_a_program_that_makes_no_network_for_each_fold(anew, faulty):
    """Or one that does, or that takes its first weights again."""
    places, tree = [], ast.parse(PROGRAM.replace("ANEW", anew))
    watched = functools.partial(WatchedLoop, record=False, budget=0.0, unedited=True)
    monitor = Monitor(places, watched, math.inf, lambda: None)
    Instrumenter(LoopFinder([tree]), places, "a.py", None).instrument(tree)
    exec(compile(tree, "a.py", "exec"), {MONITOR: monitor, "__name__": "program"})
    monitor.finish()
    found = [cause for one in monitor.trainings for cause in one.loop.diagnosis.causes]
    assert ("data_overlap" in [cause.id for cause in found]) is faulty, found
