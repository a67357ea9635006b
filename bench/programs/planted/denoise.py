"""A small diffusion model on points of the plane."""

import torch
from torch import nn


class Denoiser(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.time = nn.Embedding(50, 16)
        self.net = nn.Sequential(
            nn.Linear(18, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2)
        )

    def forward(self, x, t):
        return self.net(torch.cat([x, self.time(t)], 1))


torch.manual_seed(0)
angle = 6.283 * torch.rand(4000)
points = torch.stack([angle.cos(), (2 * angle).sin()], 1)
betas = torch.linspace(1e-3, 0.15, 50)
alpha_bar = torch.cumprod(1 - betas, 0)
model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(1500):
    x0 = points[torch.randint(0, 4000, (128,))]
    t = torch.randint(0, 50, (128,))
    noise = torch.randn_like(x0)
    a = alpha_bar[t].unsqueeze(1)
    loss = ((model(a.sqrt() * x0 + (1 - a).sqrt() * noise, t) - noise) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

x = torch.randn(500, 2)
with torch.no_grad():
    for t in reversed(range(50)):
        eps = model(x, torch.full((500,), t))
        x = (x - betas[t] / (1 - alpha_bar[t]).sqrt() * eps) / (1 - betas[t]).sqrt()
        if t:
            x = x + betas[t].sqrt() * torch.randn_like(x)
print(x.std(0))
