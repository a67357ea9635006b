"""Work is estimated from what is called, so that it is the same on every machine."""

import time

import torch
from torch import nn

from core.doctor.watch.recorder import TapeRecorder
from core.doctor.watch.work import clock, observing_seconds, step_seconds


def recorded(make):
    """Return the calls of a forward pass."""
    with TapeRecorder() as recorder:
        make()
    return recorder.tape.ops


def test_more_work_takes_more_seconds():
    """Larger matrices, more positions of a recurrent layer; the parts of a composed function."""
    small, large = nn.Linear(8, 8), nn.Linear(800, 800)
    x = torch.ones(64, 8), torch.ones(64, 800)
    assert step_seconds(recorded(lambda: small(x[0]))) < step_seconds(recorded(lambda: large(x[1])))
    gru = nn.GRU(8, 8, batch_first=True)
    short, long = (recorded(lambda n=n: gru(torch.ones(4, n, 8))) for n in (2, 20))
    assert 4 < step_seconds(long) / step_seconds(short) < 15
    assert observing_seconds(10, 1000) < observing_seconds(100, 1000)


def test_the_clock_hardly_counts_what_others_take():
    """A thread that waits does no work."""
    before = clock()
    time.sleep(0.1)
    assert clock() - before < 0.05
