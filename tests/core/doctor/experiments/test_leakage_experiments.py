"""On which inputs an output depends, by its gradient."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from glassbox import watch


@pytest.mark.parametrize(("scale", "passed"), [(1.0, True), (1e4, None), (float("nan"), None)])
def test_without_a_gradient_nothing_is_said_of_whose_inputs_count(scale, passed):
    """Saturated units have none, which is not that of other examples alone."""
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    net[0].weight.data *= scale
    x, y = torch.randn(64, 4), torch.randint(0, 3, (64,))
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
    with watch(quiet=True, record=False, budget=0.3) as seen:
        for _ in range(20):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            seen.step(loss)
    (found,) = (done for done in seen.diagnosis.experiments if done.id == "examples_apart")
    assert found.passed is passed, found
    assert "only" not in found.measured
