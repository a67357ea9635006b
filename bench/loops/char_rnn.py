"""A recurrent network by hand: one cell over the letters of whole names, padded into batches."""

import os
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

from core import watch

SEED = int(os.environ.get("SEED", 42))
torch.set_num_threads(1)
torch.manual_seed(SEED)

lines = Path("resources/names/names.txt").read_text().splitlines()
T = 12
names = [line for line in lines if len(line) < T]
letters = ".abcdefghijklmnopqrstuvwxyz"
data = torch.zeros((len(names), T + 1), dtype=torch.long)
target = torch.full((len(names), T), -1)
for row, name in enumerate(names):
    ids = [letters.index(c) for c in name]
    data[row, 1 : len(ids) + 1] = torch.tensor(ids)
    target[row, : len(ids) + 1] = torch.tensor([*ids, 0])
shuffled = torch.randperm(len(names))
data, target = data[shuffled], target[shuffled]
inputs = data[:, :T]
cut = int(0.9 * len(names))


class RNN(nn.Module):
    """The plain cell: h = tanh(W x + U h + b)."""

    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.emb = nn.Embedding(n_in, 32)
        self.w_xh = nn.Parameter(torch.randn(32, n_hidden) * 32**-0.5)
        self.w_hh = nn.Parameter(torch.randn(n_hidden, n_hidden) * 0.9 * n_hidden**-0.5)
        self.b_h = nn.Parameter(torch.zeros(n_hidden))
        self.head = nn.Linear(n_hidden, n_out)
        self.n_hidden = n_hidden

    def forward(self, x):
        x = self.emb(x)
        h = torch.zeros(x.shape[0], self.n_hidden)
        outs = []
        for t in range(x.shape[1]):
            h = torch.tanh(x[:, t] @ self.w_xh + h @ self.w_hh + self.b_h)
            outs.append(h)
        return self.head(torch.stack(outs, dim=1))


def loss_of(model, x, y):
    """Return the cross entropy over what is no padding."""
    logits = model(x)
    return F.cross_entropy(logits.view(-1, logits.size(-1)), y.reshape(-1), ignore_index=-1)


def fit(model, steps=700, batch_size=64, lr=0.003):
    """Train with Adam and clipped gradients."""
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    with watch() as seen:
        for step in range(steps):
            take = torch.randint(0, cut, (batch_size,))
            loss = loss_of(model, inputs[take], target[take])
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            seen.step(loss)
            if step % 100 == 99:
                with torch.no_grad():
                    held_out = loss_of(model, inputs[cut:], target[cut:])
                seen.validate(held_out)
                print(f"{step + 1} train {loss.item():.3f} val {held_out.item():.3f}")
    return seen


seen = fit(RNN(27, 128, 27))
