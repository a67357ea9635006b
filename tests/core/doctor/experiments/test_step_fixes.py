"""Fixes of a watched loop, tried on copies of its step: one real loop for each kind."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core import watch
from core.doctor.diagnose import replay_of
from core.doctor.evidence import evidence_of
from core.doctor.experiments.step_fixes import prove_steps

pytestmark = pytest.mark.usefixtures("one_thread")


def examined(step, steps=60, lr=0.1, noise=0.5):
    """Watch a loop on three clouds of points; return the diagnosis."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3))
    centres = torch.randn(3, 8, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    with watch(quiet=True, record=False, budget=60.0) as seen:
        for _ in range(steps):
            y = torch.randint(0, 3, (32,), generator=generator)
            x = centres[y] + noise * torch.randn(32, 8, generator=generator)
            seen.step(step(model, optimizer, x, y))
    return seen.diagnosis


def proof(found, cause):
    """What was proved of a cause that must be among those that were named."""
    (named,) = [c for c in found.causes if c.id == cause]
    assert named.settings == ()  # a loop has no recipe
    return named.proof


def test_a_missing_zero_grad_is_proved():
    """A copy that zeroes its gradients learns more from the same batches."""

    def step(model, optimizer, x, y):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    found = proof(examined(step, lr=1.0, noise=2.0), "gradients_not_zeroed")
    assert found.proved and "zeroed" in found.fix and found.fixed < found.unfixed
    assert [s.name for s in found.picture.series] == ["without the fix", "with the fix"]


def test_a_wrong_sign_is_proved():
    """From the weights that it began with, the right sign goes down where the wrong one goes up."""

    def step(model, optimizer, x, y):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        (-loss).backward()
        optimizer.step()
        return -loss

    found = proof(examined(step), "wrong_update_sign")
    assert found.proved and found.fixed < 1.1 < found.unfixed


def test_a_second_softmax_is_proved():
    """Both are judged by the loss of the logits."""

    def step(model, optimizer, x, y):
        loss = F.cross_entropy(model(x).softmax(-1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    found = proof(examined(step), "double_softmax")
    assert found.proved and "judged by that loss" in found.fix


def test_a_layer_that_is_left_out_is_proved():
    """The copy with the fix updates all parameters, the other those that were seen to move."""

    def step(model, optimizer, x, y):
        loss = F.cross_entropy(model(0.3 * x), y)
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in list(model.parameters())[:2]:
                parameter -= 0.5 * parameter.grad
        return loss

    found = proof(examined(step), "parameter_not_trained")
    assert found.proved is not None and "2 more parameters" in found.fix


def test_what_trains_nothing_is_compared_with_what_trains_all():
    """Gradients are zeroed between the backward pass and the step: nothing moves."""

    def step(model, optimizer, x, y):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        return loss

    found = proof(examined(step), "parameter_not_trained")
    assert found.proved and "4 more parameters" in found.fix and found.fixed < 0.9 < found.unfixed


def tried(cause, net, loss, lr):
    """What is proved of a fix for a loop; ``loss`` draws its batch."""
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(60):
            value = loss(net)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            seen.step(value)
    watcher = seen._loop.watcher
    replay, evidence = replay_of(watcher), evidence_of(watcher)
    prove_steps(replay, watcher.variables, evidence, [cause], watcher.first_weights, 60.0)
    return evidence.proofs[cause]


def test_copies_learn_from_all_data_of_the_loop():
    """Of a few small batches that were kept, a rate that is better would only learn the noise."""
    torch.manual_seed(0)
    x = torch.randn(3000, 30)
    y = ((x @ torch.randn(30)) / 5 + torch.randn(3000) > 0).long()

    def loss(net):
        i = torch.randint(0, 3000, (8,))
        return F.cross_entropy(net(x[i]), y[i])

    net = nn.Sequential(nn.Linear(30, 64), nn.Tanh(), nn.Linear(64, 2))
    found = tried("lr_too_low", net, loss, 0.004)
    assert found.proved and found.fixed < 0.5
    assert "Neither copy learned from the new data: a part of the training" in found.measured


def test_one_batch_of_all_examples_still_has_an_interval():
    """What is new is measured in parts."""
    torch.manual_seed(0)
    x = torch.randn(400, 30)
    net = nn.Sequential(nn.Linear(30, 8), nn.Tanh(), nn.Linear(8, 1))
    found = tried("lr_too_low", net, lambda net: F.mse_loss(net(x), x[:, :1]), 1e-2)
    assert found.proved and 0 < found.low < found.gain < found.high


def test_targets_that_are_the_inputs_would_change_their_units():
    """A loss that is lower by the square of a factor proves nothing."""
    torch.manual_seed(0)
    x = 100 * torch.rand(400, 30)

    def loss(net):
        batch = x[torch.randint(0, 400, (32,))]
        return F.mse_loss(net(batch), batch)

    net = nn.Sequential(nn.Linear(30, 8), nn.Tanh(), nn.Linear(8, 30))
    found = tried("inputs_not_normalised", net, loss, 1e-4)
    assert found.proved is None and "units" in found.measured


def test_rates_that_are_further_away_are_tried_too():
    """Of a rate that is far too low, ten times as much brings nothing yet."""
    torch.manual_seed(0)
    x = torch.randn(3000, 10)
    y = (x @ torch.randn(10) > 0).long()

    def loss(net):
        i = torch.randint(0, 3000, (32,))
        return F.cross_entropy(net(x[i]), y[i])

    net = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 2))
    found = tried("lr_too_low", net, loss, 1e-5)
    assert found.proved and "learning rate 0.0001 in" not in found.fix
    assert found.factor > 20  # the change to a source is the rate that was proved


@pytest.mark.parametrize(("head", "count"), [(2, 2), (4, 4)])
def test_a_head_that_was_replaced_is_proved_alone_where_the_optimiser_held_no_more(head, count):
    """What it was not given was left out deliberately."""
    torch.manual_seed(0)
    old = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 9))
    x, y = torch.randn(600, 8), torch.randint(0, 3, (600,))
    optimizer = torch.optim.SGD(list(old.parameters())[-head:], lr=0.1)
    net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3))
    del old
    with watch(quiet=True, record=False, budget=30.0) as seen:
        for _ in range(60):
            i = torch.randint(0, 600, (32,))
            loss = F.cross_entropy(net(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    found = proof(seen.diagnosis, "parameter_not_trained")
    assert f"{count} more parameters" in found.fix
