"""Fixes of a watched loop, tried on copies of its step: one real loop for each kind."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core import watch

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
