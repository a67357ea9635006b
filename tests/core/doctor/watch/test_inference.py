"""Inputs in inference against those of training, from small tensors."""

import pytest
import torch
from torch import nn

from core.doctor.watch.inference import _all_given, compare_sizes
from core.doctor.watch.tape import TapeRecorder


@pytest.mark.parametrize(("largest", "alike"), [(8.0, True), (4.0, False)])
def test_a_single_state_may_be_as_large_as_some_examples(largest, alike):
    """Where a trajectory begins far out, of which most batches see its end."""
    batch = 0.1 * torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    rows = torch.cat([batch, torch.tensor([[largest, 0.0]])])
    state = torch.tensor([[6.0, 0.0]])
    assert (compare_sizes(batch, state, rows) == []) is alike
    assert compare_sizes(batch, state)


def test_of_a_trajectory_every_state_counts():
    """It begins far out, and comes nearer in the network's own steps."""
    layer = nn.Linear(2, 2)
    state = torch.full((1, 2), 8.0)
    with TapeRecorder(training=False) as recorder, torch.no_grad():
        for _ in range(5):
            layer(state)
            state = 0.1 * state
    first = next(op for op in recorder.tape.ops if op.name == "linear")
    every = _all_given(recorder.tape, first, first.inputs[0], {id(layer.weight), id(layer.bias)})
    assert every.shape == (5, 2) and float(every[0, 0]) == 8.0
