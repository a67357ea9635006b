"""Loops as an engine runs them: validations, averaged weights, groups, tasks, few digits."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch
from core.doctor import diagnose

pytestmark = pytest.mark.usefixtures("one_thread")
EPOCH, ROWS = 12, 32


@pytest.fixture(autouse=True)
def seeded(monkeypatch):
    """The same numbers each time; no networks of other sizes are trained."""
    torch.manual_seed(0)
    monkeypatch.setattr(diagnose, "worth_comparing", lambda evidence: False)


def rings(count=1200):
    """Return points, and which of three rings each is on."""
    labels = torch.arange(count) % 3
    angles = 6.3 * torch.rand(count)
    radii = 2 + 3 * labels + 0.4 * torch.randn(count)
    return torch.stack([radii * angles.cos(), radii * angles.sin()], 1), labels


def engine(net, optimizer, epochs=8, after_step=None, after_epoch=None, evaluated=None, few=False):
    """Train on rings, validating after each epoch, and return the diagnosis.

    Args:
        net: what is trained.
        optimizer: of its parameters.
        epochs: how many.
        after_step: called after each update.
        after_epoch: called with the loss on new data.
        evaluated: the network that is validated, in the place of the other one.
        few: whether the forward pass is computed in bfloat16.
    """
    x, y = rings()
    evaluated = evaluated or net
    with watch(net, evaluated, optimizer, quiet=True, record=False, budget=3.0) as seen:
        for _ in range(epochs):
            net.train()
            for _ in range(EPOCH):
                i = torch.randint(0, 900, (ROWS,))
                with torch.autocast("cpu", torch.bfloat16, enabled=few):
                    loss = F.cross_entropy(net(x[i]), y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                if after_step:
                    after_step()
                seen.step(loss)
            evaluated.eval()
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=few):
                new = F.cross_entropy(evaluated(x[900:]), y[900:])
            seen.validate(new)
            if after_epoch:
                after_epoch(float(new))
    return seen.diagnosis


def first(diagnosis):
    """The first cause; ""."""
    return diagnosis.causes[0].id if diagnosis.causes else ""


def perceptron():
    """A network of two hidden layers."""
    return nn.Sequential(
        nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3)
    )


@pytest.mark.parametrize("cause", ["weights_restored", ""])
def test_back_to_a_checkpoint(cause):
    """After each epoch that was better than the one that is kept; or after one that was worse."""
    net, kept = perceptron(), [None]

    def back(new):
        better = kept[0] is None or (new > kept[0] if cause else new < kept[0])
        if better:
            kept[:] = new, copy.deepcopy(net.state_dict())
        else:
            net.load_state_dict(kept[1])

    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    assert first(engine(net, optimizer, after_epoch=back)) == cause


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("cause", ["train_eval_mismatch", ""])
def test_an_average_of_the_weights_that_is_validated(cause, few):
    """Without the running statistics; or in bfloat16, whose digits lose its small steps."""
    net = perceptron() if few else nn.Sequential(nn.BatchNorm1d(2), perceptron())
    average = copy.deepcopy(net).requires_grad_(False)
    if few and cause:
        average.bfloat16()
    share = 0.003 if few else 0.1

    @torch.no_grad()
    def follow():
        for mine, theirs in zip(average.parameters(), net.parameters(), strict=True):
            mine.lerp_(theirs.to(mine.dtype), share)
        for mine, theirs in zip(average.buffers(), net.buffers(), strict=True):
            if not cause:
                mine.copy_(theirs)

    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    found = engine(net, optimizer, 40 if few else 8, follow, evaluated=average, few=few)
    assert first(found) == cause, found.text()


@pytest.mark.parametrize(("cause", "share"), [("lr_too_high", 1.0), ("", 1 / 16)])
def test_gradients_of_many_batches(cause, share):
    """Added up as they are, or averaged; none of the steps 0, 1, 2, 3, 5, 8, ... is an update."""
    x, y = rings()
    net = perceptron()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.15, momentum=0.9)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for step in range(800):
            i = torch.randint(0, 900, (4,))
            loss = F.cross_entropy(net(x[i] / 4), y[i])
            (share * loss).backward()
            if step % 16 == 15:
                optimizer.step()
                optimizer.zero_grad()
            seen.step(loss)
    assert first(seen.diagnosis) == cause, seen.diagnosis.text()


@pytest.mark.parametrize(("cause", "scale"), [("targets_unscaled", 300.0), ("", 1.0)])
def test_a_quantity_beside_a_class(cause, scale):
    """Its error is added to that of the class as it is; the class is not learned then."""
    x = torch.randn(600, 6)
    price = scale * (3 + x[:, :1] + x[:, 1:2])
    sold = (x[:, 2] * x[:, 3] > 0).long()
    trunk = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
    one, two = nn.Linear(32, 1), nn.Linear(32, 2)
    parameters = nn.ModuleList((trunk, one, two)).parameters()
    optimizer = torch.optim.Adam(parameters, lr=3e-3)
    with watch(quiet=True, record=False, budget=1.0) as seen:
        for _ in range(200):
            i = torch.randint(0, 600, (ROWS,))
            hidden = trunk(x[i])
            loss = F.mse_loss(one(hidden), price[i]) + F.cross_entropy(two(hidden), sold[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert first(seen.diagnosis) == cause, seen.diagnosis.text()
