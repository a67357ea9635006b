"""makemore, part 3: the MLP with a batch norm written by hand, and names sampled at the end."""

# ruff: noqa: RUF005 (as the lecture writes it)
import os
import random
from pathlib import Path

import torch
import torch.nn.functional as F

from core import watch

SEED = int(os.environ.get("SEED", 42))
torch.set_num_threads(1)

words = Path("resources/names/names.txt").read_text().splitlines()
chars = sorted(set("".join(words)))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi["."] = 0
itos = {i: s for s, i in stoi.items()}
vocab_size = len(itos)
block_size = 3


def build_dataset(words):  # noqa: D103
    xs, ys = [], []
    for w in words:
        context = [0] * block_size
        for ch in w + ".":
            xs.append(context)
            ys.append(stoi[ch])
            context = context[1:] + [stoi[ch]]
    return torch.tensor(xs), torch.tensor(ys)


random.seed(SEED)
random.shuffle(words)
n1 = int(0.8 * len(words))
n2 = int(0.9 * len(words))
Xtr, Ytr = build_dataset(words[:n1])
Xdev, Ydev = build_dataset(words[n1:n2])

# MLP revisited
n_embd, n_hidden = 10, 200
g = torch.Generator().manual_seed(SEED)
C = torch.randn((vocab_size, n_embd), generator=g)
W1 = (
    torch.randn((n_embd * block_size, n_hidden), generator=g)
    * (5 / 3)
    / (n_embd * block_size) ** 0.5
)
W2 = torch.randn((n_hidden, vocab_size), generator=g) * 0.01
b2 = torch.randn(vocab_size, generator=g) * 0
bngain = torch.ones((1, n_hidden))
bnbias = torch.zeros((1, n_hidden))
bnmean_running = torch.zeros((1, n_hidden))
bnstd_running = torch.ones((1, n_hidden))
parameters = [C, W1, W2, b2, bngain, bnbias]
for p in parameters:
    p.requires_grad = True


@torch.no_grad()
def split_loss(x, y):  # noqa: D103
    embcat = C[x].view(x.shape[0], -1)
    hpreact = bngain * (embcat @ W1 - bnmean_running) / bnstd_running + bnbias
    return F.cross_entropy(torch.tanh(hpreact) @ W2 + b2, y)


@torch.no_grad()
def sample():
    """Return a name."""
    out, context = [], [0] * block_size
    while True:
        emb = C[torch.tensor([context])]
        hpreact = emb.view(1, -1) @ W1
        hpreact = bngain * (hpreact - bnmean_running) / bnstd_running + bnbias
        logits = torch.tanh(hpreact) @ W2 + b2
        ix = torch.multinomial(F.softmax(logits, dim=1), num_samples=1, generator=g).item()
        context = context[1:] + [ix]
        out.append(ix)
        if ix == 0 or len(out) > 20:
            return "".join(itos[i] for i in out)


max_steps, batch_size = 5000, 64
with watch() as seen:
    for i in range(max_steps):
        ix = torch.randint(0, Xtr.shape[0], (batch_size,), generator=g)
        Xb, Yb = Xtr[ix], Ytr[ix]  # batch X, Y

        emb = C[Xb]  # embed the characters into vectors
        embcat = emb.view(emb.shape[0], -1)  # concatenate the vectors
        hpreact = embcat @ W1  # hidden layer pre-activation
        # BatchNorm layer
        bnmeani = hpreact.mean(0, keepdim=True)
        bnstdi = hpreact.std(0, keepdim=True)
        hpreact = bngain * (hpreact - bnmeani) / bnstdi + bnbias
        with torch.no_grad():
            bnmean_running = 0.99 * bnmean_running + 0.01 * bnmeani
            bnstd_running = 0.99 * bnstd_running + 0.01 * bnstdi
        # Non-linearity
        h = torch.tanh(hpreact)  # hidden layer
        logits = h @ W2 + b2  # output layer
        loss = F.cross_entropy(logits, Yb)  # loss function

        for p in parameters:
            p.grad = None
        loss.backward()
        lr = 0.1 if i < 4000 else 0.01  # step learning rate decay
        for p in parameters:
            p.data += -lr * p.grad
        seen.step(loss)

        if i % 500 == 499:
            val_loss = split_loss(Xdev, Ydev)
            seen.validate(val_loss)
            print(f"{i:7d}/{max_steps:7d}: {loss.item():.4f} dev {val_loss.item():.4f}")

    with seen.using():
        for _ in range(10):
            print(sample())
