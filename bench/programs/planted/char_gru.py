"""A recurrent network over letters, sampled at the end."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(1337)
text = open("input.txt").read()[:200_000]
chars = sorted(set(text))
encode = {c: i for i, c in enumerate(chars)}
data = torch.tensor([encode[c] for c in text])
block_size, batch_size = 48, 32


class CharGRU(nn.Module):
    def __init__(self, vocab, width=96):
        super().__init__()
        self.embedding = nn.Embedding(vocab, 32)
        self.gru = nn.GRU(32, width, batch_first=True)
        self.decoder = nn.Linear(width, vocab)

    def forward(self, idx, state=None):
        x, state = self.gru(self.embedding(idx), state)
        return self.decoder(x), state


def get_batch():
    ix = torch.randint(len(data) - block_size - 1, (batch_size,))
    x = torch.stack([data[i : i + block_size] for i in ix])
    # fault future_leak: y = torch.stack([data[i : i + block_size] for i in ix])
    y = torch.stack([data[i + 1 : i + block_size + 1] for i in ix])
    return x, y


model = CharGRU(len(chars))
# fault lr_too_high: optimizer = torch.optim.Adam(model.parameters(), lr=0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for it in range(400):
    xb, yb = get_batch()
    logits, _ = model(xb)
    loss = F.cross_entropy(logits.reshape(-1, len(chars)), yb.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if it % 100 == 0:
        print(it, loss.item())

idx, state, out = torch.zeros(1, 1, dtype=torch.long), None, ""
model.eval()
with torch.no_grad():
    for _ in range(200):
        logits, state = model(idx, state)
        idx = torch.multinomial(F.softmax(logits[:, -1], dim=-1), 1)
        out += chars[idx.item()]
print(out)
