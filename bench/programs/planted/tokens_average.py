"""Words' origin from their letters: a bag of embeddings under a scheduler and early stopping."""

import math

import torch
from torch import nn

torch.manual_seed(9)
words = [w for w in open("names.txt").read().splitlines() if len(w) > 2]
words = [words[i] for i in torch.randperm(len(words))[:8000].tolist()]
x = torch.zeros(len(words), 12, dtype=torch.long)
for i, w in enumerate(words):
    x[i, : min(12, len(w))] = torch.tensor([ord(c) - 96 for c in w[:12]])
y = torch.tensor([min(7, len(w) - 3) for w in words])


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(27, 24)
        self.fc = nn.Sequential(nn.Linear(24, 48), nn.GELU(), nn.Linear(48, 8))

    def forward(self, x):
        # fault inputs_ignored: return self.fc(self.emb(x * 0).mean(1))
        return self.fc(self.emb(x).mean(1))


model = Bag()
opt = torch.optim.AdamW(model.parameters(), lr=5e-3)
best, patience = math.inf, 0
for epoch in range(12):
    for i in range(0, 7000, 70):
        loss = nn.functional.cross_entropy(model(x[i : i + 70]), y[i : i + 70])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        valid_loss = nn.functional.cross_entropy(model(x[7000:]), y[7000:]).item()
    print(epoch, loss.item(), valid_loss)
    if valid_loss < best:
        best, patience = valid_loss, 0
    else:
        patience += 1
        if patience > 3:
            break
