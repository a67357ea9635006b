"""A program of three files: model.py, data.py and the script that imports them."""

import torch
from data import loaders
from engine import evaluate, train_one_epoch
from model import TinyNet

torch.manual_seed(3)
train_loader, val_loader = loaders(batch_size=50)
model = TinyNet()
# fault lr_too_high: optimizer = torch.optim.SGD(model.parameters(), lr=15.0, momentum=0.9)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(10):
    train_loss = train_one_epoch(model, train_loader, optimizer)
    val_loss, accuracy = evaluate(model, val_loader)
    print(f"{epoch}: {train_loss:.3f} {val_loss:.3f} {accuracy:.2%}")
# file model.py
from torch import nn


class TinyNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 100)
        self.act1 = nn.Tanh()
        self.fc2 = nn.Linear(100, 100)
        self.act2 = nn.Tanh()
        self.out = nn.Linear(100, 10)
        # fault symmetric_init: nn.init.constant_(self.fc2.weight, 0.01)
        nn.init.xavier_uniform_(self.fc2.weight)

    def forward(self, x):
        x = self.act1(self.fc1(x))
        x = self.act2(self.fc2(x))
        return self.out(x)


# file data.py
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset


def loaders(batch_size):
    data = np.load("digits.npz")
    x = torch.tensor(data["images"]).float().flatten(1) / 127.5 - 1
    y = torch.tensor(data["labels"]).long()
    order = torch.randperm(len(x))
    x, y = x[order], y[order]
    # fault labels_shuffled, labels_noisy: y = y[torch.randperm(len(y))]
    y = y.clone()
    train = DataLoader(TensorDataset(x[:4000], y[:4000]), batch_size, shuffle=True)
    return train, DataLoader(TensorDataset(x[4000:], y[4000:]), 500)


# file engine.py
import torch
from torch import nn

criterion = nn.CrossEntropyLoss()


def train_one_epoch(model, loader, optimizer):
    model.train()
    total = 0.0
    # right labels_shuffled, labels_noisy
    for images, labels in loader:
        # right labels_shuffled, labels_noisy
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    total, right = 0.0, 0
    for images, labels in loader:
        scores = model(images)
        total += criterion(scores, labels).item()
        right += (scores.argmax(1) == labels).sum().item()
    return total / len(loader), right / len(loader.dataset)
