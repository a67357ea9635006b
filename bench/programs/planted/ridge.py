"""A penalty on the weights, written by hand."""

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
data = np.load("digits.npz")
x = torch.tensor(data["images"]).float().view(-1, 784) / 255 - 0.5
y = torch.tensor(data["labels"]).long()
model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
opt = torch.optim.SGD(model.parameters(), lr=0.1)
# fault regulariser_dominates: weight_decay = 0.5
weight_decay = 1e-4


def train_step(xb, yb):
    data_loss = nn.functional.cross_entropy(model(xb), yb)
    # fault detached_regulariser: penalty = sum((p.data**2).sum() for p in model.parameters())
    # right regulariser_dominates
    penalty = sum((p**2).sum() for p in model.parameters())
    # right regulariser_dominates, detached_regulariser
    loss = data_loss + weight_decay * penalty
    opt.zero_grad()
    loss.backward()
    opt.step()
    return data_loss.item()


for epoch in range(6):
    order = torch.randperm(4500)
    for i in range(0, 4500, 50):
        rows = order[i : i + 50]
        data_loss = train_step(x[rows], y[rows])
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(x[4500:]), y[4500:]).item()
    print(epoch, data_loss, val_loss)
