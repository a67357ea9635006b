"""makemore, part 2: an MLP over three letters, in bare tensors, as the lecture writes it."""

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
            ix = stoi[ch]
            xs.append(context)
            ys.append(ix)
            context = context[1:] + [ix]
    return torch.tensor(xs), torch.tensor(ys)


random.seed(SEED)
random.shuffle(words)
n1 = int(0.9 * len(words))
Xtr, Ytr = build_dataset(words[:n1])
Xdev, Ydev = build_dataset(words[n1:])

g = torch.Generator().manual_seed(SEED)
C = torch.randn((vocab_size, 10), generator=g)
W1 = torch.randn((block_size * 10, 200), generator=g) * (5 / 3) / (block_size * 10) ** 0.5
b1 = torch.randn(200, generator=g) * 0.01
W2 = torch.randn((200, vocab_size), generator=g) * 0.01
b2 = torch.randn(vocab_size, generator=g) * 0
parameters = [C, W1, b1, W2, b2]
print(sum(p.nelement() for p in parameters), "parameters")
for p in parameters:
    p.requires_grad = True

max_steps = 6000
with watch() as seen:
    for step in range(max_steps):
        # minibatch
        ix = torch.randint(0, Xtr.shape[0], (64,), generator=g)
        Xb, Yb = Xtr[ix], Ytr[ix]

        # forward
        emb = C[Xb]
        embcat = emb.view(emb.shape[0], -1)
        h = torch.tanh(embcat @ W1 + b1)
        logits = h @ W2 + b2
        loss = F.cross_entropy(logits, Yb)

        # backward
        for p in parameters:
            p.grad = None
        loss.backward()

        # update
        lr = 0.1 if step < 4500 else 0.01
        for p in parameters:
            p.data += -lr * p.grad
        seen.step(loss)

        if step % 1000 == 0:
            print(f"{step:7d}/{max_steps:7d}: {loss.item():.4f}")

with torch.no_grad():
    emb = C[Xdev]
    h = torch.tanh(emb.view(emb.shape[0], -1) @ W1 + b1)
    print("dev", F.cross_entropy(h @ W2 + b2, Ydev).item())
