"""The notebook's batch norm by hand: the network can be copied after each of its steps."""

import pytest
import torch
from torch import nn

from core.doctor.experiments.replay import copy_of
from core.lessons.actual_words import NormByHand


class _Network(nn.Module):
    def __init__(self, used):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.acts = [self.layer.forward, NormByHand(self, used)]

    def forward(self, x):
        for act in self.acts:
            x = act(x)
        return x


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("used", [False, True])
def test_it_can_be_copied_after_any_step(steps, used):
    """After the first one, too, whose statistics are the running ones."""
    network = _Network(used)
    for _ in range(steps):
        network(torch.randn(8, 3)).square().sum().backward()
    x = torch.randn(8, 3)
    assert torch.equal(copy_of(network).eval()(x), network.eval()(x))
