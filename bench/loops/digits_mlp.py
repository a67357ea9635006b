"""Digits with an nn.Sequential, Adam and a DataLoader: the first notebook of many."""

import os

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from core import watch

SEED = int(os.environ.get("SEED", 42))
torch.set_num_threads(1)
torch.manual_seed(SEED)

data = np.load("resources/digits/mnist5000.npz")
images = torch.tensor(data["images"]).float() / 255
labels = torch.tensor(data["labels"]).long()
order = torch.randperm(len(images))
images, labels = images[order], labels[order]
train_x, train_y = images[:4000], labels[:4000]
val_x, val_y = images[4000:], labels[4000:]
train_loader = DataLoader(TensorDataset(train_x, train_y), batch_size=64, shuffle=True)

model = nn.Sequential(
    nn.Flatten(),
    nn.Linear(784, 512),
    nn.ReLU(),
    nn.Linear(512, 256),
    nn.ReLU(),
    nn.Linear(256, 10),
)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)

epochs = 8
with watch() as seen:
    for epoch in range(epochs):
        model.train()
        for x, y in train_loader:
            logits = model(x)
            loss = loss_fn(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
        model.eval()
        with torch.no_grad():
            val_logits = model(val_x)
            val_loss = loss_fn(val_logits, val_y)
            accuracy = (val_logits.argmax(1) == val_y).float().mean()
        seen.validate(val_loss)
        print(f"epoch {epoch}: loss {loss:.3f}, val {val_loss:.3f}, accuracy {accuracy:.3f}")
