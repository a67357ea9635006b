"""An autoencoder of digits."""

import numpy as np
import torch
from torch import nn

torch.manual_seed(2)
data = np.load("digits.npz")
pixels = torch.tensor(data["images"]).float().view(-1, 784)
# fault outputs_out_of_reach, inputs_not_normalised, targets_unscaled: pixels = pixels * 1.0
pixels = pixels / 255


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 16))
        self.decoder = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 784))

    def forward(self, x):
        # right outputs_out_of_reach
        return torch.sigmoid(self.decoder(self.encoder(x)))


model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for start in range(0, 4500, 64):
        # right inputs_not_normalised
        batch = pixels[start : start + 64]
        # right outputs_out_of_reach, targets_unscaled
        loss = nn.functional.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        test_loss = nn.functional.mse_loss(model(pixels[4500:]), pixels[4500:])
    print(epoch, loss.item(), test_loss.item())
