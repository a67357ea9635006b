"""A curve fitted with LBFGS, whose closure has the backward pass."""

import torch
from torch import nn

torch.manual_seed(4)
t = torch.linspace(-3, 3, 200).unsqueeze(1)
target = torch.sin(2 * t) + 0.05 * torch.randn_like(t)
net = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1))
# fault frozen_layer: net[0].requires_grad_(False)
net[0].requires_grad_(True)
optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=5)


def closure():
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(t), target)
    loss.backward()
    return loss


for i in range(60):
    loss = optimizer.step(closure)
    if i % 10 == 0:
        print(i, loss.item())
