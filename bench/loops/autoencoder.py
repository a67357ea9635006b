"""An autoencoder of digits: sixteen numbers in the middle, MSE on the pixels."""

import os

import numpy as np
import torch
from torch import nn

from core import watch

SEED = int(os.environ.get("SEED", 42))
torch.set_num_threads(1)
torch.manual_seed(SEED)

pixels = np.load("resources/digits/mnist5000.npz")["images"].reshape(5000, -1)
pixels = torch.from_numpy(pixels).float() / 255
pixels = pixels[torch.randperm(5000)]
train, test = pixels[:4500], pixels[4500:]


class Autoencoder(nn.Module):
    """784 to 16 to 784."""

    def __init__(self, code=16):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(784, 256),
            nn.ReLU(),
            nn.Linear(256, code),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, 256),
            nn.ReLU(True),
            nn.Linear(256, 784),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
mse = nn.MSELoss()

with watch() as seen:
    for epoch in range(10):
        shuffled = train[torch.randperm(len(train))]
        for start in range(0, len(shuffled), 64):
            x = shuffled[start : start + 64]
            reconstruction = model(x)
            loss = mse(reconstruction, x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
        with torch.no_grad():
            val = mse(model(test), test)
        seen.validate(val)
        print(f"epoch {epoch + 1}: {loss.item():.4f} {val.item():.4f}")
