"""Two moons: a binary classification with a custom module and BCEWithLogitsLoss."""

import math
import os

import torch
from torch import nn

from core import watch

SEED = int(os.environ.get("SEED", 42))
torch.set_num_threads(1)
torch.manual_seed(SEED)


def make_moons(n, noise=0.15):
    """Return n points of two half circles, and which one each is of."""
    y = (torch.rand(n) < 0.5).float()
    angle = math.pi * torch.rand(n)
    upper = torch.stack([angle.cos(), angle.sin()], dim=1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], dim=1)
    points = torch.where(y[:, None] == 0, upper, lower)
    return points + noise * torch.randn(n, 2), y


x_train, y_train = make_moons(2000)
x_val, y_val = make_moons(500)


class MoonNet(nn.Module):
    """A small MLP with one score at its end."""

    def __init__(self, hidden=32):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, 1)
        self.act = nn.Tanh()

    def forward(self, x):
        x = self.act(self.fc1(x))
        x = self.act(self.fc2(x))
        return self.fc3(x).squeeze(1)


net = MoonNet()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

n_steps = 2500
with watch() as seen:
    for step in range(n_steps):
        idx = torch.randint(0, len(x_train), (64,))
        inputs, targets = x_train[idx], y_train[idx]
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        seen.step(loss)

        if (step + 1) % 250 == 0:
            net.eval()
            with torch.no_grad():
                val_outputs = net(x_val)
                val_loss = criterion(val_outputs, y_val)
                acc = ((val_outputs > 0) == (y_val > 0.5)).float().mean().item()
            net.train()
            seen.validate(val_loss)
            print(
                f"step {step + 1}: loss {loss.item():.4f} val {val_loss.item():.4f} acc {acc:.3f}"
            )
