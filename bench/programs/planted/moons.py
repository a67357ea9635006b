"""A course's notebook: two moons, a binary classifier, a decision boundary."""

# %%
import math

import torch
from torch import nn

torch.manual_seed(42)


def make_moons(n, noise):
    angle = torch.rand(n) * math.pi
    side = torch.arange(n) % 2
    x = torch.where(side == 0, angle.cos(), 1 - angle.cos())
    y = torch.where(side == 0, angle.sin(), 0.5 - angle.sin())
    return torch.stack([x, y], 1) + noise * torch.randn(n, 2), side.float()


X, y = make_moons(1200, 0.1)
X_train, y_train, X_test, y_test = X[:1000], y[:1000], X[1000:], y[1000:]


# %%
class MoonModel(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.layer_1 = nn.Linear(2, hidden)
        self.layer_2 = nn.Linear(hidden, hidden)
        self.layer_3 = nn.Linear(hidden, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        # fault no_nonlinearity: x = self.layer_2(self.layer_1(x))
        x = self.relu(self.layer_2(self.relu(self.layer_1(x))))
        # fault double_softmax: return torch.sigmoid(self.layer_3(x))
        return self.layer_3(x)


model = MoonModel()

# %%
loss_fn = nn.BCEWithLogitsLoss()
# fault lr_too_low: optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
optimizer = torch.optim.SGD(model.parameters(), lr=0.3)

# %%
for epoch in range(1000):
    model.train()
    y_logits = model(X_train).squeeze()
    loss = loss_fn(y_logits, y_train)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    model.eval()
    with torch.inference_mode():
        test_logits = model(X_test).squeeze()
        test_loss = loss_fn(test_logits, y_test)
    if epoch % 100 == 0:
        print(f"Epoch: {epoch} | Loss: {loss:.5f} | Test loss: {test_loss:.5f}")

# %%
model.eval()
grid = torch.cartesian_prod(torch.linspace(-1, 2, 30), torch.linspace(-1, 2, 30))
with torch.inference_mode():
    boundary = torch.round(torch.sigmoid(model(grid)))
boundary.mean()
