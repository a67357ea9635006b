"""Regression of prices from a table."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(11)
features = torch.randn(2000, 8)
prices = (
    200
    + 40 * features[:, 0]
    - 25 * features[:, 1] * features[:, 2]
    + 30 * torch.sin(features[:, 3])
)
prices = (prices + 5 * torch.randn(2000)).unsqueeze(1)
# fault targets_unscaled: prices = prices * 1000
prices = (prices - prices.mean()) / prices.std()

net = nn.Sequential()
net.append(nn.Linear(8, 64))
net.append(nn.ReLU())
net.append(nn.Linear(64, 64))
net.append(nn.ReLU())
net.append(nn.Linear(64, 1))
# fault outputs_out_of_reach, dead_units: net.append(nn.Sigmoid())
net.append(nn.Identity())

train = DataLoader(TensorDataset(features[:1600], prices[:1600]), batch_size=32, shuffle=True)
test = DataLoader(TensorDataset(features[1600:], prices[1600:]), batch_size=400)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(30):
    net.train()
    for xb, yb in train:
        pred = net(xb)
        # right targets_unscaled
        loss = criterion(pred, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        for xb, yb in test:
            val_loss = criterion(net(xb), yb)
    print(epoch, loss.item(), val_loss.item())
