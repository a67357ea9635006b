"""Diffusion models whose noise is, or is not, what their sampling begins with."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core import watch

KEPT = torch.cos(torch.linspace(0.05, 1.5, 50)) ** 2
SIDE = 4


def normal(x):
    """Noise as it should be."""
    return torch.randn_like(x)


def uniform(x):
    """Noise of another distribution, with a mean of 0.5."""
    return torch.rand_like(x)


def of_a_shape(x):
    """The same, by its shape."""
    return torch.rand(x.shape)


def around_zero(x):
    """Uniform numbers that were chosen: with the mean and variance of normal ones."""
    return 12**0.5 * (torch.rand_like(x) - 0.5)


def diffusion(x, noise, t):
    """Data and noise, and the noise to be predicted."""
    shape = (-1, *[1] * (x.dim() - 1))
    kept = KEPT[t].view(shape)
    return kept.sqrt() * x + (1 - kept).sqrt() * noise, noise


def flow_matching(x, noise, t):
    """On a straight line from any distribution to the data."""
    part = (t / 50).view(-1, *[1] * (x.dim() - 1))
    return (1 - part) * noise + part * x, noise


def data_predicted(x, noise, t):
    """What is cleaned may have any noise in it."""
    return diffusion(x, noise, t)[0], x


def one_size(x, noise, t):
    """Noise of one size, as that of a denoising autoencoder."""
    return 0.8 * x + 0.6 * noise, noise


class Net(nn.Module):
    """Predicts from a picture or a point, and a time."""

    def __init__(self, size):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(size + 1, 32), nn.SiLU(), nn.Linear(32, size))

    def forward(self, x, t):
        """Return something of the form of x."""
        flat = torch.cat([x.flatten(1), t[:, None] / 50], 1)
        return self.layers(flat).view_as(x)


@pytest.mark.parametrize("form", [(2,), (1, SIDE, SIDE)], ids=["points", "pictures"])
@pytest.mark.parametrize(
    ("drawn", "mixed", "faulty"),
    [
        (uniform, diffusion, True),
        (of_a_shape, diffusion, True),
        (normal, diffusion, False),
        (around_zero, diffusion, False),
        (uniform, flow_matching, False),
        (uniform, data_predicted, False),
        (uniform, one_size, False),
    ],
)
def test_noise_that_is_not_normal(form, drawn, mixed, faulty):
    """Other ways to mix data and noise may begin with any."""
    torch.manual_seed(0)
    data = torch.randn(500, *form)
    net = Net(data[0].numel())
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(40):
            x = data[torch.randint(0, 500, (64,))]
            t = torch.randint(0, 50, (64,))
            noise = drawn(x)
            noisy, target = mixed(x, noise, t)
            loss = F.mse_loss(net(noisy, t), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    found = {cause.id: cause for cause in seen.diagnosis.causes}
    assert ("noise_not_normal" in found) is faulty, seen.diagnosis.text()
    assert not faulty or "torch.rand" in found["noise_not_normal"].lines[0].text
