"""Loops that call backward() several times for a step: gradients that are thrown away, or used."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch

MICRO = 4


@pytest.fixture(autouse=True)
def seeded():
    """The same numbers each time."""
    torch.manual_seed(0)


class Task:
    """Rows and quantities, a network, and its optimiser."""

    def __init__(self):
        self.x = torch.randn(512, 8)
        self.y = self.x[:, :1].sin() + self.x[:, 1:2]
        self.network = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.1, momentum=0.5)

    def loss(self, network=None):
        """Return the loss of a small batch."""
        ix = torch.randint(0, 512, (16,))
        return F.mse_loss((network or self.network)(self.x[ix]), self.y[ix])

    @property
    def parameters(self):
        """Return those of the network."""
        return list(self.network.parameters())


def named(task, one_step, steps=50):
    """Watch a loop whose step is a function, and say whether its gradients are called discarded."""
    with watch(task.network, task.optimizer, quiet=True, record=False, budget=0.0) as seen:
        for step in range(steps):
            loss = one_step(step)
            seen.step(loss)
    return "gradients_discarded" in [cause.id for cause in seen.diagnosis.causes]


@pytest.mark.parametrize("told", ["of each step", "of each micro-batch"])
@pytest.mark.parametrize("zeroed", ["behind the step", "in each micro-batch"])
def test_gradients_that_are_zeroed_between_micro_batches(told, zeroed):
    """However the loop is cut into steps: a step of it may be a micro-batch or several."""
    task = Task()

    def micro_batch(number):
        if zeroed == "in each micro-batch":
            task.optimizer.zero_grad()
        loss = task.loss() / MICRO
        loss.backward()
        if (number + 1) % MICRO == 0:
            nn.utils.clip_grad_norm_(task.network.parameters(), 1.0)
            task.optimizer.step()
            if zeroed == "behind the step":
                task.optimizer.zero_grad()
        return loss

    def step(number):
        return sum(micro_batch(MICRO * number + k).detach() for k in range(MICRO))

    discarded = zeroed == "in each micro-batch"
    assert named(task, step if told == "of each step" else micro_batch) is discarded


def test_the_weights_are_perturbed_by_a_first_gradient():
    """Sharpness-aware minimisation: the gradient is read before it is zeroed."""
    task = Task()

    def step(number):
        moved = []
        for way in (1, -1):
            loss = task.loss()
            loss.backward()
            with torch.no_grad():
                moved = moved or [0.05 * p.grad for p in task.parameters]
                for p, by in zip(task.parameters, moved, strict=True):
                    p.add_(way * by)
            if way == 1:
                task.optimizer.zero_grad()
        task.optimizer.step()
        task.optimizer.zero_grad()
        return loss

    assert not named(task, step)


def test_gradients_of_several_tasks_are_kept_apart():
    """They are read one after another, and put together."""
    task = Task()

    def step(number):
        kept = []
        for _ in range(2):
            task.optimizer.zero_grad()
            loss = task.loss()
            loss.backward()
            kept.append([p.grad.clone() for p in task.parameters])
        for p, one, other in zip(task.parameters, *kept, strict=True):
            p.grad = (one + other) / 2
        task.optimizer.step()
        return loss

    assert not named(task, step)


def test_the_generator_is_trained_before_the_discriminator():
    """What the generator's pass leaves in the discriminator is zeroed, and rightly."""
    task = Task()
    judge = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 1))
    judging = torch.optim.Adam(judge.parameters(), lr=1e-3)

    def step(number):
        made = task.network(torch.randn(16, 8))
        task.optimizer.zero_grad()
        loss = F.softplus(-judge(made)).mean()
        loss.backward()
        for _ in range(2):
            judging.zero_grad()
            real = judge(task.y[torch.randint(0, 512, (16,))])
            (F.softplus(-real).mean() + F.softplus(judge(made.detach())).mean()).backward()
            judging.step()
        task.optimizer.step()
        return loss

    assert not named(task, step)


def test_updates_that_are_left_out_at_times():
    """A gradient that is too long is not followed; most of them are."""
    task = Task()

    def step(number):
        task.optimizer.zero_grad()
        loss = task.loss()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(task.network.parameters(), 100.0)
        if number > 3 and norm < 10:
            task.optimizer.step()
        return loss

    assert not named(task, step)


def test_a_closure_is_asked_again_and_again():
    """L-BFGS reads the gradient of each pass."""
    task = Task()
    task.optimizer = torch.optim.LBFGS(task.network.parameters(), lr=0.1, max_iter=4)

    def closure():
        task.optimizer.zero_grad()
        loss = F.mse_loss(task.network(task.x), task.y)
        loss.backward()
        return loss

    assert not named(task, lambda number: task.optimizer.step(closure), steps=10)
