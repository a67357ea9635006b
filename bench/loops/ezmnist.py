"""A notebook on digits without a module in it: four hidden layers of ReLUs and plain SGD."""

# %%
import os

import numpy as np
import torch
import torch.nn.functional as F

from core import watch

SEED = int(os.environ.get("SEED", 42))
torch.set_num_threads(1)
torch.manual_seed(SEED)

# %% the data
data = np.load("resources/digits/mnist5000.npz")
X = torch.tensor(data["images"].reshape(5000, 784), dtype=torch.float32) / 255.0
Y = torch.tensor(data["labels"], dtype=torch.int64)
perm = torch.randperm(5000)
X, Y = X[perm], Y[perm]
X_train, Y_train = X[:4200], Y[:4200]
X_test, Y_test = X[4200:], Y[4200:]

# %% the network
w1 = torch.randn(784, 128) * (2 / 784) ** 0.5
b1 = torch.zeros(128)
w2 = torch.randn(128, 128) * (2 / 128) ** 0.5
b2 = torch.zeros(128)
w3 = torch.randn(128, 64) * (2 / 128) ** 0.5
b3 = torch.zeros(64)
w4 = torch.randn(64, 64) * (2 / 64) ** 0.5
b4 = torch.zeros(64)
w5 = torch.randn(64, 10) * (1 / 64) ** 0.5
b5 = torch.zeros(10)
params = [w1, b1, w2, b2, w3, b3, w4, b4, w5, b5]
for p in params:
    p.requires_grad_()


def forward(x):
    """Return the logits."""
    h1 = (x @ w1 + b1).relu()
    h2 = (h1 @ w2 + b2).relu()
    h3 = (h2 @ w3 + b3).relu()
    h4 = (h3 @ w4 + b4).relu()
    return h4 @ w5 + b5


# %% training
lr, steps = 0.05, 2000
losses = []
with watch() as seen:
    for _ in range(steps):
        batch = torch.randint(0, len(X_train), (64,))
        logits = forward(X_train[batch])
        loss = F.cross_entropy(logits, Y_train[batch])

        for p in params:
            p.grad = None
        loss.backward()
        with torch.no_grad():
            for p in params:
                p -= lr * p.grad
        losses.append(loss.item())
        seen.step(loss)

# %% how good is it?
with torch.no_grad():
    predicted = forward(X_test).argmax(dim=1)
print("loss", sum(losses[-50:]) / 50, "accuracy", (predicted == Y_test).float().mean().item())
