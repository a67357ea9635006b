"""A character model of Shakespeare with nn.GRU, gradient clipping and Adam."""

import os

import torch
from torch import nn

from core import watch
from core.playgrounds.text.corpus import bundled

SEED = int(os.environ.get("SEED", 42))
torch.set_num_threads(1)
torch.manual_seed(SEED)

text = bundled().train.start(200_000)
vocab = sorted(set(text))
char_to_idx = {c: i for i, c in enumerate(vocab)}
encoded = torch.tensor([char_to_idx[c] for c in text])
split = int(len(encoded) * 0.9)
train_text, val_text = encoded[:split], encoded[split:]
SEQ_LEN, BATCH = 32, 32


class CharRNN(nn.Module):
    """Embedding, one recurrent layer, a linear layer over the vocabulary."""

    def __init__(self, n_vocab, emb=48, hidden=96):
        super().__init__()
        self.embed = nn.Embedding(n_vocab, emb)
        self.rnn = nn.GRU(emb, hidden, batch_first=True)
        self.out = nn.Linear(hidden, n_vocab)

    def forward(self, x):
        h, _ = self.rnn(self.embed(x))
        return self.out(h)


def batch(source):
    """Return sequences, and the same one character later."""
    starts = torch.randint(0, len(source) - SEQ_LEN - 1, (BATCH,))
    x = torch.stack([source[s : s + SEQ_LEN] for s in starts])
    y = torch.stack([source[s + 1 : s + SEQ_LEN + 1] for s in starts])
    return x, y


model = CharRNN(len(vocab))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
num_steps = 400

with watch() as seen:
    for step in range(num_steps):
        x, y = batch(train_text)
        out = model(x)
        loss = criterion(out.reshape(-1, out.shape[-1]), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seen.step(loss)
        if step % 50 == 49:
            model.eval()
            with torch.no_grad():
                xv, yv = batch(val_text)
                val = criterion(model(xv).flatten(0, 1), yv.flatten())
            model.train()
            seen.validate(val)
            print(f"{step + 1}: train {loss.item():.3f} val {val.item():.3f}")
