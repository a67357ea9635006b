"""Interventions change what follows a part, and nothing once they are gone."""

import copy

import pytest
import torch
from torch import nn

from core.interventions import (
    Intervention,
    Part,
    asked_with,
    heads_of,
    importance,
    intervene,
    intervened,
)
from core.layers import Layer
from core.transformer import Block


class Net(nn.Module):
    """A filter bank, pooled, and three outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = Layer(nn.Conv2d(1, 4, 3, padding=1), "relu", norm=True, pool=2)
        self.output = Layer(nn.Linear(4 * 16, 3))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(B, 1, 8, 8) to (B, 3)."""
        return self.output(self.conv(pictures).flatten(1))


@pytest.fixture
def net() -> Net:
    """Make a network with random weights."""
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture
def pictures() -> torch.Tensor:
    """Make inputs."""
    return torch.rand(5, 1, 8, 8)


def test_a_muted_filter_is_one_whose_weights_out_are_zero(net, pictures):
    """What comes after it gets nothing from it."""
    by_hand = copy.deepcopy(net)
    by_hand.output.product.weight.data[:, 16:32] = 0.0  # what reads the second filter's 4 x 4 map
    intervene(net, [Intervention(Part("conv", 1))])
    assert torch.allclose(net(pictures), by_hand(pictures), atol=1e-6)


def test_a_patched_output_has_its_value_and_others_are_left(net, pictures):
    """The value holds for every example."""
    before = net(pictures)
    intervene(net, [Intervention(Part("output", 2), factor=0.0, added=7.0)])
    after = net(pictures)
    assert (after[:, 2] == 7.0).all() and torch.equal(after[:, :2], before[:, :2])


def test_a_scaled_output_is_so_many_times_as_large(net, pictures):
    """It is the output that is multiplied."""
    before = net(pictures)
    intervene(net, [Intervention(Part("output", 0), factor=2.0)])
    assert torch.equal(net(pictures)[:, 0], 2.0 * before[:, 0])


def test_without_interventions_it_is_what_it_was(net, pictures):
    """Also by one that changes nothing."""
    before, acts = net(pictures), len(net.conv.spoken)
    intervene(net, [Intervention(Part("conv", 0)), Intervention(Part("conv", 3), 0.5)])
    assert not torch.equal(net(pictures), before)
    intervene(net, [Intervention(Part("conv", 0), factor=1.0)])
    assert torch.equal(net(pictures), before) and len(net.conv.spoken) == acts


def test_parts_that_a_model_lacks_are_ignored(net, pictures):
    """A layer of another network, and a unit too many."""
    before = net(pictures)
    intervene(net, [Intervention(Part("hidden.0", 0)), Intervention(Part("output", 99))])
    assert torch.equal(net(pictures), before)


@pytest.mark.parametrize("rotary", [False, True])
def test_a_muted_head_adds_nothing_when_reading_whole_or_on(rotary):
    """Its numbers don't reach the projection, with the cache neither."""
    torch.manual_seed(0)
    net = nn.Sequential(Block(8, 2, rotary=rotary)).eval()
    by_hand = copy.deepcopy(net)
    by_hand[0].project.product.weight.data[:, 4:] = 0.0  # the second head's four numbers
    x = torch.randn(3, 6, 8)
    assert heads_of(net) == {"0.project": 2} and Part("blocks.7.project", 1, True).block == 7
    intervene(net, [Intervention(Part("0.project", 1, head=True))])
    assert torch.allclose(net(x), by_hand(x), atol=1e-6)
    with torch.no_grad():
        room = torch.empty(2, 3, 2, 6, 4)
        first = net[0].read(x[:, :4], room, 0)
        read_on = torch.cat([first, net[0].read(x[:, 4:], room, 4)], 1)
    assert torch.allclose(read_on, by_hand(x), atol=1e-6)


def test_the_important_part_is_the_one_that_the_loss_hangs_on(net, pictures):
    """And the model is left without interventions."""
    net.output.product.weight.data[:, :48] = 0.0  # only the last filter is heard
    goal = net(pictures).detach()
    parts = [Part("conv", index) for index in range(4)]
    found = importance(net, parts, lambda: (net(pictures) - goal).square().mean())
    assert [found[part] for part in parts[:3]] == [0.0, 0.0, 0.0] and found[parts[3]] > 1e-4
    assert torch.equal(net(pictures), goal)


def test_for_a_while_or_for_a_question(net, pictures):
    """Afterwards it computes as before, with what it had been given, also after an error."""
    kept = Intervention(Part("output", 0), factor=2.0)
    intervene(net, [kept])
    before = net(pictures)
    muted = asked_with([Intervention(Part("conv", 1))], lambda model, step: model(pictures))
    assert not torch.equal(muted(net, 0), before) and torch.equal(net(pictures), before)
    with pytest.raises(ZeroDivisionError), intervened(net, [Intervention(Part("conv", 2))]):
        raise ZeroDivisionError
    assert torch.equal(net(pictures), before)
