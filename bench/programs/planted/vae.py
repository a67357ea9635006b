"""A variational autoencoder; the loss has two terms."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(1)
data = np.load("digits.npz")
images = torch.tensor(data["images"]).float().view(-1, 784) / 255
train_images, test_images = images[:4500], images[4500:]


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 128)
        self.mu = nn.Linear(128, 8)
        self.logvar = nn.Linear(128, 8)
        self.fc3 = nn.Linear(8, 128)
        self.fc4 = nn.Linear(128, 784)

    def forward(self, x):
        h = F.relu(self.fc1(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    # fault nan: bce = -(x * recon_x.sub(0.5).log() + (1 - x) * (1 - recon_x).log()).sum()
    bce = F.binary_cross_entropy(recon_x, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (bce + kld) / len(x)


model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(5):
    model.train()
    for batch in train_images[torch.randperm(len(train_images))].split(64):
        optimizer.zero_grad()
        recon, mu, logvar = model(batch)
        loss = loss_function(recon, batch, mu, logvar)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        test_loss = loss_function(*[(r := model(test_images))[0], test_images, r[1], r[2]])
    print(epoch, loss.item(), test_loss.item())
