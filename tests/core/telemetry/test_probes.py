"""Probes measure what plain torch does, and leave nothing behind."""

import math

import pytest
import torch
from torch import nn

from core.layers import Layer, LowRankLinear, initialise, layers_of
from core.telemetry.events import LayerInfo, Snapshot
from core.telemetry.probes import Probe, describe


def net(gain: float, activation: str = "tanh", depth: int = 3) -> nn.Sequential:
    """A stack of equal layers whose weights have a given standard deviation."""
    model = nn.Sequential(*[Layer(nn.Linear(100, 100), activation) for _ in range(depth)])
    initialise(model, "normal", gain, torch.Generator().manual_seed(0))
    return model


def probed(model: nn.Module, rate: float = 0.1) -> tuple[Snapshot, torch.Tensor, torch.Tensor]:
    """One step of plain descent under a probe; also a layer's output, and its weights before."""
    x = torch.randn(64, 100, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    before = model[0].product.weight.detach().clone()
    with Probe(model) as probe:
        model(x).square().mean().backward()
        probe.before_update()
        optimizer.step()
        probe.after_update()
    with torch.no_grad():
        out = torch.nn.functional.linear(x, before, torch.zeros(100)).tanh()
    return probe.snapshot(1), out, before


def test_the_numbers_are_those_of_plain_torch():
    """Mean, std, saturation, ratios and the update agree with doing it by hand."""
    model = net(0.3)
    snapshot, out, before = probed(model)
    stats, weight = snapshot.layers[0], model[0].product.weight
    some = out  # few enough that none is left out
    assert stats.mean == pytest.approx(float(some.mean()), abs=1e-5)
    assert stats.std == pytest.approx(float(some.std(correction=0)), rel=1e-4)
    assert stats.saturated == pytest.approx(float((some.abs() > 0.97).float().mean()), abs=1e-6)
    assert stats.activation_histogram.sum() == pytest.approx(1.0, abs=1e-3)
    update = float((weight.detach() - before).std() / before.std())
    assert stats.update_to_data == pytest.approx(math.log10(update), abs=1e-2)
    ratio = float(weight.grad.std() / before.std())
    assert stats.gradient_to_weight == pytest.approx(ratio, rel=1e-2)


def test_dead_units_are_counted():
    """A relu unit whose bias holds it below zero is dead on every example."""
    model = net(0.1, "relu")
    with torch.no_grad():
        model[0].product.bias[:25] = -100.0
    assert probed(model)[0].layers[0].dead == pytest.approx(0.25, abs=0.02)


def test_probes_take_themselves_off():
    """After the step no hook is left, even if the step failed."""
    model = net(0.1)
    with pytest.raises(RuntimeError), Probe(model):
        model(torch.zeros(3, 7))
    assert all(layer.listener is None for layer in layers_of(model).values())


def test_of_an_addition_of_low_rank_the_factors_are_measured():
    """The matrix stays as it is; what learns has a gradient and an update, at first too."""
    product = LowRankLinear(100, 100, bias=True, rank=4)
    product.draw(torch.Generator().manual_seed(2))
    model = nn.Sequential(Layer(product, "tanh"), Layer(nn.Linear(100, 10)))
    model.requires_grad_(False)
    factors = [product.down.requires_grad_(True), product.up.requires_grad_(True)]
    before = torch.cat([factor.detach().flatten() for factor in factors])
    weight = product.weight.clone()
    stats = probed(model)[0].layers
    first, second = describe(model)
    assert (first.frozen, first.rank, first.learned) == (False, 4, 800)
    assert (second.frozen, second.rank) == (True, 0) and stats[1].update_to_data == -math.inf
    assert torch.equal(product.weight, weight)
    update = torch.cat([factor.detach().flatten() for factor in factors]) - before
    gradient = torch.cat([factor.grad.flatten() for factor in factors])
    ratios = [float(x.std(correction=0) / before.std(correction=0)) for x in (gradient, update)]
    assert stats[0].gradient_to_weight == pytest.approx(ratios[0], rel=1e-4) and ratios[0] > 0
    assert stats[0].update_to_data == pytest.approx(math.log10(ratios[1]), abs=1e-4)


def test_a_layer_is_described_by_its_matrix_product():
    """In -> out, kernel and parameters of a convolution and of a matrix."""
    conv = nn.Sequential(Layer(nn.Conv2d(8, 16, 3), "relu", norm=True))
    assert describe(conv) == (LayerInfo("0", 72, 16, 3, 16 * 72 + 16 + 32, "relu", True),)
