"""A Trainer class of one's own, with validation after each epoch."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Classifier(nn.Module):
    def __init__(self, hidden=128):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(784, hidden), nn.ReLU(), nn.Dropout(0.5))
        self.middle = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(hidden, 10)

    def forward(self, x):
        return self.head(self.middle(self.body(x)))


class Trainer:
    def __init__(self, model, train_loader, val_loader):
        self.model = model
        self.train_loader = train_loader
        self.val_loader = val_loader
        self.criterion = nn.CrossEntropyLoss()
        # fault parameter_not_trained: self.optimizer = torch.optim.Adam(model.head.parameters(), 1e-3)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def fit(self, epochs):
        for epoch in range(epochs):
            self.model.train()
            running = 0.0
            for x, y in self.train_loader:
                running += self.training_step(x, y)
            print(epoch, running / len(self.train_loader), self.evaluate())

    def training_step(self, x, y):
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def evaluate(self):
        # fault train_eval_mismatch: pass
        self.model.eval()
        losses = []
        for x, y in self.val_loader:
            # right train_eval_mismatch
            losses.append(self.criterion(self.model(x), y).item())
        return sum(losses) / len(losses)


torch.manual_seed(0)
data = np.load("digits.npz")
# fault inputs_not_normalised: x = torch.tensor(data["images"]).float().view(-1, 784) * 10
x = (torch.tensor(data["images"]).float().view(-1, 784) / 255 - 0.13) / 0.31
y = torch.tensor(data["labels"]).long()
order = torch.randperm(len(x))
x, y = x[order], y[order]
train_loader = DataLoader(TensorDataset(x[:4000], y[:4000]), 64, shuffle=True)
val_loader = DataLoader(TensorDataset(x[4000:], y[4000:]), 200)
Trainer(Classifier(), train_loader, val_loader).fit(8)
