"""Which parts of a network rules ask for."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.doctor.watch.build_graph import build_graph
from core.doctor.watch.recorder import TapeRecorder
from core.doctor.watch.variables import find_variables
from core.doctor.watch.wiring import parts

ROWS, TOKENS, WIDTH = 8, 5, 6


class LastOfGRU(nn.Module):
    """Reads a sequence and returns its last state."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(WIDTH, WIDTH, batch_first=True)

    def forward(self, x):
        return self.gru(x)[0][:, -1]


class ByHand(nn.Module):
    """A recurrence whose layer is called for each token."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x):
        h = torch.zeros(ROWS, WIDTH)
        for token in x.unbind(1):
            h = self.layer(torch.cat([h, token], 1)).tanh()
        return h


class Attends(nn.Module):
    """Attention by hand, and a score of each token."""

    def __init__(self):
        super().__init__()
        self.q, self.k = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return (self.q(x) @ self.k(x).mT / WIDTH**0.5).softmax(-1) @ x


@pytest.mark.parametrize(
    ("network", "found"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(TOKENS * WIDTH, WIDTH)), set()),
        (nn.Sequential(nn.Flatten(), nn.BatchNorm1d(TOKENS * WIDTH)), {"batch norm"}),
        (LastOfGRU(), {"recurrence"}),
        (ByHand(), {"recurrence"}),
        (Attends(), {"attention", "sequence of classes"}),
    ],
)
def test_a_step_shows_which_parts_its_network_has(network, found):
    """A network without a part passes no check of it."""
    x = torch.randn(ROWS, TOKENS, WIDTH)
    with TapeRecorder() as recorder:
        out = network(x)
        y = torch.randint(0, out.shape[-1], out.shape[:-1])
        F.cross_entropy(out.flatten(0, -2), y.flatten()).backward()
    variables = find_variables([{"network": network, "x": x, "y": y}])
    assert parts(build_graph(recorder.tape, variables.held())) == found
