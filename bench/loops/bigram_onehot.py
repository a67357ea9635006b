"""makemore, part 1: the bigram as one linear layer of one-hot letters, full batch, lr 50."""

import os
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

# create the dataset
xs, ys = [], []
for w in words[:8000]:
    chs = [".", *w, "."]
    for ch1, ch2 in zip(chs, chs[1:]):  # noqa: B905, RUF007
        ix1 = stoi[ch1]
        ix2 = stoi[ch2]
        xs.append(ix1)
        ys.append(ix2)
xs = torch.tensor(xs)
ys = torch.tensor(ys)
num = xs.nelement()
print("number of examples:", num)

# initialise the network
g = torch.Generator().manual_seed(SEED)
W = torch.randn((27, 27), generator=g, requires_grad=True)

# gradient descent
with watch() as seen:
    for k in range(200):
        # forward pass
        xenc = F.one_hot(xs, num_classes=27).float()
        logits = xenc @ W  # log-counts
        counts = logits.exp()  # equivalent to N
        probs = counts / counts.sum(1, keepdim=True)
        loss = -probs[torch.arange(num), ys].log().mean() + 0.01 * (W**2).mean()

        # backward pass
        W.grad = None
        loss.backward()

        # update
        W.data += -50 * W.grad
        seen.step(loss)
        if k % 20 == 0:
            print(k, loss.item())

# sample
for _ in range(5):
    out, ix = [], 0
    while True:
        p = F.softmax(W[ix], dim=0)
        ix = torch.multinomial(p, num_samples=1, replacement=True, generator=g).item()
        out.append(itos.get(ix, "?"))
        if ix == 0 or len(out) > 20:
            break
    print("".join(out))
