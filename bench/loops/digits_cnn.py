"""Digits with a small CNN: batch norm, dropout, SGD with momentum, train() and eval()."""

import os

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from core import watch

SEED = int(os.environ.get("SEED", 42))
torch.set_num_threads(1)
torch.manual_seed(SEED)


class Net(nn.Module):
    """Two convolutions and two linear layers."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(12)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(24)
        self.dropout = nn.Dropout(0.3)
        self.fc1 = nn.Linear(24 * 7 * 7, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        x = torch.flatten(x, 1)
        x = self.dropout(F.relu(self.fc1(x)))
        return self.fc2(x)


def load():
    """Return train and test images, standardised, with their labels."""
    data = np.load("resources/digits/mnist5000.npz")
    x = data["images"].astype("float32")[:, None]
    y = data["labels"].astype("int64")
    x = (x / 255 - 0.1307) / 0.3081
    order = np.random.default_rng(SEED).permutation(len(x))
    x, y = torch.from_numpy(x[order]), torch.from_numpy(y[order])
    return x[:4000], y[:4000], x[4000:], y[4000:]


def test(model, x, y):
    """Return the loss and the accuracy on the test set."""
    model.eval()
    with torch.no_grad():
        output = model(x)
    return F.cross_entropy(output, y), (output.argmax(1) == y).float().mean().item()


def train(model, epochs=6, batch_size=64):
    """Train, test after every epoch."""
    x_train, y_train, x_test, y_test = load()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    with watch() as seen:
        for epoch in range(epochs):
            model.train()
            for idx in torch.randperm(len(x_train)).split(batch_size):
                optimizer.zero_grad()
                output = model(x_train[idx])
                loss = F.cross_entropy(output, y_train[idx])
                loss.backward()
                optimizer.step()
                seen.step(loss)
            test_loss, accuracy = test(model, x_test, y_test)
            seen.validate(test_loss)
            print(f"epoch {epoch}: test loss {test_loss:.4f}, accuracy {accuracy:.4f}")
    return seen


seen = train(Net())
