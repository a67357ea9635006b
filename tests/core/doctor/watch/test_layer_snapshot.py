"""What the layer table shows of any program: a layer that is frozen is no fault."""

import pytest
import torch
from torch import nn

from core.doctor.watch.build_graph import build_graph
from core.doctor.watch.layer_snapshot import layer_snapshot
from core.doctor.watch.observe import observe
from core.doctor.watch.recorder import TapeRecorder
from core.doctor.watch.variables import find_variables
from core.telemetry.layer_health import check_layers

ASKED = {"by a gradient": False, "by no optimiser": True}


def layers_seen(net, optimizer):
    """The layers of a step of descent on made-up numbers."""
    x, y = torch.randn(20, 3), torch.arange(20) % 2
    space = {"net": net, "optimizer": optimizer, "x": x, "y": y}
    names = find_variables([space])
    before = {name: p.detach().clone() for name, p in names.parameters.items()}
    with TapeRecorder() as recorder:
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
    optimizer.step()
    names = find_variables([space])
    graph = build_graph(recorder.tape, names.module_parameters(), names.buffers)
    return layer_snapshot(graph, observe(graph, names, before, loss, 3, 1.5))


@pytest.mark.parametrize("asks", ASKED.values(), ids=ASKED)
def test_what_is_not_to_learn_is_frozen_and_no_fault(asks):
    """It requires no gradient, or no optimiser holds it; the layer behind it learns."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    net[0].requires_grad_(asks)
    found = layers_seen(net, torch.optim.SGD(net[2].parameters(), lr=0.01))
    assert [info.frozen for info in found.layers] == [True, False]
    assert check_layers(found.layers, found.snapshot) == [[], []]
    found = layers_seen(net, torch.optim.SGD(net.parameters(), lr=0.01))
    assert [info.frozen for info in found.layers] == [not asks, False]
